"""An objective along a line as a polynomial in the Bernstein basis of an interval, and every extremum of it.

J(α) = Σ_m b_m C(n, m) t^m (1 - t)^(n-m) with t = (α - low)/(high - low). Inside the interval an evaluation only
averages the b_m, so errors do not grow with the degree as they do for powers of α.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
# Below this length of a piece, relative to the interval, neighbouring extrema are not told apart.
NARROWEST = 2.0**-44


@dataclass(frozen=True)
class Extremum:
    """A local extremum of J restricted to the interval; ``interior`` is False at the two ends."""

    alpha: float
    objective: float
    kind: Literal["minimum", "maximum"]
    interior: bool


@dataclass(frozen=True, eq=False)
class Line:
    """J(α) along a line, for any α; extrema are those on ``interval``, its ends counted.

    Args:
        coefficients: b_m of J over the interval [n + 1].
        interval: (low, high) in α.
        noise: size of the rounding error in the coefficients, in units of J. An estimate, not a bound: extrema that
            stand out by less than a few times this are not reported.

    Source: Farouki & Rajan 1987 for the basis.
    """

    coefficients: Array
    interval: tuple[float, float] = (0.0, 1.0)
    noise: float = 0.0

    def __post_init__(self) -> None:
        require_interval(self.interval)
        if not np.all(np.isfinite(self.coefficients)):
            raise ValueError("the objective along this line overflows float64; use smaller weights or data.")

    @property
    def degree(self) -> int:
        """n."""
        return len(self.coefficients) - 1

    def position(self, alphas: ArrayLike) -> Array:
        """t = (α - low)/(high - low)."""
        low, high = self.interval
        return np.asarray((np.asarray(alphas, dtype=np.float64) - low) / (high - low))

    def __call__(self, alphas: ArrayLike) -> Array:
        """J at every alpha, in the shape of ``alphas``."""
        return evaluate(self.coefficients, self.position(alphas))

    def derivative(self, alphas: ArrayLike, order: int = 1) -> Array:
        """d^order J / dα^order at every alpha; order 0 is J itself.

        Raises:
            ValueError: order is negative.
        """
        if order < 0:
            raise ValueError(f"order={order} is not an order of derivative; use 0, 1, 2, ...")
        if order == 0:
            return self(alphas)
        return evaluate(self._derivative(order), self.position(alphas))

    def _derivative(self, order: int) -> Array:
        low, high = self.interval
        return differentiated(self.coefficients, order, high - low)

    def candidates(self) -> list[float]:
        """Every α inside the interval where J' changes sign beyond rounding, increasing."""
        low, high = self.interval
        threshold = 2 * self.degree * self.noise / (high - low)
        return [low + (high - low) * t for t in sign_changes(self._derivative(1), threshold)]

    def extrema(self) -> list[Extremum]:
        """All local extrema on the interval in order, ends included; empty if J is constant up to rounding."""
        low, high = self.interval
        alphas = np.array([low, *self.candidates(), high])
        values = self(alphas)
        return extrema_among(alphas, values, max(8 * self.noise, 4 * EPS * float(np.max(np.abs(values)))))

    def minima(self) -> list[Extremum]:
        """The local minima among ``extrema``."""
        return [point for point in self.extrema() if point.kind == "minimum"]

    def maxima(self) -> list[Extremum]:
        """The local maxima among ``extrema``."""
        return [point for point in self.extrema() if point.kind == "maximum"]

    def barrier(self) -> float:
        """max J on the interval minus its higher end (``end_barrier`` elsewhere); 0 if an end is highest."""
        ends = self(self.interval)
        return max([0.0] + [point.objective - float(ends.max()) for point in self.maxima()])

    def largest_rise(self) -> float:
        """max of J(b) - J(a) over a < b in the interval: zero iff J never rises (beyond rounding)."""
        return rise_of(self.extrema())


def extrema_among(alphas: Array, values: Array, tolerance: float) -> list[Extremum]:
    """The extrema of a curve that turns at none but these places [K], its two ends included, swings above tolerance."""
    kept = turning_points(values, tolerance)
    return [
        Extremum(
            float(alphas[i]),
            float(values[i]),
            "minimum" if values[i] < values[kept[k - 1 if k else 1]] else "maximum",
            0 < i < len(alphas) - 1,
        )
        for k, i in enumerate(kept)
    ]


def rise_of(extrema: Sequence[Extremum]) -> float:
    """max of J(b) - J(a) over a before b."""
    rise, lowest = 0.0, np.inf
    for point in extrema:
        rise, lowest = max(rise, point.objective - lowest), min(lowest, point.objective)
    return rise


