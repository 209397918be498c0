"""Errors over examples against numpy on the whole array, and coverage by simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from landscape.result.curve import Curve
from landscape.result.curve import noise as module
from landscape.result.curve.noise import Band, NoiseOfCosts, noise_of_costs, rise_between, steepest
from landscape.result.curve.numbers import largest_rise

ALPHAS = np.linspace(0, 1, 7)


def costs(num: int = 501, seed: int = 3) -> np.ndarray:
    """[A = 7, N], a falling line with one bump, each example with an offset of its own."""
    rng = np.random.default_rng(seed)
    line = np.array([2.0, 1.7, 1.2, 1.26, 1.1, 1.13, 1.0])[:, None]
    return line + 3 * rng.random((1, num)) + 0.4 * rng.standard_normal((7, num))


def curve_of(c: np.ndarray, rounding: float = 1e-9) -> Curve:
    """The one line with these costs [A, N]."""
    values = c.mean(axis=1, keepdims=True)
    return Curve(ALPHAS, values, noise=noise_of_costs(c[None], values, ALPHAS) | {"floor": np.array([rounding])})


def errors(c: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Of one line [A, N], in three pieces, about ``near`` [A]."""
    noise = NoiseOfCosts(ALPHAS, near[:, None])
    for piece in np.array_split(c, 3, axis=1):
        noise.add(piece[None])
    return noise.measured()["errors"][:, :, 0]


def band(c: np.ndarray, *args: Any, **words: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of all lines [S, A, N] at once."""
    found = Band(*args, **words)
    for start in range(0, c.shape[2], module.CHUNK):
        found.add(c[:, :, start : start + module.CHUNK])
    return found.limits()


def slow(c: np.ndarray) -> np.ndarray:
    """Each pair's standard error, one by one."""
    return np.array([[(b - a).std(ddof=1) / math.sqrt(len(a)) for b in c] for a in c])


def test_errors_equal_numpy() -> None:
    c = costs() + 1e6  # what all examples share must cancel
    np.testing.assert_allclose(errors(c, c.mean(axis=1)), slow(c), rtol=1e-6, atol=1e-9)
    assert np.isnan(errors(c[:, :1], c[:, 0])).all()


def test_pieces_add_up() -> None:
    c = costs(20_001).astype(np.float32)
    np.testing.assert_allclose(errors(c, c.mean(axis=1)), slow(c.astype(float)), rtol=1e-6, atol=1e-9)


def test_the_steepest_rise_is_that_of_the_curve() -> None:
    c = costs()
    curve = curve_of(c)
    rise = steepest(curve, 0)
    assert rise is not None
    assert rise.height == pytest.approx(largest_rise(ALPHAS, curve.objective[:, 0])) and rise.height > 0
    k, m = (int(np.flatnonzero(alpha == ALPHAS)[0]) for alpha in (rise.first, rise.last))
    assert rise.error == pytest.approx((c[m] - c[k]).std(ddof=1) / math.sqrt(501))
    assert rise == rise_between(curve, 0, rise.first, rise.last)
    fall = steepest(curve, 0, 0.5, 1.0, sign=-1)
    assert fall is not None and fall.height == pytest.approx(largest_rise(ALPHAS, -curve.objective[:, 0], 0.5, 1.0))
    falling = np.sort(c.mean(axis=1))[::-1][:, None]
    flat = steepest(Curve(ALPHAS, falling, noise=curve.noise), 0)
    assert flat is not None and flat.height == 0 and not flat.is_larger
    assert steepest(Curve(ALPHAS, np.where(ALPHAS == 0.5, np.nan, 1.0)[:, None], noise=curve.noise), 0) is None


def test_a_curve_of_an_earlier_version_says_nothing() -> None:
    old = Curve(ALPHAS, costs().mean(axis=1, keepdims=True))
    assert steepest(old, 0) is None and rise_between(old, 0, 0, 1) is None


def test_larger_than_the_noise_or_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bump that all examples share is real whatever its height; one that half of them have, with opposite signs, not;
    and none is below the floor."""
    line, bump = np.linspace(2, 1, 7)[:, None], (ALPHAS == 0.5)[:, None]
    shared = line + 0.2 * bump + np.linspace(0, 3, 400)
    rise = steepest(curve_of(shared), 0)
    assert rise is not None and rise.is_larger and rise.error < 1e-8
    below = steepest(curve_of(shared, rounding=0.03), 0)
    assert below is not None and below.noise == 0.06 and not below.is_larger
    signs = np.where(np.arange(400) < 210, 1.0, -1.0)  # their mean is 0.05, its error 0.05
    split = steepest(curve_of(line + 8 * bump * signs), 0)
    assert split is not None and split.height == pytest.approx(0.4 - 1 / 6) and not split.is_larger
    # Of more points than errors are kept for, the floor alone remains.
    monkeypatch.setattr(module, "MOST_POINTS", 6)
    alone = steepest(curve_of(shared, rounding=0.03), 0)
    assert alone is not None and math.isnan(alone.error) and alone.noise == 0.06


def test_the_error_of_a_rise_covers() -> None:
    """In 400 worlds the true rise of a fixed pair lies within 1.96 errors about 95 times in a hundred."""
    inside = 0
    for seed in range(400):
        c = costs(200, seed)
        inside += abs(c[3].mean() - c[2].mean() - 0.06) < 1.96 * errors(c, c.mean(axis=1))[2, 3]
    assert 0.92 < inside / 400 < 0.98


def test_the_band_agrees_with_the_errors() -> None:
    c = costs(4000)
    (low, high), pairs = band(c[None], origin=2, draws=1000), slow(c)
    assert low.shape == high.shape == (7, 1) and low[2, 0] == high[2, 0] == 0
    for a in (0, 1, 3, 4, 5, 6):
        mean, error = (c[a] - c[2]).mean(), pairs[2, a]
        assert (low[a, 0], high[a, 0]) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.35 * error)


def test_a_line_alone_has_the_noise_it_has_among_others() -> None:
    three: Any = np.stack([costs(9000, seed) for seed in range(3)])
    values = three.mean(axis=2).T
    together = noise_of_costs(three, values, ALPHAS)
    alone = noise_of_costs(three[1:2], values[:, 1:2], ALPHAS)
    assert all(np.array_equal(together[name][..., 1:2], alone[name]) for name in ("errors", "low", "high"))
