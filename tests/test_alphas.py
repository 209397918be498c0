"""Grids."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from landscape.alphas import (
    Adaptive,
    between_ends,
    checked,
    evenly,
    explicit,
    fractions,
    merged,
    thinned,
    with_positions,
)
from landscape.errors import InputError


@pytest.mark.parametrize(("num", "divisions", "first"), [(20, 9, 0), (200, 199, 0), (31, 10, -13), (1, 7, 7)])
def test_fractions_are_the_nearest_floats_to_exact_fractions(num: int, divisions: int, first: int) -> None:
    plain = [float(Fraction(first + k, divisions)) for k in range(num)]
    assert fractions(num, divisions, first).tolist() == plain


def test_the_papers_grids_hit_both_ends() -> None:
    standard = fractions(20, 9)
    assert standard[0] == 0 and standard[9] == 1 and standard[19] == 19 / 9
    fine = fractions(200, 199)
    assert fine[0] == 0 and fine[199] == 1 and len(fine) == 200


def test_evenly_adds_the_ends_only_where_they_are_missed_and_inside() -> None:
    grid = evenly(-0.5, 1.5, 31, ends=True)
    assert len(grid) == 33 and {0.0, 1.0} <= set(grid.tolist()) and (np.diff(grid) > 0).all()
    assert {-0.5, 1.5} <= set(grid.tolist())
    assert evenly(-0.5, 1.5, 31).tolist() == np.linspace(-0.5, 1.5, 31).tolist()
    assert evenly(0.0, 0.01, 3, ends=True).tolist() == [0.0, 0.005, 0.01]
    assert evenly(-1.0, 2.0, 4, ends=True).tolist() == [-1.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize(("first", "last", "num"), [(-0.3, 1.2, 16), (-0.7, 1.4, 22), (-0.1, 1.1, 13)])
def test_an_end_that_rounding_misses_is_put_exactly(first: float, last: float, num: int) -> None:
    """Steps of 0.1 land near 0 and 1 without being them."""
    grid = evenly(first, last, num, ends=True)
    assert len(grid) == num
    assert 0.0 in grid and 1.0 in grid


def test_a_position_takes_the_place_of_a_point_that_is_all_but_it() -> None:
    grid = np.linspace(-1, 1, 5) + 2.8e-9
    found = with_positions(grid, [0.0], share=1e-6)
    assert len(found) == 5 and 0.0 in found and found[[0, 1, 3, 4]].tolist() == grid[[0, 1, 3, 4]].tolist()
    assert with_positions(grid, [0.0]).tolist() == [*grid[:2], 0.0, *grid[2:]]
    both = with_positions(grid, [0.0, 1e-9, 0.25], share=1e-6)  # none gives way to another
    assert both.tolist() == [*grid[:2], 0.0, 1e-9, 0.25, *grid[3:]]


def test_thinning_keeps_the_ends_the_order_and_about_the_number() -> None:
    grid = checked(fractions(200, 99, first=-40))
    few = thinned(grid, 12)
    assert {grid[0], grid[-1], 0.0, 1.0} <= set(few.tolist()) and set(few.tolist()) <= set(grid.tolist())
    assert 12 <= len(few) <= 14 and (np.diff(few) > 0).all()
    assert thinned(grid, None) is grid and thinned(grid, 200) is grid
    assert {0.0, 1.0} <= set(thinned(fractions(20, 9), 2).tolist())


def test_a_curve_is_looked_at_between_its_ends() -> None:
    assert between_ends(fractions(20, 9)).tolist() == fractions(10, 9).tolist()
    cut = between_ends(Adaptive(fractions(20, 9), max_points=30))
    assert isinstance(cut, Adaptive) and len(cut.start) == 10 and cut.max_points == 30
    for grid in (evenly(0.0, 1.0, 5), evenly(1.0, 2.0, 5), evenly(3.0, 4.0, 5)):  # all of it, or hardly any
        assert between_ends(grid) is grid


def test_merged_grids_hold_every_point_of_each_once() -> None:
    fine, coarse = evenly(0.0, 1.2, 41), fractions(20, 9)
    both = checked(merged([fine, coarse]))
    assert all(np.abs(both - point).min() < 1e-12 for point in (*fine, *coarse))
    exact = {Fraction(3 * k, 100) for k in range(41)} | {Fraction(k, 9) for k in range(20)}
    assert len(both) == len(exact) == 60 and {0.0, 1.0} <= set(both.tolist())
    off = merged([np.array([0.1 + 0.2, 1 - 1e-16 - 1e-14]), np.array([0.3, -1e-15, 1.0])])
    assert len(off) == 3 and off[0] == 0.0 and off[2] == 1.0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: fractions(0, 9), "alphas.num=0"),
        (lambda: fractions(3, 0), "alphas.divisions=0"),
        (lambda: evenly(0, 1, 1), "num=1"),
        (lambda: evenly(1, 0, 5), "last > first"),
        (lambda: checked(explicit([])), "alphas is empty"),
        (lambda: checked(merged([])), "alphas is empty"),
        (lambda: checked(explicit([0.0, float("nan")])), "alphas holds nan"),
        (lambda: checked(explicit([0.0, 0.5, 0.5])), "0.5 is followed by 0.5"),
        (lambda: checked(np.zeros((2, 2))), "shape"),
        (lambda: fractions(1.5, 9), "alphas.num=1.5 must be a whole number"),
        (lambda: fractions(10, None), "alphas.divisions=None must be a whole number"),
        (lambda: evenly(0.0, "a", 3), "alphas.last=a must be a finite number"),
        (lambda: evenly(0.0, float("inf"), 3), "alphas.last=inf must be a finite number"),
        (lambda: explicit([0, "a"]), "alphas.values=[0, 'a'] must be a list of numbers"),
        (lambda: Adaptive([0.0, 1.0], max_points=2.5), "alphas.max_points=2.5 must be a whole number"),
        (lambda: Adaptive([0.0, 1.0], tolerance="a"), "alphas.tolerance=a must be positive"),
    ],
)
def test_grids_that_cannot_be_are_refused_by_name(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        make()
