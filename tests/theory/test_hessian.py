"""Closed-form Hessians against torch's, of the house's own models."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from landscape.model import DeepLinear, Quadratic
from landscape.parameters import ParameterLayout
from tests.theory.refusals import refuses
from tests.twin import normal
from theory import deep_linear
from theory.deep_linear import hessian


def by_torch(net: torch.nn.Module, theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor | None) -> np.ndarray:
    layout = ParameterLayout.of(net)

    def objective(point: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(net, dict(layout.unflatten(point)), (x,))
        costs: torch.Tensor = out if y is None else (out - y).square().sum(dim=1)
        return costs.mean()

    return np.asarray(torch.func.hessian(objective)(theta))


@pytest.mark.parametrize(
    ("inputs", "width", "outputs", "depth"), [(1, 1, 1, 3), (4, 3, 2, 2), (2, 3, 2, 4), (3, 1, 2, 1)]
)
def test_a_deep_linear_net(inputs: int, width: int, outputs: int, depth: int) -> None:
    net = DeepLinear(inputs, outputs, depth, width)
    theta = normal(ParameterLayout.of(net).num_parameters, seed=4)
    x, y = normal(9, inputs, seed=5) + 0.3, normal(9, outputs, seed=6)
    named = ParameterLayout.of(net).unflatten(theta)
    weights = [named[name].numpy() for name in net.factors]
    found = hessian.hessian(weights, deep_linear.moments(x.numpy(), y.numpy()))
    assert found == pytest.approx(by_torch(net, theta, x, y), rel=1e-11, abs=1e-11)


def test_a_quadratic() -> None:
    net = Quadratic(dimension=7)
    found = np.linalg.eigvalsh(by_torch(net, normal(7), torch.zeros(1, 1), None))
    assert found == pytest.approx(hessian.quadratic(net.constants["curvature"]), rel=1e-12)


def test_equal_weights_are_a_case_of_any() -> None:
    for depth in (1, 2, 5):
        for weight in (0.0, -0.7, 1.0, 1.3):
            assert hessian.balanced(weight, depth) == pytest.approx(hessian.scalar([weight] * depth), abs=1e-12)
    assert hessian.balanced(0.0, 2).tolist() == [-2, 2]
    assert hessian.scalar([0.0, 0.0, 0.5]).tolist() == [-1, 0, 1]  # an axis of the saddle: not flat beside the origin


def test_two_layers_at_the_origin_and_at_the_solution() -> None:
    singular = np.array([2.0, 0.5])
    assert hessian.two_layers([0, 0], singular).tolist() == [-4, -4, -1, -1, 1, 1, 4, 4]
    assert hessian.two_layers(np.sqrt(singular), singular) == pytest.approx([0, 0, 0, 0, 2, 5, 5, 8], abs=1e-12)


POINT = deep_linear.Moments(1, np.eye(2), np.eye(2), 1.0)
test_refusals = refuses(
    (lambda: hessian.hessian([], POINT), "do not lead"),
    (lambda: hessian.hessian([np.ones((3, 2)), np.ones((2, 2))], POINT), "do not lead"),
    (lambda: hessian.hessian([np.full((2, 2), np.nan)], POINT), "must be finite"),
    (lambda: hessian.hessian([np.ones((2000, 2)), np.ones((2, 2000))], POINT), "too large to write out"),
    (lambda: hessian.scalar([]), "must be a list"),
    (lambda: hessian.two_layers([1.0], [1.0, 2.0]), "one a mode"),
    (lambda: hessian.derive(depth=7), "depth=7 is not allowed"),
    (lambda: hessian.derive(weight=11), "weight=11 is not allowed"),
)
