"""Extension 6: which ways climb, against the line between the same two solutions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from landscape.figure import ext06_connection as ext06
from landscape.result.saved import Result

from . import conftest as make
from .conftest import labels, titles

ALPHAS = np.linspace(0, 1, 51)
PARABOLA = 4 * ALPHAS * (1 - ALPHAS)


def job(path: str, heights: list[float], align: str | None = None, error: float = 0.0) -> Result:
    """Of each pair J = 0.02 at the ends, and so much more in the middle; the error likewise, from 0.03."""
    curve = make.curve(alphas=ALPHAS, seeds=len(heights), mode="deterministic", dtype="float64")
    objective = 0.02 + PARABOLA[:, None] * np.array(heights)
    errors = 0.03 + error * PARABOLA[:, None] * np.ones(len(heights))
    curves = {
        f"{split}/deterministic": replace(curve, split=split, objective=objective, metrics={"error": errors})
        for split in ("train", "valid")
    }
    config = {"dimensions": {"classes": 10}, "endpoints": {"align": align}}
    made: Result = make.result("digits", curves=curves, config=config, seeds=len(heights), overrides=[f"path={path}"])
    return make.choose(made, endpoints="between_solutions", path=path)  # type: ignore[no-any-return]


def held(results: list[Result]) -> dict[tuple[str, str], bool | None]:
    return {(v.check, v.subject.split(", ", 1)[1]): v.holds for v in ext06.judge(results)}


def test_each_way_is_held_against_the_line_of_its_own_pair() -> None:
    jobs = [job("linear", [1.0, 0.5]), job("bezier", [0.09, 0.04]), job("polygon", [0.04, 0.06])]
    assert held([*jobs, job("linear", [0.02, 0.3], "weights")]) == {
        ("ext06a", "line"): True,
        ("ext06b", "Bézier curve"): True,
        ("ext06b", "polygon"): False,  # 0.06 of 0.5, though 0.04 of 1
        ("ext06d", "line, units matched"): False,
        ("ext06c", "all ways"): False,
        ("ext06e", "Bézier curve"): True,
        ("ext06e", "polygon"): True,
    }
    assert held([jobs[0], job("bezier", [0.3, 0.3])])["ext06c", "all ways"] is True
    worse = held([jobs[0], job("bezier", [0.0, 0.0], error=0.011)])
    assert worse["ext06e", "Bézier curve"] is False


def test_without_a_barrier_on_the_line_no_way_goes_round_it() -> None:
    found = held([job("linear", [1.0, 0.22]), job("bezier", [0.0, 0.0])])
    assert found["ext06a", "line"] is False
    assert found["ext06b", "Bézier curve"] is None and found["ext06c", "all ways"] is False  # the first pair's is gone
    assert held([job("linear", [0.1, 0.1]), job("bezier", [0.0, 0.0])])["ext06c", "all ways"] is None
    assert held([job("bezier", [0.0])]) == {}
    jobs = [job("linear", [1.0]), job("bezier", [0.0]), job("linear", [0.0], "weights")]
    assert set(held([replace(result, scale="smoke") for result in jobs]).values()) == {None}


def test_the_figure_shows_every_way_and_what_counts() -> None:
    figure = ext06.draw([job("linear", [1.0, 0.5]), job("bezier", [0.05, 0.0]), job("linear", [0.1, 0.1], "weights")])
    assert [title.split(": ")[-1] for title in titles(figure)[:3]] == [
        "training J",
        "validation error",
        "how high each way climbs",
    ]
    assert {"line", "Bézier curve", "line, units matched", "counts as a barrier"} <= set(labels(figure))
