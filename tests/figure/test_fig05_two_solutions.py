"""Figure 5: two basins, and the way down from a random point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig05_two_solutions
from landscape.result.curve import Array

from . import conftest as make
from .conftest import labels

WIDE = np.sort(np.append(np.linspace(-0.5, 1.5, 31), (0.0, 1.0)))


def basins(a: Array, first: float = 0.0, second: float = 1.0, high: float = 1.05, tilt: float = 0.0) -> Array:
    """A quartic with minima at first and second, of this height between them."""
    scale = 16 * high / (second - first) ** 4
    return 0.136 + scale * (a - first) ** 2 * (a - second) ** 2 + tilt * a


def valley(a: Array, low: float = 1.0, floor: float = 0.136) -> Array:
    return floor + 12_000 * np.abs(a - low) ** 3


def lines(ends: str, shape: Any, alphas: Array, **changes: Any) -> Any:
    curves = make.curves(shape, alphas, changes.get("seeds", 1))
    return make.choose(make.result(curves=curves, **changes), endpoints=ends)


def left(shape: Any = basins, **changes: Any) -> Any:
    return lines("between_solutions", shape, WIDE, **changes)


def right(shape: Any = valley, **changes: Any) -> Any:
    return lines("random_to_solution", shape, make.NINTHS, **changes)


def judged(made: Any, check: str, mode: str = "stochastic") -> Any:
    return make.pick(fig05_two_solutions.judge([made]), check, mode)


def test_two_solutions_left_and_linear_random_point_right_and_logarithmic() -> None:
    figure = fig05_two_solutions.draw([right(), left()])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    assert "two seeds" in figure.axes[0].get_title(loc="left")
    assert figure.axes[0].get_xlim()[0] < -0.5
    assert labels(figure)[:2] == ["training", "validation"]
    assert len(fig05_two_solutions.draw([right()]).axes) == 1


def test_each_panel_has_its_own_claims() -> None:
    pair = fig05_two_solutions.judge([left(seeds=2)])
    assert {v.check for v in pair} == {"5a", "5b", "5c"}
    assert pair[0].measured == "2 minima at 0.000, 1.000, 1 maximum between (worst; in 2 of 2 seeds)"
    assert {v.check for v in fig05_two_solutions.judge([right()])} == {"5d", "5d-ratio"}


def test_a_basin_off_its_solution_breaks_5a_and_the_twin_has_more_room() -> None:
    for off, holds in ((0.1, True), (0.2, False)):
        job = left(lambda a, off=off: basins(a, off, 1.0))
        assert judged(job, "5a").holds is False
        assert judged(job, "5a", "deterministic").holds is holds


@pytest.mark.parametrize(
    ("ends", "shape", "check", "holds", "text"),
    [
        (left, lambda a: 0.1 + (a - 0.5) ** 2, "5a", False, "1 minimum at 0.500"),
        (left, lambda a: basins(a) - 0.8 * np.exp(-(((a - 0.5) / 0.08) ** 2)), "5a", False, "3 minima"),
        (left, lambda a: 1.0 - 0.1 * a, "5a", False, "no minimum"),
        (left, lambda a: basins(a, high=0.25), "5b", True, "0.250 nats above"),
        (left, lambda a: basins(a, high=0.2), "5b", False, "0.200 nats above"),
        (left, lambda a: basins(a, tilt=0.05), "5c", True, "differ by"),
        (left, lambda a: basins(a, tilt=0.2), "5c", False, "differ by"),
        (right, lambda a: valley(a, 1.4), "5d", False, "1 minimum, argmin at 1.4"),
        (right, lambda a: valley(a) - 2500 * np.exp(-(((a - 0.4) / 0.1) ** 2)), "5d", False, "2 minima, argmin at 1.0"),
        (right, lambda a: valley(a, floor=13.0), "5d-ratio", False, "ratio 924"),
    ],
)
def test_what_breaks_a_claim(ends: Any, shape: Any, check: str, holds: bool, text: str) -> None:
    """Another number of minima, a low barrier, unequal solutions, a minimum elsewhere, a short way down."""
    verdict = judged(ends(shape), check)
    assert verdict.holds is holds and text in verdict.measured


def test_a_smoke_run_need_not_go_a_long_way_down() -> None:
    assert judged(right(lambda a: valley(a, floor=13.0), scale="smoke"), "5d-ratio").holds is None


def test_solutions_of_a_smoke_run_that_learned_nothing_are_not_judged() -> None:
    flat = left(lambda a: 2.29 + 1e-4 * a)
    # Without a barrier the difference of the two ends has no unit.
    assert {v.check: v.holds for v in fig05_two_solutions.judge([flat])} == {"5a": False, "5b": False, "5c": None}
    smoke = fig05_two_solutions.judge([replace(flat, scale="smoke")])
    assert {v.holds for v in smoke} == {None}
    assert all("learned next to nothing" in v.note for v in smoke)
    learned = fig05_two_solutions.judge([left(lambda a: 1.9 + 1e-4 * a, scale="smoke")])
    assert {v.check: v.holds for v in learned} == {"5a": False, "5b": False, "5c": None}


def test_the_legend_says_of_how_many_pairs_and_seeds() -> None:
    def title(*jobs: Any) -> str:
        (legend,) = fig05_two_solutions.draw(list(jobs)).legends
        return str(legend.get_title().get_text())

    assert title(left(), right(seeds=2)) == "line: median of 1 pair and of 2 seeds, band: all"
    assert title(right(seeds=3), left(seeds=2)) == "line: median of 2 pairs and of 3 seeds, band: all"
    assert title(left(), right()) in ("", "None")
