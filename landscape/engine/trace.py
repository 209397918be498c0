"""From a function of a point and a batch to a graph of torch operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from landscape.engine.kind import Kind, classify

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
        theta: the node of the point. known: the nodes of what does not depend on it, by name. state: nodes of the
            state that comes in.
        outputs: nodes of the channels and then of the state that goes out. channels: names of the first.
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
        module, classify(module.graph, by_name), placeholders[0],
        dict(zip(names, placeholders[1:], strict=False)), placeholders[1 + len(names) :], outputs, channels, after[0],
    )  # fmt: skip


def _mutates(module: GraphModule) -> bool:
    return any(isinstance(n.target, torch._ops.OpOverload) and n.target._schema.is_mutable for n in module.graph.nodes)
