"""The Thales identity on arbitrary paths, the exact law of the defect."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import integrate, stats

from landscape.result.curve import thales_defect
from theory.walk import thales, variants

P_VALUE = 1e-4
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


@pytest.mark.parametrize("dimension", [2, 3, 8, 200])
@pytest.mark.parametrize("tau", TAUS)
def test_the_defect_of_walks_has_the_exact_law(dimension, tau):
    rng = np.random.default_rng(dimension)
    first, second = rng.normal(size=(2, 3000, dimension))
    if tau <= 1:
        now, end = np.sqrt(tau) * first, np.sqrt(tau) * first + np.sqrt(1 - tau) * second
    else:
        now, end = first + np.sqrt(tau - 1) * second, first
    drawn = (now * (end - now)).sum(-1) / (end * end).sum(-1)
    assert stats.kstest(drawn, lambda z: thales.walk_defect_cdf(z, tau, dimension)).pvalue > P_VALUE


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


def test_uneven_steps_spread_like_a_walk_of_the_effective_dimension():
    rng, scale = np.random.default_rng(4), np.geomspace(1, 0.02, 400)
    effective = variants.effective_dimension(scale)
    assert variants.effective_dimension(np.full(7, 3.0)) == pytest.approx(7) and 20 < effective < 300
    first, second = rng.normal(size=(2, 3000, 400)) * np.sqrt(scale)
    defects = (first * second).sum(-1) / ((first + second) ** 2).sum(-1)  # tau = 1/2
    low, high = thales.walk_defect_quantile([0.25, 0.75], 0.5, round(effective))
    assert np.diff(np.quantile(defects, [0.25, 0.75]))[0] == pytest.approx(high - low, rel=0.08)


@pytest.mark.parametrize("dimension", [2, 20])
def test_draw_shows_median_mean_and_band(dimension):
    axes = Figure().add_subplot()
    thales.draw(axes, dimension=dimension)
    assert "updates" in axes.get_xlabel() and "defect" in axes.get_ylabel()
    lines = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    assert list(lines) == (["median"] if dimension == 2 else ["median", "mean"])
    assert lines["median"][-1] == pytest.approx([1000, -1 / 9]) and len(axes.collections) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: thales.derive(dimension=1), "dimension=1"),
        (lambda: thales.derive(solution_step=1001), "solution_step=1001"),
        (lambda: thales.walk_defect_cdf(0.1, -0.2, 3), "tau=-0.2"),
        (lambda: thales.walk_defect_quantile(0.0, 0.5, 3), "level=0.0"),
        (lambda: thales.from_distances(1.0, 1.0, 0.0), "length=0"),
        (lambda: thales.from_distances(1.0, 1.0, 3.0), "triangle"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
