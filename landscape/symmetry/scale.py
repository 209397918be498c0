"""The scale of units between layers: a ReLU or maxout unit may have its inputs' weights times c > 0, its outputs' by c.

A unit's share of the scale says nothing about the function, and moves a network far in parameter space. Here every
unit is first given incoming and outgoing weights of equal norms, which makes networks comparable, and then the norms of
its partner in another network.

Source: Neyshabur, Salakhutdinov and Srebro 2015 (arXiv 1506.02617), rescaling; Ainsworth et al. 2023, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.ground.streams import ALIGN, stream
from landscape.symmetry.axes import Axes, Axis
from landscape.symmetry.net import Net, State
from landscape.symmetry.weights import by_unit

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
BALANCED, MOST_ROUNDS = 1e-12, 1000
"""Of log c: where balancing stops; it is convex in log c and comes near geometrically."""
SAME = 1e-12
"""Relative difference of outputs in float64 that is rounding."""


@dataclass(frozen=True)
class Scales:
    """Which entries of which parameters scale with the units of each permutation.

    Args:
        axes: all of them.
        incoming, outgoing: {permutation: (parameter, axis of it, how that follows)}; what goes into a unit is to be
            multiplied by its factor, and what comes out of it to be divided.
    """

    axes: Axes
    incoming: dict[str, list[tuple[str, int, Axis]]]
    outgoing: dict[str, list[tuple[str, int, Axis]]]

    @classmethod
    def of(cls, net: Net, axes: Axes) -> Scales:
        """Those of a module; tried out at a random point.

        Raises:
            InputError: some units are not positively homogeneous, or do not lie between Linear and Conv layers.
        """
        incoming: dict[str, list[tuple[str, int, Axis]]] = {name: [] for name in axes.sizes}
        outgoing: dict[str, list[tuple[str, int, Axis]]] = {name: [] for name in axes.sizes}
        parts = dict(net.module.named_modules())
        for name, own in axes.of.items():
            owner, _, leaf = name.rpartition(".")
            for dim, axis in enumerate(own):
                if axis is None:
                    continue
                if not isinstance(parts.get(owner), LAYERS):
                    raise InputError(
                        f"rescale=true divides between Linear and Conv layers, and {name} of a "
                        f"{type(parts.get(owner)).__name__} follows the units of {axis.permutation}; leave rescale out"
                    )
                (outgoing if (leaf, dim) == ("weight", 1) else incoming)[axis.permutation].append((name, dim, axis))
        found = cls(axes, incoming, outgoing)
        found._check(net)
        return found

    def _check(self, net: Net) -> None:
        generator = stream(0, ALIGN)
        state = {
            n: torch.randn(p.shape, generator=generator, dtype=torch.float64) / max(1, p[0].numel()) ** 0.5
            for n, p in net.module.named_parameters()
            if p.is_floating_point()
        }
        state |= dict(net.module.named_buffers())
        for name, num in self.axes.sizes.items():
            factors = torch.rand(num, generator=generator, dtype=torch.float64) * 3 + 0.25
            if not net.difference(state, self.scaled(state, {name: factors})) <= SAME:
                raise InputError(
                    f"rescale=true needs units whose activation is positively homogeneous, as ReLU and maxout are, and "
                    f"those of {name} are not: the outputs change; leave rescale out"
                )

    def scaled(self, state: State, factors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same function with other units' scales, in float64 where something changes.

        Args:
            factors: {permutation: c > 0 of each unit [U]}.
        """
        found = dict(state)
        for places, sign in ((self.incoming, 1), (self.outgoing, -1)):
            for name, factor in factors.items():
                for parameter, dim, axis in places[name]:
                    if parameter not in found:
                        continue
                    along = factor.pow(sign).repeat_interleave(axis.inner).repeat(axis.outer)
                    shape = [-1 if d == dim else 1 for d in range(found[parameter].dim())]
                    found[parameter] = found[parameter].double() * along.view(shape)
        return found

    def balance(self, state: State) -> dict[str, Tensor]:
        """The factors [U] that give the incoming and the outgoing weights of every unit equal norms.

        A unit without any weights on one side keeps its scale.
        """
        logs = {name: torch.zeros(num, dtype=torch.float64) for name, num in self.axes.sizes.items()}
        sides = {name: [*self.incoming[name], *self.outgoing[name]] for name in logs}
        concerned = {name: dict.fromkeys(parameter for parameter, _, _ in places) for name, places in sides.items()}
        squares = {n: state[n].detach().abs().double().square() for own in concerned.values() for n in own}
        for _ in range(MOST_ROUNDS):
            largest, factors = 0.0, {name: (2 * log).exp() for name, log in logs.items()}
            for name in logs:
                here = self.scaled({n: squares[n] for n in concerned[name]}, factors)
                into, out = (self._sums(here, places[name], name) for places in (self.incoming, self.outgoing))
                step = torch.where((into > 0) & (out > 0), (out / into).log() / 4, 0.0)
                logs[name] = logs[name] + step
                factors[name] = (2 * logs[name]).exp()
                largest = max(largest, step.abs().max().item())
            if largest <= BALANCED:
                break
        return {name: log.exp() for name, log in logs.items()}

    def _sums(self, squares: State, places: list[tuple[str, int, Axis]], name: str) -> Tensor:
        num = self.axes.sizes[name]
        sums = [by_unit(squares[parameter], dim, axis, num).sum(dim=(1, 2)) for parameter, dim, axis in places]
        return torch.stack(sums).sum(dim=0) if sums else torch.zeros(num, dtype=torch.float64)
