"""Logits and cross-entropy along a line, from one pass, against the network run at every α."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import log_softmax

from tests.theory.refusals import refuses
from theory import deep_linear
from theory.deep_linear import logits


def network(rng, sizes):
    return [(rng.standard_normal((o, i)) / np.sqrt(i), rng.standard_normal(o)) for i, o in pairwise(sizes)]


def run(start, end, x, activation, alpha):
    hidden = x
    for number, ((w0, b0), (w1, b1)) in enumerate(zip(start, end, strict=True)):
        if number:
            hidden = sum(a * hidden**k for k, a in enumerate(activation))
        hidden = hidden @ (w0 + alpha * (w1 - w0)).T + b0 + alpha * (b1 - b0)
    return hidden


CASES = [
    ((3, 4), (0.0, 1.0), 1),
    ((3, 5, 4), (0.0, 1.0), 2),
    ((2, 6, 6, 6, 3), (0.0, 1.0), 4),
    ((3, 5, 4), (0.0, 0.0, 1.0), 3),
    ((3, 4, 4, 3), (0.1, 1.0, 0.3), 7),
    ((3, 4, 4, 3), (-0.2, 0.5, 0.0, 0.1), 13),
    ((3, 4, 2), (0.7,), 1),
]


@pytest.mark.parametrize(("sizes", "activation", "degree"), CASES)
@pytest.mark.parametrize("interval", [(0.0, 1.0), (-0.5, 1.5)])
def test_logits_cost_and_slope_are_those_of_the_network(sizes, activation, degree, interval):
    rng = np.random.default_rng(degree)
    start, end, x = network(rng, sizes), network(rng, sizes), rng.standard_normal((12, sizes[0]))
    labels = rng.integers(0, sizes[-1], 12)
    curve = logits.line(start, end, x, activation, interval)
    assert curve.degree == degree
    alphas, h = rng.uniform(*interval, 7), 1e-5
    z = np.array([run(start, end, x, activation, a) for a in alphas])
    scale = np.abs(curve.coefficients).max()
    assert curve(alphas) == pytest.approx(z, abs=1e-13 * degree * scale)
    cost = [-log_softmax(one, axis=1)[np.arange(12), labels].mean() for one in z]
    assert curve.cross_entropy(alphas, labels) == pytest.approx(cost, abs=1e-12 * scale)
    assert curve.error_rate(alphas, labels) == pytest.approx([(one.argmax(1) != labels).mean() for one in z])
    slope = (curve.cross_entropy(alphas + h, labels) - curve.cross_entropy(alphas - h, labels)) / (2 * h)
    assert curve.slope(alphas, labels) == pytest.approx(slope, abs=1e-8 * scale * degree**2)
    assert curve(alphas, 2) == pytest.approx(
        (curve(alphas + h, 1) - curve(alphas - h, 1)) / (2 * h), abs=1e-7 * scale * degree**2
    )
    assert curve(0.25).shape == (12, sizes[-1]) and curve([[0.1, 0.2]]).shape == (1, 2, 12, sizes[-1])


def test_squared_error_of_the_linear_logits_is_the_deep_linear_line():
    rng = np.random.default_rng(3)
    start, end = ([(w, 0 * b) for w, b in network(rng, (4, 3, 3, 2))] for _ in range(2))
    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    exact = deep_linear.line([w for w, _ in start], [w for w, _ in end], deep_linear.moments(x, y))
    alphas = np.linspace(0, 1, 7)
    z = logits.line(start, end, x)(alphas)
    assert ((z - y) ** 2).sum(-1).mean(-1) == pytest.approx(exact(alphas), rel=1e-12)


def test_one_layer_is_convex_on_every_line():
    rng = np.random.default_rng(9)
    for _ in range(20):
        curve = logits.line(network(rng, (3, 4)), network(rng, (3, 4)), rng.standard_normal((15, 3)))
        slopes = curve.slope(np.linspace(-1, 2, 200), rng.integers(0, 4, 15))
        assert np.diff(slopes).min() > -1e-12


def test_products_of_bernstein_polynomials():
    rng = np.random.default_rng(1)
    p, q, t = rng.standard_normal((4, 3)), rng.standard_normal((3, 1)), 0.37
    product = logits.multiply(p, q)
    assert product.shape == (6, 3)
    for k in range(3):
        exact = logits.evaluate(p[:, k], t) * logits.evaluate(q[:, 0], t)
        assert logits.evaluate(product[:, k], t) == pytest.approx(exact, rel=1e-12)


RNG = np.random.default_rng(0)
A, B, X = network(RNG, (2, 3, 2)), network(RNG, (2, 3, 2)), RNG.standard_normal((5, 2))
test_bad_input_is_refused = refuses(
    (lambda: logits.line(A, B[:1], X), "shapes"),
    (lambda: logits.line([], [], X), "no layer"),
    (lambda: logits.line(A, B, X[:, :1]), "x has shape"),
    (lambda: logits.line(A, B, X[:0]), "x has shape"),
    (lambda: logits.line(A, B, X * np.nan), "finite inputs"),
    (lambda: logits.line(A, B, X, []), "no polynomial"),
    (lambda: logits.line(A, B, X, [0.0] * 600), "degree 600"),
    (lambda: logits.line(A, B, X, interval=(1, 0)), "interval"),
    (lambda: logits.line(A, [B[0], (B[1][0] * np.inf, B[1][1])], X), "NaN or infinity"),
    (lambda: logits.line(A, [B[0], (B[1][0], B[0][1])], X), "bias"),
    (lambda: logits.line([A[1], A[1]], [A[1], A[1]], X), "takes 3 inputs"),
    (lambda: logits.line(A, B, X).cross_entropy(0.5, [0, 1]), "5 whole"),
    (lambda: logits.line(A, B, X).slope(0.5, [0, 1, 2, 0, 0]), "from 0 to 1"),
    (lambda: logits.line(A, B, X).error_rate(0.5, [0.0] * 5), "float64"),
    (lambda: logits.line(A, B, X)(0.5, -1), "order=-1"),
    (lambda: logits.derive(power=5), "power=5"),
    (lambda: logits.draw(None, depth=0), "depth=0"),
)
