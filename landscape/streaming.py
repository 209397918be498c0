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
        for t in range(found.shape[1]):
            row = thetas[t, first:last]
            own, moved, along = 0.0, 0.0, 0.0
            for i in range(last - first):
                x = np.float64(row[i])
                y = x - start[i]
                own += x * x
                moved += y * y
                along += y * line[i]
            found[b, t, 0], found[b, t, 1], found[b, t, 2] = own, moved, along


@_compiled
def _aside(theta: Any, theta_i: Vector, direction: Vector, along: float, found: Vector) -> None:
    """found[b] = |moved - along direction|^2 over piece b."""
    for b in prange(found.shape[0]):
        total = 0.0
        for i in range(b * BLOCK, min(theta_i.shape[0], (b + 1) * BLOCK)):
            y = np.float64(theta[i]) - theta_i[i] - along * direction[i]
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
        thetas: [T, P], usually a memory map. theta_i, direction: [P]; the direction has length 1.
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
