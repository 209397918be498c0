"""Curves made by hand: a module whose cost per example is a given function of its own parameters and of the example.

On the line from 0 to 1 of the one parameter, c_e(alpha) is then whatever one wants. ``LINES`` and ``PLANES`` hold what
an evaluation to a tolerance has the most trouble with; what it cannot see, since it is both narrow and of very few
examples, is marked as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost import FunctionCost
from landscape.data import Split
from landscape.path import Linear, Plane

Curve = Callable[[Tensor, Tensor], Tensor]
"""(position, x [B, F]) -> cost per example [B]; on a plane the position is a pair."""
FEATURES = 8
RANK, FIRST = 6, 7
"""Columns of x: (number of the example + 1/2) / N, and whether it is the first; the others are uniform in [0, 1]."""


@dataclass(frozen=True)
class Adversary:
    """A made curve.

    Args:
        name: what is hard about it.
        group: by what it is counted.
        curve: its cost per example.
        is_hidden: it is both narrow and of very few examples, so that neither a subset nor nodes can show it.
        span: of the line, or of both axes of the plane.
        at_least: least number of examples that makes the case what it is.
    """

    name: str
    group: str
    curve: Curve
    is_hidden: bool = False
    span: tuple[float, float] = (0.0, 1.0)
    at_least: int = 2


class Made(nn.Module):
    """(at [K], x [B, F]) -> the costs [B] of a curve at the module's own parameters."""

    def __init__(self, curve: Curve, axes: int = 1) -> None:
        super().__init__()
        self.at, self.curve, self.axes = nn.Parameter(torch.zeros(axes)), curve, axes

    def forward(self, x: Tensor) -> Tensor:
        """[B, F] -> [B]."""
        return self.curve(self.at[0] if self.axes == 1 else self.at, x)


def made_cost() -> FunctionCost:
    """What the module returns is the cost."""
    return FunctionCost(lambda outputs, batch: outputs)


def made_examples(num: int, seed: int = 0) -> Split:
    """Features [N, F]; labels mean nothing."""
    x = torch.rand(num, FEATURES, generator=torch.Generator().manual_seed(seed))
    x[:, RANK], x[:, FIRST] = (torch.arange(num) + 0.5) / num, 0.0
    x[0, FIRST] = 1.0
    return Split(x, torch.zeros(num))


def made_line() -> Linear:
    """alpha -> the parameter alpha."""
    return Linear(torch.zeros(1, 1), torch.ones(1, 1))


def made_plane(first: NDArray[np.float64], second: NDArray[np.float64]) -> Plane:
    """(a, b) -> the parameters a and b."""
    origin, one, two = (torch.tensor([point]) for point in ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0]))
    return Plane(origin, one, two, first, second)


def _base(a: Tensor, x: Tensor) -> Tensor:
    """A descent from about 2 to about 0.1, each example at its own pace."""
    return (0.5 + 3 * x[:, 0]) * torch.exp(-(1 + 4 * x[:, 1]) * a) + 0.1 * torch.sin(3 * a + 6 * x[:, 2])


def _bump(a: Tensor, where: float | Tensor, width: float) -> Tensor:
    return torch.exp(-(((a - where) / width) ** 2))


def _some(x: Tensor, share: float) -> Tensor:
    return (x[:, 3] < share).float()


def _and(more: Curve) -> Curve:
    return lambda a, x: _base(a, x) + more(a, x)


def _step(a: Tensor, where: float | Tensor) -> Tensor:
    return (a > where).float()


def _where(is_there: Curve, value: float) -> Curve:
    """A value that is not finite where the condition is above one half."""
    return lambda a, x: torch.where(is_there(a, x) > 0.5, torch.full_like(x[:, 0], value), _base(a, x))


def _near(a: Tensor, where: float, x: Tensor, width: float = 0.0026) -> Tensor:
    return ((a - where).abs() < width) * torch.ones_like(x[:, 0])


NAN, INF = float("nan"), float("inf")

