"""From a function of a point and a batch to a graph of operators, and how each node depends on the point."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from landscape.objective.engine.quicker import put_quicker

Forward = Callable[[Tensor, Mapping[str, Tensor], Any], tuple[Mapping[str, Tensor], Any]]
"""(theta [P], {name: what does not depend on the point}, state or None) -> ({channel: [B]}, state after the batch)."""


class Unsuited(Exception):
    """The engine cannot do this one; says why."""


class NotFinite(Unsuited):
    """This batch must be done by the plain path: what is infinite or no number is so in an order of its own."""


@dataclass(frozen=True)
class Trace:
    """One batch shape's graph.

    Args:
        module: the graph, with the constants that it holds.
        kinds: of every node.
        theta: the node of the point.
        known: the nodes of what does not depend on it, by name.
        state: nodes of the state that comes in.
        outputs: nodes of the channels and then of the state that goes out.
        channels: names of the first.
        state_spec: how the state is put together again.
    """

    module: GraphModule
    kinds: dict[Node, Kind]
    theta: Node
    known: dict[str, Node]
    state: list[Node]
    outputs: list[Node]
    channels: list[str]
    state_spec: pytree.TreeSpec | None


def flattened(state: Any) -> tuple[list[Tensor], pytree.TreeSpec | None]:
    """The tensors of a state and how they hang together; none and None where there is no state."""
    return ([], None) if state is None else pytree.tree_flatten(state)


def rebuilt(leaves: Sequence[Tensor], spec: pytree.TreeSpec | None) -> Any:
    """The state that ``flattened`` took apart."""
    return None if spec is None else pytree.tree_unflatten(list(leaves), spec)


def trace(forward: Forward, theta: Tensor, known: Mapping[str, Tensor], state: Any) -> Trace:
    """Run ``forward`` once on shapes alone, no values, and write down what it did.

    Raises:
        Unsuited: control flow that depends on values, operators that change their inputs, or outputs that are no
            tensors.
    """
    names = list(known)
    leaves, spec = flattened(state)
    channels: list[str] = []
    after: list[pytree.TreeSpec | None] = []

    def flat(theta: Tensor, *rest: Tensor) -> list[Tensor]:
        before = rebuilt(rest[len(names) :], spec)
        values, state_after = forward(theta, dict(zip(names, rest, strict=False)), before)
        channels[:] = list(values)
        ends, after_spec = flattened(state_after)
        after[:] = [after_spec]
        return [*values.values(), *ends]

    inputs = [theta, *known.values(), *leaves]
    try:
        with torch.no_grad():
            # Before dispatch: linear, lstm or cross_entropy stay one operator, and so the kernel that eager mode calls.
            module = make_fx(flat, None, "fake", True, pre_dispatch=True)(*inputs)
            if _mutates(module):
                module = make_fx(torch.func.functionalize(flat, remove="mutations"), None, "fake", True)(*inputs)
    except Exception as error:
        raise Unsuited(
            f"tracing failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if _mutates(module):
        raise Unsuited("an operator changes its input in place")
    if any(isinstance(getattr(module, n.target, None), FakeTensor) for n in module.graph.nodes if n.op == "get_attr"):
        raise Unsuited("a value inside the forward pass or the cost, such as a gradient, is not written down")
    if any(getattr(n.target, "__name__", "") == "_enter_autocast" for n in module.graph.nodes):
        raise Unsuited("autocast chooses precisions within the forward pass")
    for node in list(module.graph.nodes):
        if node.target is torch._C._set_grad_enabled:
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
    kinds = [Kind.AFFINE, *[Kind.CONST] * len(names), *[Kind.MOVING] * len(leaves)]
    by_name = {n.name: k for n, k in zip(placeholders, kinds, strict=True)}
    outputs = list(next(n for n in module.graph.nodes if n.op == "output").args[0])
    if not all(isinstance(n, Node) for n in outputs):
        raise Unsuited("an output is no tensor")
    return Trace(
        module,
        classify(module.graph, by_name),
        placeholders[0],
        dict(zip(names, placeholders[1:], strict=False)),
        placeholders[1 + len(names) :],
        outputs,
        channels,
        after[0],
    )


def _mutates(module: GraphModule) -> bool:
    return any(isinstance(n.target, torch._ops.OpOverload) and n.target._schema.is_mutable for n in module.graph.nodes)


class Kind(Enum):
    """``CONST`` does not depend on the point, ``AFFINE`` is affine in it, ``MOVING`` may be anything."""

    CONST = 0
    AFFINE = 1
    MOVING = 2


def _operators(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Operators that only say where each element goes.
PLACES = _operators(
    "view _unsafe_view reshape flatten unflatten unsqueeze squeeze expand t transpose permute movedim select slice "
    "narrow clone contiguous alias detach"
)
# The output is linear in the first argument; every further one only says which elements, which shape, which axis.
LINEAR_IN_FIRST = PLACES | _operators(
    "expand_as broadcast_to split split_with_sizes unsafe_split chunk unsafe_chunk unbind index_select gather diagonal "
    "tril triu neg sum mean cumsum flip roll repeat constant_pad_nd avg_pool1d avg_pool2d avg_pool3d "
    "adaptive_avg_pool1d adaptive_avg_pool2d im2col unfold numpy_T"
)
# Affine in all the tensors of their list.
LISTS = _operators("cat concat stack")
# Bilinear in the two arguments at these places, plus, where there is a third place, a term that is added.
BILINEAR: Mapping[str, tuple[int, int, int | None]] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "convolution"), (0, 1, 2)),
    **dict.fromkeys(("addmm", "baddbmm"), (1, 2, 0)),
    **dict.fromkeys(("mm", "bmm", "matmul", "mv", "dot", "mul"), (0, 1, None)),
}
# No dropout in evaluation mode: the identity.
INERT = _operators("dropout feature_dropout alpha_dropout feature_alpha_dropout")


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


def part(module: GraphModule, inputs: Sequence[Node], outputs: Sequence[Node]) -> GraphModule:
    """The function from ``inputs`` to ``outputs``; what lies before the inputs is not in it.

    torch.fx writes it as Python code that drops each value after its last use.
    """
    graph = Graph()
    copies: dict[Node, Node] = {node: graph.placeholder(node.name) for node in inputs}
    for node, copy in copies.items():
        copy.meta = dict(node.meta)
    needed = _between(set(inputs), outputs)
    for node in module.graph.nodes:
        if node in needed and node not in copies:
            copies[node] = graph.node_copy(node, lambda n: copies[n])
            put_quicker(node, copies[node])
    graph.output([copies[node] for node in outputs])
    graph.eliminate_dead_code()
    return GraphModule(module, graph)


def _between(inputs: set[Node], outputs: Sequence[Node]) -> set[Node]:
    """Every node that an output needs, up to the inputs."""
    found: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            if node not in inputs:
                waiting.extend(node.all_input_nodes)
    return found


def frontier(kinds: dict[Node, Kind], inputs: set[Node], outputs: Sequence[Node], kind: Kind) -> list[Node]:
    """The nodes of ``kind`` that nodes of later kinds between ``inputs`` and ``outputs`` read, or that are outputs."""
    needed = _between(inputs, outputs)
    read = {n for node in needed if node not in inputs and kinds[node].value > kind.value for n in node.all_input_nodes}
    return [n for n in kinds if kinds[n] is kind and (n in read or n in outputs)]
