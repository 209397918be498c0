"""A run that is known at any time, seen on the axis from its start to its end: projection and residual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array


def project(points: Array, start: Array, end: Array) -> tuple[Array, Array]:
    """Signed length along start → end, and length of what remains, of each of ``points`` [T, P].

    Raises:
        ValueError: start and end are the same point.
    """
    length = float(np.linalg.norm(end - start))
    if not length > 0:
        raise ValueError("start and end are the same point, so the line between them has length zero.")
    axis, moved = (end - start) / length, points - start
    along = moved @ axis
    return along, np.linalg.norm(moved - along[..., None] * axis, axis=-1)


def times_of(times: ArrayLike) -> Array:
    """``times`` as [T] floats.

    Raises:
        ValueError: no time, more than one axis, a time below zero, NaN or infinite.
    """
    array = np.atleast_1d(np.asarray(times, np.float64))
    if array.ndim != 1 or not array.size or not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError("times must be finite and 0 or more, at least one of them, in one row.")
    return array


@dataclass(frozen=True, eq=False)
class Run:
    """Weights of a gradient flow at any time, from ``start`` [P] to ``end`` [P], which it reaches after all time.

    Args:
        weights: times [T] -> [T, P]; any order, overflow-safe.
    """

    start: Array
    end: Array
    weights: Callable[[Array], Array]

    @property
    def length(self) -> float:
        """‖end - start‖."""
        return float(np.linalg.norm(self.end - self.start))

    def __call__(self, times: ArrayLike) -> Array:
        """Weights [T, P] at ``times`` [T]."""
        return self.weights(times_of(times))

    def projection(self, times: ArrayLike) -> Array:
        """Signed length [T] along the unit direction from the start to the end."""
        return project(self(times), self.start, self.end)[0]

    def residual_norm(self, times: ArrayLike) -> Array:
        """Length [T] of what the projection leaves of the way from the start."""
        return project(self(times), self.start, self.end)[1]
