"""``ls.align``: a point of the same function for ``ls.line``, and messages that speak of its arguments."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import landscape as ls
from landscape.model import MLP
from landscape.symmetry import Permutation
from landscape.symmetry.saved import write

X = torch.randn(90, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0)
DATA = (X, Y)


def trained(seed: int) -> MLP:
    torch.manual_seed(seed)
    net = MLP(5, 3, [16, 12], nn.ReLU(), torch_init=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), Y).backward()
        optimizer.step()
    return net


@pytest.fixture(scope="module")
def pair() -> tuple[MLP, MLP]:
    with torch.random.fork_rng():
        return trained(0), trained(1)


def barrier(net: nn.Module, a: Any, b: Any) -> float:
    curve = ls.measure(net, ls.line(a, b), data=DATA, cost=nn.CrossEntropyLoss(), alphas=11, dtype="float64")
    [found] = curve.summary()["chord_barrier"]
    return float(found)


def test_what_comes_back_is_a_point_with_a_lower_barrier(pair: tuple[MLP, MLP], tmp_path: Path) -> None:
    a, b = pair
    before = barrier(a, a, b)
    heights = {}
    for by in ("weights", "activations", "random"):
        found = ls.align(a, a, b, by=by, data=DATA)
        heights[by] = barrier(a, a, found)
        other = copy.deepcopy(b)
        other.load_state_dict(dict(found))
        assert torch.allclose(other(X), b(X), atol=1e-5) and found.difference <= 1e-12
    assert max(heights["weights"], heights["activations"]) < 0.1 * before < 0.3 * before < heights["random"]
    found = ls.align(a, a, b, starts=3, seed=2)
    assert found.distance_after <= ls.align(a, a, b, seed=2).distance_after < found.distance_before
    found.save(tmp_path / "order.npz")
    again = ls.align(a, a, b, by=tmp_path / "order.npz")
    assert all(torch.equal(again[name], value) for name, value in found.items())


def test_a_copy_in_other_scales_is_the_same_point(pair: tuple[MLP, MLP]) -> None:
    a, _ = pair
    b = {name: value.detach().clone() for name, value in a.state_dict().items()}
    for name in ("layers.0.weight", "layers.0.bias"):
        b[name] = 4 * b[name].flip(0)
    b["layers.1.weight"] = b["layers.1.weight"].flip(1) / 4
    found = ls.align(a, a, b, rescale=True)
    assert found.distance_after < 1e-6 * found.distance_before


class Tied(nn.Module):
    """One square weight under two names, and a buffer that no state dict has."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.twice = nn.Linear(6, 6)
        self.twice.weight = self.again.weight
        self.register_buffer("mean", torch.ones(5), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x - self.mean).relu()
        out: torch.Tensor = self.last(h + self.twice(h + self.again(h).relu()).relu())
        return out


def test_a_net_with_tied_weights_gets_a_state_dict_that_it_loads() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        a, b, net = Tied(), Tied(), Tied()
    found = ls.align(a, a, b, data=DATA, by="random")
    net.load_state_dict(dict(found))
    assert found.share_moved > 0 and torch.allclose(net(X), b(X), atol=1e-6)
    assert barrier(a, a, found) >= 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"by": "weight"}, "by='weight' must be one of 'weights', 'activations', 'random'"),
        ({"by": "lost.npz"}, "there is no file lost.npz"),
        ({"by": "activations"}, "data=None leaves open over which activations are taken"),
        ({"by": "activations", "data": (X[:1], Y[:1])}, "by='activations' correlates units .* give two or more"),
        ({"by": {"layers.0": list(range(16))}}, r"by={'layers.0': ...} has a list where a Permutation belongs"),
        (
            {"by": {"layers.0": Permutation(torch.arange(15))}},
            "layers.0 of 15 units is none of this module's",
        ),
        ({"by": {"layers.7": Permutation(torch.arange(16))}}, "layers.7 of 16 units is none of this module"),
        ({"by": "other.npz"}, "by=other.npz: the permutation 0 of 96 units is none of this module's"),
        ({"starts": 0}, "starts=0 must be a whole number"),
        ({"rescale": 1}, "rescale=1 must be True or False"),
        ({"axes": "lost.yaml"}, "axes=lost.yaml"),
    ],
)
def test_what_means_nothing_is_refused(
    pair: tuple[MLP, MLP], settings: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("other.npz", {"0": {"0": Permutation(torch.arange(96))}})
    with pytest.raises(ls.InputError, match=message):
        ls.align(pair[0], *pair, **settings)


def test_what_was_saved_of_another_net_is_told_before_examples_are_asked_for(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    write(tmp_path / "order.npz", {"0": {"0": Permutation(torch.arange(96))}})
    with pytest.raises(ls.InputError, match=r"order\.npz: the permutation 0 of 96 units is none of net=Sequential"):
        ls.align(net, net, net, by=tmp_path / "order.npz")


def test_a_setting_that_changes_nothing_is_told(pair: tuple[MLP, MLP], caplog: pytest.LogCaptureFixture) -> None:
    ls.align(pair[0], *pair, by="random", starts=3, seed=1)
    assert "by='random' takes no starts; nothing changes by it" in caplog.text and "seed" not in caplog.text


def test_a_net_without_scales_says_so(pair: tuple[MLP, MLP]) -> None:
    net = MLP(5, 3, [4], nn.Sigmoid())
    with pytest.raises(ls.InputError, match=r"rescale=True needs units whose activation is positively homogeneous"):
        ls.align(net, net, copy.deepcopy(net), rescale=True, data=DATA)
