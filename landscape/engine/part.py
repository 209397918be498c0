"""A graph cut into what is run once per batch, once per anchor, and once per point."""

from __future__ import annotations

from collections.abc import Sequence

from torch.fx import Graph, GraphModule, Node

from landscape.engine.few import cross_entropy, is_for_few
from landscape.engine.kind import Kind


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
            if is_for_few(node):
                copies[node].target, copies[node].args = cross_entropy, copies[node].args[:2]
    graph.output([copies[node] for node in outputs])
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
