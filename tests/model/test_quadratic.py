"""The quadratic with a known solution."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from landscape.cost import Output
from landscape.data.none import none
from landscape.model import Quadratic
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from tests.twin import normal

P = 9


def test_value_and_slope_equal_plain_sums() -> None:
    module, theta = Quadratic(P, 0.1, 3.0, seed=2).double(), normal(P, seed=1) + 0.4
    h, solution = (module.constants[name].tolist() for name in ("curvature", "solution"))
    plain = math.fsum(0.5 * a * (t - b) ** 2 for a, t, b in zip(h, theta.tolist(), solution, strict=True))
    leaf = theta.clone().requires_grad_()
    value = torch.func.functional_call(module, {"theta": leaf}, (torch.full((4, 2), 7.0),))
    assert value.shape == (4,) and value.tolist() == pytest.approx([plain] * 4, rel=1e-14)
    (slope,) = torch.autograd.grad(value.mean(), leaf)
    by_hand = [a * (t - b) for a, t, b in zip(h, theta.tolist(), solution, strict=True)]
    assert slope.tolist() == pytest.approx(by_hand, rel=1e-14)
    at_solution = torch.func.functional_call(module, {"theta": module.constants["solution"]}, (torch.zeros(1, 1),))
    assert at_solution.tolist() == [0.0]


def test_the_objective_of_no_data_is_the_value_itself() -> None:
    module = Quadratic(P, 0.1, 3.0, seed=2)
    theta = normal(3, P, seed=1)
    exact = 0.5 * (module.constants["curvature"] * (theta - module.constants["solution"]).square()).sum(dim=1)
    for dtype, tolerance in (("float64", 1e-14), ("float32", 1e-6)):
        objective = Objective(module, Output(), none().train, seeds=[0, 1, 2], dtype=dtype)
        torch.testing.assert_close(objective(theta), exact, rtol=tolerance, atol=0)


def test_start_curvatures_and_solution() -> None:
    num, low, high = 20_000, 0.01, 2.0
    module = Quadratic(num, low, high)
    assert not module.theta.any() and module.theta.dtype == torch.float32
    curvature, solution = module.constants["curvature"], module.constants["solution"]
    assert curvature.dtype == solution.dtype == torch.float64
    assert low <= curvature.min() and curvature.max() <= high
    share = (curvature / low).log() / math.log(high / low)  # uniform on [0, 1]
    distance = (share.sort().values - (torch.arange(num) + 0.5) / num).abs().max()
    assert distance < 1.95 / math.sqrt(num)  # Kolmogorov, 0.1 %
    assert abs(solution.mean()) < 4 / math.sqrt(num) and abs(solution.var() - 1) < 4 * math.sqrt(2 / num)  # z = 4
    assert abs((share * solution).mean()) < 4 / math.sqrt(3 * num)


def test_the_problem_is_the_same_for_every_training_seed() -> None:
    torch.manual_seed(1)
    first = Quadratic(P)
    torch.manual_seed(2)
    second, other = Quadratic(P), Quadratic(P, seed=1)
    for name in ("curvature", "solution"):
        assert torch.equal(first.constants[name], second.constants[name])
        assert not torch.equal(first.constants[name], other.constants[name])


def test_constants_keep_their_precision_and_are_no_state() -> None:
    module = copy.deepcopy(Quadratic(P)).to(torch.float32)
    assert module.constants["solution"].dtype == torch.float64
    assert list(module.state_dict()) == ["theta"] and ParameterLayout.of(module).num_parameters == P
