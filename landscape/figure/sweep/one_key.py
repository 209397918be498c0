"""The drawing of a sweep over one key."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import line, style
from landscape.figure.sweep.curves import KINDS, draw_panel, has, label_panel, spans_decades, title_of
from landscape.figure.sweep.design import Design
from landscape.figure.sweep.look import band_words, explain, looks_of
from landscape.figure.sweep.plain import title
from landscape.figure.sweep.pool import num_runs
from landscape.figure.sweep.rate import INTERVAL, SPLITS, are_monotone, draw_rates
from landscape.figure.sweep.verdicts import judge


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
    figure, grid = style.new(math.ceil(max(num, 1) / columns), columns, width=3.9 * columns + 2.6)
    flat = [axes for row in grid for axes in row]
    drawn = line.Drawn()
    for kind, axes in zip(kinds, flat, strict=False):
        panel = draw_panel(axes, kind, key, looks, cells)
        if spans_decades(list(cells.values()), kind):
            axes.set_yscale("log")
        label_panel(axes, kind, title_of(kind, results), panel)
        drawn += panel
    if not num:
        line.close(flat[0], drawn)
    notes = [*said, *drawn.notes]
    if len(looks) < len(key.values):
        notes.append(f"curves of {len(looks)} of the {len(key.values)} values of {key.name}")
    if kinds:
        explain(figure, flat[: len(kinds)], key, looks, band_words(drawn, len(looks)))
    if rated:
        axes = flat[len(kinds)]
        draw_rates(axes, key, cells)
        axes.set_title("not monotone on [0, 1]")
        axes.set_ylim(top=150)  # room for the legend above the counts of bars that end at 100 %
        axes.legend(loc="upper left", ncols=2)
        notes.append(INTERVAL)
    for axes in flat[max(num, 1) :]:
        axes.remove()
    heading = f"{title(results)}: {key.name}, {num_runs(results)}"
    return style.finish(figure, results, heading, notes, judge(results))
