"""What noisy gradient descent on a quadratic comes to on average, and the runs that such means are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from theory.arithmetic.polynomial import Array
from theory.derivation import Check

MOST_STEPS = 8
HEAVY = 0.003  # share of one run in the sum over 4,000, twelve times its fair one: found by runs at 90 settings


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


def checks(
    curves: Mapping[str, NoisyCurve],
    eigen: Array,
    start: Array,
    lr: float,
    noise: float,
    batch: int,
    label_noise: float,
) -> list[Check]:
    """Up to eight steps of 4,000 runs of each, as long as the sample can tell; later ones would need far more.

    Squared errors are products of one factor per step: their tails grow, and once a few runs make up the sum, the
    sample's own spread says nothing of how far its mean may be off. Near the largest stable rate that comes early, and
    where the first step is too late already there is no check.
    """
    rng, count = np.random.default_rng(0), 4000
    errors = {"proportional": np.tile(start, (count, 1)), "minibatch": np.tile(start, (count, 1))}
    worst, last = dict.fromkeys(errors, 0.0), dict.fromkeys(errors, 0)
    for t in range(1, MOST_STEPS + 1):
        e = errors["proportional"]
        errors["proportional"] = e - lr * eigen * e * (1 + noise * rng.standard_normal(e.shape))
        e, gradient = errors["minibatch"], np.zeros_like(start)
        for _ in range(batch):
            x = rng.standard_normal(e.shape) * np.sqrt(eigen)
            gap = (x * e).sum(axis=1) + label_noise * rng.standard_normal(count)
            gradient = gradient + x * gap[:, None] / batch
        errors["minibatch"] = e - lr * gradient
        for name, e in errors.items():
            along, curve, squares = e @ start, curves[name], (e * e).sum(axis=1)
            if last[name] < t - 1 or squares.max() > HEAVY * squares.sum():
                continue
            last[name] = t
            for drawn, mean in (
                (1 - along, curve.projection),
                (along**2, curve.projection_square),
                (squares, curve.error_square),
            ):
                error = float(drawn.std()) / count**0.5 + 1e-12
                worst[name] = max(worst[name], abs(float(drawn.mean() - mean[t])) / error)
    return [
        Check(f"{name}: three means at {last[name]} steps against 4,000 runs, largest |z|", z, 4.5)
        for name, z in worst.items()
        if last[name]
    ]
