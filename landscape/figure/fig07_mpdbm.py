"""Figure 7: the multi-prediction machine's line, and the plane in which its training went round that line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.beside import draw_beside, points
from landscape.figure.reading import SLACK, primary
from landscape.figure.second_minimum import PARTS, judge, starts, unit
from landscape.figure.turnable import plotly
from landscape.result.curve import Curve
from landscape.result.saved import Result

__all__ = ["draw", "judge", "make_pages"]

NINTHS = 9  # the paper's coarse grid is k/9
UNTIL = 1.2  # of the line in three dimensions: what lies far behind the solution would press together what is before


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Per job J along the line, its parts relative to their drop, and the plane of training in three dimensions."""
    figure, grid = style.new(len(results), 3, width=14.0, height=0.8 + 4.0 * len(results))
    if (columns := grid[0][0].get_gridspec()) is not None:
        columns.set_width_ratios((1.0, 1.0, 1.5))  # the plane is what the figure is about
    notes: list[str] = []
    for result, name, row in zip(results, starts(results), grid, strict=True):
        curve = primary(result, "train")
        if curve is None:
            continue
        drawn = panel.draw_splits(row[0], result, ("train",))
        _coarse(row[0], result, curve)
        panel.label_line(row[0], f"{name}: J along the line", drawn)
        row[0].set_ylabel(f"J(θ(α)) [{unit(curve)}]")
        notes += drawn.notes
        _parts(row[1], result, curve)
        place = row[2].get_subplotspec()
        row[2].remove()
        beside = figure.add_subplot(place, projection="3d")
        notes += draw_beside(beside, result, curve, f"J [{unit(curve)}]", until=UNTIL)
        if beside.get_legend_handles_labels()[1]:
            beside.legend(loc="upper center", bbox_to_anchor=(0.5, 1.03), ncols=2, columnspacing=1.2, frameon=False)
    for axes in zip(*([row[0], row[1]] for row in grid), strict=True):
        _alike(axes)
    title = f"Fig. 7: {naming.recipes(results)}{caption.on_data(results)}, line and plane of training"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _alike(column: Sequence[Axes]) -> None:
    """One range of J for all panels of a column, which are to be compared."""
    ranges = [axes.get_ylim() for axes in column if axes.lines]
    for axes in column if ranges else ():
        axes.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))


def _coarse(axes: Axes, result: Result, curve: Curve) -> None:
    """Mark the points of the paper's coarse grid where finer ones lie between them."""
    columns, _ = result.usable(curve.objective)
    rows = np.abs(curve.alphas * NINTHS - np.round(curve.alphas * NINTHS)) < SLACK
    if columns and 1 < rows.sum() < len(rows):
        median = np.median(curve.objective[rows][:, columns], axis=1)
        look: dict[str, Any] = style.HOLLOW | {"color": style.BLUE, "markerfacecolor": "white", "markersize": 3.6}
        axes.plot(curve.alphas[rows], median, label=f"at α = k/{NINTHS}", **look)


def _parts(axes: Axes, result: Result, curve: Curve) -> None:
    """Pixel and label part of J, each between its values at the two ends."""
    columns, _ = result.usable(curve.objective)
    for k, (key, word) in enumerate(PARTS.items()):
        values = curve.metrics.get(key)
        if values is not None and columns:
            v = np.median(values[:, columns], axis=1)
            ends = np.interp([0, 1], curve.alphas, v)
            if ends[0] == ends[1]:  # the line is a point, or the part has nothing to share out
                continue
            label = f"{word}: {ends[0]:.4g} to {ends[1]:.4g}"
            axes.plot(curve.alphas, (v - ends[1]) / (ends[0] - ends[1]), label=label, **panel.job_look(k))
    panel.mark_ends(axes, curve.alphas)
    axes.set(title="its two parts, 1 at the start and 0 at the solution", xlabel="α", ylabel="share of the drop left")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(title="part of J [nats per pixel]", alignment="left")


def make_pages(results: Sequence[Result]) -> dict[str, Any]:
    """``{"plane": plotly figure}`` to turn with the mouse; empty without plotly or without a plane."""
    if (graph := plotly()) is None:
        return {}
    figure = graph.Figure()
    units = []
    for result, name in zip(results, starts(results), strict=True):
        curve = primary(result, "train")
        for s in range(0 if curve is None else curve.objective.shape[1]):
            found = points(result, s)
            if found is None or curve is None:
                continue
            x, z, v, _ = found
            units.append(unit(curve))
            flat = np.zeros_like(curve.alphas)
            figure.add_scatter3d(x=curve.alphas, y=flat, z=curve.objective[:, s], mode="lines", name=f"{name}, line")
            epochs = result.projections["trajectory"].epochs
            dots = {"mode": "lines+markers", "marker": {"size": 3}, "text": [f"epoch {e:g}" for e in epochs]}
            figure.add_scatter3d(x=x, y=z, z=v, name=f"{name}, training", **dots)
    if not figure.data:
        return {}
    axes = {"xaxis_title": "x / L", "yaxis_title": "z / L", "zaxis_title": f"J [{' or '.join(dict.fromkeys(units))}]"}
    title = f"Fig. 7: training beside the line ({caption.scale_label(results)})"
    figure.update_layout(title=title, scene=axes, legend={"orientation": "h"})
    return {"plane": figure}
