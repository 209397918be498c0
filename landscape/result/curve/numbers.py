"""Every number read off one column of a curve: pure functions of alphas [A] and values [A].

Between samples the curve is straight, so a window [first, last] whose end falls between two samples gets an
interpolated sample there. A number that a NaN sample would decide is NaN; a function that cannot return NaN
(a list, a count) raises ValueError instead. Zero and negative values are values like any other.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from landscape.result.curve.column import (
    SAME_ALPHA,
    closed_window,
    column_of,
    require_finite,
    require_threshold,
    samples,
    window,
)
from landscape.result.curve.column import value_at as value_at
from landscape.result.curve.stated import bound_of
from landscape.result.curve.types import Array, Samples

# Relative slack below which a rise counts as numerical noise: section 0.6 of the reproduction notes.
DETERMINISTIC_TOLERANCE = {"float64": 1e-6, "float32": 1e-4}
STOCHASTIC_TOLERANCE = 5e-3


def drop(alphas: Array, values: Array) -> float:
    """J(0) - J(1), negative when the line ends higher than it starts; ValueError if either is not sampled."""
    return value_at(alphas, values, 0.0) - value_at(alphas, values, 1.0)


def largest_rise(alphas: Array, values: Array, first: float = 0.0, last: float = 1.0) -> float:
    """max of J(b) - J(a) over a < b in [first, last], and 0 if there is no rise: zero iff J never increases.

    A rise that begins in the last interval counts. The part of the window outside the sampled range is ignored.

    Raises:
        ValueError: no sample lies in the window.
    Source: min Delta of Lucas et al. 2021 (arXiv 2104.11044).
    """
    _, values = window(alphas, values, first, last)
    if np.isnan(values).any():
        return math.nan
    if len(values) < 2:
        return 0.0
    with np.errstate(invalid="ignore"):  # inf - inf is NaN: the rise between two overflows is unknown
        climbs = values[1:] - np.minimum.accumulate(values)[:-1]
    return float(np.maximum(climbs.max(), 0.0))


def relative_rise(alphas: Array, values: Array, first: float = 0.0, last: float = 1.0) -> float:
    """largest_rise / drop; NaN unless the drop is positive, else a climbing line would score below every threshold."""
    return _per_drop(largest_rise(alphas, values, first, last), alphas, values)


def chord_barrier(alphas: Array, values: Array, first: float = 0.0, last: float = 1.0) -> float:
    """max over [first, last] of J(alpha) minus the chord between the window's ends; both ends count, so >= 0.

    Raises:
        ValueError: the window is empty or reaches outside the sampled range (the chord has no end there).
    """
    alphas, values = closed_window(alphas, values, first, last)
    along = (alphas - first) / (last - first)
    with np.errstate(invalid="ignore"):
        # both products are exact zeros at the ends, so the difference there is exactly 0
        return float(np.max(values - ((1 - along) * values[0] + along * values[-1])))


def mean_barrier(alphas: Array, values: Array, first: float = 0.0, last: float = 1.0) -> float:
    """max over [first, last] of J(alpha) minus the mean of the two ends; >= half the gap between the ends.

    Not a measure of monotonicity: it is positive on every line that is not flat. Raises as chord_barrier.
    """
    _, values = closed_window(alphas, values, first, last)
    with np.errstate(invalid="ignore"):
        return float(values.max() - (values[0] + values[-1]) / 2)


def end_barrier(alphas: Array, values: Array, first: float = 0.0, last: float = 1.0) -> float:
    """max over [first, last] of J(alpha) minus the higher end; >= 0, and 0 on a monotone line.

    Raises as chord_barrier.
    """
    _, values = closed_window(alphas, values, first, last)
    with np.errstate(invalid="ignore"):
        return float(values.max() - np.maximum(values[0], values[-1]))


def local_minima(alphas: Array, values: Array, prominence: float) -> list[int]:
    """Indices of the interior local minima out of which one must climb by more than ``prominence``.

    The prominence of a minimum is the climb on the lower of its two sides, up to the highest sample before a
    strictly lower one (or the end of the samples). A plateau is one minimum, at its middle index.

    Args:
        alphas: [A]. values: [A]. prominence: in units of J, >= 0.
    Raises:
        ValueError: a sample is not finite, or prominence is negative or NaN.
    """
    return local_maxima(alphas, -np.asarray(values, dtype=np.float64), prominence)


def local_maxima(alphas: Array, values: Array, prominence: float) -> list[int]:
    """Indices of the interior local maxima with a prominence above the given one; see local_minima."""
    from scipy.signal import find_peaks  # late: slow to import, and most callers need no scipy

    _, values = column_of(alphas, values)
    require_finite(values)
    require_threshold("prominence", prominence)
    peaks, found = find_peaks(values, prominence=0.0)
    return [int(k) for k, climb in zip(peaks, found["prominences"], strict=True) if climb > prominence]


def argmin_alpha(alphas: Array, values: Array, first: float = -math.inf, last: float = math.inf) -> float:
    """The sampled alpha in [first, last] with the smallest J, the first of several; NaN if one there is NaN.

    Raises:
        ValueError: no sample lies in the window.
    """
    alphas, values = samples(alphas, values, first, last)
    return math.nan if np.isnan(values).any() else float(alphas[int(np.argmin(values))])


def flattening(alphas: Array, values: Array, alpha: float = 1 / 9) -> float:
    """(J(0) - J(alpha)) / drop: the share of the drop that is over by ``alpha``; a straight line gives ``alpha``.

    NaN unless the drop is positive. Source: ``flat0`` of the reproduction notes, section 0.6.
    """
    return _per_drop(value_at(alphas, values, 0.0) - value_at(alphas, values, alpha), alphas, values)


def curvature_changes(
    alphas: Array, values: Array, tolerance: float, first: float = 0.0, last: float = 1.0
) -> list[tuple[float, int]]:
    """Where J turns from concave to convex (+1) or from convex to concave (-1), as (alpha, sign).

    The second difference of three neighbours is twice the height of their chord over the middle one, in units
    of J; on an even grid J[k+1] - 2 J[k] + J[k-1]. Those below ``tolerance`` in size are discarded. The position
    is the zero of the line through the second divided differences on both sides: exact for a cubic.

    Raises:
        ValueError: fewer than three samples in the window, one that is not finite, or a bad tolerance.
    """
    alphas, values = samples(alphas, values, first, last)
    require_finite(values)
    require_threshold("tolerance", tolerance)
    if len(alphas) < 3:
        raise ValueError(f"a second difference needs three samples in [{first}, {last}], got {len(alphas)}")
    gap = np.diff(alphas)
    slope = np.diff(values) / gap
    bend = np.diff(slope) / (gap[:-1] + gap[1:])  # second divided difference, J''/2 at the mean of the three alphas
    height = 2 * bend * gap[:-1] * gap[1:]
    place = (alphas[:-2] + alphas[1:-1] + alphas[2:]) / 3
    kept = np.flatnonzero((np.abs(height) >= tolerance) & (height != 0))
    changes = []
    for before, after in pairwise(kept):
        if np.sign(bend[before]) != np.sign(bend[after]):
            share = abs(bend[before]) / (abs(bend[before]) + abs(bend[after]))
            alpha = place[before] + share * (place[after] - place[before])
            changes.append((float(alpha), int(np.sign(bend[after]))))
    return changes


def plateau_length(alphas: Array, values: Array, fraction: float = 0.1) -> float:
    """The smallest alpha >= 0 with J(alpha) <= J(0) - fraction * drop; NaN if never, or if the drop is not positive.

    Linear between samples; NaN also when a NaN sample comes before the crossing.
    """
    require_threshold("fraction", fraction)
    fall = drop(alphas, values)
    alphas, values = window(alphas, values, 0.0, math.inf)
    threshold = values[0] - fraction * fall
    hits = np.flatnonzero((values <= threshold) | np.isnan(values))
    if not fall > 0 or len(hits) == 0 or math.isnan(values[hits[0]]):
        return math.nan
    k = int(hits[0])
    if k == 0:
        return 0.0
    share = (values[k - 1] - threshold) / (values[k - 1] - values[k])
    return float(alphas[k - 1] + share * (alphas[k] - alphas[k - 1]))


def num_rises(values: Array, slack: float) -> int:
    """How many neighbours satisfy J[k+1] > J[k] + slack; ValueError if a sample is not finite or slack is bad."""
    values = np.asarray(values, dtype=np.float64)
    require_finite(values)
    require_threshold("slack", slack)
    return int(np.count_nonzero(values[1:] > values[:-1] + slack))


def spline_deviation(alphas: Array, values: Array, every: int = 10) -> float:
    """max |J - cubic spline through every ``every``-th sample and the last one| / (max J - min J); NaN with a NaN.

    Fewer than four knots lower the degree of the spline. A constant curve deviates by 0.

    Raises:
        ValueError: ``every`` < 2, which would leave no sample between the knots.
    """
    from scipy.interpolate import CubicSpline  # late, as in local_maxima

    alphas, values = column_of(alphas, values)
    if every < 2:
        raise ValueError(f"every={every} leaves no sample between the knots; use 2 or more")
    if not np.isfinite(values).all():
        return math.nan
    spread = np.ptp(values)
    if spread == 0:
        return 0.0
    knots = np.unique(np.append(np.arange(0, len(alphas), every), len(alphas) - 1))
    return float(np.max(np.abs(values - CubicSpline(alphas[knots], values[knots])(alphas))) / spread)


def tolerance(curve: Samples, column: int) -> float:
    """tau: the rise, relative to the drop, that the way this curve was measured can produce by itself.

    Deterministic: 1e-6 in float64, 1e-4 in float32. Stochastic: 5e-3, or three standard errors of
    J[k] - J[k-1] over the mask replicates (the largest over k) divided by the drop, if that is more; NaN if the
    replicates are given and the drop is not positive. With a stated error no less than twice the largest on [0, 1], by
    which each end of a rise may be off, divided by the drop.

    Raises:
        ValueError: unknown mode or dtype, or fewer than two replicates.
    Source: section 0.6 of the reproduction notes.
    """
    tau, rise, (alphas, values) = _tau(curve, column), stated_rise(curve, column), _line(curve, column)
    knows_drop = rise > 0 and alphas[0] <= SAME_ALPHA and alphas[-1] >= 1 - SAME_ALPHA
    return float(np.fmax(tau, _per_drop(rise, alphas, values))) if knows_drop else tau


def stated_rise(curve: Samples, column: int) -> float:
    """The largest rise on [0, 1] that the stated error alone can make, in units of J; 0 where all is in full."""
    inside = (curve.alphas >= -SAME_ALPHA) & (curve.alphas <= 1 + SAME_ALPHA)
    bound = bound_of(curve)[inside, column]
    return float(np.sort(bound)[-2:].sum())


def _line(curve: Samples, column: int) -> tuple[Array, Array]:
    return curve.alphas, curve.objective[:, column]


def _tau(curve: Samples, column: int) -> float:
    """That of masks and rounding."""
    if curve.mode == "deterministic":
        if curve.dtype not in DETERMINISTIC_TOLERANCE:
            raise ValueError(f"curve.dtype={curve.dtype!r} is not one of {sorted(DETERMINISTIC_TOLERANCE)}")
        return DETERMINISTIC_TOLERANCE[curve.dtype]
    if curve.mode != "stochastic":
        raise ValueError(f"curve.mode={curve.mode!r} is not one of ['deterministic', 'stochastic']")
    if curve.replicates is None:
        return STOCHASTIC_TOLERANCE
    replicates = curve.replicates[:, :, column]  # [K, A]
    if len(replicates) < 2:
        raise ValueError(f"a standard error needs two or more replicates, got {len(replicates)}")
    steps = np.diff(replicates, axis=1)
    error = steps.std(axis=0, ddof=1).max() / math.sqrt(len(replicates))
    # np.maximum, because max() would turn a NaN into the floor
    return float(np.maximum(STOCHASTIC_TOLERANCE, _per_drop(3 * error, *_line(curve, column))))


def _per_drop(amount: float, alphas: Array, values: Array) -> float:
    """amount / drop, NaN where there is no drop to compare with."""
    fall = drop(alphas, values)
    return float(amount / fall) if fall > 0 else math.nan


def turning(tangents: Array, floor: float | Array = 0.0) -> Array:
    """The sum over neighbours of the angle between their directions, in radians: the Gauss length of a curve.

    With the tangents of a smooth curve at many positions this is the integral of the norm of the derivative of its unit
    tangent, from below: exact for a circular arc at any sampling, and a corner counts by its angle. A tangent of length
    ``floor`` or less has no direction; the one before it stands in.

    Args:
        tangents: [A, ..., C], any length. floor: one number, or one per curve [...].
    Returns:
        [...], 0 where no more than one tangent has a direction; NaN where one is not finite.
    """
    lengths = np.linalg.norm(tangents, axis=-1)  # [A, ...]
    total, last = np.zeros(lengths.shape[1:]), np.zeros(tangents.shape[1:])
    for tangent, length in zip(tangents, lengths, strict=True):
        moves = ~(length <= floor)  # so that a NaN is one that moves
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = np.where(moves[..., None], tangent / length[..., None], last)
        begun = np.any(last != 0, axis=-1)
        # atan2 of half differences: acos of an inner product loses small angles.
        angle = 2 * np.arctan2(np.linalg.norm(unit - last, axis=-1), np.linalg.norm(unit + last, axis=-1))
        total, last = total + np.where(begun | np.isnan(angle), angle, 0.0), unit
    return total
