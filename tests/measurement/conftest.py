"""A Subject made by hand: two lines of the small maxout net."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from landscape.cost import CrossEntropy
from landscape.endpoints import Ends
from landscape.measurement import Subject
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import dataset, maxout, normal

SEEDS, ALPHAS = [4, 7], np.array([-0.4, 0.0, 0.21, 0.83, 1.0, 1.7])


@pytest.fixture
def subject() -> Subject:
    """Ends off the origin; no trained network is needed to look along a line."""
    num_parameters = ParameterLayout.of(maxout()).num_parameters
    theta_0, theta_1 = 0.8 * normal(2, num_parameters, seed=1) + 0.2, 0.7 * normal(2, num_parameters, seed=2)
    buffers: list[dict[str, torch.Tensor]] = [{}, {}]
    ends = Ends(theta_0, theta_1, ["4", "7"], SEEDS, buffers, [False, False])
    objective: Any = partial(Objective, dtype="float64", batch_size=9, num_replicates=2)
    return Subject([0], torch.device("cpu"), maxout(), CrossEntropy(), dataset(), None, ends, Linear, ALPHAS, objective)
