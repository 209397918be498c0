"""An update of a small net is for the most part torch's bookkeeping: its gradient is written down and gone over again.

Autograd and vmap decide anew at every step what to run. For one shape of minibatch that is always the same list of
operators, so the list alone is run: on a net of a few thousand parameters in a third to a half of the time, to the same
bits, which a few steps of each list compare before it serves.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Interpreter, Node
from torch.fx.experimental.proxy_tensor import make_fx

ByAutograd = Callable[[dict[str, Tensor], Mapping[str, Tensor], Tensor | None], tuple[list[str], list[Tensor]]]
"""(leaves, known, masks) -> the names of the parameters with a slope; costs, shares, and these slopes."""

AFTER = 64
"""Steps of one shape before its list is written down, which takes as long as some hundreds of them."""
COMPARED = 2
"""Steps in which a list and autograd must agree in every bit."""
MOST_LISTS = 4
MOST_PARAMETERS = 200_000
"""Of one network: beyond, the products take the time."""

aten = torch.ops.aten
SAME = {aten.detach.default, aten.alias.default}
RESHAPED = {aten.expand.default, aten.view.default, aten._unsafe_view.default}
BY_SHAPE = {aten.full_like.default, aten.zeros_like.default, aten.ones_like.default}
BY_SHAPE |= {aten.new_zeros.default, aten.new_ones.default, aten.new_full.default}
"""Their values come from nothing but shapes."""
UNSUITED = {torch.Tag.nondeterministic_seeded, torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output}
"""What a list cannot hold: random numbers, and shapes that depend on values."""


class Replays:
    """replays(leaves, known, masks): what autograd gives, by a list of operators once a shape has been seen often.

    Args:
        by_autograd: the gradient; it must depend on nothing but what it is given.
    """

    def __init__(self, by_autograd: ByAutograd) -> None:
        self.by_autograd = by_autograd
        self.leaves: dict[str, Tensor] = {}
        self._forget()

    def _forget(self) -> None:
        self.seen: Counter[Any] = Counter()
        self.lists: dict[Any, tuple[list[str], Callable[..., list[Tensor]]] | None] = {}

    def __call__(
        self, leaves: dict[str, Tensor], known: Mapping[str, Tensor], masks: Tensor | None
    ) -> tuple[list[str], list[Tensor]]:
        """As ``by_autograd``.

        Args:
            leaves: lists are of these very tensors, which are moved in place; others begin anew.
        """
        if leaves.keys() != self.leaves.keys() or any(leaf is not self.leaves[name] for name, leaf in leaves.items()):
            self.leaves = dict(leaves)
            self._forget()
        given = [*known.values()] if masks is None else [*known.values(), masks]
        key = tuple([value.shape for value in given])
        self.seen[key] += 1
        if self.seen[key] == AFTER and len(self.lists) < MOST_LISTS and _may_pay(leaves, len(given[0])):
            self.lists[key] = self._written(known, masks)
        found = self.lists.get(key)
        if found is None:
            return self.by_autograd(leaves, known, masks)
        if self.seen[key] < AFTER + COMPARED:
            names, wanted = self.by_autograd(leaves, known, masks)
            if names != found[0] or not _same_bits(found[1](*given), wanted):
                self.lists[key] = None
            return names, wanted
        return found[0], found[1](*given)

    def _written(
        self, known: Mapping[str, Tensor], masks: Tensor | None
    ) -> tuple[list[str], Callable[..., list[Tensor]]] | None:
        """The list for these shapes; None where there can be none."""
        leaves, num, names = self.leaves, len(self.leaves), list[str]()
        given = [*known.values()] if masks is None else [*known.values(), masks]

        def flat(*values: Tensor) -> list[Tensor]:
            pairs = zip(values, leaves.values(), strict=False)
            own = [value.detach().requires_grad_(leaf.requires_grad) for value, leaf in pairs]
            rest = dict(zip(known, values[num:], strict=False))
            last = None if masks is None else values[-1]
            names[:], found = self.by_autograd(dict(zip(leaves, own, strict=True)), rest, last)
            return [value.detach() for value in found]

        fixed = [leaf.detach() for leaf in leaves.values()]
        try:
            with torch.random.fork_rng(devices=[]):
                module = make_fx(flat)(*fixed, *given)
            return (list(names), _folded(module, fixed, given)) if _is_suited(module.graph) else None
        except Exception:  # of whatever a net or a cost does that cannot be written down
            return None


def _may_pay(leaves: Mapping[str, Tensor], num_networks: int) -> bool:
    """Whether bookkeeping is a good part of the time."""
    num = sum(leaf.numel() for leaf in leaves.values())
    return all(leaf.is_cpu for leaf in leaves.values()) and num <= MOST_PARAMETERS * num_networks


def _same_bits(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
    """Values and shapes, no number like another; tensors that may be written into are apart where they were."""
    if len({v.untyped_storage().data_ptr() for v in found}) < len({v.untyped_storage().data_ptr() for v in wanted}):
        return False
    return all(_are_same(a, b) for a, b in zip(found, wanted, strict=True))


def _are_same(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    bits = [value.flatten().contiguous().view(torch.uint8) for value in (one, other)]
    return torch.equal(*bits)


def _is_suited(graph: Graph) -> bool:
    """Whether all operators give new values by what they read, none by chance."""
    called = [node.target for node in graph.nodes if node.op not in ("placeholder", "get_attr", "output")]
    operators = [target for target in called if target is not operator.getitem]
    return all(
        isinstance(target, torch._ops.OpOverload) and not target._schema.is_mutable and UNSUITED.isdisjoint(target.tags)
        for target in operators
    )


def _folded(module: GraphModule, fixed: Sequence[Tensor], given: Sequence[Tensor]) -> Callable[..., list[Tensor]]:
    """What must be run at every step, as a function of ``given``; views of ``fixed`` and constants are made once."""
    graph = module.graph
    graph.eliminate_dead_code()
    _Values(module).run(*fixed, *given)
    for node in list(graph.nodes):
        if node.op == "call_function" and (same := _same_as(node)) is not None:
            node.replace_all_uses_with(same)
            graph.erase_node(node)
    graph.eliminate_dead_code()
    _Values(module).run(*fixed, *given)  # views of what was a copy before
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    stable = _stable(graph, dict(zip(inputs, fixed, strict=False)))
    _, _, *slopes = next(node for node in graph.nodes if node.op == "output").args[0]
    if any(slope in stable or slope in inputs for slope in slopes):
        raise ValueError("a slope is no new memory, and an optimizer may write there")
    return _compiled(graph, inputs[len(fixed) :], stable)


def _compiled(graph: Graph, given: Sequence[Node], stable: Mapping[Node, Any]) -> Callable[..., list[Tensor]]:
    """The graph as a function: without what torch's own does at every call it takes a third less.

    Args:
        given: its arguments.
        stable: nodes that are not run.
    """
    output, last, run = next(reversed(graph.nodes)), dict[Node, Node](), list[Node]()
    for node in reversed(graph.nodes):
        if node is output or (node in last and node not in stable and node not in given):
            run.insert(0, node)
            for read in node.all_input_nodes:
                last.setdefault(read, node)
    held: dict[str, Any] = {f"held_{node}": value for node, value in stable.items()}

    def name(value: Any) -> str:
        if isinstance(value, Node):
            return f"held_{value}" if value in stable else str(value)
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(name, value))}]"
        held[key := f"value_{len(held)}"] = value
        return key

    lines = [f"def replay({', '.join(map(str, given))}):"]
    for node in run[:-1]:
        target: Any = node.target
        held[f"run_{node}"] = target if target is operator.getitem else target._op
        arguments = [name(value) for value in node.args] + [f"{k}={name(value)}" for k, value in node.kwargs.items()]
        lines.append(f" {node} = run_{node}({', '.join(arguments)})")
        if done := [str(read) for read, by in last.items() if by is node and read in run]:
            lines.append(f" del {', '.join(done)}")  # what is needed next takes its memory, which is in the cache
    lines.append(f" return {name(output.args[0])}")
    exec("\n".join(lines), held)
    return held["replay"]  # type: ignore[no-any-return]


class _Values(Interpreter):
    """Notes what each node of a graph comes to."""

    def run_node(self, n: Node) -> Any:
        """Keeps it with the node."""
        n.meta["own"] = found = super().run_node(n)
        return found

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Without autograd."""
        with torch.no_grad():
            return super().run(*args, **kwargs)


