"""Spectra: how the squared distance to the solution is shared among eigenvalues, finite and in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array


@dataclass(frozen=True)
class Spectrum:
    """A finite spectral measure of a convex quadratic as seen from its start.

    Args:
        eigenvalues: [K], positive.
        weights: [K], the share of ‖θ_0 - θ*‖² in each eigenspace; sums to one.
        counts: [K], how many coordinates each eigenvalue stands for.
    """

    eigenvalues: Array
    weights: Array
    counts: Array

    def __post_init__(self) -> None:
        shape = self.eigenvalues.shape
        if len(shape) != 1 or shape[0] == 0 or self.weights.shape != shape or self.counts.shape != shape:
            raise ValueError(
                f"eigenvalues {shape}, weights {self.weights.shape} and counts {self.counts.shape} must be vectors "
                "of one length, at least 1"
            )
        if not np.all(np.isfinite(self.eigenvalues)) or np.any(self.eigenvalues <= 0):
            raise ValueError(f"eigenvalues must be positive and finite; the smallest is {np.min(self.eigenvalues)}")
        if np.any(self.weights < 0) or not abs(float(np.sum(self.weights)) - 1) < 1e-9:
            raise ValueError(f"weights must be 0 or more and sum to 1; they sum to {float(np.sum(self.weights))}")
        if not np.all(np.isfinite(self.counts)) or np.any(self.counts <= 0):
            raise ValueError(f"counts must be positive and finite; the smallest is {np.min(self.counts)}")

    @property
    def dimension(self) -> float:
        """The number of coordinates."""
        return float(np.sum(self.counts))

    def binned(self, num_bins: int) -> Spectrum:
        """The same measure with at most ``num_bins`` eigenvalues, grouped evenly in log λ; the error is O(width²)."""
        if num_bins < 1:
            raise ValueError(f"num_bins={num_bins} must be 1 or more")
        logs = np.log(self.eigenvalues)
        edges = np.linspace(logs.min(), logs.max(), num_bins + 1)[1:-1]
        _, which = np.unique(np.searchsorted(edges, logs), return_inverse=True)
        weights, counts = (np.bincount(which, part).astype(np.float64) for part in (self.weights, self.counts))
        share = np.where(weights[which] > 0, self.weights, self.counts)
        return Spectrum(np.bincount(which, share * self.eigenvalues) / np.bincount(which, share), weights, counts)


def from_start(eigenvalues: ArrayLike, error: ArrayLike) -> Spectrum:
    """The spectrum seen from one start: ``error`` [K] is θ_0 - θ* in the eigenbasis."""
    e, values = np.asarray(error, np.float64), np.asarray(eigenvalues, np.float64)
    size = float(np.sum(e**2))
    if not (math.isfinite(size) and size > 0):
        raise ValueError(f"the start is {size} from the solution (squared): a finite, positive distance is needed")
    return Spectrum(values, e**2 / size, np.ones_like(values))


def even(eigenvalues: ArrayLike, dimension: float | None = None) -> Spectrum:
    """Each of the eigenvalues [K] with the same weight, as for a Gaussian start of many dimensions."""
    values = np.asarray(eigenvalues, np.float64)
    share = 1 / max(values.size, 1)
    each = 1.0 if dimension is None else dimension * share
    return Spectrum(values, np.full(values.shape, share), np.full(values.shape, each))


class Family(Protocol):
    """A density of eigenvalues with a closed form."""

    def laplace(self, time: ArrayLike) -> Array:
        """E exp(-λ·time): what gradient flow leaves of the error, on average."""
        ...

    def quantile(self, share: ArrayLike) -> Array:
        """The eigenvalue below which ``share`` of the measure lies."""
        ...


class DescentFamily(Family, Protocol):
    """A bounded family for which gradient descent has a closed form too."""

    @property
    def high(self) -> float:
        """The largest eigenvalue."""
        ...

    def power(self, lr: float, steps: ArrayLike) -> Array:
        """E (1 - lr·λ)^t for whole steps t [T]."""
        ...


def modes(family: Family, num_modes: int = 2000, dimension: float | None = None) -> Spectrum:
    """Finite stand-in for a family: the midpoints of ``num_modes`` slices of equal weight; error O(num_modes⁻²)."""
    return even(family.quantile((np.arange(num_modes) + 0.5) / num_modes), dimension)


def _range(low: float, high: float, *, zero: bool) -> None:
    if not (math.isfinite(high) and (0 <= low < high if zero else 0 < low < high)):
        need = "0 <= low < high" if zero else "0 < low < high"
        raise ValueError(f"low={low}, high={high} is no range of eigenvalues: {need}, finite, is needed")


@dataclass(frozen=True)
class LogUniform:
    """log λ uniform on [log low, log high]: the spectrum of Figure 12 here."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _range(self.low, self.high, zero=False)

    def laplace(self, time: ArrayLike) -> Array:
        """[E₁(low·time) - E₁(high·time)] / log(high/low), with the exponential integral E₁."""
        t = np.asarray(time, np.float64)
        some = np.where(t > 0, t, 1.0)
        value = scipy.special.exp1(self.low * some) - scipy.special.exp1(self.high * some)
        return np.where(t > 0, value / math.log(self.high / self.low), 1.0)

    def power(self, lr: float, steps: ArrayLike) -> Array:
        """1 - Σ_{s≤t} [(1 - lr·low)^s - (1 - lr·high)^s] / (s·log(high/low)): one running sum for all steps."""
        t = np.asarray(steps, np.int64)
        s = np.arange(1, int(t.max()) + 1, dtype=np.float64)
        terms = ((1 - lr * self.low) ** s - (1 - lr * self.high) ** s) / s
        sums = np.concatenate([[0.0], np.cumsum(terms)])
        return np.asarray(1 - sums[t] / math.log(self.high / self.low))

    def quantile(self, share: ArrayLike) -> Array:
        """low·(high/low)^share."""
        return np.asarray(self.low * (self.high / self.low) ** np.asarray(share, np.float64))


