"""The straight line between two points."""

from __future__ import annotations

from torch import Tensor

from landscape.path.contract import BetweenEnds, between


class Straight(BetweenEnds):
    """theta(alpha) = (1 - alpha) theta_0 + alpha theta_1, bitwise theta_0 at 0 and theta_1 at 1.

    Args:
        theta_0, theta_1: the ends [S, P], one line per row.
    """

    noun = "line"

    @property
    def anchors(self) -> tuple[Tensor, ...]:
        """The points whose affine hull holds the path, each [S, P]."""
        return self.theta_0, self.theta_1

    def weights(self, alpha: float) -> tuple[float, ...]:
        """The weight of each anchor at alpha, of sum 1."""
        return 1 - alpha, alpha

    def _point(self, alpha: float) -> Tensor:
        return between(self.theta_0, self.theta_1, alpha)


class Linear(Straight):
    """The line between the two points of a job, of all parameters at once."""
