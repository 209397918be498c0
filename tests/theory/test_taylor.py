"""Series along a line against mpmath at 40 digits, remainder orders, kinks, and the barrier that curvature tells."""

from __future__ import annotations

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest

from tests.theory.refusals import refused
from theory import deep_linear
from theory.arithmetic import jets
from theory.deep_linear import scalar
from theory.smooth import taylor
from theory.smooth.taylor import direction, evaluate, predicted_barrier, series

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
    total = mpmath.mpf(0)
    for n in range(len(x)):
        h = [mpmath.mpf(float(v)) for v in x[n]]
        for index, ((w0, b0), (w1, b1)) in enumerate(zip(start, end, strict=True)):
            z = []
            for i in range(len(w0)):
                total_i = (1 - alpha) * mpmath.mpf(float(b0[i])) + alpha * mpmath.mpf(float(b1[i]))
                for j in range(len(h)):
                    total_i += ((1 - alpha) * mpmath.mpf(float(w0[i][j])) + alpha * mpmath.mpf(float(w1[i][j]))) * h[j]
                z.append(total_i)
            h = z if index == len(start) - 1 else [unit(v) for v in z]
        if cost == "squared_error":
            total += sum((v - mpmath.mpf(float(t))) ** 2 for v, t in zip(h, targets[n], strict=True))
        else:
            total += mpmath.log(sum(mpmath.exp(v) for v in h)) - h[int(targets[n])]
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


@pytest.mark.parametrize(("activation", "cost"), PAIRS)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_remainder_has_order_k_plus_1(activation, cost, order):
    start, end, x, y, labels = example(3)
    targets = y if cost == "squared_error" else labels

    def at(alpha, k):
        return series(start, end, x, targets, alpha=alpha, order=k, activation=activation, cost=cost)

    near = at(1.0, order)
    rests = [abs(float(at(1.0 + s, 1)[0] - evaluate(near, s))) for s in (0.004, 0.002)]
    assert math.log2(rests[0] / rests[1]) == pytest.approx(order + 1, abs=0.15)


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


def test_series_of_functions_against_each_other():
    rng = np.random.default_rng(6)
    u = rng.standard_normal((9, 4))
    u[0] = np.abs(u[0]) + 0.5
    np.testing.assert_allclose(jets.exponential(jets.logarithm(u)), u, atol=1e-12 * np.max(np.abs(u)) * 100)
    e = jets.exponential(2 * u)
    one = np.zeros_like(u)
    one[0] = 1
    np.testing.assert_allclose(jets.multiply(jets.tanh(u), e + one), e - one, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(jets.sigmoid(1000 * u)[1:], 0, atol=1e-100)


def test_the_sign_at_the_start_decides_the_bump():
    one = np.ones((1, 1))
    flow = scalar.flow_limit(scalar.DEPTH_3_START)
    bump = series(
        [(w * one, None) for w in scalar.DEPTH_3_START], [(w * one, None) for w in flow], one, one, activation="linear"
    )
    assert direction(bump) == 1
    for u in ((0.1, 0.05), (-0.5, 0.0)):
        c = series([(w * one, None) for w in u], [(one, None)] * 2, one, one, activation="linear")
        told = scalar.kappa(u, (1, 1)) - 1
        assert direction(c) == np.sign(told) and c[1] == pytest.approx(2 * (1 - u[0] * u[1]) ** 2 * told, rel=1e-12)
    zero = series([(0 * one, None)] * 3, [(one, None)] * 3, one, one, activation="linear", order=6)
    np.testing.assert_allclose(zero, [1, 0, 0, -2, 0, 0, 1], atol=1e-15)
    assert direction(zero) == -1 and direction([1.0, 0.0, 0.0]) == 0 and direction([1.0, 1e-17, -2.0], 1e-12) == -1


def test_curvature_predicts_the_depth_2_barrier_exactly():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, b, turn = rng.standard_normal((2, 4)), rng.standard_normal((4, 3)), rng.standard_normal((4, 4))
        x = rng.standard_normal((30, 3))
        here, there = [b, a], [turn @ b, a @ np.linalg.inv(turn)]
        curve = deep_linear.line(here, there, deep_linear.moments(x, x @ (a @ b).T))
        for at in (0.0, 1.0):
            c = series(
                [(w, None) for w in here],
                [(w, None) for w in there],
                x,
                x @ (a @ b).T,
                alpha=at,
                order=2,
                activation="linear",
            )
            assert predicted_barrier(c) == pytest.approx(curve.barrier(), rel=1e-9)


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


def test_bad_input_is_refused_in_one_sentence():
    start, end, x, y, labels = example()
    w, b = start[0]
    cases = [
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
    ]
    refused(cases, end="")
