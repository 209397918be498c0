"""Closed forms of the standard spectra against quadrature, and one Lanczos run against plain runs of the optimisers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.special
from numpy.typing import NDArray

from tests.theory.refusals import refuses
from tests.theory.twins import EVERY_KIND, descended, on_axis
from theory import quadratic
from theory.quadratic import spectra
from theory.quadratic.lanczos import gauss_rule
from theory.quadratic.modes import Method, heavy_ball
from theory.quadratic.spectra import Beta, Gamma, LogUniform, Uniform, marchenko_pastur

Floats = NDArray[np.float64]


def legendre(low: float, high: float) -> tuple[Floats, Floats]:
    """Nodes on [low, high] and weights that sum to one."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    return (high + low) / 2 + (high - low) / 2 * nodes, weights / 2


def quadrature(family: object) -> tuple[Floats, Floats]:
    """The family's density by a Gauss rule made for it, not by its quantiles."""
    if isinstance(family, LogUniform):
        logs, weights = legendre(np.log(family.low), np.log(family.high))
        return np.exp(logs), weights
    if isinstance(family, Uniform):
        return legendre(family.low, family.high)
    if isinstance(family, Gamma):
        nodes, weights = scipy.special.roots_genlaguerre(120, family.shape - 1)
        return family.scale * nodes, weights / weights.sum()
    assert isinstance(family, Beta)
    nodes, weights = scipy.special.roots_jacobi(400, family.b - 1, family.a - 1)
    return family.high * (1 + nodes) / 2, weights / weights.sum()


FAMILIES = [
    LogUniform(0.013, 1.7),
    Uniform(0.0, 1.3),
    Uniform(0.2, 2.1),
    Gamma(2.5, 0.3),
    Beta(1.7, 0.8, 2.2),
    marchenko_pastur(0.7),
]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_laplace_transform_is_the_integral(family: spectra.Family) -> None:
    nodes, weights = quadrature(family)
    times = np.array([0.0, 0.3, 2.0, 11.7])
    np.testing.assert_allclose(family.laplace(times), np.exp(-np.outer(times, nodes)) @ weights, atol=1e-12)


@pytest.mark.parametrize("family", [f for f in FAMILIES if not isinstance(f, Gamma)], ids=str)
@pytest.mark.parametrize("share", [0.4, 1.0, 1.7])
def test_descent_is_the_integral(family: spectra.DescentFamily, share: float) -> None:
    nodes, weights = quadrature(family)
    steps, lr = np.array([0, 1, 2, 9, 60, 300]), share / family.high
    found = quadratic.descent(family, lr, steps)
    powers = (1 - lr * nodes) ** steps[:, None]
    mean = powers @ weights
    np.testing.assert_allclose(found.projection, 1 - mean, atol=1e-12)
    np.testing.assert_allclose(found.residual**2, (powers - mean[:, None]) ** 2 @ weights, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_finite_modes_approach_the_family(family: spectra.Family) -> None:
    times = np.array([0.2, 1.0, 5.0])
    near, far = (quadratic.flow(spectra.modes(family, n), times) for n in (4000, 250))
    want = quadratic.flow(family, times)
    assert np.max(np.abs(near.projection - want.projection)) < 1e-4
    assert np.max(np.abs(near.residual - want.residual)) < 1e-4
    assert np.max(np.abs(near.projection - want.projection)) < np.max(np.abs(far.projection - want.projection))


def test_marchenko_pastur_in_bessel_functions() -> None:
    """The square case is a Beta law: exp(-2t)·(I₀ + I₁)(2t), and central binomials at lr = 1/λ_max."""
    t = np.array([0.1, 1.3, 8.0])
    bessel = scipy.special.ive(0, 2 * t) + scipy.special.ive(1, 2 * t)
    np.testing.assert_allclose(marchenko_pastur().laplace(t), bessel, rtol=1e-12)
    n = np.arange(20)
    binomial = 2 * scipy.special.binom(2 * n + 2, n + 1) / 4.0 ** (n + 1)
    np.testing.assert_allclose(marchenko_pastur().power(0.25, n), binomial, rtol=1e-12)


def test_gamma_residual_needs_no_time() -> None:
    family = Gamma(1.7, 0.6)
    found = quadratic.flow(family, np.array([0.4, 2.0, 30.0]))
    np.testing.assert_allclose(family.residual(found.projection), found.residual, rtol=1e-10)
    np.testing.assert_allclose(Gamma(1.7, 55.0).residual(found.projection), found.residual, rtol=1e-10)


def test_binned_spectrum_keeps_mean_and_counts() -> None:
    rng = np.random.default_rng(7)
    whole = spectra.from_start(10 ** rng.uniform(-2, 0, 5000), rng.standard_normal(5000))
    small = whole.binned(300)
    assert small.eigenvalues.size <= 300
    assert small.dimension == 5000
    assert small.eigenvalues @ small.weights == pytest.approx(whole.eigenvalues @ whole.weights, rel=1e-12)
    steps = np.arange(0, 300, 7)
    method = heavy_ball(0.5, 0.9)
    gap = quadratic.track(method, small, steps).residual - quadratic.track(method, whole, steps).residual
    assert 0 < np.max(np.abs(gap)) < 1e-4


test_bad_input_is_named = refuses(
    (lambda: spectra.from_start([1.0, 0.0], [1.0, 1.0]), "eigenvalues must be positive"),
    (lambda: spectra.from_start([1.0], [0.0]), "distance"),
    (lambda: spectra.from_start([1.0, 2.0], [1.0]), "one length"),
    (lambda: spectra.even([]), "at least 1"),
    (lambda: LogUniform(0.0, 1.0), "0 < low < high"),
    (lambda: Uniform(2.0, 1.0), "0 <= low < high"),
    (lambda: Gamma(0.0, 1.0), "shape=0.0"),
    (lambda: Beta(1.0, 1.0, float("inf")), "high=inf"),
    (lambda: quadratic.descent(Uniform(0.1, 1.0), 2.5, [1]), "unstable"),
    (lambda: quadratic.flow(Uniform(0.1, 1.0), [-1.0]), "times must be"),
    (lambda: spectra.even([1.0, 2.0]).binned(0), "num_bins=0"),
)


def problem(dimension: int, seed: int) -> tuple[Floats, Floats]:
    """A dense Hessian with a log-uniform spectrum in a random basis, and a start."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    return (basis * 10 ** rng.uniform(-2, 0, dimension)) @ basis.T, rng.standard_normal(dimension)


@pytest.mark.parametrize("method", EVERY_KIND, ids=str)
def test_one_run_serves_every_method_to_the_stated_step(method: Method) -> None:
    hessian, start = problem(300, 1)
    rule = gauss_rule(lambda v: hessian @ v, start, 14)
    assert (rule.projection_steps, rule.residual_steps) == (27, 13)
    along, beside = on_axis(start, descended(method, lambda v: hessian @ v, start, np.zeros((60, 1))))
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
    along, beside = on_axis(start, descended(heavy_ball(0.5, 0.9), lambda v: values * v, start, np.zeros((200, 1))))
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
