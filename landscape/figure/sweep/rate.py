"""How often J rises on its way from start to solution, with Wilson's interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import style
from landscape.figure.claims import falls_monotonically
from landscape.figure.decided import holds
from landscape.figure.reading import Column, covers, primary
from landscape.figure.sweep.keys import Cells, Key
from landscape.result.curve.noise import wilson
from landscape.result.saved import Result

MAX_COUNTS = 12
"""Values of a key up to which each point says its count."""
MAX_TICKS = 13
SPLITS = ("train", "valid")
INTERVAL = "bars: Wilson's 95 % interval for independent runs"


def are_monotone(result: Result, split: str = "train") -> list[bool]:
    """For each usable seed whether J of this split only falls on [0, 1], up to the tolerance of claim 1b.

    Empty where the line was not measured there, and for a line between two solutions, which nobody claims to fall. A
    seed of which the stated error leaves it open is left out, see ``num_open``.
    """
    return [value for value in _readings(result, split) if value is not None]


def num_open(results: Sequence[Result], split: str = "train") -> int:
    """Of how many seeds the stated error does not decide whether J only falls."""
    return sum(_readings(result, split).count(None) for result in results)


def say_open(results: Sequence[Result]) -> str:
    """``not counted: 3 lines of which the stated error does not decide whether J rises``, empty without any."""
    num = sum(num_open(results, split) for split in SPLITS)
    lines = f"{num} line{'s' * (num != 1)}"
    return f"not counted: {lines} of which the stated error does not decide whether J rises" if num else ""


def _readings(result: Result, split: str) -> list[bool | None]:
    """True, False, or None where the stated error leaves it open."""
    curve = primary(result, split)
    if curve is None or not covers(curve, 0.0, 1.0) or result.choices.get("endpoints") == "between_solutions":
        return []
    columns, _ = result.usable(curve.objective)
    return [holds(falls_monotonically, Column(result, curve, s)) for s in columns]


def draw_rates(axes: Axes, key: Key, cells: Cells, splits: Sequence[str] = SPLITS) -> None:
    """The share of runs that are not monotone at each value of one key, a colour per split.

    Args:
        cells: ``(value,)`` -> its runs.
    """
    found = [split for split in splits if any(are_monotone(result, split) for result in cells.values())]
    for number, split in enumerate(found):
        offset = 0.24 * (number - (len(found) - 1) / 2)
        for rank, value in enumerate(key.values):
            monotone = are_monotone(cells[value,], split) if (value,) in cells else []
            if not monotone:
                continue
            rises, judged = monotone.count(False), len(monotone)
            share, (low, high) = rises / judged, wilson(rises, judged)
            look: dict[str, Any] = {"color": style.SPLIT_COLOR[split], "marker": "os"[number], "markersize": 4}
            reach = 100 * np.array([[share - low], [high - share]])
            axes.errorbar([rank + offset], [100 * share], reach, linewidth=1.2, capsize=2, **look)
            if len(key.values) <= MAX_COUNTS:
                place: dict[str, Any] = {
                    "xytext": (0.5, 2),
                    "textcoords": "offset points",
                    "ha": "center",
                    "va": "bottom",
                }
                place |= {"fontsize": 5.5, "color": look["color"], "rotation": 90}
                axes.annotate(f"{rises}/{judged}", (rank + offset, 100 * high), **place)
        axes.plot([], [], label=style.SPLIT_WORD[split], color=style.SPLIT_COLOR[split], marker="os"[number])
    label_values(axes, key)
    axes.set(ylim=(-4, 118), yticks=[0, 25, 50, 75, 100], ylabel="runs whose J rises [%]")


def label_values(axes: Axes, key: Key, vertical: bool = False) -> None:
    """The values of a key at 0, 1, 2, … on one axis: names all, ordered values as many as have room."""
    step = math.ceil(len(key.values) / (40 if vertical else MAX_TICKS)) if key.is_ordered else 1
    kept = key.values[::step]
    places, words = range(0, len(key.values), step), [key.word(value) for value in kept]
    if vertical:
        axes.set_yticks(places, words)
        axes.set_ylabel(key.label)
        return
    room = 34 if key.is_ordered else 30
    slant = (0 if max(map(len, words)) * len(words) <= room else 35) if len(words) <= MAX_TICKS else 90
    look: dict[str, Any] = {"rotation": slant, "ha": "right", "rotation_mode": "anchor"} if slant else {}
    axes.set_xticks(places, words, **(look | ({"va": "center"} if slant == 90 else {})))
    axes.set(xlabel=key.label, xlim=(-0.6, len(key.values) - 0.4))