def _same_as(node: Node) -> Node | None:
    """A node that has the same value already, or has it in less time."""
    target, first = node.target, node.args[0] if node.args else None
    if not isinstance(first, Node) or not isinstance(first.meta["own"], Tensor):
        return None
    own, before = node.meta["own"], first.meta["own"]
    if target in SAME or (target in RESHAPED and own.shape == before.shape):
        return first
    if target is aten.mul.Scalar and node.args[1] == 1 and own.dtype == before.dtype:
        return first
    if target is not aten.t.default and target is not aten.transpose.int:
        return None
    if first.target is target and first.args[1:] == node.args[1:]:
        return first.args[0]  # type: ignore[return-value]
    if first.target is aten.bmm.default and len(first.users) == 1 and node.args[1:] == (1, 2):
        return _turned(node, *first.args)  # type: ignore[arg-type]
    return None


def _turned(node: Node, left: Node, right: Node) -> Node | None:
    """(A B)^T as B^T A^T, where this comes to the same bits: it lies in memory as the parameter does that it moves."""
    parts = [part.meta["own"].transpose(1, 2) for part in (right, left)]
    found = torch.bmm(*parts)
    if not _are_same(found, node.meta["own"]):
        return None
    graph, turned = node.graph, list[Node]()
    with graph.inserting_before(node):
        for part, value in zip((right, left), parts, strict=True):
            if part.target is aten.transpose.int and part.args[1:] == (1, 2):
                turned.append(part.args[0])  # type: ignore[arg-type]
            else:
                turned.append(graph.call_function(aten.transpose.int, (part, 1, 2)))
                turned[-1].meta["own"] = value
        product = graph.call_function(aten.bmm.default, tuple(turned))
    product.meta["own"] = found
    return product


def _stable(graph: Graph, fixed: Mapping[Node, Tensor]) -> dict[Node, Any]:
    """Nodes whose value is the same at every step, or memory that is: constants, and views of the parameters."""
    places = {value.untyped_storage().data_ptr() for value in fixed.values()}
    stable, constant = dict[Node, Any](fixed), set[Node]()
    for node in graph.nodes:
        if node.op not in ("get_attr", "call_function"):
            continue
        own, read = node.meta["own"], node.all_input_nodes
        if node.target in BY_SHAPE or constant.issuperset(read):
            constant.add(node)
            stable[node] = own
        elif stable.keys() >= set(read) and isinstance(own, Tensor) and own.untyped_storage().data_ptr() in places:
            stable[node] = own
    return {node: value for node, value in stable.items() if any(user not in stable for user in node.users)}
