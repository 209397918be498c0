"""Weights on the line, biases on a schedule of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call

from landscape.errors import InputError
from landscape.model import MLP, DeepLinear
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Linear
from tests.twin import maxout, normal

NAMES = ("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.2.weight", "layers.2.bias")
SHAPES = ((3, 2), (3,), (2, 3), (1, 2), (1,))
LAYOUT = ParameterLayout(NAMES, SHAPES)
P = LAYOUT.num_parameters
LAYER = [None] * 6 + [1] * 3 + [None] * 8 + [3]  # of each coordinate that is a bias


def ends() -> tuple[torch.Tensor, torch.Tensor]:
    """Two lines, off the origin."""
    return normal(2, P, seed=1) + 0.3, 2 * normal(2, P, seed=2) - 0.1


@pytest.mark.parametrize("power", [None, 0, 0.5, 1, 3.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_are_bitwise_the_ends(power: float | None, dtype: torch.dtype) -> None:
    extreme = torch.linspace(-3.4e38, 3.4e38, P)[None]
    for theta_0, theta_1 in (ends(), (extreme, -extreme.flip(1))):
        path = BiasSchedule(theta_0.to(dtype), theta_1.to(dtype), LAYOUT, power)
        assert path(0.0).numpy().tobytes() == theta_0.to(dtype).numpy().tobytes()
        assert path(1.0).numpy().tobytes() == theta_1.to(dtype).numpy().tobytes()


@settings(max_examples=30)
@given(st.floats(-2, 3, allow_nan=False), st.sampled_from([None, 0.0, 0.5, 2.0]))
def test_points_follow_the_definition(alpha: float, power: float | None) -> None:
    theta_0, theta_1 = ends()
    if alpha == 0:
        alpha = 0.3
    plain = []
    for row_0, row_1 in zip(theta_0.tolist(), theta_1.tolist(), strict=True):
        shares = []
        for layer in LAYER:
            p = 1 if layer is None else layer if power is None else power
            shares.append(math.copysign(abs(alpha) ** p, alpha))
        plain.append([(1 - s) * a + s * b for s, a, b in zip(shares, row_0, row_1, strict=True)])
    path = BiasSchedule(theta_0, theta_1, LAYOUT, power)
    path(0.7)  # nothing accumulates
    torch.testing.assert_close(path(alpha), torch.tensor(plain, dtype=torch.float64), rtol=1e-13, atol=1e-13)
    assert torch.equal(theta_0, ends()[0]) and torch.equal(theta_1, ends()[1])


def test_power_one_is_the_line_bit_for_bit() -> None:
    path, line = BiasSchedule(*ends(), LAYOUT, power=1), Linear(*ends())
    for alpha in np.linspace(-0.5, 1.5, 23):
        assert torch.equal(path(float(alpha)), line(float(alpha)))


@pytest.mark.parametrize(
    ("module", "depth"), [(MLP(7, 4, [6, 5, 5], nn.ReLU()), 4), (maxout(dropout=False), 2)], ids=["relu", "maxout"]
)
def test_from_zero_the_net_is_homogeneous(module: nn.Module, depth: int) -> None:
    """logits(alpha) = alpha^L logits(1); on the straight line they are not."""
    layout = ParameterLayout.of(module)
    theta = normal(1, layout.num_parameters, seed=3) + 0.1
    x, module = normal(19, 7, seed=4), module.double()

    def logits(point: torch.Tensor) -> torch.Tensor:
        return functional_call(module, layout.unflatten(point[0]), (x,))

    path, line = BiasSchedule(torch.zeros_like(theta), theta, layout), Linear(torch.zeros_like(theta), theta)
    for alpha in (0.07, 0.6, 1.9):
        torch.testing.assert_close(logits(path(alpha)), alpha**depth * logits(theta), rtol=1e-10, atol=1e-12)
        assert (logits(line(alpha)) - alpha**depth * logits(theta)).abs().max() > 1e-2


def test_power_zero_jumps_at_the_start() -> None:
    theta_0, theta_1 = ends()
    near = BiasSchedule(theta_0, theta_1, LAYOUT, power=0)(1e-12)
    biases = [layer is not None for layer in LAYER]
    assert torch.equal(near[:, biases], theta_1[:, biases])
    assert (near - theta_0)[:, [not b for b in biases]].abs().max() < 1e-10


def test_to_keeps_layout_and_power() -> None:
    path = BiasSchedule(*ends(), LAYOUT, power=2).to(torch.float32)
    assert path(0.0).dtype == path(0.4).dtype == path(1.0).dtype == torch.float32
    torch.testing.assert_close(path(0.4).double(), BiasSchedule(*ends(), LAYOUT, 2)(0.4), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="one shape"):
        BiasSchedule(torch.ones(1, P + 1), torch.ones(1, P + 1), LAYOUT)


@pytest.mark.parametrize("power", [-1, float("inf"), float("nan")])
def test_a_power_that_is_no_schedule_is_refused(power: float) -> None:
    with pytest.raises(InputError, match=r"path\.power="):
        BiasSchedule(*ends(), LAYOUT, power)


@pytest.mark.parametrize(
    "module",
    [nn.LSTM(3, 4), nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), nn.Sequential(nn.BatchNorm1d(3))],
    ids=["lstm", "batch norm", "no weight"],
)
def test_without_a_power_layers_must_follow_each_other(module: nn.Module) -> None:
    layout = ParameterLayout.of(module)
    theta = normal(1, layout.num_parameters)
    with pytest.raises(InputError, match=r"path\.power=null counts layers .* parameter .* path\.power=1"):
        BiasSchedule(theta, theta, layout)
    assert BiasSchedule(theta, 2 * theta, layout, power=2)(0.5).shape == theta.shape


def test_a_net_without_biases_moves_on_the_line() -> None:
    layout = ParameterLayout.of(DeepLinear(3, 2, depth=3, width=2))
    theta_0, theta_1 = normal(1, layout.num_parameters, seed=1), normal(1, layout.num_parameters, seed=2)
    assert torch.equal(BiasSchedule(theta_0, theta_1, layout)(0.3), Linear(theta_0, theta_1)(0.3))
