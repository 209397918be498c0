"""The curve of constant products between two points of one orthant."""

from __future__ import annotations

from torch import Tensor

from landscape.errors import InputError
from landscape.path.contract import BetweenEnds


class Geometric(BetweenEnds):
    """theta_i(alpha) = theta_0i^(1 - alpha) theta_1i^alpha, bitwise theta_0 at 0 and theta_1 at 1.

    A product of coordinates is geometric in alpha too, so two solutions w_1 w_2 = 1 on one branch of the hyperbola
    are joined along it, at zero cost.

    Args:
        theta_0, theta_1: the ends [S, P]; each coordinate needs one sign at both, and is not zero.

    Raises:
        InputError: a coordinate that is zero or changes sign.
    """

    def __init__(self, theta_0: Tensor, theta_1: Tensor) -> None:
        super().__init__(theta_0, theta_1)
        # Of the signs: the product of two small numbers underflows to 0.
        if not bool((theta_0.sign() * theta_1.sign() > 0).all()):
            raise InputError("path=geometric needs ends whose coordinates agree in sign and are not 0; use path=linear")

    def _point(self, alpha: float) -> Tensor:
        size = (1 - alpha) * self.theta_0.abs().log() + alpha * self.theta_1.abs().log()
        return self.theta_0.sign() * size.exp()

    def velocity(self, alpha: float) -> Tensor:
        """The derivative of theta(alpha) [S, P]: theta times the logarithm of theta_1 / theta_0."""
        return self(alpha) * self._rate

    def acceleration(self, alpha: float) -> Tensor:
        """The second derivative [S, P]."""
        return self(alpha) * self._rate.square()

    @property
    def _rate(self) -> Tensor:
        # Of the logarithms: the quotient of two extreme numbers overflows.
        return self.theta_1.abs().log() - self.theta_0.abs().log()
