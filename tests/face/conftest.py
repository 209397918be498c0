"""A small trained net, its start, and examples as people have them."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


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
