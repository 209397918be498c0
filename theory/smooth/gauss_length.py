"""The Gauss length of a curve, the angle that its direction sweeps: below a quarter turn, every step nears the end.

Proof: directions at any two positions then differ by less than π/2, so γ'(α)·(γ(1) - γ(α)) is the integral of the
positive γ'(α)·γ'(β) over β > α, and the derivative of ‖γ(α) - γ(1)‖² is -2 times that. Corners count by their angle.

Source: Lucas et al. 2021 use it for networks under squared error (their text was not at hand; the proof is above).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def turning(points: ArrayLike) -> float:
    """Total angle in radians by which a polyline [A, P] turns (its Gauss length), in any number of dimensions.

    Raises:
        ValueError: no [A, P], NaN or infinity, or a polyline of length zero.
    """
    path = np.asarray(points, dtype=np.float64)
    if path.ndim != 2 or not np.all(np.isfinite(path)):
        raise ValueError(f"points of shape {path.shape} must be finite and [A, P]: a row per position on the curve.")
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    if not np.any(lengths > 0):
        raise ValueError("all points are the same, so the curve has length zero; give two different points.")
    unit = steps[lengths > 0] / lengths[lengths > 0, None]
    # atan2 of half differences: acos of an inner product loses small angles.
    apart, common = (np.linalg.norm(v, axis=1) for v in (unit[1:] - unit[:-1], unit[1:] + unit[:-1]))
    return float(np.sum(2 * np.arctan2(apart, common)))


def approaches_its_end(points: ArrayLike) -> bool:
    """True if the polyline turns by less than π/2: then the distance to its last point falls strictly along it.

    Sufficient, not necessary. Feed the outputs on all examples along a line, stacked [A, N C], to an end that fits:
    J is that distance squared over N. A smooth curve turns at least as much as a polyline inscribed in it, so for the
    curve itself the answer is as good as the sampling.
    """
    return turning(points) < np.pi / 2
