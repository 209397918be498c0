"""The products of the limit, counted, are those that one counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks import limit
from benchmarks.limit import Products, counted, dense
from benchmarks.nets import Attention
from landscape.model import MLP

GRU, LSTM = nn.GRU(6, 5, batch_first=True), nn.LSTM(6, 5, batch_first=True)
ENCODER = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval().requires_grad_(False)


class Behind(nn.Module):
    """A linear layer, and something behind it."""

    def __init__(self, width: int, inner: nn.Module) -> None:
        super().__init__()
        self.first, self.inner = nn.Linear(3, width), inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [B, T, 3]."""
        found: torch.Tensor = self.inner(self.first(x))
        return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inner", "width", "points"),
    [
        (GRU, 6, 4 * 15 * 11),  # four steps, three gates, inputs and state
        (LSTM, 6, 4 * 20 * 11),
        (ENCODER, 8, 4 * 8 * 8 * 4 + 2 * 4 * 4 * 8 + 4 * 2 * 8 * 16),
        (Attention(8, 2), 8, 4 * 8 * 8 * 4 + 2 * 4 * 4 * 8 + 4 * 2 * 8 * 32),
    ],
    ids=["gru", "lstm", "encoder", "attention"],
)
def test_layers_that_torch_computes_whole_are_counted(inner: nn.Module, width: int, points: float) -> None:
    """Four steps each; the first layer apart."""
    found = counted(Behind(width, inner), torch.randn(3, 4, 3))
    assert found == Products(4 * 3 * width, points)


def test_a_convolution_is_counted() -> None:
    """Places x channels x kernel; a first layer of it is affine."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1), nn.Flatten(), nn.Linear(72, 5))
    assert counted(net, torch.randn(2, 1, 8, 8)) == Products(36 * 4 * 9, 36 * 2 * 36 + 72 * 5)


def test_dense_layers_by_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same count by both, and the time at the rate of the machine."""
    monkeypatch.setattr(limit, "peak", lambda: 4.0)
    net = MLP(7, 3, [5, 4], nn.ReLU())
    assert counted(net, torch.randn(2, 7)) == dense(net, 1) == Products(35, 32) and dense(net) == Products(55, 12)
    assert dense(net).seconds(10, 100, num_ends=3) == pytest.approx(10 * (3 * 55 + 100 * 12) / 4)
