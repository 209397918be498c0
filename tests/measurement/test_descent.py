"""Descent on a quadratic against a loop by hand, torch's own optimizers and theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy, Output
from landscape.data.none import none
from landscape.errors import InputError
from landscape.measurement import Descent, Network
from landscape.model import Quadratic
from landscape.objective import Objective
from landscape.result.curve import Projection
from landscape.training import Momentum
from tests.twin import maxout, stream
from theory import quadratic
from theory.quadratic import modes, spectra

NOISE = 7  # again here: a renumbered stream must fail a test
P, LOW, HIGH = 30, 0.05, 1.5
SGD = torch.optim.SGD
METHODS: dict[str, tuple[Any, modes.Method]] = {
    "gradient": (partial(Momentum, lr=0.4), modes.gradient_descent(0.4)),
    "momentum": (partial(Momentum, lr=0.3, momentum=0.8), modes.heavy_ball(0.3, 0.8)),
    "near the bound": (partial(Momentum, lr=1.3), modes.gradient_descent(1.3)),
    "torch": (partial(SGD, lr=0.3, momentum=0.8), modes.torch_sgd(0.3, 0.8)),
    "dampened": (partial(SGD, lr=0.9, momentum=0.7, dampening=0.4), modes.torch_sgd(0.9, 0.7, 0.4)),
    "nesterov": (partial(SGD, lr=0.3, momentum=0.8, nesterov=True), modes.torch_sgd(0.3, 0.8, nesterov=True)),
}


def subject(optimizer: Callable[..., Any], seeds: list[int] | None = None, module: nn.Module | None = None) -> Network:
    module = Quadratic(P, LOW, HIGH, seed=3) if module is None else module
    return Network(
        seeds=seeds or [4, 7],
        device=torch.device("cpu"),
        module=module,
        cost=Output(),
        dataset=none(),
        objective=Objective,
        optimizer=optimizer,
    )


def problem() -> tuple[np.ndarray, np.ndarray]:
    constants = Quadratic(P, LOW, HIGH, seed=3).constants
    return constants["curvature"].numpy(), constants["solution"].numpy()


def seen_from(thetas: list[np.ndarray], solution: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    """Projection, residual and norm of a run that started at the origin, by plain sums."""
    length = math.sqrt(math.fsum(solution**2))
    along = [math.fsum(theta * solution) / length for theta in thetas]
    aside = [math.sqrt(math.fsum((t - x * solution / length) ** 2)) for t, x in zip(thetas, along, strict=True)]
    return along, aside, [math.sqrt(math.fsum(theta**2)) for theta in thetas]


def by_hand(lr: float, momentum: float, num_steps: int, kicks: list[np.ndarray] | None = None) -> list[np.ndarray]:
    """v <- momentum v - lr (h (theta - theta*) + kick), theta <- theta + v."""
    curvature, solution = problem()
    theta, velocity, thetas = np.zeros(P), np.zeros(P), [np.zeros(P)]
    for step in range(num_steps):
        kick = 0.0 if kicks is None else kicks[step]
        velocity = momentum * velocity - lr * (curvature * (theta - solution) + kick)
        theta = theta + velocity
        thetas.append(theta)
    return thetas


def close(run: Projection, thetas: list[np.ndarray], s: int = 0) -> None:
    solution = problem()[1]
    for found, plain in zip(
        (run.projection, run.residual_norm, run.parameter_norm), seen_from(thetas, solution), strict=True
    ):
        np.testing.assert_allclose(found[:, s], plain, rtol=1e-12, atol=1e-12)
    assert run.length[s] == pytest.approx(math.sqrt(math.fsum(solution**2)), rel=1e-14)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_equals_torch_s_own_loop(name: str) -> None:
    """The optimizer steps a plain parameter on the same quadratic, with autograd of a formula written here."""
    optimizer, _ = METHODS[name]
    curvature, solution = (torch.from_numpy(part) for part in problem())
    theta = nn.Parameter(torch.zeros(P, dtype=torch.float64))
    made, thetas = optimizer([theta]), [np.zeros(P)]
    for _ in range(40):
        made.zero_grad()
        (curvature * (theta - solution) ** 2 / 2).sum().backward()
        made.step()
        thetas.append(theta.detach().numpy().copy())
    measured = Descent(num_steps=40, stop_projection=math.inf)(subject(optimizer))
    close(measured.projections["descent"], thetas)
    assert measured.labels == ["4"]  # without noise there is but one run
    assert measured.numbers["num_steps"] == [40.0] and Descent.stage is Network


@pytest.mark.parametrize("name", METHODS)
def test_a_run_equals_theory(name: str) -> None:
    optimizer, method = METHODS[name]
    measured = Descent(num_steps=300, stop_projection=math.inf)(subject(optimizer))
    run, theory = measured.projections["descent"], measured.projections["theory"]
    curvature, solution = problem()
    track = quadratic.track(method, spectra.from_start(curvature, -solution), np.arange(301))
    np.testing.assert_allclose(run.projection[:, 0] / run.length, track.projection, atol=1e-12)
    np.testing.assert_allclose(run.residual_norm[:, 0] / run.length, track.residual, atol=1e-12)
    assert measured.numbers["theory_deviation"][0] < 1e-12
    rows = theory.steps.astype(int)
    assert len(rows) <= 64 and rows[0] == 0 and rows[-1] == 300 and (np.diff(rows) > 0).all()
    np.testing.assert_allclose(theory.projection[:, 0], track.projection[rows] * run.length, atol=1e-12)
    np.testing.assert_allclose(theory.residual_norm[:, 0], track.residual[rows] * run.length, atol=1e-12)


def test_the_deviation_is_measured() -> None:
    """A gradient that is off by a millionth shows."""

    class Off(Output):
        def __call__(self, predict: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return (1 + 1e-6) * super().__call__(predict, x, y)

    optimizer = METHODS["gradient"][0]
    measured = Descent(num_steps=50)(replace(subject(optimizer), cost=Off()))
    assert 1e-8 < measured.numbers["theory_deviation"][0] < 1e-5


def test_expected_over_solutions() -> None:
    """80 problems of the same curvatures: mean and spread of the projection are the law's within z = 4."""
    num, steps = 80, [1, 5, 15]
    runs, last = [], None
    for seed in range(num):
        module = Quadratic(P, LOW, HIGH, seed=3)
        module.constants["solution"] = torch.randn(P, generator=stream(seed), dtype=torch.float64)
        measured = Descent(num_steps=15, stop_projection=math.inf)(subject(METHODS["momentum"][0], module=module))
        run = measured.projections["descent"]
        runs.append(run.projection[steps, 0] / run.length)
        last = measured.projections
    assert last is not None
    length = last["descent"].length
    mean, low, high = (
        last[name].projection[steps, 0] / length for name in ("expected", "expected_low", "expected_high")
    )
    deviation = (high - low) / 4
    assert (np.abs(np.mean(runs, axis=0) - mean) < 4 * deviation / math.sqrt(num)).all()
    assert (np.abs(np.std(runs, axis=0) / deviation - 1) < 4 / math.sqrt(2 * num)).all()
    np.testing.assert_allclose(high - mean, mean - low, atol=1e-14)


