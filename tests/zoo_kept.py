"""Modules that keep what they computed from their weights, or hold a weight's memory twice: none of them has a J."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.twin import C, D
from tests.zoo import Make, Net


class Product(Net):
    """Has two layers, and keeps their product where it is told to."""

    def __init__(self, keep: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__(
            lambda m, x: F.linear(x, keep(m, m.last.weight @ m.first.weight)),
            first=nn.Linear(D, 8, bias=False),
            last=nn.Linear(8, C, bias=False),
        )
        self.kept: Any = None
        self.known: dict[Any, Tensor] = {}


def _once(m: Any, product: Tensor) -> Tensor:
    if m.kept is None:
        m.kept = product.detach()
    return m.kept


def _in_evaluation(m: Any, product: Tensor) -> Tensor:
    return product if m.training else _once(m, product)


def _by_key(key: Callable[[Any], Any]) -> Callable[[Any, Tensor], Tensor]:
    return lambda m, product: m.known.setdefault(key(m.first.weight), product.detach())


class OnEntry(nn.Linear):
    """Computes its weights as it enters evaluation mode."""

    def train(self, mode: bool = True) -> OnEntry:
        self.kept = None if mode else 2 * self.weight.detach()
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, 2 * self.weight if self.kept is None else self.kept)


def _ran() -> nn.Module:
    net = Product(_once)
    net(torch.randn(4, D))
    return net


def _noted() -> nn.Module:
    """Keeps its product in a buffer, and notes that it did; it ran before it was given."""

    def keep(m: Any, product: Tensor) -> Tensor:
        if not m.is_kept:
            m.table, m.is_kept = product.detach(), True
        return m.table

    net = Product(keep)
    net.register_buffer("table", torch.zeros(C, D))
    net.is_kept = False  # type: ignore[assignment]
    net(torch.randn(4, D))
    return net


def _aliases(make: Callable[[Tensor], Any]) -> Make:
    def net() -> nn.Module:
        found = Net(lambda m, x: x @ torch.as_tensor(m.alias).to(x.dtype), last=nn.Linear(D, C, bias=False))
        alias = make(found.last.weight.detach())
        found.register_buffer("alias", alias) if isinstance(alias, Tensor) else setattr(found, "alias", alias)
        return found

    return net


KEPT: dict[str, tuple[Make, str]] = {
    "keeps a product": (lambda: Product(_once), "keeps something of the weights"),
    "keeps it in evaluation": (lambda: Product(_in_evaluation), "keeps something of the weights"),
    "kept it before": (_ran, "keeps something of the weights"),
    "kept it before in a buffer": (_noted, "keeps something of the weights"),
    "keeps it by version": (lambda: Product(_by_key(lambda w: w._version)), "keeps something of the weights"),
    "keeps it on entry": (lambda: nn.Sequential(OnEntry(D, C)), "keeps something of the weights"),
    "keeps its first batch": (
        lambda: Net(lambda m, x: m.last(x - m.known.setdefault("mean", x.mean(0))), last=nn.Linear(D, C), known={}),
        "keeps something of the weights or examples",
    ),
    "buffer of a weight": (_aliases(lambda w: w.t()), r"last\.weight a second time, as alias"),
    "array of a weight": (_aliases(lambda w: w.numpy().T), r"last\.weight a second time, as alias"),
}
