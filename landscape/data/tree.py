"""A batch of any shape as tensors with names: a dict, tuple or object of tensors that share their first axis."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.errors import InputError

Build = Callable[[Mapping[str, Tensor]], Any]
DEEPEST = 8
"""Containers within containers that are looked through."""


@dataclass(frozen=True, eq=False)
class Form:
    """How tensors with names hang together: what ``Tree`` took apart is put together again.

    Args:
        signature: the containers, names and constants in words; two batches of one signature have one form.
        build: {name: tensor} -> the containers around them.
    """

    signature: str
    build: Build


@dataclass(frozen=True, eq=False)
class Tree:
    """Tensors by name, each [B, ...] of the same B examples, and how they hang together.

    It is sliced, moved and copied as one tensor is. Names are dotted: ``input_ids``, ``0``, ``boxes.1``.

    Args:
        leaves: {name: [B, ...]}.
        form: puts them together.

    Raises:
        InputError: there are none, or their first axes differ.
    """

    leaves: dict[str, Tensor]
    form: Form

    def __post_init__(self) -> None:
        sizes = {name: tuple(leaf.shape) for name, leaf in self.leaves.items()}
        if not sizes:
            raise InputError("a batch holds no tensors; give tensors with the examples along their first axis")
        if any(not shape for shape in sizes.values()) or len({shape[0] for shape in sizes.values()}) > 1:
            shapes = ", ".join(f"{name} {list(shape)}" for name, shape in sizes.items())
            raise InputError(f"the tensors of a batch must share their first axis, the examples; here are {shapes}")

    @classmethod
    def of(cls, value: Any) -> Tree:
        """Take dicts, tuples, lists and objects of tensors apart; what is no tensor stays where it is.

        Entries of a dict that are lists of strings and the like, one per example, are left out.
        """
        leaves: dict[str, Tensor] = {}
        form = _taken_apart(value, "", leaves, DEEPEST)
        return cls(leaves, form)

    @property
    def value(self) -> Any:
        """The containers with their tensors."""
        return self.form.build(self.leaves)

    def map(self, change: Callable[[Tensor], Tensor]) -> Tree:
        """The same with every tensor changed."""
        return Tree({name: change(leaf) for name, leaf in self.leaves.items()}, self.form)

    def __len__(self) -> int:
        return len(next(iter(self.leaves.values())))

    def __getitem__(self, index: Any) -> Tree:
        return self.map(lambda leaf: leaf[index])

    def clone(self) -> Tree:
        """Copies of all tensors."""
        return self.map(torch.clone)

    def flip(self, axis: int) -> Tree:
        """Along an axis, as of one tensor."""
        return self.map(lambda leaf: leaf.flip(axis))

    def __iter__(self) -> Iterator[Tree]:
        return (self[row] for row in range(len(self)))

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return next(iter(self.leaves.values())).device

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(leaf.shape)}" for name, leaf in self.leaves.items())
        return f"Tree({shapes})"


Values = Tensor | Tree
"""What a batch brings: one tensor [B, ...], or several by name."""


def values_of(value: Any) -> Values:
    """A tensor or array as it is, containers of them as a ``Tree``."""
    return value if isinstance(value, Tensor) else Tree.of(value)


def leaves_of(values: Values, name: str) -> dict[str, Tensor]:
    """{``name``: tensor}, or of several {``name.of the leaf``: tensor}."""
    if isinstance(values, Tensor):
        return {name: values}
    return {f"{name}.{leaf}": tensor for leaf, tensor in values.leaves.items()}


def moved(values: Values, device: torch.device | str | None, dtype: torch.dtype | None) -> Values:
    """Elsewhere; ``dtype`` changes floating-point tensors only."""
    if isinstance(values, Tensor):
        return values.to(device, dtype if values.is_floating_point() else None)
    now = {name: moved(leaf, device, dtype) for name, leaf in values.leaves.items()}
    if all(now[name] is leaf for name, leaf in values.leaves.items()):
        return values
    return Tree(now, values.form)  # type: ignore[arg-type]


def joined(parts: Sequence[Values]) -> Values:
    """Several batches of one form as one."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat([part for part in parts if isinstance(part, Tensor)])
    names = first.leaves
    rows = [part for part in parts if isinstance(part, Tree)]
    return Tree({name: torch.cat([part.leaves[name] for part in rows]) for name in names}, first.form)


def signature(values: Values) -> str:
    """Names, precisions and inner shapes: batches with the same one can be joined."""
    if isinstance(values, Tensor):
        return f"{values.dtype}{list(values.shape[1:])}"
    return f"{values.form.signature} " + ", ".join(f"{n} {signature(v)}" for n, v in values.leaves.items())


def _taken_apart(value: Any, name: str, leaves: dict[str, Tensor], depth: int) -> Form:
    """Note the tensors of a value, and how to put them together again."""

    def below(key: Any) -> str:
        return f"{name}.{key}" if name else str(key)

    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or value.is_nested:
            raise InputError(f"{name or 'a batch'} is a tensor of layout {value.layout}; make it dense")
        leaves[name] = value
        return Form("tensor", lambda found: found[name])
    if depth and isinstance(value, Mapping):
        parts = {
            key: _taken_apart(part, below(key), leaves, depth - 1)
            for key, part in value.items()
            if not _is_list_of_others(part)
        }
        words = ", ".join(f"{key}: {part.signature}" for key, part in parts.items())
        return Form(f"{{{words}}}", lambda found: {key: part.build(found) for key, part in parts.items()})
    if depth and isinstance(value, tuple | list):
        kind, fields = type(value), getattr(value, "_fields", None)
        keys = fields or range(len(value))
        items = [_taken_apart(v, below(key), leaves, depth - 1) for key, v in zip(keys, value, strict=True)]

        def together(found: Mapping[str, Tensor]) -> Any:
            built = [item.build(found) for item in items]
            return kind(*built) if fields else tuple(built) if issubclass(kind, tuple) else built

        return Form(f"{kind.__name__}({', '.join(item.signature for item in items)})", together)
    if depth and hasattr(value, "to") and any(isinstance(v, Tensor) for v in getattr(value, "__dict__", {}).values()):
        own = {
            key: _taken_apart(v, below(key), leaves, depth - 1)
            for key, v in vars(value).items()
            if isinstance(v, Tensor | Mapping | tuple | list)
        }

        def filled(found: Mapping[str, Tensor]) -> Any:
            other = copy.copy(value)
            other.__dict__.update({key: part.build(found) for key, part in own.items()})
            return other

        words = ", ".join(f"{key}: {part.signature}" for key, part in own.items())
        return Form(f"{type(value).__name__}({words})", filled)
    return Form(repr(value)[:80], lambda found: value)


def _is_list_of_others(value: Any) -> bool:
    """Whether something is a list of strings and the like, one per example, which nothing here could slice."""
    if not isinstance(value, list | tuple) or not value or isinstance(value[0], Mapping | list | tuple | Tensor):
        return False
    return not any(isinstance(part, Tensor | np.ndarray) for part in value)


def holds_tensors(value: Any, depth: int = DEEPEST) -> bool:
    """Whether there is a tensor or an array of numbers anywhere in a value."""
    if isinstance(value, Tensor | np.ndarray):
        return True
    if not depth:
        return False
    if isinstance(value, Mapping):
        return any(holds_tensors(part, depth - 1) for part in value.values())
    if isinstance(value, tuple | list):
        return any(holds_tensors(part, depth - 1) for part in value)
    return hasattr(value, "to") and any(isinstance(part, Tensor) for part in getattr(value, "__dict__", {}).values())
