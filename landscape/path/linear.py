"""The straight line between two points."""

from __future__ import annotations

import torch
from torch import Tensor


def between(start: Tensor, end: Tensor, share: float) -> Tensor:
    """(1 - share) start + share end, each product rounded before they are added.

    ``add_(end, alpha=share)`` would save a pass over memory, but rounds once where a processor's vectors reach and
    perhaps twice at the end of a tensor: a seed alone could differ in its last bits from itself among others.
    """
    return ((1 - share) * start).add_(share * end)


class Linear:
    """theta(alpha) = (1 - alpha) theta_0 + alpha theta_1, bitwise theta_0 at 0 and theta_1 at 1.

    Every point is computed from the two ends, never from the point before it.

    Args:
        theta_0, theta_1: the ends [S, P], one line per row.
    """

    def __init__(self, theta_0: Tensor, theta_1: Tensor) -> None:
        if theta_0.shape != theta_1.shape:
            raise ValueError(f"the ends of a line need one shape, got {theta_0.shape} and {theta_1.shape}")
        self.theta_0, self.theta_1 = theta_0, theta_1

    @property
    def anchors(self) -> tuple[Tensor, ...]:
        """The points whose affine hull holds the path, each [S, P]."""
        return self.theta_0, self.theta_1

    def weights(self, alpha: float) -> tuple[float, ...]:
        """The weight of each anchor at alpha, of sum 1."""
        return 1 - alpha, alpha

    def __call__(self, alpha: float) -> Tensor:
        """alpha -> theta [S, P]."""
        if alpha == 0:
            return self.theta_0
        if alpha == 1:
            return self.theta_1
        return between(self.theta_0, self.theta_1, alpha)

    def velocity(self, alpha: float) -> Tensor:
        """The derivative of theta(alpha) [S, P], the same everywhere."""
        return self.theta_1 - self.theta_0

    def acceleration(self, alpha: float) -> Tensor:
        """The second derivative [S, P]: zero."""
        return torch.zeros_like(self.theta_0)

    def to(self, *args: object) -> Linear:
        """The same line on another device or in another precision."""
        return Linear(self.theta_0.to(*args), self.theta_1.to(*args))  # type: ignore[call-overload]
