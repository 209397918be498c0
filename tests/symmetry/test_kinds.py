"""Alignment of every kind of module whose axes are found, and of two nets of Adam on MNIST."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import landscape as ls
from landscape.data.mnist import mnist
from landscape.data.split import Split
from landscape.errors import InputError
from landscape.symmetry import axes_of, permuted
from landscape.symmetry.align import Alignment
from landscape.symmetry.axes import random_permutations
from landscape.symmetry.net import Net
from tests.symmetry.nets import CASES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.sizes])
def test_a_permuted_copy_comes_back_by_weights_and_by_activations_it_is_no_other_function(name: str) -> None:
    case = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = case.make()
    net = Net.over(module, Split(case.example, torch.zeros(len(case.example))))
    axes, draw = axes_of(module, net.few, net.call), torch.Generator().manual_seed(1)
    values = dict([*module.named_parameters(), *module.named_buffers()])
    a: dict[str, Tensor] = {
        n: v.detach() + 0.3 * torch.randn(v.shape, generator=draw).abs() if v.is_floating_point() else v
        for n, v in values.items()
    }
    b = permuted(a, axes, random_permutations(axes, draw))
    back = Alignment(net, axes, "weights", starts=5)(a, b)
    assert all(torch.equal(back[n], a[n]) for n in a)
    try:
        by_activations = Alignment(net, axes, "activations")
        by_activations.check()
    except InputError as error:
        assert "use align=weights" in str(error)
    else:
        assert by_activations(a, b).difference <= 1e-12


@pytest.mark.real_data
@pytest.mark.skipif("LANDSCAPE_DATA" not in os.environ, reason="LANDSCAPE_DATA names no folder with MNIST")
@pytest.mark.parametrize(("widths", "before"), [((512, 512, 512), 0.5), ((256, 256), 0.25)])
def test_two_nets_of_adam_on_mnist_have_no_barrier_once_their_units_are_in_one_order(
    widths: Sequence[int], before: float, tmp_path: Path
) -> None:
    """Ainsworth et al. 2023 at 8 epochs of 20,000 images: over 0.5 nats to below 0.02 at the wider net."""
    x, y = mnist().train.first(20_000).pair
    x = x.flatten(1)

    def trained(seed: int) -> nn.Sequential:
        torch.manual_seed(seed)
        sizes = [784, *widths, 10]
        layers = [part for d, h in pairwise(sizes) for part in (nn.Linear(d, h), nn.ReLU())]
        net = nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        for _ in range(8):
            for rows in torch.randperm(len(x)).split(128):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
                optimizer.step()
        return net

    with torch.random.fork_rng():
        a, b = trained(0), trained(1)
    heights = []
    for end in (b, ls.align(a, a, b, data=(x, y)), ls.align(a, a, b, by="random", data=(x, y))):
        curve = ls.measure(
            a, ls.line(a, end), data=(x, y), cost=nn.CrossEntropyLoss(), alphas=25, num_examples=5000, noise=False
        )
        heights += curve.summary()["chord_barrier"]
        assert end is b or end.difference <= 1e-12
    assert heights[0] > before and heights[1] < 0.02 and heights[2] > 0.5 * heights[0], heights
