"""Activation matching: the order of one network's units in which they do on the data what another's do.

What a unit does is read where it is read by the next layer: at the input of whatever layer has an axis of weights that
follows the permutation. A unit of maxout is thus its largest piece; the pieces are read at the output of their layer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.symmetry.axes import Axes, Axis, Permutation
from landscape.symmetry.net import Net, State
from landscape.symmetry.weights import Matching, assigned, by_unit

log = logging.getLogger(__name__)

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Their weight is [out, in, ...]; the features of a Linear lie on the last axis, those of the others on axis 1."""


@dataclass(frozen=True)
class Place:
    """Where activations of units are seen.

    Args:
        module: its name.
        is_input: of the module, or its output.
        dim: the axis of the features.
        axis: how it follows the permutation.
    """

    module: str
    is_input: bool
    dim: int
    axis: Axis


def match_activations(net: Net, a: State, b: State, axes: Axes) -> Matching:
    """The permutations of b whose units correlate most with those of a over all examples of the net.

    One assignment for each permutation: what a unit does is the same whatever the order of the units below it. Units
    that never change correlate with none.

    Args:
        a, b: parameters and buffers by name.

    Raises:
        InputError: units that are seen at no layer known here.

    Source: Li et al. 2016 (arXiv 1511.07543), correlations; Ainsworth et al. 2023 (arXiv 2209.04836), section 3.1.
    """
    units, pieces = places(net.module, axes)
    sums = {name: _Correlation() for name in axes.sizes}

    def add_units(name: str, first: Tensor, second: Tensor) -> None:
        sums[name].add(first.flatten(1), second.flatten(1))

    _watch(net, a, b, axes, units, add_units)
    chosen = {name: assigned(sums[name].value) for name in axes.sizes}
    if still := [name for name in axes.sizes if not sums[name].value.any()]:
        log.warning(
            "matching activations: no unit of %s changes over the examples in both networks, so they keep their order",
            ", ".join(still),
        )
    if not pieces:
        return Matching(chosen)
    within = {name: _Correlation() for name in pieces}

    def add_pieces(name: str, first: Tensor, second: Tensor) -> None:
        within[name].add(first, second[chosen[name].units.to(second.device)])

    _watch(net, a, b, axes, pieces, add_pieces)
    for name, correlation in within.items():
        orders = torch.stack([assigned(scores).units for scores in correlation.value])
        chosen[name] = Permutation(chosen[name].units, orders)
    return Matching(chosen)


def places(module: nn.Module, axes: Axes) -> tuple[dict[str, list[Place]], dict[str, list[Place]]]:
    """Where the units of each permutation are seen, and where the pieces of those are that have some.

    Raises:
        InputError: nowhere.
    """
    read: dict[str, list[Place]] = {name: [] for name in axes.sizes}
    made: dict[str, list[Place]] = {name: [] for name in axes.sizes}
    for name, part in module.named_modules():
        own = axes.of.get(f"{name}.weight" if name else "weight", ())
        if not isinstance(part, LAYERS) or getattr(part, "groups", 1) > 1:
            continue
        for axis, found, is_input in zip(own, (made, read), (False, True), strict=False):
            if axis is not None:
                dim = -1 if isinstance(part, nn.Linear) else 1
                found[axis.permutation].append(Place(name, is_input, dim, axis))
    pieces = {name: [p for p in made[name] if p.axis.pieces > 1] for name in axes.sizes if axes.pieces(name) > 1}
    units = {name: read[name] or [p for p in made[name] if p.axis.pieces == 1] for name in axes.sizes}
    _refuse(axes, [name for name, found in [*units.items(), *pieces.items()] if not found])
    return units, pieces


