"""Permutations of hidden units, and how the axes of parameters and buffers follow them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Axis:
    """How one axis of a parameter or buffer follows a permutation of U units.

    Entry (o * U + u) * inner + i of the axis belongs to unit u, o < outer and i < inner.

    Args:
        permutation: its name.
        inner: consecutive entries that move together, such as the H*W positions of a flattened channel, or the K
            pieces of a maxout unit.
        outer: blocks of all units, such as the four gates of an LSTM.
        has_pieces: the inner entries of a unit, or the outer ones where inner is 1, are its K maxout pieces, and may be
            permuted among themselves as well.
    """

    permutation: str
    inner: int = 1
    outer: int = 1
    has_pieces: bool = False

    @property
    def pieces(self) -> int:
        """K; 1 where the entries of a unit keep their order."""
        return (self.inner if self.inner > 1 else self.outer) if self.has_pieces else 1


@dataclass(frozen=True)
class Axes:
    """Which axes of which parameters and buffers share a permutation. What is not named stays where it is.

    Args:
        sizes: {name of a permutation: its number of units U}.
        of: {name of a parameter or buffer: one entry per axis of it}; None for an axis that stays. Tied ones go by the
            first of their names.
        tied: {every further name of a tied one: the first}.
        stays: {name of a parameter or buffer: what holds an axis of it that no permutation moves}.
    """

    sizes: dict[str, int]
    of: dict[str, tuple[Axis | None, ...]]
    tied: dict[str, str] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)

    def pieces(self, permutation: str) -> int:
        """K of a permutation of maxout units; 1 for any other."""
        return max((a.pieces for a in self.all() if a.permutation == permutation), default=1)

    def all(self) -> list[Axis]:
        """Every axis that follows a permutation."""
        return [axis for entries in self.of.values() for axis in entries if axis is not None]


def fault_of(axes: Axes, tensors: Mapping[str, Tensor]) -> str | None:
    """In what axes do not fit the tensors that they name, or one another; None where they do."""
    for name, every in axes.of.items():
        if name not in tensors:
            return f"{name} is no parameter or buffer, or not the first of its names"
        shape = tensors[name].shape
        if len(every) != len(shape):
            return f"{name} has {len(every)} entries for a shape of {list(shape)}"
        for k, axis in enumerate(every):
            if axis is None:
                continue
            num = axes.sizes.get(axis.permutation, 0)
            if axis.outer * num * axis.inner != shape[k]:
                blocks = f"{axis.outer} x {num} x {axis.inner}"
                return f"{name}, axis {k} has length {shape[k]}, not the {blocks} of permutation {axis.permutation}"
    for name in axes.sizes:
        counts = {axis.pieces for axis in axes.all() if axis.permutation == name and axis.has_pieces}
        if len(counts) > 1:
            return f"permutation {name} has {' and '.join(map(str, sorted(counts)))} pieces in a unit"
    return None


@dataclass(frozen=True)
class Permutation:
    """The new unit u is the old unit ``units[u]``; its new piece k is that one's old piece ``pieces[u, k]``.

    Args:
        units: [U].
        pieces: [U, K], or None: pieces keep their order.
    """

    units: Tensor
    pieces: Tensor | None = None


def permuted(state: Mapping[str, Tensor], axes: Axes, by: Mapping[str, Permutation]) -> dict[str, Tensor]:
    """The same function with its hidden units in another order; values are moved and nothing is computed.

    Args:
        state: parameters and buffers by name; what ``axes`` does not name is handed on as it is.
        axes: which axes follow which permutation.
        by: permutations by name; one that is not here is the identity.

    Returns:
        ``state`` under the same names, copies where something moved.
    """
    found = {}
    for name, value in state.items():
        for dim, axis in enumerate(axes.of.get(axes.tied.get(name, name), ())):
            if axis is not None and axis.permutation in by:
                index = entries(axis, by[axis.permutation])
                value = value.index_select(dim, index.to(value.device))
        found[name] = value
    return found


def entries(axis: Axis, by: Permutation) -> Tensor:
    """The old entry that stands at each new place of an axis, [outer * U * inner]."""
    num = len(by.units)
    places = torch.arange(axis.outer * num * axis.inner).view(axis.outer, num, axis.inner)[:, by.units]
    if axis.has_pieces and by.pieces is not None:
        if axis.inner > 1:
            places = places.gather(2, by.pieces.expand(axis.outer, -1, -1))
        else:
            places = places.gather(0, by.pieces.t()[:, :, None])
    return places.flatten()


def identity(axes: Axes) -> dict[str, Permutation]:
    """Every unit and piece where it is."""
    return _each(axes, torch.arange)


def random_permutations(axes: Axes, generator: torch.Generator) -> dict[str, Permutation]:
    """Every order of the units, and of the pieces of each, with the same probability."""
    return _each(axes, lambda num: torch.randperm(num, generator=generator))


def _each(axes: Axes, order: Callable[[int], Tensor]) -> dict[str, Permutation]:
    found = {}
    for name, num in axes.sizes.items():
        num_pieces = axes.pieces(name)
        units = order(num)
        pieces = torch.stack([order(num_pieces) for _ in range(num)]) if num_pieces > 1 else None
        found[name] = Permutation(units, pieces)
    return found


def composed(first: Mapping[str, Permutation], then: Mapping[str, Permutation]) -> dict[str, Permutation]:
    """One permutation for two: ``permuted(permuted(state, axes, first), axes, then)``."""
    return {**first, **then} | {name: _composed(first[name], then[name]) for name in first.keys() & then.keys()}


def _composed(first: Permutation, then: Permutation) -> Permutation:
    pieces = None if first.pieces is None else first.pieces[then.units]  # of the old unit at each new place
    if then.pieces is not None:
        pieces = then.pieces if pieces is None else pieces.gather(1, then.pieces)
    return Permutation(first.units[then.units], pieces)


def inverse(by: Mapping[str, Permutation]) -> dict[str, Permutation]:
    """What undoes them: ``composed(by, inverse(by))`` is the identity."""
    return {name: _inverse(one) for name, one in by.items()}


def _inverse(by: Permutation) -> Permutation:
    units = by.units.argsort()
    return Permutation(units, None if by.pieces is None else by.pieces.argsort(dim=1)[units])
