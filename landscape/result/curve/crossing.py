"""Where J crosses a level between two samples, and how well the grid and the noise resolve that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from landscape.result.curve.column import require_threshold, window
from landscape.result.curve.numbers import drop, plateau_length
from landscape.result.curve.types import Array


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
