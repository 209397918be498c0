"""Two-layer networks with Gaussian inputs: closed form against quadrature, draws and differences; the swap."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import dblquad
from scipy.special import erf
from scipy.stats import multivariate_normal

from tests.theory.refusals import refuses
from theory.smooth import kernel, kernel_steps
from theory.smooth.kernel import Network, line
from theory.smooth.kernel_pairs import UNITS, normal_cdf

ACTIVATIONS = ["relu", "erf"]


def network(rng, units=3, inputs=5, outputs=2, bias=0.7):
    return Network(
        rng.standard_normal((units, inputs)) / 2,
        rng.standard_normal((outputs, units)),
        bias * rng.standard_normal(units),
        bias * rng.standard_normal(outputs),
    )


def test_bivariate_normal_against_scipy():
    rng = np.random.default_rng(0)
    for r in (-0.999, -0.6, 0.0, 0.3, 0.95):
        for h, k in [*rng.normal(size=(6, 2)) * 1.5, (0, 0), (0, 1.2), (-0.4, 0), (0.5, 0.5), (0.5, -0.5)]:
            expected = multivariate_normal.cdf([h, k], cov=[[1, r], [r, 1]], abseps=1e-12, releps=1e-12)
            assert float(normal_cdf(h, k, r)) == pytest.approx(expected, abs=2e-10)
    h = np.array([-1.3, 0.0, 0.8])
    np.testing.assert_allclose(normal_cdf(h, h, 1.0), normal_cdf(h, 40.0, 0.3), atol=1e-15)
    np.testing.assert_allclose(normal_cdf(h, -h, -1.0), 0.0, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pairs_against_quadrature(activation):
    def unit(z):
        return np.maximum(z, 0) if activation == "relu" else erf(z / np.sqrt(2))

    rng, worst = np.random.default_rng(1), 0.0
    for _ in range(4):
        m, n = rng.normal(size=2)
        root = rng.normal(size=(2, 2))
        (v, c), (_, w) = root @ root.T
        lower = np.linalg.cholesky([[v, c], [c, w]])
        kink = -m / lower[0, 0]  # of X; that of Y depends on x

        def cost(y, x, lower=lower, m=m, n=n):
            weight = np.exp(-(x * x + y * y) / 2) / (2 * np.pi)
            return unit(m + lower[0, 0] * x) * unit(n + lower[1, 0] * x + lower[1, 1] * y) * weight

        if activation == "relu":

            def low(x, lower=lower, n=n):
                return float(np.clip(-(n + lower[1, 0] * x) / lower[1, 1], -10, 10))

            expected = dblquad(cost, max(kink, -10), 10, low, 10, epsabs=1e-11)[0]
        else:
            expected = dblquad(cost, -9, 9, -9, 9, epsabs=1e-10)[0]
        worst = max(worst, abs(float(UNITS[activation][0](*map(np.float64, (m, n, v, w, c))).value) - expected))
    assert worst < 1e-9


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_line_that_ends_at_the_teacher_ends_at_zero_and_flat(activation):
    rng = np.random.default_rng(4)
    start, teacher = network(rng), network(rng)
    curve = line(start, teacher, teacher, activation)
    scale = float(curve(0.0))
    assert abs(float(curve(1.0))) < 1e-14 * scale and abs(float(curve.slope(1.0))) < 1e-13 * scale
    assert float(curve.slope(1 - 1e-7)) < 0 < float(curve.slope(1 + 1e-7))


def test_zero_start_is_one_curve_and_its_slope_too():
    rng = np.random.default_rng(5)
    teacher = network(rng, bias=0.0)
    zero = Network(np.zeros((3, 5)), np.zeros((2, 3)))
    curve, alphas = line(zero, teacher, teacher), np.linspace(0, 1.5, 16)
    scale = float(curve(0.0))
    np.testing.assert_allclose(curve(alphas), (1 - alphas**2) ** 2 * scale, atol=1e-14 * scale)
    np.testing.assert_allclose(curve.slope(alphas), -4 * alphas * (1 - alphas**2) * scale, atol=2e-13 * scale)


def test_a_unit_whose_weights_vanish_has_the_slope_to_the_right():
    rng = np.random.default_rng(6)
    start, end, teacher = network(rng), network(rng), network(rng)
    w, v, b, c = start.parts()
    w[0], b[0] = 0.0, 0.0
    curve, h = line(Network(w, v, b, c), end, teacher), 1e-6
    right = (-3 * curve(0.0) + 4 * curve(h) - curve(2 * h)) / (2 * h)
    assert float(curve.slope(0.0)) == pytest.approx(float(right), rel=1e-7)
    assert float(curve.slope(0.0)) == pytest.approx(float(curve.slope(1e-9)), rel=1e-7)
    b[0] = 0.4  # a constant unit is no kink
    smooth = line(Network(w, v, b, c), end, teacher)
    assert float(smooth.slope(0.0)) == pytest.approx(float((smooth(h) - smooth(-h)) / (2 * h)), rel=1e-7)


def test_permuted_solutions():
    curve, alphas = kernel.permuted(), np.linspace(0, 1, 11)
    barrier = 0.25 - 1 / (2 * np.pi)
    assert float(curve(0.5)) == pytest.approx(barrier, abs=1e-15)
    assert float(kernel.permuted(1.0)(0.5)) == pytest.approx(0.5 - 1 / np.pi, abs=1e-15)
    assert np.max(curve(np.linspace(0, 1, 2001))) <= barrier + 1e-15
    symbolic = kernel_steps.swap_curve().subs(kernel_steps.scale, 1 / sp.sqrt(2))
    exact = [float(symbolic.subs(kernel_steps.alpha, sp.Rational(k, 10))) for k in range(11)]
    np.testing.assert_allclose(curve(alphas), exact, atol=1e-15)
    assert np.all(curve.slope(alphas[1:5]) > 0) and np.all(curve.slope(alphas[6:10]) < 0)


def test_inputs_beyond_the_span_of_the_weights_change_nothing():
    rng = np.random.default_rng(7)
    nets = [network(rng, inputs=200) for _ in range(3)]
    curve = line(*nets)
    assert curve.coordinates_0.shape == (6, 9)
    np.testing.assert_allclose(curve([0.1, 0.9]), line(*nets, covariance=np.eye(200))([0.1, 0.9]), rtol=1e-13)


rng = np.random.default_rng(8)
net, other = network(rng), network(rng)
lopsided = np.eye(5)
lopsided[0, 1] = 1
test_bad_input_is_refused_in_one_sentence = refuses(
    (lambda: Network(np.ones(3), np.ones(3)), r"\[H, D\]"),
    (lambda: Network(np.ones((2, 3)), np.ones(3)), r"\[C, H\]"),
    (lambda: Network(np.ones((2, 3)), np.ones(2), np.ones(3)), "hidden_bias has shape"),
    (lambda: Network(np.ones((2, 3)), np.full(2, np.nan)), "output_weight holds NaN"),
    (lambda: line(net, network(rng, units=4), other), "one network"),
    (lambda: line(net, net, other), "length zero"),
    (lambda: line(net, other, network(rng, inputs=4)), "must agree"),
    (lambda: line(net, other, net, "tanh"), "relu, erf"),
    (lambda: line(net, other, net, covariance=np.eye(4)), "covariance has shape"),
    (lambda: line(net, other, net, covariance=lopsided), "semidefinite"),
    (lambda: line(net, other, net, covariance=-np.eye(5)), "semidefinite"),
    (lambda: line(net, other, net)([0.0, np.inf]), "alphas must be finite"),
    (lambda: kernel.derive(inputs=0), "inputs=0"),
    (lambda: kernel.derive(seed=-1), "seed=-1"),
)
