"""Curves whose bends are yet to be trained: how many there are, of what kind, and how training goes about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from landscape.path.bent import Bent, check_bends, check_spacing
from landscape.path.bezier import Bezier
from landscape.path.polygon import Polygon


@dataclass(frozen=True)
class Connection:
    """connection(theta_0, theta_1) -> the curve as it is before training, straight; ``through`` gives a trained one.

    ``landscape.training.ConnectionRun`` trains the bends: it minimises E_t J(theta(t)), t uniform on [0, 1], by
    torch's SGD, with the cost, the minibatches and the masks of the recipe. Nothing of it enters the curve but bends.

    Args:
        num_bends: B, the points between the ends that are trained.
        spacing: what alpha counts when the curve is measured, see ``Bent``; training does not depend on it.
        epochs: passes over the training examples.
        lr: learning rate; it stays for half of the epochs, then falls in a straight line to a hundredth at nine tenths.
        momentum: of SGD.
        batch_size: examples per minibatch; None: that of the recipe's training.

    Source: Garipov et al. 2018 (arXiv 1802.10026), section 3.2; the schedule is that of their code.
    """

    curve: ClassVar[type[Bent]] = Bezier

    num_bends: int = 1
    spacing: str = "parameter"
    epochs: int = 30
    lr: float = 0.05
    momentum: float = 0.9
    batch_size: int | None = None

    def __post_init__(self) -> None:
        check_bends(self.num_bends)
        check_spacing(self.spacing)

    def __call__(self, theta_0: Tensor, theta_1: Tensor) -> Bent:
        """The ends [S, P] -> the straight line, with its bends evenly on it."""
        return self.curve.straight(theta_0, theta_1, self.num_bends, self.spacing)

    def through(self, bends: Tensor) -> Any:
        """(theta_0, theta_1) -> the curve with these bends [B, S, P]; between ends that stand in, the line."""
        return partial(self._through, bends)

    def _through(self, bends: Tensor, theta_0: Tensor, theta_1: Tensor) -> Bent:
        if theta_0.shape != bends.shape[1:]:
            return self(theta_0, theta_1)
        return self.curve(theta_0, theta_1, bends.to(theta_0), self.spacing)

    def optimizer(self) -> Any:
        """(tensors) -> what moves the bends."""
        return partial(torch.optim.SGD, lr=self.lr, momentum=self.momentum)

    def lr_factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by in an epoch, counted from 1."""
        share = (epoch - 1) / self.epochs
        return 1.0 if share <= 0.5 else max(1 - 0.99 * (share - 0.5) / 0.4, 0.01)

    def at_most(self, epochs: int) -> Connection:
        """The same with so many epochs at most."""
        return replace(self, epochs=min(self.epochs, epochs))


class BezierConnection(Connection):
    """A Bézier curve of degree B + 1."""


class PolygonConnection(Connection):
    """A chain of straight pieces through every bend."""

    curve = Polygon
