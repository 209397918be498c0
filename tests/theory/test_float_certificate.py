"""The proven bound on rounding against exact coefficients."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from theory.certificate import float_certificate, residue
from theory.deep_linear.curve import Moments, moments

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
        if slope.signs() is not None:
            decided += 1
            assert slope.signs() == [(d > 0) - (d < 0) for d in exact]
    assert decided >= (25 if interval[1] > 1 or interval[0] == 0 else 0)


def test_a_rounded_sum_that_hides_a_sign_is_left_undecided():
    # J = (1 - w1 w2)²: the slope at the end is zero for w1 w2 = 1, and a few units of rounding above it here.
    start, end = [[[0.5]], [[0.5]]], [[[3.0]], [[1 / 3]]]
    assert float_certificate.slope(start, end, UNIT).signs() is None
    assert exact_slope(start, end, UNIT, (0.0, 1.0))[-1] != 0


def test_it_declines_where_float64_runs_out():
    small = [[[1e-200]], [[1e-200]]], [[[3e-200]], [[1.0]]]
    assert float_certificate.slope(*small, UNIT) is None
    assert float_certificate.slope([[[1e200]], [[1.0]]], [[[1.0]], [[1.0]]], UNIT) is None
    deep = [[[0.5]]] * 501, [[[1.0]]] * 501
    assert float_certificate.slope(*deep, UNIT) is None
