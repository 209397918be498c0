"""The shape numbers and the tolerance of landscape.result.curve.numbers, on uneven grids off the origin."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import landscape.result.curve as c

ALPHAS = np.array([-0.37, -0.11, 0.0, 0.07, 0.31, 0.55, 0.83, 1.0, 1.42, 2.1])
VALUES = np.array([3.0, 2.2, 2.0, 2.4, 1.1, 0.5, 1.4, 0.8, 0.6, 4.0])
TINY = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def test_flattening_of_a_straight_line_is_alpha_itself():
    alphas = np.array([-0.4, -0.1, 0.2, 0.9, 1.2])
    assert c.flattening(alphas, 3 - 2 * alphas) == pytest.approx(1 / 9)
    assert c.flattening(ALPHAS, VALUES, alpha=0.31) == pytest.approx((2.0 - 1.1) / 1.2)


@given(st.lists(st.floats(-0.6, 0.6), min_size=9, max_size=9), st.floats(0.2, 0.8), st.sampled_from([1, -1]))
def test_the_inflection_of_a_cubic_is_found_exactly_on_an_uneven_grid(jitter, inflection, sign):
    alphas = np.linspace(-0.2, 1.2, 9) + 0.07 * np.array(jitter)
    assume(np.min(np.abs(alphas - inflection)) > 1e-3)  # a bend of rounding size has no sign
    values = 2.3 + sign * (alphas - inflection) ** 3 - 1.7 * alphas
    ((alpha, turn),) = c.curvature_changes(alphas, values, 1e-9, -1.0, 2.0)
    assert turn == sign and alpha == pytest.approx(inflection, abs=1e-6)


def test_second_difference_has_the_units_of_j_and_small_ones_are_discarded():
    even = np.linspace(0, 1, 5)
    values = np.array([0.0, 0.0, 1.0, 1.2, 5.0])  # second differences 1, -0.8, 3.6
    assert [s for _, s in c.curvature_changes(even, values, 0.79)] == [-1, 1]
    assert c.curvature_changes(even, values, 0.81) == []
    # on an uneven grid it is twice the height of the chord over the middle sample: chord 1/3, height -2/3
    assert len(c.curvature_changes(np.array([0, 0.2, 0.6, 1.0]), np.array([0.0, 1.0, 1.0, 4.0]), 1.9)) == 0
    assert len(c.curvature_changes(np.array([0, 0.2, 0.6, 1.0]), np.array([0.0, 1.0, 1.0, 4.0]), 1.3)) == 1
    # a straight stretch has no sign of its own, whatever the tolerance
    assert c.curvature_changes(even, np.array([2.0, 2.0, 2.0, 3.0, 5.0]), 0.0) == []


def test_curvature_outside_the_window_does_not_count():
    alphas = np.linspace(-2, 2, 81)
    assert len(c.curvature_changes(alphas, np.sin(3 * alphas), 1e-9, -2, 2)) == 3
    assert c.curvature_changes(alphas, np.sin(3 * alphas), 1e-9, 0.1, 1.0) == []
    with pytest.raises(ValueError, match="three samples"):
        c.curvature_changes(ALPHAS, VALUES, 0.0, 0.3, 0.6)


def test_figure_9_turns_convex_at_one_over_root_three():
    alphas = np.linspace(0, 2, 200)
    ((alpha, sign),) = c.curvature_changes(alphas, (1 - alphas**2) ** 2, 1e-6, 0, 2)
    assert sign == 1 and alpha == pytest.approx(1 / math.sqrt(3), abs=1e-4)


def test_plateau_length():
    assert c.plateau_length(TINY, np.array([10.0, 10.0, 8.0, 1.0, 0.0])) == pytest.approx(0.375)  # 9 on 10 -> 8
    assert c.plateau_length(TINY, np.array([10.0, 9.0, 9.0, 1.0, 0.0])) == 0.25  # reached, then flat
    assert math.isnan(c.plateau_length(TINY, np.array([10.0, 9.0, 8.0, 1.0, 0.0]), fraction=1.5))
    # the dip before alpha = 0 does not count, and neither 0 nor 1 need be samples
    alphas = np.array([-0.3, -0.2, 0.3, 1.3])
    assert c.plateau_length(alphas, np.array([-9.0, 5.0, 0.0, -10.0])) == pytest.approx(0.1)  # 3 - 0.1 * 10 = 2


def test_spline_deviation_is_zero_for_a_cubic_and_sees_a_spike():
    alphas = np.concatenate([np.linspace(-0.4, 0.6, 32), np.linspace(0.63, 1.9, 19)])
    cubic = 2 - alphas + 3 * (alphas - 0.3) ** 3
    assert c.spline_deviation(alphas, cubic) < 1e-12
    spiked = cubic.copy()
    spiked[47] += 0.05 * np.ptp(cubic)  # sample 47 is no knot
    assert c.spline_deviation(alphas, spiked) == pytest.approx(0.05, rel=1e-9)
    assert c.spline_deviation(alphas, np.full(51, 3.3)) == 0.0
    with pytest.raises(ValueError, match="every=1"):
        c.spline_deviation(alphas, cubic, every=1)


def test_spline_deviation_uses_the_last_sample_as_a_knot():
    alphas = np.linspace(0, 1, 47)  # the last index, 46, is no multiple of 10
    values = np.exp(-9 * alphas)
    values[46] += 1.0
    # a spline that ended at index 40 would miss the step by 1; one through the last sample only swings before it
    assert c.spline_deviation(alphas, values) < 0.9


def curve(replicates=None, **kwargs):
    objective = np.stack([5 - VALUES, VALUES], axis=1) if replicates is None else replicates.mean(axis=0)
    return c.Curve(ALPHAS, objective, replicates=replicates, **kwargs)


def test_tolerance_follows_how_the_curve_was_measured():
    assert c.tolerance(curve(dtype="float64"), 0) == 1e-6
    assert c.tolerance(curve(dtype="float32"), 0) == 1e-4
    assert c.tolerance(curve(mode="stochastic"), 1) == 5e-3
    with pytest.raises(ValueError, match="float16"):
        c.tolerance(curve(dtype="float16"), 0)
    with pytest.raises(ValueError, match="noisy"):
        c.tolerance(curve(mode="noisy"), 0)


def test_stochastic_tolerance_is_three_standard_errors_of_the_neighbour_difference():
    rng = np.random.default_rng(3)
    smooth = np.stack([10 - 2 * ALPHAS, 10 - 4 * ALPHAS], axis=1)
    replicates = smooth + rng.normal(size=(6, 10, 2))
    errors = []
    for k in range(1, 10):
        differences = [replicates[j, k, 1] - replicates[j, k - 1, 1] for j in range(6)]
        mean = sum(differences) / 6
        errors.append(math.sqrt(sum((d - mean) ** 2 for d in differences) / 5 / 6))
    fall = c.drop(ALPHAS, replicates.mean(axis=0)[:, 1])
    assert c.tolerance(curve(replicates, mode="stochastic"), 1) == pytest.approx(3 * max(errors) / fall)
    assert c.tolerance(curve(smooth + 0 * replicates, mode="stochastic"), 1) == 5e-3  # noise below the floor
    shift = smooth + rng.normal(size=(6, 1, 2))  # common to all alphas: it cancels in the differences
    assert c.tolerance(curve(shift, mode="stochastic"), 1) == 5e-3


def test_stochastic_tolerance_is_nan_rather_than_the_floor():
    replicates = np.ones((3, 10, 1)) * (10 - ALPHAS)[:, None]
    replicates[1, 4] = np.nan
    assert math.isnan(c.tolerance(curve(replicates, mode="stochastic"), 0))
    with pytest.raises(ValueError, match="two or more replicates"):
        c.tolerance(curve(np.ones((1, 10, 1)), mode="stochastic"), 0)
