"""The factor of each eigenvalue against the plain recursions, torch's optimiser and exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.theory.refusals import refuses
from tests.theory.twins import descended
from theory.quadratic import modes
from theory.quadratic.modes import Method, gradient_descent, heavy_ball, nesterov, torch_sgd

Floats = NDArray[np.float64]

METHODS = [
    gradient_descent(0.7),
    gradient_descent(1.93),
    heavy_ball(0.5, 0.9),
    heavy_ball(3.7, 0.95),
    torch_sgd(0.7, 0.9, 0.3),
    torch_sgd(2.9, 0.6, 0.2),
    nesterov(1.2, 0.9),
    nesterov(0.3, 0.99),
    torch_sgd(1.2, 0.9, nesterov=True),
    torch_sgd(0.6, 0.8, nesterov=True),
]


def eigenvalues_of(method: Method, seed: int) -> Floats:
    """Fifty stable eigenvalues over five decades, up to 0.99 of the bound."""
    decades = np.random.default_rng(seed).uniform(-5, 0, 50)
    return np.asarray(0.99 * method.stability_bound() / method.lr * 10**decades)


def exact(method: Method, eigenvalue: float, step: int) -> Fraction:
    """g_t by the recurrence in rational numbers; floats are exact dyadic ones."""
    x, m, d = Fraction(method.lr) * Fraction(eigenvalue), Fraction(method.momentum), Fraction(method.dampening)
    if method.kind == "heavy_ball":
        trace, det, first = 1 + m - (1 - d) * x, m, 1 - x
    else:
        trace, det, first = (1 + m) * (1 - x), m * (1 - x), 1 - x if method.kind == "nesterov" else 1 - (1 + m) * x
    before, now = Fraction(1), first
    for _ in range(step - 1):
        before, now = now, trace * now - det * before
    return now if step else before


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_factor_is_the_recursion(method: Method) -> None:
    values = eigenvalues_of(method, 1)
    run = descended(method, lambda v: values * v, np.ones(50), np.zeros((1500, 1)))
    np.testing.assert_allclose(modes.factor(method, values, np.arange(1501)), run, rtol=0, atol=2e-12)


@pytest.mark.parametrize(
    ("momentum", "dampening", "look_ahead"), [(0.0, 0.4, False), (0.9, 0.0, False), (0.8, 0.3, False), (0.9, 0.0, True)]
)
def test_factor_is_torch_sgd(momentum: float, dampening: float, look_ahead: bool) -> None:
    values, start = np.array([0.02, 0.31, 0.9]), np.array([1.5, -0.7, 2.0])
    theta = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=0.6, momentum=momentum, dampening=dampening, nesterov=look_ahead)
    for _ in range(23):
        optimizer.zero_grad()
        (torch.tensor(values) * theta**2 / 2).sum().backward()
        optimizer.step()
    method = torch_sgd(0.6, momentum, dampening, nesterov=look_ahead)
    np.testing.assert_allclose(modes.factor(method, values, 23)[0] * start, theta.detach().numpy(), atol=1e-14)


@pytest.mark.parametrize(
    "method", [heavy_ball(1.0, 0.9), torch_sgd(1.0, 0.9, 0.3), nesterov(1.0, 0.9), torch_sgd(1.0, 0.5, nesterov=True)]
)
@pytest.mark.parametrize("shift", [0.0, 1e-16, -1e-15, 1e-13, -1e-11, 1e-8, -1e-5, 1e-2])
def test_double_root_keeps_its_digits(method: Method, shift: float) -> None:
    """Relative error against exact rationals, at the double root and beside it, where the naive form divides by 0."""
    m = method.momentum
    root = (1 - m**0.5) ** 2 / (1 - method.dampening) if method.kind == "heavy_ball" else ((1 - m) / (1 + m)) ** 2
    value = root * (1 + shift)
    for step in (0, 1, 2, 9, 60):
        want = exact(method, value, step)
        got = Fraction(float(modes.factor(method, [value], step)[0, 0]))
        assert abs(got - want) <= Fraction(1, 10**12) * abs(want)


@pytest.mark.parametrize("shift", [0.0, 1e-9, -1e-3])
def test_double_root_of_strong_momentum(shift: float) -> None:
    """μ = 0.9999 after 3000 steps: 1 + μ - 2√μ instead of (1 - √μ)² would lose some fifty times what is allowed."""
    value = ((1 - 0.9999) / (1 + 0.9999**0.5)) ** 2 * (1 + shift)
    with mpmath.workdps(60):
        m, x = mpmath.mpf(0.9999), mpmath.mpf(value)
        before, now = mpmath.mpf(1), 1 - x
        for _ in range(2999):
            before, now = now, (1 + m - x) * now - m * before
        got = modes.factor(heavy_ball(1.0, 0.9999), [value], 3000)[0, 0]
        assert abs(got / now - 1) < 1e-12


def test_steps_far_beyond_simulation() -> None:
    """At 10⁹ steps and λ = 10⁻⁹ heavy ball is the slow root's power; e^-5 to first order in λ."""
    value = modes.factor(heavy_ball(0.5, 0.9), [1e-9], 10**9)[0, 0]
    assert value == pytest.approx(np.exp(-5.0), rel=1e-6)
    assert modes.factor(gradient_descent(1.0), [1e-12], 10**12)[0, 0] == pytest.approx(np.exp(-1.0), rel=1e-11)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_noise_gain_is_the_sum_of_squared_answers(method: Method) -> None:
    """Each kick alone, simulated; steps on both sides of the change of formula."""
    values = eigenvalues_of(method, 2)
    kick = np.zeros((1400, 1))
    kick[0] = 1
    at_once = descended(method, lambda v: values * v, np.zeros(50), kick) ** 2
    later = np.roll(kick, 1, axis=0)
    shifted = np.cumsum(
        descended(method, lambda v: values * v, np.zeros(50), later) ** 2, axis=0
    )  # kicks 2 ... t, all alike
    steps = np.array([0, 1, 2, 17, 1024, 1025, 1400])
    np.testing.assert_allclose(
        modes.noise_gain(method, values, steps), at_once[steps] + shifted[steps], rtol=1e-9, atol=1e-300
    )


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_no_factor_exceeds_its_bound(method: Method) -> None:
    values = eigenvalues_of(method, 3)
    largest = np.abs(modes.factor(method, values, np.arange(3000))).max(axis=0)
    assert np.all(largest <= modes.bound(method, values) * (1 + 1e-12))


