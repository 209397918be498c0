"""A surface drawn into matplotlib axes, which are made by whoever asks: as filled contours, and in three dimensions."""

from __future__ import annotations

import math
from textwrap import fill
from typing import Any

import numpy as np

from landscape.result.curve.picture import bar
from landscape.result.curve.scene import Scene

LEVELS = 24
LEAST_TICKS, MOST_TICKS, MOST_HIGH = 3, 8, 5
WIDE, NARROW, NARROWER = 30, 24, 20
"""Letters on a line of an axis's label, in two and in three dimensions, and of a picture beside another."""
COLORS = "viridis"
LOWEST = "#D55E00"
CROSS = {"color": LOWEST, "markersize": 7, "markeredgewidth": 2, "clip_on": False}
"""Whole at an edge too."""
RING = {"markersize": 9, "markerfacecolor": "none", "markeredgecolor": "black", "markeredgewidth": 1.3}
DOT = {"color": "black", "markersize": 5, "markeredgecolor": "white"}
FULL = {"linestyle": "none", "marker": "o", "markersize": 2.8, "color": "white", "markeredgecolor": "black"}
FULL |= {"markeredgewidth": 0.6, "clip_on": False}
"""A point that was evaluated in full, where others were not: seen on dark and light, and whole at an edge."""
UNKNOWN = {"facecolor": "#E6E6E6", "edgecolor": "#8C8C8C", "hatch": "////"}


def norm_of(scene: Scene) -> Any:
    """The scale of colours."""
    from matplotlib.colors import LogNorm, Normalize  # late: a result is read without it

    low, high = scene.range
    return LogNorm(low, high) if scene.is_log else Normalize(low, high)


