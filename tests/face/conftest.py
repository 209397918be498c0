"""A small trained net, its start, examples as people have them, and the plain loop over points."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape.parameters import ParameterLayout

CE = nn.CrossEntropyLoss()


class Trained(NamedTuple):
    """``before`` and ``after`` are state dicts, ``kept`` those of every fifth step."""

    net: nn.Module
    before: dict[str, Tensor]
    kept: list[dict[str, Tensor]]
    x: Tensor
    y: Tensor

    @property
    def loader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(self.x, self.y), batch_size=16, shuffle=True)


def trained(*layers: nn.Module, num: int = 60, steps: int = 30) -> Trained:
    """A net of float64 that has learned three classes of 4 inputs a little."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(num, 4, generator=generator, dtype=torch.float64) + 0.3
    y = (x @ torch.randn(4, 3, generator=generator, dtype=torch.float64)).argmax(dim=1)
    net = nn.Sequential(*layers).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.4 * torch.randn(p.shape, generator=generator, dtype=torch.float64) + 0.1)
    before, kept = copy.deepcopy(net.state_dict()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    for step in range(steps):
        if step % 5 == 0:
            kept.append(copy.deepcopy(net.state_dict()))
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return Trained(net.eval(), before, [*kept, copy.deepcopy(net.state_dict())], x, y)


@pytest.fixture
def plain() -> Trained:
    return trained(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


@pytest.fixture
def normed() -> Trained:
    return trained(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


def loop(net: nn.Module, x: Tensor, y: Tensor, states: list[Mapping[str, Tensor]]) -> np.ndarray:
    """Load, evaluate, one point after the other [A]."""
    twin, values = copy.deepcopy(net).eval(), []
    for state in states:
        twin.load_state_dict(state)
        with torch.no_grad():
            values.append(F.cross_entropy(twin(x), y).item())
    return np.array(values)


def mixed(weights: list[float], states: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Sum of the states, whole numbers as in the last."""
    return {
        n: sum(w * s[n] for w, s in zip(weights, states, strict=True)) if t.is_floating_point() else t  # type: ignore[misc]
        for n, t in states[-1].items()
    }


def flat(state: Mapping[str, Tensor], net: nn.Module) -> Tensor:
    return ParameterLayout.of(net).flatten(state)
