"""Figure 3: J along the line of several networks on one logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, claims, naming, panel, style
from landscape.figure.reading import Claim, Reading, covers, verdict
from landscape.result.curve import value_at
from landscape.result.saved import Result
from landscape.result.verdict import Verdict


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Training J of every job, and its validation J thin and dotted."""
    figure, grid = style.new(1, 1, width=7.4, height=4.2)
    axes = grid[0][0]
    words = [name.replace("_", " with ") for name in naming.names(results)]
    drawn = panel.draw_jobs(axes, results, words, ("train", "valid"))
    axes.set_yscale("log")
    panel.label_line(axes, "", drawn, legend=False)
    style.legend_outside(figure, drawn.legend_title)
    return caption.finish(
        figure,
        results,
        f"Fig. 3: the lines on a logarithmic axis{caption.on_data(results)}",
        drawn.notes,
        verdicts=judge(results),
    )


def judge(results: Sequence[Result]) -> list[Verdict]:
    """3a: each line is monotone; 3b: all start at the same J; 3c: each has its minimum at the solution."""
    found: list[Verdict] = []
    pairs = list(zip(results, naming.names(results), strict=True))
    for result, name in pairs:
        found += claims.monotone(result, name, "3a", "Fig. 3", ("train",))
    found += same_start(results)
    for result, name in pairs:
        found += claims.one_minimum_at_solution(result, name, "3c", "Fig. 3", ("train",))
    return found


def same_start(results: Sequence[Result]) -> list[Verdict]:
    """3b: the J(0) of all jobs and seeds lie within 0.005 nats of each other; needs two recipes."""
    claim = Claim("3b", "All networks start at the same J", "Fig. 3", "spread of J(0) <= 0.005", identity=True)
    found = []
    for mode in ("stochastic", "deterministic"):
        starts: list[float] = []
        notes, judged = [], []
        for result in results:
            curve = result.curves.get(f"train/{mode}")
            if curve is not None and covers(curve, 0, 0):
                columns, note = result.usable(curve.objective)
                starts += [value_at(curve.alphas, curve.objective[:, s], 0.0) for s in columns]
                notes.append(note)
                judged += [result] if columns else []
        if len({naming.recipe(result) for result in judged}) > 1:
            spread = max(starts) - min(starts)
            reading = Reading(f"spread {spread:.2g} nats over {len(starts)} lines", spread <= 0.005, spread)
            found.append(verdict(claim, judged[0], f"all, train, {mode}", [reading], "; ".join(filter(None, notes))))
    return found