def ticks(low: float, high: float, is_log: bool, most: int = MOST_TICKS) -> list[float]:
    """A few round numbers within a range, of logarithms at most so many."""
    from matplotlib.ticker import MaxNLocator

    if is_log:
        for steps, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 5), ((1,), 10)):
            decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            found = [m * 10.0**k for k in decades if k % every == 0 for m in steps]
            found = [v for v in found if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
            if LEAST_TICKS <= len(found) <= most:
                return found
    found = [float(v) for v in MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    return [v for v in found if low <= v <= high]


def told(value: float) -> str:
    """``0.002``, ``2000``, ``1e6``."""
    text = f"{value:.0f}" if 1e3 <= abs(value) < 1e4 else f"{value:.3g}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def contours(axes: Any, scene: Scene) -> None:
    """Filled contours with a colour bar; the path, its points coloured by their own value; the points by name."""
    from matplotlib.ticker import MaxNLocator

    axes.set(xlabel=fill(scene.axes[0], WIDE), ylabel=fill(scene.axes[1], WIDE))
    if scene.lack:
        axes.text(0.5, 0.5, scene.lack, transform=axes.transAxes, ha="center")
        return
    if scene.in_units:
        axes.set_aspect(1.0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    norm = norm_of(scene)
    held = np.ma.masked_invalid(scene.held)
    low, high = float(held.min()), float(held.max())
    levels = (np.geomspace if scene.is_log else np.linspace)(low, high, LEVELS + 1)
    levels[0], levels[-1] = low, high
    if scene.has_holes:
        rows, columns = np.ix_([0, -1], [0, -1])
        x, y = (part[rows, columns].ravel()[[0, 1, 3, 2]] for part in (scene.x, scene.y))
        axes.fill(x, y, linewidth=0, zorder=0, label="not finite", **UNKNOWN)
    drawn = axes.contourf(scene.x, scene.y, held, levels=levels, cmap=COLORS, norm=norm)
    axes.contour(drawn, colors="white", linewidths=0.3)
    _bar(axes, scene, norm)
    if scene.full is not None:
        axes.plot(*scene.full, zorder=2.6, **FULL)  # above the frame
    if scene.path is not None:
        x, y = scene.path[:2]
        axes.plot(x, y, color="white", linewidth=2.2, zorder=3)
        axes.plot(x, y, color="black", linewidth=0.9, zorder=3)
        look = {"c": scene.own, "norm": norm, "cmap": COLORS} if np.isfinite(scene.own).any() else {"color": "white"}
        axes.scatter(x, y, s=20, edgecolors="black", linewidths=0.7, zorder=4, plotnonfinite=True, **look)
    if scene.lowest is not None:
        axes.plot(*[[v] for v in scene.lowest[:2]], "x", zorder=6, **CROSS)
    _name(axes, scene)


def _bar(axes: Any, scene: Scene, norm: Any) -> None:
    """A colour bar over the whole scale, with its round numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import FuncFormatter

    places = ticks(*scene.range, scene.is_log)
    bar(axes, ScalarMappable(norm, COLORS), scene.words, ticks=places, format=FuncFormatter(lambda v, _: told(v)))
    axes.child_axes[-1].minorticks_off()


def _name(axes: Any, scene: Scene) -> None:
    """Points with their names, legible on any colour, on the side that has room."""
    sides = [(float(part.min()), float(np.ptp(part))) for part in (scene.x, scene.y)]
    for x, y, _, name in scene.points:
        look = RING if scene.is_on_path(x, y) else DOT  # a point of the path shows its own colour
        axes.plot([x], [y], "o", zorder=5, clip_on=False, **look)
        across, up = ((place - low) / size for place, (low, size) in zip((x, y), sides, strict=True))
        is_high = up > 0.5
        shift = {"ha": "left" if across < 0.15 else "right" if across > 0.85 else "center"}
        shift |= {"va": "top" if is_high else "bottom", "textcoords": "offset points"}
        axes.annotate(name, (x, y), (0, -6 if is_high else 6), path_effects=halo(), fontsize=8, zorder=7, **shift)


def halo() -> list[Any]:
    """White round letters."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def raised(axes: Any, scene: Scene, is_beside: bool = False) -> None:
    """The surface in three dimensions, the path at its own heights.

    Args:
        is_beside: its contours stand to the left, and say the units of the axes; small letters.
    """
    from matplotlib.colors import Normalize
    from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

    titles, letters = (scene.titles, NARROWER) if is_beside else (scene.axes, NARROW)
    names = [fill(name, letters) for name in (*titles, scene.words)]
    axes.set(xlabel=names[0], ylabel=names[1], zlabel=names[2])
    if scene.lack:
        axes.text2D(0.5, 0.5, scene.lack, transform=axes.transAxes, ha="center")
        return
    low, high = scene.range
    high_of = np.log10 if scene.is_log else np.asarray
    axes.computed_zorder = False  # the path is on top, wherever it is
    num = 100  # more facets than that are no clearer
    surface = {"rcount": num, "ccount": num, "cmap": COLORS, "linewidth": 0.15, "edgecolor": "#FFFFFF55", "zorder": 1}
    bottom, top = float(high_of(low)), float(high_of(high))
    axes.plot_surface(scene.x, scene.y, high_of(scene.held), norm=Normalize(bottom, top), **surface)
    if scene.path is not None and np.isfinite(scene.own).any():
        place = (*scene.path[:2], high_of(scene.own))
        axes.plot(*place, "o-", color="black", markersize=2.2, linewidth=0.9, zorder=3)
    for x, y, value, name in scene.points:
        height = float(high_of(value)) if np.isfinite(value) and (value > 0 or not scene.is_log) else math.nan
        if np.isfinite(height):
            axes.plot([x], [y], [height], "o", color="black", markeredgecolor="white", markersize=4.5, zorder=4)
            axes.text(
                x, y, height + 0.06 * (top - bottom), name, fontsize=7, ha="center", path_effects=halo(), zorder=5
            )
    places = ticks(low, high, scene.is_log, MOST_HIGH)
    axes.zaxis.set_major_locator(FixedLocator([float(high_of(v)) for v in places]))
    axes.zaxis.set_major_formatter(FixedFormatter([told(v) for v in places]))
    axes.set(zlim=(bottom, top))
    sides = [float(np.ptp(part)) for part in (scene.x, scene.y)] if scene.in_units else [1.0, 1.0]
    axes.set_box_aspect((*sides, 0.7 * max(sides)), zoom=0.84 if is_beside else 0.8)
    axes.view_init(elev=32, azim=-58)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.tick_params(labelsize=6.5 if is_beside else 7, pad=0)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.label.set_size(7 if is_beside else 8)
