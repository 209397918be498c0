"""A network on a path, made by hand: two lines of the small maxout net."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data.dataset import Dataset
from landscape.endpoints import Ends
from landscape.measurement import OnPath
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory, TrajectoryWriter
from tests.twin import dataset, maxout, normal

SEEDS, ALPHAS = [4, 7], np.array([-0.4, 0.0, 0.21, 0.83, 1.0, 1.7])


def on_path(module: nn.Module, cost: Any, data: Dataset, **more: Any) -> OnPath:
    """This module on straight lines, unless another path is given."""
    parts = {"seeds": [0], "device": torch.device("cpu"), "optimizer": torch.optim.SGD, "path": Linear} | more
    return OnPath(module=module, cost=cost, dataset=data, **parts)


def ends_of(theta_0: Tensor, theta_1: Tensor, seeds: list[int] | None = None, **more: Any) -> Ends:
    """Of one line a row, without buffers; unless they are given, seeds are 0 and on."""
    seeds = list(range(len(theta_0))) if seeds is None else seeds
    parts = {"buffers": [{} for _ in seeds], "diverged": [False] * len(seeds)} | more
    return Ends(theta_0, theta_1, [str(s) for s in seeds], seeds, **parts)


def second_of(ends: Ends) -> Ends:
    """The line of seed 7 alone."""
    return ends_of(ends.theta_0[1:], ends.theta_1[1:], [7])


def runs(folder: Path, layout: ParameterLayout) -> Solutions:
    """Two made-up runs of five and four snapshots, solved at epochs 3 and 2."""
    thetas = (normal(5, 2, layout.num_parameters, seed=1) + 0.4).float()
    writer = TrajectoryWriter(folder / "t.npy", (2, layout.num_parameters))
    for theta in thetas:
        writer.append(theta)
    epochs = np.arange(5)
    return Solutions(
        layout=layout,
        seeds=[3, 5],
        theta_i=thetas[0],
        theta_f=torch.stack([thetas[3, 0], thetas[2, 1]]),
        learning_curve=LearningCurve(epochs.astype(float), {}, np.array([3.0, 2.0])),
        trajectories=[Trajectory(writer.file, s, epochs[:n], 10 * epochs[:n]) for s, n in enumerate((5, 4))],
        status=["stopped"] * 2,
        num_epochs=[4, 3],
        buffers=[{}, {}],
    )


@pytest.fixture
def subject() -> OnPath:
    """Ends off the origin; no trained network is needed to look along a line."""
    num_parameters = ParameterLayout.of(maxout()).num_parameters
    theta_0, theta_1 = 0.8 * normal(2, num_parameters, seed=1) + 0.2, 0.7 * normal(2, num_parameters, seed=2)
    ends = ends_of(theta_0, theta_1, SEEDS)
    objective: Any = partial(Objective, dtype="float64", batch_size=9, num_replicates=2)
    return on_path(maxout(), CrossEntropy(), dataset(), ends=ends, alphas=ALPHAS, objective=objective)
