"""From groups of units to axes and permutations: which of them a permutation for each axis can express."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from landscape.symmetry.axes import Axes, Axis
from landscape.symmetry.units import NATURAL, Shape, Units, flat, hold, size_of

CROWDED = "an axis that holds units of another kind as well"
APART = "weights that meet zeros alone in this example"


def read_off(values: Mapping[str, Shape], every: Iterable[Shape], tied: dict[str, str]) -> Axes:
    """The permutations that are left.

    An axis follows one permutation. Where an axis is made of two groups, as channels of a convolution in groups are,
    the inner one may be the pieces of the outer one's units; otherwise the larger of the two moves, the outer one of
    equals, and the other stays.

    Args:
        values: axes of each parameter and buffer.
        every: axes of all that is computed from them.
        tied: further names of values.
    """
    shapes = list(every)
    for shape in values.values():
        for dim in shape:
            for units in flat(dim):
                if not units.is_met:
                    hold([(units,)], APART)
    pieces = _settled(values, shapes)
    names = _names(values, pieces)
    of, stays = {}, {}
    for name, shape in values.items():
        entries = tuple(_axis([*flat(dim)], names, pieces) for dim in shape)
        if any(entries):
            of[name] = entries
        for dim, entry in zip(shape, entries, strict=True):
            if entry is None and (odd := [u.held for u in flat(dim) if u.held and u.held not in NATURAL]):
                stays[name] = odd[0]
    return Axes(
        {name: units.size for units, name in names.items()},
        of,
        {name: own for name, own in tied.items() if own in of},
        stays,
    )


def _moving(shape: Shape) -> list[list[Units]]:
    return [[units for units in flat(dim) if not units.held] for dim in shape]


def _settled(values: Mapping[str, Shape], shapes: list[Shape]) -> dict[Units, Units]:
    """{pieces: the units whose pieces they are}, with every axis down to one permutation."""
    while True:
        pieces = _pieces(values, shapes)
        crowded = [
            moving
            for shape in values.values()
            for moving in _moving(shape)
            if len(moving) > 1 and not (len(moving) == 2 and _pair(moving, pieces))
        ]
        if not crowded:
            return pieces
        keep = max(crowded[0], key=lambda units: units.size)  # the first of equals
        is_twice = crowded[0].count(keep) > 1  # along rows and columns of one flattened product
        hold([tuple(units for units in crowded[0] if is_twice or units is not keep)], CROWDED)


def _pair(moving: list[Units], pieces: Mapping[Units, Units]) -> bool:
    first, second = moving
    return pieces.get(second) is first or pieces.get(first) is second


def _pieces(values: Mapping[str, Shape], shapes: list[Shape]) -> dict[Units, Units]:
    """Groups that stand beside one other group wherever they are, and whose entries nothing tells apart.

    The pieces of each unit may then move on their own: every operator computes along them for each unit alone.
    """
    beside: dict[Units, set[tuple[Units, bool]]] = {}
    for shape in values.values():
        for dim in shape:
            groups = flat(dim)
            for units in groups:
                if not units.held:
                    beside.setdefault(units, set()).update(_partners(groups, units))
                    if not _partners(groups, units):
                        beside[units].add((units, True))  # stands alone somewhere: no pieces
    counts = [[units for dim in shape for units in flat(dim)] for shape in shapes]
    found: dict[Units, Units] = {}
    for units, partners in beside.items():
        owners = {owner for owner, _ in partners}
        if len(owners) != 1 or units in owners or units.is_summed:
            continue
        owner = owners.pop()
        together = all(c.count(units) == 1 and c.count(owner) == 1 for c in counts if units in c)
        if together and owner not in found and owner not in found.values():
            found[units] = owner
    return found


def _partners(groups: list[Units], units: Units) -> set[tuple[Units, bool]]:
    """(the units whose pieces these could be, whether they stand ahead) in one axis."""
    moving = [g for g in groups if not g.held]
    if len(moving) != 2 or units not in moving:
        return set()
    if groups[-2:] == [moving[0], units]:
        return {(moving[0], True)}
    if groups == [units, moving[-1]]:
        return {(moving[-1], False)}
    return set()


def _axis(groups: list[Units], names: Mapping[Units, str], pieces: Mapping[Units, Units]) -> Axis | None:
    moving = [units for units in groups if not units.held]
    if not moving:
        return None
    unit = next(units for units in moving if units not in pieces)
    place = groups.index(unit)
    inner, outer = size_of(tuple(groups[place + 1 :])), size_of(tuple(groups[:place]))
    return Axis(names[unit], inner, outer, len(moving) > 1)


def _names(values: Mapping[str, Shape], pieces: Mapping[Units, Units]) -> dict[Units, str]:
    """Each group by the module whose outputs it orders, or by a parameter where that says too little."""
    outputs: dict[Units, str] = {}
    others: dict[Units, str] = {}
    for name, shape in values.items():
        for place, moving in enumerate(_moving(shape)):
            for units in (units for units in moving if units not in pieces):
                (others if place else outputs).setdefault(units, name)
    places = {**others, **outputs}
    owners = {units: name.rpartition(".")[0] or name for units, name in places.items()}
    several = {owner for owner in owners.values() if list(owners.values()).count(owner) > 1}
    names = {units: places[units] if owner in several else owner for units, owner in owners.items()}
    taken: dict[str, int] = {}
    for units, name in names.items():
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            names[units] = f"{name}.{taken[name]}"
    return names
