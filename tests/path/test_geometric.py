"""The curve of constant products."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape.cost import SquaredError
from landscape.data.teacher import teacher
from landscape.errors import InputError
from landscape.model import DeepLinear
from landscape.objective import Objective
from landscape.path import Geometric
from tests.twin import normal

SIGNS = torch.tensor([[1.0, -1.0, 1.0, -1.0, -1.0], [-1.0, -1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)


def ends() -> tuple[torch.Tensor, torch.Tensor]:
    """Two points of one orthant per row, of sizes over several decades."""
    return SIGNS * (2 * normal(2, 5, seed=1)).exp(), SIGNS * (2 * normal(2, 5, seed=2)).exp()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_are_bitwise_the_ends(dtype: torch.dtype) -> None:
    extreme = torch.tensor([[3.4e38, -3.4e38, 1e-45, -1e-38, 0.1]]).to(dtype)
    for theta_0, theta_1 in [tuple(e.to(dtype) for e in ends()), (extreme, extreme / 3 + extreme)]:
        curve = Geometric(theta_0, theta_1)
        assert curve(0.0).numpy().tobytes() == theta_0.numpy().tobytes()
        assert curve(1.0).numpy().tobytes() == theta_1.numpy().tobytes()


@settings(max_examples=30)
@given(st.floats(-2, 3, allow_nan=False))
def test_points_follow_the_definition(alpha: float) -> None:
    theta_0, theta_1 = ends()
    plain = [
        [math.copysign(abs(a) ** (1 - alpha) * abs(b) ** alpha, a) for a, b in zip(row_0, row_1, strict=True)]
        for row_0, row_1 in zip(theta_0.tolist(), theta_1.tolist(), strict=True)
    ]
    found = Geometric(theta_0, theta_1)(alpha)
    torch.testing.assert_close(found, torch.tensor(plain, dtype=torch.float64), rtol=1e-13, atol=0)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_between_solutions_products_stay_and_the_objective_is_zero(depth: int) -> None:
    """Off the curve J is not small: the straight line between the same ends has a barrier."""
    signs = torch.ones(3, depth, dtype=torch.float64)
    signs[1, :2] = -1
    thetas = []
    for seed in (1, 2):
        theta = signs * normal(3, depth, seed=seed).exp()
        theta[:, -1] /= theta.prod(dim=1)  # w_1 ... w_L = 1
        thetas.append(theta)
    curve, alphas = Geometric(*thetas), np.linspace(0, 1, 21)
    module, data = DeepLinear(1, 1, depth=depth), teacher()
    for alpha in alphas:
        assert (curve(float(alpha)).prod(dim=1) - 1).abs().max() < 1e-14
    objective = Objective(module, SquaredError(), data.train, seeds=[0, 1, 2], dtype="float64")
    assert objective.along(curve, alphas).channels["objective"].max() < 1e-27
    middle = (thetas[0] + thetas[1]) / 2
    assert objective(middle).min() > 1e-6


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


def test_to_and_shapes() -> None:
    curve = Geometric(*ends()).to(torch.float32)
    assert curve(0.0).dtype == curve(0.4).dtype == curve(1.0).dtype == torch.float32
    assert torch.equal(curve(1.0), ends()[1].float())
    with pytest.raises(ValueError, match="one shape"):
        Geometric(torch.ones(2, 3), torch.ones(1, 3))
