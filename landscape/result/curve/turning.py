"""How far a direction turns along a curve."""

from __future__ import annotations

import numpy as np

from landscape.result.curve.types import Array


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
