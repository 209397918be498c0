"""How each node of a traced graph depends on the point: not at all, affinely, or otherwise."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import torch
from torch.fx import Graph, Node


class Kind(Enum):
    """``CONST`` does not depend on the point, ``AFFINE`` is affine in it, ``MOVING`` may be anything."""

    CONST = 0
    AFFINE = 1
    MOVING = 2


# The output is linear in the first argument; every further one only says which elements, which shape, which axis.
LINEAR_IN_FIRST = frozenset((
    "view", "_unsafe_view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "expand_as",
    "broadcast_to", "t", "transpose", "permute", "movedim", "select", "slice", "narrow", "split",
    "split_with_sizes", "unsafe_split", "chunk", "unsafe_chunk", "unbind", "index_select", "gather", "diagonal",
    "tril", "triu", "clone", "contiguous", "alias", "detach", "neg", "sum", "mean", "cumsum", "flip", "roll",
    "repeat", "constant_pad_nd", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "im2col", "unfold", "numpy_T",
))  # fmt: skip
# Affine in all the tensors of their list.
LISTS = frozenset(("cat", "concat", "stack"))
# Bilinear in the two arguments at these places, plus, where there is a third place, a term that is added.
BILINEAR: Mapping[str, tuple[int, int, int | None]] = {
    "linear": (0, 1, 2), "conv1d": (0, 1, 2), "conv2d": (0, 1, 2), "conv3d": (0, 1, 2), "convolution": (0, 1, 2),
    "addmm": (1, 2, 0), "baddbmm": (1, 2, 0), "mm": (0, 1, None), "bmm": (0, 1, None), "matmul": (0, 1, None),
    "mv": (0, 1, None), "dot": (0, 1, None), "mul": (0, 1, None),
}  # fmt: skip
# No dropout in evaluation mode: the identity.
INERT = frozenset(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"))


def name_of(node: Node) -> str:
    """``aten.view.default`` -> ``view``; empty for what is no aten operator."""
    target = node.target
    return target.overloadpacket.__name__ if isinstance(target, torch._ops.OpOverload) else ""


def classify(graph: Graph, inputs: Mapping[str, Kind]) -> dict[Node, Kind]:
    """The kind of every node; ``inputs`` gives that of each placeholder by its name.

    A node is affine when it is jointly affine in the affine values that it reads while everything else that it reads
    is const; whatever is not known to be so is moving, which is always a safe answer.
    """
    kinds: dict[Node, Kind] = {}
    for node in graph.nodes:
        if node.op == "placeholder":
            kinds[node] = inputs[node.name]
        elif node.op == "get_attr":
            kinds[node] = Kind.CONST
        elif node.op != "output":
            kinds[node] = kind_of(node, kinds)
    return kinds


def kind_of(node: Node, kinds: Mapping[Node, Kind]) -> Kind:
    """The kind of one node from those of the nodes that it reads."""
    worst = _worst(kinds, node.all_input_nodes)
    if worst is not Kind.AFFINE:
        return worst
    return Kind.AFFINE if _is_affine(node, kinds) else Kind.MOVING


def _worst(kinds: Mapping[Node, Kind], nodes: Iterable[Any]) -> Kind:
    return max((kinds[n] for n in nodes if isinstance(n, Node)), key=lambda k: k.value, default=Kind.CONST)


def _is_affine(node: Node, kinds: Mapping[Node, Kind]) -> bool:
    """Whether a node that reads affine and const values alone is affine itself."""
    name, args = name_of(node), node.args
    if node.target is operator.getitem:
        return True

    def varies(place: int) -> bool:
        return place < len(args) and _worst(kinds, [args[place]]) is not Kind.CONST

    others = [n for n in node.all_input_nodes if n is not args[0]]
    if name in LINEAR_IN_FIRST or (name in INERT and args[2] is False):
        return _worst(kinds, others) is Kind.CONST and not _casts(node)
    if name in ("to", "_to_copy"):
        return not _casts(node)
    if name in LISTS or name in ("add", "sub", "rsub"):
        return not _casts(node)
    if name == "div":
        return not varies(1) and "rounding_mode" not in node.kwargs
    if name == "where":
        return not varies(0)
    if name == "embedding":
        return not varies(1)
    if name in BILINEAR:
        first, second, _ = BILINEAR[name]
        return not (varies(first) and varies(second))
    return False


def _casts(node: Node) -> bool:
    """Whether the value changes its type on the way: a cast rounds, and to a whole number it truncates."""
    read = [n.meta["val"] for n in node.all_input_nodes if isinstance(n.meta.get("val"), torch.Tensor)]
    out = node.meta.get("val")
    if not isinstance(out, torch.Tensor):
        return False
    return not out.is_floating_point() or any(v.is_floating_point() and v.dtype != out.dtype for v in read)
