"""What stands for trained networks before any is trained: as many points, as far apart, with as many snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from landscape.command.forecast.group import GroupForecast
from landscape.command.recipe import Recipe
from landscape.parameters import ParameterLayout, beside
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory
from landscape.training import build


@dataclass(frozen=True)
class _Unwalked(Trajectory):
    """A trajectory to come: its epochs are known, and every point of it is one and the same."""

    point: Tensor

    def theta(self, row: float) -> Tensor:
        """The point as theta [1, P]."""
        return self.point[None].float()


def stand_in(recipe: Recipe, groups: Sequence[GroupForecast]) -> Solutions:
    """What training would return, as far as a measurement's time depends on it: two points far apart, untrained."""
    module, training = recipe.network.module, recipe.training
    dtype = getattr(torch, training.dtype)
    layout, num_rows = ParameterLayout.of(module), len(training.seeds)
    # The start of a seed that is not in the run; a module that always starts at one point is moved a little.
    other = layout.theta(build(recipe.model, training.seeds[-1] + 1)).to(dtype)
    other = other + 0.01 * torch.randn(other.shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    start = layout.theta(module).to(dtype)
    theta_i, theta_f = (point.expand(num_rows, -1) for point in (start, other))
    buffers = beside(module)
    nowhere = Path("not-trained-yet")
    snapshots = [group.snapshots for group in groups for _ in group.seeds]
    # The last epoch is the best: whatever an endpoint asks for lies before it, if it can at all.
    curve = LearningCurve(np.zeros(1), {}, np.full(num_rows, float(training.max_epochs)))
    runs: list[Trajectory] = [
        _Unwalked(nowhere, s, epochs, np.zeros(len(epochs), dtype=np.int64), other)
        for s, epochs in enumerate(snapshots)
    ]
    epochs = [training.max_epochs] * num_rows
    return Solutions(
        layout, training.seeds, theta_i, theta_f, curve, runs, ["max_epochs"] * num_rows, epochs, [buffers] * num_rows
    )
