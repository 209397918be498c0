"""Where J crosses a level: the end of the plateau, as well as grid and noise resolve it, and a climb over the start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from landscape.result.curve.column import SAME_ALPHA, column_of, require_finite, require_threshold, value_at, window
from landscape.result.curve.numbers import drop, plateau_length
from landscape.result.curve.types import Array, Samples


@dataclass(frozen=True)
class Position:
    """A position read between two samples: at the chord, and the range that the samples around it leave."""

    at: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.at:.3f} ({self.low:.3f} to {self.high:.3f})"


def plateau_end(alphas: Array, values: Array, fraction: float = 0.1, noise: float = 0.0) -> Position:
    """``plateau_length`` with its range; all NaN where that is NaN.

    Between two samples a curve that bends one way lies between its chord and the secants of the neighbouring
    intervals, drawn on; so its crossing lies between theirs, and never outside the interval.

    Args:
        noise: by how much J, less J(0), may be off, in nats.
    """
    require_threshold("fraction", fraction)
    at = plateau_length(alphas, values, fraction)
    if math.isnan(at):
        return Position(math.nan, math.nan, math.nan)
    fall = drop(alphas, values)
    alphas, values = window(alphas, values, 0.0, math.inf)
    level = values[0] - fraction * fall
    ends = [_range(alphas, values, level + off) for off in ((noise, -noise) if noise > 0 else (0.0,))]
    return Position(at, min(at, ends[0][0]), max(at, ends[-1][1]))


def _range(a: Array, v: Array, level: float) -> tuple[float, float]:
    """Between which alphas the values first fall to a level; the whole rest of the curve if they do not."""
    below = np.flatnonzero(v <= level)
    if not len(below):
        return float(a[-1]), math.inf
    k = int(below[0])
    if k == 0:
        return float(a[0]), float(a[0])
    places = [a[k - 1] + (a[k] - a[k - 1]) * (v[k - 1] - level) / (v[k - 1] - v[k])]
    if k > 1:
        slope = (v[k - 1] - v[k - 2]) / (a[k - 1] - a[k - 2])
        places.append(a[k - 1] + (level - v[k - 1]) / slope if slope < 0 else a[k])
    if k + 1 < len(a):
        slope = (v[k + 1] - v[k]) / (a[k + 1] - a[k])
        places.append(a[k] + (level - v[k]) / slope if slope < 0 else a[k - 1])
    inside = np.clip(places, a[k - 1], a[k])
    return float(inside.min()), float(inside.max())


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


def replicate_error(curve: Samples, column: int) -> Array:
    """The standard error, over the K mask replicates, of the mean of J(alpha) - J(0), in nats [A].

    Raises:
        ValueError: fewer than two replicates.
    """
    if curve.replicates is None or len(curve.replicates) < 2:
        raise ValueError("a standard error needs two or more mask replicates")
    values = curve.replicates[:, :, column]  # [K, A]
    differences = values - values[:, [int(np.argmin(np.abs(curve.alphas)))]]
    return np.asarray(differences.std(axis=0, ddof=1) / math.sqrt(len(values)))
