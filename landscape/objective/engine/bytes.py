"""How many bytes a piece of code holds at once, counted operator by operator; and what the engines hold beyond it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from landscape.objective.engine.events.events import CHUNK_BYTES, Events
from landscape.objective.engine.flops import reads_data
from landscape.objective.engine.graph import Trace
from landscape.objective.engine.prefix import Prefix

SCRATCH = ("convolution", "_convolution", "mkldnn_rnn_layer", "_thnn_fused_lstm_cell")
"""Operators whose libraries work on a copy of what they read and write, in an order of their own."""


class Live(TorchDispatchMode):
    """Counts what is made inside the block, on any device; what was there before does not count.

    ``now``: bytes held. ``peak``: the most so far. ``flops``: multiplications and additions of products and
    convolutions so far. It sees operators: what a library takes for itself within one is added only for those of
    ``SCRATCH``.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch would import its compiler at the first operator, for seconds, to keep it away from here."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self.flops: int = 0
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator and note what is new in its outputs."""
        out = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        read = {_storage(t)._cdata: t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor) and _storage(t)._cdata not in read]
        for tensor in made:
            self._note(_storage(tensor))
        extra = 0
        if func.overloadpacket.__name__ in SCRATCH:
            extra = sum(t.numel() * t.element_size() for t in [*read.values(), *made])
        self.peak = max(self.peak, self.now + extra)
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, num_bytes = storage._cdata, storage.nbytes()
        if key in self._held and self._held[key]() is storage:
            return

        def gone(_: Any) -> None:
            self._held.pop(key, None)
            self.now -= num_bytes

        self._held[key] = weakref.ref(storage, gone)
        self.now += num_bytes


def _storage(tensor: Tensor) -> Any:
    return tensor.untyped_storage()


def peak_of(call: Callable[[], object]) -> int:
    """The most bytes of tensors that a call holds at once beyond those that were there."""
    live = Live()
    with live:
        call()
    return live.peak


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
    from landscape.objective.engine.events import kernel as onward
    from landscape.objective.engine.events import switches as bucket
    from landscape.objective.engine.events import vectors as lanes

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
