"""Curves of a sweep: a colour per value of one key, a band over the seeds, and the legend that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap

from landscape.figure import components, panel, style
from landscape.figure.reading import primary
from landscape.figure.sweep.keys import Cells, Key, spread
from landscape.figure.track import rows_of, usable_tracks
from landscape.result.curve import Array
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result

MAX_LEGEND, MAX_TICKS = 8, 14
MAX_NAMES, MAX_ORDERED = 12, 60
"""Values of a key whose curves are drawn."""
MAX_BANDS = 12
"""Curves in a panel up to which each has its band; more bands hide each other."""
MANY_SEEDS = 10
"""Seeds from which the band leaves out the outermost tenths: the extremes of many say little."""

KINDS = ("train", "valid", "learning", "track", "shares")


def has(kind: str, result: Result) -> bool:
    """Whether a result holds what a panel of this kind shows."""
    if kind == "learning":
        return result.learning_curve is not None and channel(result) is not None
    if kind == "shares":
        return bool(result.components)
    return "trajectory" in result.projections if kind == "track" else primary(result, kind) is not None


def channel(result: Result) -> str | None:
    """The channel of the learning curve that is drawn."""
    names = ("valid/objective", "train/objective")
    history = result.learning_curve
    return next((name for name in names if name in history.channels), None) if history is not None else None


def draw_panel(axes: Axes, kind: str, key: Key, looks: Mapping[str, Any], cells: Cells) -> panel.Drawn:
    """One panel: for each value of the key its curve.

    Args:
        kind: one of ``KINDS``. cells: ``(value,)`` -> its runs.
    """
    drawn = panel.Drawn()
    shown = [value for value in looks if (value,) in cells and has(kind, cells[value,])]
    banded = len(shown) <= MAX_BANDS
    for value in shown:
        result, look = cells[value,], {**looks[value], "label": key.word(value)}
        if kind == "track":
            drawn += _tracks(axes, result, look)
        elif kind == "shares" and (found := components.first_of(result)) is not None:
            drawn += components.draw_shares(axes, result, found, look, has_law=value == shown[0])
        elif kind == "learning" and result.learning_curve is not None:
            history = result.learning_curve
            drawn += _band(axes, result, history.epochs, history.channels[channel(result) or ""], look, banded, True)
        elif (curve := primary(result, kind)) is not None:
            drawn += _band(axes, result, curve.alphas, curve.objective, look | {"bound": bound_of(curve)}, banded)
            panel.mark_ends(axes, curve.alphas)
    return drawn


def _band(
    axes: Axes, result: Result, x: Array, values: Array, look: dict[str, Any], banded: bool, ragged: bool = False
) -> panel.Drawn:
    """One curve; the band of many seeds leaves out the outermost tenths."""
    outer = (0.1, 0.9) if len(result.usable(values, ragged)[0]) >= MANY_SEEDS else (0.0, 1.0)
    look = {"linewidth": 1.3, **look}
    return panel.band(axes, result, x, values, ragged, look["label"], outer if banded else None, 0.15, **look)


def _tracks(axes: Axes, result: Result, look: dict[str, Any]) -> panel.Drawn:
    """The track of every seed, and a star at each solution."""
    track = result.projections["trajectory"]
    columns, note = usable_tracks(result, track)
    for k, s in enumerate(columns):
        label = look["label"] if k == 0 else None
        rows = rows_of(track, s)
        axes.plot(track.projection[rows, s], track.residual_norm[rows, s], **{**look, "linewidth": 0.9, "label": label})
        axes.plot([track.length[s]], [0], marker="*", markersize=7, clip_on=False, color=look["color"])
    # Every seed is drawn, so there is no median or band to explain.
    return panel.Drawn((1,) * bool(columns), (f"{look['label']}: {note}",) if note else ())


def label_panel(axes: Axes, kind: str, title: str, drawn: panel.Drawn) -> None:
    """Title and axes of a panel, and a sentence in an empty one."""
    if kind == "track":
        axes.set(title=style.wrapped(title), xlabel="projection on the line [parameter units]")
        axes.set_ylabel("residual [parameter units]")
        panel.close(axes, drawn, legend=False)
    elif kind == "shares":
        components.label_shares(axes, title, drawn, legend=False)
    elif kind == "learning":
        panel.label_learning(axes, title, drawn, legend=False)
    else:
        panel.label_line(axes, title, drawn, legend=False)


def title_of(kind: str, results: Sequence[Result]) -> str:
    """What a panel of this kind shows of these jobs."""
    if kind == "learning":
        split = (next((name for r in results if (name := channel(r)) is not None), "valid/")).split("/")[0]
        return f"during training, {style.SPLIT_WORD[split]}"
    if kind == "track":
        return "off the line"
    if kind == "shares":
        return "what principal axes explain; dashes: a random walk, dots: one at the pace of the first"
    ends = ", ".join(dict.fromkeys(r.choices.get("endpoints", "a line").replace("_", " ") for r in results))
    return f"{ends}, {style.SPLIT_WORD[kind]}"


def spans_decades(results: Sequence[Result], kind: str) -> bool:
    """Whether what a panel shows is positive everywhere and its largest value exceeds its smallest a thousandfold."""
    parts = []
    for result in results:
        if kind in ("train", "valid") and (curve := primary(result, kind)) is not None:
            parts.append(curve.objective[:, result.usable(curve.objective)[0]].ravel())
        elif kind == "learning" and result.learning_curve is not None and (name := channel(result)) is not None:
            parts.append(result.learning_curve.channels[name].ravel())
    values = np.concatenate([part[np.isfinite(part)] for part in parts]) if parts else np.zeros(0)
    return bool(values.size and values.min() > 0 and values.max() > 1000 * values.min())


def looks_of(key: Key) -> dict[str, dict[str, Any]]:
    """Colour and line of each value that is drawn: dark to light in their order, or as different as names can be."""
    if not key.is_ordered:
        return {value: panel.job_look(k) for k, value in enumerate(spread(key.values, MAX_NAMES))}
    kept = spread(key.values, MAX_ORDERED)
    # The last colours are too pale for a line on white.
    places = np.linspace(0.0, 0.87, len(kept)) if len(kept) > 1 else [0.0]
    return {value: {"color": colormaps["viridis"](place)} for value, place in zip(kept, places, strict=True)}


def band_words(drawn: panel.Drawn, most_curves: int) -> str:
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
    shown, entries = [value for value in key.values if value in looks], style.entries_of(panels)
    hatched = [word for word in entries if word.startswith(panel.STATED_ERROR)]
    if key.is_ordered and len(shown) > MAX_LEGEND:
        colours = ListedColormap([looks[value]["color"] for value in shown])
        scale = ScalarMappable(BoundaryNorm(np.arange(len(shown) + 1) - 0.5, len(shown)), colours)
        bar = holder.colorbar(scale, ax=list(panels), fraction=0.05, pad=0.02, aspect=30)
        ticks = [shown.index(value) for value in spread(shown, MAX_TICKS)]
        bar.set_ticks(ticks, labels=[key.word(shown[k]) for k in ticks])
        bar.ax.tick_params(length=0)
        bar.ax.minorticks_off()
        told = [f"hatched: {word}".replace("\n", " ") for word in hatched]
        bar.set_label("\n".join(filter(None, [key.label, words, *told])), fontsize=7.5)
        return
    ordered = [word for word in map(key.word, shown) if word in entries] + hatched
    if ordered:
        title = style.wrapped(key.label, 34) + (f"\n{style.wrapped(words)}" if words else "")
        look = {"title": title, "alignment": "left", "borderaxespad": 0.2}
        holder.legend([entries[word] for word in ordered], ordered, loc="outside right center", **look)
