"""Figure 6's panels: the line up to the height of its start, and the start enlarged, with what the masks leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import panel, style
from landscape.figure.reading import SLACK, primary
from landscape.result.curve import Curve
from landscape.result.curve.crossing import climb, replicate_error
from landscape.result.saved import Result

ABOVE = 0.25
"""Of the drop: how far over its start the line is drawn."""


def up_to_the_start(axes: Axes, result: Result) -> str:
    """Cut a panel off a little above the start: J beyond the solution would flatten the rest. What to say of it."""
    curves = [(c, columns) for c in result.curves.values() if (columns := result.usable(c.objective)[0])]
    if not curves:
        return ""
    highest = [c.objective[:, columns].max(axis=1) for c, columns in curves]  # [A] each
    start = max(float(v[_origin(c)]) for (c, _), v in zip(curves, highest, strict=True))
    low = min(float(c.objective[:, columns].min()) for c, columns in curves)
    top, most = start + ABOVE * (start - low), max(float(v.max()) for v in highest)
    over = [float(c.alphas[v > top].min(initial=math.inf)) for (c, _), v in zip(curves, highest, strict=True)]
    if not 1 < min(over) < math.inf:
        return ""
    axes.set_ylim(low - 0.05 * (top - low), top)
    return f"the line's panel ends at {top:.2g} nats; beyond α = {min(over):.2f} J grows to {most:.2g}"


def draw_start(axes: Axes, result: Result) -> panel.Drawn:
    """J - J(0) of every curve of one seed, three standard errors of each that has masks, and the highest point."""
    lifted = {
        key: replace(c, objective=c.objective - c.objective[_origin(c)], noise={}) for key, c in result.curves.items()
    }
    drawn = panel.draw_splits(axes, replace(result, curves=lifted))
    axes.axhline(0, color=style.GREY, linewidth=0.8, label="height of the start")
    curve = primary(result, "train")
    assert curve is not None
    columns, _ = result.usable(curve.objective)
    for s in columns:
        for key, c in lifted.items():
            if c.replicates is not None and len(c.replicates) > 1:
                v, error = c.objective[:, s], 3 * replicate_error(result.curves[key], s)
                look: dict[str, Any] = {"facecolor": style.SPLIT_COLOR[c.split], "alpha": 0.18, "linewidth": 0}
                axes.fill_between(c.alphas, v - error, v + error, **look)
        if curve.replicates is not None:
            words = f"bands: ± 3 standard errors of {len(curve.replicates)} masks"
            axes.fill_between([], [], [], label=words, facecolor=style.GREY, alpha=0.3, linewidth=0)
        top = climb(curve.alphas, curve.objective[:, s])
        if top.height > 0:
            look = {"marker": "v", "color": style.BLACK, "linestyle": "none", "markersize": 5}
            axes.plot([top.at], [top.height], label="highest training cost", **look)
            words = f"{top.height:.2g} nats at α = {top.at:.2f}"
            axes.annotate(words, (top.at, top.height), (0, -13), textcoords="offset points", fontsize=7, ha="center")
        if top.height > 0 and top.is_over:  # only as far as it takes to see the barrier from both sides
            right = min(1.5 * top.last, float(curve.alphas[-1]))
            seen = [c.objective[c.alphas <= right + SLACK, s] for c in lifted.values()]
            low, high = min(float(v.min()) for v in seen), max(float(v.max()) for v in seen)
            axes.set(xlim=(-0.02 * right, 1.02 * right), ylim=(low - 0.08 * (high - low), high + 0.15 * (high - low)))
    return drawn


def draw_beyond(axes: Axes, zoom: Result, whole: Result, s: int) -> None:
    """Where the training cost is still above its start at the panel's end: the line's own points, until it is below."""
    curve, line = primary(zoom, "train"), primary(whole, "train")
    if curve is None or line is None or len(zoom.usable(curve.objective)[0]) != 1 or s >= line.num_columns:
        return
    start = climb(curve.alphas, curve.objective[:, zoom.usable(curve.objective)[0][0]])
    inside = line.alphas <= 1 + SLACK  # beyond the solution J climbs over any start
    over = climb(line.alphas[inside], line.objective[inside, s])
    if start.is_over or not over.height > 0:
        return
    right = min(float(line.alphas[line.alphas > max(over.last, curve.alphas[-1]) + SLACK].min(initial=1.0)), 1.0)
    for c in whole.curves.values():
        far = (c.alphas > curve.alphas[-1] + SLACK) & (c.alphas <= right + SLACK)
        look: dict[str, Any] = {"color": style.SPLIT_COLOR[c.split], "markersize": 3.5, "linewidth": 0.8}
        if c.mode != line.mode:
            look |= {"linestyle": style.TWIN_STYLE[c.split]}
        else:
            look |= {"marker": "o", "markerfacecolor": "white", "linestyle": style.SPLIT_STYLE[c.split]}
        axes.plot(c.alphas[far], (c.objective[:, s] - c.objective[_origin(c), s])[far], **look)
    words = "beyond: the line's points, one mask"
    axes.plot([], [], "o", color=style.GREY, markerfacecolor="white", markersize=3.5, label=words)
    axes.set_xlim(right=1.02 * right)


def alike(panels: Sequence[Axes]) -> None:
    """One range of both axes for panels that are to be compared."""
    for get, put in ((Axes.get_xlim, Axes.set_xlim), (Axes.get_ylim, Axes.set_ylim)):
        limits = [get(axes) for axes in panels]
        for axes in panels:
            put(axes, min(low for low, _ in limits), max(high for _, high in limits))


def _origin(curve: Curve) -> int:
    return int(np.argmin(np.abs(curve.alphas)))
