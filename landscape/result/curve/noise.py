"""What a curve owes to rounding and to its examples: a floor, errors of rises, a band; and that of a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from landscape.result.curve.stated import BOUND, bound_of
from landscape.result.curve.types import Array, Samples

CHUNK = 8192
"""Examples in one piece: [A, CHUNK] in float64 fits a cache for twenty alphas, and memory for thousands."""
MOST_POINTS = 1000
"""Of a curve whose errors are kept for every pair of points, 4 MB per line."""
LEVEL, DRAWS = 0.95, 200
NUM_SIGMAS = 4.0
NUM_ERRORS, NUM_FLOORS = 3.0, 2.0
"""A rise is larger than the noise if it exceeds so many standard errors and, each of its two ends being off by one,
so many rounding floors, and the stated errors of the two."""


@dataclass(frozen=True)
class Rise:
    """A rise of one line from one point to a later one, beside the noise.

    Args:
        height: J(last) - J(first) in nats; 0 without a rise. first, last: the two alphas; equal without a rise.
        error: the standard error over examples of the height, a mean of differences of costs; NaN where it is not
            known. It does not know that the pair was chosen for its height.
        floor: the rounding floor of J; NaN where it is not known.
        bound: the stated errors of J at both ends, added; 0 where both were evaluated in full.
    """

    height: float
    first: float
    last: float
    error: float
    floor: float
    bound: float = 0.0

    @property
    def noise(self) -> float:
        """What the height must exceed to be larger than the noise, in nats; NaN where nothing is known."""
        known = np.fmax(NUM_ERRORS * self.error, NUM_FLOORS * self.floor)
        return float(np.fmax(known, self.bound) if self.bound > 0 else known)

    @property
    def is_larger(self) -> bool:
        """Whether it is larger than the noise."""
        return self.height > self.noise


def noise_of_costs(costs: Any, values: Array, alphas: Array) -> dict[str, Array]:
    """What ``Curve.noise`` holds but for the floor: ``errors`` [A, A, S], ``low`` and ``high`` [A, S].

    Reads the costs once, piece by piece, and does S A^2 N + 200 S A N products.

    Args:
        costs: each example's cost [S, A, N].
        values: their mean over examples, J [A, S].
        alphas: [A].
    """
    noise = NoiseOfCosts(alphas, values)
    noise.add(costs)
    return noise.measured()


class NoiseOfCosts:
    """The noise of a curve from the costs of its examples, which come in pieces and are not kept.

    Args:
        alphas: [A].
        near: about the mean costs, so that the squares lose nothing, [A, S]; None: those of the first piece.
    """

    def __init__(self, alphas: Array, near: Array | None = None) -> None:
        self.origin, self.has_pairs = int(np.argmin(np.abs(alphas))), len(alphas) <= MOST_POINTS
        self.near = self._near = near
        self.band, self.pairs = Band(self.origin), list[Pairs]()

    def add(self, costs: Any) -> None:
        """Some examples more: [S, A, n]."""
        if self.near is None:
            self.near = np.asarray(costs, dtype=np.float64).mean(axis=2).T
        if self.has_pairs and not self.pairs:
            self.pairs = [Pairs(near) for near in self.near.T]
        for start in range(0, costs.shape[2], CHUNK):
            piece = costs[:, :, start : start + CHUNK]
            self.band.add(piece)
            for line, pairs in zip(piece, self.pairs, strict=False):
                pairs.add(line)

    def forget(self) -> None:
        """Begin anew."""
        self.near, self.band, self.pairs = self._near, Band(self.origin), []

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """What was added so far: arrays, and numbers."""
        assert self.near is not None
        arrays = {"near": self.near, "sums": self.band.sums, "weights": self.band.weights}
        for k, pairs in enumerate(self.pairs):
            arrays |= {f"total{k}": pairs.total, f"squares{k}": pairs.squares}
        num = self.pairs[0].num if self.pairs else 0
        return arrays, {"num": num, "generator": self.band.rng.bit_generator.state}

    def restore(self, arrays: dict[str, Array], numbers: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.near, self.band.sums, self.band.weights = arrays["near"], arrays["sums"], arrays["weights"]
        self.band.rng.bit_generator.state = numbers["generator"]
        self.pairs = [Pairs(near) for near in self.near.T] if self.has_pairs else []
        for k, pairs in enumerate(self.pairs):
            pairs.total, pairs.squares, pairs.num = arrays[f"total{k}"], arrays[f"squares{k}"], numbers["num"]

    def measured(self, scale: float = 1.0) -> dict[str, Array]:
        """``errors``, ``low`` and ``high`` of all that was added.

        Args:
            scale: by which each example's cost is to be multiplied, so that their mean is J.
        """
        low, high = self.band.limits()
        found = {"low": scale * low, "high": scale * high}
        if self.pairs:
            found["errors"] = np.stack([pairs.errors() for pairs in self.pairs], axis=2) * np.float32(scale)
        return found


class Pairs:
    """The standard error over examples of J(b) - J(a) for each pair of points.

    Args:
        near: the mean costs [A], about.
    """

    def __init__(self, near: Array) -> None:
        self.near, self.num = near, 0
        self.total, self.squares = np.zeros(len(near)), np.zeros((len(near), len(near)))

    def add(self, costs: Any) -> None:
        """Some examples more: [A, n]."""
        with np.errstate(invalid="ignore", over="ignore"):
            part = costs.astype(np.float64) - self.near[:, None]
            part -= part.mean(axis=0)  # what one example has at all points cancels in every difference
            self.total += part.sum(axis=1)
            self.squares += part @ part.T
        self.num += costs.shape[1]

    def errors(self) -> Any:
        """[A, A] in float32."""
        if self.num < 2:
            return np.full(self.squares.shape, np.nan, dtype=np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            covariance = self.squares / self.num - np.outer(self.total, self.total) / self.num**2
            own = np.diag(covariance)
            variance = own[:, None] + own[None, :] - 2 * covariance
            return np.sqrt(np.maximum(variance, 0.0) / (self.num - 1)).astype(np.float32)


class Band:
    """Pointwise bootstrap band of J(alpha) - J(origin) over examples.

    Each draw weighs the examples by counts of a sample with replacement; the same counts for all alphas, so what the
    examples share along the line cancels, as it does in a difference of two values of J, and for all lines, so that a
    line has the same band whatever lies beside it.

    Args:
        origin: index of the point that J is compared with.
        level: of the band.
        draws: bootstrap samples.
        seed: of the draws.
    """

    def __init__(self, origin: int = 0, level: float = LEVEL, draws: int = DRAWS, seed: int = 0) -> None:
        self.origin, self.level, self.draws = origin, level, draws
        self.rng = np.random.default_rng(seed)
        self.sums: Any = 0.0
        self.weights = np.zeros((draws, 1))

    def add(self, costs: Any) -> None:
        """Some examples more: [S, A, n]."""
        # Poisson counts in place of multinomial ones: independent, so they can be drawn piece by piece; divided by
        # their total below. Source: Hanley & MacGibbon 2006, "Creating non-parametric bootstrap samples using
        # Poisson frequencies".
        counts = self.rng.poisson(1.0, size=(self.draws, costs.shape[2])).astype(np.float64)
        self.weights += counts.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", over="ignore"):
            lines = [line.astype(np.float64) for line in costs]
            self.sums = self.sums + np.stack([counts @ (part - part[self.origin]).T for part in lines])

    def limits(self) -> tuple[Array, Array]:
        """Lower and upper [A, S]."""
        with np.errstate(invalid="ignore", over="ignore"):
            low, high = np.quantile(self.sums / self.weights, [(1 - self.level) / 2, (1 + self.level) / 2], axis=1)
        return low.T, high.T


def mean_error(errors: Any, num: int) -> Array:
    """How far a mean over ``num`` examples may be off [...], from the errors of a few of them [..., n]: a bound.

    What all examples have in common does not average out, so the mean of the few counts whole; by what the few may miss
    the mean of all, which shrinks as they are more and is nothing once they are all, it is widened: ``NUM_SIGMAS``
    standard errors of a sample without replacement.
    """
    few = errors.shape[-1]
    with np.errstate(invalid="ignore", over="ignore"):
        spread = errors.std(axis=-1, ddof=1) if few > 1 else np.zeros(errors.shape[:-1])
        return np.asarray(np.abs(errors.mean(axis=-1)) + NUM_SIGMAS * spread * math.sqrt(max(1 / few - 1 / num, 0.0)))


def rise_between(curve: Samples, column: int, first: float, last: float) -> Rise | None:
    """The rise of one line between the samples nearest to two alphas; None for a curve without noise measured."""
    if not _has_noise(curve):
        return None
    a, b = (int(np.argmin(np.abs(curve.alphas - alpha))) for alpha in (first, last))
    pairs, values = curve.noise.get("errors"), curve.objective[:, column]
    error = math.nan if pairs is None else float(pairs[a, b, column])
    at = float(curve.alphas[a]), float(curve.alphas[b])
    floor = math.nan if "floor" not in curve.noise else float(curve.noise["floor"][column])
    bound = bound_of(curve)[[a, b], column]
    return Rise(float(values[b] - values[a]), *at, error, floor, float(bound.sum()) if a != b else 0.0)


def _has_noise(curve: Samples) -> bool:
    return "floor" in curve.noise or BOUND in curve.noise


def steepest(curve: Samples, column: int, first: float = 0.0, last: float = 1.0, sign: int = 1) -> Rise | None:
    """The largest rise of one line between two samples in [first, last]; None for a curve without noise measured.

    Args:
        sign: -1 for the largest fall, as a rise of -J.
    """
    inside = np.flatnonzero((curve.alphas >= first - 1e-12) & (curve.alphas <= last + 1e-12))
    kept = sign * curve.objective[inside, column]
    if not _has_noise(curve) or len(kept) < 2 or not np.isfinite(kept).all():
        return None
    end = 1 + int(np.argmax(kept[1:] - np.minimum.accumulate(kept)[:-1]))
    start = int(np.argmin(kept[:end]))
    a, b = (float(curve.alphas[inside[k]]) for k in (start, end))
    found = rise_between(curve, column, a, b)
    assert found is not None
    height = sign * found.height
    return replace(found, height=height) if height > 0 else Rise(0.0, a, a, 0.0, found.floor)


def wilson(holds: int, judged: int, level: float = 0.95) -> tuple[float, float]:
    """The rates p with |holds/judged - p| <= z sqrt(p (1 - p) / judged), as (lowest, highest).

    Unlike the mean plus or minus two standard errors it stays inside [0, 1], and has a width at 0 and at 1.

    Raises:
        ValueError: not 0 <= holds <= judged with judged >= 1, or a level outside (0, 1).
    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    from scipy.stats import binomtest  # late: slow to import

    if not 0 <= holds <= judged or judged < 1 or not 0 < level < 1:
        raise ValueError(f"no interval for {holds} of {judged} at level {level}")
    found = binomtest(holds, judged).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)
