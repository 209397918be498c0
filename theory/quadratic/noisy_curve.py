"""What noisy gradient descent comes to on average: the means that a derivation gives and runs are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.arithmetic.polynomial import Array


@dataclass(frozen=True, eq=False)
class NoisyCurve:
    """Means over the noise at every step, no unit [T].

    Args:
        steps: t. projection: E α. projection_square: E (1 - α)². error_square: E |e|² / R².
    """

    steps: Array
    projection: Array
    projection_square: Array
    error_square: Array

    @property
    def projection_variance(self) -> Array:
        """Var α."""
        return np.maximum(self.projection_square - (1 - self.projection) ** 2, 0.0)

    @property
    def residual_square(self) -> Array:
        """E (ρ/R)²."""
        return np.maximum(self.error_square - self.projection_square, 0.0)
