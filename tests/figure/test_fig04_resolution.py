"""Figure 4: four panels, and claims that only float64 can settle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig04_resolution
from landscape.result.curve import Array

from . import conftest as make
from .conftest import titles

GRIDS = {
    "unit_200": np.arange(200) / 199,
    "near_init": np.linspace(0, 0.01, 200),
    "near_solution": np.linspace(0.99, 1, 200),
}


def smooth(a: Array) -> Array:
    """Falls everywhere on [0, 1]: concave at first, convex at the end."""
    return 0.02 + 2.28 * (0.5 + 0.5 * np.cos(np.pi * np.minimum(a, 2) * 0.98))


def job(name: str, shape: Any = smooth, dtype: str = "float64", seeds: int = 1) -> Any:
    """A ReLU job without dropout on one of the three grids."""
    made = make.curve(shape, GRIDS[name], seeds, mode="deterministic", dtype=dtype)
    return make.choose(make.result("relu", curves={"train/deterministic": made}, seeds=seeds), alphas=name)


def all_jobs(**shapes: Any) -> list[Any]:
    return [job(name, shapes.get(name, smooth)) for name in GRIDS]


def test_four_panels() -> None:
    figure = fig04_resolution.draw(all_jobs())
    assert [title[:3] for title in titles(figure)] == ["(a)", "(b)", "(c)", "(d)"]
    whole, zoom, start, end = figure.axes
    low, high = smooth(np.ones(1))[0], smooth(np.zeros(1))[0]
    assert zoom.get_ylim()[1] == pytest.approx(low + 0.05 * (high - low))
    assert zoom.get_ylim()[0] < low
    first = GRIDS["unit_200"][whole.lines[0].get_ydata() <= zoom.get_ylim()[1]][0]
    assert first > zoom.get_xlim()[0] > first - 0.1  # no room where no line is
    np.testing.assert_array_equal(whole.lines[0].get_ydata(), zoom.lines[0].get_ydata())
    assert start.get_xlim()[1] < 0.02 and end.get_xlim()[0] > 0.98
    assert "float64" in figure._suptitle.get_text()


@pytest.mark.parametrize(("name", "panels"), [("unit_200", 2), ("near_init", 1), ("near_solution", 1)])
def test_one_job_draws_its_own_panels(name: str, panels: int) -> None:
    assert len(fig04_resolution.draw([job(name)]).axes) == panels


def test_positions_of_ones_own_are_still_drawn() -> None:
    curve = make.curve(smooth, np.linspace(0.3, 0.6, 50), mode="deterministic")
    made = make.result("relu", curves={"train/deterministic": curve})
    assert fig04_resolution.draw([made]).axes and fig04_resolution.judge([made]) == []


def test_one_rise_of_a_billionth_breaks_4a() -> None:
    for size, holds in ((3e-9, False), (3e-10, True)):
        jobs = all_jobs()
        values = jobs[0].curves["train/deterministic"].objective
        values[80:, 0] += values[79, 0] - values[80, 0] + size
        verdict = make.pick(fig04_resolution.judge(jobs), "4a", "relu")
        assert verdict.holds is holds


@pytest.mark.parametrize(
    ("check", "where", "shape", "holds", "text"),
    [
        (
            "4b",
            "near_init",
            lambda a: smooth(a) + 1e-4 * np.sin(np.pi * a / 0.002) * (a < 0.002),
            False,
            "of 199 steps",
        ),
        ("4b", "near_init", lambda a: smooth(np.maximum(a, 0.001)), False, "fall, largest step 0 nats"),
        ("4c", "near_solution", lambda a: smooth(a) + 1e-4 * np.sin((a - 0.99) * 2000), False, "change"),
        ("4c", "near_solution", lambda a: 0.02 + 0.5 * (a - 0.99) ** 2, True, "rise"),  # by 5e-5, one way
        ("4c", "near_solution", lambda a: 0.02 + 0.04 * (a - 0.99), False, "rise"),  # by 4e-4
        ("4d", "unit_200", lambda a: smooth(a) + 0.3 * np.abs(np.sin(40 * a)), False, "of its range"),
    ],
)
def test_what_breaks_a_claim(check: str, where: str, shape: Any, holds: bool, text: str) -> None:
    """A barrier, or a level, at the start; structure near the solution; a kink."""
    verdicts = fig04_resolution.judge(all_jobs(**{where: shape}))
    found = next(v for v in verdicts if v.check == check)
    assert found.holds is holds and text in found.measured


def test_4c_needs_the_whole_line_of_the_same_job() -> None:
    whole, _, end = all_jobs()
    assert "4c" not in {v.check for v in fig04_resolution.judge([end])}
    other = replace(whole, overrides=["recipe=relu", "optimizer.lr=0.5"])
    assert "4c" not in {v.check for v in fig04_resolution.judge([other, end])}
    assert "4c" in {v.check for v in fig04_resolution.judge([whole, end])}


def test_4d_needs_samples_for_a_spline() -> None:
    few = make.curve(smooth, np.linspace(0, 1, 20), mode="deterministic", dtype="float64")
    short = fig04_resolution.judge([make.result("relu", curves={"train/deterministic": few})])
    assert make.pick(short, "4d", "relu").holds is None


def test_float32_is_not_judged_where_rounding_is_larger_than_the_slack() -> None:
    verdicts = fig04_resolution.judge([job(name, dtype="float32") for name in GRIDS])
    assert [v.holds for v in verdicts] == [None, None, None, True, True, True]
    assert "float64" in verdicts[0].note
