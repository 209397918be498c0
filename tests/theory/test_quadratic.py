"""Projection and residual on a quadratic: proofs, Figure 12's table, random starts, noise, ceilings, drawing."""

from __future__ import annotations

import matplotlib.figure
import numpy as np
import pytest
from numpy.typing import NDArray

from theory import quadratic
from theory.quadratic.modes import Method, gradient_descent, heavy_ball, nesterov, torch_sgd
from theory.quadratic.spectra import LogUniform, Spectrum, even, from_start, modes

Floats = NDArray[np.float64]


def simulate(method: Method, values: Floats, start: Floats, noise: Floats) -> Floats:
    """The last error [..., D] of the plain rule; ``noise`` [T, ..., D] is added to the gradients."""
    error, before, buffer = start, start, np.zeros_like(start)
    for step, kick in enumerate(noise):
        if method.kind == "nesterov":
            look = error + method.momentum * (error - before)
            before, error = error, look - method.lr * (values * look + kick)
        else:
            gradient = values * error + kick
            buffer = gradient if step == 0 else method.momentum * buffer + (1 - method.dampening) * gradient
            ahead = gradient + method.momentum * buffer if method.kind == "nesterov_torch" else buffer
            error = error - method.lr * ahead
    return error


def on_axis(start: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Projection and squared residual, in units of R and R²."""
    square = np.sum(start**2, axis=-1)
    along = np.sum((start - error) * start, axis=-1) / square
    return along, np.sum((start - error) ** 2, axis=-1) / square - along**2


@pytest.mark.parametrize(
    ("lr", "momentum", "residual", "projection"),
    [
        (0.1, 0.0, 0.337, 0.53),
        (1.0, 0.0, 0.347, 0.52),
        (1.9, 0.0, 0.474, 0.41),
        (0.1, 0.9, 0.526, 0.66),
        (0.5, 0.9, 0.613, 0.78),
        (0.1, 0.99, 0.670, 0.86),
    ],
)
def test_figure_12_table(lr: float, momentum: float, residual: float, projection: float) -> None:
    """Largest residual and its place, six settings, log-uniform spectrum on [0.01, 1], 3000 steps, within 2 %."""
    found = quadratic.track(heavy_ball(lr, momentum), modes(LogUniform(0.01, 1.0), 500), np.arange(3001))
    assert found.peak() == pytest.approx((residual, projection), rel=0.02)
    assert (found.projection[0], found.residual[0]) == (0, 0)
    assert abs(found.projection[-1] - 1) < 0.02 and found.residual[-1] < 0.05


@pytest.mark.parametrize(
    "method",
    [
        gradient_descent(1.7),
        heavy_ball(2.0, 0.8),
        torch_sgd(1.0, 0.9, 0.2),
        nesterov(0.9, 0.9),
        torch_sgd(0.5, 0.9, nesterov=True),
    ],
    ids=str,
)
def test_track_is_the_run(method: Method) -> None:
    rng = np.random.default_rng(3)
    values, start = rng.uniform(0.01, 1, 60), rng.standard_normal(60) + 0.3
    steps = np.array([0, 1, 5, 40, 200])
    found = quadratic.track(method, from_start(values, start), steps)
    for at, step in enumerate(steps):
        along, square = on_axis(start, simulate(method, values, start, np.zeros((step, 1))))
        assert found.projection[at] == pytest.approx(along, abs=1e-13)
        assert found.residual[at] ** 2 == pytest.approx(square, abs=1e-13)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = modes(LogUniform(0.01, 1.0), 40)
    whole = quadratic.track(heavy_ball(0.5, 0.9), spectrum, np.arange(100))
    monkeypatch.setattr("theory.quadratic.law._BLOCK", 280)
    parts = quadratic.track(heavy_ball(0.5, 0.9), spectrum, np.arange(100))
    np.testing.assert_allclose(parts.residual, whole.residual, rtol=1e-13)


def test_random_start_law() -> None:
    """200,000 Gaussian starts in 7 dimensions, two eigenvalues equal: |z| < 4 for E α, Var α and E ρ²."""
    rng = np.random.default_rng(8)
    values, method, step = np.array([0.05, 0.2, 0.2, 0.4, 0.7, 0.9, 1.0]), heavy_ball(0.5, 0.8), 6
    merged = np.array([0.05, 0.2, 0.4, 0.7, 0.9, 1.0])
    counts = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    law = quadratic.random_start(method, Spectrum(merged, np.full(6, 1 / 6), counts), step)
    start = rng.standard_normal((200_000, 7))
    along, square = on_axis(start, simulate(method, values, start, np.zeros((step, 1, 1))))
    spread = (along - along.mean()) ** 2
    for sample, mean in [
        (along, law.projection[0]),
        (spread, law.projection_std[0] ** 2),
        (square, law.residual[0] ** 2),
    ]:
        assert abs(sample.mean() - mean) < 4 * sample.std() / 200_000**0.5


@pytest.mark.parametrize(
    "method",
    [
        gradient_descent(1.2),
        heavy_ball(0.6, 0.8),
        torch_sgd(0.9, 0.8, 0.3),
        nesterov(0.7, 0.8),
        torch_sgd(0.5, 0.8, nesterov=True),
    ],
    ids=str,
)
def test_noisy_law(method: Method) -> None:
    """20,000 noisy runs, noise uneven over coordinates: |z| < 4 for E α, Var α and E ρ²."""
    rng = np.random.default_rng(9)
    values, start = np.array([0.05, 0.3, 0.8, 1.0]), np.array([2.0, -1.0, 0.5, 1.5])
    variance, runs, step = np.array([0.4, 0.1, 0.7, 0.2]), 20_000, 25
    noise = rng.standard_normal((step, runs, 4)) * np.sqrt(variance)
    along, square = on_axis(start, simulate(method, values, np.tile(start, (runs, 1)), noise))
    law = quadratic.noisy(
        method, from_start(values, start), step, variance=variance, distance=float(np.linalg.norm(start))
    )
    spread = (along - along.mean()) ** 2
    for sample, mean in [
        (along, law.projection[0]),
        (spread, law.projection_std[0] ** 2),
        (square, law.residual[0] ** 2),
    ]:
        assert abs(sample.mean() - mean) < 4 * sample.std() / runs**0.5


def test_noise_settles_at_its_stationary_level() -> None:
    """Far on, heavy ball's variance is ε(1 + μ)c/((1 - μ)λ(2(1 + μ) - ελ)) in each coordinate."""
    eps, m, value, c, size = 0.5, 0.9, 0.3, 0.04, 3.0
    law = quadratic.noisy(heavy_ball(eps, m), even([value], 10.0), 10**9, variance=c, distance=size)
    v = eps * (1 + m) * c / ((1 - m) * value * (2 * (1 + m) - eps * value)) / size**2
    assert law.projection_std[0] == pytest.approx(v**0.5, rel=1e-12)
    assert law.residual[0] == pytest.approx((9 * v) ** 0.5, rel=1e-12)


@pytest.mark.parametrize(
    "method", [gradient_descent(1.0), gradient_descent(1.9), heavy_ball(1.0, 0.97), nesterov(0.9, 0.95)], ids=str
)
def test_residual_stays_under_its_ceiling(method: Method) -> None:
    rng = np.random.default_rng(10)
    for _ in range(20):
        spectrum = from_start(10 ** rng.uniform(-3, 0, 5), rng.standard_normal(5))
        found = quadratic.track(method, spectrum, np.arange(400))
        assert np.all(found.residual <= quadratic.residual_bound(method, spectrum, found.projection) + 1e-7)


def test_heavy_ball_leaves_the_semicircle() -> None:
    """The ceiling of gradient descent does not hold with momentum."""
    spectrum = modes(LogUniform(0.01, 1.0), 200)
    found = quadratic.track(heavy_ball(0.5, 0.9), spectrum, np.arange(100))
    assert np.max(found.residual**2 - found.projection * (1 - found.projection)) > 0.1


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"lr": 4.0}, r"lr=4.0 is unstable .* take lr < 3.8$"),
        ({"lr": -1.0}, "lr=-1.0"),
        ({"lr": 1e-200}, "too slow"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"dimension": 1.5}, "dimension=1.5"),
        ({"condition": 1.0}, "condition=1.0"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quadratic.derive(**parameters)


def test_drawing_shows_the_curve_and_the_semicircle() -> None:
    axes = matplotlib.figure.Figure().add_subplot()
    quadratic.draw(axes, lr=0.5, momentum=0.9)
    curve, arc = axes.lines
    assert np.max(curve.get_ydata()) == pytest.approx(0.613, rel=0.02)
    assert np.max(arc.get_ydata()) == pytest.approx(0.5, rel=1e-3)
    assert "R" in axes.get_xlabel() and "R" in axes.get_ylabel()
    assert len(axes.collections) == 1
