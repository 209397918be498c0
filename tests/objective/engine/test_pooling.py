"""The largest in each window, against torch's own pooling: every number the same."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.objective.engine import choice, pooling
from landscape.objective.engine.pooling import QuickPooling, largest
from landscape.path import Linear
from tests.twin import C

SHAPES = [(2, 3, 9, 13), (3, 17, 8), (1, 1, 7, 7)]
WINDOWS = [1, 2, 3, (3, 2), (1, 4), 7]
STEPS = [None, 1, 2, (2, 3)]
PADS = [0, 1, (0, 1), 3]
GAPS = [1, 2, (1, 3)]


def _images(shape: tuple[int, ...], dtype: torch.dtype, shift: float = 5.0) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    x = shift + torch.randn(shape, dtype=dtype, generator=draw)
    odd = torch.tensor([torch.nan, torch.inf, -torch.inf] * 3, dtype=dtype)
    x.view(-1)[torch.randperm(x.numel(), generator=draw)[:9]] = odd
    return x


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shift", [5.0, -5.0])
def test_every_number_is_torchs(window: Any, dtype: torch.dtype, shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN, both infinities, windows over the edge and between the numbers; what torch refuses is refused."""
    monkeypatch.setattr(pooling, "LEAST", 0)
    num = 0
    for shape, step, pad, gap, ceil in product(SHAPES, STEPS, PADS, GAPS, (False, True)):
        x = _images(shape, dtype, shift)
        given: Any = (window, step, pad, gap, ceil)
        before = x.clone()
        try:
            expected = F.max_pool2d(x, *given)
        except RuntimeError:
            with pytest.raises(RuntimeError):
                largest(x, *given)
            continue
        found = largest(x, *given)
        num += 1
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True, msg=str((shape, given)))
        assert found.is_contiguous()
        found.zero_()  # is nobody else's
        torch.testing.assert_close(x, before, rtol=0, atol=0, equal_nan=True)
    assert num > 50


@pytest.mark.parametrize("lies", ["innermost", "strided", "under vmap", "with a gradient", "whole numbers"])
def test_where_torch_is_quick_or_alone_can_it_is_torchs(lies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "LEAST", 0)
    monkeypatch.setattr(pooling, "_along", None)
    x = _images((2, 3, 8, 8), torch.float64)
    if lies == "innermost":
        x = x.contiguous(memory_format=torch.channels_last)
    elif lies == "strided":
        x = x.transpose(2, 3)
    elif lies == "with a gradient":
        x.requires_grad_()
    elif lies == "whole numbers":
        x = x.nan_to_num(0, 1, -1).long()
    found = torch.func.vmap(lambda x: largest(x, 2))(x) if lies == "under vmap" else largest(x, 2)
    torch.testing.assert_close(found, F.max_pool2d(x, 2), rtol=0, atol=0, equal_nan=True)
    assert found.requires_grad == (lies == "with a gradient")


def test_every_way_to_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    x = _images((2, 3, 40, 40), torch.float32)
    where = F.max_pool2d(x, 2, return_indices=True)
    asked: list[Any] = []

    def noted(*given: Any, **named: Any) -> Tensor:
        asked.append(given)
        return largest(*given, **named)

    monkeypatch.setattr(pooling, "largest", noted)
    with QuickPooling():
        found = [
            nn.MaxPool2d(2)(x),
            F.max_pool2d(x, 2, 2),
            torch.max_pool2d(x, 2),
            F.max_pool2d(input=x, kernel_size=2),
        ]
        assert len(asked) == len(found)
        places = [F.max_pool2d(x, 2, return_indices=True), F.max_pool2d(x, 2, 2, 0, 1, False, True)]
    for each in found:
        torch.testing.assert_close(each, where[0], rtol=0, atol=0, equal_nan=True)
    assert all(torch.equal(each[1], where[1]) for each in places)


class Rows(nn.Module):
    """A convolution whose images lie row by row, pooled twice.

    Args:
        inplace: the activation writes over its input, so that the graph is traced otherwise.
    """

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 4, 3)
        self.bend, self.pool, self.last = nn.ReLU(inplace), nn.MaxPool2d(3, 2, 1), nn.Linear(4 * 4, C)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 256] -> [B, C]."""
        h = self.pool(self.bend(self.first(x.view(-1, 1, 16, 16))))
        h = F.max_pool2d(self.bend(self.second(h)), 3, ceil_mode=True)
        logits: Tensor = self.last(h.flatten(1))
        return logits


@pytest.mark.parametrize("engine", ["plain", "prefix"])
@pytest.mark.parametrize("inplace", [False, True])
def test_a_line_is_the_same_to_the_last_bit(engine: str, inplace: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SMALL", 0)
    torch.manual_seed(0)
    net, num = Rows(inplace), list[int]()
    theta = Objective(net, CrossEntropy(), data := Split(torch.rand(40, 256), torch.arange(40) % C)).layout.theta(net)
    path, alphas = Linear(theta[None], 2 * theta[None]), np.linspace(0, 1, 5)

    def values() -> Any:
        return Objective(net, CrossEntropy(), data, engine=engine, batch_size=20).along(path, alphas).channels

    with monkeypatch.context() as patch:
        along = pooling._along

        def noted(*given: Any) -> Tensor:
            num.append(1)
            return along(*given)

        patch.setattr(pooling, "_along", noted)
        ours = values()
    monkeypatch.setattr(pooling, "is_slow", lambda x: False)
    theirs = values()
    assert len(num) >= 2 * 2 * len(alphas)  # both axes, of each batch at each point
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
