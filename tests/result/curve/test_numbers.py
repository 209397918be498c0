"""Numbers of a curve: laws off the origin, slow plain twins, and the defects of other tools as named tests."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import landscape.result.curve as c

# uneven, from -0.37 to 2.1, with 0 and 1 among the samples and neither at an end
ALPHAS = np.array([-0.37, -0.11, 0.0, 0.07, 0.31, 0.55, 0.83, 1.0, 1.42, 2.1])
#                                        ^ rises 0.4       ^ rises 0.9 from 0.5 (window end)  ^ outside
VALUES = np.array([3.0, 2.2, 2.0, 2.4, 1.1, 0.5, 1.4, 0.8, 0.6, 4.0])
TINY = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
FINITE = st.floats(-1e3, 1e3, allow_subnormal=False)


@st.composite
def columns(draw, grid=False):
    """An uneven column with 0 and 1 inside the range; with values on a coarse grid, so that ties and plateaus occur."""
    gaps = draw(st.lists(st.floats(0.05, 1.0), min_size=3, max_size=14))
    alphas = np.concatenate([[-0.37], -0.37 + np.cumsum(gaps)])
    if alphas[-1] < 1.1:
        alphas = np.append(alphas, 1.3)
    element = st.integers(-3, 3).map(float) if grid else FINITE
    values = draw(st.lists(element, min_size=len(alphas), max_size=len(alphas)))
    return alphas, np.array(values)


def plain_window(alphas, values, first, last):
    """The window's samples and its interpolated ends, one at a time."""
    points = {a: v for a, v in zip(alphas, values, strict=True) if first <= a <= last}
    for end in (first, last):
        for k in range(len(alphas) - 1):
            if alphas[k] < end < alphas[k + 1]:
                w = (end - alphas[k]) / (alphas[k + 1] - alphas[k])
                points[end] = (1 - w) * values[k] + w * values[k + 1]
    return [points[a] for a in sorted(points)]


def plain_prominence(values, k):
    """The climb out of the plateau that holds sample k, or None if that is no interior local minimum."""
    left = right = k
    while left > 0 and values[left - 1] == values[k]:
        left -= 1
    while right < len(values) - 1 and values[right + 1] == values[k]:
        right += 1
    interior = left > 0 and right < len(values) - 1
    if not interior or values[left - 1] < values[k] or values[right + 1] < values[k] or k != (left + right) // 2:
        return None
    sides = []
    for step in (-1, 1):
        j, highest = k, values[k]
        while 0 <= j < len(values) and values[j] >= values[k]:
            highest = max(highest, values[j])
            j += step
        sides.append(highest - values[k])
    return min(sides)


def test_a_grid_point_is_read_bitwise_and_a_near_one_too():
    for k, alpha in enumerate(ALPHAS):
        for near in (alpha, alpha + 9e-13, alpha - 9e-13):
            assert c.value_at(ALPHAS, VALUES, near) == VALUES[k]


@given(columns(), st.floats(0, 1))
def test_between_samples_the_curve_is_straight(column, share):
    alphas, values = column
    alpha = alphas[1] + share * (alphas[2] - alphas[1])
    expected = values[1] + share * (values[2] - values[1])
    assert c.value_at(alphas, values, alpha) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("alpha", [-0.371, 2.11, math.nan, math.inf])
def test_a_curve_is_never_extrapolated(alpha):
    with pytest.raises(ValueError, match="outside the sampled range"):
        c.value_at(ALPHAS, VALUES, alpha)


def test_alphas_must_increase():
    with pytest.raises(ValueError, match="strictly increasing"):
        c.value_at(ALPHAS[::-1], VALUES, 0.5)
    with pytest.raises(ValueError, match="one column"):
        c.value_at(ALPHAS, VALUES[:, None], 0.5)


def test_drop_interpolates_the_ends_it_has_no_sample_at():
    alphas = np.linspace(-0.5, 1.5, 31)  # figure 5: neither 0 nor 1 is on this grid
    assert c.drop(alphas, 7 - 3 * alphas) == pytest.approx(3, abs=1e-12)
    assert c.drop(ALPHAS, VALUES) == 2.0 - 0.8


