"""Theorem 1: lines of trained deep linear nets, their shape proven in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Check, judge_job
from landscape.figure.decided import within_error
from landscape.figure.exact import (
    SPLITS,
    draw_line,
    falls_proven,
    mark_extrema,
    one_maximum_proven,
    statement,
    theory_agrees,
    usable,
)
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

TITLES = {
    "init_to_solution": "from the start to the solution",
    "between_solutions": "between the solutions of two seeds",
    "random_to_solution": "from a random point to the solution",
    "large_random": "from a large random point to the solution",
}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per kind of line, a colour per net: exact curve, measured points, and every extremum that exists."""
    kinds = sorted({r.choices.get("endpoints", "") for r in results}, key=lambda k: (naming.rank(k, TITLES), k))
    figure, grid = style.new(1, len(kinds), width=4.2 * len(kinds) + 1.9, height=3.7)
    for kind, axes in zip(kinds, grid[0], strict=True):
        jobs = [r for r in results if r.choices.get("endpoints", "") == kind]
        for k, (result, name) in enumerate(zip(jobs, naming.names(jobs, brief=True), strict=True)):
            _draw_job(axes, result, name.replace("model.depth=", "depth "), panel.job_look(k))
        tops = [float(v) for curve in axes.lines for v in np.asarray(curve.get_ydata()) if v > 0]
        if tops and max(tops) > 20 * min(tops):
            axes.set_yscale("log")  # what rises outside the ends would flatten what lies between them
        title = style.wrapped(TITLES.get(kind, kind.replace("_", " ")))
        axes.set(title=title, xlabel="α", ylabel="J(θ(α)) [squared error]")
    style.legend_outside(figure)
    first = {r.choices.get("endpoints", ""): r for r in reversed(results) if r.statements}
    notes = [f"{TITLES.get(kind, kind)}: {statement(r.statements[0])}" for kind, r in first.items()]
    notes += ["of several seeds the first is drawn"] * any(r.num_columns > 1 for r in results)
    title = f"Theorem 1: {naming.recipes(results)}{caption.on_data(results)}, extrema proven"
    return caption.finish(figure, results, title, notes, judge(results), ["model.depth"])


def _draw_job(axes: Axes, result: Result, name: str, look: dict[str, Any]) -> None:
    for split in SPLITS:
        exact, seen = result.curves.get(f"{split}/theory"), result.curves.get(f"{split}/deterministic")
        if exact is None or seen is None:
            continue
        columns, _ = usable(result, split)
        if not columns:
            continue
        s = columns[0]  # one line of each job: more would hide one another
        axes.plot(exact.alphas, exact.objective[:, s], label=name, **look)
        draw_line(axes, result, s, split, 12, look["color"])
        mark_extrema(axes, result, s, look["color"], split)
        panel.mark_ends(axes, exact.alphas)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Theory against measurement, and what the certificates prove, of every job."""
    found: list[Verdict] = []
    for kind in dict.fromkeys(r.choices.get("endpoints", "") for r in results):
        jobs = [r for r in results if r.choices.get("endpoints", "") == kind]
        for result, name in zip(jobs, naming.names(jobs), strict=True):
            for split in SPLITS:
                if f"{split}/theory" in result.curves:
                    found += judge_job(checks(kind, split), result, f"{kind}, {name}")
    return found


def checks(kind: str, split: str) -> list[Check[float]]:
    """What theory and certificate say of one kind of line."""
    sentence = "The measured curve is the polynomial of theory"
    agrees = theory_agrees("thm01-theory", "theory A3.1", sentence, split, split)
    if kind == "between_solutions":
        sentence = "Between two solutions J has one maximum, proven"
        shape = one_maximum_proven("thm01-barrier", sentence, "Fig. 5", split, split)
    else:
        source = "Fig. 1" if kind == "init_to_solution" else "Fig. 5"
        sentence = "J falls all the way to the solution, proven"
        shape = falls_proven("thm01-monotone", sentence, source, "decreasing on [0, 1]", split, split)
    return [agrees, shape.claim.by(shape.read, shape.look, note=lambda e: "; ".join(e.result.statements[:1]))]
