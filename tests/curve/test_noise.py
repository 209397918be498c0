"""Errors over examples against numpy on the whole array, and coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from landscape.curve.noise import band, floor, largest, mean_and_error
from landscape.curve.numbers import largest_rise


def costs(num: int = 501, seed: int = 3) -> np.ndarray:
    """[A = 7, N], a falling line with one bump, each example with an offset of its own."""
    rng = np.random.default_rng(seed)
    line = np.array([2.0, 1.7, 1.2, 1.26, 1.1, 1.13, 1.0])[:, None]
    return line + 3 * rng.random((1, num)) + 0.4 * rng.standard_normal((7, num))


ALPHAS = np.linspace(0, 1, 7)


def test_mean_and_error_equal_numpy() -> None:
    c = costs() + 1e6  # the common offset must cancel
    mean, error = mean_and_error(c, 2, 5)
    d = c[5] - c[2]
    assert mean == pytest.approx(d.mean(), abs=1e-9) and error == pytest.approx(
        d.std(ddof=1) / math.sqrt(501), rel=1e-6
    )
    assert math.isnan(mean_and_error(c[:, :1], 0, 1)[1])


def test_pieces_add_up() -> None:
    c = costs(150_001).astype(np.float32)
    d = c[6].astype(float) - c[0].astype(float)
    assert mean_and_error(c, 0, 6) == pytest.approx((d.mean(), d.std(ddof=1) / math.sqrt(len(d))), rel=1e-9)


def test_the_largest_rise_is_that_of_the_curve() -> None:
    c = costs()
    rise = largest(ALPHAS, c, c.mean(axis=1))
    assert rise.height == pytest.approx(largest_rise(ALPHAS, c.mean(axis=1))) and rise.height > 0
    k, m = (int(np.flatnonzero(alpha == ALPHAS)[0]) for alpha in (rise.first, rise.last))
    assert rise.error == pytest.approx((c[m] - c[k]).std(ddof=1) / math.sqrt(501))
    falling = np.sort(c.mean(axis=1))[::-1]
    assert largest(ALPHAS, c, falling).height == 0
    assert math.isnan(largest(ALPHAS, c, np.where(ALPHAS == 0.5, np.nan, falling)).height)


def test_the_error_of_a_rise_covers() -> None:
    """In 400 worlds the true rise of a fixed pair lies within 1.96 errors about 95 times in a hundred."""
    inside = 0
    for seed in range(400):
        mean, error = mean_and_error(costs(200, seed), 2, 3)
        inside += abs(mean - 0.06) < 1.96 * error
    assert 0.92 < inside / 400 < 0.98


def test_the_band_agrees_with_the_errors() -> None:
    c = costs(4000)
    low, high = band(c, draws=1000)
    assert low[0] == high[0] == 0
    for a in range(1, 7):
        mean, error = mean_and_error(c, 0, a)
        assert (low[a], high[a]) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.35 * error)


def test_the_floor_is_the_largest_difference_of_each_column() -> None:
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert floor(one, one + np.array([[1e-9, 0], [-3e-9, 1e-7]])).tolist() == pytest.approx([3e-9, 1e-7], rel=1e-6)