def require_interval(interval: tuple[float, float]) -> None:
    """Raises ValueError unless low < high, both finite."""
    low, high = interval
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"interval=({low:g}, {high:g}) is not an interval; use two finite numbers, the lower first.")


def evaluate(coefficients: Array, t: ArrayLike) -> Array:
    """De Casteljau: repeated averages of neighbours with weights 1 - t and t."""
    t = np.asarray(t, dtype=np.float64)
    table = np.broadcast_to(coefficients.reshape(-1, *(1,) * t.ndim), (len(coefficients), *t.shape))
    while len(table) > 1:
        table = (1 - t) * table[:-1] + t * table[1:]
    return np.array(table[0])


def differentiated(coefficients: Array, order: int, length: float) -> Array:
    """Coefficients of the derivative of an order, of polynomials [n + 1, ...] over an interval of this length."""
    table = coefficients
    for _ in range(order):
        table = (len(table) - 1) * np.diff(table, axis=0) / length if len(table) > 1 else 0 * table
    return table


def fold(cross: Array) -> Array:
    """b_m = Σ_{i+j=m} C(n,i) C(n,j) / C(2n,m) cross[i, j] for cross [n + 1, n + 1]."""
    n = len(cross) - 1
    result = np.zeros(2 * n + 1)
    for i, weights in enumerate(_shares(n)):
        result[i : i + n + 1] += weights * cross[i]
    return result


@lru_cache(maxsize=8)
def _shares(n: int) -> Array:
    """C(n,i) C(n,j) / C(2n,i+j), [n + 1, n + 1]: integers divided, so rounded once and safe from overflow."""
    row, whole = [comb(n, i) for i in range(n + 1)], [comb(2 * n, m) for m in range(2 * n + 1)]
    return np.array([[row[i] * row[j] / whole[i + j] for j in range(n + 1)] for i in range(n + 1)])


def halves(coefficients: Array) -> tuple[Array, Array]:
    """The coefficients of the same polynomial over the two halves of its interval."""
    left, right = [coefficients[0]], [coefficients[-1]]
    row = coefficients
    while len(row) > 1:
        row = (row[:-1] + row[1:]) / 2
        left.append(row[0])
        right.append(row[-1])
    return np.array(left), np.array(right[::-1])


def sign_changes(coefficients: Array, noise: float) -> list[float]:
    """The t in (0, 1) where the polynomial changes sign, increasing; values within ``noise`` have no sign.

    A piece whose coefficients have one sign holds no root and one with a single change of sign holds exactly one
    (Descartes); any other is halved. Where the sign flips across pieces too small or too flat to have one, the
    middle of that gap is the root.
    """
    roots: list[float] = []
    sign, since = 0.0, 0.0  # the last definite sign and where it was seen
    pieces = [(0.0, 1.0, coefficients)]
    while pieces:
        low, high, piece = pieces.pop()
        signs = np.sign(np.where(np.abs(piece) > noise, piece, 0.0))
        definite = signs[signs != 0]
        if not definite.size:
            continue
        changes = int(np.sum(definite[1:] != definite[:-1]))
        isolated = changes == 0 or (changes == 1 and signs[0] * signs[-1] < 0)
        if not isolated:
            if high - low > NARROWEST:
                left, right = halves(piece)
                middle = (low + high) / 2
                pieces += [(middle, high, right), (low, middle, left)]
            continue
        if sign * definite[0] < 0:
            roots.append((since + low) / 2)
        if changes:
            inside = brentq(lambda t, c=piece: float(evaluate(c, t)), 0.0, 1.0, xtol=4 * EPS)
            roots.append(low + (high - low) * inside)
        sign, since = float(definite[-1]), high
    return roots


def turning_points(values: Array, tolerance: float) -> list[int]:
    """Indices where the sequence turns, ends included, each swing larger than ``tolerance``."""
    kept: list[int] = []
    low = high = extreme = direction = 0
    for i in range(1, len(values)):
        if direction == 0:
            low, high = (i if values[i] < values[low] else low), (i if values[i] > values[high] else high)
            if values[i] - values[low] > tolerance or values[high] - values[i] > tolerance:
                direction, extreme = (1 if values[i] - values[low] > tolerance else -1), i
                kept.append(0)
        elif direction * (values[i] - values[extreme]) > 0:
            extreme = i
        elif direction * (values[extreme] - values[i]) > tolerance:
            kept.append(extreme)
            direction, extreme = -direction, i
    if direction:
        last = len(values) - 1
        kept.append(last if abs(values[last] - values[extreme]) <= tolerance else extreme)
        if kept[-1] != last:
            kept.append(last)
    return kept
