"""Which points are taken over all examples, and how J at the others follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BETWEEN, APART = (17, 5), 6
"""Nodes along a line and along each axis of a plane that are there in any case, and of a line of few points one in so
many, but 9 at least: what is wider than they are apart is seen in each of the examples."""
TINY = 1e-12
"""Share of what a curve was, below which nothing is left of it but rounding."""


def places(axes: Sequence[Array]) -> Array:
    """Where the points of a grid lie [A, d], each axis from 0 to 1."""
    scaled = [(axis - axis[0]) / ((axis[-1] - axis[0]) or 1.0) for axis in axes]
    return np.array(list(product(*scaled)))


def always(axes: Sequence[Array]) -> list[int]:
    """The points that are nodes in any case, by number.

    They are the corners of a grid, those at which all of its coordinates are 0 or 1, which a path was laid through (or
    the outermost between), and some between them that lie as the extrema of Chebyshev's polynomials do: nothing wide is
    left unseen because no example that was looked at changes there.
    """
    nums = [min(BETWEEN[0], max(9, len(axes[0]) // APART))] if len(axes) == 1 else [BETWEEN[1]] * len(axes)
    marked = [_spread(axis, num) for axis, num in zip(axes, nums, strict=True)]
    inside = [np.flatnonzero((axis >= -1e-12) & (axis <= 1 + 1e-12)).tolist() for axis in axes]
    named = [{part[0], part[-1]} if part else set[int]() for part in inside]
    shape = [len(axis) for axis in axes]
    found = {int(np.ravel_multi_index(at, shape)) for part in (marked, named) for at in product(*part)}
    return sorted(found)


def _spread(axis: Array, num: int) -> set[int]:
    """About ``num`` positions of an axis, both ends among them."""
    wanted = (axis[0] + axis[-1]) / 2 - (axis[-1] - axis[0]) / 2 * np.cos(np.pi * np.arange(num) / (num - 1))
    return {int(np.abs(axis - at).argmin()) for at in wanted}


def interpolation(at: Array, nodes: Sequence[int]) -> Array:
    """W [A, K]: values at the nodes -> values at all points, by splines of |x|^3 and a linear part.

    On a line this is the natural cubic spline. Source: Duchon, "Splines minimizing rotation-invariant semi-norms in
    Sobolev spaces", 1977.

    Args:
        at: where the points lie [A, d].
        nodes: their numbers [K].
    """
    some, num = at[list(nodes)], len(nodes)
    linear = np.column_stack([np.ones(len(at)), at])
    known = linear[list(nodes)]
    if np.linalg.matrix_rank(known) < known.shape[1]:  # few points, or all on a line: the nearest one
        apart = ((at[:, None] - some[None]) ** 2).sum(axis=2)
        return np.asarray(np.eye(num)[apart.argmin(axis=1)])
    rank = known.shape[1]
    system = np.block([[_cubes(some, some), known], [known.T, np.zeros((rank, rank))]])
    weights = np.linalg.solve(system, np.eye(num + rank, num))
    found = np.hstack([_cubes(at, some), linear]) @ weights
    found[list(nodes)] = np.eye(num)
    return np.asarray(found)


def _cubes(one: Array, other: Array) -> Array:
    """The cubes of the distances of points [A, d] and [B, d] -> [A, B]."""
    square = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    return np.asarray(square * np.sqrt(square))


def ordered(curves: Sequence[Array], first: Sequence[int], most: int) -> list[int]:
    """The points from which, one after the other, most can be told of some curves: those given, then the greedy ones.

    Each next point is the one at which, given the points before, the curves still differ most from one another: pivoted
    QR of the matrix of curves and points.

    Args:
        curves: of each row [n, A], in units of what they may be off.
        first: the points that are there anyway.
        most: points.
    """
    left = [line - line.mean(axis=0) for line in curves]
    scale = [np.maximum((part**2).sum(axis=0), 1e-300) for part in left]
    found: list[int] = []
    for step in range(max(most, len(first))):
        spread = np.max([(part**2).sum(axis=0) for part in left], axis=0)
        spread[found] = -1.0
        point = first[step] if step < len(first) else int(np.argmax(spread))
        if step >= len(first) and spread[point] <= 0:
            break
        found.append(int(point))
        for part, whole in zip(left, scale, strict=True):
            column = part[:, point].copy()
            size = float(column @ column)
            if size > TINY * whole[point]:
                part -= np.outer(column / size, column @ part)
    return found
