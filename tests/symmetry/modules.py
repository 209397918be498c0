"""Small modules of kinds that people have, with hidden units that may change places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Net(nn.Module):
    """A function of its own layers and x."""

    def __init__(self, function: Callable[..., Tensor], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        """x -> outputs."""
        return self.function(self, x)


class Cells(nn.Module):
    """Torch's cells, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.GRUCell(4, 5), nn.LSTMCell(5, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, 4] -> [B, 3]."""
        h, state = x.new_zeros(len(x), 5), (x.new_zeros(len(x), 6),) * 2
        for step in x.unbind(1):
            h = self.first(step, h)
            state = self.second(h, state)
        out: Tensor = self.last(state[0])
        return out


class Block(nn.Module):
    """Two convolutions with batch norm and what they are added to, by a 1x1 convolution where channels change."""

    def __init__(self, inputs: int, outputs: int, inplace: bool = False) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x [B, inputs, H, W] -> [B, outputs, H, W]."""
        h = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        if self.relu.inplace:
            h += self.shortcut(x)
            return self.relu(h)
        return self.relu(h + self.shortcut(x))


def residual(inplace: bool = False) -> nn.Module:
    """A small residual network with two widths."""
    stem = nn.Conv2d(2, 4, 3, padding=1)
    return nn.Sequential(
        stem, Block(4, 4, inplace), Block(4, 6, inplace), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    )


def transformer() -> nn.Module:
    """A language model of one block, its head tied to its embedding."""
    return Net(
        lambda m, x: F.linear(m.block(m.tokens(x) + m.places[: x.shape[1]]), m.tokens.weight),
        tokens=nn.Embedding(7, 12),
        places=nn.Parameter(torch.randn(5, 12)),
        block=nn.TransformerEncoderLayer(12, 2, 10, batch_first=True, norm_first=True),
    )


def tied() -> nn.Module:
    """Layers 1 and 2 share one weight, so units before, between and behind them are the same."""
    net = nn.Sequential(
        nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3)
    )
    net[4].weight = net[2].weight
    return net


def unrolled(m: Any, x: Tensor) -> Tensor:
    h = x.new_zeros(len(x), 5)
    for step in x.unbind(1):
        h = torch.tanh(m.into(step) + m.onward(h))
    return m.out(h)
