"""The yaml of each published net against the numbers of its source."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.model import Dropout
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.model.conftest import published

RELU_BOUNDS = [4.378017, 2.970242, 4.626974]


MNIST = ("data=mnist", "dimensions.inputs=784", "dimensions.classes=10")


KEPT = [(0.8, 1.0), (0.5, 2.0), (0.5, 2.0)]
DIVIDED = [(0.8, 1.25), (0.5, 2.0), (0.5, 2.0)]
NETS: dict[str, tuple[int, list[tuple[float, float]], list[float]]] = {
    "maxout": (1_233_610, KEPT, [1.9365] * 3),
    "maxout_large": (19_104_010, KEPT, [1.9365] * 3),
    "relu": (2_097_528, DIVIDED, RELU_BOUNDS),
    "sigmoid": (2_097_528, DIVIDED, RELU_BOUNDS),
    "relu_no_dropout": (2_097_528, [], RELU_BOUNDS),
}


@pytest.mark.parametrize("name", NETS)
def test_parameter_counts_dropout_and_norm_bounds(name: str) -> None:
    module, (num_parameters, dropout, bounds) = published(name, *MNIST), NETS[name]
    assert ParameterLayout.of(module).num_parameters == num_parameters
    assert [(m.include, m.scale) for m in module.modules() if isinstance(m, Dropout)] == dropout
    assert module.max_norms == {f"layers.{k}.weight": c for k, c in enumerate(bounds)}


def test_sigmoid_differs_from_relu_in_its_nonlinearity_only() -> None:
    relu, sigmoid = (published(name, *MNIST) for name in ("relu", "sigmoid"))
    assert isinstance(relu.activation, nn.ReLU) and isinstance(sigmoid.activation, nn.Sigmoid)
    assert [tuple(p.shape) for p in relu.parameters()] == [tuple(p.shape) for p in sigmoid.parameters()]
    plain = published("sigmoid", *MNIST, "model.dropout=false")
    assert not any(isinstance(m, Dropout) for m in plain.modules())


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_relu_and_sigmoid_start_at_exactly_ln_10(name: str) -> None:
    module = published(name, *MNIST, device="cpu")
    ranges = [0.00891030471479, 0.0575059125935, 0.0]
    for layer, bound in zip(module.layers, ranges, strict=True):
        assert 0.999 * bound <= layer.weight.abs().max() <= bound * (1 + 1e-6)
        assert layer.bias.abs().max() == 0
    data = Split(torch.rand(20, 1, 28, 28), torch.arange(20) % 10)
    theta = ParameterLayout.of(module).theta(module)[None]
    for mode, (dtype, rel) in product(("deterministic", "stochastic"), {"float64": 1e-15, "float32": 4e-7}.items()):
        objective = Objective(module, CrossEntropy(), data, mode, dtype=dtype)
        assert objective(theta.double()).item() == pytest.approx(math.log(10), rel=rel, abs=0)


def test_maxout_starts_small_everywhere() -> None:
    module = published("maxout", *MNIST, device="cpu")
    for layer in module.layers:
        assert 0.99 * 0.005 < layer.weight.abs().max() <= 0.005 and layer.bias.abs().max() == 0
    norm = ParameterLayout.of(module).theta(module).norm().item()
    assert norm == pytest.approx(0.005 / math.sqrt(3) * math.sqrt(1_233_610), rel=0.01)  # the 3.20 of the source
