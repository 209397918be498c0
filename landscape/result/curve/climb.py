"""How a line climbs from its start before it falls: height, place and extent, and what mask replicates leave open."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from landscape.result.curve.column import SAME_ALPHA, column_of, require_finite, value_at
from landscape.result.curve.types import Array, Curve


@dataclass(frozen=True)
class Climb:
    """The highest sample beyond the start, and the part of the line around it that lies above the start.

    Args:
        height: J there minus J(0) in nats, negative if everything is lower. at: its alpha.
        first, last: where J crosses J(0), linear between samples; both are ``at`` without a climb.
        is_over: whether J comes down to J(0) again within the samples; if not, ``last`` is the last sample.
    """

    height: float
    at: float
    first: float
    last: float
    is_over: bool


def climb(alphas: Array, values: Array) -> Climb:
    """The climb of one column, alphas [A] and values [A], over alpha > 0.

    Raises:
        ValueError: alpha = 0 or nothing beyond it was sampled, or a value is not finite.
    """
    alphas, values = column_of(alphas, values)
    require_finite(values)
    beyond = alphas > SAME_ALPHA
    if not beyond.any():
        raise ValueError(f"a climb needs samples beyond alpha = 0; the curve ends at {alphas[-1]}")
    a = np.append(0.0, alphas[beyond])
    v = np.append(0.0, values[beyond] - value_at(alphas, values, 0.0))
    k = 1 + int(np.argmax(v[1:]))
    if not v[k] > 0:
        return Climb(float(v[k]), float(a[k]), float(a[k]), float(a[k]), True)

    def crossing(low: int, high: int) -> float:
        return float(a[low] + (a[high] - a[low]) * v[low] / (v[low] - v[high]))

    low = np.flatnonzero(v <= 0)
    before, after = int(low[low < k][-1]), low[low > k]
    is_over = len(after) > 0
    last = crossing(int(after[0]), int(after[0]) - 1) if is_over else float(a[-1])
    return Climb(float(v[k]), float(a[k]), crossing(before, before + 1), last, is_over)


def replicate_error(curve: Curve, column: int) -> Array:
    """The standard error, over the K mask replicates, of the mean of J(alpha) - J(0), in nats [A].

    Raises:
        ValueError: fewer than two replicates.
    """
    if curve.replicates is None or len(curve.replicates) < 2:
        raise ValueError("a standard error needs two or more mask replicates")
    values = curve.replicates[:, :, column]  # [K, A]
    differences = values - values[:, [int(np.argmin(np.abs(curve.alphas)))]]
    return np.asarray(differences.std(axis=0, ddof=1) / math.sqrt(len(values)))
