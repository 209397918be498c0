"""The plain path at a point for all batches: whatever a forward pass writes, each finds the point as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.path import Linear
from tests.twin import C, D

DRAW = torch.Generator().manual_seed(3)
DATA = Split(torch.randn(30, D, generator=DRAW, dtype=torch.float64), torch.randint(C, (30,), generator=DRAW))
ALPHAS = np.linspace(0, 1, 5)


class Late(nn.Module):
    """A linear layer that writes into what it was given once it is done, where its first weight is beyond a bound."""

    def __init__(self, write: Callable[[Any, Tensor], object] | None) -> None:
        super().__init__()
        self.last, self.write = nn.Linear(D, C), write
        self.shift: Tensor
        self.register_buffer("shift", torch.zeros(D))

    def forward(self, x: Tensor) -> Tensor:
        """[B, D] -> [B, C]."""
        found: Tensor = self.last(x + self.shift)
        if self.write is not None and float(self.last.weight[0, 0]) > 0.5:
            self.write(self, x)
        return found


def _shifted(net: Any, x: Tensor) -> None:
    net.shift = net.shift + 1


def _turned(net: Any, x: Tensor) -> None:
    net.last.weight.data = net.last.weight.data.flip(0)


WAYS: dict[str, Callable[[Any, Tensor], object]] = {
    "weight": lambda net, x: net.last.weight.mul_(1.5),
    "weight, and back": lambda net, x: net.last.bias.neg_(),
    "data of a weight": lambda net, x: net.last.weight.data.mul_(1.5),
    "memory of a weight": lambda net, x: np.multiply(w := net.last.weight.detach().numpy(), 1.5, out=w),
    "another weight": _turned,
    "buffer": lambda net, x: net.shift.data.add_(1),
    "another buffer": _shifted,
    "examples": lambda net, x: x.data.zero_(),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_written_at_some_points_moves_no_other_batch(way: str) -> None:
    net, still = Late(WAYS[way]).double(), Late(None).double()
    start = torch.zeros(2, D * C + C, dtype=torch.float64)
    end = torch.linspace(1, -1, D * C + C, dtype=torch.float64) * torch.tensor([[1.0], [0.8]], dtype=torch.float64)
    x = DATA.pair[0].clone()
    numbers: dict[str, Any] = {"dtype": "float64", "batch_size": 10, "running_statistics": "keep", "engine": "plain"}
    numbers["seeds"] = [0, 1]
    found, expected = (
        Objective(m, CrossEntropy(), DATA, **numbers).along(Linear(start, end), ALPHAS, keep_costs=torch.float64)
        for m in (net, still)
    )
    for name in ("objective", "error"):
        assert np.array_equal(found.channels[name], expected.channels[name])
    assert found.costs is not None and expected.costs is not None and np.array_equal(found.costs, expected.costs)
    assert torch.equal(x, DATA.pair[0])


class Images(nn.Module):
    """Two convolutions, of which the first is pooled."""

    def __init__(self, channels: int, views: bool, grouped: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, 8, 3, padding=1), nn.Conv2d(8, 4, 3)
        self.norm = nn.GroupNorm(2, 8) if grouped else nn.Identity()
        self.last, self.views = nn.Linear(4 * 2 * 2, C), views

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, 8, 8] -> [B, C]."""
        h = torch.relu(self.second(torch.max_pool2d(torch.relu(self.norm(self.first(x))), 2)))
        logits: Tensor = self.last(h.view(len(h), -1) if self.views else h.flatten(1))
        return logits


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("views", "grouped"), [(False, False), (True, False), (False, True)])
def test_images_lie_as_is_quickest_where_the_module_takes_them_so(channels: int, views: bool, grouped: bool) -> None:
    torch.manual_seed(0)
    net = Images(channels, views, grouped)
    images = Split(torch.rand(40, channels, 8, 8), torch.randint(C, (40,)))
    lies_so, usual = Objective(net, CrossEntropy(), images, batch_size=15), Objective(net, CrossEntropy(), images)
    usual.batches.forward = usual.forward.but(is_innermost=False)
    exact = Objective(net, CrossEntropy(), images, dtype="float64")
    assert lies_so.forward.is_innermost == (not views and not grouped) and not exact.forward.is_innermost
    theta = lies_so.layout.theta(net)[None]
    path = Linear(theta, 2 * theta)
    for each in (lies_so, usual):
        values = each.along(path, ALPHAS).channels["objective"]
        assert values == pytest.approx(exact.along(path, ALPHAS).channels["objective"], rel=1e-6)
    assert images.pair[0].is_contiguous()
