"""What the engines hold beyond the plain path, from the shapes in their graphs: so many examples fit a budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor
from torch.fx import Node

from landscape.engine.count import reads_data
from landscape.engine.events import CHUNK_BYTES, Events
from landscape.engine.prefix import Prefix
from landscape.engine.trace import Trace

HELD_POINTS = 64
"""Points whose channels [B] are gathered before they are summed."""


@dataclass(frozen=True)
class Room:
    """Bytes of an engine: ``fixed`` and ``each`` per example."""

    fixed: float
    each: float

    def examples(self, budget: float) -> int:
        """The most that fit, perhaps none."""
        return int(max(0.0, budget - self.fixed) // max(1.0, self.each))


def room_of(
    runner: Prefix | Events, num_examples: int, num_points: int, longest: int, plain: float, together: int = 1
) -> Room:
    """What a runner needs for the batch shape that it was made for.

    Args:
        num_examples: of that batch. num_points: of the path. longest: most points on one line of it.
        plain: bytes per example of the plain path, which also bounds what the network does behind the part that is
            shared. together: points in one forward pass.
    """
    if isinstance(runner, Prefix):
        return _of_prefix(runner, num_examples, plain, together)
    return _of_events(runner, num_examples, num_points, longest, plain)


def _of_prefix(prefix: Prefix, num: int, plain: float, together: int) -> Room:
    """Constants, the affine values at each anchor and at the point, channels of a few points, and the rest."""
    trace = prefix.trace
    fixed, each = _split(prefix.affine, trace, num)
    channels = 3 * HELD_POINTS * sum(_bytes(n) for n in trace.outputs[: len(trace.channels)]) / num
    # At most three anchors, and at each point their combination and what it takes to make it.
    copies = 3 + 2 * together
    return Room(copies * fixed, copies * each + _split(prefix.const, trace, num)[1] + channels + together * plain)


def _of_events(events: Events, num: int, points: int, longest: int, plain: float) -> Room:
    """Events and what they are made from, packed weights, sums of the layer, channels of all points, and the rest."""
    from landscape.engine import bucket, lanes, onward

    structure, trace = events.structure, events.trace
    hidden, tail = structure.hidden, structure.tail
    out, piece = structure.linear.meta["val"], hidden.pieces[0].meta["val"]
    item, units, pieces = piece.element_size(), piece.shape[-1], len(hidden.pieces)
    rows = out.numel() // out.shape[-1] / num  # the layer may run at several places of an example
    width = lanes.width_of(item)
    columns = -(-out.shape[-1] // structure.group // width) * width
    weights = 5 * units * out.shape[-1] * item  # at three anchors and both ends
    packed = 4 * structure.group * columns * units * item
    _, moving = _split(events.affine, trace, num)
    const = sum(_bytes(n) for n in {*events.const, *events.gains.values(), *events.needed} if n.op != "placeholder")
    # The pieces at three anchors, at both ends, side by side; events by unit and both values; factors.
    each = rows * units * (pieces * 8 * item + (pieces + hidden.has_zero) * (4 + 2 * item) + 3 * item)
    each += rows * 8 * (longest + units // bucket.UNITS + 3) + 4 * moving + const / num
    each += sum(_bytes(n) for n in trace.outputs[: len(trace.channels)]) / num * (points + 3 * HELD_POINTS)
    if tail is None:
        # One point of the layer, however small the part of it that is held at once.
        each += rows * (6 * structure.group + 1) * columns * item
        return Room(weights + packed + CHUNK_BYTES, each + plain)
    classes = structure.after.meta["val"].shape[-1]
    lane = lanes.lanes_of(item)
    padded = -(-longest // onward.TILE) * onward.TILE
    groups = -(-classes // lane)
    sums = (1 + (groups > 1)) * groups * lane * padded  # laid side by side anew
    each += rows * (sums + 4 * classes * longest + columns) * item
    return Room(weights + packed, each + plain)


def _split(nodes: Iterable[Node], trace: Trace, num: int) -> tuple[float, float]:
    """Bytes of values that no example enters, and bytes per example of the others."""
    fixed = each = 0.0
    for node in nodes:
        if node.op == "placeholder":
            continue
        if reads_data(node, trace):
            each += _bytes(node) / num
        else:
            fixed += _bytes(node)
    return fixed, each


def _bytes(node: Node) -> int:
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else [value]
    return sum(v.numel() * v.element_size() for v in values if isinstance(v, Tensor))
