"""When the units of a piecewise-linear layer switch on a line, sorted by grid point; compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.engine.compiled import compiled


@compiled
def _slot(grid: NDArray[Any], low: int, at: float) -> int:
    """The first grid point from ``low`` on that is not before ``at``, which is not past the last."""
    high = grid.shape[0] - 1
    while low < high:
        mid = (low + high) // 2
        if grid[mid] >= at:
            high = mid
        else:
            low = mid + 1
    return low


@compiled
def _of_unit(
    a: NDArray[Any], d: NDArray[Any], n: int, j: int, has_zero: bool, factor: float, grid: NDArray[Any], found: int,
    slots: NDArray[Any], units: NDArray[Any], values: NDArray[Any], slopes: NDArray[Any],
) -> int:  # fmt: skip
    """Append the events of unit j of example n with pieces a[n, j, k] + beta d[n, j, k]; how many there are now.

    The slope of the leader only ever grows, so that a unit has at most one event per piece.
    """
    begin, end = grid[0], grid[grid.shape[0] - 1]
    nothing = a.dtype.type(0)
    leads = not has_zero
    at, up = (nothing, nothing) if has_zero else (a[n, j, 0], d[n, j, 0])
    for k in range(a.shape[2]):
        ahead = (a[n, j, k] + begin * d[n, j, k]) - (at + begin * up)
        if ahead > 0 or (ahead == 0 and d[n, j, k] > up):
            leads, at, up = True, a[n, j, k], d[n, j, k]
    if leads:
        slots[found], units[found], values[found], slopes[found] = 0, j, factor * at, factor * up
        found += 1
    here = 0
    while True:
        # The piece that first crosses the leader from below; none that is not above it at the end.
        cross, takes_over, new_at, new_up = end, False, nothing, nothing
        top = at + end * up
        if has_zero and up < 0 and top < 0:
            cross, takes_over = -at / up, True
        for k in range(a.shape[2]):
            if d[n, j, k] > up and a[n, j, k] + end * d[n, j, k] > top:
                meet = (at - a[n, j, k]) / (d[n, j, k] - up)
                if meet < cross or (takes_over and meet == cross and d[n, j, k] > new_up):
                    cross, takes_over, new_at, new_up = meet, True, a[n, j, k], d[n, j, k]
        if not takes_over:
            return found
        here = _slot(grid, here, cross)  # never back: where rounding says so, the two differ by rounding
        slots[found], units[found] = here, j
        values[found], slopes[found] = factor * (new_at - at), factor * (new_up - up)
        found += 1
        at, up = new_at, new_up


@compiled
def bucket(
    middle: NDArray[Any], half: NDArray[Any], gain: NDArray[Any], has_zero: bool, grid: NDArray[Any], first: int,
    last: int, unit: NDArray[Any], value: NDArray[Any], slope: NDArray[Any], start: NDArray[Any],
) -> None:  # fmt: skip
    """The events of examples first ... last - 1, sorted by the grid point from which on they count.

    Piece k of hidden unit j is middle + beta half; the first event of a unit brings the piece that leads at the first
    grid point, each further one the difference to the piece that takes over.

    Args:
        middle, half: [N, H, K]. gain: [N, H], factor of each unit. has_zero: 0 is a piece too. grid: beta [A], sorted.
        unit, value, slope: [N, H * (K or K + 1)], filled. start: [N, A + 1], filled: places in the flat arrays.
    """
    points, capacity = grid.shape[0], unit.shape[1]
    slots, units = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    values, slopes = np.empty(capacity, middle.dtype), np.empty(capacity, middle.dtype)
    counts = np.empty(points, np.int64)
    for n in range(first, last):
        found = 0
        for j in range(gain.shape[1]):
            if gain[n, j] != 0:
                found = _of_unit(middle, half, n, j, has_zero, gain[n, j], grid, found, slots, units, values,
                                 slopes)  # fmt: skip
        counts[:] = 0
        for e in range(found):
            counts[slots[e]] += 1
        place = 0
        for i in range(points):
            start[n, i] = n * capacity + place
            place, counts[i] = place + counts[i], place
        start[n, points] = n * capacity + place
        for e in range(found):
            i = counts[slots[e]]
            counts[slots[e]] += 1
            unit[n, i], value[n, i], slope[n, i] = units[e], values[e], slopes[e]
