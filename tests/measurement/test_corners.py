"""J on the plane through three points against the module itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call

from landscape.endpoints import BetweenSolutions, Checkpoints, EpochToSolution, InitToSolution, Points
from landscape.errors import InputError
from landscape.measurement import OnPath, TrajectoryPlane
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule
from tests.twin import maxout, normal

LAYOUT = ParameterLayout.of(maxout())


def of_three(subject: OnPath, third: torch.Tensor | None = None) -> OnPath:
    """One line of the subject's, and a third point."""
    ends = subject.ends
    assert ends is not None
    third = normal(1, ends.theta_0.shape[1], seed=3) if third is None else third
    points = {"theta_0": ends.theta_0[:1], "theta_1": ends.theta_1[:1], "theta_2": third}
    one: dict[str, Any] = {"labels": ["0"], "seeds": [0], "buffers": [{}], "diverged": [False]}
    return replace(subject, ends=replace(ends, **points, **one))


def test_every_point_of_the_grid_is_the_modules_own_cost_at_its_place(subject: OnPath) -> None:
    subject = of_three(subject)
    measured = TrajectoryPlane(modes=["deterministic"])(subject)
    plane, ends = measured.projections["plane"], subject.ends
    assert plane.objective is not None and plane.second_projection is not None and ends is not None
    assert ends.theta_2 is not None and subject.alphas is not None and subject.dataset is not None
    along = ends.theta_1[0] - ends.theta_0[0]
    x, y = subject.dataset.train.x.double(), subject.dataset.train.y
    k = 0
    for a in subject.alphas:
        for b in subject.alphas:
            theta = ends.theta_0[0] + a * along + b * (ends.theta_2[0] - ends.theta_0[0])
            logits = functional_call(maxout().double().eval(), LAYOUT.unflatten(theta), (x,))
            wanted = torch.nn.functional.cross_entropy(logits, y).item()
            assert plane.objective[k, 0] == pytest.approx(wanted, rel=1e-9)
            shift = theta - ends.theta_0[0]
            assert plane.projection[k, 0] == pytest.approx(float(shift @ along / along.norm()), abs=1e-9)
            distance = float(shift.square().sum()) ** 0.5
            assert np.hypot(plane.projection[k, 0], plane.second_projection[k, 0]) == pytest.approx(distance, abs=1e-9)
            k += 1
    assert k == len(plane.objective) and measured.numbers["plane/lowest"] == [plane.objective.min()]
    np.testing.assert_array_equal(measured.curves["train/deterministic"].alphas, subject.alphas)


def test_three_points_on_one_line_are_no_plane(subject: OnPath) -> None:
    ends = subject.ends
    assert ends is not None
    with pytest.raises(InputError, match="lie on one line"):
        TrajectoryPlane()(of_three(subject, ends.theta_0[:1] + 3 * (ends.theta_1 - ends.theta_0)[:1]))


def test_a_plane_of_three_points_is_flat(subject: OnPath) -> None:
    with pytest.raises(InputError, match="use path=linear"):
        TrajectoryPlane()(replace(of_three(subject), path=lambda *ends: BiasSchedule(*ends, LAYOUT, power=2)))


def test_endpoints_without_a_plane_are_refused_before_any_training() -> None:
    plane = TrajectoryPlane()
    for good in (InitToSolution(), EpochToSolution(0), Checkpoints("a", "b", third="c"), Points([0], [1], [2])):
        plane.check_ends(good)
    for bad in (BetweenSolutions(), EpochToSolution(1), Checkpoints("a", "b"), Points([0], [1])):
        with pytest.raises(InputError, match=r"endpoints=init_to_solution.*endpoints\.third=FILE"):
            plane.check_ends(bad)
