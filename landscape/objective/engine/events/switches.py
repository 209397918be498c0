"""When the units of a piecewise-linear layer switch on a line, sorted by grid point; compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.objective.engine.events.vectors import compiled

UNITS = 32
"""Hidden units whose weights, for one block of outputs, stay in the nearest cache."""


@compiled
def _slot(grid: NDArray[Any], low: int, at: float) -> int:
    """The first grid point from ``low`` on that is not before ``at``, which is not past the last.

    Looked for where it lies if the points are evenly spaced; what a processor guesses wrong on the way costs the most.
    """
    high: int = grid.shape[0] - 1
    if grid[low] >= at:
        return low
    if grid[high] < at:
        return high
    guess = low + int((at - grid[low]) / (grid[high] - grid[low]) * (high - low))
    guess = min(max(guess, low), high - 1)
    if grid[guess] >= at:
        high = guess
    elif grid[guess + 1] >= at:
        return guess + 1
    else:
        low = guess + 2
    while low < high:
        mid = (low + high) // 2
        if grid[mid] >= at:
            high = mid
        else:
            low = mid + 1
    return low


@compiled
def _switch(zs: NDArray[Any], ze: NDArray[Any], has_zero: bool, top: float, end: float) -> tuple[float, float, float]:
    """Where the piece that leads from ``top`` at t = 0 to ``end`` at t = 1 is first overtaken; t, and the new piece.

    t = 2 where it never is.
    """
    none = zs.dtype.type(2)
    cross, new_top, new_end = none, top, end
    if has_zero and end < 0 and end < top:
        cross, new_top, new_end = top / (top - end), zs.dtype.type(0), zs.dtype.type(0)
    for k in range(zs.shape[0]):
        ahead, behind = ze[k] - end, top - zs[k]
        # Above the leader at the end, and steeper.
        if ahead > 0 and ahead + behind > 0:
            meet = behind / (ahead + behind)
            if meet < cross or (cross < none and meet == cross and ze[k] - zs[k] > new_end - new_top):
                cross, new_top, new_end = meet, zs[k], ze[k]
    return cross, new_top, new_end


@compiled
def _past(grid: NDArray[Any], near: int, z: float, s: float, cut: float, step: int, is_open: bool) -> int:
    """The first grid point past the cut, near ``near``; one on it counts unless ``is_open``. A, where none is."""
    i = near
    while i > 0:
        ahead = ((1 - grid[i - 1]) * z + grid[i - 1] * s - cut) * step
        if ahead < 0 or (ahead == 0 and is_open):
            break
        i -= 1
    while i < grid.shape[0]:
        ahead = ((1 - grid[i]) * z + grid[i] * s - cut) * step
        if ahead > 0 or (ahead == 0 and not is_open):
            break
        i += 1
    return i


@compiled
def bucket(
    begin: NDArray[Any],
    end: NDArray[Any],
    gain: NDArray[Any],
    has_zero: bool,
    grid: NDArray[Any],
    low: int,
    high: int,
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    start: NDArray[Any],
) -> None:
    """The events of examples low ... high - 1: what leads at the first grid point, then what takes over, by grid point.

    Piece k of hidden unit j is (1 - t) begin + t end. An event is the piece that leads at t = 0, or the difference to
    the piece that takes over; the slope of the leader only ever grows: a unit has at most one event per piece.

    Args:
        begin, end: [N, H, K].
        gain: [N, H], factor of each unit; or [1, H].
        has_zero: 0 is a piece too.
        grid: t [A], sorted.
        unit, first, last: [N, H * (K or K + 1)], filled: of each event, its values at t = 0 and t = 1.
        tiles: [N, ⌈H / UNITS⌉ + 1], filled: where in the flat arrays the leaders at t = 0 of so many units begin.
        start: [N, A + 1], filled: where the events of each grid point begin.
    """
    units, pieces, points, capacity = begin.shape[1], begin.shape[2], grid.shape[0], unit.shape[1]
    slots, ones = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    tops, ends = np.empty(capacity, begin.dtype), np.empty(capacity, begin.dtype)
    counts = np.empty(points, np.int64)
    nothing = begin.dtype.type(0)
    for n in range(low, high):
        place, found, factors = 0, 0, gain[n if gain.shape[0] > 1 else 0]
        for j in range(units):
            if j % UNITS == 0:
                tiles[n, j // UNITS] = n * capacity + place
            factor = factors[j]
            top, stop = (nothing, nothing) if has_zero else (begin[n, j, 0], end[n, j, 0])
            for k in range(pieces):
                ahead = begin[n, j, k] - top
                is_ahead = ahead > 0 or (ahead == 0 and end[n, j, k] > stop)
                top, stop = (begin[n, j, k], end[n, j, k]) if is_ahead else (top, stop)
            unit[n, place], first[n, place], last[n, place] = j, factor * top, factor * stop
            place += 1 if factor != 0 and (top != 0 or stop != 0) else 0
            here = 0
            while factor != 0:
                at, new_top, new_stop = _switch(begin[n, j], end[n, j], has_zero, top, stop)
                if at > 1:
                    break
                here = _slot(grid, here, at)  # never back: where rounding says so, the two differ by rounding
                slots[found], ones[found] = here, j
                tops[found], ends[found] = factor * (new_top - top), factor * (new_stop - stop)
                found += 1
                top, stop = new_top, new_stop
        tiles[n, tiles.shape[1] - 1] = n * capacity + place
        _sort(n, n * capacity + place, place, found, counts, slots, ones, tops, ends, unit, first, last, start)


@compiled
def _sort(
    n: int,
    begin: int,
    place: int,
    found: int,
    counts: NDArray[Any],
    slots: NDArray[Any],
    ones: NDArray[Any],
    tops: NDArray[Any],
    ends: NDArray[Any],
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    start: NDArray[Any],
) -> None:
    """Lay out so many events of example n by grid point, from ``place`` on, which is ``begin`` in the flat arrays."""
    points, origin = counts.shape[0], begin - place
    counts[:] = 0
    for e in range(found):
        counts[slots[e]] += 1
    for i in range(points):
        start[n, i] = origin + place
        place, counts[i] = place + counts[i], place
    start[n, points] = origin + place
    for e in range(found):
        i = counts[slots[e]]
        counts[slots[e]] += 1
        unit[n, i], first[n, i], last[n, i] = ones[e], tops[e], ends[e]


@compiled
def bucket_cuts(
    begin: NDArray[Any],
    end: NDArray[Any],
    gain: NDArray[Any],
    lines: NDArray[Any],
    cuts: NDArray[Any],
    sides: NDArray[Any],
    grid: NDArray[Any],
    low: int,
    high: int,
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    start: NDArray[Any],
) -> None:
    """As ``bucket``, of units that are a piecewise-linear function of z = (1 - t) begin + t end.

    z never turns back, so each cut is passed at most once. Where the function goes on without a jump a unit that starts
    on a cut starts beyond it; where it jumps the grid point decides on whose side of the cut z lies.

    Args:
        begin, end: [N, H].
        gain: [N, H], or [1, H] where it is the same for all examples.
        lines: slope and offset of each piece, [K, 2].
        cuts, sides: [K - 1], see ``Piecewise``.
        unit, first, last: [N, H * K], filled.
    """
    units, points, capacity, pieces = begin.shape[1], grid.shape[0], unit.shape[1], lines.shape[0]
    slots, ones = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    tops, ends = np.empty(capacity, begin.dtype), np.empty(capacity, begin.dtype)
    counts = np.empty(points, np.int64)
    for n in range(low, high):
        place, found = 0, 0
        for j in range(units):
            if j % UNITS == 0:
                tiles[n, j // UNITS] = n * capacity + place
            factor, z, s = gain[n if gain.shape[0] > 1 else 0, j], begin[n, j], end[n, j]
            if factor == 0:
                continue
            k = 0
            while k < pieces - 1 and (z > cuts[k] or (z == cuts[k] and (sides[k] == 2 or (sides[k] == 0 and s > z)))):
                k += 1
            slope, offset = factor * lines[k, 0], factor * lines[k, 1]
            unit[n, place], first[n, place], last[n, place] = j, slope * z + offset, slope * s + offset
            place += 1 if first[n, place] != 0 or last[n, place] != 0 else 0
            step, here = (1 if s > z else -1), 0
            while True:
                c = k if step > 0 else k - 1
                if c < 0 or c == pieces - 1 or (s - cuts[c]) * step < 0 or s == z:
                    break
                here = _slot(grid, here, (cuts[c] - z) / (s - z))
                if sides[c] != 0:
                    here = _past(grid, here, z, s, cuts[c], step, (sides[c] == 1) == (step > 0))
                    if here == points:
                        break
                slope, offset = factor * (lines[k + step, 0] - lines[k, 0]), factor * (lines[k + step, 1] - lines[k, 1])
                slots[found], ones[found] = here, j
                tops[found], ends[found] = slope * z + offset, slope * s + offset
                found += 1
                k += step
        tiles[n, tiles.shape[1] - 1] = n * capacity + place
        _sort(n, n * capacity + place, place, found, counts, slots, ones, tops, ends, unit, first, last, start)
