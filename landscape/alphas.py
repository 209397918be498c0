"""Where on a path to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.errors import InputError

SAME = 1e-6
"""Share of an axis of a plane within which two points of a grid are one."""


def fractions(num: int, divisions: int, first: int = 0) -> NDArray[np.float64]:
    """alpha_k = (first + k) / divisions for k = 0 ... num-1, so that 0 and 1 are hit exactly.

    Args:
        num: number of points A.
        divisions: steps per unit of alpha.
        first: numerator of the first point.
    """
    whole(num=num, divisions=divisions)
    numbers(first=first)
    if num < 1 or divisions < 1:
        raise InputError(f"alphas.num={num} and alphas.divisions={divisions} must both be at least 1")
    return (first + np.arange(num)) / divisions


def whole(**given: Any) -> None:
    """Raise InputError unless all are whole numbers."""
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise InputError(f"alphas.{name}={value} must be a whole number")


def numbers(**given: Any) -> None:
    """Raise InputError unless all are numbers."""
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
            raise InputError(f"alphas.{name}={value} must be a finite number")


def evenly(first: float, last: float, num: int, ends: bool = False) -> NDArray[np.float64]:
    """num points from ``first`` to ``last``.

    Args:
        first, last: the range.
        num: number of points A.
        ends: add alpha = 0 and alpha = 1 where the range holds them and the grid misses them.
    """
    whole(num=num)
    numbers(first=first, last=last)
    if not num >= 2 or not last > first:
        raise InputError(f"alphas needs num >= 2 and last > first, got num={num}, first={first}, last={last}")
    return with_positions(np.linspace(first, last, num), (0.0, 1.0) if ends else ())


def with_positions(grid: NDArray[np.float64], positions: Sequence[float], share: float = 0.0) -> NDArray[np.float64]:
    """The grid with these positions among its own, as far as they lie within it.

    Args:
        share: of the grid's extent, up to which a point of it gives way to a position beside it.
    """
    near = max(1e-12, share * float(grid[-1] - grid[0]))  # rounding alone keeps such a point from being that position
    for at in (a for a in positions if grid[0] <= a <= grid[-1]):
        k = int(np.argmin(np.abs(grid - at)))
        if np.abs(grid[k] - at) >= near or (grid[k] != at and grid[k] in positions):
            grid = np.sort(np.append(grid, at))
        else:
            grid = np.where(np.arange(len(grid)) == k, at, grid)
    return grid


def merged(grids: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The points of several grids in rising order, each once.

    Args:
        grids: [A] each, for example nodes with targets of their own.
    """
    points = np.sort(np.concatenate([np.asarray(grid, dtype=np.float64) for grid in grids])) if grids else np.zeros(0)
    # Two grids that mean the same point may differ by a rounding; a whole number among them is the exact one.
    points = np.where(np.abs(points - np.round(points)) < 1e-12, np.round(points), points)
    return points[np.diff(points, prepend=-np.inf) > 1e-12]


def explicit(values: Sequence[float]) -> NDArray[np.float64]:
    """The points as given, for example ``alphas=explicit 'alphas.values=[0,0.5,1]'``."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"alphas.values={values} must be a list of numbers") from error


def checked(alphas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same points [A] if they are one or more, finite and strictly increasing.

    Raises:
        InputError: naming ``alphas`` and the first fault.
    """
    alphas = np.asarray(alphas, dtype=np.float64)
    if alphas.ndim != 1 or len(alphas) == 0:
        raise InputError(f"alphas is empty or no list (shape {alphas.shape}); give at least one position")
    if not np.isfinite(alphas).all():
        bad = alphas[~np.isfinite(alphas)][0]
        raise InputError(f"alphas holds {bad}; give finite positions only")
    if (np.diff(alphas) <= 0).any():
        k = int(np.argmax(np.diff(alphas) <= 0))
        raise InputError(f"alphas must increase strictly but {alphas[k]} is followed by {alphas[k + 1]}; sort them")
    return alphas


def between_ends(grid: NDArray[np.float64] | Adaptive) -> NDArray[np.float64] | Adaptive:
    """The points of a grid on [0, 1], or a start of such; the grid itself if fewer than two of them are."""
    points = grid.start if isinstance(grid, Adaptive) else checked(grid)
    inside = points[(points >= 0) & (points <= 1)]
    if len(inside) in (len(points), 0, 1):
        return grid
    return replace(grid, start=inside) if isinstance(grid, Adaptive) else inside


def thinned(alphas: NDArray[np.float64], num: int | None) -> NDArray[np.float64]:
    """At most about ``num`` of the points, evenly by index; 0 and 1 stay if they were there."""
    if num is None or len(alphas) <= num:
        return alphas
    keep = set(np.round(np.linspace(0, len(alphas) - 1, num)).astype(int).tolist())
    keep |= {int(k) for end in (0.0, 1.0) for k in np.flatnonzero(alphas == end)}
    return alphas[sorted(keep)]


@dataclass(frozen=True)
class Adaptive:
    """A grid to start from, and how far the measurement is to refine it; see ``result.curve.adaptive.refine``.

    Args:
        start: [A0], two or more positions.
        tolerance: of the curve's spread, by how much a cubic through values and slopes may miss the middle of an
            interval.
        max_points: A is at most this.
        min_width: no interval becomes narrower than this, in alpha.

    Raises:
        InputError: a number out of range.
    """

    start: NDArray[np.float64]
    tolerance: float = 1e-3
    max_points: int = 400
    min_width: float = 1e-4

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", checked(self.start))
        whole(max_points=self.max_points)
        for name, value, usual in (("tolerance", self.tolerance, 1e-3), ("min_width", self.min_width, 1e-4)):
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < np.inf:
                raise InputError(f"alphas.{name}={value} must be positive and finite; {usual:g} is usual")
        if not 2 <= len(self.start) <= self.max_points:
            raise InputError(
                f"alphas.max_points={self.max_points} must be at least the {len(self.start)} points of alphas.start, "
                "and those two or more"
            )

    def capped(self, num: int | None) -> Adaptive:
        """At most ``num`` points, and a start of about half as many, so that something is left to refine."""
        if num is None or self.max_points <= num:
            return self
        start = thinned(self.start, max(2, num // 2))
        return Adaptive(start, self.tolerance, max(num, len(start)), self.min_width)
