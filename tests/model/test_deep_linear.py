"""A product of matrices against sums by hand."""

from __future__ import annotations

import math

import pytest
import torch

from landscape.model import DeepLinear
from landscape.parameters import ParameterLayout
from tests.twin import normal


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_outputs_equal_the_twin(depth: int) -> None:
    module = DeepLinear(4, 3, depth=depth, width=5).double()
    layout = ParameterLayout.of(module)
    theta = normal(layout.num_parameters, seed=depth) + 0.2
    named = layout.unflatten(theta)
    assert module.factors == list(layout.names) and len(module.factors) == depth  # W_1 first, no bias
    x = normal(6, 2, 2, seed=9) + 0.1  # an image
    expected = []
    for row in x.flatten(1).tolist():
        h = row
        for name in module.factors:
            h = [sum(w * v for w, v in zip(weights, h, strict=True)) for weights in named[name].tolist()]
        expected.append(h)
    outputs = torch.func.functional_call(module, named, (x,))
    torch.testing.assert_close(outputs, torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=1e-13)
    # of degree L in theta
    scaled = torch.func.functional_call(module, layout.unflatten(-3 * theta), (x,))
    torch.testing.assert_close(scaled, (-3.0) ** depth * outputs, rtol=1e-13, atol=1e-13)


def test_shapes_and_the_paper_s_two_weights() -> None:
    assert [tuple(p.shape) for p in DeepLinear(1, 1).parameters()] == [(1, 1), (1, 1)]
    assert [tuple(p.shape) for p in DeepLinear(7, 2, depth=3, width=4).parameters()] == [(4, 7), (4, 4), (2, 4)]
    assert [tuple(p.shape) for p in DeepLinear(7, 2, depth=1, width=4).parameters()] == [(2, 7)]


@pytest.mark.parametrize(("init_std", "wanted"), [(0.01, [0.01, 0.01]), (None, [1 / 20, 1 / 10]), (0.0, [0.0, 0.0])])
def test_start(init_std: float | None, wanted: list[float]) -> None:
    torch.manual_seed(5)
    module = DeepLinear(400, 50, depth=2, width=100, init_std=init_std)
    for weight, std in zip(module.parameters(), wanted, strict=True):
        n = weight.numel()
        assert weight.double().square().mean().sqrt().item() == pytest.approx(std, rel=4 / math.sqrt(2 * n))  # z = 4
        assert abs(weight.double().mean().item()) <= 4 * std / math.sqrt(n)
