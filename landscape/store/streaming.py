"""Inner products of many snapshots with one line, in one pass over the file that holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import config, njit, prange, set_num_threads
from numpy.typing import NDArray

BLOCK = 8192
"""Coordinates per piece: theta_i and the direction of one piece, in float64, stay in a core's cache."""
ROWS = 16
"""Snapshots per call: the pieces of one call lie close together in the file, which a disk reads ahead."""

Vector = NDArray[np.float64]

# Sums may be taken in any order, nothing else: the compiler fills vector registers, NaN and inf keep their meaning.
_compiled = njit(parallel=True, fastmath={"reassoc", "contract", "nsz"}, cache=True)


@_compiled
def _sums(thetas: Any, theta_i: Vector, direction: Vector, found: Any) -> None:
    """found[b, t] = (theta.theta, moved.moved, moved.direction) over piece b, moved = theta - theta_i."""
    for b in prange(found.shape[0]):
        first = b * BLOCK
        last = min(theta_i.shape[0], first + BLOCK)
        start, line = theta_i[first:last], direction[first:last]
        end = found.shape[1] - 1
        for t in range(0, end + 1, 4):
            # Four snapshots side by side: twelve sums that do not wait for one another, and each number of theta_i and
            # of the direction is loaded once for the four. Past the end the last snapshot is taken again.
            t1, t2, t3 = min(t + 1, end), min(t + 2, end), min(t + 3, end)
            r0, r1, r2, r3 = (
                thetas[t, first:last],
                thetas[t1, first:last],
                thetas[t2, first:last],
                thetas[t3, first:last],
            )
            own0, own1, own2, own3 = 0.0, 0.0, 0.0, 0.0
            moved0, moved1, moved2, moved3 = 0.0, 0.0, 0.0, 0.0
            along0, along1, along2, along3 = 0.0, 0.0, 0.0, 0.0
            for i in range(last - first):
                here, towards = start[i], line[i]
                x0, x1, x2, x3 = np.float64(r0[i]), np.float64(r1[i]), np.float64(r2[i]), np.float64(r3[i])
                y0, y1, y2, y3 = x0 - here, x1 - here, x2 - here, x3 - here
                own0 += x0 * x0
                own1 += x1 * x1
                own2 += x2 * x2
                own3 += x3 * x3
                moved0 += y0 * y0
                moved1 += y1 * y1
                moved2 += y2 * y2
                moved3 += y3 * y3
                along0 += y0 * towards
                along1 += y1 * towards
                along2 += y2 * towards
                along3 += y3 * towards
            found[b, t, 0], found[b, t, 1], found[b, t, 2] = own0, moved0, along0
            found[b, t1, 0], found[b, t1, 1], found[b, t1, 2] = own1, moved1, along1
            found[b, t2, 0], found[b, t2, 1], found[b, t2, 2] = own2, moved2, along2
            found[b, t3, 0], found[b, t3, 1], found[b, t3, 2] = own3, moved3, along3


@_compiled
def _aside(theta: Any, theta_i: Vector, direction: Vector, along: float, found: Vector) -> None:
    """found[b] = |moved - along direction|^2 over piece b."""
    for b in prange(found.shape[0]):
        first = b * BLOCK
        last = min(theta_i.shape[0], first + BLOCK)
        own, start, line = theta[first:last], theta_i[first:last], direction[first:last]
        total = 0.0
        for i in range(last - first):
            y = np.float64(own[i]) - start[i] - along * line[i]
            total += y * y
        found[b] = total


def shadow(
    thetas: NDArray[np.float32], theta_i: Vector, direction: Vector, threads: int = 1, near: float = 1e-6
) -> tuple[Vector, Vector, Vector]:
    """Projection, residual norm and parameter norm of every snapshot, each [T].

    All products and sums are of float64, so |moved|^2 - projection^2 keeps ten digits of the squared residual as
    long as that is more than ``near`` of |moved|^2; snapshots closer to the line are read a second time, for the
    norm of the difference itself.

    Args:
        thetas: [T, P], usually a memory map.
        theta_i, direction: [P]; the direction has length 1.
        threads: of the processor, at most as many as numba has.
    """
    set_num_threads(max(1, min(threads, config.NUMBA_NUM_THREADS)))  # type: ignore[attr-defined]
    num = len(thetas)
    pieces = -(-len(theta_i) // BLOCK)
    along, aside, norm = (np.empty(num) for _ in range(3))
    for first in range(0, num, ROWS):
        rows = thetas[first : first + ROWS]
        found = np.empty((pieces, len(rows), 3))
        _sums(rows, theta_i, direction, found)
        own, moved, p = found.sum(axis=0).T
        square = moved - p**2
        for t in np.flatnonzero(square < near * moved):
            parts = np.empty(pieces)
            _aside(rows[t], theta_i, direction, float(p[t]), parts)
            square[t] = parts.sum()
        here = slice(first, first + len(rows))
        along[here], aside[here], norm[here] = p, np.sqrt(square), np.sqrt(own)
    return along, aside, norm
