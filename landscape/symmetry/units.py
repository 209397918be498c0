"""What moves along an axis: groups of units that may change places, put together, taken apart and held.

An axis is a product of groups, outermost first, its entries in row-major order: the flattened map of 8 channels and
3 x 3 positions is (8 units, 9 in place). Each group stands for one permutation. A step of the network joins two groups
(both axes follow one permutation), splits one (each part follows its own, as before by a permutation of all), or
holds one (the identity alone). Every step leaves a subgroup of what was there, so what an earlier operator was shown
to allow stays allowed, and one pass over the graph is enough.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class Units:
    """One group of entries and what is known of its permutation.

    Args:
        size: how many.
        held: what keeps them in place; None: they may move.
        is_summed: they are summed against others, so that pieces within a unit cannot move alone.
        is_met: some value was computed along them; of weights that met zeros alone nothing is known.
        is_blank: of a tensor with one value everywhere, which every permutation leaves as it is.
    """

    size: int
    held: str | None = None
    is_summed: bool = False
    is_met: bool = False
    is_blank: bool = False
    _same: Units | None = None
    _parts: tuple[Units, Units] | None = None


INPUTS, OUTPUTS, POSITIONS, TOKENS, UNUSED = "inputs", "outputs", "positions", "tokens", "unused"
NATURAL = frozenset((INPUTS, OUTPUTS, POSITIONS, TOKENS, UNUSED))
"""What holds an axis in any network; all else is an operator that somebody may want to know of."""

Dim = tuple[Units, ...]
"""One axis; empty where its length is 1."""
Shape = list[Dim]
"""A tensor's axes."""


def free(size: int, is_blank: bool = False) -> Dim:
    """An axis whose entries may move in any way."""
    return (Units(size, is_blank=is_blank),) if size > 1 else ()


def still(size: int, why: str) -> Dim:
    """An axis whose entries stay."""
    return (Units(size, why),) if size > 1 else ()


def flat(dim: Iterable[Units]) -> list[Units]:
    """The groups as they are now, after all that was joined and split."""
    waiting, found = deque(dim), []
    while waiting:
        units = _root(waiting.popleft())
        if units._parts:
            waiting.extendleft(reversed(units._parts))
        else:
            found.append(units)
    return found


def size_of(dim: Dim) -> int:
    """The length of an axis."""
    return math.prod(units.size for units in dim)


def hold(dims: Iterable[Dim], why: str) -> None:
    """Keep all of these where they are."""
    for dim in dims:
        for units in flat(dim):
            units.held = why if units.held is None or why in NATURAL else units.held


def unify(first: Dim, second: Dim) -> None:
    """Let two axes of one length follow the same permutation; where their groups do not fit together, both stay."""
    left, right = deque(flat(first)), deque(flat(second))
    while left and right:
        one, other = _next(left), _next(right)
        if one is other:
            continue
        if one.size == other.size:
            _join(one, other)
            continue
        large, rest, small = (one, left, other) if one.size > other.size else (other, right, one)
        if large.size % small.size:
            hold([(one, other, *left, *right)], _blame(one, other))
            return
        outer, inner = _split(large, small.size)
        rest.appendleft(inner)
        if outer is not small:
            _join(outer, small)


def agree(first: Dim, second: Dim) -> None:
    """The same for axes of which either may have length 1 and be repeated along the other."""
    if first and second:
        unify(first, second)


def cut(dims: Sequence[Dim], sizes: Sequence[int], why: str) -> Shape:
    """The axes of the same entries, in the same order, in another shape; what the new shape cuts through stays."""
    waiting, found = deque(units for dim in dims for units in flat(dim)), []
    for size in sizes:
        dim: list[Units] = []
        need = size
        while need > 1 and waiting:
            units = _next(waiting)
            while units.held and waiting and (after := _next(waiting)):
                if not after.held:
                    waiting.appendleft(after)
                    break
                units = Units(units.size * after.size, units.held)
            if units.size > need and units.size % need == 0:
                units, rest = _split(units, need)
                waiting.appendleft(rest)
            if need % units.size:
                hold(dims, why)
                return [still(size, why) for size in sizes]
            dim.append(units)
            need //= units.size
        found.append(tuple(dim))
    return found


def _root(units: Units) -> Units:
    while units._same is not None:
        units = units._same
    return units


def _next(waiting: deque[Units]) -> Units:
    """The first group of a queue as it is now; a group stands once in each place, so splits reach all of them."""
    first, *others = flat([waiting.popleft()])
    waiting.extendleft(reversed(others))
    return first


def _join(one: Units, other: Units) -> None:
    other._same = one
    one.held = one.held or other.held
    one.is_summed |= other.is_summed
    one.is_met |= other.is_met
    one.is_blank &= other.is_blank


def _split(units: Units, outer: int) -> tuple[Units, Units]:
    """Two groups for one, [outer, size / outer]."""
    pair = [
        Units(size, units.held, units.is_summed, units.is_met, units.is_blank) for size in (outer, units.size // outer)
    ]
    units._parts = (pair[0], pair[1])
    return units._parts


def _blame(*groups: Units) -> str:
    return next((units.held for units in groups if units.held), "two numbers of units that do not divide one another")
