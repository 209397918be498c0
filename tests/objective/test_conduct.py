"""What is random in training mode, wherever it is drawn: mode=stochastic has it on, and nothing else."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.twin import C, D, split
from tests.zoo import Net, layers
from tests.zoo_training import RANDOM, Broken, Normed, Tangled

DATA = split(400, seed=1)


def by_hand(net: nn.Module, num: int) -> np.ndarray:
    """The training cost of so many passes, norms in evaluation mode."""
    net = copy.deepcopy(net).double().train()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(7)
        return np.array([F.cross_entropy(net(DATA.x), DATA.y).item() for _ in range(num)])


@pytest.mark.parametrize("name", RANDOM)
def test_stochastic_is_the_training_cost(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = RANDOM[name]()
        with torch.no_grad():
            for p in net.parameters():
                p.mul_(3)
    theta = ParameterLayout.of(net).theta(net)[None]
    numbers: dict[str, Any] = {"dtype": "float64", "running_statistics": "keep"}
    plain = Objective(net, CrossEntropy(), DATA, **numbers)(theta).item()
    objective = Objective(net, CrossEntropy(), DATA, mode="stochastic", num_replicates=8, **numbers)
    found = objective.along(lambda alpha: theta, np.zeros(1)).replicates[:, 0, 0]
    again = objective.along(lambda alpha: theta, np.zeros(1)).replicates[:, 0, 0]
    assert objective.is_random and np.array_equal(found, again) and len(set(found)) == 8
    hand = by_hand(net, 40)
    error = np.sqrt(hand.var() / 8 + hand.var() / 40)
    assert abs(found.mean() - hand.mean()) < 4 * error and 0.3 < found.std() / hand.std() < 3
    assert (found != plain).all()
    assert not any(part.training for part in objective.module.modules())


def test_without_noise_both_modes_are_one() -> None:
    for net in (layers(), Net(lambda m, x: m.last(F.dropout(x, 0.0, m.training)), last=nn.Linear(D, C))):
        assert not Objective(net, CrossEntropy(), DATA, mode="stochastic").is_random


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (
            Net(lambda m, x: m.last(x * np.random.rand() if m.training else x), last=nn.Linear(D, C)),
            "NumPy's or Python's",
        ),
        (Net(lambda m, x: m.last(x * random.random() if m.training else x), last=nn.Linear(D, C)), "draw them"),
        (Tangled(), "draws random numbers in training mode in Tangled.*deterministic mode"),
        (Broken(D, C), "does not run in training mode.*needs boxes.*deterministic mode"),
    ],
)
def test_noise_that_cannot_be_had_alone_is_refused(net: nn.Module, text: str) -> None:
    Objective(net, CrossEntropy(), DATA, running_statistics="keep")
    with pytest.raises(InputError, match=text):
        Objective(net, CrossEntropy(), DATA, mode="stochastic", running_statistics="keep")


def test_one_example_is_enough_to_look_at() -> None:
    one = Split(DATA.x[:1], DATA.y[:1])
    assert Objective(Normed(), CrossEntropy(), one, mode="stochastic", running_statistics="keep").is_random
