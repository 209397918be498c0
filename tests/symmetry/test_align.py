"""Alignment of real modules: a disguised copy is found again, its function is kept, and what cannot be is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.model.maxout import MaxoutMLP
from landscape.model.mlp import MLP
from landscape.symmetry import Axes, Axis, permuted
from landscape.symmetry.activations import match_activations
from landscape.symmetry.align import Alignment
from landscape.symmetry.axes import random_permutations
from landscape.symmetry.net import Net
from landscape.symmetry.saved import read, write
from landscape.symmetry.scale import Scales
from tests.symmetry.by_hand import chain

WIDTHS = [9, 8]
X = torch.randn(150, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def normed() -> tuple[nn.Module, Axes]:
    module = MLP(6, 4, WIDTHS, nn.ReLU(), batch_norm=True)
    axes = chain([6, *WIDTHS, 4])
    for k in (0, 1):
        del axes.of[f"layers.{k}.bias"]
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            axes.of[f"norms.{k}.{leaf}"] = (Axis(f"layers.{k}"),)
    return module, axes


def conv() -> tuple[nn.Module, Axes]:
    first = nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(10, 4))
    return first, Axes(
        {"c": 5}, {"1.weight": (Axis("c"), *[None] * 3), "1.bias": (Axis("c"),), "4.weight": (None, Axis("c", inner=2))}
    )


MODULES = {
    "relu": lambda: (MLP(6, 4, WIDTHS, nn.ReLU()), chain([6, *WIDTHS, 4])),
    "sigmoid": lambda: (MLP(6, 4, WIDTHS, nn.Sigmoid()), chain([6, *WIDTHS, 4])),
    "maxout": lambda: (MaxoutMLP(6, 4, WIDTHS, 3, 0.5), chain([6, *WIDTHS, 4], 3)),
    "batch norm": normed,
    "convolution": conv,
}


def made(name: str, data: Any = None) -> tuple[Net, Axes, dict[str, Tensor]]:
    """A net over examples, and a point that nothing is zero at."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module, axes = MODULES[name]()
        state = {n: v.detach().clone() for n, v in module.state_dict().items()}
        state = {n: v + 0.3 * torch.randn(v.shape).abs() if v.is_floating_point() else v for n, v in state.items()}
    return Net.over(module, Split(X, torch.zeros(150)) if data is None else data), axes, state


@pytest.mark.parametrize("by", ["weights", "activations"])
@pytest.mark.parametrize("name", MODULES)
def test_a_permuted_copy_comes_back_bit_for_bit(name: str, by: str) -> None:
    net, axes, a = made(name)
    order = random_permutations(axes, torch.Generator().manual_seed(0))
    b = permuted(a, axes, order)
    assert net.difference(a, b) <= 1e-14
    alignment = Alignment(net, axes, by, starts=5)
    alignment.check()
    found = alignment(a, b)
    assert found.distance_before > 0 == found.distance_after
    assert all(torch.equal(found[n], a[n]) for n in a)
    moved = np.concatenate([found.permutations[n].units != torch.arange(size) for n, size in axes.sizes.items()])
    assert found.share_moved == pytest.approx(moved.mean())


@pytest.mark.parametrize("name", MODULES)
def test_the_null_keeps_the_function_and_comes_no_nearer(name: str) -> None:
    net, axes, a = made(name)
    b = {n: v.roll(1, 0) if v.dim() else v for n, v in a.items()}
    found = Alignment(net, axes, "random")(a, b, seed=1)
    assert net.difference(b, found) <= 1e-12
    assert found.distance_after > 0.5 * found.distance_before
    other = Alignment(net, axes, "random")(a, b, seed=2)
    assert any(not torch.equal(other[n], found[n]) for n in a)


def test_activations_are_correlated_over_all_examples_in_whatever_blocks() -> None:
    x = X.float()
    streams = [(x[:70], torch.zeros(70)), (x[70:], torch.zeros(80))]
    for data in (Split(x, torch.zeros(150)), Stream(streams, name="two")):
        net, axes, a = made("relu", data)
        b = {n: v.flip(0) if n.startswith("layers.0") else v for n, v in a.items()}
        hidden = [torch.relu(x @ s["layers.0.weight"].T + s["layers.0.bias"]).numpy() for s in (a, b)]
        table = np.corrcoef(*[h.T for h in hidden])[:9, 9:]
        found = match_activations(net, a, b, axes).permutations["layers.0"].units
        assert found.tolist() == list(range(8, -1, -1))
        assert np.allclose(table[range(9), found], 1)


def test_units_that_never_change_keep_their_order_and_are_told(caplog: pytest.LogCaptureFixture) -> None:
    net, axes, a = made("relu")
    dead = {n: v - 1000 if n == "layers.1.bias" else v for n, v in a.items()}
    found = match_activations(net, a, dead, axes).permutations["layers.1"].units
    assert found.tolist() == list(range(8)) and "no unit of layers.1 changes" in caplog.text


@pytest.mark.parametrize("name", ["relu", "maxout", "convolution"])
def test_scales_change_no_output_and_give_equal_norms(name: str) -> None:
    net, axes, a = made(name)
    scales = Scales.of(net, axes)
    draw = torch.Generator().manual_seed(2)
    factors = {n: torch.rand(size, generator=draw, dtype=torch.float64) * 4 + 0.1 for n, size in axes.sizes.items()}
    b = scales.scaled(a, factors)
    assert net.difference(a, b) <= 1e-13
    even = scales.scaled(b, scales.balance(b))
    first = axes.sizes.keys().__iter__().__next__()
    into, out = (
        sum(
            even[n]
            .double()
            .movedim(d, 0)
            .reshape(-1, axis.inner, even[n].numel() // even[n].shape[d])
            .square()
            .sum((1, 2))
            for n, d, axis in side[first]
        )
        for side in (scales.incoming, scales.outgoing)
    )
    assert torch.allclose(into, out, rtol=1e-9)
    disguised = permuted(b, axes, random_permutations(axes, draw))
    found = Alignment(net, axes, "weights", rescale=True, starts=5)(a, disguised)
    assert found.distance_after <= 1e-9 * found.distance_before
    assert found.difference <= 1e-12


@pytest.mark.parametrize("name", ["sigmoid", "batch norm"])
def test_units_without_a_free_scale_are_not_rescaled(name: str) -> None:
    net, axes, _ = made(name)
    with pytest.raises(InputError, match="leave rescale out"):
        Alignment(net, axes, rescale=True).check()


def test_wrong_axes_are_refused_by_the_outputs() -> None:
    net, axes, a = made("relu")
    del axes.of["layers.0.bias"]
    with pytest.raises(InputError, match="not the same function"):
        Alignment(net, axes, "random")(a, {n: v + 1 for n, v in a.items()})


def test_permutations_are_kept_and_a_changed_byte_is_seen(tmp_path: Path) -> None:
    net, axes, a = made("maxout")
    file = tmp_path / "order.npz"
    by = random_permutations(axes, torch.Generator().manual_seed(0))
    write(file, {"0-1": by, "2-3": {}})
    again = read(file)
    assert list(again) == ["0-1", "2-3"]
    found = Alignment(net, axes, again["0-1"])(a, a)
    assert all(torch.equal(found[n], v) for n, v in permuted(a, axes, by).items())
    with pytest.raises(InputError, match="none of this module's"):
        Alignment(made("relu")[0], made("relu")[1], by).check()
    content = bytearray(file.read_bytes())
    content[content.rindex(b"units.npy") - 300] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read(file)
