"""What a measurement returns: plain arrays with names. Numpy only.

Shape letters: S seeds (or lines), A alphas, T saved steps, K mask replicates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """The objective J along a path, one column per line.

    Args:
        alphas: positions on the path [A], strictly increasing, may leave [0, 1].
        objective: mean cost per example in nats [A, S]; a value that could not be computed is NaN.
        metrics: further channels of the same shape, for example ``{"error": [A, S]}``, a fraction in [0, 1].
        split: ``"train"`` or ``"valid"``.
        mode: ``"deterministic"`` (no dropout) or ``"stochastic"`` (the training cost, common random numbers).
        dtype: the precision of the forward pass, ``"float32"`` or ``"float64"``; sums are always float64.
        source: ``"measured"`` or ``"theory"``.
        num_examples: examples the objective averages over.
        replicates: the objective of each mask replicate [K, A, S] when K > 1, else None.
        noise: what J owes to rounding and to its examples, in nats, where it was measured: ``"floor"`` [S], a bound
            on the rounding error of J; ``"errors"`` [A, A, S], the standard error over examples
            of J(b) - J(a); ``"low"`` and ``"high"`` [A, S], a 95 % bootstrap band over examples, less J at the sample
            nearest to alpha = 0.
    """

    alphas: Array
    objective: Array
    metrics: dict[str, Array] = field(default_factory=dict)
    split: str = "train"
    mode: str = "deterministic"
    dtype: str = "float32"
    source: str = "measured"
    num_examples: int = 0
    replicates: Array | None = None
    noise: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.objective.ndim != 2 or len(self.alphas) != len(self.objective):
            raise ValueError(f"Curve needs objective [A, S] with A={len(self.alphas)}, got {self.objective.shape}")


@dataclass(frozen=True)
class Projection:
    """A training run seen from the straight line between its start and its solution.

    With c_t = theta_t - theta_i and d = (theta_f - theta_i)/L, L = |theta_f - theta_i|:
    projection = c_t.d and residual_norm = |c_t - (c_t.d) d|.

    Args:
        steps: updates made before each saved point [T]; epochs: the same in passes over the data [T].
        projection, residual_norm, parameter_norm: lengths in parameter units [T, S];
            NaN after a seed's own last saved point. ``parameter_norm`` is |theta_t| from the origin.
        length: L [S]. best_epoch: the epoch of theta_f [S].
        second_projection: signed length along the direction of the largest residual [T, S], where it was asked for.
        objective: J(theta_t) in nats [T, S], where it was asked for.
    """

    steps: Array
    epochs: Array
    projection: Array
    residual_norm: Array
    parameter_norm: Array
    length: Array
    best_epoch: Array
    second_projection: Array | None = None
    objective: Array | None = None


@dataclass(frozen=True)
class LearningCurve:
    """What the monitor saw at the end of each epoch; row 0 is before any learning.

    Args:
        epochs: [T].
        channels: name -> [T, S]; names are ``"train/objective"``, ``"valid/objective"``, ``"valid/error"`` and
            whatever further metric the cost adds. NaN after a seed's own last epoch.
        best_epoch: the epoch whose vector is theta_f [S].
    """

    epochs: Array
    channels: dict[str, Array]
    best_epoch: Array
