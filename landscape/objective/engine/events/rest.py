"""What comes after the layers that the kernels serve: point by point, or at several points at once where rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import getitem

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from landscape.objective.engine.graph import name_of, part
from landscape.objective.engine.quicker import is_for_few
from landscape.objective.engine.scratch import Reusing

TOGETHER_BYTES = 1 << 19
"""Of what goes in at several points at once: a few operators on small tensors take longer to call than to run."""
ELEMENTWISE = frozenset({"ne", "eq", "__and__", "__or__", "logical_not", "_to_copy", "to", "neg"})
ALONG = ((1,), (-1,))
"""The classes of a row."""


class Rest:
    """The outputs of a graph from the value of one of its nodes.

    Args:
        module: the graph.
        after: the node, [B, ...].
        affine, const: the other nodes that are read.
        outputs: what comes out.
        held: memory to work in.
        keeps: whether the values at several points may be held at once.
    """

    def __init__(
        self,
        module: GraphModule,
        after: Node,
        affine: Sequence[Node],
        const: Sequence[Node],
        outputs: Sequence[Node],
        held: dict[str, Tensor],
        keeps: bool,
    ) -> None:
        self.one = Reusing(part(module, [after, *affine, *const], list(outputs)), held)
        value, self.num = after.meta["val"], 1
        if keeps and not affine and value.dim() == 2 and _is_by_rows(after, const, outputs):
            self.num = max(1, TOGETHER_BYTES // max(1, value.numel() * value.element_size()))
        self.many = part(module, [after, *const], list(outputs)) if self.num > 1 else None
        self.num_bytes = self.one.num_bytes + (4 * TOGETHER_BYTES if self.num > 1 else 0)

    def __call__(
        self, values: Iterator[Tensor], moving: Callable[[int], list[Tensor]], const: Sequence[Tensor]
    ) -> Iterator[list[Tensor]]:
        """The outputs at each point.

        Args:
            values: of the node.
            moving: number of a point -> the affine nodes there.
            const: the constant nodes.
        """
        if self.many is None:
            for n, value in enumerate(values):
                outputs = self.one(value, *moving(n), *const)
                # What lies in the kernels' own memory is written over by the points to come.
                own = value.untyped_storage().data_ptr()
                yield [v.clone() if v.untyped_storage().data_ptr() == own else v for v in outputs]
            return
        again: list[Tensor] = []
        while some := list(islice(values, self.num)):
            if not again or len(again[0]) != len(const[0]) * len(some):
                again = [c.repeat(len(some), *[1] * (c.dim() - 1)) for c in const]
            found = [output.view(len(some), -1) for output in self.many(torch.cat(some), *again)]
            yield from ([output[n] for output in found] for n in range(len(some)))


def _is_by_rows(after: Node, const: Sequence[Node], outputs: Sequence[Node]) -> bool:
    """Whether all that happens happens to each row alone, and one number comes of it."""
    rows, by_rows = len(after.meta["val"]), {after, *const}
    if not const or any(len(shape := node.meta["val"].shape) != 1 or shape[0] != rows for node in const):
        return False
    for node in after.graph.nodes:
        read, own, name = node.all_input_nodes, node.meta.get("val"), name_of(node)
        if node in by_rows or not read or not by_rows.issuperset(read):
            continue
        if name == "max" and node.args[1:] in ALONG:
            by_rows.add(node)  # values and places
        elif not isinstance(own, Tensor) or own.shape != (rows,):
            continue
        elif node.target is getitem or is_for_few(node) or name in ELEMENTWISE:
            by_rows.add(node)
    return by_rows.issuperset(outputs) and after not in outputs
