"""Extension 5: whether the barrier between two solutions falls when their units are put in one order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.figure import ext05_symmetry as ext05
from landscape.result.saved import Result

from . import conftest as make
from .conftest import titles

ALPHAS = np.linspace(-0.5, 1.5, 41)


def job(how: str | None, heights: list[float], recipe: str = "maxout", end: float = 0.1, scale: str = "full") -> Result:
    """Lines from J = 0.1 to ``end`` with a bump of each height in the middle."""
    curve = make.curve(alphas=ALPHAS, seeds=len(heights), mode="deterministic", dtype="float64")
    bump = np.maximum(0, 1 - np.abs(2 * ALPHAS - 1))
    objective = np.stack([0.1 + (end - 0.1) * ALPHAS + height * bump for height in heights], axis=1)
    curves = {"train/deterministic": replace(curve, objective=objective)}
    config = {"endpoints": {"_target_": "landscape.endpoints.BetweenSolutions", "align": how}}
    made: Result = make.result(recipe, curves=curves, config=config, seeds=len(heights), scale=scale)
    return make.choose(made, endpoints="between_solutions", recipe=recipe)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("before", "weights", "activations", "random", "melts", "stays"),
    [
        ([1.0, 2.0], [0.25, 0.5], [0.6, 0.6], [1.0, 1.0], True, True),
        ([1.0, 2.0], [0.26, 0.5], [0.6, 0.6], [0.4, 1.5], False, False),
        ([1.0, 2.0], [0.9, 0.9], [0.0, 0.1], [0.6, 1.5], True, True),
        ([1.0, 0.01], [0.1, 0.0], [0.1, 0.0], [1.0, 0.01], None, None),
    ],
    ids=["a quarter is left", "just more", "the better matching counts", "no barrier before"],
)
def test_a_quarter_of_the_barrier_may_be_left(
    before: list[float],
    weights: list[float],
    activations: list[float],
    random: list[float],
    melts: bool | None,
    stays: bool | None,
) -> None:
    heights = {None: before, "weights": weights, "activations": activations, "random": random}
    found = {v.check: v for v in ext05.judge([job(how, values) for how, values in heights.items()])}
    assert found.keys() == {"ext05a", "ext05b", "ext05c"}
    assert (found["ext05a"].holds, found["ext05b"].holds, found["ext05c"].holds) == (melts, stays, True)


def test_adams_nets_are_to_be_connected_and_each_net_is_compared_with_itself() -> None:
    jobs = [job(None, [1.0], "relu_adam"), job("weights", [0.021], "relu_adam"), job("weights", [0.0], "sigmoid")]
    found = ext05.judge(jobs)
    assert [(v.check, v.subject, v.holds) for v in found] == [
        ("ext05a", "relu_adam", True),
        ("ext05c", "relu_adam", True),
        ("ext05d", "relu_adam", False),
    ]
    assert {v.holds for v in ext05.judge([replace(one, scale="smoke") for one in jobs]) if not v.identity} == {None}


def test_an_end_whose_j_moves_is_seen() -> None:
    found = {v.check: v.holds for v in ext05.judge([job(None, [1.0]), job("weights", [0.1], end=0.1001)])}
    assert found["ext05c"] is False


def test_each_net_has_its_panels() -> None:
    jobs = [job(how, [1.0, 1.2], recipe) for recipe in ("maxout", "sigmoid") for how in (None, "weights", "random")]
    figure = ext05.draw(jobs)
    assert [title for title in titles(figure) if title] == ["maxout", "sigmoid"]
    assert [len(axes.lines) for axes in figure.axes] == [5, 5, 4, 4]
