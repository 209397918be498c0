"""One column of a curve: its value at a position, and its samples in a window.

Between samples the curve is straight. Every function here checks its input and leaves it unchanged.
"""

from __future__ import annotations

import numpy as np

from landscape.result.curve.types import Array

# Grids such as k/9 or 0.05 k are not exact in binary: positions closer than this are the same position.
SAME_ALPHA = 1e-12


def value_at(alphas: Array, values: Array, alpha: float) -> float:
    """J(alpha): the sample itself at a grid point, linear interpolation elsewhere.

    Args:
        alphas: positions [A], strictly increasing. values: J there [A].
        alpha: position within the sampled range; a sample closer than 1e-12 is taken as it is.

    Raises:
        ValueError: alpha lies outside the sampled range; a curve is never extrapolated.
    """
    alphas, values = column_of(alphas, values)
    nearest = int(np.argmin(np.abs(alphas - alpha)))
    if abs(alphas[nearest] - alpha) <= SAME_ALPHA:
        return float(values[nearest])
    if not alphas[0] < alpha < alphas[-1]:
        raise ValueError(f"alpha={alpha} is outside the sampled range [{alphas[0]}, {alphas[-1]}]")
    right = int(np.searchsorted(alphas, alpha))
    weight = (alpha - alphas[right - 1]) / (alphas[right] - alphas[right - 1])
    low, high = values[right - 1], values[right]
    # clipped, so that rounding cannot put a rise of 1e-16 into a curve that never rises
    return float(np.clip(low + weight * (high - low), min(low, high), max(low, high)))


def column_of(alphas: Array, values: Array) -> tuple[Array, Array]:
    """The two arrays as float64 [A], checked."""
    alphas, values = np.asarray(alphas, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if alphas.ndim != 1 or alphas.shape != values.shape or alphas.size == 0:
        raise ValueError(f"need one column: alphas [A] and values [A], got {alphas.shape} and {values.shape}")
    if not (np.isfinite(alphas).all() and (np.diff(alphas) > 0).all()):
        raise ValueError("alphas must be finite and strictly increasing")
    return alphas, values


def samples(alphas: Array, values: Array, first: float, last: float) -> tuple[Array, Array]:
    """The samples in [first, last], as copies."""
    alphas, values = column_of(alphas, values)
    if not first <= last:
        raise ValueError(f"first={first} must not exceed last={last}")
    inside = (alphas >= first - SAME_ALPHA) & (alphas <= last + SAME_ALPHA)
    if not inside.any():
        raise ValueError(f"no sample in [{first}, {last}]; the curve covers [{alphas[0]}, {alphas[-1]}]")
    return alphas[inside], values[inside]


def window(alphas: Array, values: Array, first: float, last: float) -> tuple[Array, Array]:
    """The samples in [first, last], with one added by interpolation at an end that falls between two samples."""
    alphas, values = column_of(alphas, values)
    extra = [end for end in (first, last) if alphas[0] < end < alphas[-1] and np.abs(alphas - end).min() > SAME_ALPHA]
    if extra:
        added = [value_at(alphas, values, end) for end in extra]
        alphas, values = np.append(alphas, extra), np.append(values, added)
        alphas, order = np.unique(alphas, return_index=True)  # unique, for first == last
        values = values[order]
    return samples(alphas, values, first, last)


def closed_window(alphas: Array, values: Array, first: float, last: float) -> tuple[Array, Array]:
    """The window with both its ends, at exactly first and last; ValueError if one lies outside the samples."""
    if not first < last:
        raise ValueError(f"first={first} must be below last={last}")
    for end in (first, last):
        value_at(alphas, values, end)  # refuses an end that was not sampled
    alphas, values = window(alphas, values, first, last)
    alphas[0], alphas[-1] = first, last
    return alphas, values


def require_finite(values: Array) -> None:
    """ValueError unless every value is finite, saying how many are not."""
    if not np.isfinite(values).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(values))} of {len(values)} samples are not finite")


def require_threshold(name: str, value: float) -> None:
    """ValueError unless the threshold is a number >= 0."""
    # NaN would compare False with everything and so find nothing, silently
    if not value >= 0:
        raise ValueError(f"{name}={value} must be a number >= 0")
