"""Homogeneous networks from zero, convex segments, Gauss length, Taylor series: against networks that are run."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import mpmath
import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory import deep_linear
from theory.arithmetic import jets
from theory.deep_linear import scalar
from theory.deep_linear.curve import line as deep_linear_line
from theory.deep_linear.curve import moments
from theory.smooth import homogeneous, taylor
from theory.smooth.gauss_length import approaches_its_end, turning
from theory.smooth.homogeneous import equivalent_biases, plateau, random_network, run, zero_start
from theory.smooth.segment import segment
from theory.smooth.taylor import direction, evaluate, predicted_barrier, series


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


z = np.array([[1.0, 2.0], [0.0, 1.0]])


PAIRS = [(a, c) for a in taylor.UNITS for c in taylor.COSTS]


def example(seed=0, sizes=(2, 3, 3, 2), examples=3):
    rng = np.random.default_rng(seed)
    ends = [[(rng.standard_normal((o, i)), rng.standard_normal(o)) for i, o in pairwise(sizes)] for _ in range(2)]
    x = rng.standard_normal((examples, sizes[0]))
    return *ends, x, rng.standard_normal((examples, sizes[-1])), rng.integers(0, sizes[-1], examples)


def objective(start, end, x, targets, alpha, activation, cost):
    """J at one alpha in mpmath, unit by unit."""
    unit = {
        "linear": lambda z: z,
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "relu": lambda z: z if z > 0 else mpmath.mpf(0),
    }[activation]
    exact, each = (np.vectorize(f, otypes=[object]) for f in (lambda v: mpmath.mpf(float(v)), unit))
    total = mpmath.mpf(0)
    for row, target in zip(x, targets, strict=True):
        h = exact(row)
        for index, ((w0, b0), (w1, b1)) in enumerate(zip(start, end, strict=True)):
            z = ((1 - alpha) * exact(w0) + alpha * exact(w1)) @ h + (1 - alpha) * exact(b0) + alpha * exact(b1)
            h = z if index == len(start) - 1 else each(z)
        if cost == "squared_error":
            total += np.sum((h - exact(target)) ** 2)
        else:
            total += mpmath.log(sum(mpmath.exp(v) for v in h)) - h[int(target)]
    return total / len(x)


@pytest.mark.parametrize(("activation", "cost"), PAIRS)
def test_against_mpmath_at_both_ends(activation, cost):
    start, end, x, y, labels = example()
    targets = y if cost == "squared_error" else labels
    for alpha in (0.0, 1.0):
        found = series(start, end, x, targets, alpha=alpha, order=5, activation=activation, cost=cost)
        with mpmath.workdps(40):
            told = mpmath.taylor(
                lambda a, t=targets: objective(start, end, x, t, a, activation, cost), mpmath.mpf(alpha), 5
            )
        np.testing.assert_allclose(found, [float(v) for v in told], rtol=1e-12, atol=1e-12 * abs(float(told[0])))


def test_a_line_of_a_deep_linear_network_is_its_own_series():
    rng = np.random.default_rng(5)
    start, end = ([rng.standard_normal((3, 3)) for _ in range(2)] for _ in range(2))
    x, y = rng.standard_normal((2, 20, 3))
    curve = deep_linear.line(start, end, deep_linear.moments(x, y))
    for at in (0.0, 0.3, 1.0):
        c = series([(w, None) for w in start], [(w, None) for w in end], x, y, alpha=at, order=6, activation="linear")
        told = [float(curve.derivative(at, k)) / math.factorial(k) for k in range(7)]
        np.testing.assert_allclose(c, told, atol=1e-11 * max(map(abs, told)))
        np.testing.assert_allclose(evaluate(c[:5], [-0.2, 0.5]), curve([at - 0.2, at + 0.5]), rtol=1e-11)


def test_a_saturated_unit_is_flat_and_does_not_overflow():
    u = np.random.default_rng(6).standard_normal((9, 4))
    u[0] = np.abs(u[0]) + 0.5
    np.testing.assert_allclose(jets.sigmoid(1000 * u)[1:], 0, atol=1e-100)


def test_the_sign_at_the_start_decides_the_bump():
    one = np.ones((1, 1))
    flow = scalar.flow_limit(scalar.DEPTH_3_START)

    def along(u, t, order=4):
        ends = ([(w * one, None) for w in weights] for weights in (u, t))
        return series(*ends, one, one, activation="linear", order=order)

    assert direction(along(scalar.DEPTH_3_START, flow)) == 1
    for u in ((0.1, 0.05), (-0.5, 0.0)):
        c = along(u, (1, 1))
        told = scalar.kappa(u, (1, 1)) - 1
        assert direction(c) == np.sign(told) and c[1] == pytest.approx(2 * (1 - u[0] * u[1]) ** 2 * told, rel=1e-12)
    zero = along((0, 0, 0), (1, 1, 1), order=6)
    np.testing.assert_allclose(zero, [1, 0, 0, -2, 0, 0, 1], atol=1e-15)
    assert direction(zero) == -1 and direction([1.0, 0.0, 0.0]) == 0 and direction([1.0, 1e-17, -2.0], 1e-12) == -1


def test_a_relu_at_its_kink_has_no_series():
    start, end, x, y, _ = example(8)
    start[0] = (np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="kink"):
        series(start, end, x, y, activation="relu")
    dead = [(np.zeros((3, 2)), np.zeros(3)), *end[1:]]  # units that are zero all along the line are no kink
    c = series([dead[0], *start[1:]], dead, x, y, activation="relu", order=3)
    assert np.all(np.isfinite(c))
    c = series(start, end, x, y, alpha=1e-3, activation="relu", order=3)
    assert np.all(np.isfinite(c))


start, end, x, y, labels = example()
w, b = start[0]
test_bad_input_is_refused_in_one_sentence = refuses(
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
    (lambda: series([], [], x, y), "no chain"),
    (lambda: series(start[::-1], end, x, y), "no chain"),
    (lambda: series(start[:1], end, x, y), "one network"),
    (lambda: series(start, start, x, y), "length zero"),
    (lambda: series([(w, b[:1]), *start[1:]], end, x, y), r"use \[out, in\]"),
    (lambda: series([(w * np.nan, b), *start[1:]], end, x, y), "NaN"),
    (lambda: series(start, end, x[:, :1], y), "x has shape"),
    (lambda: series(start, end, x[:0], y[:0]), "with an example"),
    (lambda: series(start, end, x, y[:, :1]), "squared error needs"),
    (lambda: series(start, end, x, labels + 5, cost="cross_entropy"), "labels from 0 to 1"),
    (lambda: series(start, end, x, y, activation="gelu"), "gelu"),
    (lambda: series(start, end, x, y, order=0), "order=0"),
    (lambda: series(start, end, x, y, alpha=math.inf), "alpha=inf"),
    (lambda: predicted_barrier([1.0, 0.0]), "order=1"),
    (lambda: taylor.derive(order=1), "order=1"),
    (lambda: taylor.derive(seed=-1), "seed=-1"),
)
