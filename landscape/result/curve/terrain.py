"""Numbers of one surface [A, B], values over a grid: how much lies below a level, minima and passes, rays, bends.

Neighbours are the eight around a point. A value that is not finite is a wall: nothing is known of it, and no way leads
over it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Place = tuple[int, int]

AROUND = [(i, j) for i, j in product((-1, 0, 1), repeat=2) if (i, j) != (0, 0)]
FURTHEST = 3
"""Largest step of a ray along one axis: 32 directions, each with a third of the points of its axis or more."""


@dataclass(frozen=True)
class Minimum:
    """A point that is lower than all its neighbours; of a flat floor its first.

    Args:
        place: its indices in the grid.
        value: J there.
        climb: by how much every way on the grid to a lower point must climb; infinite for the lowest that ways reach.
        is_inside: whether all its neighbours are known and on the grid, so that it is a minimum of more than an edge.
    """

    place: Place
    value: float
    climb: float
    is_inside: bool


def share_below(first: Array, second: Array, values: Array, level: float) -> float:
    """Share of the rectangle's area in which J is below a level; each point stands for the area half-way around it.

    What is not finite is not below.
    """
    cells = np.outer(*(_widths(axis) for axis in (first, second)))
    with np.errstate(invalid="ignore"):
        return float(cells[np.isfinite(values) & (values < level)].sum() / cells.sum())


def _widths(axis: Array) -> Array:
    if len(axis) < 2:
        return np.ones(len(axis))
    steps = np.diff(axis) / 2
    return np.append(steps, 0.0) + np.insert(steps, 0, 0.0)


def minima(values: Array) -> list[Minimum]:
    """All minima, the lowest first.

    The grid is flooded: where two lakes meet, the shallower one has found the pass over which it is left.
    """
    found = dict[Place, float]()
    for here, lakes in _floods(values):
        low = min(lakes, key=lambda place: (values[place], place), default=here)
        if not lakes:
            found[here] = math.inf
        for lake in lakes - {low}:
            found[lake] = float(values[here] - values[lake])
    climbs = {place: climb for place, climb in found.items() if climb > 0}
    inside = np.zeros(values.shape, dtype=bool)
    if min(values.shape) > 2:
        known = np.isfinite(values)
        rows, columns = values.shape
        parts = [known[1 + i : rows - 1 + i, 1 + j : columns - 1 + j] for i, j in AROUND]
        inside[1:-1, 1:-1] = np.all(parts, axis=0)
    made = [Minimum(place, float(values[place]), climb, bool(inside[place])) for place, climb in climbs.items()]
    return sorted(made, key=lambda one: (one.value, one.place))


def _floods(values: Array) -> Iterator[tuple[Place, set[Place]]]:
    """Each point from low to high, and the lakes that it joins, by their lowest points."""
    names, above = dict[Place, Place](), dict[Place, Place]()

    def root(place: Place) -> Place:
        while above[place] != place:
            above[place] = place = above[above[place]]
        return place

    known = np.flatnonzero(np.isfinite(values))
    for flat in known[np.argsort(values.ravel()[known], kind="stable")].tolist():
        here = divmod(flat, values.shape[1])
        roots = {root(near) for i, j in AROUND if (near := (here[0] + i, here[1] + j)) in above}
        lakes = {names[place] for place in roots}
        yield here, lakes
        above |= dict.fromkeys([here, *roots], here)
        names[here] = min(lakes, key=lambda name: (values[name], name), default=here)


def pass_between(values: Array, start: Place, end: Place) -> float:
    """The least height over which a way on the grid leads from one point to another; infinite without a way."""
    from scipy.ndimage import label  # late: a result is read without it

    levels = np.unique(values[np.isfinite(values)])

    def is_joined(level: float) -> bool:
        lakes, _ = label(np.isfinite(values) & (values <= level), np.ones((3, 3)))
        return bool(lakes[start] and lakes[start] == lakes[end])

    k = bisect_left(range(len(levels)), True, key=lambda k: is_joined(float(levels[k])))
    return float(levels[k]) if k < len(levels) else math.inf


def rays(first: Array, second: Array, values: Array, place: Place) -> list[Array]:
    """J along straight rays from one point to the edge of an even grid, at points of the grid alone.

    A ray goes by p points along the first axis and by q along the second at each step, p and q whole numbers without a
    common divisor and of at most 3 in size: 32 directions. It ends before a value that is not finite. Those of fewer
    than three points are left out; none on a grid that is not even.
    """
    if not all(
        len(axis) > 2 and np.allclose(np.diff(axis), np.ptp(axis) / (len(axis) - 1)) for axis in (first, second)
    ):
        return []
    found = []
    for p, q in product(range(-FURTHEST, FURTHEST + 1), repeat=2):
        if math.gcd(p, q) != 1:
            continue
        i, j = place
        met = []
        while 0 <= i < values.shape[0] and 0 <= j < values.shape[1] and np.isfinite(values[i, j]):
            met.append(values[i, j])
            i, j = i + p, j + q
        if len(met) > 2:
            found.append(np.array(met))
    return found


def bends(first: Array, second: Array, values: Array) -> Array:
    """The smaller eigenvalue of the matrix of second derivatives in (a, b), by differences, inside the grid [A-2, B-2].

    Where it is negative, the Hessian of J has a negative eigenvalue as well: J is not convex there. NaN beside a value
    that is not finite.
    """
    if min(values.shape) < 3:
        return np.zeros((max(values.shape[0] - 2, 0), max(values.shape[1] - 2, 0)))
    with np.errstate(invalid="ignore"):
        aa = _second(first, values)[:, 1:-1]
        bb = _second(second, values.T)[:, 1:-1].T
        wide, high = first[2:] - first[:-2], second[2:] - second[:-2]
        ab = (values[2:, 2:] - values[2:, :-2] - values[:-2, 2:] + values[:-2, :-2]) / np.outer(wide, high)
        return np.asarray((aa + bb) / 2 - np.hypot((aa - bb) / 2, ab))


def _second(axis: Array, values: Array) -> Array:
    """Second differences along the first axis, of an uneven grid too."""
    left, right = (np.diff(axis)[part, None] for part in (slice(None, -1), slice(1, None)))
    rise, before = (values[2:] - values[1:-1]) / right, (values[1:-1] - values[:-2]) / left
    return np.asarray(2 * (rise - before) / (left + right))
