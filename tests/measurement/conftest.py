"""A network on a path, made by hand: two lines of the small maxout net."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data.dataset import Dataset
from landscape.endpoints import Ends
from landscape.measurement import OnPath
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import dataset, maxout, normal

SEEDS, ALPHAS = [4, 7], np.array([-0.4, 0.0, 0.21, 0.83, 1.0, 1.7])


def on_path(module: nn.Module, cost: Any, data: Dataset, **more: Any) -> OnPath:
    """This module on straight lines, unless another path is given."""
    parts = {"seeds": [0], "device": torch.device("cpu"), "optimizer": torch.optim.SGD, "path": Linear} | more
    return OnPath(module=module, cost=cost, dataset=data, **parts)


@pytest.fixture
def subject() -> OnPath:
    """Ends off the origin; no trained network is needed to look along a line."""
    num_parameters = ParameterLayout.of(maxout()).num_parameters
    theta_0, theta_1 = 0.8 * normal(2, num_parameters, seed=1) + 0.2, 0.7 * normal(2, num_parameters, seed=2)
    buffers: list[dict[str, torch.Tensor]] = [{}, {}]
    ends = Ends(theta_0, theta_1, ["4", "7"], SEEDS, buffers, [False, False])
    objective: Any = partial(Objective, dtype="float64", batch_size=9, num_replicates=2)
    return on_path(maxout(), CrossEntropy(), dataset(), ends=ends, alphas=ALPHAS, objective=objective)
