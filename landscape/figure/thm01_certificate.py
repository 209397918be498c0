"""Theorem 1: lines of trained deep linear nets, their shape proven in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import line, style, subject
from landscape.figure.exact import CLOSE, extrema, values
from landscape.figure.reading import Claim, Reading, counted, verdict
from landscape.result import Result
from landscape.verdict import Verdict

TITLES = {
    "init_to_solution": "from the start to the solution",
    "between_solutions": "between the solutions of two seeds",
    "random_to_solution": "from a random point to the solution",
}
SPLITS = ("train", "valid", "test")


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per kind of line, a colour per net: exact curve, measured points, and every extremum that exists."""
    order = list(TITLES)
    kinds = sorted(
        {r.choices.get("endpoints", "") for r in results}, key=lambda k: (order.index(k) if k in order else 9, k)
    )
    figure, grid = style.new(1, len(kinds), width=4.2 * len(kinds) + 1.9, height=3.7)
    for kind, axes in zip(kinds, grid[0], strict=True):
        jobs = [r for r in results if r.choices.get("endpoints", "") == kind]
        for k, (result, name) in enumerate(zip(jobs, subject.names(jobs, brief=True), strict=True)):
            _draw_job(axes, result, name, line.job_look(k))
        tops = [float(v) for curve in axes.lines for v in np.asarray(curve.get_ydata()) if v > 0]
        if tops and max(tops) > 20 * min(tops):
            axes.set_yscale("log")  # what rises outside the ends would flatten what lies between them
        axes.set(title=style.wrapped(TITLES.get(kind, kind)), xlabel="α", ylabel="J(θ(α)) [squared error]")
    style.legend_outside(figure)
    recipes = " and ".join(dict.fromkeys(subject.recipe(result) for result in results))
    first = {r.choices.get("endpoints", ""): r for r in reversed(results) if r.statements}
    notes = [f"{kind}: {r.statements[0]}" for kind, r in first.items()]
    title = f"Theorem 1: {recipes}{style.on_data(results)}, extrema proven"
    return style.finish(figure, results, title, notes, verdicts=judge(results))


def _draw_job(axes: Axes, result: Result, name: str, look: dict[str, Any]) -> None:
    for split in SPLITS:
        exact, seen = result.curves.get(f"{split}/theory"), result.curves.get(f"{split}/deterministic")
        if exact is None or seen is None:
            continue
        # One line of each job: more would hide one another.
        axes.plot(exact.alphas, exact.objective[:, 0], label=name, **look)
        every = max(1, len(seen.alphas) // 12)
        axes.plot(seen.alphas[::every], seen.objective[::every, 0], "o", markersize=4, markerfacecolor="none",
                  color=look["color"], label="measured")  # fmt: skip
        for alpha, value, is_minimum in extrema(result, 0, split):
            axes.plot([alpha], [value], "v" if is_minimum else "^", color=look["color"], markersize=6,
                      label="exact minimum" if is_minimum else "exact maximum")  # fmt: skip
        line.mark_ends(axes, exact.alphas)


def judge(results: Sequence[Result]) -> list[Verdict]:
    """Theory against measurement, and what the certificates prove, of every job."""
    found: list[Verdict] = []
    for kind in dict.fromkeys(r.choices.get("endpoints", "") for r in results):
        jobs = [r for r in results if r.choices.get("endpoints", "") == kind]
        for result, name in zip(jobs, subject.names(jobs), strict=True):
            for split in SPLITS:
                if f"{split}/theory" in result.curves:
                    found += _judge(result, f"{kind}, {name}, {split}", kind, split)
    return found


def _judge(result: Result, about: str, kind: str, split: str) -> list[Verdict]:
    claim = Claim("thm01-theory", "The measured curve is the polynomial of theory", "theory A3.1", f"<= {CLOSE:g}")
    readings = [Reading(f"{v:.2g} of the largest J", v <= CLOSE, v) for v in values(result, "theory_deviation", split)]
    found = [verdict(claim, result, about, readings)]
    proof = "; ".join(result.statements[:1])
    if kind == "between_solutions":
        maxima = values(result, "proven_num_maxima", split)
        claim = Claim(
            "thm01-barrier", "Between two solutions J has one maximum, proven", "Fig. 5", "1 maximum on (0, 1)"
        )
        readings = [Reading(f"{counted(int(v), 'maximum')}, proven", v == 1, abs(v - 1)) for v in maxima]
    else:
        decreasing = values(result, "proven_decreasing", split)
        claim = Claim("thm01-monotone", "J falls all the way to the solution, proven", "Fig. 1", "decreasing on [0, 1]")
        readings = [Reading("proven decreasing" if v == 1 else "proven not to fall all the way", v == 1, 1 - v)
                    for v in decreasing]  # fmt: skip
    return found + ([verdict(claim, result, about, readings, proof)] if readings else [])
