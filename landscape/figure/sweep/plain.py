"""One job drawn alone, or a few that no key tells apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import fig13_maxout_residual as residual
from landscape.figure import line, style, subject
from landscape.figure.sweep import plane
from landscape.figure.sweep.verdicts import judge
from landscape.result.saved import Result

MAX_NAMED = 4
"""Nets that a title names one by one."""
Panel = Callable[[Axes], line.Drawn]


def draw(results: Sequence[Result], shown: Sequence[Result] = (), said: Sequence[str] = ()) -> Figure:
    """J along each line, J during training and the track off the line: whatever these jobs hold.

    One job is coloured by split; several share each panel, a colour per job.

    Args:
        shown: the curves, where they are not those of ``results`` one by one. said: sentences for the footer.
    """
    shown = shown or results
    panels = _panels(shown, subject.names(shown, brief=True))
    if not panels:
        figure, grid = style.new(1, 1, width=4.8)
        line.close(grid[0][0], line.Drawn())
        return style.finish(figure, results, title(results), said, verdicts=judge(results))
    columns = min(len(panels), 2)
    figure, grid = style.new(math.ceil(len(panels) / columns), columns, width=3.7 * columns + 2.6)
    flat = [axes for row in grid for axes in row]
    drawn = line.Drawn()
    for panel, axes in zip(panels, flat, strict=False):
        drawn += panel(axes)
    for axes in flat[len(panels) :]:
        axes.remove()
    style.legend_outside(figure, drawn.legend_title)
    return style.finish(figure, results, title(results), [*said, *drawn.notes], verdicts=judge(results))


def title(results: Sequence[Result]) -> str:
    """The recipes or models, and the data where they do not say it."""
    nets = list(dict.fromkeys(subject.net(result) for result in results))
    words = ", ".join(nets) if len(nets) <= MAX_NAMED else f"{len(nets)} nets"
    return f"{words}{style.on_data(results) if words != results[0].choices.get('data') else ''}"


def _panels(results: Sequence[Result], labels: Sequence[str]) -> list[Panel]:
    """What there is to draw, in reading order."""
    alone = len(results) == 1
    panels: list[Panel] = []
    splits = [split for split in ("train", "valid") if any(line.primary(result, split) for result in results)]
    groups = [tuple(splits)] if alone and splits else [(split,) for split in splits]
    for group in groups:

        def along(axes: Axes, group: tuple[str, ...] = group) -> line.Drawn:
            drawn = (
                line.draw_splits(axes, results[0], group, line.differ(results[0]))
                if alone
                else line.draw_jobs(axes, results, labels, group)
            )
            if _spans_decades(results, group):
                axes.set_yscale("log")
            ends = ", ".join(dict.fromkeys(r.choices.get("endpoints", "a line").replace("_", " ") for r in results))
            title = ends if alone else f"{ends}, {style.SPLIT_WORD[group[0]]}"
            line.label_line(axes, title, drawn, legend=False)
            return drawn

        panels.append(along)
    if any(result.learning_curve is not None for result in results):

        def learning(axes: Axes) -> line.Drawn:
            drawn = line.draw_learning(axes, results[0]) if alone else line.draw_histories(axes, results, labels)
            line.label_learning(
                axes, "during training" if alone else "during training, validation", drawn, legend=False
            )
            return drawn

        panels.append(learning)
    if any("trajectory" in result.projections for result in results):

        def off_line(axes: Axes) -> line.Drawn:
            notes = residual.draw_tracks(axes, results, labels, equal=False)
            if (inner := axes.get_legend()) is not None:
                inner.remove()  # its entries are in the legend beside the panels
            axes.set_title("off the line")
            return line.Drawn((), tuple(notes))

        panels.append(off_line)
    for result, label in zip(results, labels, strict=True):
        if plane.has_plane(result):
            name = f"J on the plane, {style.SPLIT_WORD['train']}"
            panels.append(partial(plane.draw_plane, result=result, title=name if alone else f"{name}: {label}"))
    return panels


def _spans_decades(results: Sequence[Result], splits: Sequence[str]) -> bool:
    """Whether J is positive everywhere and its largest value exceeds its smallest a thousandfold."""
    curves = [line.primary(result, split) for result in results for split in splits]
    finite = [curve.objective[np.isfinite(curve.objective)] for curve in curves if curve is not None]
    values = np.concatenate(finite) if finite else np.zeros(0)
    return bool(values.size and values.min() > 0 and values.max() > 1000 * values.min())
