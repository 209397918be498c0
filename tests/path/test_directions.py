"""Random directions: each filter as long as the weight's own, and the two orthogonal inside each filter."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.parameters import ParameterLayout
from landscape.path import RandomPlane
from landscape.path.directions import directions


def net() -> nn.Module:
    """Whatever has filters of another kind."""
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(2, 4, 3),
            "group": nn.GroupNorm(2, 4),
            "back": nn.ConvTranspose2d(4, 6, 3, groups=2),
            "layer": nn.LayerNorm([6, 4, 4]),
            "table": nn.Embedding(5, 3, padding_idx=0),
            "read": nn.LSTM(3, 4),
            "line": nn.Linear(4, 3),
        }
    ).double()


def filters(name: str, weight: Tensor) -> list[Tensor]:
    """What makes one output, each flat: a slice of the first axis, of a transposed convolution of the second."""
    if name != "back.weight":
        return [part.flatten() for part in weight]
    # Outputs 3 g ... 3 g + 2 see inputs 2 g and 2 g + 1.
    return [weight[2 * g : 2 * g + 2, k].flatten() for g in range(2) for k in range(3)]


@pytest.mark.parametrize("one_axis", ["zero", "keep"])
def test_every_filter_is_as_long_as_the_points_own_and_both_are_orthogonal_in_it(one_axis: str) -> None:
    module = net()
    layout = ParameterLayout.of(module)
    theta = layout.theta(module)
    pair = directions(module, theta, seed=3, one_axis=one_axis)
    own, (first, second) = layout.unflatten(theta), [layout.unflatten(direction) for direction in pair]
    for name in layout.names:
        moves = "weight" in name and name.split(".")[0] not in ("group", "layer")
        if not moves and one_axis == "zero":
            assert not first[name].any() and not second[name].any()
            continue
        pieces = [filters(name, part[name]) if moves else [part[name].flatten()] for part in (own, first, second)]
        for weight, one, two in zip(*pieces, strict=True):
            for direction in (one, two):
                assert float(direction.norm()) == pytest.approx(float(weight.norm()), rel=1e-12)
            assert abs(float(one @ two)) <= 1e-12 * float(weight.norm()) ** 2
    assert abs(float(pair[0] @ pair[1])) < 1e-12 * math.prod(float(d.norm()) for d in pair)


def test_they_depend_on_seeds_alone_and_on_each() -> None:
    module = net()
    theta = ParameterLayout.of(module).theta(module)
    one = directions(module, theta, seed=3)
    assert torch.equal(one, directions(module, theta, seed=3))
    torch.testing.assert_close(directions(module, theta.float(), seed=3), one, rtol=1e-5, atol=1e-7)
    for other in (directions(module, theta, seed=4), directions(module, theta, seed=3, of=1)):
        assert not torch.equal(one, other)
    many = torch.stack([theta, 2 * theta, theta])
    together = RandomPlane(many, many, module, [0, 7, 1], seed=3)
    alone = RandomPlane(many[1:2], many[1:2], module, [7], seed=3)
    assert torch.equal(together.first[1:2], alone.first) and torch.equal(together.second[1:2], alone.second)
    assert abs(together.cosine).max() < 1e-12


def test_filters_of_one_weight_have_one_direction() -> None:
    module = nn.Sequential(nn.Linear(1, 6), nn.Linear(6, 2)).double()
    first, second = directions(module, ParameterLayout.of(module).theta(module), seed=0)
    assert first[:6].all() and not second[:6].any() and second[12:24].all()
    for narrow in (nn.Linear(1, 3), nn.BatchNorm1d(4)):
        with pytest.raises(InputError, match=r"no direction is left .* path.one_axis=keep"):
            directions(narrow, ParameterLayout.of(narrow).theta(narrow), seed=0)
