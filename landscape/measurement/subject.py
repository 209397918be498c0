"""What a measurement is taken of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.alphas import Adaptive
from landscape.data.dataset import Dataset, Split
from landscape.endpoints import Ends
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.result.curve import Curve, Projection
from landscape.store.solutions import Solutions


@dataclass(frozen=True)
class Subject:
    """A network family, its data, and the line or the runs to look at.

    What is there depends on ``needs`` of the measurement: ``"nothing"``: seeds and device alone; ``"model"``: module,
    cost, dataset, objective and optimizer too; ``"solutions"``: trained networks too; ``"path"``: ends, path and
    alphas, and solutions unless the ends came from elsewhere.

    Args:
        seeds: [S]. device: where to compute.
        module: the template. cost, dataset: what J is made of.
        solutions: trained networks. ends: of the path. alphas: [A].
        path: (theta_0, theta_1) -> path, with an argument ``layout`` too if it names one; see ``lay``.
        objective: ``Objective`` with its own numbers bound (dtype, batch size, replicates, device, ...).
        num_examples: measure on the first so many examples of each split; None: all.
        optimizer: (tensors) -> optimizer. adaptive: how to refine ``alphas``, or None.
    """

    seeds: list[int]
    device: torch.device
    module: nn.Module = field(default_factory=nn.Identity)
    cost: Any = None
    dataset: Dataset | None = None
    solutions: Solutions | None = None
    ends: Ends | None = None
    path: Callable[..., Any] | None = None
    alphas: NDArray[np.float64] | None = None
    objective: Callable[..., Objective] | None = None
    num_examples: int | None = None
    optimizer: Callable[..., torch.optim.Optimizer] | None = None
    adaptive: Adaptive | None = None

    def split(self, name: str) -> Split:
        """The examples of one split that are measured on."""
        assert self.dataset is not None
        split: Split = getattr(self.dataset, name)
        return split if self.num_examples is None else split.first(self.num_examples)

    def lay(self, theta_0: Tensor, theta_1: Tensor) -> Any:
        """The path between two points [S, P]; one whose constructor names ``layout`` learns what the P values are."""
        assert self.path is not None
        try:
            asks = "layout" in inspect.signature(self.path).parameters
        except (TypeError, ValueError):  # built-in callables have no signature
            asks = False
        named = {"layout": ParameterLayout.of(self.module)} if asks else {}
        return self.path(theta_0, theta_1, **named)


@dataclass(frozen=True)
class Measured:
    """What a measurement returns: the parts of a Result that it knows."""

    curves: dict[str, Curve] = field(default_factory=dict)
    projections: dict[str, Projection] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
