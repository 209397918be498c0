"""Where a traced graph holds a piecewise-linear layer followed by a linear one: found by operators, not by name."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch.fx import Node

from landscape.objective.engine.counts import flops, reads_data
from landscape.objective.engine.events.piecewise import IDENTITY, RELU, Piecewise, function_of
from landscape.objective.engine.graph import INERT, PLACES, Kind, Trace, kind_of, name_of


@dataclass(frozen=True)
class Envelope:
    """gain * max over the pieces, each affine in theta; ``has_zero`` puts 0 among them.

    Of a single piece also gain * function(piece), where that is no maximum with 0.
    """

    pieces: tuple[Node, ...]
    has_zero: bool = False
    gain: Node | None = None
    function: Piecewise | None = None

    @property
    def num_lines(self) -> int:
        """Of how many affine functions of theta a unit is made: at most one switch fewer on a line."""
        return len(self.pieces) + self.has_zero if self.function is None else len(self.function.lines)

    def bent(self, function: Piecewise) -> Envelope | None:
        """function(self); None where that has no such form."""
        if function == RELU and self.gain is None and self.function is None:
            return replace(self, has_zero=True)
        if len(self.pieces) > 1 or self.gain is not None:
            return None
        now = (RELU if self.has_zero else self.function or IDENTITY).then(function)
        if now is None:
            return None
        return Envelope(self.pieces, now == RELU, function=None if now in (RELU, IDENTITY) else now)


@dataclass(frozen=True)
class Tail:
    """(gain h) W' + b.

    Args:
        gain: constant factors in front of it.
        weight: W [C, M], or its transpose where ``is_transposed``.
        bias: b [C].
    """

    gain: Node | None
    weight: Node
    is_transposed: bool
    bias: Node | None


NARROW = 32
"""Most outputs of a ``Tail``: a wider layer is a matrix product of its own."""


@dataclass(frozen=True)
class Structure:
    """h = gain * max_k z_k, then activation(h W' + b) with W, b parameters.

    Args:
        hidden: h.
        weight: W [M, H], or its transpose where ``is_transposed``.
        bias: b [M].
        linear: the node of h W' + b [..., M].
        after: the node that the kernel gives: ``activation`` of ``linear``, or the maximum of each ``group``
            consecutive columns, or a layer of few outputs that reads it.
        activation: has a ``ramp``.
        tail: a further layer of few outputs, which reads all that.
    """

    hidden: Envelope
    weight: Node
    is_transposed: bool
    bias: Node | None
    linear: Node
    after: Node
    activation: Piecewise = IDENTITY
    group: int = 1
    tail: Tail | None = None

    @property
    def is_few(self) -> bool:
        """Whether the layer itself is the last that is served, and has few outputs."""
        return self.tail is None and self.linear.meta["val"].shape[-1] <= NARROW


def find(trace: Trace) -> Structure | None:
    """The place where most work can be saved; the nodes of its pieces and gain are added to the graph."""
    nodes = sorted((n for n in trace.kinds if trace.kinds[n] is Kind.MOVING), key=flops, reverse=True)
    for node in nodes:
        parts = _linear(node, trace)
        if parts is None:
            continue
        hidden, weight, bias, is_transposed = parts
        with trace.module.graph.inserting_before(node):
            envelope = _Reader(trace)(hidden)
        if envelope is not None:
            return _with_tail(_with_activation(Structure(envelope, weight, is_transposed, bias, node, node)), trace)
    return None


def _linear(node: Node, trace: Trace) -> tuple[Node, Node, Node | None, bool] | None:
    """(input, weight, bias, whether the weight is [H, M]) of a product of a moving input with parameters."""
    name, args = name_of(node), cast(tuple[Any, ...], node.args)
    x: Any
    weight: Any
    bias: Any
    if name == "linear":
        x, weight, bias = args[0], args[1], args[2] if len(args) > 2 else None
    elif name == "addmm" and not node.kwargs:
        bias, x, weight = args[:3]
    elif name in ("mm", "matmul"):
        (x, weight), bias = args[:2], None
    else:
        return None
    parameters = [n for n in (weight, bias) if n is not None]
    fits = (
        isinstance(x, Node)
        and trace.kinds[x] is Kind.MOVING
        and x.meta["val"].dim() >= 2
        and all(isinstance(n, Node) and trace.kinds[n] is Kind.AFFINE and not reads_data(n, trace) for n in parameters)
        and weight.meta["val"].dim() == 2
        and (bias is None or bias.meta["val"].dim() == 1)
    )
    return (x, weight, bias, name != "linear") if fits else None


def _with_activation(structure: Structure) -> Structure:
    """The same with the piecewise-linear function of few kinks, or the maxout, that alone reads the product."""
    node: Any = structure.linear
    found, function = structure, cast(Piecewise | None, IDENTITY)
    while (node := _only_user(node)) is not None and (step := function_of(node)) is not None:
        function = None if function is None else function.then(step)
        if function is None:
            break
        if function.ramp() is not None:
            found = replace(found, after=node, activation=function)
    if found.activation != IDENTITY:
        return found
    node = structure.linear
    user = _only_user(node)
    if user is None or name_of(user) not in ("view", "_unsafe_view", "reshape", "unflatten"):
        return structure
    top, shape = _only_user(user), user.meta["val"].shape
    if shape[:-2] == node.meta["val"].shape[:-1] and top is not None and name_of(top) == "amax":
        axis = _axis(top)
        if axis is not None and axis % len(shape) == len(shape) - 1:
            return replace(structure, after=top, group=shape[-1])
    return structure


def _with_tail(structure: Structure, trace: Trace) -> Structure:
    """The same with the narrow linear layer that alone reads it, perhaps through constant factors."""
    node, gain = structure.after, cast(Any, None)
    while (user := _only_user(node)) is not None:
        parts = _linear(user, trace)
        if parts is not None and parts[0] is node and user.meta["val"].shape[-1] <= NARROW:
            _, weight, bias, is_transposed = parts
            return replace(structure, after=user, tail=Tail(gain, weight, is_transposed, bias))
        if name_of(user) in INERT and user.args[2] is False:
            node = user
        elif name_of(user) == "mul" and gain is None and user.meta["val"].shape == node.meta["val"].shape:
            gain = user.args[1] if user.args[0] is node else user.args[0]
            if not isinstance(gain, Node) or trace.kinds[gain] is not Kind.CONST:
                break
            node = user
        else:
            break
    return structure


def _only_user(node: Node) -> Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _axis(node: Node) -> int | None:
    """The one axis that an ``amax`` without keepdim takes away."""
    dims = node.args[1] if len(node.args) > 1 else None
    keeps = len(node.args) > 2 and node.args[2]
    one = isinstance(dims, list | tuple) and len(dims) == 1 and not keeps and not node.kwargs
    return int(dims[0]) if one else None  # type: ignore[index, arg-type]


class _Reader:
    """Reads a node as an envelope, from the outside in; None where it is none."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.graph, self.kinds = trace, trace.module.graph, trace.kinds

    def __call__(self, node: Any) -> Envelope | None:
        """The node as a maximum of affine pieces, times a constant."""
        if not isinstance(node, Node):
            return None
        if self.kinds[node] is Kind.AFFINE:
            return Envelope((node,))
        name = name_of(node)
        if name in PLACES and all(  # which may be applied to the pieces one by one
            n is node.args[0] or self._is_const(n) for n in node.all_input_nodes
        ):
            return self._moved(node)
        if name == "mul" and isinstance(node.args[1], Node):
            return self._scaled(node)
        if name == "maximum":
            return self._joined(self(node.args[0]), self(node.args[1]))
        if name == "amax":
            return self._of_axis(node.args[0], _axis(node))
        if node.target is operator.getitem and node.args[1] == 0 and name_of(node.args[0]) == "max":  # type: ignore[arg-type]
            taken = node.args[0].args  # type: ignore[union-attr]
            return self._of_axis(taken[0], int(taken[1])) if len(taken) == 2 else None  # type: ignore[arg-type]
        return self._activated(node)

    def _activated(self, node: Node) -> Envelope | None:
        """A piecewise-linear function of a maximum."""
        function = function_of(node)
        inner = None if function is None else self(node.args[0])
        if inner is None or function is None:
            return None
        ((slope, offset), *others) = function.lines
        if inner.gain is not None and not others and offset == 0:
            return replace(inner, gain=self._new(torch.ops.aten.mul.Tensor, inner.gain, slope))
        return inner.bent(function)

    def _of_axis(self, node: Any, axis: int | None) -> Envelope | None:
        """The maximum over one axis of an affine node."""
        if not isinstance(node, Node) or axis is None or self.kinds[node] is not Kind.AFFINE:
            return None
        count = node.meta["val"].shape[axis]
        return Envelope(tuple(self._new(torch.ops.aten.select.int, node, axis, k) for k in range(count)))

    def _joined(self, a: Envelope | None, b: Envelope | None) -> Envelope | None:
        a, b = self._of_lines(a), self._of_lines(b)
        if a is None or b is None or a.gain is not None or b.gain is not None:
            return None
        return Envelope(a.pieces + b.pieces, a.has_zero or b.has_zero)

    def _of_lines(self, found: Envelope | None) -> Envelope | None:
        """The same as a maximum of pieces alone."""
        if found is None or found.function is None:
            return found
        if not found.function.is_convex:
            return None
        aten, (piece,) = torch.ops.aten, found.pieces
        scaled = [(self._new(aten.mul.Tensor, piece, slope), offset) for slope, offset in found.function.lines]
        pieces = [self._new(aten.add.Tensor, node, offset) if offset else node for node, offset in scaled]
        return Envelope(tuple(pieces), gain=found.gain)

    def _scaled(self, node: Node) -> Envelope | None:
        """A maximum times a constant."""
        for inner, factor in (node.args[:2], node.args[1::-1]):
            if isinstance(factor, Node) and self._is_const(factor):
                found = self(inner)
                if found is None:
                    return None
                gain = factor if found.gain is None else self._new(torch.ops.aten.mul.Tensor, found.gain, factor)
                return replace(found, gain=gain)
        return None

    def _moved(self, node: Node) -> Envelope | None:
        """The same operator on each piece and on the gain."""
        before = node.args[0]
        found = self(before)
        if found is None or not isinstance(before, Node):
            return None
        shape = list(before.meta["val"].shape)

        def move(part: Node) -> Node:
            if list(part.meta["val"].shape) != shape:
                part = self._new(torch.ops.aten.expand.default, part, shape)
            return self._new(cast(Any, node.target), part, *node.args[1:], **node.kwargs)

        gain = None if found.gain is None else move(found.gain)
        return replace(found, pieces=tuple(move(p) for p in found.pieces), gain=gain)

    def _is_const(self, node: Node) -> bool:
        return self.kinds[node] is Kind.CONST

    def _new(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Node:
        """A further node of the graph, with its kind and its shape."""
        node = self.graph.call_function(target, args, kwargs)
        values = [a.meta["val"] if isinstance(a, Node) else a for a in args]
        node.meta["val"] = target(*values, **kwargs)
        self.kinds[node] = kind_of(node, self.kinds)
        return node
