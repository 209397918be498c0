"""Memory that is made once and written over: fresh pages for every point would cost more than the arithmetic.

The system clears each page of what is asked for anew, and of a value of some megabytes, as a layer's output is one,
takes all of it back in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

from landscape.objective.engine.graph import name_of

LEAST = 256 << 10
"""Bytes of a value from which on this matters; smaller ones the allocator keeps."""


class Scratch:
    """Arrays that are filled anew for every batch or point."""

    def __init__(self, held: dict[str, Tensor] | None = None) -> None:
        self.held = {} if held is None else held

    def __call__(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """The array of this name, with whatever it holds; torch's are aligned for vectors, numpy's are not."""
        size, flat = math.prod(shape), self.held.get(name)
        if flat is None or flat.dtype != dtype or len(flat) < size:
            flat = self.held.pop(name, None)
            del flat  # before there are two of them
            self.held[name] = flat = torch.empty(size, dtype=dtype)
        return flat[:size].view(tuple(shape))


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor) -> Tensor:
    rows, flat = x.reshape(-1, x.shape[-1]), out.view(-1, out.shape[-1])
    if bias is None:
        torch.mm(rows, weight.t(), out=flat)
    else:
        torch.addmm(bias, rows, weight.t(), out=flat)
    return out


def _relu(x: Tensor, *, out: Tensor) -> Tensor:
    return torch.clamp(x, min=0, out=out)


_aten = torch.ops.aten
# Operators that can be told where their result goes; these may write over what they read.
ELEMENTWISE: Mapping[str, Callable[..., Tensor]] = {
    "relu": _relu,
    "leaky_relu": _aten.leaky_relu.out,
    "hardtanh": _aten.hardtanh.out,
    "gelu": _aten.gelu.out,
    "silu": _aten.silu.out,
    "elu": _aten.elu.out,
    "tanh": _aten.tanh.out,
    "sigmoid": _aten.sigmoid.out,
    "add": _aten.add.out,
    "sub": _aten.sub.out,
    "mul": _aten.mul.out,
}
INTO: Mapping[str, Callable[..., Tensor]] = {
    **ELEMENTWISE,
    "linear": _linear,
    "addmm": _aten.addmm.out,
    "mm": _aten.mm.out,
    "bmm": _aten.bmm.out,
}


class Reusing:
    """A graph whose large values lie where those of the call before lay; on a CPU, without gradients and vmap.

    Args:
        module: from ``part``; changed.
        held: the memory, shared by graphs that never run at the same time.
    """

    def __init__(self, module: GraphModule, held: dict[str, Tensor]) -> None:
        self.module, self.scratch = module, Scratch(held)
        graph, places = module.graph, _places(module.graph)
        first = next(n for n in graph.nodes if n.op != "placeholder")
        kinds = {place: (n.meta["val"].numel(), n.meta["val"].dtype) for n, place in places.items()}
        self.rooms = [kinds[k] for k in range(len(kinds))]
        with graph.inserting_before(first):
            rooms = [graph.placeholder(f"room_{k}") for k in range(len(self.rooms))]
        for node, place in places.items():
            with graph.inserting_before(node):
                out = graph.call_method("view", (rooms[place], tuple(node.meta["val"].shape)))
            node.target = INTO[name_of(node)]
            node.kwargs = {**node.kwargs, "out": out}
        module.recompile()

    @property
    def num_bytes(self) -> int:
        """Of all places."""
        return sum(size * dtype.itemsize for size, dtype in self.rooms)

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """As the graph; what goes out is the caller's own."""
        rooms = [self.scratch(f"room {k} {dtype}", (size,), dtype) for k, (size, dtype) in enumerate(self.rooms)]
        ours = {room.untyped_storage().data_ptr() for room in rooms}
        return [v.clone() if v.untyped_storage().data_ptr() in ours else v for v in self.module(*inputs, *rooms)]


def _places(graph: Graph) -> dict[Node, int]:
    """The number of the place of each large value.

    A place is free again after the last that reads what lies there, or reads what may be a view of it: anything made
    from it that has no place of its own.
    """
    nodes = list(graph.nodes)
    roots: dict[Node, set[Node]] = {}
    last: dict[Node, int] = {}
    for i, node in enumerate(nodes):
        read = set[Node]().union(*(roots[n] for n in node.all_input_nodes))
        last.update(dict.fromkeys(read, i))
        roots[node] = {node} if _may_have_place(node) else read
    places: dict[Node, int] = {}
    lying: dict[int, Node] = {}  # which value lies in a place now
    free: list[int] = []
    for i, node in enumerate(nodes):
        if roots[node] == {node}:
            over = _overwritten(node, roots, places, [n for n in last if last[n] == i])
            fits = (k for k in free if _kind(lying[k]) == _kind(node))
            place = places[over] if over is not None else next(fits, len(lying))
            if place in free:
                free.remove(place)
            places[node], lying[place] = place, node
        free += [k for k, n in lying.items() if last.get(n, i) == i and k not in free]
    return places


def _overwritten(node: Node, roots: Mapping[Node, set[Node]], places: Mapping[Node, int], ending: list[Node]) -> Any:
    """The value that is read here for the last time, element by element, and can be written over; or None."""
    if name_of(node) not in ELEMENTWISE:
        return None
    for n in node.all_input_nodes:
        others = [m for m in node.all_input_nodes if m is not n]
        is_alone = n in places and n in ending and not any(n in roots[m] for m in others)
        if is_alone and n.meta["val"].shape == node.meta["val"].shape:
            return n
    return None


def _kind(node: Node) -> tuple[int, torch.dtype]:
    return node.meta["val"].numel(), node.meta["val"].dtype


def _may_have_place(node: Node) -> bool:
    """Whether the value is large, lies in one piece, and is made by an operator that can be told where to."""
    value = node.meta.get("val")
    if name_of(node) not in INTO or "out" in node.kwargs or not isinstance(value, Tensor):
        return False
    read = [n.meta.get("val") for n in node.all_input_nodes]
    return (
        value.device.type == "cpu"
        and value.is_contiguous()
        and value.numel() * value.element_size() >= LEAST
        and all(isinstance(v, Tensor) and v.dtype == value.dtype for v in read)
    )
