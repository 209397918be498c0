"""Means over rotations and Gaussian starts against draws, and against other closed forms."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np
import pytest

from tests.theory.refusals import refuses
from theory import deep_linear
from theory.arithmetic import polynomial
from theory.deep_linear import statistics
from theory.deep_linear.curve import Moments, moments

Z = 4.0  # standard errors; seeds are fixed


def layers(seed, widths):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((o, i)) for i, o in pairwise(widths)]


def data(seed, inputs, outputs):
    rng = np.random.default_rng(seed)
    return moments(rng.standard_normal((30, inputs)) + 0.4, rng.standard_normal((30, outputs)))


def test_rotations_are_uniform_and_change_no_function():
    rng = np.random.default_rng(0)
    q = statistics.haar(rng, 3, 20_000)
    assert np.allclose(q @ q.transpose(0, 2, 1), np.eye(3))
    mean, square = q.mean(axis=0), (q**2).mean(axis=0)
    assert np.abs(mean).max() < Z * np.sqrt(1 / 3 / 20_000)
    assert np.abs(square - 1 / 3).max() < Z * q.var() / np.sqrt(20_000)
    assert abs((q[:, 0, 1] * q[:, 1, 0]).mean()) < Z / 3 / np.sqrt(20_000)
    assert 0.47 < (np.linalg.det(q) > 0).mean() < 0.53
    weights = layers(1, (2, 3, 3, 4))
    turned = statistics.rotate(weights, q[:2])
    assert reduce(lambda p, w: w @ p, turned) == pytest.approx(reduce(lambda p, w: w @ p, weights))
    assert not np.allclose(turned[1], weights[1])


@pytest.mark.parametrize("widths", [(3, 1, 2), (2, 2, 2), (4, 6, 3)])
def test_mean_between_rotations_at_a_solution(widths):
    a, b = weights = layers(3, widths)
    solution = Moments(1, np.eye(widths[0]), b @ a, float(np.sum((b @ a) ** 2)) + 0.3)
    between = statistics.expected_between_rotations(weights, solution)
    m, size = float(np.sum((b @ a) ** 2)), float(np.sum(a**2) * np.sum(b**2))
    assert between.barrier() == pytest.approx((4 * m + 2 / widths[1] * (size + m)) / 16, rel=1e-12)
    assert between(0.0) == pytest.approx(0.3)
    assert [p.kind for p in between.extrema()] == ["minimum", "maximum", "minimum"]


def test_two_rotations_of_width_one():
    """Q = 1 or -1: the mean of two lines, without any draw."""
    weights, own = layers(7, (3, 1, 2)), data(8, 3, 2)
    a, b = weights
    other = deep_linear.line(weights, [-a, -b], own)
    expected = statistics.expected_between_rotations(weights, own)
    alphas = np.linspace(-0.5, 1.5, 11)
    assert expected(alphas) == pytest.approx((other(alphas) + other(0.0)) / 2, rel=1e-12)


def test_balanced_solutions_approach_the_wide_limit_and_independent_entries_do_not():
    rng, width, rank = np.random.default_rng(2), 500, 2
    for depth in (2, 3):
        frames = [np.eye(rank), *(statistics.haar(rng, width, depth - 1)[:, :, :rank]), np.eye(rank)]
        weights = [q @ p.T for p, q in pairwise(frames)]
        turned = statistics.rotate(weights, list(statistics.haar(rng, width, depth - 1)))
        own = Moments(1, np.eye(rank), np.eye(rank), float(rank))
        alphas = np.linspace(0, 1, 21)
        values = deep_linear.line(weights, turned, own)(alphas) / rank
        assert np.abs(values - statistics.wide_limit(alphas, depth)).max() < 1 / np.sqrt(width)
    a, b = rng.standard_normal((width, 3)), rng.standard_normal((2, width)) / np.sqrt(width)
    own = Moments(1, np.eye(3), b @ a, float(np.sum((b @ a) ** 2)))
    assert statistics.expected_between_rotations([a, b], own).barrier() / own.yy > 0.33


@pytest.mark.parametrize("widths", [(3, 2), (3, 4, 2), (2, 3, 1, 4), (2, 2, 2, 2, 2)])
def test_a_gaussian_start_of_no_width_is_the_zero_start_and_its_end_is_the_end(widths):
    end, own = layers(11, widths), data(12, widths[0], widths[-1])
    expected = statistics.expected_from_gaussian(end, np.random.default_rng(13).uniform(0.2, 0.9, len(end)), own)
    exact = deep_linear.line([0 * w for w in end], end, own)
    assert expected(1.0) == pytest.approx(exact(1.0), rel=1e-12)
    zero = statistics.expected_from_gaussian(end, 0.0, own)
    assert zero.coefficients == pytest.approx(exact.coefficients, rel=1e-12, abs=1e-12)


def test_one_weight_in_each_layer_is_the_product_formula():
    rng, alphas = np.random.default_rng(4), np.linspace(-0.2, 1.2, 15)
    for depth in (1, 2, 5):
        b, sigma = rng.standard_normal(depth), rng.uniform(0.1, 3, depth)
        own = Moments(1, np.eye(1), np.eye(1), 1.0)
        expected = statistics.expected_from_gaussian([[[w]] for w in b], sigma, own)
        at = alphas[:, None]
        exact = 1 - 2 * alphas**depth * b.prod() + ((1 - at) ** 2 * sigma**2 + at**2 * b**2).prod(axis=1)
        assert expected(alphas) == pytest.approx(exact, rel=1e-11)
        assert isinstance(expected, polynomial.Line) and expected.degree == 2 * depth


OWN = data(0, 2, 2)
test_bad_input_is_refused = refuses(
    (lambda: statistics.expected_between_rotations(layers(0, (2, 2, 2, 2)), OWN), "3 layers"),
    (lambda: statistics.expected_between_rotations(layers(0, (3, 2, 2)), OWN), "3 inputs"),
    (lambda: statistics.expected_between_rotations([[[np.nan]], [[1.0]]], data(0, 1, 1)), "NaN"),
    (lambda: statistics.expected_from_gaussian(layers(0, (2, 2)), -1.0, OWN), "standard deviations"),
    (lambda: statistics.expected_from_gaussian(layers(0, (2, 2)), [1.0, 2.0], OWN), "give one number or 1"),
    (lambda: statistics.expected_from_gaussian([], 1.0, OWN), "no layer"),
    (lambda: statistics.rotate(layers(0, (2, 3, 2)), [np.eye(2)]), "hidden layers of widths"),
    (lambda: statistics.wide_limit(0.5, 0), "depth=0"),
    (lambda: statistics.derive(depth=9), "depth=9"),
    (lambda: statistics.derive(sigma=float("nan")), "sigma=nan"),
    (lambda: statistics.draw(None, width=1.5), "width=1.5"),
)
