"""The Hessian of J against the dense one, the house's own J'', closed forms and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, hessian

from landscape.cost import CrossEntropy, Output, SquaredError
from landscape.cost.contract import WEIGHT
from landscape.data import Split
from landscape.errors import InputError
from landscape.model import DeepLinear, Quadratic
from landscape.objective import Objective
from landscape.objective.curvature import check_curvature, extremes, leading_directions, scatter_of, trace_of
from landscape.objective.curvature.operator import DENSE, Hessian
from landscape.objective.curvature.spectrum import density_of
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.objective.test_slope import CASES
from tests.twin import C, D, normal, split
from tests.zoo import WORKS
from theory import deep_linear
from theory.deep_linear import hessian as of_theory

DATA = split(23, seed=1)


def net(width: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(D, width), nn.Tanh(), nn.Linear(width, C))


@pytest.mark.parametrize("width", [pytest.param(5, marks=pytest.mark.slow), 24])
def test_it_is_the_dense_hessian(width: int) -> None:
    """Its ends, trace and density; few parameters are written out, more go through Lanczos."""
    objective = Objective(net(width), CrossEntropy(), DATA, dtype="float64", batch_size=12 if width == 5 else None)
    theta = 0.6 * normal(objective.layout.num_parameters, seed=2)
    assert (len(theta) <= DENSE) == (width == 5)
    module, layout = net(width).double(), objective.layout

    def cost(theta: Tensor, rows: slice = slice(None)) -> Tensor:
        outputs = functional_call(module, layout.unflatten(theta), (DATA.x[rows],))
        return nn.functional.cross_entropy(outputs, DATA.y[rows])

    dense = hessian(cost)(theta).detach()
    values = torch.linalg.eigvalsh(dense).numpy()
    found = Hessian(objective, theta)
    found.check_value(float(objective(theta[None])[0]))
    torch.testing.assert_close(found.gradient, grad(cost)(theta), rtol=1e-12, atol=1e-15)
    high, low = extremes(found, 3, 2)
    np.testing.assert_allclose(high.values, values[::-1][:3], rtol=1e-9)
    np.testing.assert_allclose(low.values, values[:2], rtol=1e-9)
    assert values[0] < -1e-3 and (high.errors < 1e-6 * high.values).all() and (low.errors < 2e-6 * values[-1]).all()
    trace, error = trace_of(found, 96)
    assert abs(trace - float(dense.trace())) <= 4 * error + 1e-12
    assert (error == 0) == (width == 5)
    places, density = density_of(found, (values[0], values[-1]), 400, num_vectors=10)
    assert np.trapezoid(density, places) == pytest.approx(1, abs=2e-2)
    assert np.trapezoid(density * places, places) == pytest.approx(values.mean(), abs=0.15)
    own = torch.stack([grad(cost)(theta, slice(n, n + 1)) for n in range(23)])
    variance = float((own - own.mean(dim=0)).square().sum(dim=1).mean())
    scatter = scatter_of(found)
    assert scatter.variance == pytest.approx(variance, rel=1e-11)
    assert scatter.noise_scale == pytest.approx(variance / float(own.mean(dim=0).square().sum()), rel=1e-11)
    told, vectors, errors = leading_directions(objective, theta, 2)
    np.testing.assert_allclose(told, values[::-1][:2], rtol=1e-9)
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-12)
    left = (dense @ vectors.T - vectors.T * torch.from_numpy(told.copy())).norm(dim=0)
    assert (left < 1e-5).all() and (vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True)) > 0).all()
    np.testing.assert_allclose(left.numpy(), errors, atol=1e-10)


def agree(make: Any, cost: Any, data: Any, mode: str, numbers: dict[str, Any]) -> None:
    """The directional derivatives of both rows are those that forward differentiation of the house gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = make()
    num = ParameterLayout.of(module).num_parameters
    path = Linear(0.3 * normal(2, num, seed=1) + 0.05, 0.4 * normal(2, num, seed=2))
    objective = Objective(module, cost, data, mode=mode, seeds=[4, 7], dtype="float64", batch_size=9, **numbers)
    check_curvature(objective, "this test")
    at = np.array([0.37])
    told, values = slopes(objective, path, at, 2), objective.along(path, at).channels["objective"]
    for s in range(2):
        found, velocity = Hessian(objective, path(0.37)[s], s), path.velocity(0.37)[s]
        found.check_value(float(values[0, s]))
        assert float(found.gradient @ velocity) == pytest.approx(told["slope"][0, s], rel=1e-10)
        assert float(velocity @ found.times(velocity)) == pytest.approx(told["curvature"][0, s], rel=1e-9)
        assert scatter_of(found).variance > 0


