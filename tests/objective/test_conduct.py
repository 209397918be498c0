"""What is random in training mode, wherever it is drawn: mode=stochastic has it on, and nothing else."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.twin import C, D, split
from tests.zoo import Net, layers

DATA = split(400, seed=1)


class Loud(nn.Dropout):
    """A dropout of one's own."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + self.p * torch.randn_like(x)) if self.training else x


class Inner(nn.Module):
    """Draws as it is told by whoever holds it."""

    def forward(self, x: Tensor, is_on: bool) -> Tensor:
        return F.dropout(x, 0.5, is_on)


class Normed(nn.Module):
    """Batch norm beside noise: the norm must stay what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.last = nn.BatchNorm1d(D), nn.Linear(D, C)
        self.norm.running_mean += 0.5

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        return self.last(h + torch.randn_like(h) if self.training else h)


def _gate(m: Any, x: Tensor) -> Tensor:
    """Stochastic depth: whole branches are left out, example by example."""
    keep = torch.rand(len(x), 1, dtype=x.dtype) < 0.5 if m.training else 1.0
    return m.last(x + keep * m.first(x).tanh())


RANDOM: dict[str, Callable[[], nn.Module]] = {
    "functional": lambda: Net(lambda m, x: m.last(F.dropout(m.first(x), 0.5, m.training)), first=nn.Linear(D, 8),
                              last=nn.Linear(8, C)),
    "alpha": lambda: Net(lambda m, x: m.last(F.alpha_dropout(x, 0.5, m.training)), last=nn.Linear(D, C)),
    "feature": lambda: Net(lambda m, x: m.last(F.dropout1d(x[:, :, None], 0.5, m.training)[:, :, 0]),
                           last=nn.Linear(D, C)),
    "rrelu": lambda: layers(nn.RReLU(0.1, 1.5)),
    "a class of its own": lambda: layers(Loud(0.9)),
    "told from outside": lambda: Net(lambda m, x: m.last(m.inner(x, m.training)), inner=Inner(), last=nn.Linear(D, C)),
    "depth": lambda: Net(_gate, first=nn.Linear(D, D), last=nn.Linear(D, C)),
    "recurrent": lambda: Net(lambda m, x: m.last(m.r(x[..., None])[0][:, -1]), last=nn.Linear(5, C),
                             r=nn.LSTM(1, 5, 2, dropout=0.7, batch_first=True)),
    "gated": lambda: Net(lambda m, x: m.last(m.r(x[..., None])[0][:, -1]), last=nn.Linear(5, C),
                         r=nn.GRU(1, 5, 2, dropout=0.7, batch_first=True)),
    "attention": lambda: Net(
        lambda m, x: m.last(m.a(*[m.first(x[..., None])] * 3, need_weights=False)[0].flatten(1)),
        last=nn.Linear(8 * D, C), first=nn.Linear(1, 8), a=nn.MultiheadAttention(8, 2, dropout=0.7, batch_first=True)),
    "transformer": lambda: Net(
        lambda m, x: m.last(m.t(m.first(x[..., None])).flatten(1)), first=nn.Linear(1, 8), last=nn.Linear(8 * D, C),
        t=nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)),
    "beside batch norm": Normed,
}  # fmt: skip


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


class Tangled(nn.Module):
    """Draws, and keeps statistics, in one place."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(D, C)
        self.register_buffer("mean", torch.zeros(D))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.mean.lerp_(x.mean(0), 0.1)
            x = x + torch.randn_like(x)
        return self.last(x - self.mean)


class Broken(nn.Linear):
    """Has no training pass."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise RuntimeError("needs boxes")
        return super().forward(x)


@pytest.mark.parametrize(
    ("net", "text"),
    [(Net(lambda m, x: m.last(x * np.random.rand() if m.training else x), last=nn.Linear(D, C)), "NumPy's or Python's"),
     (Net(lambda m, x: m.last(x * random.random() if m.training else x), last=nn.Linear(D, C)), "draw them"),
     (Tangled(), "draws random numbers in training mode in Tangled.*deterministic mode"),
     (Broken(D, C), "does not run in training mode.*needs boxes.*deterministic mode")],
)  # fmt: skip
def test_noise_that_cannot_be_had_alone_is_refused(net: nn.Module, text: str) -> None:
    Objective(net, CrossEntropy(), DATA, running_statistics="keep")
    with pytest.raises(InputError, match=text):
        Objective(net, CrossEntropy(), DATA, mode="stochastic", running_statistics="keep")


def test_one_example_is_enough_to_look_at() -> None:
    one = Split(DATA.x[:1], DATA.y[:1])
    assert Objective(Normed(), CrossEntropy(), one, mode="stochastic", running_statistics="keep").is_random
