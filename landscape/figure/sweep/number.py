"""The numbers of a sweep: which, in which unit, one value per seed, and a map of each over two swept keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Rectangle

from landscape.errors import InputError
from landscape.figure import naming, style
from landscape.figure.sweep.keys import Cells, Key
from landscape.figure.sweep.rate import are_monotone, label_values
from landscape.result.curve import Array
from landscape.result.saved import Result

CURVES = ("train/stochastic", "train/deterministic", "valid/stochastic", "valid/deterministic")
ENDS = ("test_error", "test_objective")  # the first that there is, beside largest_rise
HEADLINE = ("largest_rise", "argmin_alpha", "test_objective", "test_error", "best_epoch")
OF_PLANES = ("lowest", "highest")
_WORDS = {
    "lowest": "lowest J",
    "highest": "highest J",
    "largest_rise": "largest rise of J on [0, 1]",
    "drop": "drop of J from α = 0 to 1",
    "argmin_alpha": "α of the lowest J",
    "test_error": "test error",
    "test_objective": "test J",
    "num_test_errors": "test errors",
    "best_epoch": "best epoch",
    "bound": "stated error of J",
    "passes": "passes over the data",
    "length": "|θ_f - θ_i|",
}
_OF_J = ("largest_rise", "drop", "test_objective", "lowest", "highest", "bound")


@dataclass(frozen=True)
class Number:
    """One of the results' numbers.

    Args:
        key: as in ``Result.numbers``. title: for a reader, with its unit. factor: from the saved unit to the shown one.
    """

    key: str
    title: str
    factor: float = 1.0

    def values(self, result: Result) -> Array:
        """Of each seed that did not diverge [S]; what is not finite is left out."""
        values = np.array(result.values(self.key)) * self.factor
        if len(values) == result.num_columns:
            values = values[~np.array(result.diverged(len(values)), dtype=bool)]
        return np.asarray(values[np.isfinite(values)])


def chosen(results: Sequence[Result], names: Sequence[str] = ()) -> list[Number]:
    """The numbers of these names, each the key itself or its last part (then of the training cost where there is one).

    Without names: the largest rise and the test error, or the first two numbers of results that have neither.

    Raises:
        InputError: no result has such a number.
    """
    known = list(dict.fromkeys(key for result in results for key in result.numbers))
    found = [_found(name, known) for name in names]
    missing = [name for name, key in zip(names, found, strict=True) if key is None]
    if missing:
        raise InputError(f"no number {missing[0]!r} in these results; they have {', '.join(known) or 'none'}")
    if not names:
        found = [_found("largest_rise", known), next((name for name in ENDS if name in known), None)]
        found = found if any(found) else list(known[:2])
    return [_number(key, results) for key in dict.fromkeys(found) if key is not None]


def _found(name: str, known: Sequence[str]) -> str | None:
    return next((key for key in (name, *(f"{curve}/{name}" for curve in CURVES)) if key in known), None)


def _number(key: str, results: Sequence[Result]) -> Number:
    curve, _, name = key.rpartition("/")
    split = curve.partition("/")[0]
    told = (
        naming.bracketed_unit(map(naming.cost_of, results)) if name in _OF_J else " [%]" if name == "test_error" else ""
    )
    of = f", {style.SPLIT_WORD.get(split, split)}" if split else ""
    return Number(key, f"{_WORDS.get(name, name)}{of}{told}", 100.0 if name == "test_error" else 1.0)


def headline(results: Sequence[Result], most: int = 5) -> list[Number]:
    """The numbers that a summary names first; of results that have none of these, the first few that there are."""
    # A number of each of several solutions has no mean over lines or planes between them.
    known = list(dict.fromkeys(k for r in results for k in r.numbers if len(r.values(k)) <= r.num_columns))
    names = (*HEADLINE, *OF_PLANES * any(result.surfaces for result in results))
    keys = [_found(name, known) for name in names]
    return [_number(key, results) for key in list(dict.fromkeys(key for key in keys if key) or known)[:most]]


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
