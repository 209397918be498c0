"""A convex cost on a straight segment of outputs, as of linear logits with softmax: no barrier, decided by one slope.

A grid cannot decide whether such a curve decreases, as its minimum may hide inside the last cell; the slope at the end
does, and where floats leave its sign in doubt it is computed in decimals with a bound on the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax

from theory.arithmetic.polynomial import Array

Cost = Literal["squared_error", "cross_entropy"]
# Float slopes smaller than this, relative to the terms they are summed from, are decided in decimals.
_CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Segment:
    """J(z) = mean cost of outputs z(t) = (1 - t) outputs_0 + t outputs_1: convex in t; build it with ``segment``.

    Args:
        outputs_0, outputs_1: [N, C]. targets: [N, C] for squared error, labels [N] for cross-entropy.
    """

    outputs_0: Array
    outputs_1: Array
    targets: Array
    cost: Cost

    def __call__(self, ts: ArrayLike) -> Array:
        """J at every t, in the shape of ``ts``."""
        return self._map(ts, 0)

    def slope(self, ts: ArrayLike) -> Array:
        """dJ/dt."""
        return self._map(ts, 1)

    def _map(self, ts: ArrayLike, which: int) -> Array:
        at = np.asarray(ts, dtype=np.float64)
        if not np.all(np.isfinite(at)):
            raise ValueError("positions on the line must be finite; one of them is NaN or infinity.")
        return np.array([self._at(float(t))[which] for t in at.ravel()]).reshape(at.shape)

    def _at(self, t: float) -> tuple[float, float]:
        z, dz = (1 - t) * self.outputs_0 + t * self.outputs_1, self.outputs_1 - self.outputs_0
        if self.cost == "squared_error":
            gap = z - self.targets
            return float(np.mean(np.sum(gap**2, axis=1))), float(2 * np.mean(np.sum(gap * dz, axis=1)))
        rows, labels = np.arange(len(z)), self.targets.astype(int)
        value = -float(np.mean(log_softmax(z, axis=1)[rows, labels]))
        return value, float(np.mean(np.sum(softmax(z, axis=1) * dz, axis=1) - dz[rows, labels]))

    def minimum(self) -> float | None:
        """The t in (0, 1) where J is least, or None if it is least at an end."""
        if self.slope_sign(0.0) >= 0 or self.slope_sign(1.0) <= 0:
            return None
        return float(brentq(lambda t: float(self.slope(t)), 0.0, 1.0, xtol=1e-15))

    def decreasing(self) -> bool:
        """Whether J never rises on [0, 1]: by convexity, iff its slope at 1 is not positive."""
        return self.slope_sign(1.0) <= 0

    def slope_sign(self, t: float = 1.0, digits: int = 60) -> int:
        """Sign of dJ/dt in -1, 0, 1; if floats leave a doubt, from decimals of ``digits`` with a bound on their error.

        The numbers given are taken as exact. 0 means |slope| is below 10^(-digits/2) of its terms, or is zero.
        """
        slope = float(self.slope(t))
        z, dz = (1 - t) * self.outputs_0 + t * self.outputs_1, self.outputs_1 - self.outputs_0
        largest = float(np.max(np.abs(dz)))
        if self.cost == "squared_error":
            largest *= float(np.max(np.abs(z - self.targets)))
        if abs(slope) > _CLOSE * (1 + float(np.max(np.abs(z)))) * largest:
            return 1 if slope > 0 else -1
        with localcontext() as context:
            context.prec = digits
            exact = self._decimal_slope(Decimal(t))
            if abs(exact) <= Decimal(10) ** (-digits // 2) * Decimal(largest) * _size(z):
                return 0
            return 1 if exact > 0 else -1

    def _decimal_slope(self, t: Decimal) -> Decimal:
        """N dJ/dt (half of it for squared error); Decimal.exp is correctly rounded."""
        total = Decimal(0)
        for n in range(len(self.outputs_0)):
            start, end = ([Decimal(float(v)) for v in row] for row in (self.outputs_0[n], self.outputs_1[n]))
            z = [(1 - t) * a + t * b for a, b in zip(start, end, strict=True)]
            dz = [b - a for a, b in zip(start, end, strict=True)]
            if self.cost == "squared_error":
                goal = [Decimal(float(v)) for v in self.targets[n]]
                total += sum(((v - y) * d for v, y, d in zip(z, goal, dz, strict=True)), Decimal(0))
                continue
            weights = [(v - max(z)).exp() for v in z]
            mean = sum((w * d for w, d in zip(weights, dz, strict=True)), Decimal(0)) / sum(weights, Decimal(0))
            total += mean - dz[int(self.targets[n])]
        return total


def _size(z: Array) -> Decimal:
    """A scale for rounding errors of sums over outputs [N, C]: their number times their size."""
    return Decimal(z.size) * (1 + Decimal(float(np.max(np.abs(z)))))


def segment(outputs_0: ArrayLike, outputs_1: ArrayLike, targets: ArrayLike, cost: Cost = "cross_entropy") -> Segment:
    """The cost on a straight segment of outputs: a model linear in its parameters, along any line of them.

    No barrier can appear: J is convex. Its direction is decided by one slope, which no grid can do.

    Raises:
        ValueError: shapes or labels that do not fit, no example, NaN or infinity, both ends the same.
    """
    start, end = outputs_of(outputs_0, "outputs_0"), outputs_of(outputs_1, "outputs_1")
    if start.shape != end.shape:
        raise ValueError(f"outputs_0 is {start.shape} and outputs_1 {end.shape}; both must be [N, C] of the same data.")
    if np.array_equal(start, end):
        raise ValueError("outputs_0 and outputs_1 are the same, so the line has length zero; give two ends.")
    return Segment(start, end, targets_of(targets, start.shape, cost), cost)


def outputs_of(values: ArrayLike, name: str) -> Array:
    """A float64 copy [N, C], or ValueError."""
    z = np.array(values, dtype=np.float64)
    if z.ndim != 2 or not z.size or not np.all(np.isfinite(z)):
        raise ValueError(f"{name} has shape {z.shape}; it must be finite, [N, C], with an example and an output.")
    return z


def targets_of(values: ArrayLike, shape: tuple[int, ...], cost: str) -> Array:
    """A float64 copy of targets for outputs of this shape, (N, C), or ValueError."""
    y = np.array(values, dtype=np.float64)
    if cost == "squared_error":
        if y.shape != shape or not np.all(np.isfinite(y)):
            raise ValueError(f"targets has shape {y.shape}; squared error needs finite {shape}.")
    elif cost == "cross_entropy":
        if y.shape != shape[:1] or not np.all(np.isin(y, np.arange(shape[1]))):
            raise ValueError(f"targets must be {shape[0]} labels from 0 to {shape[1] - 1}.")
    else:
        raise ValueError(f"cost={cost!r} is not known; use squared_error or cross_entropy.")
    return y
