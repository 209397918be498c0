"""Small networks, data and ends that curves are measured of: drawn by name, made once.

Every network takes flat images [B, D] of a square side, so that any of them meets any of the data.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CrossEntropy, FunctionCost, SquaredError
from landscape.data import Split
from landscape.data.digits import digits
from landscape.data.mnist import mnist
from landscape.model import DeepLinear
from landscape.parameters import ParameterLayout

CLASSES, STEPS, BATCH = 10, 150, 64


class Images(nn.Module):
    """Flat images as [B, 1, side, side]."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, D] -> [B, 1, side, side]."""
        side = round(x.shape[-1] ** 0.5)
        return x.unflatten(-1, (1, side, side))


class Block(nn.Module):
    """Two convolutions with batch norm beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same."""
        return torch.relu(x + self.norms[1](self.second(torch.relu(self.norms[0](self.first(x))))))


class Rows(nn.Module):
    """The rows of an image as a sequence, through attention or a recurrent layer, to logits."""

    def __init__(self, side: int, width: int, kind: str) -> None:
        super().__init__()
        self.side, self.kind = side, kind
        self.inner: nn.Module
        if kind == "attention":
            self.embedding = nn.Linear(side, width)
            self.place = nn.Parameter(0.1 * torch.randn(side, width))
            self.inner = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True)
        else:
            self.inner = nn.LSTM(side, width, batch_first=True)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """[B, D] -> logits [B, 10]."""
        rows = x.unflatten(-1, (self.side, self.side))
        if self.kind == "attention":
            return self.head(self.inner(self.embedding(rows) + self.place).mean(dim=1))
        return self.head(self.inner(rows)[0][:, -1])


Builder = Callable[[int, int], nn.Module]
"""(side of the images, times its usual width) -> a network."""


def _mlp(activation: Callable[[], nn.Module], *widths: int) -> Builder:
    def made(side: int, wide: int) -> nn.Module:
        sizes, layers = [side**2, *(wide * width for width in widths)], list[nn.Module]()
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), activation()]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))

    return made


def _conv(side: int, wide: int) -> nn.Module:
    first, second = 6 * wide, 8 * wide
    pooled = [Images(), nn.Conv2d(1, first, 3, padding=1), nn.GELU(), nn.MaxPool2d(2)]
    last = [nn.Flatten(), nn.Linear(second * (side // 2) ** 2, CLASSES)]
    return nn.Sequential(*pooled, nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), *last)


def _residual(side: int, wide: int) -> nn.Module:
    num = 8 * wide
    stem = [Images(), nn.Conv2d(1, num, 3, stride=2, padding=1), nn.BatchNorm2d(num), nn.ReLU()]
    return nn.Sequential(*stem, Block(num), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(num, CLASSES))


def _dropout(side: int, wide: int) -> nn.Module:
    drop = nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(side**2, 48), nn.GELU(), drop, nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, CLASSES))


NETWORKS: dict[str, tuple[Builder, float]] = {
    "GELU MLP": (_mlp(nn.GELU, 48, 32), 0.5),
    "ReLU MLP": (_mlp(nn.ReLU, 48, 32), 0.4),
    "tanh MLP": (_mlp(nn.Tanh, 48, 32), 0.6),
    "one ReLU layer": (_mlp(nn.ReLU, 64), 0.4),
    "hardtanh, deep": (_mlp(nn.Hardtanh, 32, 32, 32, 32), 0.5),
    "conv net": (_conv, 3.0),
    "residual, batch norm": (_residual, 2.0),
    "attention": (lambda side, wide: Rows(side, 16 * wide, "attention"), 5.0),
    "LSTM": (lambda side, wide: Rows(side, 16 * wide, "LSTM"), 1.5),
    "deep linear": (lambda side, wide: DeepLinear(side**2, CLASSES, 3, 32 * wide, None), 0.3),
    "dropout MLP": (_dropout, 0.8),
}
"""Name -> (builder, microseconds per example about): the reckoning of what a case may cost."""

ENDS = ("untrained", "trained", "two solutions", "half trained")
DATA = ("digits", "teacher", "MNIST", "label noise", "heavy tails", "imbalanced", "duplicates")
COSTS = ("cross entropy", "squared error", "class weights", "example weights")


