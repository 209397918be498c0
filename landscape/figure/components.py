"""Panels of principal axes: what each axis explains, and runs in the plane of their own first two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import panel, style
from landscape.result.curve import Array, Components
from landscape.result.curve.components import ORIGINS
from landscape.result.saved import Result

NULL: dict[str, Any] = {"color": style.BLACK, "linewidth": 1.0, "linestyle": (0, (6, 3)), "zorder": 4}
PACED: dict[str, Any] = {"color": style.GREY, "linewidth": 1.0, "linestyle": (0, (1, 1.3)), "zorder": 3}
LEAST_SHARE = 1e-8
"""Below it a share is rounding of float32 points."""


def first_of(result: Result) -> Components | None:
    """The components of a job that a panel shows, about the mean of the points where there are those."""
    return result.components.get("mean") or next(iter(result.components.values()), None)


def draw_shares(
    axes: Axes, result: Result, found: Components, look: Mapping[str, Any], has_law: bool = True
) -> panel.Drawn:
    """The share of each axis against its number, both logarithmic, beside those of random walks.

    Args:
        look: of the line, ``label`` and ``color`` in it.
        has_law: whether the walks are drawn as well.
    """
    axis = np.arange(1.0, len(found.shares) + 1)
    shares = at_least(found.shares)
    drawn = panel.band(axes, result, axis, shares, ragged=True, name=str(look["label"]), **look)
    if has_law and drawn.num_seeds:
        axes.plot(axis, middle(found.walk), label="a random walk, by theory", **NULL)
        axes.plot(axis, middle(found.paced), label="one at the pace of the run", **PACED)
    return drawn


def at_least(shares: Array) -> Array:
    """NaN for those that are rounding."""
    with np.errstate(invalid="ignore"):
        return np.where(shares > LEAST_SHARE, shares, np.nan)


def middle(values: Array) -> Array:
    """The median over seeds of shares [T, S], NaN where none has a value."""
    values = at_least(values)
    known = np.isfinite(values).any(axis=1)
    found = np.full(len(values), np.nan)
    found[known] = np.nanmedian(values[known], axis=1)
    return found


def label_shares(axes: Axes, title: str, drawn: panel.Drawn, legend: bool = True) -> None:
    """Title, scales and labels of a panel of shares."""
    axes.set(xscale="log", yscale="log", xlabel="principal axis", ylabel="share of the variance")
    if drawn.num_seeds:
        style.round_ticks(axes.xaxis)
    axes.set_title(style.wrapped(title))
    panel.close(axes, drawn, legend)


def draw_paths(
    axes: Axes, result: Result, found: Components, look: Mapping[str, Any], has_law: bool = True
) -> panel.Drawn:
    """Each run in the plane of its own first two axes, in units of its size, beside the curve of a random walk.

    Args:
        look: of the lines, ``label`` and ``color`` in it.
        has_law: whether the walk's curve is drawn as well.
    """
    columns, note = result.usable(found.shares, ragged=True)  # a path may have gaps, where a point is not finite
    for k, s in enumerate(columns):
        x, y = places(found.first, found, s), places(found.second, found, s)
        axes.plot(x, y, **{**look, "label": look["label"] if k == 0 else None, "linewidth": 0.9})
        axes.plot(x[:1], y[:1], "o", color=look["color"], markersize=3)
    if has_law and columns:
        for first, second, law, words in (
            (found.walk_first, found.walk_second, NULL, "a random walk, by theory"),
            (found.paced_first, found.paced_second, PACED, "one at the pace of the run"),
        ):
            axes.plot(*(places(values, found, columns[0]) for values in (first, second)), label=words, **law)
    return panel.Drawn((), (f"{look['label']}: {note}",) if note else ())  # each seed is drawn: no median, no band


def places(values: Array, found: Components, s: int) -> Array:
    """One column of coordinates in units of the run's size, of its finite points alone."""
    return np.asarray(values[np.isfinite(found.plane_distance[:, s]), s] / size(found, s))


def size(found: Components, s: int) -> float:
    """The root mean square distance of a run's points from the origin of its axes."""
    square = found.first[:, s] ** 2 + found.second[:, s] ** 2 + found.plane_distance[:, s] ** 2
    return float(np.sqrt(np.nanmean(square))) if np.isfinite(square).any() else np.nan


def label_paths(axes: Axes, title: str, drawn: panel.Drawn, legend: bool = True) -> None:
    """Title and labels of a panel of paths."""
    for rule in (axes.axhline, axes.axvline):
        rule(0.0, color=style.RULE, linewidth=0.8, zorder=0)
    axes.set(xlabel="axis 1 [root mean square of the run]", ylabel="axis 2 [the same]")
    axes.set_title(style.wrapped(title))
    axes.set_aspect("equal", adjustable="datalim")
    panel.close(axes, drawn, legend)


def about(found: Components) -> str:
    """``about their mean``."""
    return f"about {ORIGINS.get(found.origin, found.origin)}"
