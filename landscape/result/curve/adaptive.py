"""Where a curve needs samples: intervals are halved until a cubic through values and slopes foretells their middles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from landscape.result.curve.types import Array

Probe = Callable[[Array], tuple[Array, Array]]
"""alphas [n] -> values and slopes there, each [n, S]."""


@dataclass(frozen=True)
class Refined:
    """The points that were placed, and how well a cubic between neighbours fits the curve.

    Args:
        alphas: [A], increasing. values, slopes: [A, S]. error: [S], the largest misfit at the middle of an interval
            that was halved last, so of an interval twice as wide as those that remain; in units of J. is_met: whether
            every misfit is within the tolerance; if not, the points ran out or the intervals became too narrow.
        width: the widest interval at the start. A bump narrower than half of it, between two samples whose values and
            slopes it does not touch, can be missed; see ``gap``.
    """

    alphas: Array
    values: Array
    slopes: Array
    error: Array
    is_met: bool
    width: float

    @property
    def gap(self) -> float:
        """The widest interval that remains: no sample lies in it, so a bump narrower than that can be missed."""
        return float(np.diff(self.alphas).max())


def cubic(alphas: Array, values: Array, slopes: Array, at: Array) -> tuple[Array, Array]:
    """Value and slope at ``at`` [n] of the piecewise cubic with these values and slopes [A, S]; each [n, S]."""
    k = np.clip(np.searchsorted(alphas, at, side="right") - 1, 0, len(alphas) - 2)
    width = (alphas[k + 1] - alphas[k])[:, None]
    t = (at[:, None] - alphas[k][:, None]) / width
    v0, v1, s0, s1 = values[k], values[k + 1], slopes[k] * width, slopes[k + 1] * width
    c2, c3 = 3 * (v1 - v0) - 2 * s0 - s1, 2 * (v0 - v1) + s0 + s1
    return v0 + t * (s0 + t * (c2 + t * c3)), (s0 + t * (2 * c2 + 3 * t * c3)) / width


def refine(
    probe: Probe,
    start: Array,
    tolerance: float = 1e-3,
    max_points: int = 400,
    min_width: float = 1e-4,
    rounding: float = 0.0,
) -> Refined:
    """Halve the intervals of ``start`` until the cubic foretells the value at each middle, and the slope likewise.

    Every interval is halved at least once. One is halved further while, for any column, the misfit at its middle
    exceeds ``tolerance`` times the column's spread (largest less smallest value so far; of an interval inside [0, 1]
    that over [0, 1], since J may be far larger beyond), or the slope's misfit times the interval's width exceeds eight
    times that: a quartic misfit has this ratio between the two, of 1 to 8 or less.

    Args:
        probe: evaluates many points at once. start: [A0], two or more, increasing. max_points: A is at most this, if A0
            allows. min_width: no interval becomes narrower than this. rounding: a misfit that is no larger than this
            times the column's largest size is no misfit.
    """
    alphas = np.asarray(start, dtype=np.float64)
    values, slopes = probe(alphas)
    width = float(np.diff(alphas).max())
    open_ = [(a, b) for a, b in pairwise(alphas.tolist())]
    error, is_met = np.zeros(values.shape[1]), True
    while open_:
        if len(alphas) + len(open_) > max_points:
            is_met = False
            if len(alphas) >= max_points:
                break
            open_ = sorted(open_, key=lambda ends: ends[0] - ends[1])[: max_points - len(alphas)]  # the widest first
        middles = np.array(sorted((a + b) / 2 for a, b in open_))
        ends = {(a + b) / 2: (a, b) for a, b in open_}
        new_values, new_slopes = probe(middles)
        told, told_slopes = cubic(alphas, values, slopes, middles)
        misfit, misfit_slopes = np.abs(new_values - told), np.abs(new_slopes - told_slopes)
        order = np.argsort(np.concatenate([alphas, middles]))
        alphas = np.concatenate([alphas, middles])[order]
        values, slopes = (np.concatenate(both)[order] for both in ((values, new_values), (slopes, new_slopes)))
        anywhere, inside = (_allowed(v, tolerance, rounding) for v in (values, values[(alphas >= 0) & (alphas <= 1)]))
        open_ = []
        for m, off, off_slope in zip(middles.tolist(), misfit, misfit_slopes, strict=True):
            a, b = ends[m]
            # A value that is not finite is never foretold, so this side of the comparison.
            allowed = inside if a >= 0 and b <= 1 else anywhere
            fits = (off <= allowed) & (off_slope * (b - a) <= 8 * allowed)
            if bool(fits.all()):
                error = np.maximum(error, off)
            elif b - a >= 4 * min_width:  # its halves will be halved
                open_ += [(a, m), (m, b)]
            else:
                error, is_met = np.maximum(error, off), False
    return Refined(alphas, values, slopes, error, is_met, width)


def _allowed(values: Array, tolerance: float, rounding: float) -> Array:
    """The misfit [S] that is let pass, of values [A, S]; with fewer than two none."""
    if len(values) < 2:
        return np.zeros(values.shape[1])
    return np.asarray(tolerance * np.ptp(values, axis=0) + rounding * np.abs(values).max(axis=0))


def turns(alphas: Array, values: Array, slopes: Array, first: float = 0.0, last: float = 1.0) -> list[float]:
    """Where the piecewise cubic through one column, values and slopes [A], has its extrema inside (first, last).

    They show a bump between two samples that both lie below it, which the samples alone do not.
    """
    found: list[float] = []
    for k, width in enumerate(np.diff(alphas).tolist()):
        s0, s1 = float(slopes[k]) * width, float(slopes[k + 1]) * width
        rise = float(values[k + 1] - values[k])
        c2, c3 = 3 * rise - 2 * s0 - s1, s0 + s1 - 2 * rise
        if not (math.isfinite(c2) and math.isfinite(c3)):
            continue  # values so large that nothing is known between them
        roots = np.roots([3 * c3, 2 * c2, s0])
        real = sorted(float(r.real) for r in roots if abs(r.imag) < 1e-12 and 0 <= r.real < 1)
        kept = [r for r in real if 6 * c3 * r + 2 * c2 != 0]  # a double root is no turn
        found += [float(alphas[k]) + r * width for r in kept]
    return [alpha for alpha in found if first < alpha < last]