@dataclass(frozen=True)
class Uniform:
    """λ uniform on [low, high]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _range(self.low, self.high, zero=True)

    def laplace(self, time: ArrayLike) -> Array:
        """exp(-low·time)·(1 - exp(-width·time)) / (width·time)."""
        t = np.asarray(time, np.float64)
        y = (self.high - self.low) * np.where(t > 0, t, 1.0)
        return np.where(t > 0, np.exp(-self.low * t) * -np.expm1(-y) / y, 1.0)

    def power(self, lr: float, steps: ArrayLike) -> Array:
        """[(1 - lr·low)^{t+1} - (1 - lr·high)^{t+1}] / (lr·width·(t + 1))."""
        n = np.asarray(steps, np.float64) + 1
        ends = (1 - lr * self.low) ** n - (1 - lr * self.high) ** n
        return np.asarray(ends / (lr * (self.high - self.low) * n))

    def quantile(self, share: ArrayLike) -> Array:
        """low + share·width."""
        return np.asarray(self.low + np.asarray(share, np.float64) * (self.high - self.low))


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}={value} must be positive and finite")


@dataclass(frozen=True)
class Gamma:
    """λ ~ Gamma(shape, scale); unbounded, so gradient descent diverges at every learning rate, gradient flow not."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        _require_positive(shape=self.shape, scale=self.scale)

    def laplace(self, time: ArrayLike) -> Array:
        """(1 + scale·time)^-shape."""
        return np.asarray((1 + self.scale * np.asarray(time, np.float64)) ** -self.shape)

    def residual(self, projection: ArrayLike) -> Array:
        """Gradient flow without time or scale: ρ² = (2(1-α)^{-1/k} - 1)^{-k} - (1-α)², α in [0, 1)."""
        left = 1 - np.asarray(projection, np.float64)
        square = (2 * left ** (-1 / self.shape) - 1) ** -self.shape - left**2
        return np.asarray(np.sqrt(np.maximum(square, 0)))

    def quantile(self, share: ArrayLike) -> Array:
        """By scipy."""
        return np.asarray(scipy.stats.gamma.ppf(share, self.shape, scale=self.scale), np.float64)


@dataclass(frozen=True)
class Beta:
    """λ/high ~ Beta(a, b); a = 1/2, b = 3/2 is the Marchenko-Pastur law of a square data matrix."""

    a: float
    b: float
    high: float

    def __post_init__(self) -> None:
        _require_positive(a=self.a, b=self.b, high=self.high)

    def laplace(self, time: ArrayLike) -> Array:
        """₁F₁(a; a + b; -high·time)."""
        return np.asarray(scipy.special.hyp1f1(self.a, self.a + self.b, -self.high * np.asarray(time, np.float64)))

    def power(self, lr: float, steps: ArrayLike) -> Array:
        """₂F₁(-t, a; a + b; lr·high), which is B(a, b + t)/B(a, b) at lr = 1/high."""
        t = np.asarray(steps, np.float64)
        if math.isclose(lr * self.high, 1.0, rel_tol=1e-15):
            logs = scipy.special.betaln(self.a, self.b + t) - scipy.special.betaln(self.a, self.b)
            return np.asarray(np.exp(logs))
        return np.asarray(scipy.special.hyp2f1(-t, self.a, self.a + self.b, lr * self.high))

    def quantile(self, share: ArrayLike) -> Array:
        """By scipy."""
        return np.asarray(self.high * scipy.special.betaincinv(self.a, self.b, np.asarray(share, np.float64)))


def marchenko_pastur(variance: float = 1.0) -> Beta:
    """The limit law of XᵀX/n for a square X of iid entries; eigenvalues on [0, 4·variance]."""
    return Beta(0.5, 1.5, 4 * variance)
