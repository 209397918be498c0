"""What a measurement is taken of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from landscape.curve import Curve, Projection
from landscape.data.dataset import Dataset
from landscape.endpoints import Ends
from landscape.objective import Objective
from landscape.solutions import Solutions


@dataclass(frozen=True)
class Subject:
    """A network family, its data, and the line or the runs to look at.

    Args:
        module: the template. cost, dataset: what J is made of.
        solutions: trained networks, or None when the ends came from files.
        ends: of the path, or None when the measurement needs none.
        path: (theta_0, theta_1) -> path. alphas: [A].
        objective: ``Objective`` with its own numbers bound (dtype, batch size, replicates, device, ...).
        num_examples: measure on the first so many examples of each split; None: all.
    """

    module: nn.Module
    cost: Any
    dataset: Dataset
    solutions: Solutions | None
    ends: Ends | None
    path: Callable[..., Any]
    alphas: NDArray[np.float64]
    objective: Callable[..., Objective]
    num_examples: int | None = None


@dataclass(frozen=True)
class Measured:
    """What a measurement returns: the parts of a Result that it knows."""

    curves: dict[str, Curve] = field(default_factory=dict)
    projections: dict[str, Projection] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
