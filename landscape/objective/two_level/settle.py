"""Which points decide the numbers that are read off a curve, so that they are taken over all examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


PART = 0.5
"""Share of its bound by which an estimate may be beyond what was taken over all examples."""


def undecided(values: Array, full: NDArray[np.bool_], bound: Array, along: Array | None) -> list[int]:
    """The points that are to be taken over all examples before the lowest, the highest and the largest rise are known.

    Args:
        values: J of one row [A].
        full: where it was taken over all examples [A].
        bound: how far it may be off [A].
        along: the positions on a line [A]; None of a plane.
    """
    settled = held(values, full, along)
    with np.errstate(invalid="ignore"):
        moved = np.abs(settled - values) > PART * bound
    wanted = [a for a in deciding(values, along) if moved[a]]
    return [a for a in dict.fromkeys(wanted) if not full[a]]


def deciding(values: Array, along: Array | None) -> list[int]:
    """The numbers of the lowest and the highest point, and on a line of both ends of its largest rise within [0, 1].

    Args:
        values: J [A].
        along: the positions on a line [A]; None of a plane.
    """
    if not np.isfinite(values).any():
        return []
    found = [int(np.nanargmin(values)), int(np.nanargmax(np.where(np.isfinite(values), values, np.nan)))]
    return found + (list(rise_of(values, along)) if along is not None else [])


def rise_of(values: Array, along: Array) -> tuple[int, ...]:
    """Both ends of the largest rise of a line within [0, 1], by number; none where it does not rise."""
    inside = np.flatnonzero((along >= -1e-12) & (along <= 1 + 1e-12) & np.isfinite(values))
    if len(inside) < 2:
        return ()
    kept = values[inside]
    rises = kept[1:] - np.minimum.accumulate(kept)[:-1]
    end = 1 + int(np.argmax(rises))
    if rises[end - 1] <= 0:
        return ()
    return int(inside[int(np.argmin(kept[:end]))]), int(inside[end])


def held(values: Array, full: NDArray[np.bool_], along: Array | None) -> Array:
    """The same, no record of which is an estimate's: where one is beyond all that was taken over all examples.

    It is moved to the record, and so by no more than it may be off.
    """
    values = values.copy()
    free = ~full & np.isfinite(values)
    sure = values[full & np.isfinite(values)]
    if not len(sure):
        return values
    low, high = float(sure.min()), float(sure.max())
    gap = min(
        (high - low) / 4, 1e-12 * (high - low) + 4 * float(np.spacing(np.abs(sure).max()))
    )  # or the first is told
    least, most = max(low + gap, np.nextafter(low, np.inf)), min(high - gap, np.nextafter(high, -np.inf))
    values[free] = np.clip(values[free], least, most) if least <= most else low
    if along is None:
        return values
    inside = np.flatnonzero((along >= -1e-12) & (along <= 1 + 1e-12) & np.isfinite(values))
    line, known = values[inside], full[inside]
    if known.sum() < 2:
        return values
    some = line[known]
    rise = max(0.0, float((some[1:] - np.minimum.accumulate(some)[:-1]).max()) - 2 * gap)
    after = np.maximum.accumulate(np.where(known, line, -np.inf)[::-1])[::-1]
    line = np.where(known, line, np.maximum(line, after - rise))
    lowest = np.inf
    for k in range(len(line)):
        if not known[k]:
            line[k] = min(line[k], lowest + rise)
        lowest = min(lowest, float(line[k]))
    values[inside] = line
    return values
