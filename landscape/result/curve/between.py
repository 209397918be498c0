"""What J does between its samples, as far as values and slopes tell: the piecewise cubic through both."""

from __future__ import annotations

import math

import numpy as np

from landscape.result.curve.adaptive import cubic, turns
from landscape.result.curve.column import samples
from landscape.result.curve.numbers import (
    STOCHASTIC_TOLERANCE,
    largest_rise,
    local_maxima,
    local_minima,
    stated_rise,
    tolerance,
)
from landscape.result.curve.types import Array, Samples


def hidden_rise(alphas: Array, values: Array, slopes: Array) -> float:
    """By how much the largest rise of the cubic in [0, 1] exceeds that of the samples: 0 if they show it all.

    It may also be more than J itself rises, where the samples are too far apart for a cubic; more of them decide.
    NaN if a sample or a slope is.

    Args:
        alphas, values, slopes: [A] of one column; the slope is the derivative by alpha.

    Raises:
        ValueError: no sample lies in [0, 1].
    """
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        return math.nan
    seen = largest_rise(alphas, values)
    return max(largest_rise(*nodes(alphas, values, slopes)) - seen, 0.0)


def turning_points(
    alphas: Array, values: Array, slopes: Array, prominence: float, first: float = 0.0, last: float = 1.0
) -> list[float]:
    """Where the cubic has minima and maxima inside (first, last) that stand out by more than ``prominence``.

    Args:
        alphas, values, slopes: [A] of one column, finite. prominence: in units of J, as of ``local_minima``.
    """
    at, heights = nodes(alphas, values, slopes)
    inside = (at >= first) & (at <= last)
    at, heights = at[inside], heights[inside]
    if len(at) < 3:
        return []
    found = [*local_minima(at, heights, prominence), *local_maxima(at, heights, prominence)]
    return sorted(float(at[k]) for k in found)


def noise_of(curve: Samples, column: int) -> float:
    """tau (see ``tolerance``) of what J spans over the samples in [0, 1], in nats: smaller bumps may be noise.

    No less than a rise that the stated error alone can make.
    """
    tau = tolerance(curve, column)
    values = samples(curve.alphas, curve.objective[:, column], 0.0, 1.0)[1]
    # Replicates on a line without a drop have no tau of their own.
    known = (STOCHASTIC_TOLERANCE if math.isnan(tau) else tau) * float(np.ptp(values))
    return max(known, stated_rise(curve, column))


def num_turning_points(curve: Samples, column: int) -> float:
    """How many extrema inside (0, 1) stand out of the noise; NaN if a sample or a slope is not finite.

    Args:
        curve: with a channel ``slope``.
    """
    values, slopes = curve.objective[:, column], curve.metrics["slope"][:, column]
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        return math.nan
    return float(len(turning_points(curve.alphas, values, slopes, noise_of(curve, column))))


def nodes(alphas: Array, values: Array, slopes: Array) -> tuple[Array, Array]:
    """Samples and turns of the cubic in rising order, and its value at each: between them it is monotone.

    Args:
        alphas, values, slopes: [A] of one column, finite.
    """
    if len(alphas) < 2:
        return alphas, values
    extra = np.array(turns(alphas, values, slopes, alphas[0], alphas[-1]))
    # Zero and one too, where they lie between samples: numbers of a line are read between them.
    extra = np.append(extra, [end for end in (0.0, 1.0) if alphas[0] < end < alphas[-1]])
    at = np.unique(np.concatenate([alphas, extra]))
    heights = cubic(alphas, values[:, None], slopes[:, None], at)[0][:, 0]
    known = np.isin(at, alphas)
    heights[known] = values  # of a sample its own value, bit for bit
    return at, heights
