"""The shared affine prefix: what is affine in the point is paid once per anchor, not once per point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape.objective.engine.counts import HELD_POINTS, Room, num_bytes, split_bytes
from landscape.objective.engine.graph import Kind, Trace, Unsuited, flattened, frontier, part, rebuilt
from landscape.objective.engine.rows import Points


def combine(values: Sequence[Tensor], weights: tuple[float, ...], out: Tensor | None = None) -> Tensor:
    """Σ w_n v_n over the anchors; bitwise an anchor's own value where its weight is 1 and the others are 0.

    Args:
        out: where the result goes, unless it is an anchor's own value.
    """
    if weights.count(0.0) == len(weights) - 1 and 1.0 in weights:
        return values[weights.index(1.0)]
    if len(values) == 2:
        return torch.lerp(values[0], values[1], weights[1], out=out)
    total = torch.mul(values[0], weights[0], out=out)
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total = total.add_(value, alpha=weight)
    return total


class Prefix:
    """Evaluates one batch at many points of the affine hull of its anchors, exact up to rounding.

    Args:
        trace: of the batch's shape.
        together: points that share one call of what is not affine, by vmap.

    Raises:
        Unsuited: a value that cannot be combined is read past the affine part.
    """

    def __init__(self, trace: Trace, together: int = 1) -> None:
        self.trace, self.together = trace, together
        kinds, module, outputs = trace.kinds, trace.module, trace.outputs
        sources = {trace.theta, *trace.known.values(), *trace.state}
        self.affine = frontier(kinds, sources, outputs, Kind.AFFINE)
        self.const = frontier(kinds, sources, outputs, Kind.CONST)
        if not all(isinstance(n.meta.get("val"), Tensor) for n in self.affine):
            raise Unsuited("a list of tensors is read where the affine part ends")
        known = list(trace.known.values())
        self._const = part(module, known, self.const)
        self._affine = part(module, [trace.theta, *self.const], self.affine)
        self._moving = part(module, [*self.affine, *self.const, *trace.state], outputs)

    def __call__(
        self, anchors: Sequence[Tensor], known: Mapping[str, Tensor], points: Points, states: Sequence[Any] | None
    ) -> Iterator[tuple[dict[str, Tensor], Any]]:
        """({channel: [B]}, state after the batch) of each point in turn.

        Args:
            anchors: theta_n [P].
            known: as traced.
            points: [A].
            states: one per point; None: none comes in.
        """
        const = self._const(*(known[name] for name in self.trace.known))
        values = [self._affine(anchor, *const) for anchor in anchors]
        each = list(zip(*values, strict=True))  # per frontier node, its value at every anchor
        if self.together > 1 and states is None:
            for first in range(0, len(points), self.together):
                yield from self._at_once(each, const, points[first : first + self.together])
            return
        # Fresh memory for every point costs more than the arithmetic: the system clears each page of it.
        room = [torch.empty_like(v[0]) for v in each]
        for a, weights in enumerate(points):
            leaves = [] if states is None else flattened(states[a])[0]
            found = self._moving(
                *(combine(v, weights, out) for v, out in zip(each, room, strict=True)), *const, *leaves
            )
            yield self.named(found)
            kept = {v.untyped_storage().data_ptr() for v in found}  # what goes out is not written to again
            room = [torch.empty_like(v) if v.untyped_storage().data_ptr() in kept else v for v in room]

    def room(self, num_examples: int, num_points: int, longest: int, plain: float, together: int = 1) -> Room:
        """Bytes of constants, affine values at each anchor and at the point, channels of a few points, and the rest.

        Args:
            num_examples: of the batch that it was made for.
            num_points: of the path.
            longest: most points on one line of it.
            plain: bytes per example of the plain path, which also bounds what the network does behind what is shared.
            together: points in one forward pass.
        """
        trace = self.trace
        fixed, each = split_bytes(self.affine, trace, num_examples)
        channels = 3 * HELD_POINTS * sum(num_bytes(n) for n in trace.outputs[: len(trace.channels)]) / num_examples
        # At most three anchors, and at each point their combination and what it takes to make it.
        copies = 3 + 2 * together
        const = split_bytes(self.const, trace, num_examples)[1]
        return Room(copies * fixed, copies * each + const + channels + together * plain)

    def _at_once(
        self, each: Sequence[Sequence[Tensor]], const: Sequence[Tensor], points: Points
    ) -> Iterator[tuple[dict[str, Tensor], Any]]:
        """Some points in one call."""
        values = [torch.stack([combine(v, weights) for weights in points]) for v in each]
        axes = (*[0] * len(values), *[None] * len(const))
        found = torch.func.vmap(self._moving, in_dims=axes)(*values, *const)
        yield from (self.named([v[n] for v in found]) for n in range(len(points)))

    def named(self, found: Sequence[Tensor]) -> tuple[dict[str, Tensor], Any]:
        """What the graph returned -> channels by name, and the state."""
        names = self.trace.channels
        return dict(zip(names, found, strict=False)), rebuilt(found[len(names) :], self.trace.state_spec)
