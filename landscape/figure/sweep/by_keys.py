"""The drawing of a sweep by its keys: panels of curves, and for two keys or more maps and rates in bands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape.figure import caption, panel, style
from landscape.figure.sweep.curves import (
    KINDS,
    band_words,
    draw_panel,
    explain,
    has,
    label_panel,
    looks_of,
    spans_decades,
    title_of,
)
from landscape.figure.sweep.keys import Cells, Design, Key, num_runs, spread
from landscape.figure.sweep.number import Number, Read, draw_heat, norm_of, read_median, share_rising, table
from landscape.figure.sweep.plain import nothing, title
from landscape.figure.sweep.rate import INTERVAL, SPLITS, are_monotone, draw_rates, say_open
from landscape.figure.sweep.verdicts import judge

WIDTH = 11.5
MAX_PANELS, MAX_COLUMNS, MAX_ROWS = 6, 4, 3
"""Values of the second key that get a panel; with a third key those of the second and of the third."""
MAX_RATES = 4
Band = tuple[float, Callable[[Any], list[str]]]
"""Its height in inches, and what draws it into a part of the figure and returns sentences for the footer."""


def draw_one_key(design: Design, said: Sequence[str] = ()) -> Figure:
    """Each kind of curve in a panel, coloured by the key, and the share of runs that rise at each of its values.

    Args:
        said: sentences for the footer.
    """
    key, results = design.keys[0], design.results
    cells, looks = design.cells([key]), looks_of(key)
    kinds = [kind for kind in KINDS if any(has(kind, result) for result in cells.values())]
    rated = any(are_monotone(result, split) for result in cells.values() for split in SPLITS)
    num = len(kinds) + rated
    columns = min(max(num, 1), 2)
    figure, flat = style.panels(num, columns, width=3.9 * columns + 2.6)
    drawn = panel.Drawn()
    for kind, axes in zip(kinds, flat, strict=False):
        one = draw_panel(axes, kind, key, looks, cells)
        if spans_decades(list(cells.values()), kind):
            axes.set_yscale("log")
        label_panel(axes, kind, title_of(kind, results), one)
        if kind == "track":
            axes.set_ylim(bottom=0)
        drawn += one
    if not num:
        panel.close(flat[0], drawn)
    notes = [*said, *drawn.notes]
    notes += _left_out(key, len(looks))
    if kinds:
        explain(figure, flat[: len(kinds)], key, looks, band_words(drawn, len(looks)))
    if rated:
        axes = flat[len(kinds)]
        draw_rates(axes, key, cells)
        axes.set_title("not monotone on [0, 1]")
        axes.set_ylim(top=150)  # room for the legend above the counts of bars that end at 100 %
        axes.legend(loc="upper left", ncols=2)
        notes.append(INTERVAL)
    heading = f"{title(results)}: {key.name}, {num_runs(results)}"
    return caption.finish(figure, results, heading, [*notes, say_open(results)], judge(results))


def draw_several_keys(design: Design, numbers: Sequence[Number], said: Sequence[str] = ()) -> Figure:
    """Curves by up to three keys, each number over the first two, rates by each key.

    Args:
        said: sentences for the footer.
    """
    bands = [band for band in (_curves(design), _maps(design, numbers), _rates(design)) if band is not None]
    heading = f"{title(design.results)}: {' × '.join(key.name for key in design.keys)}, {num_runs(design.results)}"
    if not bands:
        return nothing(design.results, heading, said)
    heights = [height for height, _ in bands]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.9))
    figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.06, hspace=0.04, wspace=0.04)
    parts = np.ravel(figure.subfigures(len(bands), 1, squeeze=False, height_ratios=heights))
    notes = [*said, *(note for part, (_, draw) in zip(parts, bands, strict=True) for note in draw(part))]
    others = [key.name for key in design.keys[3:]]
    if others:
        notes.append(f"each curve and each cell runs over all values of {', '.join(others)}")
    notes.append(say_open(design.results))
    return caption.finish(figure, design.results, heading, notes, judge(design.results))


def _third(design: Design) -> tuple[Key | None, list[str]]:
    """The third key and its values that are drawn; no key and one empty value where there is none."""
    third = design.keys[2] if len(design.keys) > 2 else None
    return third, spread(third.values, MAX_ROWS) if third else [""]


def _curves(design: Design) -> Band | None:
    """A panel per value of the second key (and row per value of the third), coloured by the first."""
    first, second = design.keys[:2]
    third, rows = _third(design)
    kind = next((kind for kind in KINDS if any(has(kind, result) for result in design.results)), None)
    if kind is None:
        return None
    shown = spread(second.values, MAX_COLUMNS if third else MAX_PANELS)
    columns = len(shown) if third else min(len(shown), 3)
    num_rows = len(rows) if third else math.ceil(len(shown) / columns)
    cells = design.cells([*([third] if third else []), second, first])

    def draw(part: Any) -> list[str]:
        grid = part.subplots(num_rows, columns, squeeze=False, sharex=True, sharey=True)
        places = [(row, value) for row in rows for value in shown]
        looks, drawn = looks_of(first), panel.Drawn()
        for k, (axes, (row, value)) in enumerate(zip(grid.flat, places, strict=False)):
            place = (*([row] if third else []), value)
            cells_here = {key[-1:]: result for key, result in cells.items() if key[:-1] == place}
            one = draw_panel(axes, kind, first, looks, cells_here)
            words = [f"{second.name}={second.word(value)}"] + ([f"{third.name}={third.word(row)}"] if third else [])
            label_panel(axes, kind, "", one)
            axes.set_title("\n".join(words))
            if k % columns:
                axes.set_ylabel("")
            if k + columns < len(places):
                axes.set_xlabel("")
            drawn += panel.Drawn(one.num_seeds, tuple(f"{words[0]}, {note}" for note in one.notes), one.costs)
        if kind == "track":  # each panel set the bottom of all, and with it their top as it was then
            grid.flat[0].autoscale(axis="y")
            grid.flat[0].set_ylim(bottom=0)
        if spans_decades(list(cells.values()), kind):
            grid.flat[0].set_yscale("log")
        if kind == "track":  # once all panels are drawn: a limit that is set holds for those that follow
            grid.flat[0].set_ylim(bottom=0)
        for axes in grid.flat[len(places) :]:
            axes.remove()
        for axes in grid[num_rows - 2, :] if len(places) < grid.size else []:
            axes.xaxis.set_tick_params(labelbottom=True)
        part.suptitle(title_of(kind, design.results), x=0.01, ha="left", fontsize=9.5)
        explain(part, list(grid.flat[: len(places)]), first, looks, band_words(drawn, len(looks)))
        keys = [(first, looks), (second, shown)] + ([(third, rows)] if third else [])
        return [*drawn.notes, *(note for key, kept in keys for note in _left_out(key, len(kept)))]

    return (2.5 if third else 2.35) * num_rows + 0.5, draw


def _left_out(key: Key, num: int) -> list[str]:
    few = num < len(key.values)
    return [f"curves of {num} of the {len(key.values)} values of {key.name}"] if few else []


def _maps(design: Design, numbers: Sequence[Number]) -> Band | None:
    """Each number, and without a third key the share of rising runs, over the first two keys."""
    third, rows = _third(design)
    down, across = sorted(design.keys[:2], key=lambda key: -len(key.values))
    cells = design.cells([down, across, *([third] if third else [])])
    middle = ", median" if any(result.num_columns > 1 for result in cells.values()) else ""
    reads: list[tuple[str, Read, Normalize | None]] = [
        (f"{number.title}{middle}", read_median(number), None) for number in numbers
    ]
    if not third and (split := _rising_split(design)):
        words = f"runs not monotone on [0, 1], {style.SPLIT_WORD[split]}"
        reads.append((words, share_rising(split), Normalize(0, 100)))
    if not reads:
        return None
    num_rows, columns = (len(reads), len(rows)) if third else (1, len(reads))

    def draw(part: Any) -> list[str]:
        grid = part.subplots(num_rows, columns, squeeze=False)
        missing = False
        for k, (words, read, fixed) in enumerate(reads):
            layers = [_layer(cells, row if third else None) for row in rows]
            norm = fixed or norm_of(np.concatenate([table(down, across, layer, read)[0].ravel() for layer in layers]))
            for j, (layer, row) in enumerate(zip(layers, rows, strict=True)):
                at = f", {third.name}={third.word(row)}" if third else ""
                axes = grid[k, j] if third else grid[0, k]
                missing |= draw_heat(axes, down, across, layer, read, f"{words}{at}", norm)
        return ["hatched: no run, or no finite number"] if missing else []

    return num_rows * (max(1.3, 0.2 * min(len(down.values), 40)) + 1.0), draw


def _rising_split(design: Design) -> str | None:
    """The split whose share of rising runs is mapped: training, or validation where J rises only there."""
    judged = {split: [fell for r in design.results for fell in are_monotone(r, split)] for split in SPLITS}
    return next((split for split in SPLITS if False in judged[split]), next((s for s in SPLITS if judged[s]), None))


def _layer(cells: Cells, value: str | None) -> Cells:
    """The cells at one value of the third key, by the first two; all of them where there is no third."""
    return {place[:2]: result for place, result in cells.items() if value is None or place[2] == value}


def _rates(design: Design) -> Band | None:
    """The share of runs that rise by each key, over all values of the others."""
    if not any(are_monotone(result, split) for result in design.results for split in SPLITS):
        return None
    keys = design.keys[:MAX_RATES]

    def draw(part: Any) -> list[str]:
        widths = [max(len(key.values), 3) for key in keys]
        (grid,) = part.subplots(1, len(keys), squeeze=False, width_ratios=widths)
        for k, (axes, key) in enumerate(zip(grid, keys, strict=True)):
            draw_rates(axes, key, design.cells([key]))
            if k:
                axes.set_ylabel("")
        part.suptitle("runs whose J is not monotone on [0, 1], by each key", x=0.01, ha="left", fontsize=9.5)
        handles, words = grid[0].get_legend_handles_labels()
        part.legend(handles, words, loc="outside right center", borderaxespad=0.2)
        return [f"rates by one key run over all values of the others; {INTERVAL}"]

    return 2.75, draw