def test_noise_is_each_seed_s_own_and_averages_to_the_law() -> None:
    num, num_steps, noise = 100, 20, 0.2
    optimizer, method = METHODS["momentum"]
    measured = Descent(num_steps, noise=noise)(subject(optimizer, list(range(num))))
    run = measured.projections["descent"]
    assert run.projection.shape == (num_steps + 1, num) and measured.labels == [str(s) for s in range(num)]
    for s in (0, 9):
        generator = stream(s, NOISE)
        kicks = [noise * torch.randn(P, generator=generator, dtype=torch.float64).numpy() for _ in range(num_steps)]
        close(run, by_hand(method.lr, method.momentum, num_steps, kicks), s)
    alone = Descent(num_steps, noise=noise)(subject(optimizer, [9])).projections["descent"]
    assert np.array_equal(alone.residual_norm[:, 0], run.residual_norm[:, 9])
    curvature, solution = problem()
    law = quadratic.noisy(
        method,
        spectra.from_start(curvature, -solution),
        np.arange(num_steps + 1),
        variance=noise**2,
        distance=float(run.length[0]),
    )
    x, square = run.projection / run.length, (run.residual_norm / run.length) ** 2
    assert (np.abs(x.mean(axis=1) - law.projection) <= 4 * law.projection_std / math.sqrt(num) + 1e-14).all()  # z = 4
    error = square.std(axis=1) / math.sqrt(num)
    assert (np.abs(square.mean(axis=1) - law.residual**2) <= 4 * error + 1e-14).all()
    theory = measured.projections["theory"]
    rows = theory.steps.astype(int)
    np.testing.assert_allclose(theory.residual_norm[:, 0], law.residual[rows] * run.length[0], rtol=1e-12, atol=1e-12)


