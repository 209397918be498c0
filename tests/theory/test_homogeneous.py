"""Homogeneous networks from zero, convex segments of outputs, Gauss length: against networks that are run."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from tests.theory.refusals import refused
from theory.deep_linear.curve import line as deep_linear_line
from theory.deep_linear.curve import moments
from theory.smooth import homogeneous
from theory.smooth.gauss_length import approaches_its_end, turning
from theory.smooth.homogeneous import equivalent_biases, plateau, random_network, run, zero_start
from theory.smooth.segment import segment


def cross_entropy(z, labels):
    top = z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(z)), labels]))


@pytest.mark.parametrize("pieces", [0, 3])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_curve_against_the_network_run_at_every_alpha(depth, pieces):
    weights, biases, x = random_network(depth, 7, pieces)
    none = [0 * b for b in biases]
    end, rng = run(weights, none, x, pieces), np.random.default_rng(depth)
    labels, y = rng.integers(0, 3, len(x)), rng.standard_normal(end.shape)
    by_class, by_value = zero_start(end, labels, depth), zero_start(end, y, depth, "squared_error")
    for alpha in (0.0, 0.2, 0.7, 1.0, 1.3):
        z = run([alpha * w for w in weights], none, x, pieces)
        assert float(by_class(alpha)) == pytest.approx(cross_entropy(z, labels), rel=1e-12)
        assert float(by_value(alpha)) == pytest.approx(float(np.mean(np.sum((z - y) ** 2, axis=1))), rel=1e-12)
        if alpha:
            assert np.array_equal(np.argmax(z, axis=1), np.argmax(end, axis=1))


@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
def test_one_dip_at_most_and_the_end_slope_decides(cost):
    seen = set()
    for seed in range(14):
        depth = 1 + seed % 4
        weights, biases, x = random_network(depth, seed)
        end = run(weights, [0 * b for b in biases], x)
        noisy = end + np.random.default_rng(seed).normal(scale=1.0 + seed % 3, size=end.shape)
        curve = zero_start(end, noisy if cost == "squared_error" else np.argmax(noisy, axis=1), depth, cost)
        grid = np.linspace(0, 1, 401)
        values = curve(grid)
        signs = np.sign(np.diff(values)[np.abs(np.diff(values)) > 1e-13 * values[0]])
        assert np.all(np.diff(signs) >= 0)  # falls, then rises: unimodal
        at = curve.minimum()
        assert (at is None) == curve.decreasing()
        if at is not None:
            assert abs(float(curve.slope(at))) < 1e-7 and float(curve(at)) <= values.min() + 1e-14
            if cost == "squared_error":
                best = float(np.sum(end * noisy) / np.sum(end**2))
                assert at == pytest.approx(best ** (1 / depth), rel=1e-9)
        seen.add(curve.decreasing())
    assert seen == {True, False}


def test_a_stationary_end_is_flat_and_decreasing():
    """Least squares on the last layer makes the end stationary along itself: Euler's identity."""
    weights, biases, x = random_network(3, 1)
    hidden = run([*weights[:2], np.eye(6)], [0 * b for b in biases[:2]] + [np.zeros(6)], x)
    hidden = np.maximum(hidden, 0)
    y = np.random.default_rng(2).standard_normal((len(x), 3))
    z = hidden @ np.linalg.lstsq(hidden, y, rcond=None)[0]
    curve = zero_start(z, y, 3, "squared_error")
    assert abs(float(curve.slope(1.0))) < 1e-13
    assert np.all(np.diff(curve(np.linspace(0, 1, 500))) < 0)


def test_plateau():
    for depth in (1, 2, 5):
        y = np.array([[1.0, -2.0], [0.5, 1.0]])
        curve = zero_start(y, y, depth, "squared_error")
        assert plateau(0.9, depth) == pytest.approx((1 - math.sqrt(0.9)) ** (1 / depth))
        assert curve.plateau(0.9) == pytest.approx(plateau(0.9, depth), rel=1e-12)
        assert float(curve(curve.plateau(0.3))) == pytest.approx(0.3 * float(curve(0.0)), rel=1e-12)
    wrong = zero_start(-y, y, 2, "squared_error")
    assert wrong.plateau(0.5) == 1.0


def test_biases():
    weights, biases, x = random_network(4, 3, 2)
    for alpha in (1e-3, 0.4, 1.7):
        there = run([alpha * w for w in weights], [alpha * b for b in biases], x, 2)
        here = alpha**4 * run(weights, equivalent_biases(biases, alpha), x, 2)
        np.testing.assert_allclose(there, here, rtol=1e-11)
    near = run([1e-4 * w for w in weights], [1e-4 * b for b in biases], x, 2) / 1e-4
    np.testing.assert_allclose(near, np.broadcast_to(biases[-1], near.shape), atol=1e-2)


