"""The polynomial from second moments against the network run on the data, finite differences and exact rationals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest

from tests.theory.refusals import refused
from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import evaluate, halves, sign_changes, turning_points
from theory.deep_linear.curve import Moments, line, moments


def network(rng, widths, scale=0.8):
    return [scale * rng.standard_normal((o, i)) for i, o in pairwise(widths)]


def ends(rng, depth):
    widths = rng.integers(1, 6, depth + 1)
    return network(rng, widths), network(rng, widths)


def data(rng, weights, num=23):
    x = rng.standard_normal((num, weights[0].shape[1])) + 0.3
    return x, rng.standard_normal((num, weights[-1].shape[0])) - 0.2


def direct(weights_0, weights_1, x, y, alpha):
    """The twin: run the network."""
    h = x
    for a, b in zip(weights_0, weights_1, strict=True):
        h = h @ ((1 - alpha) * a + alpha * b).T
    return np.mean(np.sum((h - y) ** 2, axis=1))


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8, 12])
def test_equals_the_network_run_on_the_data(depth):
    rng = np.random.default_rng(depth)
    for _ in range(5):
        start, end = ends(rng, depth)
        x, y = data(rng, start)
        curve = line(start, end, moments(x, y))
        alphas = rng.uniform(-0.4, 1.6, 17)
        twin = np.array([direct(start, end, x, y, a) for a in alphas])
        assert curve.degree == 2 * depth
        # Outside [0, 1] terms alternate, so rounding is relative to the sum of their sizes.
        sizes = np.max(np.abs(curve.coefficients)) * (np.abs(alphas) + np.abs(1 - alphas)) ** (2 * depth)
        assert np.all(np.abs(curve(alphas) - twin) <= 1e-14 * depth * sizes)
        inside = rng.uniform(0, 1, 17)
        twin = np.array([direct(start, end, x, y, a) for a in inside])
        np.testing.assert_allclose(curve(inside), twin, rtol=1e-12, atol=1e-13 * np.max(np.abs(curve.coefficients)))


def test_accurate_beyond_one_when_the_interval_says_so():
    rng = np.random.default_rng(5)
    start, end = ends(rng, 6)
    x, y = data(rng, start)
    curve = line(start, end, moments(x, y), interval=(-0.7, 2.3))
    alphas = rng.uniform(-0.7, 2.3, 40)
    twin = [direct(start, end, x, y, a) for a in alphas]
    np.testing.assert_allclose(curve(alphas), twin, rtol=1e-10, atol=1e-13 * np.max(np.abs(curve.coefficients)))


def test_coefficients_against_exact_fractions():
    rng = np.random.default_rng(11)
    start, end = network(rng, [2, 3, 2, 3, 2]), network(rng, [2, 3, 2, 3, 2])
    x, y = rng.integers(-9, 9, (7, 2)), rng.integers(-9, 9, (7, 2))

    def exact(alpha):
        h = [[Fraction(int(v)) for v in row] for row in x]
        for a, b in zip(start, end, strict=True):
            w = [
                [(1 - alpha) * Fraction(p) + alpha * Fraction(q) for p, q in zip(r, s, strict=True)]
                for r, s in zip(a.tolist(), b.tolist(), strict=True)
            ]
            h = [[sum(p * q for p, q in zip(row, u, strict=True)) for u in w] for row in h]
        return sum((p - int(q)) ** 2 for row, t in zip(h, y, strict=True) for p, q in zip(row, t, strict=True)) / 7

    curve = line(start, end, moments(x, y))
    for alpha in (Fraction(0), Fraction(3, 16), Fraction(5, 8), Fraction(1)):
        assert float(curve(float(alpha))) == pytest.approx(float(exact(alpha)), rel=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_against_finite_differences(order):
    rng = np.random.default_rng(3)
    start, end = ends(rng, 3)
    curve = line(start, end, moments(*data(rng, start)))
    alphas, h = rng.uniform(0.1, 0.9, 9), 1e-5
    lower = order - 1
    slope = (curve.derivative(alphas + h, lower) - curve.derivative(alphas - h, lower)) / (2 * h)
    scale = np.max(np.abs(curve.derivative(np.linspace(0, 1, 50), order)))
    np.testing.assert_allclose(curve.derivative(alphas, order), slope, atol=1e-7 * scale)


def test_derivative_beyond_the_degree_is_zero():
    curve = line([[[0.3]]], [[[2.0]]], moments([[1.0]], [[1.0]]))
    assert curve.derivative(0.4, 3) == 0
    with pytest.raises(ValueError, match="order=-1"):
        curve.derivative(0.4, -1)


def test_moments_merge_over_batches_and_widen():
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 256, (9001, 5)).astype(np.uint8), rng.standard_normal((9001, 3)).astype(np.float32)
    whole = moments(x, y)
    parts = moments(x[:4000], y[:4000]) + moments(x[4000:], y[4000:])
    assert np.array_equal(whole.sum_xx, x.astype(np.int64).T @ x.astype(np.int64))  # bytes do not wrap
    np.testing.assert_array_equal(whole.sum_xx, parts.sum_xx)
    np.testing.assert_allclose(whole.yx, parts.yx, rtol=1e-12)
    np.testing.assert_allclose(whole.yx, np.mean(y.astype(float)[:, :, None] * x.astype(float)[:, None, :], 0))
    assert whole.yy == pytest.approx(np.mean(np.sum(y.astype(float) ** 2, 1)))
    assert (parts.count, whole.count) == (9001, 9001)


def test_two_global_minimisers_at_depth_2_are_separated_by_a_sixteenth():
    """J - J* = α²(1-α)² ‖ΔB ΔA‖²_Σ, although the moments are singular."""
    rng = np.random.default_rng(13)
    a, b = rng.standard_normal((4, 6)), rng.standard_normal((3, 4))
    mixing = rng.standard_normal((4, 4))
    x = rng.standard_normal((5, 6))  # fewer examples than inputs
    y = x @ (b @ a).T + rng.standard_normal((5, 3)) * 0.0
    other = [mixing @ a, b @ np.linalg.inv(mixing)]
    curve = line([a, b], other, moments(x, y), interval=(-0.3, 1.3))
    change = (other[1] - b) @ (other[0] - a)
    height = np.mean(np.sum((x @ change.T) ** 2, 1)) / 16
    minima, maxima = curve.minima(), [p for p in curve.maxima() if p.interior]
    assert [p.alpha for p in minima] == pytest.approx([0, 1], abs=1e-9)
    assert [p.alpha for p in maxima] == pytest.approx([0.5], abs=1e-9)
    assert maxima[0].objective == pytest.approx(height, rel=1e-10)
    on_unit = line([a, b], other, moments(x, y))
    assert on_unit.barrier() == pytest.approx(height, rel=1e-10)
    assert [p.interior for p in on_unit.extrema()] == [False, True, False]


def test_depth_2_to_a_solution_is_a_quadratic_times_the_squared_distance_to_the_end():
    """J = (1-α)² (e + 2 f α + g α²) with e = ‖E‖², f = ⟨E, D⟩, g = ‖D‖² in the metric of the inputs."""
    rng = np.random.default_rng(17)
    for _ in range(30):
        start, end = ends(rng, 2)
        x, _ = data(rng, start)
        curve = line(start, end, moments(x, x @ (end[1] @ end[0]).T))
        gap = x @ (end[1] @ end[0] - start[1] @ start[0]).T
        move = x @ ((end[1] - start[1]) @ (end[0] - start[0])).T
        e, f, g = (np.mean(np.sum(p * q, 1)) for p, q in ((gap, gap), (gap, move), (move, move)))
        alphas = rng.uniform(0, 1, 7)
        expected = (1 - alphas) ** 2 * (e + 2 * f * alphas + g * alphas**2)
        np.testing.assert_allclose(curve(alphas), expected, atol=1e-12 * (e + g))
        inside = g > 0 and 0 < (g - 3 * f) / (4 * g) < 1
        monotone = e >= f and (not inside or (3 * f - g) ** 2 <= 8 * g * (e - f))
        assert (curve.largest_rise() == 0) == monotone


@pytest.mark.parametrize("depth", [2, 3, 4, 6])
def test_extrema_are_complete_against_a_fine_grid(depth):
    rng = np.random.default_rng(100 + depth)
    grid = np.linspace(0, 1, 20001)
    interior = 0
    for _ in range(40):
        start, end = ends(rng, depth)
        curve = line(start, end, moments(*data(rng, start)))
        values = curve(grid)
        bends = np.flatnonzero(np.diff(np.sign(np.diff(values))) != 0) + 1
        found = [p for p in curve.extrema() if p.interior]
        interior += len(found)
        assert [p.alpha for p in found] == pytest.approx(grid[bends].tolist(), abs=1.1e-4)
        assert np.all(np.abs(curve.derivative([p.alpha for p in found])) <= 1e-9 * np.max(np.abs(curve.coefficients)))
        running = np.minimum.accumulate(values)
        assert curve.largest_rise() == pytest.approx(np.max(values - running), abs=1e-6 * np.ptp(values))
        assert curve.barrier() == pytest.approx(values.max() - max(values[0], values[-1]), abs=1e-6 * np.ptp(values))
    assert interior > 10  # the comparison is not of empty lists


def test_plateau_of_a_deep_network_has_no_spurious_extremum():
    """(1-α^L)² with L = 40 is flat to rounding for most of the line, and strictly decreasing."""
    depth = 40
    curve = line([[[0.0]]] * depth, [[[1.0]]] * depth, moments([[1.0]], [[1.0]]))
    alphas = np.linspace(0, 1, 31)
    np.testing.assert_allclose(curve(alphas), (1 - alphas**depth) ** 2, atol=2e-14)
    assert [(p.alpha, p.kind) for p in curve.extrema()] == [(0, "maximum"), (1, "minimum")]
    assert curve.barrier() == curve.largest_rise() == 0


def test_depth_520_does_not_overflow_the_binomials():
    depth = 520
    rng = np.random.default_rng(1)
    start = [np.array([[v]]) for v in np.exp(0.02 * rng.standard_normal(depth))]
    end = [np.array([[v]]) for v in np.exp(0.02 * rng.standard_normal(depth))]
    curve = line(start, end, moments([[1.3]], [[0.4]]))
    for alpha in (0.0, 0.37, 1.0):
        twin = direct(start, end, np.array([[1.3]]), np.array([[0.4]]), alpha)
        assert float(curve(alpha)) == pytest.approx(twin, rel=1e-10)


def test_bias_by_bordering():
    rng = np.random.default_rng(23)
    w = [[rng.standard_normal((3, 2)), rng.standard_normal((2, 3))] for _ in range(2)]
    c = [[rng.standard_normal(3), rng.standard_normal(2)] for _ in range(2)]
    x, y = rng.standard_normal((9, 2)), rng.standard_normal((9, 2))

    def bordered(k):
        first = np.block([[w[k][0], c[k][0][:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])
        return [first, np.hstack([w[k][1], c[k][1][:, None]])]

    curve = line(bordered(0), bordered(1), moments(np.hstack([x, np.ones((9, 1))]), y))
    w1, w2, c1, c2 = (0.7 * p + 0.3 * q for p, q in zip(w[0] + c[0], w[1] + c[1], strict=True))
    twin = np.mean(np.sum(((x @ w1.T + c1) @ w2.T + c2 - y) ** 2, 1))
    assert float(curve(0.3)) == pytest.approx(twin, rel=1e-13)


def test_halves_and_sign_changes():
    rng = np.random.default_rng(29)
    coefficients = rng.standard_normal(8)
    left, right = halves(coefficients)
    t = rng.uniform(0, 1, 5)
    np.testing.assert_allclose(evaluate(left, t), evaluate(coefficients, t / 2), atol=1e-14)
    np.testing.assert_allclose(evaluate(right, t), evaluate(coefficients, (1 + t) / 2), atol=1e-14)
    roots = [0.25, 0.5, 0.503, 0.875]  # two of them where a halving lands
    powers = np.polynomial.polynomial.polyfromroots(roots)
    bernstein = np.array([sum(comb(m, k) / comb(4, k) * powers[k] for k in range(m + 1)) for m in range(5)])
    assert sign_changes(bernstein, 1e-15) == pytest.approx(roots, abs=1e-9)
    touching = np.array([1.0, -1.0, 1.0])  # (1 - 2t)²: a root without a change of sign
    assert sign_changes(touching, 1e-15) == []


def test_turning_points_forget_swings_below_the_tolerance():
    assert turning_points(np.array([0.0, 1.0, 0.999, 2.0, 1.0]), 0.01) == [0, 3, 4]
    assert turning_points(np.array([0.0, 1.0, 0.9, 2.0, 1.0]), 0.01) == [0, 1, 2, 3, 4]
    assert turning_points(np.array([1.0, 0.999, 5.0, 5.001]), 0.01) == [0, 3]
    assert turning_points(np.array([1.0, 1.0, 1.0]), 0.0) == []


def test_bad_input_is_refused_in_one_sentence():
    ok = moments(np.eye(2), np.eye(2))
    one, two = [np.eye(2)], [2 * np.eye(2)]
    cases = [
        (lambda: line([], [], ok), "depth 1 or more"),
        (lambda: line(one, one, ok), "length zero"),
        (lambda: line(one, [np.eye(3)], ok), "both ends must be one network"),
        (lambda: line(one * 2, two, ok), "both ends must be one network"),
        (lambda: line([np.ones((1, 2))], [np.zeros((1, 2))], ok), "2 inputs to 1 outputs"),
        (lambda: line([np.ones((3, 2)), np.ones((2, 2))], two, ok), "layer 1 of weights_0 has 3 outputs"),
        (lambda: line([np.ones(2)], two, ok), "shape"),
        (lambda: line([np.full((2, 2), np.nan)], two, ok), "layer 1 of weights_0 holds NaN or infinity"),
        (lambda: line(one, [np.full((2, 2), np.inf)], ok), "layer 1 of weights_1 holds NaN or infinity"),
        (lambda: line([1e200 * np.eye(2)], two, ok), "overflows"),
        (lambda: line(one, two, ok, interval=(1.0, 0.0)), "interval"),
        (lambda: moments(np.zeros((0, 2)), np.zeros((0, 2))), "no example"),
        (lambda: moments(np.zeros((3, 2)), np.zeros((2, 2))), "same N"),
        (lambda: moments(np.zeros(3), np.zeros((3, 1))), "same N"),
        (lambda: moments([[np.nan]], [[1.0]]), "not finite"),
        (lambda: Moments(1, np.eye(2), np.ones((1, 3)), 1.0), "do not match"),
        (lambda: Moments(1, np.eye(2), np.ones((1, 2)), -1.0), "must not be negative"),
        (lambda: ok + moments([[1.0]], [[1.0]]), "cannot merge"),
        (lambda: polynomial.Line(np.array([0.0, np.inf])), "overflows"),
    ]
    refused(cases)