LINES = (
    Adversary("narrow bump of all", "bumps", _and(lambda a, x: 0.6 * _bump(a, 0.4137, 0.004))),
    Adversary("narrow dip of all", "bumps", _and(lambda a, x: -0.6 * _bump(a, 0.773, 0.003))),
    Adversary("bump of one point of all", "bumps", _and(lambda a, x: 0.5 * _near(a, 0.615, x))),
    Adversary(
        "narrow bump of 1 %", "bumps", _and(lambda a, x: 30 * _some(x, 0.01) * _bump(a, 0.4137, 0.004)), at_least=1000
    ),
    Adversary("bump of 1 %", "bumps", _and(lambda a, x: 30 * _some(x, 0.01) * _bump(a, 0.3, 0.05)), at_least=1000),
    Adversary("bump of 0.1 %", "bumps", _and(lambda a, x: 100 * _some(x, 0.001) * _bump(a, 0.3, 0.08)), at_least=4000),
    Adversary(
        "bumps of 0.1 %, each at its own place",
        "bumps",
        _and(lambda a, x: 60 * _some(x, 0.001) * _bump(a, x[:, 4], 0.05)),
        at_least=4000,
    ),
    Adversary(
        "narrow bump of 0.02 %",
        "bumps",
        _and(lambda a, x: 400 * _some(x, 0.0002) * _bump(a, 0.4137, 0.004)),
        is_hidden=True,
        at_least=10000,
    ),
    Adversary("step of all", "steps", _and(lambda a, x: 0.7 * _step(a, 0.52))),
    Adversary("step of 30 %", "steps", _and(lambda a, x: 2 * _some(x, 0.3) * _step(a, 0.37))),
    Adversary("step of 1 %", "steps", _and(lambda a, x: 30 * _some(x, 0.01) * _step(a, 0.37)), at_least=1000),
    Adversary("step of 0.1 %", "steps", _and(lambda a, x: 300 * _some(x, 0.001) * _step(a, 0.37)), at_least=4000),
    Adversary("steps, each at its own place", "steps", _and(lambda a, x: 2 * _step(a, x[:, 4]))),
    Adversary("many steps of the order", "steps", _and(lambda a, x: _step(a, x[:, RANK]))),
    Adversary("one example carries the loss", "one example", lambda a, x: _base(a, x) * (1 + 3e4 * x[:, FIRST])),
    Adversary(
        "one example carries the loss, with a kink",
        "one example",
        _and(lambda a, x: 5e4 * x[:, FIRST] * ((a - 0.43).abs() + 0.1)),
    ),
    Adversary(
        "one example carries the loss, and turns",
        "one example",
        _and(lambda a, x: 2e4 * x[:, FIRST] * (1.2 + torch.sin(14 * a))),
    ),
    Adversary(
        "one example carries a step", "one example", _and(lambda a, x: 3e4 * x[:, FIRST] * (0.2 + _step(a, 0.61)))
    ),
    Adversary("kink of all", "kinks", _and(lambda a, x: 2 * (a - 0.371).abs())),
    Adversary("kinks of each", "kinks", _and(lambda a, x: 4 * (a - x[:, 4]).abs())),
    Adversary("kinks of ReLUs", "kinks", lambda a, x: torch.relu((x[:, :6] - a) * (x[:, 1:7] - 0.3 + a)).sum(dim=1)),
    Adversary("NaN at a point of all", "not finite", _where(lambda a, x: _near(a, 0.5, x), NAN)),
    Adversary("inf at a point of all", "not finite", _where(lambda a, x: _near(a, 0.74, x), INF)),
    Adversary("NaN beyond a point", "not finite", _where(lambda a, x: _step(a, 0.83) * torch.ones_like(x[:, 0]), NAN)),
    Adversary("NaN of one beyond a point", "not finite", _where(lambda a, x: x[:, FIRST] * _step(a, 0.55), NAN)),
    Adversary(
        "inf of one in the middle", "not finite", _where(lambda a, x: x[:, FIRST] * (_bump(a, 0.5, 0.2) > 0.5), INF)
    ),
    Adversary(
        "inf of 1 % at the ends", "not finite", _where(lambda a, x: _some(x, 0.01) * (a > 0.93), INF), at_least=1000
    ),
    Adversary(
        "NaN at a point of one",
        "not finite",
        _where(lambda a, x: x[:, FIRST] * _near(a, 0.415, x), NAN),
        is_hidden=True,
    ),
    Adversary("NaN at the first point", "not finite", _where(lambda a, x: _near(a, 0.001, x, 0.003), NAN)),
    Adversary("cliff at the first end", "cliffs", _and(lambda a, x: 9 * (0.5 + x[:, 4]) * torch.exp(-a / 0.003))),
    Adversary("cliff at the last end", "cliffs", _and(lambda a, x: 40 * x[:, 4] * torch.exp((a - 1) / 0.006))),
    Adversary("fast drop of all", "cliffs", lambda a, x: (1 + x[:, 0]) * torch.sigmoid((0.61 - a) / 0.002)),
    Adversary("fast drops, each at its own place", "cliffs", lambda a, x: torch.sigmoid((x[:, 4] - a) / 0.002)),
    Adversary("oscillation of all", "oscillations", _and(lambda a, x: 0.3 * torch.sin(300 * a))),
    Adversary("oscillation of one point", "oscillations", _and(lambda a, x: 0.2 * torch.cos(200 * torch.pi * a))),
    Adversary(
        "oscillations out of phase", "oscillations", _and(lambda a, x: 2 * torch.sin(200 * a + 6.2832 * x[:, 4]))
    ),
    Adversary(
        "oscillation of 1 %", "oscillations", _and(lambda a, x: 20 * _some(x, 0.01) * torch.sin(120 * a)), at_least=1000
    ),
    Adversary("opposite bumps", "bumps", _and(lambda a, x: 20 * torch.sign(x[:, 4] - 0.5) * _bump(a, 0.3, 0.03))),
    Adversary("constant", "flat", lambda a, x: 2.3 + 0 * a * x[:, 0]),
    Adversary("constant, examples differ", "flat", lambda a, x: 5 * x[:, 0] + 0 * a),
    Adversary("no drop", "flat", lambda a, x: 3 + x[:, 0] + 1e-3 * (1 - 2 * x[:, 1]) * torch.sin(6 * a)),
    Adversary("no drop, examples move", "flat", lambda a, x: 3 + 2 * (x[:, 1] - 0.5) * torch.sin(9 * a + x[:, 2])),
    Adversary(
        "thousands outside",
        "outside [0, 1]",
        lambda a, x: _base(a, x) + x[:, 4] * torch.exp(9 * (a - 1)),
        span=(-0.7, 1.8),
    ),
    Adversary(
        "cliff outside", "outside [0, 1]", lambda a, x: _base(a, x) + 3e3 * x[:, 4] * _step(a, 1.31), span=(0.0, 1.5)
    ),
    Adversary(
        "infinite outside",
        "not finite",
        _where(lambda a, x: (a > 1.2) * torch.ones_like(x[:, 0]), INF),
        span=(-0.2, 1.5),
    ),
    Adversary("heavy tails of the amplitude", "heavy tails", _and(lambda a, x: torch.sin(9 * a) / (x[:, 4] + 1e-4))),
    Adversary("heavy tails and kinks", "heavy tails", _and(lambda a, x: (a - x[:, 5]).abs() / (x[:, 4] + 1e-3))),
    Adversary(
        "a pattern in the order", "order", _and(lambda a, x: 2 * torch.cos(6.2832 * x[:, RANK] * 500) * (a - 0.4).abs())
    ),
    Adversary("the last examples differ", "order", _and(lambda a, x: 40 * _step(x[:, RANK], 0.99) * (a - 0.55).abs())),
    Adversary("tiny units", "units", lambda a, x: 1e-9 * _base(a, x)),
    Adversary("huge units", "units", lambda a, x: 1e12 * (_base(a, x) + 0.3 * (a - 0.4).abs())),
    Adversary("on a high level", "units", lambda a, x: 1e3 + _base(a, x)),
)
"""On lines."""