@given(columns(), st.sampled_from([(0.0, 1.0), (-0.37, 1.1), (0.21, 0.64), (-0.37, -0.37)]))
def test_largest_rise_is_that_of_the_plain_twin(column, ends):
    points = plain_window(*column, *ends)
    rises = [points[b] - points[a] for a in range(len(points)) for b in range(a + 1, len(points))]
    assert c.largest_rise(*column, *ends) == pytest.approx(max([0.0, *rises]), abs=1e-9)


def test_the_window_may_be_open_and_the_drop_divides():
    assert c.largest_rise(ALPHAS, VALUES, -math.inf, math.inf) == 3.5
    assert c.relative_rise(ALPHAS, VALUES) == pytest.approx(0.9 / 1.2)


def test_mli_a_rise_that_begins_in_the_last_interval_counts():
    alphas = np.array([0.0, 0.2, 0.7, 1.0])
    assert c.largest_rise(alphas, np.array([3.0, 2.0, 1.0, 1.5])) == 0.5
    assert c.num_rises(np.array([3.0, 2.0, 1.0, 1.5]), 0.0) == 1


def test_lim_the_largest_rise_can_exceed_every_adjacent_one():
    values = np.array([2.0, 1.0, 1.3, 1.6, 1.2])
    assert c.largest_rise(TINY, values) == pytest.approx(0.6) and np.diff(values).max() < 0.31


def test_no_drop_makes_ratios_unknown_instead_of_small():
    rising = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    for number in (c.relative_rise, c.flattening, c.plateau_length):
        assert math.isnan(number(TINY, rising)), number.__name__
        assert math.isnan(number(TINY, np.ones(5))), number.__name__


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="no sample in"):
        c.largest_rise(ALPHAS, VALUES, 3.0, 4.0)
    with pytest.raises(ValueError, match="must not exceed"):
        c.largest_rise(ALPHAS, VALUES, 1.0, 0.0)


def test_num_rises_counts_only_rises_above_the_slack():
    values = np.array([1.0, 1.5, 1.5, 1.7, 0.0])
    assert [c.num_rises(values, slack) for slack in (0.0, 0.3, 0.6)] == [2, 1, 0]


def test_the_three_barriers_disagree_on_a_monotone_curve():
    values = np.array([0.0, 1.0, 1.5, 1.8, 2.0])
    assert c.mean_barrier(TINY, values) == 1.0
    assert c.end_barrier(TINY, values) == 0.0
    assert c.chord_barrier(TINY, values) == 0.5


def test_lim_the_chord_runs_to_the_last_sample():
    alphas = np.linspace(0, 1, 41)
    concave, convex = 1 - alphas**8, (1 - alphas) ** 8
    # max of a - a^8 is at a^7 = 1/8
    peak = (1 / 8) ** (1 / 7)
    assert c.chord_barrier(alphas, concave) == pytest.approx(peak - peak**8, abs=1e-3)
    assert c.chord_barrier(alphas, convex) == 0.0
    assert c.chord_barrier(np.append(alphas[:-1], 1 + 5e-13), 3 + 7 * convex) == 0.0  # 1 but for rounding
    spike = np.where(alphas == alphas[-2], 9.0, convex)  # only the last interval shows it
    assert c.chord_barrier(alphas, spike) == pytest.approx(9.0 - 0.025)


@given(columns(), st.sampled_from([(0.0, 1.0), (-0.37, 1.1), (0.13, 0.58)]))
def test_barriers_are_those_of_the_plain_twins(column, ends):
    alphas, values = column
    first, last = ends
    points = plain_window(alphas, values, first, last)
    places = sorted({first, last, *(a for a in alphas if first < a < last)})
    chord = [points[0] + (points[-1] - points[0]) * (a - first) / (last - first) for a in places]
    assert c.chord_barrier(alphas, values, *ends) >= 0
    assert c.chord_barrier(alphas, values, *ends) == pytest.approx(
        max(p - q for p, q in zip(points, chord, strict=True)), abs=1e-8
    )
    assert c.mean_barrier(alphas, values, *ends) == pytest.approx(max(points) - (points[0] + points[-1]) / 2, abs=1e-8)
    assert c.end_barrier(alphas, values, *ends) == pytest.approx(max(points) - max(points[0], points[-1]), abs=1e-8)


