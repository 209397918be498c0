"""The switches of units that are on or off, sorted by grid point: as ``switches`` has them, without a guess.

Half of the units are on, in no order that a processor could foresee; so nothing here depends on one of them but what is
written where, and what turns out not to be there is written over by the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.objective.engine.events.switches import UNITS, _slot
from landscape.objective.engine.events.vectors import compiled


@compiled
def bucket_relu(
    begin: NDArray[Any],
    end: NDArray[Any],
    gain: NDArray[Any],
    grid: NDArray[Any],
    low: int,
    high: int,
    unit: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    tiles: NDArray[Any],
    start: NDArray[Any],
) -> None:
    """As ``bucket``, bit for bit, of units gain * max(0, z) with z = (1 - t) begin + t end.

    Args:
        begin, end: [N, H].
        gain: [N, H], or [1, H] where it is the same for all examples.
        unit, first, last: [N, 2 H], filled.
    """
    units, points, capacity = begin.shape[1], grid.shape[0], unit.shape[1]
    final, nothing = points - 1, begin.dtype.type(0)
    slots, ones = np.empty(units + 1, np.int32), np.empty(units + 1, np.int32)
    tops, ends = np.empty(units + 1, begin.dtype), np.empty(units + 1, begin.dtype)
    at, counts = np.empty(units, begin.dtype), np.empty(points + 1, np.int64)
    scale = begin.dtype.type(final) / (grid[final] - grid[0]) if grid[final] > grid[0] else nothing
    for n in range(low, high):
        factors, origin = gain[n if gain.shape[0] > 1 else 0], n * capacity
        place, found = 0, 0
        for j in range(units):
            z, s = begin[n, j], end[n, j]
            at[j] = z / (z - s) if (z > 0) != (s > 0) else nothing
        for j in range(units):
            if j % UNITS == 0:
                tiles[n, j // UNITS] = origin + place
            factor, z, s = factors[j], begin[n, j], end[n, j]
            is_on = (z > 0) | ((z == 0) & (s > 0))
            unit[n, place], first[n, place], last[n, place] = j, factor * z, factor * s
            place += is_on & (factor != 0)
            # Where it lies if the points are evenly spaced.
            slot = min(max(int((at[j] - grid[0]) * scale), 0), max(final - 1, 0))
            slots[found], ones[found] = slot + (grid[slot] < at[j]), j
            sign = -factor if is_on else factor
            tops[found], ends[found] = sign * z, sign * s
            found += ((is_on & (s < 0)) | ((not is_on) & (s > 0))) & (factor != 0)
        tiles[n, tiles.shape[1] - 1] = origin + place
        counts[:] = 0
        for e in range(found):
            i, t = slots[e], at[ones[e]]
            if grid[i] < t or (i > 0 and grid[i - 1] >= t):
                i = slots[e] = _slot(grid, 0, t)
            counts[i] += 1
        for i in range(points):
            start[n, i] = origin + place
            place, counts[i] = place + counts[i], place
        start[n, points] = origin + place
        for e in range(found):
            i = counts[slots[e]]
            counts[slots[e]] += 1
            unit[n, i], first[n, i], last[n, i] = ones[e], tops[e], ends[e]
