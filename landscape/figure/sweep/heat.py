"""A number over two swept keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Rectangle

from landscape.figure import style
from landscape.figure.sweep.design import Cells
from landscape.figure.sweep.keys import Key
from landscape.figure.sweep.number import Number
from landscape.figure.sweep.rate import are_monotone, label_values
from landscape.result.curve import Array
from landscape.result.saved import Result

MAX_LABELLED = (24, 12)
"""Rows and columns up to which each cell says its value; beyond, the colour bar does."""
COLOURS = "Blues"
Read = Callable[[Result], tuple[float, str]]
"""A cell's value and its text."""


def share_rising(split: str) -> Read:
    """``read`` for a map: the percentage of runs whose J of this split rises somewhere on [0, 1], and ``3/8``."""

    def read(result: Result) -> tuple[float, str]:
        monotone = are_monotone(result, split)
        if not monotone:
            return float("nan"), ""
        return 100 * monotone.count(False) / len(monotone), f"{monotone.count(False)}/{len(monotone)}"

    return read


def table(rows: Key, columns: Key, cells: Cells, read: Read) -> tuple[Array, Mapping[tuple[int, int], str]]:
    """The value of each cell [rows, columns], NaN where there is none, and its text.

    Args:
        cells: ``(row value, column value)`` -> its runs.
    """
    values, words = np.full((len(rows.values), len(columns.values)), np.nan), {}
    for i, row in enumerate(rows.values):
        for j, column in enumerate(columns.values):
            if (row, column) in cells:
                values[i, j], words[i, j] = read(cells[row, column])
    return values, words


def norm_of(values: Array) -> Normalize:
    """Linear from the least to the largest value; logarithmic where all are positive and span two decades."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low > 0 and high > 100 * low:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + (abs(low) or 1.0))


def draw_heat(axes: Axes, rows: Key, columns: Key, cells: Cells, read: Read, title: str, norm: Normalize) -> bool:
    """One map, darker where the number is larger, hatched where it is missing; returns whether a cell is."""
    values, words = table(rows, columns, cells, read)
    height, width = values.shape
    # Under the cells; it is seen where there is none.
    axes.add_patch(
        Rectangle(
            (-0.5, -0.5), width, height, hatch="////", facecolor="white", edgecolor=style.FAINT, linewidth=0, zorder=0
        )
    )
    edges = [np.arange(n + 1) - 0.5 for n in (width, height)]
    look: dict[str, Any] = {"cmap": COLOURS, "norm": norm, "edgecolors": "white", "linewidth": 0.6}
    mesh = axes.pcolormesh(*edges, np.ma.masked_invalid(values), zorder=1, **look)
    if height <= MAX_LABELLED[0] and width <= MAX_LABELLED[1]:
        for (i, j), word in words.items():
            if np.isfinite(values[i, j]):
                red, green, blue, _ = colormaps[COLOURS](norm(values[i, j]))
                dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
                axes.text(j, i, word, ha="center", va="center", fontsize=6.5, color="white" if dark else "black")
    elif axes.figure is not None:
        axes.figure.colorbar(mesh, ax=axes)
    label_values(axes, columns)
    label_values(axes, rows, vertical=True)
    axes.set(title=style.wrapped(title, 38), xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return bool(np.isnan(values).any())


def read_median(number: Number) -> Read:
    """``read`` for a heat map: the median over the seeds, and its text."""

    def read(result: Result) -> tuple[float, str]:
        values = number.values(result)
        return (float(np.median(values)), f"{np.median(values):.2g}") if len(values) else (float("nan"), "")

    return read
