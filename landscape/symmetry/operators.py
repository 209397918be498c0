"""One operator of a traced graph, its arguments by name, and the axes of what it reads and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.fx import Node

from landscape.symmetry.units import Dim, Shape, agree, cut, flat, free, hold, still, unify


class Unknown(Exception):
    """No rule tells what an operator does to the order of units."""


@dataclass
class Operator:
    """A call in the graph.

    Args:
        node: the call.
        name: of the operator, without namespace and overload.
        shape_of: the axes of a node that came before.
    """

    node: Node
    name: str
    shape_of: Callable[[Node], Shape]

    def __post_init__(self) -> None:
        assert isinstance(self.node.target, OpOverload)
        arguments = self.node.target._schema.arguments
        given = dict(zip((a.name for a in arguments), self.node.args, strict=False)) | self.node.kwargs
        self.given: dict[str, Any] = {a.name: given.get(a.name, a.default_value) for a in arguments}

    @property
    def why(self) -> str:
        """What holds units that this operator holds."""
        return f"operator {self.name}"

    def value(self, *names: str, default: Any = None) -> Any:
        """The argument of the first of these names that the operator has."""
        return next((self.given[name] for name in names if name in self.given), default)

    def shape(self, *names: str) -> Shape:
        """The axes of the tensor given under the first of these names.

        Raises:
            Unknown: there is none.
        """
        found = self.maybe(*names)
        if found is None:
            raise Unknown
        return found

    def maybe(self, *names: str) -> Shape | None:
        """The axes of the tensor under the first of these names; None where none was given."""
        value = self.value(*names)
        return self.shape_of(value) if isinstance(value, Node) else None

    def shapes(self, *names: str) -> list[Shape]:
        """Those of a list of tensors."""
        return [self.shape_of(value) for value in self.value(*names) or [] if isinstance(value, Node)]

    @property
    def inputs(self) -> list[Shape]:
        """Those of every tensor that it reads, in order."""
        return [self.shape_of(node) for node in self.node.all_input_nodes]

    @property
    def sizes(self) -> list[int]:
        """Lengths of the axes of what it gives, of the first where that is several."""
        return list(sizes_of(self.node)[0])

    def held(self, sizes: Iterable[int]) -> Shape:
        """New axes that stay."""
        return [still(size, self.why) for size in sizes]

    def hold(self, dims: Iterable[Dim]) -> None:
        """Keep these where they are, because of this operator."""
        hold(dims, self.why)

    def cut(self, dims: Sequence[Dim], sizes: Sequence[int]) -> Shape:
        """The same entries in another shape."""
        return cut(dims, sizes, self.why)


def sizes_of(node: Node) -> list[tuple[int, ...]]:
    """The shape of every tensor that a node gives; empty for anything else among them."""
    value = node.meta.get("val")
    several = value if isinstance(value, tuple | list) else [value]
    return [tuple(v.shape) if isinstance(v, Tensor) else () for v in several]


def broadcast(shapes: Iterable[Shape]) -> Shape:
    """The axes of a value computed entry by entry from several; those that meet follow one permutation."""
    found: Shape = []
    for shape in shapes:
        longer, shorter = (shape, found) if len(shape) > len(found) else (found, shape)
        ahead = len(longer) - len(shorter)
        for first, second in zip(longer[ahead:], shorter, strict=True):
            agree(first, second)
        found = [*longer[:ahead], *(a or b for a, b in zip(longer[ahead:], shorter, strict=True))]
    return found


def summed(first: Dim, second: Dim) -> None:
    """Sum over the products of entries of two axes, which then follow one permutation."""
    groups = [*flat(first), *flat(second)]
    is_met = not any(units.is_blank for units in groups)
    unify(first, second)
    for units in flat(first):
        units.is_summed = True
        units.is_met |= is_met


def product(a: Shape, b: Shape) -> Shape:
    """The axes of a matrix product, a [..., N, M] or [M], b [..., M, K] or [M]."""
    left = a if len(a) > 1 else [(), *a]
    right = b if len(b) > 1 else [*b, ()]
    summed(left[-1], right[-2])
    rows, columns = ([left[-2]] if len(a) > 1 else []), ([right[-1]] if len(b) > 1 else [])
    return [*broadcast([left[:-2], right[:-2]]), *rows, *columns]


def repeated(dim: Dim, size: int) -> Dim:
    """An axis of length 1 repeated: its copies may stand in any order."""
    return dim or free(size)
