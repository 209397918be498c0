"""One Lanczos run against plain runs of the optimisers on a dense quadratic."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from theory import quadratic
from theory.quadratic.lanczos import gauss_rule
from theory.quadratic.modes import Method, gradient_descent, heavy_ball, nesterov, torch_sgd

Floats = NDArray[np.float64]


def problem(dimension: int, seed: int) -> tuple[Floats, Floats]:
    """A dense Hessian with a log-uniform spectrum in a random basis, and a start."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    return (basis * 10 ** rng.uniform(-2, 0, dimension)) @ basis.T, rng.standard_normal(dimension)


def run(method: Method, hessian: Floats, start: Floats, steps: int) -> tuple[Floats, Floats]:
    """Projection and residual [steps + 1] of the run itself, in units of R."""
    error, before, buffer, rows = start, start, np.zeros_like(start), [start]
    for step in range(steps):
        if method.kind == "nesterov":
            look = error + method.momentum * (error - before)
            before, error = error, look - method.lr * hessian @ look
        else:
            gradient = hessian @ error
            buffer = gradient if step == 0 else method.momentum * buffer + (1 - method.dampening) * gradient
            ahead = gradient + method.momentum * buffer if method.kind == "nesterov_torch" else buffer
            error = error - method.lr * ahead
        rows.append(error)
    size = np.linalg.norm(start)
    moved = (start - np.array(rows)) / size
    along = moved @ start / size
    return along, np.linalg.norm(moved - along[:, None] * start / size, axis=1)


@pytest.mark.parametrize(
    "method",
    [
        gradient_descent(1.9),
        heavy_ball(0.5, 0.9),
        torch_sgd(0.8, 0.7, 0.4),
        nesterov(0.9, 0.95),
        torch_sgd(0.4, 0.9, nesterov=True),
    ],
    ids=str,
)
def test_one_run_serves_every_method_to_the_stated_step(method: Method) -> None:
    hessian, start = problem(300, 1)
    rule = gauss_rule(lambda v: hessian @ v, start, 14)
    assert (rule.projection_steps, rule.residual_steps) == (27, 13)
    along, beside = run(method, hessian, start, 60)
    found = quadratic.track(method, rule.spectrum, np.arange(61))
    np.testing.assert_allclose(found.projection[:28], along[:28], atol=1e-12)
    np.testing.assert_allclose(found.residual[:14], beside[:14], atol=1e-12)
    assert np.max(np.abs(found.residual - beside)) > 1e-7  # beyond, it is an approximation
    assert rule.distance == pytest.approx(np.linalg.norm(start), rel=1e-14)


def test_few_eigenvalues_make_it_exact_for_ever() -> None:
    values = np.repeat([0.03, 0.4, 1.0], 50)
    start = np.random.default_rng(2).standard_normal(150)
    products = []
    rule = gauss_rule(lambda v: products.append(0) or values * v, start, 40)
    assert len(products) == 3
    assert rule.projection_steps is None and rule.residual_steps is None
    np.testing.assert_allclose(rule.spectrum.eigenvalues, [0.03, 0.4, 1.0], rtol=1e-12)
    along, beside = run(heavy_ball(0.5, 0.9), np.diag(values), start, 200)
    found = quadratic.track(heavy_ball(0.5, 0.9), rule.spectrum, np.arange(201))
    np.testing.assert_allclose(found.projection, along, atol=1e-12)
    np.testing.assert_allclose(found.residual, beside, atol=1e-12)


def test_one_coordinate() -> None:
    rule = gauss_rule(lambda v: 0.7 * v, [3.0], 5)
    assert rule.spectrum.eigenvalues == pytest.approx([0.7])
    assert rule.residual_steps is None


def test_bad_hessians_are_refused() -> None:
    hessian, start = problem(40, 3)
    with pytest.raises(ValueError, match="not symmetric"):
        gauss_rule(lambda v: np.triu(hessian) @ v, start, 6)
    with pytest.raises(ValueError, match="not positive definite"):
        gauss_rule(lambda v: hessian @ v - 0.5 * v, start, 12)
    with pytest.raises(ValueError, match="finite and not zero"):
        gauss_rule(lambda v: hessian @ v, np.zeros(40), 6)
    with pytest.raises(ValueError, match=r"\[40\] needed"):
        gauss_rule(lambda v: v[:3], start, 6)
    with pytest.raises(ValueError, match="num_products=0"):
        gauss_rule(lambda v: hessian @ v, start, 0)
