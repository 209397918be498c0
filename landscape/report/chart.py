"""Curves that a reader can zoom: J along the path and during training as SVG, from the saved arrays.

The drawing is whole without a script: paths in the units of the axes under one transform, so that ``page.js`` reads the
values back from them. A line of many points keeps the first, lowest, highest and last of each piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from landscape.figure import naming
from landscape.figure.style import BLACK, CYCLE, SPLIT_COLOR, SPLIT_WORD
from landscape.result.curve import Array
from landscape.result.curve.relief import ticks, told
from landscape.result.saved import Result

WIDTH, HEIGHT = 760, 340
LEFT, TOP, RIGHT, BOTTOM = 78, 12, 748, 286
"""Of the plot inside the drawing, in its own units."""
MAX_POINTS = 400
"""Points of a line that are drawn; of more every piece keeps its ends, its lowest and its highest."""
MAX_LINES = 90
"""Lines of a chart: about what an eye tells apart, and a hundred kilobytes."""
DECADES = 2.0
"""Where J spans so many, its axis is logarithmic at first."""
COLORS = [color for color in CYCLE if color != BLACK]
"""Of jobs; black is what is exact."""
DASHES = ("", "7 3", "2 3", "9 3 2 3")


@dataclass(frozen=True)
class Line:
    """One line: its name for the readout, its entry in the legend, its look, and its path in units of the axes."""

    name: str
    group: int
    color: str
    dash: str
    path: str


@dataclass(frozen=True)
class Entry:
    """One of the legend: what its lines have in common."""

    name: str
    color: str
    dash: str


@dataclass(frozen=True)
class Chart:
    """What the page draws.

    Args:
        title: over it. x_name, y_name: of the axes. unit: of J, with a space before it, or nothing.
        lines, legend: what is drawn.
        matrix: of the transform from units of the axes (log10 of J where ``is_log``) to those of the drawing.
        x_ticks, y_ticks: (place in the drawing, words).
        may_log: whether all values are above 0.
        notes: what is not drawn, or not all.
    """

    title: str
    x_name: str
    y_name: str
    unit: str
    lines: list[Line]
    legend: list[Entry]
    matrix: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    is_log: bool
    may_log: bool
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Series:
    """One seed of one curve of one job: x [N] and J [N]."""

    job: int
    seed: int
    split: str
    name: str
    kind: str
    x: Array
    y: Array
    is_theory: bool = False


def charts(results: Sequence[Result]) -> list[Chart]:
    """J along the path and J during training: of one job in one chart each, of several in one for each split."""
    found = []
    for about, series in (("along the path", list(_along(results))), ("during training", list(_learning(results)))):
        splits = list(dict.fromkeys(item.split for item in series))
        for part in [splits] if len(results) == 1 else [[split] for split in splits]:
            title = f"J {about}" + (f", {SPLIT_WORD.get(part[0], part[0])}" if len(results) > 1 else "")
            chart = _chart(results, [item for item in series if item.split in part], title)
            found += [chart] if chart else []
    return found


def _along(results: Sequence[Result]) -> Iterator[Series]:
    for k, (result, name) in enumerate(zip(results, naming.names(results), strict=True)):
        for key, curve in result.curves.items():
            modes = {other.mode for other in result.curves.values() if other.split == curve.split}
            kind = SPLIT_WORD.get(curve.split, curve.split) + (f", {curve.mode}" if len(modes) > 1 else "")
            kind += ", exact" if curve.source == "theory" else ""
            kind += "" if key in (f"{curve.split}/{curve.mode}", f"{curve.split}/exact") else f" ({key})"
            seeds = result.seed_names(curve.objective.shape[1])
            for s, seed in enumerate(seeds):
                told_as, y = f"{name}, seed {seed}, {kind}", curve.objective[:, s]
                yield Series(k, s, curve.split, told_as, kind, curve.alphas, y, curve.source == "theory")


def _learning(results: Sequence[Result]) -> Iterator[Series]:
    for k, (result, name) in enumerate(zip(results, naming.names(results), strict=True)):
        if (history := result.learning_curve) is None:
            continue
        for channel, values in history.channels.items():
            split, _, what = channel.rpartition("/")
            if what == "objective":
                kind = SPLIT_WORD.get(split, split)
                for s, seed in enumerate(result.seed_names(values.shape[1])):
                    yield Series(k, s, split, f"{name}, seed {seed}, {kind}", kind, history.epochs, values[:, s])


def _chart(results: Sequence[Result], series: Sequence[Series], title: str) -> Chart | None:
    """None where nothing is finite."""
    series = [item for item in series if np.isfinite(item.y).sum() > 1]
    if not series:
        return None
    notes, num = [], len(series)
    series = sorted(series, key=lambda item: item.seed)[:MAX_LINES]  # a seed of every job before the next seed
    if num > len(series):
        notes.append(f"{len(series)} of {num} lines are drawn, each job's first seeds first")
    thin = max(len(item.x) for item in series)
    if thin > MAX_POINTS:
        notes.append(
            f"of {thin:,} points a line keeps at most {MAX_POINTS}: the ends, the lowest and the highest of each piece"
        )
    every = np.concatenate([item.y[np.isfinite(item.y)] for item in series])
    low, high = float(every.min()), float(every.max())
    may_log = low > 0
    is_log = may_log and math.log10(high / low) >= DECADES
    y_range = (math.log10(low), math.log10(high)) if is_log else (low, high)
    x_range = (min(float(item.x[0]) for item in series), max(float(item.x[-1]) for item in series))
    (a, c), (b, d) = _scale(x_range, LEFT, RIGHT, 0.0), _scale(y_range, BOTTOM, TOP, 0.04)
    legend: dict[str, Entry] = {}
    lines = []
    jobs = naming.names(results, brief=True)
    for item in series:
        entry = item.kind if len(results) == 1 else jobs[item.job]
        color, dash = _look(item, series, len(results))
        legend.setdefault(
            entry, Entry(entry, color, dash if len(results) == 1 else DASHES[item.job // len(COLORS) % 4])
        )
        path = path_of(item.x, np.log10(item.y) if is_log else item.y)
        lines.append(Line(item.name, list(legend).index(entry), color, dash, path))
    unit = naming.unit_of(results)
    x_ticks = [(a * value + c, told(value)) for value in ticks(*x_range, is_log=False)]
    y_ticks = [(b * (math.log10(v) if is_log else v) + d, told(v)) for v in _ticks(low, high, is_log)]
    return Chart(
        title,
        "α" if "path" in title else "epoch",
        f"J [{unit}]" if unit else "J",
        naming.after_value(unit),
        lines,
        list(legend.values()),
        f"{a:.9g} 0 0 {b:.9g} {c:.9g} {d:.9g}",
        x_ticks,
        y_ticks,
        is_log,
        may_log,
        notes,
    )


def _look(item: Series, series: Sequence[Series], num_jobs: int) -> tuple[str, str]:
    """Colour and dashes: of one job by split and kind, of several by job; what is exact is black and dotted."""
    kinds = list(dict.fromkeys(other.kind for other in series if other.split == item.split))
    place = kinds.index(item.kind)
    if item.is_theory:
        return BLACK, "1 4"
    if num_jobs == 1:
        return SPLIT_COLOR.get(item.split, CYCLE[2]), DASHES[place % 4]
    return COLORS[item.job % len(COLORS)], DASHES[(item.job // len(COLORS) + place) % 4]


def _scale(span: tuple[float, float], start: float, end: float, room: float) -> tuple[float, float]:
    """Factor and shift of the way from a range, with some room at either side, to places in the drawing."""
    low, high = span
    size = high - low or abs(high) or 1.0
    low, high = low - room * size, high + room * size
    if not high > low:
        high = low + size
    factor = (end - start) / (high - low)
    return factor, start - factor * low


def _ticks(low: float, high: float, is_log: bool) -> list[float]:
    return ticks(low, high, is_log) if high > low else [low]


def path_of(x: Array, y: Array) -> str:
    """The ``d`` of a path through the points, thinned, with a gap where a value is not finite."""
    kept = thinned(y)
    parts, pen = [], "M"
    for k in kept:
        if not math.isfinite(y[k]):
            pen = "M"
            continue
        parts.append(f"{pen}{x[k]:.6g},{y[k]:.7g}")
        pen = "L"
    return " ".join(parts)


def thinned(y: Array, most: int = MAX_POINTS) -> list[int]:
    """Which points of a line are kept: all, or of each piece the first, lowest, highest and last, and gaps."""
    if len(y) <= most:
        return list(range(len(y)))
    kept: set[int] = {0, len(y) - 1}
    for piece in np.array_split(np.arange(len(y)), most // 4):
        values = y[piece]
        kept |= {int(piece[0]), int(piece[-1])}
        if (finite := np.isfinite(values)).any():
            kept |= {int(piece[np.nanargmin(np.where(finite, values, np.nan))])}
            kept |= {int(piece[np.nanargmax(np.where(finite, values, np.nan))])}
        if not finite.all():
            kept.add(int(piece[np.argmin(finite)]))
    return sorted(kept)
