"""What values and slopes tell of J between samples."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from landscape.result.curve import Array, Curve, hidden_rise, largest_rise, noise_of, num_turning_points, turning_points
from landscape.result.curve.between import nodes

CUBIC = np.polynomial.Polynomial([1.0, -3.1, 7.3, -4.6])  # down, up, down: extrema near 0.30 and 0.76
GRID = np.array([-0.2, 0.05, 0.2, 0.9, 1.3])


def curve(values: Array, slopes: Array, alphas: Array = GRID) -> Curve:
    return Curve(alphas, values[:, None], {"slope": slopes[:, None]}, dtype="float64")


def test_a_bump_between_samples_is_seen_exactly() -> None:
    """The samples fall throughout; the cubic rises between 0.2 and 0.9 by what its roots say."""
    low, high = sorted(CUBIC.deriv().roots().real)
    values, slopes = CUBIC(GRID), CUBIC.deriv()(GRID)
    assert 0.2 < low < high < 0.9 and largest_rise(GRID[1:], values[1:]) == pytest.approx(CUBIC(0.9) - CUBIC(0.2))
    rise = CUBIC(high) - CUBIC(low)
    seen = largest_rise(GRID, values)
    assert hidden_rise(GRID, values, slopes) == pytest.approx(rise - seen, rel=1e-12)
    assert turning_points(GRID, values, slopes, 0.0) == pytest.approx([low, high])
    assert turning_points(GRID, values, slopes, 1.01 * rise) == []


def test_a_bump_that_no_sample_shows() -> None:
    a = np.array([0.0, 0.4, 0.5, 1.0])
    values, slopes = 1 - a, np.array([-1.0, 2.0, -1.0, -1.0])
    at = 0.4 + 0.1 * np.linspace(0, 1, 2001)
    t = (at - 0.4) / 0.1  # Hermite's basis, written out
    bump = 0.6 * (1 + 2 * t) * (1 - t) ** 2 + 0.2 * t * (1 - t) ** 2 + 0.5 * t**2 * (3 - 2 * t) - 0.1 * t**2 * (t - 1)
    low = nodes(a, values, slopes)
    assert largest_rise(a, values) == 0
    found = hidden_rise(a, values, slopes)
    assert found == pytest.approx(bump.max() - min(v for x, v in zip(*low, strict=True) if x <= 0.4), abs=1e-6)
    assert found > 0.03
    assert len(turning_points(a, values, slopes, 1e-3)) == 2


def test_a_monotone_cubic_hides_nothing() -> None:
    a = np.linspace(0, 1, 5)
    assert hidden_rise(a, -(a**3), -3 * a**2) == 0 and turning_points(a, -(a**3), -3 * a**2, 0.0) == []
    flat = np.ones(5)
    assert hidden_rise(a, flat, 0 * flat) == 0 and turning_points(a, flat, 0 * flat, 0.0) == []
    assert hidden_rise(np.array([0.5]), np.ones(1), np.ones(1)) == 0


def test_samples_keep_their_values_and_ends_are_added() -> None:
    at, heights = nodes(GRID, CUBIC(GRID), CUBIC.deriv()(GRID))
    assert {0.0, 1.0} <= set(at.tolist()) and (np.diff(at) > 0).all()
    np.testing.assert_allclose(heights, CUBIC(at), rtol=1e-12)
    assert np.array_equal(heights[np.isin(at, GRID)], CUBIC(GRID))


def test_noise_and_what_cannot_be_told() -> None:
    whole = curve(CUBIC(GRID), CUBIC.deriv()(GRID))
    inside = CUBIC(GRID[1:4])
    assert noise_of(whole, 0) == pytest.approx(1e-6 * np.ptp(inside)) and num_turning_points(whole, 0) == 2
    assert num_turning_points(replace(whole, mode="stochastic"), 0) == 2
    # Two replicates on a line without a drop: tau is not defined, and half a percent is taken.
    rising = curve(GRID.copy(), np.ones(5))
    rising = replace(rising, mode="stochastic", replicates=np.stack([rising.objective, rising.objective + 0.1]))
    assert noise_of(rising, 0) == pytest.approx(5e-3 * 0.85) and num_turning_points(rising, 0) == 0
    lost = curve(np.array([1, 2, math.nan, 1, 0]), np.zeros(5))
    assert math.isnan(num_turning_points(lost, 0)) and math.isnan(hidden_rise(GRID, lost.objective[:, 0], np.zeros(5)))
    endless = curve(np.ones(5), np.array([0, math.inf, 0, 0, 0]))
    assert math.isnan(num_turning_points(endless, 0))