def test_a_run_stops_once_it_is_there_and_a_noisy_one_does_not() -> None:
    optimizer = METHODS["momentum"][0]
    measured = Descent(3000, stop_projection=0.9, stop_residual=0.1)(subject(optimizer))
    run = measured.projections["descent"]
    x, r = run.projection[:, 0] / run.length, run.residual_norm[:, 0] / run.length
    there = (x > 0.9) & (r < 0.1)
    assert there[-1] and not there[:-1].any() and measured.numbers["num_steps"] == [len(x) - 1.0] and len(x) < 200
    assert measured.projections["expected"].steps.tolist() == run.steps.tolist()
    noisy = Descent(60, noise=1e-9, stop_projection=0.9, stop_residual=0.1)(subject(optimizer))
    assert noisy.numbers["num_steps"] == [60.0, 60.0]


@pytest.mark.parametrize(
    ("optimizer", "cost"),
    [
        (partial(torch.optim.Adam, lr=0.1), Output()),
        (partial(SGD, lr=0.1, weight_decay=0.1), Output()),
        (partial(SGD, lr=1e-4, maximize=True), Output()),
        (partial(Momentum, lr=1e-3), lambda predict, x, y: predict(x, 0).square()),
    ],
    ids=["adam", "weight decay", "ascent", "another cost"],
)
def test_what_theory_does_not_know_is_run_alone(optimizer: Any, cost: Any) -> None:
    measured = Descent(20)(replace(subject(optimizer), cost=cost))
    assert set(measured.projections) == {"descent"} and "theory_deviation" not in measured.numbers
    assert np.isfinite(measured.projections["descent"].projection).all()


def test_the_module_is_left_as_it_was() -> None:
    module = Quadratic(P, LOW, HIGH, seed=3)
    Descent(5)(subject(METHODS["gradient"][0], module=module))
    assert module.theta.dtype == torch.float32 and not module.theta.any()


class AtSolution(Quadratic):
    """Starts where it should end."""

    def __init__(self) -> None:
        super().__init__(P)
        self.constants["solution"] = torch.zeros(P, dtype=torch.float64)


@pytest.mark.parametrize(
    ("optimizer", "changes", "text"),
    [
        (partial(Momentum, lr=2.1), {}, r"optimizer\.lr=2\.1 .*must stay below 2; take lr < 1\.\d+"),
        (partial(SGD, lr=0.1, momentum=1.0), {}, r"optimizer\.momentum=1\.0"),
        (partial(SGD, lr=3.0, weight_decay=0.5), {}, r"diverged at step \d+ .*lower optimizer\.lr"),
        (partial(SGD, lr=-1.0), {}, r"optimizer cannot be made: Invalid learning rate: -1\.0"),
        (partial(SGD, lr=float("nan")), {}, r"optimizer\.lr=nan must be finite"),
        (partial(torch.optim.LBFGS, lr=0.1), {}, r"optimizer=LBFGS asks for a closure"),
        (partial(SGD, speed=1.0), {}, r"optimizer cannot be made: .*speed"),  # type: ignore[call-arg]
        (partial(Momentum, lr=-1.0), {}, r"^optimizer\.lr=-1\.0 must be positive"),
        (partial(Momentum, lr=0.1), {"module": maxout(), "cost": CrossEntropy()}, "model=MaxoutMLP names none"),
        (partial(SGD, lr=0.1, weight_decay=0.1), {"module": AtSolution()}, "AtSolution starts at its own solution"),
    ],
)
def test_runs_that_go_nowhere_are_refused(optimizer: Any, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        Descent(2000)(replace(subject(optimizer), **changes))


def test_numbers_out_of_range_are_refused() -> None:
    wrong: dict[str, tuple[Any, ...]] = {
        "num_steps": (0, 1.5),
        "noise": (-1.0, math.nan, math.inf),
        "stop_projection": (math.nan, -1.0),
        "stop_residual": (math.nan,),
    }
    for key, values in wrong.items():
        for value in values:
            with pytest.raises(InputError, match=rf"measurement\.{key}={value}"):
                Descent(**{key: value})
