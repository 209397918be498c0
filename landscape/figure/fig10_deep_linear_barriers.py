"""Figure 10: the two-weight linear net between two solutions, and from starts of large norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.exact import SEEN, draw_measured_and_exact, extrema, mark_foot, proven, usable
from landscape.figure.large_starts import JOINED, endpoints, judge, kind_of, other_minima, points_of, sigma_of
from landscape.figure.reading import counted
from landscape.result.saved import Result

__all__ = ["draw", "judge"]

ORDER = ["same_branch", "large_start", "large_random"]
WORDS = {"same_branch": "between two solutions", "large_start": "from a large start"}
LEAST = 1e-9  # of J(0): what the panel of random starts still shows
KINDS = {"falls only": style.BLUE, "another minimum first": style.ORANGE, "climbs first": style.GREEN}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """A panel per job: between two solutions, from a given large start, from many random ones."""
    jobs = sorted(results, key=lambda r: (naming.rank(endpoints(r), ORDER), r.seeds))
    figure, grid = style.new(1, len(jobs), width=3.6 * len(jobs) + 2.4, height=3.8)
    notes = []
    for result, axes in zip(jobs, grid[0], strict=True):
        if endpoints(result) == "large_random":
            notes.append(_draw_random(axes, result))
        else:
            _draw_line(axes, result)
            notes += [f"{WORDS.get(endpoints(result), endpoints(result))}: {text}" for text in proven(result)]
    style.legend_outside(figure)
    title = f"Fig. 10: {naming.recipes(results)}, between solutions and from large starts"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _draw_line(axes: Axes, result: Result) -> None:
    draw_measured_and_exact(axes, result)
    if (joined := result.curves.get(JOINED)) is not None:
        look: dict[str, Any] = {"color": style.PURPLE, "linestyle": (0, (5, 1.6)), "zorder": 3}
        axes.plot(joined.alphas, joined.objective[:, 0], label="along a curve of solutions", **look)
    seen = result.curves.get(SEEN)
    if endpoints(result) == "large_start" and seen is not None and seen.objective.max() > 0:
        axes.set_yscale("log", nonpositive="mask")
        least = float(seen.objective[seen.objective > 1e-6].min())
        axes.set_ylim(0.3 * least, 3 * float(seen.objective.max()))
        for point in extrema(result, 0):
            mark_foot(axes, point.alpha, "exact minimum", color=style.GREEN, markersize=6, zorder=4)
    points = points_of(result)
    name = WORDS.get(endpoints(result), "")
    words = "({:g}, {:g}) to ({:g}, {:g})".format(*points[0], *points[1]) if points is not None else ""
    title = "\n".join(text for text in (name or endpoints(result).replace("_", " "), words) if text)
    axes.set(title=title, xlabel="α", ylabel="J(θ(α)) [squared error]")


def _draw_random(axes: Axes, result: Result) -> str:
    """Every line in units of its own J(0), coloured by its kind; returns what the panel leaves out."""
    seen = result.curves.get(SEEN)
    columns = usable(result)[0]
    if seen is None or not columns:
        panel.close(axes, panel.Drawn())
        return ""
    kinds = {s: kind_of(result, s) for s in columns}
    for kind, color in KINDS.items():
        lines = [s for s in columns if kinds[s] == kind]
        for s in lines:
            share, label = seen.objective[:, s] / seen.objective[0, s], f"{kind}: {counted(len(lines), 'line')}"
            axes.plot(seen.alphas, share, label=label, color=color, linewidth=0.7, alpha=0.7)
            for point in other_minima(result, s):
                mark_foot(axes, point.alpha, "the other minimum, exact", color=color, markersize=3.5)
    panel.mark_ends(axes, seen.alphas)
    axes.set_yscale("log", nonpositive="mask")
    axes.set_ylim(LEAST, 10)
    scale = sigma_of(result)
    start = f"N(0, {scale:g}²)" if scale else "random points"
    title = f"from {len(columns)} large random starts\n{start} to each seed's solution"
    axes.set(title=title, xlabel="α", ylabel="J(θ(α)) / J(θ(0))")
    return (
        f"random starts: each line in units of its own J(0), shown down to {LEAST:g}; other minima marked at the foot"
    )