@pytest.mark.parametrize("barrier", [c.chord_barrier, c.mean_barrier, c.end_barrier])
def test_a_barrier_needs_both_ends_sampled(barrier):
    with pytest.raises(ValueError, match="outside the sampled range"):
        barrier(ALPHAS, VALUES, 0.0, 2.2)
    with pytest.raises(ValueError, match="below"):
        barrier(ALPHAS, VALUES, 0.5, 0.5)


@given(columns(grid=True), st.sampled_from([0.0, 1.0, 2.0]))
@settings(max_examples=200)
def test_prominence_is_that_of_the_plain_twin(column, prominence):
    alphas, values = column
    for function, flipped in ((c.local_minima, values), (c.local_maxima, -values)):
        expected = [k for k in range(len(values)) if (plain_prominence(flipped, k) or 0.0) > prominence]
        assert function(alphas, values, prominence) == expected


def test_argmin_in_a_window_takes_the_first_of_several():
    assert c.argmin_alpha(ALPHAS, VALUES) == 0.55
    assert c.argmin_alpha(ALPHAS, VALUES, 0.9, 1.5) == 1.42
    assert c.argmin_alpha(ALPHAS, np.zeros(10), -0.2) == -0.11


def test_tg_zero_and_negative_losses_are_values():
    values = np.array([1.0, 0.0, -2.0, 0.0, -1.0])
    assert c.argmin_alpha(TINY, values) == 0.5
    assert c.largest_rise(TINY, values) == 2.0
    assert c.local_minima(TINY, values, 0.5) == [2]
    assert c.value_at(TINY, values, 0.25) == 0.0
    assert c.drop(TINY, values) == 2.0


WITH_NAN = np.where(ALPHAS == 0.31, np.nan, VALUES)


RISES = (c.largest_rise, c.relative_rise, c.argmin_alpha, c.spline_deviation, c.plateau_length)
BARRIERS = (c.chord_barrier, c.mean_barrier, c.end_barrier)


@pytest.mark.parametrize("number", [*RISES, *BARRIERS])
def test_lsr_nan_stays_nan(number):
    assert math.isnan(number(ALPHAS, WITH_NAN))
    assert math.isnan(c.largest_rise(ALPHAS, WITH_NAN, 0.31, 0.31))  # a window of that one sample


@pytest.mark.parametrize("function", [c.local_minima, c.local_maxima, c.curvature_changes])
def test_nan_is_refused_where_there_is_no_nan_to_return(function):
    with pytest.raises(ValueError, match=r"1 of .* samples are not finite"):
        function(ALPHAS, WITH_NAN, 0.1)
    with pytest.raises(ValueError, match="not finite"):
        c.num_rises(WITH_NAN, 0.0)


@pytest.mark.parametrize("bad", [math.nan, -0.1])
def test_a_threshold_that_would_find_nothing_is_refused(bad):
    for call in (
        lambda: c.local_minima(ALPHAS, VALUES, bad),
        lambda: c.curvature_changes(ALPHAS, VALUES, bad),
        lambda: c.num_rises(VALUES, bad),
        lambda: c.plateau_length(ALPHAS, VALUES, bad),
    ):
        with pytest.raises(ValueError, match="must be a number >= 0"):
            call()


def test_nan_outside_the_window_does_not_matter():
    values = np.where(ALPHAS > 1.2, np.nan, VALUES)
    assert c.largest_rise(ALPHAS, values) == pytest.approx(0.9)
    assert c.argmin_alpha(ALPHAS, values, -1, 1) == 0.55
    assert c.value_at(ALPHAS, values, 1.0) == 0.8
