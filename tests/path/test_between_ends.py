"""Laws of every path between two points, and what lies between by its own formula, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from landscape.cost import SquaredError
from landscape.data.teacher import teacher
from landscape.errors import InputError
from landscape.model import MLP, DeepLinear
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Geometric, Linear, PartialLine
from tests.twin import maxout, normal

NAMES = ("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.2.weight", "layers.2.bias")
LAYOUT = ParameterLayout(NAMES, ((3, 2), (3,), (2, 3), (1, 2), (1,)))
P = LAYOUT.num_parameters
LAYER = [None] * 6 + [1] * 3 + [None] * 8 + [3]  # of each coordinate that is a bias
POWERS = (None, 0.0, 0.5, 1.0, 2.0, 3.0)


def schedule(power: float | None) -> Callable[[Tensor, Tensor], BiasSchedule]:
    return lambda *ends: BiasSchedule(*ends, LAYOUT, power)


PATHS: dict[str, Callable[[Tensor, Tensor], Any]] = {"line": Linear, "geometric": Geometric}
PATHS |= {f"biases, power {power}": schedule(power) for power in POWERS}


def ends(scale: float = 0.5) -> tuple[Tensor, Tensor]:
    """Two rows, each in one orthant, off the origin."""
    signs = normal(2, P, seed=5).sign()
    return signs * (scale * normal(2, P, seed=1)).exp(), signs * (2 * scale * normal(2, P, seed=2)).exp()


def extreme() -> tuple[Tensor, Tensor]:
    """Near the largest and the smallest of float32."""
    one = torch.tensor([[3.4e38, -3.4e38, 1e-45, -1e-38, 0.1, 1e8] * 3])
    return one, one / 3 + one


def bits(theta: Tensor) -> bytes:
    """NaN and the sign of zero count."""
    return theta.numpy().tobytes()


def point(name: str, alpha: float, a: float, b: float, layer: int | None) -> float:
    """One coordinate by the formula."""
    if name == "geometric":
        return math.copysign(abs(a) ** (1 - alpha) * abs(b) ** alpha, a)
    share = alpha
    if name != "line" and layer is not None:
        word = name.rsplit(" ", 1)[1]
        share = math.copysign(abs(alpha) ** (layer if word == "None" else float(word)), alpha)
    return (1 - share) * a + share * b


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PATHS)
def test_ends_are_bitwise_the_ends_whatever_was_asked_before(name: str, dtype: torch.dtype) -> None:
    pairs = [ends(), extreme()]
    if name != "geometric":
        zeros = torch.tensor([[-0.0, torch.nan] * 9])
        pairs += [(zeros, extreme()[0].flip(1)), (extreme()[0].flip(1) / 7, -zeros)]
    for theta_0, theta_1 in pairs:
        first, last = theta_0.to(dtype), theta_1.to(dtype)
        path = PATHS[name](first, last)
        path(0.4)
        assert bits(path(0.0)) == bits(first) and bits(path(1.0)) == bits(last)


@pytest.mark.parametrize("name", PATHS)
@settings(max_examples=20)
@given(alpha=st.floats(-2, 3, allow_nan=False))
def test_points_follow_the_formula_in_any_order(name: str, alpha: float) -> None:
    alpha = alpha or 0.3
    theta_0, theta_1 = ends()
    path = PATHS[name](theta_0, theta_1)
    for other in (0.3, -0.5, 1.0):  # nothing accumulates
        path(other)
    plain = [
        [point(name, alpha, *pair) for pair in zip(*rows, LAYER, strict=True)]
        for rows in zip(theta_0.tolist(), theta_1.tolist(), strict=True)
    ]
    torch.testing.assert_close(path(alpha), torch.tensor(plain, dtype=torch.float64), rtol=1e-13, atol=1e-13)
    assert torch.equal(path(alpha), PATHS[name](theta_0, theta_1)(alpha))
    assert torch.equal(theta_0, ends()[0]) and torch.equal(theta_1, ends()[1])


@pytest.mark.parametrize("name", PATHS)
def test_to_changes_the_precision_and_two_shapes_are_refused(name: str) -> None:
    path, wide = PATHS[name](*ends()).to(torch.float32), PATHS[name](*ends())
    assert path(0.0).dtype == path(0.4).dtype == path(1.0).dtype == torch.float32
    assert torch.equal(path(1.0), ends()[1].float())
    torch.testing.assert_close(path(0.4).double(), wide(0.4), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="one shape"):
        PATHS[name](torch.ones(2, P), torch.ones(1, P))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_row_alone_is_what_it_is_among_others(dtype: torch.dtype) -> None:
    """Every product is rounded by itself, whatever a processor could do at once, and wherever its vectors end."""
    start, end = (normal(3, 37, seed=k).to(dtype) for k in (1, 2))
    for alpha in (-0.3, 0.1, 0.7, 1.9):
        assert bits(Linear(start, end)(alpha)) == ((1 - alpha) * start.numpy() + alpha * end.numpy()).tobytes()


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_between_solutions_products_stay_and_the_objective_is_zero(depth: int) -> None:
    """Off the geometric curve J is not small: the straight line between the same ends has a barrier."""
    signs = torch.ones(3, depth, dtype=torch.float64)
    signs[1, :2] = -1
    thetas = [signs * normal(3, depth, seed=seed).exp() for seed in (1, 2)]
    for theta in thetas:
        theta[:, -1] /= theta.prod(dim=1)  # w_1 ... w_L = 1
    curve, alphas = Geometric(*thetas), np.linspace(0, 1, 21)
    assert all((curve(alpha).prod(dim=1) - 1).abs().max() < 1e-14 for alpha in alphas.tolist())
    module, data = DeepLinear(1, 1, depth=depth), teacher()
    objective = Objective(module, SquaredError(), data.train, seeds=[0, 1, 2], dtype="float64")
    assert objective.along(curve, alphas).channels["objective"].max() < 1e-27
    assert objective((thetas[0] + thetas[1]) / 2).min() > 1e-6


@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), -0.0])
@pytest.mark.parametrize("which", [0, 1])
def test_coordinates_that_leave_the_orthant_are_refused(value: float, which: int) -> None:
    points = [torch.full((2, 3), 0.5), torch.full((2, 3), 0.5)]
    points[which][1, 2] = value
    with pytest.raises(InputError, match=r"path=geometric needs ends whose coordinates agree in sign.*path=linear"):
        Geometric(*points)


def test_two_small_numbers_of_one_sign_are_not_zero() -> None:
    small = torch.full((1, 2), 1e-30)
    torch.testing.assert_close(Geometric(small, 4 * small)(0.5), 2 * small, rtol=1e-4, atol=0)


def test_power_one_and_a_net_without_biases_are_the_line_bit_for_bit() -> None:
    bare = ParameterLayout.of(DeepLinear(3, 2, depth=3, width=2))
    for layout, power in ((LAYOUT, 1), (bare, None)):
        pair = normal(1, layout.num_parameters, seed=1), normal(1, layout.num_parameters, seed=2)
        path, line = BiasSchedule(*pair, layout, power), Linear(*pair)
        assert all(torch.equal(path(alpha), line(alpha)) for alpha in np.linspace(-0.5, 1.5, 23).tolist())


@pytest.mark.parametrize(
    ("module", "depth"), [(MLP(7, 4, [6, 5, 5], nn.ReLU()), 4), (maxout(dropout=False), 2)], ids=["relu", "maxout"]
)
def test_from_zero_the_net_is_homogeneous(module: nn.Module, depth: int) -> None:
    """logits(alpha) = alpha^L logits(1); on the straight line they are not."""
    layout = ParameterLayout.of(module)
    theta = normal(1, layout.num_parameters, seed=3) + 0.1
    x, module = normal(19, 7, seed=4), module.double()

    def logits(point: Tensor) -> Tensor:
        return functional_call(module, layout.unflatten(point[0]), (x,))

    path, line = BiasSchedule(torch.zeros_like(theta), theta, layout), Linear(torch.zeros_like(theta), theta)
    for alpha in (0.07, 0.6, 1.9):
        torch.testing.assert_close(logits(path(alpha)), alpha**depth * logits(theta), rtol=1e-10, atol=1e-12)
        assert (logits(line(alpha)) - alpha**depth * logits(theta)).abs().max() > 1e-2


def test_power_zero_jumps_at_the_start() -> None:
    theta_0, theta_1 = ends()
    near, is_bias = BiasSchedule(theta_0, theta_1, LAYOUT, power=0)(1e-12), torch.tensor([n is not None for n in LAYER])
    assert torch.equal(near[:, is_bias], theta_1[:, is_bias])
    assert (near - theta_0)[:, ~is_bias].abs().max() < 1e-10


def test_schedules_that_are_none_are_refused() -> None:
    for power in (-1, float("inf"), float("nan")):
        with pytest.raises(InputError, match=r"path\.power="):
            BiasSchedule(*ends(), LAYOUT, power)
    with pytest.raises(ValueError, match="one shape"):
        BiasSchedule(torch.ones(1, P + 1), torch.ones(1, P + 1), LAYOUT)


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


@pytest.mark.parametrize(
    ("only", "without", "moving"),
    [
        (["layers.2.bias"], None, ["layers.2.bias"]),
        (["*.bias"], ["layers.0.*"], ["layers.2.bias"]),
        (None, ["*.weight"], ["layers.0.bias", "layers.2.bias"]),
        (None, None, list(NAMES)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_partial_line_is_the_line_where_it_moves_and_the_start_elsewhere_bit_for_bit(
    only: list[str] | None, without: list[str] | None, moving: list[str], dtype: torch.dtype
) -> None:
    theta_0, theta_1 = (end.to(dtype) for end in ends())
    part = PartialLine(theta_0, theta_1, LAYOUT, only, without)
    assert part.moving == tuple(moving)
    moves = torch.cat([torch.full((n,), name in moving) for name, n in zip(NAMES, LAYOUT.sizes, strict=True)])
    for path in (part, part.to(dtype)):
        for alpha in (-0.3, 0.0, 0.4, 1.0, 2.1):
            expected = torch.where(
                moves,
                Linear(theta_0, theta_1)(alpha),
                theta_0 if alpha in (0, 1) else (1 - alpha) * theta_0 + alpha * theta_0,
            )
            assert bits(path(alpha)) == bits(expected)
        assert torch.equal(path.velocity(0.4) != 0, moves.expand(2, -1))
    assert torch.equal(theta_0, ends()[0].to(dtype))


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (
            {"only": ["layers.2.bais"]},
            r"path\.only=\[layers\.2\.bais\]: no parameter .* did you mean layers\.2\.bias\?",
        ),
        (
            {"without": ["embedding"]},
            r"path\.without=\[embedding\]: no parameter .* embedding; it has layers\.0\.weight",
        ),
        ({"only": []}, r"path\.only=\[\] and path\.without=null leave no parameter to move; name some in"),
        ({"only": ["*.bias"], "without": ["*"]}, r"path\.only=\[\*\.bias\] and path\.without=\[\*\] leave no"),
    ],
)
def test_a_partial_line_of_parameters_that_are_not_there_is_refused(chosen: dict[str, list[str]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        PartialLine(*ends(), LAYOUT, **chosen)
