"""Modules that do something else in training mode than in evaluation: draw numbers, keep statistics, or fail."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.twin import C, D
from tests.zoo import Make, Net, layers


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


RANDOM: dict[str, Make] = {
    "functional": lambda: Net(
        lambda m, x: m.last(F.dropout(m.first(x), 0.5, m.training)), first=nn.Linear(D, 8), last=nn.Linear(8, C)
    ),
    "alpha": lambda: Net(lambda m, x: m.last(F.alpha_dropout(x, 0.5, m.training)), last=nn.Linear(D, C)),
    "feature": lambda: Net(
        lambda m, x: m.last(F.dropout1d(x[:, :, None], 0.5, m.training)[:, :, 0]), last=nn.Linear(D, C)
    ),
    "rrelu": lambda: layers(nn.RReLU(0.1, 1.5)),
    "a class of its own": lambda: layers(Loud(0.9)),
    "told from outside": lambda: Net(lambda m, x: m.last(m.inner(x, m.training)), inner=Inner(), last=nn.Linear(D, C)),
    "depth": lambda: Net(_gate, first=nn.Linear(D, D), last=nn.Linear(D, C)),
    "recurrent": lambda: Net(
        lambda m, x: m.last(m.r(x[..., None])[0][:, -1]),
        last=nn.Linear(5, C),
        r=nn.LSTM(1, 5, 2, dropout=0.7, batch_first=True),
    ),
    "gated": lambda: Net(
        lambda m, x: m.last(m.r(x[..., None])[0][:, -1]),
        last=nn.Linear(5, C),
        r=nn.GRU(1, 5, 2, dropout=0.7, batch_first=True),
    ),
    "attention": lambda: Net(
        lambda m, x: m.last(m.a(*[m.first(x[..., None])] * 3, need_weights=False)[0].flatten(1)),
        last=nn.Linear(8 * D, C),
        first=nn.Linear(1, 8),
        a=nn.MultiheadAttention(8, 2, dropout=0.7, batch_first=True),
    ),
    "transformer": lambda: Net(
        lambda m, x: m.last(m.t(m.first(x[..., None])).flatten(1)),
        first=nn.Linear(1, 8),
        last=nn.Linear(8 * D, C),
        t=nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True),
    ),
    "beside batch norm": Normed,
}


class RunningMean(nn.Module):
    """A running statistic of one's own: puts another mean in place of the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(D, C)
        self.register_buffer("mean", torch.zeros(D))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0).detach()
        return self.last(x - self.mean)


class Tangled(RunningMean):
    """Draws, and keeps statistics, in one place."""

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        return super().forward(x + torch.randn_like(x) if self.training else x)


class Broken(nn.Linear):
    """Has no training pass."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise RuntimeError("needs boxes")
        return super().forward(x)
