"""Rounding bounds against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from theory.arithmetic.intervals import affine_error, between, gamma, outward


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
