"""Permutations are moves of values: against a plain loop, and as a group."""

from __future__ import annotations

import pytest
import torch

from landscape.symmetry.axes import Axes, Axis, composed, entries, identity, inverse, permuted, random_permutations

MAXOUT = Axes(
    {"a": 3, "b": 4},
    {
        "inner": (Axis("a", inner=2, has_pieces=True), None),
        "outer": (None, Axis("a", outer=2, has_pieces=True)),
        "gates": (Axis("b", outer=4), Axis("b")),
        "flat": (Axis("a"), Axis("b", inner=5)),
        "running": (Axis("b"),),
    },
)
STATE = {
    "inner": torch.arange(12.0).view(6, 2),
    "outer": torch.arange(12.0).view(2, 6),
    "gates": torch.arange(64).view(16, 4),
    "flat": torch.arange(60.0).view(3, 20),
    "running": torch.arange(4.0),
    "count": torch.tensor(7),
}


@pytest.mark.parametrize(
    "axis", [Axis("a"), Axis("a", 4), Axis("a", 1, 2), Axis("a", 4, 3), Axis("a", 3, 2, True), Axis("a", 1, 3, True)]
)
def test_entries_are_those_of_a_plain_loop(axis: Axis) -> None:
    """(o * U + u) * inner + i, one by one."""
    axes = Axes({"a": 5}, {"w": (axis,)})
    by = random_permutations(axes, torch.Generator().manual_seed(1))["a"]
    expected = []
    for o in range(axis.outer):
        for u in range(5):
            for i in range(axis.inner):
                old_o, old_i = o, i
                if axis.has_pieces and axis.inner > 1:
                    assert by.pieces is not None
                    old_i = int(by.pieces[u, i])
                elif axis.has_pieces:
                    assert by.pieces is not None
                    old_o = int(by.pieces[u, o])
                expected.append((old_o * 5 + int(by.units[u])) * axis.inner + old_i)
    assert entries(axis, by).tolist() == expected


def test_permutations_are_a_group() -> None:
    """The identity, inverses and compositions, all bitwise; what no axis names is handed on."""
    generator = torch.Generator().manual_seed(0)
    first, then = random_permutations(MAXOUT, generator), random_permutations(MAXOUT, generator)

    def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
        return all(torch.equal(a[name], b[name]) for name in STATE)

    once = permuted(STATE, MAXOUT, first)
    assert not same(once, STATE) and once["count"] is STATE["count"]
    assert same(permuted(STATE, MAXOUT, identity(MAXOUT)), STATE) and same(permuted(STATE, MAXOUT, {}), STATE)
    assert same(permuted(once, MAXOUT, then), permuted(STATE, MAXOUT, composed(first, then)))
    assert same(permuted(once, MAXOUT, inverse(first)), STATE)
    part = {"a": then["a"]}
    assert same(permuted(once, MAXOUT, part), permuted(STATE, MAXOUT, composed(first, part)))