def _flat(p: Tensor, x: Tensor) -> Tensor:
    """A bowl that each example sees from its own side, with waves of its own length."""
    bowl = (1 + x[:, 0]) * (p[0] - 0.2 * x[:, 1]) ** 2 + (0.5 + x[:, 2]) * (p[1] + 0.2 * x[:, 3]) ** 2 + x[:, 4]
    return bowl + 0.3 * torch.sin(5 * x[:, 1] * p[0] + 5 * x[:, 2] * p[1] + 6 * x[:, 0])


def _of(more: Curve) -> Curve:
    return lambda p, x: _flat(p, x) + more(p, x)


def _peak(p: Tensor, a: float, b: float, width: float) -> Tensor:
    return torch.exp(-((p[0] - a) ** 2 + (p[1] - b) ** 2) / width**2)


SQUARE = (-1.0, 1.0)

PLANES = (
    Adversary("peak of all", "bumps", _of(lambda p, x: 1.5 * _peak(p, 0.31, -0.43, 0.05)), span=SQUARE),
    Adversary("peak of 1 %", "bumps", _of(lambda p, x: 90 * _some(x, 0.01) * _peak(p, 0.3, 0.4, 0.1)), span=SQUARE),
    Adversary(
        "wide peak of 0.1 %", "bumps", _of(lambda p, x: 500 * _some(x, 0.001) * _peak(p, 0.3, 0.4, 0.4)), span=SQUARE
    ),
    Adversary("valley along the diagonal", "kinks", _of(lambda p, x: 2 * (p[0] - p[1]).abs()), span=SQUARE),
    Adversary("step across", "steps", _of(lambda p, x: 1.0 * (p[0] + 0.7 * p[1] > 0.33)), span=SQUARE),
    Adversary("steps, each its own", "steps", _of(lambda p, x: 2.0 * (p[0] + p[1] > 2 * x[:, 5] - 1)), span=SQUARE),
    Adversary(
        "one example carries the loss", "one example", _of(lambda p, x: 2e4 * x[:, FIRST] * _flat(p, x)), span=SQUARE
    ),
    Adversary(
        "one example and its valley",
        "one example",
        _of(lambda p, x: 2e4 * x[:, FIRST] * (p[0] + p[1]).abs()),
        span=SQUARE,
    ),
    Adversary(
        "oscillation along the diagonal",
        "oscillations",
        _of(lambda p, x: 0.2 * torch.sin(25 * (p[0] + p[1]))),
        span=SQUARE,
    ),
    Adversary("NaN in a disc", "not finite", lambda p, x: _nowhere(p, x, 0.2), span=SQUARE),
    Adversary("NaN of one in a disc", "not finite", lambda p, x: _nowhere(p, x, 0.5, x[:, FIRST]), span=SQUARE),
    Adversary(
        "cliff at a corner", "cliffs", _of(lambda p, x: x[:, 4] * torch.exp(12 * (p[0] + p[1] - 1))), span=SQUARE
    ),
    Adversary("constant", "flat", lambda p, x: 2.3 + 0 * p[0] * x[:, 0], span=SQUARE),
    Adversary("kinks of each", "kinks", _of(lambda p, x: (p[0] - x[:, 5]).abs() + (p[1] + x[:, 6]).abs()), span=SQUARE),
)
"""On planes."""


def _nowhere(p: Tensor, x: Tensor, radius: float, whose: Tensor | float = 1.0) -> Tensor:
    is_there = (((p[0] - 0.3) ** 2 + (p[1] - 0.3) ** 2 < radius**2) * torch.ones_like(x[:, 0]) * whose) > 0.5
    return torch.where(is_there, torch.full_like(x[:, 0], NAN), _flat(p, x))
