"""Figure 5: two basins, and the way down from a random point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig05_two_solutions
from landscape.result.curve import Array

WIDE = np.sort(np.append(np.linspace(-0.5, 1.5, 31), (0.0, 1.0)))


def basins(a: Array, first: float = 0.0, second: float = 1.0, high: float = 1.05, tilt: float = 0.0) -> Array:
    """A quartic with minima at first and second, of this height between them."""
    scale = 16 * high / (second - first) ** 4
    return 0.136 + scale * (a - first) ** 2 * (a - second) ** 2 + tilt * a


def valley(a: Array, low: float = 1.0, floor: float = 0.136) -> Array:
    return floor + 12_000 * np.abs(a - low) ** 3


def lines(make: Any, ends: str, shape: Any, alphas: Array, **changes: Any) -> Any:
    curves = {
        f"{split}/{m}": make.curve(shape, alphas, changes.get("seeds", 1), split, m)
        for split in ("train", "valid")
        for m in ("stochastic", "deterministic")
    }
    return make.choose(make.result(curves=curves, **changes), endpoints=ends)


def left(make: Any, shape: Any = basins, **changes: Any) -> Any:
    return lines(make, "between_solutions", shape, WIDE, **changes)


def right(make: Any, shape: Any = valley, **changes: Any) -> Any:
    return lines(make, "random_to_solution", shape, make.NINTHS, **changes)


def test_two_solutions_left_and_linear_random_point_right_and_logarithmic(make: Any) -> None:
    figure = fig05_two_solutions.draw([right(make), left(make)])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    assert "two seeds" in figure.axes[0].get_title(loc="left")
    assert figure.axes[0].get_xlim()[0] < -0.5
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["training", "validation"]
    assert len(fig05_two_solutions.draw([right(make)]).axes) == 1


def test_all_claims_hold(make: Any) -> None:
    verdicts = fig05_two_solutions.judge([right(make), left(make, seeds=2)])
    assert [v.check for v in verdicts] == ["5a", "5a", "5b", "5b", "5c", "5c", "5d", "5d", "5d-ratio", "5d-ratio"]
    assert all(v.holds for v in verdicts)
    assert verdicts[0].measured == "2 minima at 0.000, 1.000, 1 maximum between (worst; in 2 of 2 seeds)"
    assert {v.check for v in fig05_two_solutions.judge([left(make)])} == {"5a", "5b", "5c"}
    assert {v.check for v in fig05_two_solutions.judge([right(make)])} == {"5d", "5d-ratio"}


def test_a_basin_off_its_solution_breaks_5a_and_the_twin_has_more_room(make: Any) -> None:
    verdicts = fig05_two_solutions.judge([left(make, lambda a: basins(a, 0.1, 1.0))])
    assert make.pick(verdicts, "5a", "stochastic").holds is False
    assert make.pick(verdicts, "5a", "deterministic").holds is True
    verdicts = fig05_two_solutions.judge([left(make, lambda a: basins(a, 0.2, 1.0))])
    assert make.pick(verdicts, "5a", "deterministic").holds is False


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (lambda a: 0.1 + (a - 0.5) ** 2, "1 minimum at 0.500"),
        (lambda a: basins(a) - 0.8 * np.exp(-(((a - 0.5) / 0.08) ** 2)), "3 minima"),
        (lambda a: 1.0 - 0.1 * a, "no minimum"),
    ],
)
def test_another_number_of_minima_breaks_5a(make: Any, shape: Any, text: str) -> None:
    verdict = make.pick(fig05_two_solutions.judge([left(make, shape)]), "5a", "stochastic")
    assert verdict.holds is False
    assert text in verdict.measured


@pytest.mark.parametrize(("high", "holds"), [(0.25, True), (0.2, False)])
def test_a_low_barrier_breaks_5b(make: Any, high: float, holds: bool) -> None:
    verdict = make.pick(fig05_two_solutions.judge([left(make, lambda a: basins(a, high=high))]), "5b", "stochastic")
    assert verdict.holds is holds
    assert f"{high:.3f} nats above" in verdict.measured


@pytest.mark.parametrize(("tilt", "holds"), [(0.05, True), (0.2, False)])
def test_unequal_solutions_break_5c(make: Any, tilt: float, holds: bool) -> None:
    verdict = make.pick(fig05_two_solutions.judge([left(make, lambda a: basins(a, tilt=tilt))]), "5c", "stochastic")
    assert verdict.holds is holds


def test_5d_wants_one_minimum_at_the_solution(make: Any) -> None:
    off = fig05_two_solutions.judge([right(make, lambda a: valley(a, 1.4))])
    assert make.pick(off, "5d", "stochastic").holds is False
    two = fig05_two_solutions.judge([right(make, lambda a: valley(a) - 2500 * np.exp(-(((a - 0.4) / 0.1) ** 2)))])
    verdict = make.pick(two, "5d", "stochastic")
    assert verdict.holds is False
    assert verdict.measured == "2 minima, argmin at 1.000"


def test_5d_wants_a_long_way_down_but_not_of_a_smoke_run(make: Any) -> None:
    short = right(make, lambda a: valley(a, floor=13.0))
    assert make.pick(fig05_two_solutions.judge([short]), "5d-ratio", "stochastic").holds is False
    smoke = make.pick(fig05_two_solutions.judge([replace(short, scale="smoke")]), "5d-ratio", "stochastic")
    assert smoke.holds is None and "ratio 924" in smoke.measured


def test_solutions_of_a_smoke_run_that_learned_nothing_are_not_judged(make: Any) -> None:
    flat = left(make, lambda a: 2.29 + 1e-4 * a)
    # Without a barrier the difference of the two ends has no unit.
    assert {v.check: v.holds for v in fig05_two_solutions.judge([flat])} == {"5a": False, "5b": False, "5c": None}
    smoke = fig05_two_solutions.judge([replace(flat, scale="smoke")])
    assert {v.holds for v in smoke} == {None}
    assert all("learned next to nothing" in v.note for v in smoke)
    learned = fig05_two_solutions.judge([left(make, lambda a: 1.9 + 1e-4 * a, scale="smoke")])
    assert {v.check: v.holds for v in learned} == {"5a": False, "5b": False, "5c": None}


def test_the_legend_says_of_how_many_pairs_and_seeds(make: Any) -> None:
    def title(*jobs: Any) -> str:
        (legend,) = fig05_two_solutions.draw(list(jobs)).legends
        return str(legend.get_title().get_text())

    assert title(left(make), right(make, seeds=2)) == "line: median of 1 pair, of 2 seeds;\nband: all"
    assert title(right(make, seeds=3), left(make, seeds=2)) == "line: median of 2 pairs, of 3 seeds;\nband: all"
    assert title(left(make), right(make)) in ("", "None")
