"""The straight line of the weights, with the biases on a schedule of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor

from landscape.errors import InputError
from landscape.parameters import ParameterLayout
from landscape.path.contract import BetweenEnds, between


class BiasSchedule(BetweenEnds):
    """W(alpha) = (1 - alpha) W_0 + alpha W_1 and b(alpha) = (1 - alpha^p) b_0 + alpha^p b_1, bitwise the ends at 0, 1.

    Without ``power`` the bias of layer l has p = l: then it grows with its layer's weights and all those below, and
    from theta_0 = 0 a net of ReLU or maxout units is homogeneous: logits(alpha) = alpha^L logits(1). power=1 is the
    straight line. power=0 puts the biases of theta_1 on the whole path but its start, where it jumps. Below alpha = 0
    the schedule goes on as -|alpha|^p.

    Args:
        theta_0, theta_1: the ends [S, P].
        layout: what the P values are; a bias is a parameter with "bias" in its own name, and a net without any moves on
            the straight line.
        power: p of every bias; None: the number of its layer.

    Raises:
        InputError: a negative power, or none where the biases do not belong to layers that follow each other.

    Source: Wang et al. 2023 (arXiv 2210.01019), who scale the biases homogeneously; other powers are ours.
    """

    def __init__(self, theta_0: Tensor, theta_1: Tensor, layout: ParameterLayout, power: float | None = None) -> None:
        if theta_0.shape != theta_1.shape or theta_0.shape[-1] != layout.num_parameters:
            raise ValueError(
                f"the ends of a path need one shape [S, {layout.num_parameters}], got {theta_0.shape} and "
                f"{theta_1.shape}"
            )
        if power is not None and not 0 <= power < math.inf:
            raise InputError(f"path.power={power} must be 0 or more and finite, or null for the number of the layer")
        super().__init__(theta_0, theta_1)
        self.layout, self.power = layout, power
        self.powers = dict(_powers(layout, power))

    def _point(self, alpha: float) -> Tensor:
        theta = between(self.theta_0, self.theta_1, alpha)
        for part, power in self._biases():
            share = math.copysign(abs(alpha) ** power, alpha)
            theta[:, part] = between(self.theta_0[:, part], self.theta_1[:, part], share)
        return theta

    def velocity(self, alpha: float) -> Tensor:
        """The derivative of theta(alpha) [S, P].

        Raises:
            InputError: at alpha = 0 with a power below 1, where the biases jump or start with an infinite slope.
        """
        span = super().velocity(alpha)
        for part, power in self._biases():
            span[:, part] *= self._share(alpha, power, 1)
        return span

    def acceleration(self, alpha: float) -> Tensor:
        """The second derivative [S, P]; of a bias with power 2 it is that of alpha >= 0 at alpha = 0.

        Raises:
            InputError: at alpha = 0 with a power that has none there.
        """
        span = super().acceleration(alpha)
        for part, power in self._biases():
            span[:, part] = (self.theta_1[:, part] - self.theta_0[:, part]) * self._share(alpha, power, 2)
        return span

    def _biases(self) -> Iterator[tuple[slice, float]]:
        """(where in theta, p) of every bias."""
        start = 0
        for name, size in zip(self.layout.names, self.layout.sizes, strict=True):
            if name in self.powers:
                yield slice(start, start + size), self.powers[name]
            start += size

    def _share(self, alpha: float, power: float, order: int) -> float:
        """Derivative of sign(alpha) |alpha|^p, of order 1 or 2."""
        factor = power if order == 1 else power * (power - 1)
        if alpha == 0 and (power == 0 or (factor != 0 and power < order)):
            raise InputError(
                f"path.power={power:g} gives the biases no derivative of order {order} at alpha=0; use path.power=1 or "
                f"at least {order}, alphas without 0, or measurement.slopes={order - 1}"
            )
        if factor == 0:
            return 0.0
        size = math.pow(abs(alpha), power - order)
        return factor * size * (math.copysign(1.0, alpha) if order == 2 else 1.0)

    def _between(self, theta_0: Tensor, theta_1: Tensor) -> BiasSchedule:
        return BiasSchedule(theta_0, theta_1, self.layout, self.power)


def _powers(layout: ParameterLayout, power: float | None) -> Iterator[tuple[str, float]]:
    """(name, p) of every bias."""
    owner, layer, has_bias = "", 0, True
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        module, _, own = name.rpartition(".")
        is_bias = "bias" in own
        if power is not None:
            if is_bias:
                yield name, power
            continue
        # One weight per module, then at most one bias of the same module: else l counts something else than layers.
        fits = (module == owner and not has_bias) if is_bias else (len(shape) > 1 and (layer == 0 or module != owner))
        if not fits:
            raise InputError(
                f"path.power=null counts layers of one weight and one bias each, but parameter {name} of shape "
                f"{shape} does not fit into that; give one power for all biases, for example path.power=1"
            )
        owner, layer, has_bias = module, layer + (not is_bias), is_bias
        if is_bias:
            yield name, float(layer)
