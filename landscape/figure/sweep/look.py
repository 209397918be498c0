"""How the curves of a sweep look, and the legend or colour bar that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap

from landscape.figure import line, style
from landscape.figure.sweep.design import spread
from landscape.figure.sweep.keys import Key

MAX_LEGEND, MAX_TICKS = 8, 14
MAX_NAMES, MAX_ORDERED = 12, 60
"""Values of a key whose curves are drawn."""
MAX_BANDS = 12
"""Curves in a panel up to which each has its band; more bands hide each other."""
MANY_SEEDS = 10
"""Seeds from which the band leaves out the outermost tenths: the extremes of many say little."""


def looks_of(key: Key) -> dict[str, dict[str, Any]]:
    """Colour and line of each value that is drawn: dark to light in their order, or as different as names can be."""
    if not key.is_ordered:
        return {value: line.job_look(k) for k, value in enumerate(spread(key.values, MAX_NAMES))}
    kept = spread(key.values, MAX_ORDERED)
    # The last colours are too pale for a line on white.
    places = np.linspace(0.0, 0.87, len(kept)) if len(kept) > 1 else [0.0]
    return {value: {"color": colormaps["viridis"](place)} for value, place in zip(kept, places, strict=True)}


def band_words(drawn: line.Drawn, most_curves: int) -> str:
    """What line and band are, for the legend; empty where every curve is a single seed's."""
    counts = sorted(set(drawn.num_seeds))
    if not counts or counts[-1] < 2:
        return ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    if most_curves > MAX_BANDS:
        return f"line: median of {seeds} runs"
    outer = "10 to 90 %" if counts[-1] >= MANY_SEEDS else "all"
    if counts[-1] >= MANY_SEEDS and min(count for count in counts if count > 1) < MANY_SEEDS:
        outer = f"10 to 90 %, all of fewer than {MANY_SEEDS}"
    return f"line: median of {seeds} runs, band: {outer}"


def explain(holder: Any, panels: Sequence[Axes], key: Key, looks: Mapping[str, Any], words: str) -> None:
    """The legend or, for many ordered values, the colour bar, to the right of the panels.

    Args:
        holder: the figure, or the part of it that the panels are in. words: what line and band are.
    """
    shown = [value for value in key.values if value in looks]
    if key.is_ordered and len(shown) > MAX_LEGEND:
        colours = ListedColormap([looks[value]["color"] for value in shown])
        scale = ScalarMappable(BoundaryNorm(np.arange(len(shown) + 1) - 0.5, len(shown)), colours)
        bar = holder.colorbar(scale, ax=list(panels), fraction=0.05, pad=0.02, aspect=30)
        ticks = [shown.index(value) for value in spread(shown, MAX_TICKS)]
        bar.set_ticks(ticks, labels=[key.word(shown[k]) for k in ticks])
        bar.ax.tick_params(length=0)
        bar.ax.minorticks_off()
        bar.set_label(f"{key.label}\n{words}" if words else key.label, fontsize=7.5)
        return
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    ordered = [word for word in map(key.word, shown) if word in entries]
    if ordered:
        title = style.wrapped(key.label, 34) + (f"\n{style.wrapped(words)}" if words else "")
        look = {"title": title, "alignment": "left", "borderaxespad": 0.2}
        holder.legend([entries[word] for word in ordered], ordered, loc="outside right center", **look)