def test_bound_is_nearly_reached() -> None:
    """So it cannot be replaced by a smaller multiple of itself."""
    values = np.linspace(0.5, 3.5, 400)
    method = heavy_ball(1.0, 0.995)
    largest = np.abs(modes.factor(method, values, np.arange(400))).max(axis=0)
    assert np.max(largest / modes.bound(method, values)) > 0.99
    assert modes.bound(nesterov(1.0, 0.99), [0.8])[0] == 1


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_stability_bound_parts_decay_from_growth(method: Method) -> None:
    edge = method.stability_bound() / method.lr
    inside, outside = np.abs(modes.factor(method, [edge * 0.99, edge * 1.01], 4000)[0])
    assert inside < 1e-3
    assert outside > 1e3


def test_unstable_learning_rate_is_refused_with_its_bound() -> None:
    with pytest.raises(ValueError, match=r"lr=4.0 is unstable .* must stay below 3.8; take lr < 1.9$"):
        heavy_ball(4.0, 0.9).require_stable([0.1, 2.0])
    with pytest.raises(ValueError, match="unstable"):
        gradient_descent(2.0).require_stable([1.0])


test_bad_input_is_named = refuses(
    (lambda: gradient_descent(0.0), "lr=0.0"),
    (lambda: gradient_descent(float("nan")), "lr=nan"),
    (lambda: heavy_ball(0.1, 1.0), r"momentum=1.0 .* \[0, 1\)"),
    (lambda: torch_sgd(0.1, 0.9, 1.5), "dampening=1.5"),
    (lambda: torch_sgd(0.1, 0.9, 0.5, nesterov=True), "dampening=0.5 must be 0"),
    (lambda: torch_sgd(0.1, nesterov=True), "momentum=0.0 must be positive"),
    (lambda: modes.factor(gradient_descent(0.1), [1.0], [1.5]), "whole numbers"),
    (lambda: modes.factor(gradient_descent(0.1), [1.0], [-1]), "whole numbers"),
)