@cache
def examples(kind: str, num: int, seed: int) -> Split:
    """Images [N, D] and labels [N] of a kind of data.

    Args:
        kind: of ``DATA``; MNIST, averaged over 2 x 2 pixels, is digits where ``LANDSCAPE_DATA`` is not set.
        num: N. seed: of what is drawn.
    """
    draw = torch.Generator().manual_seed(1000 + seed)
    if kind == "MNIST" and "LANDSCAPE_DATA" in os.environ:
        part = mnist().train.first(num)
        return Split(F.avg_pool2d(part.x.view(-1, 1, 28, 28), 2).flatten(1), part.y)
    if kind in ("teacher", "heavy tails"):
        x = torch.randn(num, 64, generator=draw)
        if kind == "heavy tails":  # a scale per example of Student's t with two degrees of freedom
            x = x / torch.randn(num, 2, generator=draw).square().mean(dim=1, keepdim=True).sqrt()
        hidden = torch.tanh(x @ torch.randn(64, 20, generator=draw) / 8)
        return Split(x, (hidden @ torch.randn(20, CLASSES, generator=draw)).argmax(dim=1))
    whole = digits().train
    assert isinstance(whole.x, Tensor) and isinstance(whole.y, Tensor)
    held = 50 if kind == "duplicates" else len(whole)
    if kind == "imbalanced":  # one in a hundred is of another class than 0
        zero, other = (whole.y == 0).nonzero()[:, 0], (whole.y != 0).nonzero()[:, 0]
        is_rare = torch.rand(num, generator=draw) < 0.01
        some = zero[torch.randint(len(zero), (num,), generator=draw)]
        index = torch.where(is_rare, other[torch.randint(len(other), (num,), generator=draw)], some)
    else:
        index = torch.randint(held, (num,), generator=draw)
    x, y = whole.x[index], whole.y[index]
    if kind != "duplicates":
        x = x + 0.1 * torch.randn(x.shape, generator=draw)
    if kind == "label noise":
        y = torch.where(torch.rand(num, generator=draw) < 0.2, torch.randint(CLASSES, (num,), generator=draw), y)
    return Split(x, y)


def cost(kind: str, split: Split, seed: int) -> tuple[Any, Split]:
    """A cost of a kind, and the examples with the targets that it wants."""
    draw = torch.Generator().manual_seed(2000 + seed)
    x, y = split.pair
    if kind == "squared error":  # heavy-tailed targets beside heavy-tailed inputs
        target = F.one_hot(y, CLASSES).float()
        tail = torch.randn(len(y), CLASSES, generator=draw) / torch.randn(len(y), 1, generator=draw).abs().clamp(0.02)
        return SquaredError(), Split(x, target + (0.3 * tail if seed % 2 else 0.0))
    if kind == "class weights":
        return nn.CrossEntropyLoss(weight=torch.rand(CLASSES, generator=draw) + 0.1), split
    if kind == "example weights":  # a few examples count a hundred times as much as the others
        weight = 0.1 + 10.0 * (torch.rand(len(y), generator=draw) < 0.02)
        return FunctionCost(_weighed), Split(x, torch.stack([y.float(), weight], dim=1))
    return CrossEntropy(), split


def _weighed(outputs: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    y, weight = batch[1].unbind(dim=1)
    return F.cross_entropy(outputs, y.long(), reduction="none"), weight


@dataclass(frozen=True)
class Ends:
    """Where a line goes from and to.

    Args:
        module: a template. points: theta [P] of both ends. buffers: of the second.
    """

    module: nn.Module
    points: tuple[Tensor, Tensor]
    buffers: dict[str, Tensor]


@cache
def ends(network: str, data: str, kind: str, seed: int, wide: int = 1) -> Ends:
    """The ends of a kind on a kind of data, after some steps of Adam from a seed.

    Args:
        wide: times the usual width.
    """
    steps = {"untrained": (0, 0), "trained": (0, STEPS), "two solutions": (STEPS, STEPS), "half trained": (30, STEPS)}
    moved = [0, 1] if kind in MOVED else [0, 0]
    one, other = (_trained(network, data, num, seed + k, wide) for num, k in zip(steps[kind], moved, strict=True))
    layout = ParameterLayout.of(other)
    points = layout.theta(one).clone(), layout.theta(other).clone()
    return Ends(other, points, {n: b.clone() for n, b in other.named_buffers()})


MOVED = ("untrained", "two solutions")
"""Kinds of ends whose second has a start of its own."""


@cache
def _trained(network: str, data: str, steps: int, seed: int, wide: int) -> nn.Module:
    split = examples(data, 2000, seed % 3)
    x, y = split.pair
    torch.manual_seed(seed)
    module = NETWORKS[network][0](round(x.shape[1] ** 0.5), wide).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for _ in range(steps):
        index = torch.randint(len(x), (BATCH,))
        optimizer.zero_grad()
        F.cross_entropy(module(x[index]), y[index]).backward()
        optimizer.step()
    if not steps:  # batch norm of a network that has seen nothing would divide by nothing that it knows
        with torch.no_grad():
            module(x[:500])
    return copy.deepcopy(module).eval().requires_grad_(False)
