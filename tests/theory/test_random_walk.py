"""The exact laws of a random walk against walks that are walked step by step, and against other formulas."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, special, stats

from landscape.result.curve import random_walk_bands
from tests.theory.refusals import refuses
from theory.walk import random_walk, sampler
from theory.walk.random_walk import RandomWalk

P_VALUE = 1e-4  # per test of Kolmogorov and Smirnov; seeds are fixed, so a pass stays a pass
STEPS, SOLUTION = 44, 37


def walked(dimension, count, seed, steps=STEPS, solution=SOLUTION):
    """projection and residual_norm [steps + 1, count] and length [count] of plain walks, raw units."""
    moves = np.random.default_rng(seed).normal(size=(steps, count, dimension))
    path = np.concatenate([np.zeros((1, count, dimension)), moves.cumsum(axis=0)])
    length = np.linalg.norm(path[solution], axis=-1)
    direction = path[solution] / length[:, None]
    projection = (path * direction).sum(-1)
    return projection, np.linalg.norm(path - projection[..., None] * direction, axis=-1), length


def test_means_lie_on_the_half_circle_and_variances_agree_in_any_dimension():
    for dimension, step in ((7, 11), (25, 30), (25, 42)):
        walk = RandomWalk(dimension, STEPS, SOLUTION)
        (x, r), variance = walk.mean(step), walk.variance(step)
        assert walk.projection(step).stats() == pytest.approx((x, variance))
        assert walk.residual_squared(step).mean() == pytest.approx(r**2 + variance)
        c, mean = walk.spread(step) * SOLUTION, walk.raw_residual(step).mean()
        assert mean / np.sqrt(c) == pytest.approx(stats.chi(dimension - 1).mean())
    x, r = RandomWalk(2).mean(np.linspace(0, 900, 50))
    assert np.allclose((x - 0.5) ** 2 + r**2, 0.25, atol=1e-15)
    assert RandomWalk(2).mean(1000)[1] == pytest.approx(1 / 3)
    assert np.array_equal(RandomWalk(2).variance([0, 7, 900, 950]), [0, np.inf, 0, np.inf])


def test_the_mean_residual_is_exact_by_quadrature():
    for dimension, step in ((2, 123.0), (5, 700.5), (40, 950.0)):
        walk = RandomWalk(dimension)
        law = walk.residual_squared(step)
        # r = exp(s): the tail in the plane is heavy
        value, _ = integrate.quad(lambda s, law=law: 2 * np.exp(3 * s) * law.pdf(np.exp(2 * s)), -30, 30, limit=400)
        assert value == pytest.approx(walk.mean(step)[1], rel=1e-7)


@pytest.mark.parametrize("dimension", [2, 6, 1000, 10**9])
def test_bands_hold_their_share_and_agree_with_those_of_the_figures(dimension):
    walk, steps = RandomWalk(dimension), np.arange(0, 1001, 7)
    bands = walk.bands(steps, 0.8)
    twin = random_walk_bands(dimension, 0.8)
    for ours, theirs in zip(bands, twin[1:], strict=True):
        assert np.allclose(ours, theirs[steps], rtol=1e-12, atol=1e-15)
    at = 630
    assert walk.projection(at).cdf([b[90] for b in bands[:3]]) == pytest.approx([0.1, 0.5, 0.9], abs=1e-6)
    assert walk.residual_squared(at).cdf([b[90] ** 2 for b in bands[3:]]) == pytest.approx([0.1, 0.5, 0.9], abs=1e-6)
    wide = RandomWalk(dimension).bands(450)
    assert abs(wide.r_high - 0.5) < 2.5 / np.sqrt(dimension - 1) + 0.5 * (dimension == 2)


@pytest.mark.parametrize(("dimension", "step"), [(2, 3), (2, 450), (3, 897), (6, 990), (40, 300)])
def test_raw_projection_density_is_a_parabolic_cylinder_function(dimension, step):
    walk = RandomWalk(dimension)
    mean, variance = walk.raw_moments(step)
    k, v = float(walk.mean(step)[0]) * 30, float(walk.spread(step)) * 900
    for z in mean + np.sqrt(variance) * np.array([-2.3, -0.4, 0.1, 1.7]):
        a, b = 1 + k * k / v, k * z / v
        exact = (
            mpmath.mpf(2) ** (1 - dimension / 2)
            * mpmath.gamma(dimension)
            / mpmath.gamma(dimension / 2)
            / mpmath.sqrt(2 * mpmath.pi * v)
            * a ** (-dimension / 2)
            * mpmath.exp(-z * z / (2 * v) + b * b / (4 * a))
            * mpmath.pcfd(-dimension, -b / np.sqrt(a))
        )
        assert walk.raw_projection_pdf(z, step) == pytest.approx(float(exact), rel=1e-10)
    low, high = mean - np.sqrt(variance), mean + 1.4 * np.sqrt(variance)
    mass, _ = integrate.quad(lambda z: walk.raw_projection_pdf(z, step), low, high, epsabs=1e-12)
    assert walk.raw_projection_cdf(high, step) - walk.raw_projection_cdf(low, step) == pytest.approx(mass, abs=1e-10)


@pytest.mark.parametrize("dimension", [2, 7, 500, 10**9])
def test_the_mean_length_and_raw_variance_keep_their_digits(dimension):
    with mpmath.workdps(40):
        half = mpmath.mpf(dimension) / 2
        mu = mpmath.sqrt(2) * mpmath.exp(mpmath.loggamma(half + 0.5) - mpmath.loggamma(half))
        spread = float(dimension - mu**2)
    walk = RandomWalk(dimension)
    assert walk.length_factor() == pytest.approx(float(mu), rel=1e-13)
    assert walk.raw_moments(900)[1] == pytest.approx(900 * spread, rel=1e-6)
    assert walk.raw_moments(225)[1] == pytest.approx(900 * (spread / 16 + 3 / 16), rel=1e-7)


@pytest.mark.parametrize("dimension", [2, 3, 12])
def test_sampled_curves_have_the_joint_law_of_walks(dimension):
    """Two steps before the solution and two after it at once: each random combination must have one law."""
    at, count, rng = [9, 14, 39, 43], 3000, np.random.default_rng(17)
    projection, residual, length = walked(dimension, count, seed=40 + dimension)
    sampled = sampler.sample(dimension, at, count, rng, STEPS, SOLUTION)
    for _ in range(12):
        a, b, c = rng.normal(size=4), rng.normal(size=4), rng.normal()
        plain = a @ projection[at] + b @ residual[at] + c * length
        ours = a @ sampled.projection + b @ sampled.residual_norm + c * sampled.length
        assert stats.ks_2samp(plain, ours).pvalue > P_VALUE
    product = [np.corrcoef(r[[0, 1]])[0, 1] for r in (residual[at], sampled.residual_norm)]
    assert product[0] == pytest.approx(product[1], abs=0.1) and product[0] > 0.2  # error .026


def test_sampling_costs_the_same_in_a_thousand_million_dimensions():
    sampled = sampler.sample(10**9, np.arange(1001), 5, np.random.default_rng(0))
    x, r = sampled.projection / sampled.length, sampled.residual_norm / sampled.length
    mean_x, mean_r = RandomWalk(10**9).mean(np.arange(1001))
    assert np.abs(x.T - mean_x).max() < 1e-4 and np.abs(r.T - mean_r).max() < 1e-4 and np.ptp(x[450]) > 1e-7
    assert (x[0] == 0).all() and (r[[0, 900]] == 0).all() and (sampled.projection[900] == sampled.length).all()


def test_the_maximum_of_the_bridge_is_known_in_low_dimensions():
    x = np.linspace(0.2, 3, 30)
    assert np.allclose(sampler.bessel_bridge_maximum_cdf(x, 1), stats.kstwobign.cdf(x), atol=1e-13)
    m = np.array([0.05, 0.3, 0.71, 1.9, 12.0])
    y = np.pi / 2 / m
    assert np.allclose(sampler.maximum_residual_cdf(m, 2), y / np.sinh(y), atol=1e-13)
    assert np.allclose(sampler.maximum_residual_cdf(m, 4), y**3 * np.cosh(y) / np.sinh(y) ** 3, atol=1e-13)
    zeros = special.jn_zeros(0, 200)
    plane = [2 / v**2 * np.sum(np.exp(-zeros / v) / special.j1(zeros) ** 2) for v in m]
    assert np.allclose(sampler.maximum_residual_cdf(m, 3), plane, atol=1e-12)


@pytest.mark.parametrize("dimension", [2, 5, 60, 3000])
def test_the_maximum_averages_the_bridge_over_the_length(dimension):
    """The closed form in exponentials against quadrature over chi_d of the Gaussian series."""
    nodes, weights, _ = sampler.chi_nodes(dimension)
    m = 0.5 + np.array([-0.4, 0.1, 0.6, 1.3]) / np.sqrt(dimension)
    averaged = sampler.bessel_bridge_maximum_cdf(m[:, None] * nodes, dimension - 1) @ weights
    exact = sampler.maximum_residual_cdf(m, dimension)
    assert np.allclose(averaged, exact, atol=1e-9) and 0.02 < exact[1] < exact[3] < 1
    assert sampler.maximum_residual_quantile(float(exact[2]), dimension) == pytest.approx(m[2], abs=1e-9)


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_the_maximum_of_plain_walks_follows_the_corrected_law(dimension):
    solution, count = 150, 8000
    _, residual, length = walked(dimension, count, seed=dimension, steps=solution, solution=solution)
    highest = np.sort(residual.max(axis=0) / length)
    at = highest[100:-100:50]
    share = np.searchsorted(highest, at) / count
    corrected = np.abs(sampler.maximum_residual_cdf(at, dimension, solution) - share).max()
    plain = np.abs(sampler.maximum_residual_cdf(at, dimension) - share).max()
    # Kolmogorov's distance at the 0.1 % level: it accepts the correction, whose own error is below .007, and refuses
    # the law of Brownian motion, which is .03 to .05 off
    assert corrected < 1.95 / np.sqrt(count) < plain


test_impossible_walks_are_refused_by_name = refuses(
    (lambda: random_walk.derive(dimension=1), "dimension=1 "),
    (lambda: random_walk.derive(dimension=2.5), "dimension=2.5"),
    (lambda: random_walk.derive(dimension=float("nan")), "dimension=nan"),
    (lambda: random_walk.derive(solution_step=0), "solution_step=0"),
    (lambda: random_walk.derive(num_steps=899), "solution_step=900"),
    (lambda: random_walk.draw(None, num_steps=0), "num_steps=0"),
    (lambda: RandomWalk(5).mean(1001), "step=1001"),
    (lambda: RandomWalk(5).bands([3, float("nan")]), "step=nan"),
    (lambda: RandomWalk(5).bands(3, coverage=1), "coverage=1"),
    (lambda: RandomWalk(5).projection(900), "step=900"),
    (lambda: RandomWalk(5).raw_projection_pdf(1.0, 0), "step=0"),
    (lambda: sampler.sample(3, [4, 4], 2, np.random.default_rng(0)), "increasing"),
    (lambda: sampler.sample(3, [4], 0, np.random.default_rng(0)), "num_walks=0"),
    (lambda: sampler.sample(3, [1001], 1, np.random.default_rng(0)), "step=1001"),
    (lambda: sampler.maximum_residual_cdf(0.5, 1), "dimension=1"),
    (lambda: sampler.maximum_residual_cdf(0.5, 10**9), "dimension=1e"),
    (lambda: sampler.maximum_residual_cdf(0.5, 3, solution_step=0), "solution_step=0"),
    (lambda: sampler.maximum_residual_quantile(1.0, 3), "level=1.0"),
)
