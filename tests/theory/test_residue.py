"""Exact coefficients by residues, and the proven bounds on rounding, against Fractions, number by number."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb, gcd

import numpy as np
import pytest

from theory.arithmetic.intervals import affine_error, between, gamma, outward
from theory.certificate import float_certificate, residue
from theory.deep_linear.curve import Moments, moments


def plain(weights_0, weights_1, moments, interval):
    """The coefficients in Python fractions: slow, and nothing in it can round."""
    exact = np.vectorize(Fraction, otypes=[object])
    product = [exact(np.eye(moments.sum_yx.shape[0]))]
    for a, b in zip(reversed(weights_0), reversed(weights_1), strict=True):
        a, b = exact(np.asarray(a, dtype=float)), exact(np.asarray(b, dtype=float))
        low, high = ((1 - at) * a + at * b for at in interval)
        lows, highs = [p @ low for p in product], [p @ high for p in product]
        product = [(lows[k] if k < len(product) else 0) + (highs[k - 1] if k else 0) for k in range(len(product) + 1)]
    xx, yx, yy = exact(moments.sum_xx), exact(moments.sum_yx), Fraction(moments.sum_yy)
    depth = len(product) - 1
    result = [comb(2 * depth, m) * yy for m in range(2 * depth + 1)]
    for i in range(depth + 1):
        for j in range(depth + 1):
            result[i + j] += (product[i] @ xx * product[j]).sum() - 2 * comb(depth, j) * (product[i] * yx).sum()
    result = [Fraction(c) / moments.count for c in result]
    q = int(np.lcm.reduce(np.array([c.denominator for c in result], dtype=object)))
    whole = [int(c * q) for c in result]
    common = gcd(q, *whole)
    return [c // common for c in whole], q // common


def random_case(rng, depth, widest=4):
    widths = [int(w) for w in rng.integers(1, widest + 1, depth + 1)]
    ends = [
        [rng.standard_normal((o, i)) * 10.0 ** rng.integers(-8, 9, (o, i)) for i, o in pairwise(widths)]
        for _ in range(2)
    ]
    ends[0][0][0, 0] = 0.0
    data = moments(rng.standard_normal((5, widths[0])) * 1e3, rng.integers(-9, 9, (5, widths[-1])))
    return *ends, data


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("interval", [("0", "1"), ("-3/8", "17/10"), ("1/3", "9/7"), ("5", "6")])
def test_every_integer_is_that_of_the_fractions(depth, interval):
    rng = np.random.default_rng(depth)
    for _ in range(3):
        case = (*random_case(rng, depth), tuple(map(Fraction, interval)))
        assert residue.coefficients(*case) == plain(*case)


def test_weights_of_a_wide_network_and_floats_of_every_size():
    rng = np.random.default_rng(3)
    start, end = ([rng.standard_normal((3, 90)).astype(np.float32)] for _ in range(2))
    data = moments(rng.integers(0, 256, (40, 90)), rng.integers(0, 2, (40, 3)))
    unit = (Fraction(0), Fraction(1))
    assert residue.coefficients(start, end, data, unit) == plain(start, end, data, unit)
    tiny = Moments(3, np.array([[5e-324]]), np.array([[1e300]]), 0.1)
    sizes = [np.array([[5e-324]]), np.array([[1.7e308]])], [np.array([[-1e-310]]), np.array([[3.0]])]
    assert residue.coefficients(*sizes, tiny, unit) == plain(*sizes, tiny, unit)
    nothing = Moments(2, np.zeros((1, 1)), np.zeros((1, 1)), 0.0)
    assert residue.coefficients([[[0.0]]], [[[1.0]]], nothing, unit) == ([0, 0, 0], 1)


def test_dyadics_are_the_floats():
    values = np.array([0.0, 1.0, -0.375, 2.0**-1074, 1.7e308, 6.0])
    first, second = residue.dyadic(values, 0.1)
    assert first.places == second.places == 1074 and (first.shifts >= 0).all()
    for prime in (2, 3, 8388593):
        exact = [int(Fraction(v) * 2**1074) % prime for v in values]
        assert first.modulo(prime).tolist() == exact
    assert residue.dyadic(np.array([4.0, 0.0]))[0].places == 0


def test_one_prime_more_finds_out_a_machine_that_rounds(monkeypatch):
    balanced = residue._balanced
    monkeypatch.setattr(residue, "_balanced", lambda x, p: balanced(x.astype(np.float32).astype(float), p))
    rng = np.random.default_rng(0)
    start, end = ([rng.standard_normal((3, 4)), rng.standard_normal((2, 3))] for _ in range(2))
    data = moments(rng.standard_normal((6, 4)), rng.standard_normal((6, 2)))
    with pytest.raises(ArithmeticError, match="another BLAS"):
        residue.coefficients(start, end, data, (Fraction(0), Fraction(1)))


def test_the_bound_holds_and_is_no_more_than_a_prime_or_two_too_large():
    rng = np.random.default_rng(8)
    for depth in (1, 2, 4):
        case = (*random_case(rng, depth, widest=9), (Fraction(0), Fraction(1)))
        total = sum(abs(Fraction(c, plain(*case)[1])) for c in plain(*case)[0]) * case[2].count
        assert total <= residue._bound(*case) < total * 2**40


UNIT = Moments(1, np.eye(1), np.eye(1), 1.0)


def case(seed, depth=3, widest=12):
    rng = np.random.default_rng(seed)
    widths = [int(w) for w in rng.integers(1, widest, depth + 1)]
    start, end = ([rng.standard_normal((o, i)) for i, o in pairwise(widths)] for _ in range(2))
    return start, end, moments(rng.standard_normal((30, widths[0])) + 1, rng.standard_normal((30, widths[-1])))


def exact_slope(start, end, data, interval):
    c, q = residue.coefficients(start, end, data, tuple(map(Fraction, interval)))
    n = len(c) - 1
    return [Fraction(((m + 1) * c[m + 1] - (n - m) * c[m]) * data.count, q) for m in range(n)]


@pytest.mark.parametrize("interval", [(0.0, 1.0), (-0.3, 1.7), (0.1, 0.1001)])
def test_the_error_is_within_its_bound_and_the_bound_decides(interval):
    decided = 0
    for seed in range(30):
        args = (*case(seed, depth=1 + seed % 4), interval)
        slope, exact = float_certificate.slope(*args), exact_slope(*args)
        for value, error, d in zip(slope.values.tolist(), slope.errors.tolist(), exact, strict=True):
            assert abs(Fraction(value) - d) <= Fraction(error)
        low, high = slope.bounds()
        scale = Fraction(high[0] - low[0]) / (2 * Fraction(slope.errors[0]))
        assert all(a <= d * scale <= b for a, b, d in zip(low, high, exact, strict=True))
        decided += all(a > 0 or b < 0 for a, b in zip(low, high, strict=True))
    assert decided >= (25 if interval[1] > 1 or interval[0] == 0 else 0)


def test_a_rounded_sum_that_hides_a_sign_is_left_undecided():
    # J = (1 - w1 w2)²: the slope at the end is zero for w1 w2 = 1, and a few units of rounding above it here.
    start, end = [[[0.5]], [[0.5]]], [[[3.0]], [[1 / 3]]]
    low, high = float_certificate.slope(start, end, UNIT).bounds()
    assert low[-1] <= 0 <= high[-1]
    assert exact_slope(start, end, UNIT, (0.0, 1.0))[-1] != 0


def test_it_declines_where_float64_runs_out():
    small = [[[1e-200]], [[1e-200]]], [[[3e-200]], [[1.0]]]
    assert float_certificate.slope(*small, UNIT) is None
    assert float_certificate.slope([[[1e200]], [[1.0]]], [[[1.0]], [[1.0]]], UNIT) is None
    deep = [[[0.5]]] * 501, [[[1.0]]] * 501
    assert float_certificate.slope(*deep, UNIT) is None


def test_affine_error_bounds_the_real_error():
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal((4, 300)) * 1e3, rng.standard_normal((3, 300)), rng.standard_normal(3)
    exactly = np.vectorize(Fraction, otypes=[object])
    truth = exactly(x) @ exactly(w).T + exactly(b)
    error = np.abs(exactly(x @ w.T + b) - truth).astype(float)
    bound = affine_error(x, w, b)
    assert np.all(error <= bound) and np.all(bound < 1e-8) and np.max(error) > 0
    low, high = rng.standard_normal(2000), rng.standard_normal(2000)
    alpha = 0.1
    exact = (1 - Fraction(alpha)) * exactly(low) + Fraction(alpha) * exactly(high)
    error = np.abs(exactly(between(low, high, alpha)) - exact).astype(float)
    assert np.all(error <= gamma(3) * np.maximum(np.abs(low), np.abs(high))) and np.max(error) > 0
    assert outward(1.0) > 1.0 and outward(0.0) > 0.0
    with pytest.raises(ValueError, match="roundings"):
        gamma(10**9)
