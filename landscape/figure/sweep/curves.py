"""Curves of a sweep: a colour per value of one key, a band over the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import line, style, subject, unit
from landscape.figure.sweep.design import Cells
from landscape.figure.sweep.keys import Key
from landscape.figure.sweep.look import MANY_SEEDS, MAX_BANDS
from landscape.result.curve import Array
from landscape.result.saved import Result

KINDS = ("train", "valid", "learning", "track")


def has(kind: str, result: Result) -> bool:
    """Whether a result holds what a panel of this kind shows."""
    if kind == "learning":
        return result.learning_curve is not None and channel(result) is not None
    return "trajectory" in result.projections if kind == "track" else line.primary(result, kind) is not None


def channel(result: Result) -> str | None:
    """The channel of the learning curve that is drawn."""
    names = ("valid/objective", "train/objective")
    history = result.learning_curve
    return next((name for name in names if name in history.channels), None) if history is not None else None


def draw_panel(axes: Axes, kind: str, key: Key, looks: Mapping[str, Any], cells: Cells) -> line.Drawn:
    """One panel: for each value of the key its curve.

    Args:
        kind: one of ``KINDS``. cells: ``(value,)`` -> its runs.
    """
    drawn = line.Drawn()
    shown = [value for value in looks if (value,) in cells and has(kind, cells[value,])]
    banded = len(shown) <= MAX_BANDS
    for value in shown:
        result, look = cells[value,], {**looks[value], "label": key.word(value)}
        if kind == "track":
            drawn += _tracks(axes, result, look)
        elif kind == "learning" and result.learning_curve is not None:
            history = result.learning_curve
            drawn += _band(axes, result, history.epochs, history.channels[channel(result) or ""], look, banded, True)
        elif (curve := line.primary(result, kind)) is not None:
            drawn += _band(axes, result, curve.alphas, curve.objective, look, banded)
            line.mark_ends(axes, curve.alphas)
    return drawn


def _band(
    axes: Axes, result: Result, x: Array, values: Array, look: dict[str, Any], banded: bool, ragged: bool = False
) -> line.Drawn:
    """One curve: the line of a single seed, or median and band of several; x [A], values [A, S]."""
    columns, note = subject.usable(result, values, ragged)
    notes = (f"{look['label']}: {note}",) if note else ()
    if not columns:
        return line.Drawn((), notes, (unit.cost_of(result),))
    kept = values[:, columns]
    rows = np.isfinite(kept).any(axis=1)
    x, kept = x[rows], kept[rows]
    axes.plot(x, np.nanmedian(kept, axis=1), **{"linewidth": 1.3, **look})
    if len(columns) > 1 and banded:
        low, high = np.nanquantile(kept, (0.1, 0.9) if len(columns) >= MANY_SEEDS else (0.0, 1.0), axis=1)
        axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
    return line.Drawn((len(columns),), notes, (unit.cost_of(result),))


def _tracks(axes: Axes, result: Result, look: dict[str, Any]) -> line.Drawn:
    """The track of every seed, and a star at each solution."""
    track = result.projections["trajectory"]
    columns, note = subject.usable(result, track.projection, ragged=True)
    for k, s in enumerate(columns):
        label = look["label"] if k == 0 else None
        axes.plot(track.projection[:, s], track.residual_norm[:, s], **{**look, "linewidth": 0.9, "label": label})
        axes.plot([track.length[s]], [0], marker="*", markersize=7, clip_on=False, color=look["color"])
    # Every seed is drawn, so there is no median or band to explain.
    return line.Drawn((1,) * bool(columns), (f"{look['label']}: {note}",) if note else ())


def label_panel(axes: Axes, kind: str, title: str, drawn: line.Drawn) -> None:
    """Title and axes of a panel, and a sentence in an empty one."""
    if kind == "track":
        axes.set(title=style.wrapped(title), xlabel="projection on the line [parameter units]")
        axes.set_ylabel("residual [parameter units]")
        axes.set_ylim(bottom=0)
        line.close(axes, drawn, legend=False)
    elif kind == "learning":
        line.label_learning(axes, title, drawn, legend=False)
    else:
        line.label_line(axes, title, drawn, legend=False)


def title_of(kind: str, results: Sequence[Result]) -> str:
    """What a panel of this kind shows of these jobs."""
    if kind == "learning":
        split = (next((name for r in results if (name := channel(r)) is not None), "valid/")).split("/")[0]
        return f"during training, {style.SPLIT_WORD[split]}"
    if kind == "track":
        return "off the line"
    ends = ", ".join(dict.fromkeys(r.choices.get("endpoints", "a line").replace("_", " ") for r in results))
    return f"{ends}, {style.SPLIT_WORD[kind]}"


def spans_decades(results: Sequence[Result], kind: str) -> bool:
    """Whether what a panel shows is positive everywhere and its largest value exceeds its smallest a thousandfold."""
    parts = []
    for result in results:
        if kind in ("train", "valid") and (curve := line.primary(result, kind)) is not None:
            parts.append(curve.objective[:, subject.usable(result, curve.objective)[0]].ravel())
        elif kind == "learning" and result.learning_curve is not None and (name := channel(result)) is not None:
            parts.append(result.learning_curve.channels[name].ravel())
    values = np.concatenate([part[np.isfinite(part)] for part in parts]) if parts else np.zeros(0)
    return bool(values.size and values.min() > 0 and values.max() > 1000 * values.min())
