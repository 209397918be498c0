"""Modules with hidden units that may change places, each with an example and the permutations that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.model import LSTM, MLP, MPDBM, ConvMaxout, DeepLinear, MaxoutMLP
from tests.symmetry.modules import Cells, Net, residual, tied, transformer, unrolled


class Case(NamedTuple):
    """One module.

    Args:
        make: it.
        example: of inputs.
        sizes: units of each permutation; pieces as (units, pieces).
        stays: what holds axes that might have moved.
    """

    make: Callable[[], nn.Module]
    example: Tensor
    sizes: dict[str, int | tuple[int, int]]
    stays: frozenset[str] = frozenset()


X, IMAGES, TOKENS = torch.randn(3, 4), torch.randn(2, 2, 6, 6), torch.tensor([[1, 4, 0], [6, 2, 2]])
WORDS = torch.randn(2, 3, 4)


def _convs(*middle: nn.Module, channels: int = 6, last: int = 6) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, channels, 3), *middle, nn.Flatten(), nn.Linear(last * 16, 3))


def _stack(*middle: nn.Module, width: int = 6, last: int = 6) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, width), *middle, nn.Linear(last, 3))


QUICK = ("batch norm", "maxout", "conv maxout", "tied", "concatenated", "unrolled, one step")
CASES: dict[str, Case] = {
    "relu": Case(lambda: MLP(4, 3, [5, 6], nn.ReLU()), X, {"layers.0": 5, "layers.1": 6}),
    "dropout": Case(lambda: MLP(4, 3, [5], nn.ReLU(), include=[0.8, 0.5], scale=[1.0, 2.0]), X, {"layers.0": 5}),
    "batch norm": Case(lambda: MLP(4, 3, [5, 6], nn.ReLU(), batch_norm=True), X, {"layers.0": 5, "layers.1": 6}),
    "maxout": Case(lambda: MaxoutMLP(4, 3, [5, 6], 3, 0.1), X, {"layers.0": (5, 3), "layers.1": (6, 3)}),
    "maxout, one piece": Case(lambda: MaxoutMLP(4, 3, [5], 1, 0.1), X, {"layers.0": 5}),
    "conv maxout": Case(
        lambda: ConvMaxout([2, 6, 6], 3, [4, 5], [2, 3], [3], [1], [2], [2], [0.1] * 3),
        IMAGES,
        {"layers.0": (4, 2), "layers.1": (5, 3)},
    ),
    "pieces in blocks": Case(
        lambda: Net(
            lambda m, x: m.last(torch.maximum(*m.first(x).chunk(2, dim=1))),
            first=nn.Linear(4, 10),
            last=nn.Linear(5, 3),
        ),
        X,
        {"first": (5, 2)},
    ),
    "deep linear": Case(lambda: DeepLinear(4, 3, 3, 5), X, {"layers.0": 5, "layers.1": 5}),
    "lstm": Case(lambda: LSTM(7, 5, 2), TOKENS, {"embedding": 5, "cells.0": 5, "cells.1": 5}),
    "lstm, loop": Case(lambda: LSTM(7, 5, 1, fused=False), TOKENS, {"embedding": 5, "cells.0": 5}),
    "lstm, one step": Case(lambda: LSTM(7, 5, 1, fused=False), TOKENS[:, :1], {"embedding": 5, "cells.0": 5}),
    "mpdbm": Case(lambda: MPDBM(4, 3, (5, 6)), X.sigmoid(), {"weight_1": 5, "weight_2": 6}),
    "torch's lstm": Case(
        lambda: Net(lambda m, x: m.last(m.r(x)[0].mean(1)), r=nn.LSTM(4, 5, 2, batch_first=True), last=nn.Linear(5, 3)),
        WORDS,
        {"r.weight_ih_l0": 5, "r.weight_ih_l1": 5},
    ),
    "torch's gru, last state": Case(
        lambda: Net(lambda m, x: m.last(m.r(x)[1][-1]), r=nn.GRU(4, 5, 2, batch_first=True), last=nn.Linear(5, 3)),
        WORDS,
        {"r": 5},
    ),
    "lstm both ways": Case(
        lambda: Net(
            lambda m, x: m.last(m.r(m.first(x))[0].mean(1)),
            first=nn.Linear(4, 6),
            r=nn.LSTM(6, 5, batch_first=True, bidirectional=True),
            last=nn.Linear(10, 3),
        ),
        WORDS,
        {},
        frozenset({"operator lstm"}),
    ),
    "cells": Case(Cells, WORDS, {"first": 5, "second": 6}),
    "unrolled": Case(
        lambda: Net(unrolled, into=nn.Linear(4, 5), onward=nn.Linear(5, 5), out=nn.Linear(5, 3)), WORDS, {"into": 5}
    ),
    # One step from a state of zeros does not tell whether later ones would see the same order.
    "unrolled, one step": Case(
        lambda: Net(unrolled, into=nn.Linear(4, 5), onward=nn.Linear(5, 5), out=nn.Linear(5, 3)),
        WORDS[:, :1],
        {"into": 5},
        frozenset({"weights that meet zeros alone in this example"}),
    ),
    "vgg": Case(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Dropout(),
            nn.Linear(54, 8),
            nn.ReLU(),
            nn.Linear(8, 3),
        ),
        IMAGES,
        {"0": 4, "4": 6, "8": 8},
    ),
    "residual": Case(residual, IMAGES, {"0": 4, "1.conv1": 4, "2.conv1": 6, "2.conv2": 6}),
    "residual, in place": Case(lambda: residual(True), IMAGES, {"0": 4, "1.conv1": 4, "2.conv1": 6, "2.conv2": 6}),
    "one dimension, transposed": Case(
        lambda: nn.Sequential(
            nn.Conv1d(3, 6, 2), nn.ELU(), nn.ConvTranspose1d(6, 4, 2), nn.PReLU(4), nn.Conv1d(4, 2, 1)
        ),
        WORDS,
        {"0": 6, "2": 4},
    ),
    "in groups": Case(lambda: _convs(nn.ReLU(), nn.Conv2d(6, 6, 1, groups=2)), IMAGES, {"0": 3, "2": 3}),
    "depthwise": Case(lambda: _convs(nn.ReLU(), nn.Conv2d(6, 12, 1, groups=6), last=12), IMAGES, {"0": 6}),
    "transposed in groups": Case(
        lambda: _convs(nn.ConvTranspose2d(6, 4, 1, groups=2), last=4), IMAGES, {"0": 3, "1": 2}
    ),
    "channels shuffled": Case(
        lambda: _convs(nn.Conv2d(6, 6, 1, groups=2), nn.ChannelShuffle(2), nn.Conv2d(6, 6, 1, groups=3)),
        IMAGES,
        {"0": 3, "1": 3},
        frozenset({"an axis that holds units of another kind as well"}),
    ),
    "group norm": Case(lambda: _convs(nn.GroupNorm(2, 6), nn.ReLU()), IMAGES, {"0": 3}),
    "instance norm": Case(lambda: _convs(nn.InstanceNorm2d(6, affine=True)), IMAGES, {"0": 6}),
    "prelu, layer norm, gelu": Case(lambda: _stack(nn.PReLU(6), nn.LayerNorm(6), nn.GELU()), X, {"0": 6}),
    "rms norm, softmax": Case(lambda: _stack(nn.RMSNorm(6), nn.Softmax(dim=1)), X, {"0": 6}),
    "gated": Case(lambda: _stack(nn.GLU(), last=3), X, {"0": 3}),
    "normed weights": Case(
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.Tanh(), nn.Linear(6, 3)),
        X,
        {"0": 6},
    ),
    "tied": Case(tied, X, {"0": 6}),
    "tied to inputs": Case(
        lambda: Net(lambda m, x: F.linear(m.first(x).tanh(), m.first.weight.t()), first=nn.Linear(4, 6)),
        X,
        {"first": 6},
    ),
    "concatenated": Case(
        lambda: Net(
            lambda m, x: m.last(torch.cat([m.first(x).relu(), m.second(m.hidden(x).tanh())], 1)),
            first=nn.Linear(4, 5),
            hidden=nn.Linear(4, 6),
            second=nn.Linear(6, 5),
            last=nn.Linear(10, 3),
        ),
        X,
        {"hidden": 6},
        frozenset({"operator cat"}),
    ),
    "with themselves": Case(
        lambda: Net(
            lambda m, x: m.last((m.first(x)[:, :, None] * m.first(x)[:, None]).flatten(1)),
            first=nn.Linear(4, 5),
            last=nn.Linear(25, 3),
        ),
        X,
        {},
        frozenset({"an axis that holds units of another kind as well"}),
    ),
    "both signs": Case(
        lambda: Net(
            lambda m, x: m.last(torch.cat([m.first(x), -m.first(x)], 1).relu()),
            first=nn.Linear(4, 5),
            last=nn.Linear(10, 3),
        ),
        X,
        {"first": 5},
    ),
    "gates by slices": Case(
        lambda: Net(
            lambda m, x: m.last(m.first(x)[:, :5].tanh() * m.first(x)[:, 5:].sigmoid()),
            first=nn.Linear(4, 10),
            last=nn.Linear(5, 3),
        ),
        X,
        {"first": 5},
    ),
    "committee": Case(
        lambda: Net(lambda m, x: m.first(x).tanh().sum(1), first=nn.Linear(4, 5, bias=False)), X, {"first": 5}
    ),
    "order counts": Case(
        lambda: Net(
            lambda m, x: m.last(m.second(m.first(x).cumsum(1)).tanh()),
            first=nn.Linear(4, 5),
            second=nn.Linear(5, 6),
            last=nn.Linear(6, 3),
        ),
        X,
        {"second": 6},
        frozenset({"operator cumsum"}),
    ),
    "sorted": Case(
        lambda: Net(
            lambda m, x: m.last(m.second(m.first(x).sort(1)[0]).tanh()),
            first=nn.Linear(4, 5),
            second=nn.Linear(5, 6),
            last=nn.Linear(6, 3),
        ),
        X,
        {"second": 6},
        frozenset({"operator sort"}),
    ),
    "across a reshape": Case(
        lambda: Net(
            lambda m, x: m.last(m.second(m.first(x).reshape(len(x), 4, 3).reshape(len(x), 2, 6)).tanh().flatten(1)),
            first=nn.Linear(4, 12),
            second=nn.Linear(6, 5),
            last=nn.Linear(10, 3),
        ),
        X,
        {"second": 5, "first": 3},
    ),
    "attention": Case(
        transformer,
        TOKENS,
        {"block.self_attn.out_proj": 12, "block.self_attn": 6, "block.linear1": 10},
        frozenset({"operator slice"}),
    ),
    "attention by hand": Case(
        lambda: Net(
            lambda m, x: m.last(torch.einsum("btd,bsd,bse->bte", m.q(x), m.k(x), m.v(x))),
            q=nn.Linear(4, 5),
            k=nn.Linear(4, 5),
            v=nn.Linear(4, 6),
            last=nn.Linear(6, 3),
        ),
        WORDS,
        {"q": 5, "v": 6},
    ),
}