class _Correlation:
    """Of the rows of two arrays [..., U, N] that come in parts: sums in float64, about the means of the first part."""

    def __init__(self) -> None:
        self.num = 0
        self.shifts: tuple[Tensor, Tensor] | None = None

    def add(self, first: Tensor, second: Tensor) -> None:
        """N more examples."""
        if self.shifts is None:
            self.shifts = first.mean(-1, keepdim=True), second.mean(-1, keepdim=True)
            self.sums = [0.0 * shift[..., 0].double() for shift in self.shifts]
            self.squares = [0.0 * shift[..., 0].double() for shift in self.shifts]
            self.products = torch.zeros((), dtype=torch.float64, device=first.device)
        parts = [part - shift for part, shift in zip((first, second), self.shifts, strict=True)]
        self.num += first.shape[-1]
        for k, part in enumerate(parts):
            self.sums[k] = self.sums[k] + part.sum(-1).double()
            self.squares[k] = self.squares[k] + part.square().sum(-1).double()
        self.products = self.products + (parts[0] @ parts[1].mT).double()

    @property
    def value(self) -> Tensor:
        """Correlations [..., U, U] on the CPU; 0 with a row that does not change."""
        means = [total / self.num for total in self.sums]
        spreads = [
            (square / self.num - mean.square()).clamp(min=0).sqrt()
            for square, mean in zip(self.squares, means, strict=True)
        ]
        covariance = self.products / self.num - means[0][..., :, None] * means[1][..., None, :]
        scale = spreads[0][..., :, None] * spreads[1][..., None, :]
        least = 1e-12 * scale.amax()
        return torch.where(scale > least, covariance / scale.clamp(min=least.clamp(min=1e-300)), 0.0).cpu()


def check_seen(net: Net, axes: Axes) -> None:
    """Raise InputError unless the units of every permutation are seen as the module runs, at the point where it is."""
    units, pieces = places(net.module, axes)
    state = {name: value.detach() for name, value in [*net.module.named_parameters(), *net.module.named_buffers()]}
    cpu = torch.device("cpu")
    for where in (units, pieces):
        with _listening(net, axes, where, cpu, torch.float64) as heard:
            net.outputs(state, net.few, cpu, torch.float64)
        _refuse(axes, [name for name in where if name not in dict(heard)])
        if any(seen.shape[-1] < 2 for _, seen in heard):
            raise InputError("align=activations correlates units over examples, and there is one; give two or more")


def _refuse(axes: Axes, lost: list[str]) -> None:
    if lost:
        raise InputError(
            "align=activations looks at what goes into and out of Linear and Conv layers, and there are the units of "
            f"{', '.join(lost[:3])}{', ...' * (len(lost) > 3)} not to be seen; use align=weights"
        )


def _watch(
    net: Net,
    a: State,
    b: State,
    axes: Axes,
    where: dict[str, list[Place]],
    add: Callable[[str, Tensor, Tensor], None],
) -> None:
    """One pass over all examples: tell the activations [U, K, N] of both networks, place by place."""
    assert net.blocks is not None, "activations are those of some examples"
    kind = net.device, torch.float32
    for inputs in net.blocks(*kind):
        seen = []
        for state in (a, b):
            with _listening(net, axes, where, *kind) as heard:
                net.outputs(state, inputs, *kind)
            seen.append(heard)
        for (name, first), (_, second) in zip(*seen, strict=True):
            add(name, first, second)


@contextmanager
def _listening(
    net: Net, axes: Axes, where: dict[str, list[Place]], device: torch.device, dtype: torch.dtype
) -> Iterator[list[tuple[str, Tensor]]]:
    """(permutation, activations [U, K, N]) of all that passes inside the block, in the order of the passing."""
    heard: list[tuple[str, Tensor]] = []
    module = net.template(device, dtype).module

    def hear(name: str, place: Place, value: Tensor) -> None:
        heard.append((name, by_unit(value.detach(), place.dim % value.dim(), place.axis, axes.sizes[name])))

    def before(name: str, place: Place) -> Any:
        return lambda _, args, named: hear(name, place, args[0] if args else named["input"])

    def after(name: str, place: Place) -> Any:
        return lambda _, __, outputs: hear(name, place, outputs)

    with ExitStack() as hooks:
        for name, place in ((name, place) for name, found in where.items() for place in found):
            part = module.get_submodule(place.module)
            if place.is_input:
                hook = part.register_forward_pre_hook(before(name, place), with_kwargs=True)
            else:
                hook = part.register_forward_hook(after(name, place))
            hooks.callback(hook.remove)
        yield heard
