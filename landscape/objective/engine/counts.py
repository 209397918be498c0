"""Operations and bytes of a traced graph, counted: a choice by count gives the same bits on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor
from torch.fx import Node

from landscape.objective.engine.graph import Kind, Trace, name_of

TOUCH = 60.0
"""Arithmetic operations of a matrix product in the time that one element of a large array takes to read and write."""


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


def flops(node: Node) -> float:
    """Multiplications and additions of one matrix product, convolution or recurrent layer; 0 for all else."""
    name, out = name_of(node), node.meta.get("val")
    shapes = [
        tuple(a.meta["val"].shape) for a in node.args if isinstance(a, Node) and isinstance(a.meta.get("val"), Tensor)
    ]
    if name == "lstm":
        weights: int = sum(w.meta["val"].numel() for w in _listed(node, 2) if w.meta["val"].dim() > 1)
        return float(2.0 * math.prod(shapes[0][:-1]) * weights)
    if not isinstance(out, Tensor) or len(shapes) < 2:
        return 0.0
    size: int = out.numel()
    if name in ("linear", "mm", "bmm", "matmul", "mv", "dot"):
        return float(2.0 * size * shapes[0][-1])
    if name in ("addmm", "baddbmm"):
        return float(2.0 * size * shapes[1][-1])
    if name in ("conv1d", "conv2d", "conv3d", "convolution"):
        return float(2.0 * size * math.prod(shapes[1][1:]))
    if name == "scaled_dot_product_attention":
        return float(4.0 * math.prod(shapes[0]) * shapes[1][-2])
    return 0.0


def _listed(node: Node, place: int) -> list[Node]:
    value = node.args[place]
    return [n for n in value if isinstance(n, Node)] if isinstance(value, list | tuple) else []


def work(trace: Trace, kind: Kind) -> float:
    """Operations of the nodes of one kind."""
    return sum(flops(node) for node, k in trace.kinds.items() if k is kind)


def elements(nodes: Iterable[Node]) -> float:
    """Values that are combined anew at every point beyond the parameters, which every engine combines."""
    return float(sum(n.meta["val"].numel() for n in nodes))


def reads_data(node: Node, trace: Trace) -> bool:
    """Whether an affine node depends on the batch: the others are parameters seen from another side."""
    waiting, seen = [node], set()
    while waiting:
        n = waiting.pop()
        if trace.kinds[n] is Kind.CONST:
            return True
        if n not in seen:
            seen.add(n)
            waiting.extend(n.all_input_nodes)
    return False


def split_bytes(nodes: Iterable[Node], trace: Trace, num: int) -> tuple[float, float]:
    """Bytes of values that no example enters, and bytes per example of the others."""
    fixed = each = 0.0
    for node in nodes:
        if node.op == "placeholder":
            continue
        if reads_data(node, trace):
            each += num_bytes(node) / num
        else:
            fixed += num_bytes(node)
    return fixed, each


def num_bytes(node: Node) -> int:
    """Of the tensors that a node gives."""
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else [value]
    return sum(v.numel() * v.element_size() for v in values if isinstance(v, Tensor))
