"""Weight matching: what a slow search over all orders finds, and distances that never grow."""

from __future__ import annotations

from itertools import permutations, product

import pytest
import torch
from torch import Tensor

from landscape.symmetry import Axes, Axis, Permutation, permuted
from landscape.symmetry.axes import random_permutations
from landscape.symmetry.weights import assigned, match_weights
from tests.symmetry.by_hand import chain, drawn

NETS = {
    "relu": chain([5, 7, 6, 3]),
    "maxout": chain([4, 6, 5, 3], 3),
    "six pieces": chain([4, 3, 2], 6),
    "residual": Axes(
        {"stream": 4, "within": 3},
        {
            "in": (Axis("stream"), None),
            "up": (Axis("within"), Axis("stream")),
            "skip": (Axis("stream"), Axis("stream")),
            "down": (Axis("stream"), Axis("within")),
            "out": (None, Axis("stream")),
        },
    ),
    "map": Axes({"c": 4}, {"conv": (Axis("c"), None), "dense": (None, Axis("c", inner=3, outer=2))}),
}


def distance(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    return sum((a[name] - b[name]).square().sum().item() for name in a) ** 0.5


@pytest.mark.parametrize("name", NETS)
def test_a_permuted_copy_is_put_back_and_no_distance_grows(name: str) -> None:
    axes = NETS[name]
    for seed in range(4):
        a, b = drawn(axes, 2 * seed, free=30), drawn(axes, 2 * seed + 1, free=30)
        copy = permuted(a, axes, random_permutations(axes, torch.Generator().manual_seed(seed)))
        back = match_weights(a, copy, axes, starts=5)
        assert distance(a, permuted(copy, axes, back.permutations)) == 0
        alone = match_weights(a, b, axes, seed=seed)
        several = match_weights(a, b, axes, starts=3, seed=seed)
        reached = [distance(a, permuted(b, axes, found.permutations)) for found in (several, alone)]
        assert reached[0] <= reached[1] <= distance(a, b)


@pytest.mark.parametrize("name", ["relu", "maxout", "map"])
def test_where_the_sweeps_end_no_other_order_of_one_layer_is_nearer(name: str) -> None:
    axes = {"relu": chain([3, 4, 3, 2]), "maxout": chain([3, 3, 2, 2], 2)}.get(name, NETS[name])
    a, b = drawn(axes, 0), drawn(axes, 1)
    found = match_weights(a, b, axes).permutations
    reached = distance(a, permuted(b, axes, found))
    for layer, num in axes.sizes.items():
        orders = list(permutations(range(axes.pieces(layer))))
        for units in permutations(range(num)):
            for pieces in product(orders, repeat=num):
                other = Permutation(torch.tensor(units), torch.tensor(pieces) if len(orders) > 1 else None)
                assert distance(a, permuted(b, axes, {**found, layer: other})) >= reached * (1 - 1e-12)


def test_one_start_may_stop_short_and_the_log_says_how_many_agree(caplog: pytest.LogCaptureFixture) -> None:
    axes, counted = chain([3, 4, 4, 2]), []
    orders = [Permutation(torch.tensor(order)) for order in permutations(range(4))]
    for seed in range(8):
        a, b = drawn(axes, 2 * seed), drawn(axes, 2 * seed + 1)
        both = [dict(zip(axes.sizes, pair, strict=True)) for pair in product(orders, repeat=2)]
        nearest = min(distance(a, permuted(b, axes, by)) for by in both)
        caplog.clear()
        with caplog.at_level("INFO"):
            one, ten = (match_weights(a, b, axes, starts=num) for num in (1, 10))
        ends = [distance(a, permuted(b, axes, found.permutations)) for found in (one, ten)]
        assert ends[1] == pytest.approx(nearest, rel=1e-12)
        assert (one.num_starts, one.num_nearest, ten.num_starts) == (1, 1, 10) and 1 <= ten.num_nearest <= 10
        said = [record.getMessage() for record in caplog.records]
        assert "one start, which ends at a local optimum" in said[0]
        assert f"{ten.num_nearest} of 10 starts came to the nearest order, distance {nearest:.4g}" in said[1]
        assert (caplog.records[1].levelname == "WARNING") == (ten.num_nearest == 1)
        counted.append((ends[0] > nearest * (1 + 1e-9), ten.num_nearest))
    assert any(short for short, _ in counted) and not all(short for short, _ in counted)
    assert all(num < 10 for short, num in counted if short)


@pytest.mark.parametrize(("num", "num_pieces"), [(4, 1), (3, 3), (2, 6)])
def test_units_and_their_pieces_are_assigned_together(num: int, num_pieces: int) -> None:
    draw = torch.Generator().manual_seed(num_pieces)
    units = torch.randn(num, num, generator=draw, dtype=torch.float64)
    pieces = torch.randn(num, num_pieces, num, num_pieces, generator=draw, dtype=torch.float64)
    found = assigned(units, pieces if num_pieces > 1 else None)
    orders = [list(order) for order in permutations(range(num_pieces))]

    def gain(u: int, v: int) -> float:
        best = max(sum(pieces[u, k, v, j].item() for k, j in enumerate(order)) for order in orders)
        return units[u, v].item() + (best if num_pieces > 1 else 0.0)

    most = max(sum(gain(u, v) for u, v in enumerate(order)) for order in permutations(range(num)))
    reached = sum(units[u, v].item() for u, v in enumerate(found.units))
    if found.pieces is not None:
        reached += sum(
            pieces[u, k, found.units[u], found.pieces[u, k]].item() for u in range(num) for k in range(num_pieces)
        )
    assert reached == pytest.approx(most, rel=1e-12)