def test_linear_logits_with_softmax():
    seen = set()
    for seed in range(24):
        rng = np.random.default_rng(seed)
        x, w0, w1 = rng.standard_normal((12, 4)), rng.standard_normal((3, 4)), 2 * rng.standard_normal((3, 4))
        labels = np.argmax(x @ w1.T + rng.gumbel(size=(12, 3)) * 3, axis=1)
        curve = segment(x @ w0.T, x @ w1.T, labels)
        for alpha in (0.0, 0.35, 1.0):
            z = x @ ((1 - alpha) * w0 + alpha * w1).T
            assert float(curve(alpha)) == pytest.approx(cross_entropy(z, labels), rel=1e-12)
        ts = rng.uniform(-0.5, 1.5, 5)
        slopes = (curve(ts + 1e-6) - curve(ts - 1e-6)) / 2e-6
        np.testing.assert_allclose(slopes, curve.slope(ts), atol=1e-8)
        values = curve(np.linspace(0, 1, 401))
        assert np.max(values) <= max(values[0], values[-1])  # no barrier
        assert np.all(np.diff(values, 2) > -1e-13)
        assert curve.decreasing() == bool(np.all(np.diff(values) < 0))
        assert curve.slope_sign(1.0) == np.sign(curve._decimal_slope(Decimal(1)))
        seen.add(curve.decreasing())
    assert seen == {True, False}


def test_a_grid_is_fooled_where_the_end_slope_is_not():
    """Three labels of one class, one of the other: J is least at the logit log 3, here inside the last cell."""
    logit = math.log(3) / 0.997
    z = np.array([[logit, 0.0]] * 4)
    curve = segment(np.zeros((4, 2)), z, [0, 0, 0, 1])
    assert np.all(np.diff(curve(np.linspace(0, 1, 101))) < 0)
    assert not curve.decreasing() and curve.minimum() == pytest.approx(0.997, rel=1e-12)


def test_the_sign_of_a_slope_below_rounding():
    logit = math.log(3)  # rounded, so the slope at 1 is not zero but 1e-16 or so
    for value in (logit, math.nextafter(logit, 0), math.nextafter(logit, 2)):
        curve = segment(np.zeros((4, 2)), [[value, 0.0]] * 4, [0, 0, 0, 1])
        with localcontext() as context:
            context.prec = 60
            gap = Decimal(value).exp() - 3
        assert curve.slope_sign() == (1 if gap > 0 else -1)
        assert abs(float(curve.slope(1.0))) < 1e-15
    exactly = segment([[1.0, 0.0]] * 2, [[0.0, 0.0]] * 2, [0, 1])
    assert exactly.slope_sign() == 0 and exactly.decreasing()


def test_turning_of_known_curves():
    t = np.linspace(0, 1, 2001)
    arc = np.stack([np.cos(t), np.sin(t), 0 * t], axis=1)
    assert turning(arc) == pytest.approx(1.0, abs=1e-3)
    assert turning([[0, 0], [1, 0], [1, 1]]) == pytest.approx(np.pi / 2)
    assert turning([[0, 0], [1, 0], [1, 0], [0, 0]]) == pytest.approx(np.pi)
    assert turning([[0, 0], [1, 1], [3, 3]]) == pytest.approx(0, abs=1e-15)
    assert approaches_its_end(np.stack([np.cos(1.5 * t), np.sin(1.5 * t)], axis=1))
    circle = np.stack([np.cos(4 * t), np.sin(4 * t)], axis=1)
    assert not approaches_its_end(circle) and np.any(np.diff(np.linalg.norm(circle - circle[-1], axis=1)) > 0)


def test_gauss_length_is_sufficient_and_not_necessary_on_deep_linear_lines():
    certified = monotone = 0
    alphas = np.linspace(0, 1, 401)
    for seed in range(150):
        rng = np.random.default_rng(seed)
        start = [rng.standard_normal((3, 3)) * 0.4 for _ in range(2)]
        end = [rng.standard_normal((3, 3)) for _ in range(2)]
        x = rng.standard_normal((8, 3))
        y = x @ (end[1] @ end[0]).T
        outputs = [x @ (((1 - a) * start[1] + a * end[1]) @ ((1 - a) * start[0] + a * end[0])).T for a in alphas]
        told = approaches_its_end(np.reshape(outputs, (len(alphas), -1)))
        rise = deep_linear_line(start, end, moments(x, y)).largest_rise()
        falls = rise <= 1e-12
        assert falls or not told
        certified, monotone = certified + told, monotone + falls
    assert 0 < certified < monotone < 150


def test_bad_input_is_refused_in_one_sentence():
    z = np.array([[1.0, 2.0], [0.0, 1.0]])
    cases = [
        (lambda: zero_start(z, [0, 1], 0), "depth=0"),
        (lambda: zero_start(z, [0, 2], 2), "labels from 0 to 1"),
        (lambda: zero_start(z, [0, 1], 2, "hinge"), "hinge"),
        (lambda: zero_start(z[:0], [], 2), "outputs has shape"),
        (lambda: zero_start(0 * z, [0, 1], 2), "length zero"),
        (lambda: zero_start(z * np.nan, [0, 1], 2), "finite"),
        (lambda: zero_start(z, z[:1], 2, "squared_error"), "squared error needs"),
        (lambda: zero_start(z, [0, 1], 2)(-0.1), "negative"),
        (lambda: zero_start(z, [0, 1], 2).plateau(1.0), "share=1"),
        (lambda: segment(z, z[:1], [0, 1]), "both must be"),
        (lambda: segment(z, 2 * z, [0, 1])(np.nan), "finite"),
        (lambda: plateau(0.0, 2), "share=0"),
        (lambda: equivalent_biases([z], 0.0), "alpha=0"),
        (lambda: turning([[0, 0], [0, 0]]), "length zero"),
        (lambda: turning([1.0, 2.0]), r"\[A, P\]"),
        (lambda: homogeneous.derive(depth=0), "depth=0"),
        (lambda: homogeneous.derive(seed=-1), "seed=-1"),
    ]
    refused(cases, end="")