def test_it_is_the_second_derivative_of_the_house() -> None:
    make, cost, data, numbers = CASES["batch norm"]
    agree(make, cost, data(), "deterministic", numbers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "mode"),
    [
        ("attention", "deterministic"),
        ("maxout", "stochastic"),
        *((case, mode) for case in ("mpdbm", "convolution") for mode in ("deterministic", "stochastic")),
    ],
)
def test_so_for_the_house_s_models(case: str, mode: str) -> None:
    make, cost, data, numbers = CASES[case]
    agree(make, cost, data(), mode, numbers)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_so_for_anybody_s_module_or_refused(name: str) -> None:
    try:
        agree(WORKS[name], CrossEntropy(), DATA, "deterministic", {"running_statistics": "keep"})
    except InputError as error:
        assert name in ("own function", "renormed embedding", "writes into its weights", "writes at some points")
        assert "second derivatives" in str(error) or "writes into its own weights" in str(error)


@pytest.mark.slow
def test_a_quadratic_has_its_curvatures() -> None:
    module = Quadratic(dimension=210, low=0.1, high=1.0, seed=3)
    curvature = np.sort(module.constants["curvature"].numpy())
    objective = Objective(module, Output(), split(4, 1), dtype="float64")
    found = Hessian(objective, normal(210, seed=1))
    high, _ = extremes(found, 3, 0, tolerance=1e-4)
    np.testing.assert_allclose(high.values, curvature[::-1][:3], rtol=1e-6)
    assert scatter_of(found).variance == 0  # all examples have one cost
    trace, error = trace_of(found, 48)
    assert abs(trace - curvature.sum()) < 4 * error < 0.5 * trace


def test_a_deep_linear_net_has_the_hessian_of_theory() -> None:
    """At any point, by Lanczos; at the origin of three layers J is flat to second order."""
    x, y = normal(31, 9, seed=1) + 0.3, normal(31, 7, seed=2)
    module = DeepLinear(9, 7, depth=3, width=8)
    objective = Objective(module, SquaredError(), Split(x, y), dtype="float64")
    theta = 0.4 * normal(objective.layout.num_parameters, seed=4)
    named = objective.layout.unflatten(theta)
    weights = [named[name].numpy() for name in module.factors]
    told = np.linalg.eigvalsh(of_theory.hessian(weights, deep_linear.moments(x.numpy(), y.numpy())))
    high, low = extremes(Hessian(objective, theta), 2, 1)
    np.testing.assert_allclose([*high.values, *low.values], told[[-1, -2, 0]], rtol=1e-9)
    at_origin, _ = extremes(Hessian(objective, 0 * theta), 2, 0)
    assert at_origin.values.tolist() == [0, 0]


class Weighed:
    """Cross-entropy whose examples count what is written beside their labels."""

    num_draws = 1

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        values = nn.functional.cross_entropy(predict(x, 0), y[:, 0].long(), reduction="none")
        return {"objective": values, WEIGHT: y[:, 1]}


def test_an_example_that_counts_twice_is_two() -> None:
    """And one that does not count is not there."""
    counts = torch.tensor([0, 1, 2, 3])[torch.arange(23) % 4]
    weighed = Split(DATA.x, torch.stack([DATA.y.double(), counts.double()], dim=1))
    index = torch.arange(23).repeat_interleave(counts)
    repeated = Split(DATA.x[index], DATA.y[index])
    theta = 0.6 * normal(ParameterLayout.of(net(5)).num_parameters, seed=2)
    one, other = (
        Hessian(Objective(net(5), cost, data, dtype="float64", batch_size=7), theta)
        for cost, data in ((Weighed(), weighed), (CrossEntropy(), repeated))
    )
    assert one.value == pytest.approx(other.value, rel=1e-13)
    np.testing.assert_allclose(one.dense, other.dense, rtol=1e-9, atol=1e-13)
    assert scatter_of(one).variance == pytest.approx(scatter_of(other).variance, rel=1e-12)


class Hidden(nn.Module):
    """What J depends on is hidden from differentiation."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(D, C)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x) * self.last.weight.data.square().sum()


def stateful() -> Objective:
    make, cost, data, numbers = CASES["lstm"]
    return Objective(make(), cost, data(), dtype="float64", **numbers)


def normed(**numbers: Any) -> Objective:
    layers = nn.Sequential(nn.Linear(D, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, C))
    return Objective(layers, CrossEntropy(), DATA, dtype="float64", calibration=DATA, **numbers)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Objective(Hidden(), CrossEntropy(), DATA, dtype="float64"), "misses a part"),
        (lambda: Objective(WORKS["own function"](), CrossEntropy(), DATA, dtype="float64"), "second derivatives"),
        (stateful, "carries a state"),
        (lambda: normed(running_statistics="recalibrate"), "running_statistics=keep"),
        (lambda: normed(running_statistics="keep", mode="stochastic"), "draws its dropout"),
    ],
)
def test_what_has_no_curvature_is_refused(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_curvature(make(), "measurement=curvature")


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.objective.curvature.check.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs curvlinops.*pip install 'landscape-walk\[curvature\]'"):
        leading_directions(Objective(net(5), CrossEntropy(), DATA), torch.zeros(70))
