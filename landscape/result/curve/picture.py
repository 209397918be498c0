"""Curves and projections drawn into matplotlib axes, which are made by whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RULE = "#C8C8C8"
BAND = 0.22
STATED = "stated"
"""By this a stated error is found among what axes hold."""
THIN = 0.015
"""Of the height of axes: about as thick as a line."""
FEW = 45
"""Points up to which each is marked."""


def along(
    axes: Any,
    alphas: Array,
    values: Array,
    labels: Sequence[str],
    band: tuple[Array, Array] | None,
    bound: Array | None = None,
    **look: Any,
) -> None:
    """One line per column, each with its band; rules at 0 and 1; a legend as soon as there are several lines.

    Args:
        alphas: [A].
        values: [A, S].
        labels: [S].
        band: low and high, each [A, S].
        bound: the stated error [A, S]; points without one are marked.
        look: of the lines.
    """
    has_rules = any(line.get_gid() == "ends" for line in axes.lines)
    for end in (0.0, 1.0):
        if not has_rules and alphas[0] - 1e-9 <= end <= alphas[-1] + 1e-9:
            axes.axvline(end, color=RULE, linewidth=0.8, zorder=0, gid="ends")
    is_marked = len(alphas) <= FEW or bound is not None
    look = ({"marker": "o", "markersize": 3.0} if is_marked else {}) | {"linewidth": 1.6} | look
    for s, label in enumerate(labels):
        own = {} if bound is None else in_full(bound[:, s])
        [line] = axes.plot(alphas, values[:, s], **{"label": label, **own, **look})
        if bound is not None:
            error(axes, alphas, values[:, s], bound[:, s], line.get_color())
        if band is not None:
            low, high = band[0][:, s], band[1][:, s]
            axes.fill_between(alphas, low, high, color=line.get_color(), alpha=BAND, linewidth=0)
    legend(axes)


def in_full(bound: Array) -> dict[str, Any]:
    """The look of a line that marks the points without a stated error."""
    return {"markevery": np.flatnonzero(bound == 0).tolist()}


def error(axes: Any, alphas: Array, values: Array, bound: Array, color: Any) -> None:
    """A stated error round a line [A]: hatched and with edges, as no band over examples is."""
    look = {"facecolor": "none", "edgecolor": color, "hatch": "////", "linewidth": 0.5, "alpha": 0.55}
    axes.fill_between(alphas, values - bound, values + bound, zorder=1.5, gid=STATED, **look)


def is_thin(axes: Any, kind: str = STATED) -> bool:
    """Whether the stated errors in axes, or bands of another kind, are nowhere wider than a line: a reader sees none.

    Args:
        kind: the gid that these bands have.
    """
    axes.get_ylim()  # settles the limits that places are told by
    widest = 0.0
    for part in axes.collections:
        if part.get_gid() == kind:
            for path in part.get_paths():
                at = axes.transData.transform(path.vertices)
                xs = np.unique(at[:, 0])
                low, high = (np.array([end(at[at[:, 0] == x, 1]) for x in xs]) for end in (np.min, np.max))
                slope = np.gradient((low + high) / 2, xs) if len(xs) > 1 else 0.0
                widest = max(widest, float(((high - low) / np.hypot(1, slope)).max()))  # across the line
    return widest < THIN * float(axes.bbox.height)


def legend(axes: Any) -> None:
    """A legend, where there are several things to tell apart."""
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(frameon=False)


def bar(axes: Any, drawn: Any, label: str, **look: Any) -> None:
    """A colour bar as high as the axes, whatever their shape."""
    axes.figure.colorbar(drawn, cax=axes.inset_axes((1.04, 0.0, 0.045, 1.0)), label=label, **look)


def track(axes: Any, along_line: Array, beside_line: Array, values: Array | None, **look: Any) -> None:
    """Runs beside their straight line, all arrays [T, S]; points coloured by J, where it is known."""
    axes.axhline(0.0, color=RULE, linewidth=0.8, zorder=0)
    for s in range(along_line.shape[1]):
        color = {"color": "#767676"} if values is not None else {}
        axes.plot(along_line[:, s], beside_line[:, s], **{"linewidth": 1.0, **color, **look})
    if values is not None:
        drawn = axes.scatter(along_line.ravel(), beside_line.ravel(), c=values.ravel(), cmap="viridis", s=22, zorder=3)
        bar(axes, drawn, "J(θ), mean cost per example")
    axes.set(
        xlabel="along the line from first to last point, in its lengths", ylabel="distance from it, in its lengths"
    )
