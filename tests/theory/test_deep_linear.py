"""J on lines and planes of a deep linear network against the network run on the data, and between solutions."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import evaluate, halves, sign_changes, turning_points
from theory.deep_linear import plane
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


ok = moments(np.eye(2), np.eye(2))
one, two = [np.eye(2)], [2 * np.eye(2)]
test_bad_input_is_refused_in_one_sentence = refuses(
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
    end=".",
)


def three_points(seed, widths):
    rng = np.random.default_rng(seed)
    points = [[rng.standard_normal((o, i)) / np.sqrt(i) for i, o in pairwise(widths)] for _ in range(3)]
    return points, rng.standard_normal((40, widths[0])) + 0.3, rng.standard_normal((40, widths[-1]))


def run(points, x, y, u, v):
    hidden = x.T
    for a, b, c in zip(*points, strict=True):
        hidden = (a + u * (b - a) + v * (c - a)) @ hidden
    return np.mean(np.sum((hidden.T - y) ** 2, axis=1))


@pytest.mark.parametrize("widths", [(3, 2), (4, 5, 3), (2, 6, 1, 4), (5, 4, 4, 4, 4, 2), (3,) * 9])
@pytest.mark.parametrize("region", [((0.0, 1.0), (0.0, 1.0)), ((-0.7, 1.9), (0.2, 1.4))])
def test_grid_is_the_network_run_on_the_data(widths, region):
    points, x, y = three_points(len(widths), widths)
    surface = plane.plane(*points, moments(x, y), region)
    u, v = np.linspace(*region[0], 5), np.linspace(*region[1], 4)
    exact = np.array([[run(points, x, y, a, b) for b in v] for a in u])
    assert np.max(np.abs(surface.grid(u, v) - exact)) <= 8 * surface.noise < 1e-10 * exact.max()
    low, high = surface.bounds()
    assert low <= exact.min() and exact.max() <= high * (1 + 1e-12)
    assert surface(*region).shape == (2,) and surface(0.3, 0.9).shape == ()
    assert float(surface(2.5, -1)) == pytest.approx(run(points, x, y, 2.5, -1), rel=1e-6)


def test_derivatives_are_those_of_finite_differences():
    points, x, y = three_points(0, (3, 4, 4, 2))
    surface = plane.plane(*points, moments(x, y), ((-0.5, 2.0), (0.0, 1.0)))
    rng, h = np.random.default_rng(1), 1e-4
    u, v = rng.uniform(-0.5, 1, (2, 20))
    for orders, difference in (
        ((1, 0), (surface(u + h, v) - surface(u - h, v)) / (2 * h)),
        ((0, 1), (surface(u, v + h) - surface(u, v - h)) / (2 * h)),
        ((0, 2), (surface.derivative(u, v + h, 0, 1) - surface.derivative(u, v - h, 0, 1)) / (2 * h)),
        ((1, 1), (surface.derivative(u, v + h, 1, 0) - surface.derivative(u, v - h, 1, 0)) / (2 * h)),
    ):
        assert surface.derivative(u, v, *orders) == pytest.approx(difference, rel=1e-6, abs=1e-5)
    fourth = plane.plane(*[p[:1] for p in three_points(0, (3, 2))[0]], moments(x, y), ((0, 1), (0, 1)))
    assert not fourth.derivative(u, v, 3, 0).any()


def test_three_solutions_at_depth_2():
    rng = np.random.default_rng(2)
    m, x = rng.standard_normal((2, 4)), rng.standard_normal((30, 4))
    y = x @ m.T
    solutions = []
    for _ in range(3):
        a = rng.standard_normal((4, 4))
        solutions.append([a, m @ np.linalg.inv(a)])
    surface = plane.plane(*solutions, moments(x, y))
    for u, v in rng.uniform(-0.5, 1, (6, 2)):
        shares, total = (1 - u - v, u, v), np.zeros((2, 4))
        for i, j in ((0, 1), (0, 2), (1, 2)):
            (a, b), (c, d) = solutions[i], solutions[j]
            total += shares[i] * shares[j] * (b - d) @ (a - c)
        exact = np.mean(np.sum((x @ total.T) ** 2, axis=1))
        assert float(surface(u, v)) == pytest.approx(exact, rel=1e-9, abs=1e-9 * surface.bounds()[1])


POINTS, X, Y = three_points(0, (2, 3, 2))
DATA = moments(X, Y)
test_bad_input_is_refused = refuses(
    (lambda: plane.plane(POINTS[0], POINTS[1], POINTS[1][:1], DATA), "shapes|outputs"),
    (lambda: plane.plane(POINTS[0], POINTS[0], POINTS[1], DATA), "length zero"),
    (lambda: plane.plane(POINTS[0], POINTS[1], POINTS[1], DATA), "on one line"),
    (
        lambda: plane.plane(POINTS[0], POINTS[1], [2 * b - a for a, b in zip(*POINTS[:2], strict=True)], DATA),
        "on one line",
    ),
    (lambda: plane.plane(*POINTS, DATA, ((0, 1), (1, 1))), "interval"),
    (lambda: plane.plane(*POINTS, Moments(1, np.eye(3), np.eye(3), 1.0)), "inputs"),
    (lambda: plane.plane(*[[1e100 * w for w in p] for p in POINTS], DATA), "overflows"),
    (lambda: plane.plane(*POINTS, DATA)([0, 1], [0, 1, 2]), "broadcast"),
    (lambda: plane.plane(*POINTS, DATA).derivative(0, 0, -1), "orders"),
    (lambda: plane.plane(*POINTS, DATA).line((0, 1), (0, 1)), "length zero"),
    (lambda: plane.derive(depth=0), "depth=0"),
    (lambda: plane.derive(width=1), "width=1"),
    (lambda: plane.draw(None, seed=-1), "seed=-1"),
)
