"""The turning of a direction: arcs, corners, rests, and a polyline's turning as theory has it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from landscape.result.curve import turning
from theory.smooth import gauss_length


@pytest.mark.parametrize("num", [3, 7, 50])
def test_an_arc_turns_by_its_angle_however_it_is_sampled(num: int) -> None:
    at = np.sort(np.random.default_rng(num).uniform(0, 1, num))
    at[0], at[-1] = 0, 1
    angle = 2.5 * at
    speed = np.exp(at)  # how fast it is walked does not matter
    assert turning(speed[:, None] * np.stack([-np.sin(angle), np.cos(angle)], axis=1)) == pytest.approx(2.5, rel=1e-12)


def test_small_angles_are_not_lost() -> None:
    tangents = np.array([[1.0, 0.0], [1.0, 3e-9], [1.0, 9e-9]])
    assert turning(tangents) == pytest.approx(9e-9, rel=1e-6)


def test_a_back_and_forth_turns_by_half_a_circle_each_time() -> None:
    assert turning(np.array([[1.0, 0], [-2.0, 0], [3.0, 0]])) == pytest.approx(2 * math.pi)


def test_many_curves_at_once_are_those_of_theory_one_by_one() -> None:
    points = np.cumsum(np.random.default_rng(2).normal(size=(9, 4, 3)), axis=0)  # [A, N, C]
    found = turning(np.diff(points, axis=0))
    assert found.tolist() == pytest.approx([gauss_length.turning(points[:, n]) for n in range(4)], rel=1e-12)


def test_a_rest_has_no_direction() -> None:
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [1e-12, -1e-12], [0.0, 1.0]])
    assert turning(corner, floor=1e-10) == pytest.approx(math.pi / 2)
    assert turning(corner) > 2.0  # rounding would count as a turn
    assert turning(np.zeros((5, 2, 3))).tolist() == [0, 0]
    both = turning(np.stack([corner, corner], axis=1), floor=np.array([1e-10, 0.0]))
    assert both.tolist() == [turning(corner, 1e-10), turning(corner)]


def test_a_nan_makes_its_own_curve_nan() -> None:
    tangents = np.ones((4, 2, 2))
    tangents[2, 1, 0] = math.nan
    assert turning(tangents)[0] == 0 and np.isnan(turning(tangents)[1])
