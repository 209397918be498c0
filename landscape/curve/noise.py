"""What a curve owes to the examples it was averaged over: from each example's cost, errors of rises and a band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape.curve.types import Array

CHUNK = 65536  # examples per piece: [A, CHUNK] in float64 fits a cache for twenty alphas, and memory for thousands


@dataclass(frozen=True)
class Rise:
    """The largest rise of one column and its error over examples.

    Args:
        height: J(last) - J(first) in nats, 0 without a rise. first, last: the two alphas; equal without a rise.
        error: the standard error of the height, as a mean over examples of a difference of costs. It does not know
            that the pair was chosen for its height.
    """

    height: float
    first: float
    last: float
    error: float


def mean_and_error(costs: Any, low: int, high: int) -> tuple[float, float]:
    """Mean and standard error over examples of ``costs[high] - costs[low]``, costs [A, N]."""
    num = costs.shape[1]
    total = square = 0.0
    shift = float(costs[high, 0]) - float(costs[low, 0])  # near the mean, so that the squares lose nothing
    for start in range(0, num, CHUNK):
        part = slice(start, start + CHUNK)
        difference = costs[high, part].astype(np.float64) - costs[low, part].astype(np.float64) - shift
        total += float(difference.sum())
        square += float(difference @ difference)
    mean = total / num
    if num < 2:
        return mean + shift, math.nan
    return mean + shift, math.sqrt(max(square / num - mean**2, 0.0) / (num - 1))


def largest(alphas: Array, costs: Any, values: Array, first: float = 0.0, last: float = 1.0) -> Rise:
    """The pair a < b in [first, last] with the largest J(b) - J(a), and its standard error.

    Args:
        alphas, values: one column of a curve [A]. costs: each example's cost [A, N], float32 or wider.
    """
    inside = np.flatnonzero((alphas >= first) & (alphas <= last))
    kept = values[inside]
    if len(kept) < 2 or not np.isfinite(kept).all():
        return Rise(math.nan if len(kept) and not np.isfinite(kept).all() else 0.0, first, first, math.nan)
    lowest = np.minimum.accumulate(kept)[:-1]
    end = 1 + int(np.argmax(kept[1:] - lowest))
    start = int(np.argmin(kept[:end]))
    height = float(kept[end] - kept[start])
    if not height > 0:
        return Rise(0.0, float(alphas[inside[0]]), float(alphas[inside[0]]), 0.0)
    _, error = mean_and_error(costs, int(inside[start]), int(inside[end]))
    return Rise(height, float(alphas[inside[start]]), float(alphas[inside[end]]), error)


def band(costs: Any, level: float = 0.95, draws: int = 200, seed: int = 0) -> tuple[Array, Array]:
    """Pointwise bootstrap band of J(alpha) - J at the first alpha, over examples: lower and upper [A].

    Each draw weighs the examples by counts of a sample with replacement; the same counts for all alphas, so what the
    examples share along the line cancels, as it does in a difference of two values of J.

    Args:
        costs: [A, N]. level: of the band. draws: bootstrap samples. seed: of the draws.
    """
    num_alphas, num = costs.shape
    rng = np.random.default_rng(seed)
    sums, weights = np.zeros((draws, num_alphas)), np.zeros((draws, 1))
    for start in range(0, num, CHUNK):
        part = costs[:, start : start + CHUNK].astype(np.float64)
        # Poisson counts in place of multinomial ones: independent, so they can be drawn piece by piece; divided by
        # their total below. Source: Hanley & MacGibbon 2006, "Creating non-parametric bootstrap samples using Poisson
        # frequencies".
        counts = rng.poisson(1.0, size=(draws, part.shape[1])).astype(np.float64)
        sums += counts @ (part - part[:1]).T
        weights += counts.sum(axis=1, keepdims=True)
    means = sums / weights
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def floor(one: Array, other: Array) -> Array:
    """The rounding floor of J, [S]: the largest difference over alphas of two evaluations that sum in another order.

    Args:
        one, other: [A, S].
    """
    return np.asarray(np.abs(one - other).max(axis=0))
