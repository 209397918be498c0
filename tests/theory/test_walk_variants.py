"""Other walks than the plain one, and the Thales identity on any path with the exact law of its defect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.integrate import quad

from landscape.result.curve import thales_defect
from tests.theory.refusals import refuses
from theory.walk import thales, variants
from theory.walk.random_walk import RandomWalk

T = 25


def test_any_schedule_is_on_the_half_circle_at_its_own_speed():
    rates = np.random.default_rng(1).uniform(0.01, 2, T)
    x, r = variants.scheduled(rates)
    assert thales.defect(x, r) == pytest.approx(0, abs=1e-14) and x[3] == pytest.approx(
        (rates[:3] ** 2).sum() / (rates**2).sum()
    )
    plain = variants.scheduled(np.ones(T))
    assert np.allclose(plain, RandomWalk(10, T, T).mean(np.arange(T + 1)))


def test_walks_with_drift_or_momentum_are_seen_beyond_their_end():
    """Deviations are of order 1/sqrt(d) = 0.009; measured 0.008 at most in the notes, at d = 20,000."""
    rng, d, steps, end = np.random.default_rng(2), 12000, 66, 60
    noise, drift, at = rng.normal(size=(steps, d)), rng.normal(size=d), np.arange(steps + 1)
    drift *= 0.15 * np.sqrt(d) / np.linalg.norm(drift)
    velocity = np.zeros((steps, d))
    for step in range(steps):
        velocity[step] = 0.8 * velocity[step - 1] * (step > 0) + noise[step]
    ratio = end * 0.15**2
    limits = variants.drifting(at / end, ratio), variants.with_momentum(at, 0.8, end)
    for moves, limit in zip((noise + drift, velocity), limits, strict=True):
        path = np.concatenate([np.zeros((1, d)), np.cumsum(moves, axis=0)])
        x = path @ path[end] / (path[end] @ path[end])
        r = np.linalg.norm(path - x[:, None] * path[end], axis=-1) / np.linalg.norm(path[end])
        assert np.allclose((x, r), limit, atol=0.03)
        if moves is not velocity:
            assert 2 * r[:end].max() == pytest.approx(np.sqrt(1 / (1 + ratio)), abs=0.03)


def test_drift_is_told_by_the_largest_residual_and_persistence_by_the_side_of_the_half_circle():
    for ratio in (0.0, 0.7, 12.0):
        assert variants.drift_to_noise(float(variants.drifting(0.5, ratio)[1])) == pytest.approx(ratio, abs=1e-12)
    for hurst in (0.2, 0.5, 0.85):
        middle = thales.defect(*variants.fractional(0.4, hurst))
        assert np.sign(np.round(middle, 12)) == np.sign(hurst - 0.5)


def test_beyond_the_end_the_covariances_are_those_of_the_walk():
    late, ratio, hurst = 1.7, 0.6, 0.8
    x, r = variants.drifting(late, ratio)
    assert x == pytest.approx((1 + ratio * late) / (1 + ratio))
    assert r**2 + x**2 == pytest.approx((late + ratio * late**2) / (1 + ratio))
    x, r = variants.fractional(late, hurst)
    assert x == pytest.approx((late**1.6 + 1 - 0.7**1.6) / 2) and r**2 == pytest.approx(late**1.6 - x**2)
    for plain in (variants.drifting(late, 0.0), variants.fractional(late, 0.5), variants.with_momentum(17, 0.0, 10)):
        assert plain == pytest.approx((1.0, np.sqrt(0.7)))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
def test_momentum_walks_exactly(momentum):
    """K by summing shocks one by one, without the closed form, beyond the end too."""
    steps = np.arange(T + 7)
    moved = np.array(
        [[sum(momentum**i for i in range(t - j + 1)) if j <= t else 0.0 for j in steps[1:]] for t in steps]
    )
    covariance = moved @ moved.T
    exact = variants.from_covariance(np.diag(covariance), covariance[:, T], covariance[T, T])
    found = variants.with_momentum(steps, momentum, T)
    assert np.allclose(found[0], exact[0], atol=1e-11) and np.allclose(found[1] ** 2, exact[1] ** 2, atol=1e-11)
    long = variants.with_momentum([500_000], momentum, 10**6)
    assert np.allclose(long, 0.5, atol=1e-3)


@pytest.mark.parametrize("dimension", [3, 4, 7, 50, 3000])
def test_equal_directions_are_those_of_the_plain_walk(dimension):
    variance, square = variants.anisotropic_spread(np.full(dimension, 2.7))
    assert variance == pytest.approx(1 / (dimension - 2), rel=1e-9)
    assert square == pytest.approx((dimension - 1) / (dimension - 2), rel=1e-9)
    assert variants.effective_dimension(np.full(dimension, 2.7)) == pytest.approx(dimension)
    padded = variants.anisotropic_spread(np.concatenate([np.full(dimension, 0.01), np.zeros(5)]))
    assert padded == pytest.approx((variance, square), rel=1e-9)


def test_unequal_directions_by_draws_and_by_the_effective_dimension():
    eigen, rng, count, tau = np.geomspace(0.05, 1, 12), np.random.default_rng(7), 200_000, 0.3
    middle = rng.standard_normal((count, 12)) * np.sqrt(eigen * tau)
    end = middle + rng.standard_normal((count, 12)) * np.sqrt(eigen * (1 - tau))
    length = (end**2).sum(axis=1)
    x = (middle * end).sum(axis=1) / length
    square = (middle**2).sum(axis=1) / length - x**2
    variance, mean = variants.anisotropic_spread(eigen)
    for drawn, exact in (((x - tau) ** 2, variance), (square, mean), (x, tau / (tau * (1 - tau)))):
        assert abs(drawn.mean() - tau * (1 - tau) * exact) < 4 * drawn.std() / np.sqrt(count)
    wide = np.geomspace(0.001, 1, 4000)
    d_eff = variants.effective_dimension(wide)
    assert variants.anisotropic_spread(wide)[0] * d_eff == pytest.approx(1, abs=8 / d_eff)
    one, _ = variants.anisotropic_spread([1.0, 1.0, 1e-9])
    assert one > variants.anisotropic_spread([1.0, 1.0, 1.0])[0]
    two, _ = quad(
        lambda u: u * 2.0 / (1 + 2 * u) ** 2 * (1 + 2e-2 * u) ** -0.5 + u * 1e-4 / (1 + 2 * u) * (1 + 2e-2 * u) ** -1.5,
        0,
        np.inf,
        limit=500,
    )
    assert variants.anisotropic_spread([1.0, 1.0, 0.01])[0] == pytest.approx(two, rel=1e-5)


test_bad_input_is_refused = refuses(
    (lambda: variants.from_covariance([1.0], [1.0], 0.0), "end=0"),
    (lambda: variants.from_covariance([1.0], [3.0], 1.0), "belong to no walk"),
    (lambda: variants.scheduled([0.0, 0.0]), "make no walk"),
    (lambda: variants.scheduled([]), "make no walk"),
    (lambda: variants.drifting(-0.2, 1.0), "0 or more"),
    (lambda: variants.drifting(0.2, -1.0), "drift_to_noise=-1"),
    (lambda: variants.drift_to_noise(0.6), "largest_residual=0.6"),
    (lambda: variants.fractional(0.2, 1.0), "hurst=1"),
    (lambda: variants.with_momentum([1], 1.0, 5), "momentum=1"),
    (lambda: variants.with_momentum([-1], 0.5, 5), "whole numbers from 0 on"),
    (lambda: variants.with_momentum([1], 0.5, 0), "solution_step=0"),
    (lambda: variants.effective_dimension([-1.0]), "of no covariance"),
    (lambda: variants.anisotropic_spread([1.0, 1.0, 0.0]), "2 positive"),
    (lambda: variants.derive(solution_step=1), "solution_step=1"),
    (lambda: variants.derive(decay=-1.0), "decay=-1"),
    (lambda: variants.draw(None, drift=float("nan")), "drift=nan"),
)


TAUS = [0.13, 0.5, 0.92, 1.1, 3.0]


def test_any_path_obeys_the_identity_from_coordinates_and_from_distances():
    rng = np.random.default_rng(8)
    path = rng.normal(size=(12, 6)).cumsum(axis=0) + 5
    done, left, whole = path - path[0], path[-1] - path, path[-1] - path[0]
    ahead = (done * left).sum(-1) / (whole @ whole)
    x = done @ whole / (whole @ whole)
    r = np.linalg.norm(done - x[:, None] * whole, axis=-1) / np.linalg.norm(whole)
    got = thales.from_distances(np.linalg.norm(done, axis=-1), np.linalg.norm(left, axis=-1), np.linalg.norm(whole))
    assert np.allclose(got, [x, r, ahead], atol=1e-7) and np.abs(ahead).max() > 0.05
    assert np.allclose(got[0], x, atol=1e-13) and np.allclose(got[2], ahead, atol=1e-13)
    assert np.allclose(thales.defect(x, r), ahead, atol=1e-13)
    assert np.allclose(thales.defect(x, r), thales_defect(x, r), atol=1e-15)


@pytest.mark.parametrize("dimension", [2, 5, 1000, 10**9])
@pytest.mark.parametrize("tau", TAUS)
def test_quantiles_undo_the_law_far_into_both_tails(dimension, tau):
    level = np.array([1e-9, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
    z = thales.walk_defect_quantile(level, tau, dimension)
    assert np.allclose(thales.walk_defect_cdf(z, tau, dimension), level, rtol=1e-9, atol=0)
    assert (z < 0.25).all() and z[3] == pytest.approx(min(0.0, 1 - tau), abs=1e-15)


@pytest.mark.parametrize("dimension", [3, 7, 90])
@pytest.mark.parametrize("tau", TAUS)
def test_the_mean_defect_integrates_the_quantiles(dimension, tau):
    # level = u^4: the lower tail of the quantile is integrable but steep
    mean, _ = integrate.quad(
        lambda u: 4 * u**3 * float(thales.walk_defect_quantile(u**4, tau, dimension)), 0, 1, epsabs=1e-11, limit=200
    )
    assert mean == pytest.approx(float(thales.walk_defect_mean(tau, dimension)), rel=1e-6)
    assert thales.walk_defect_mean(tau, 2) == -np.inf


def test_the_defect_is_zero_where_the_walk_is_fixed():
    assert np.array_equal(thales.walk_defect_cdf([-1e-9, 0.0, 0.3], [0.0, 1.0, 1.0], 4), [0, 1, 1])
    assert np.array_equal(thales.walk_defect_quantile(0.2, [0.0, 1.0], 4), [0, 0])
    assert np.array_equal(thales.walk_defect_mean([0.0, 1.0], 2), [0, 0])
    assert np.array_equal(thales.walk_defect_cdf([0.25, 1.0], 0.4, 6), [1, 1])


test_bad_input_is_refused_by_name = refuses(
    (lambda: thales.derive(dimension=1), "dimension=1"),
    (lambda: thales.derive(solution_step=1001), "solution_step=1001"),
    (lambda: thales.walk_defect_cdf(0.1, -0.2, 3), "tau=-0.2"),
    (lambda: thales.walk_defect_quantile(0.0, 0.5, 3), "level=0.0"),
    (lambda: thales.from_distances(1.0, 1.0, 0.0), "length=0"),
    (lambda: thales.from_distances(1.0, 1.0, 3.0), "triangle"),
)
