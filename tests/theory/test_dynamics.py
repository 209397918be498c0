"""Modes of any depth and imbalance against the flow integrated as written, high precision, and each other."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.theory.refusals import refuses
from tests.theory.twins import flat, followed
from theory.deep_linear import dynamics, dynamics_steps
from theory.deep_linear.deep_mode import balanced_time, deep_mode, very_deep_time
from theory.deep_linear.dynamics import aligned, mode
from theory.deep_linear.projected import project

Floats = NDArray[np.float64]


def starts(seed: int, depth: int, count: int) -> list[tuple[Floats, float]]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=depth), float(rng.choice([-1, 1]) * np.exp(0.5 * rng.normal()))) for _ in range(count)]


TIMES = np.array([0.0, 0.05, 0.6, 2.0, 5.0])


def test_any_order_of_times_and_times_without_end() -> None:
    run = mode(0.1, 0.05, 2.0)
    np.testing.assert_array_equal(run([3.0, 1.0]), run([1.0, 3.0])[::-1])
    deep = deep_mode([0.3, -0.2, 0.5], 2.0)
    np.testing.assert_array_equal(deep([3.0, 0.0, 3.0])[:, 0], deep([0.0, 3.0])[[1, 0, 1], 0])
    for found in (run, deep):
        np.testing.assert_allclose(found([1e3, 1e300 if found is run else 1e9]), [found.end] * 2, rtol=1e-13)
        np.testing.assert_allclose(found([0.0])[0], found.start, rtol=0, atol=1e-16)


def test_depth_2_keeps_its_digits() -> None:
    """Against 60 digits, in the residual too, where it is 1e-12 of the way and near the ends."""
    with mpmath.workdps(60):
        for a, b, t in ((1e-9, -0.4e-9, 3.0), (0.7, 0.7 - 1e-12, 0.01), (40.0, -39.5, 0.02), (0.1, 0.05, 14.0)):
            k, s, g_0 = mpmath.mpf(a) ** 2 - mpmath.mpf(b) ** 2, mpmath.mpf(1), abs(mpmath.mpf(a) + mpmath.mpf(b))
            q = mpmath.sqrt(k**2 + 4 * s**2)
            c = (g_0**2 - 2 * s - q) / (g_0**2 - 2 * s + q)
            e = mpmath.exp(-q * t)
            g, g_1 = mpmath.sqrt((2 * s + q - (2 * s - q) * c * e) / (1 - c * e)), mpmath.sqrt(2 * s + q)
            off = abs(k * (g - g_0) * (g_1 - g)) / (mpmath.sqrt(2) * g * mpmath.sqrt(g_0**2 * g_1**2 + k**2))
            run = mode(a, b)
            k_error = abs(run.invariant / float(k) - 1)
            assert float(run.residual_norm([t])[0]) == pytest.approx(float(off), rel=1e-9 + 4 * k_error)
            assert run([t])[0, 0] == pytest.approx(float((g + k / g) / 2), rel=1e-12)


def test_largest_residual_is_the_largest() -> None:
    late = np.concatenate([[0.0], np.geomspace(1e-4, 60, 20_000)])
    for start, strength in starts(5, 2, 10):
        run = mode(*start, strength)
        off = run.residual_norm(late)
        peak, at = run.largest_residual()
        assert peak >= off.max() * (1 - 1e-12) and peak == pytest.approx(off.max(), rel=1e-5)
        assert at == pytest.approx(run.projection(late)[off.argmax()], abs=5e-3 * run.length)
        assert np.all(np.diff(run.projection(late)) > -1e-14)


def test_balanced_is_straight_and_the_sigmoid() -> None:
    run, s, u_0, t = mode(0.3, 0.3, 1.7), 1.7, 0.09, np.linspace(0, 4, 9)
    assert np.all(run.residual_norm(t) == 0)
    e = np.exp(2 * s * t)
    np.testing.assert_allclose(run(t).prod(axis=1), s * e / (e - 1 + s / u_0), rtol=1e-13)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_any_depth_is_the_ode(depth: int) -> None:
    for start, strength in starts(depth, depth, 4):
        run = deep_mode(start, strength, 0.7)
        points = followed([[[w]] for w in start], np.array([[strength]]), TIMES / 0.7)
        np.testing.assert_allclose(run(TIMES), points, rtol=0, atol=1e-8)
        assert np.prod(run.end) == pytest.approx(strength, rel=1e-13)
        along, off = project(points, run.start, run.end)
        every, curve = run.curve(4001)
        order = np.argsort(every)
        np.testing.assert_allclose(np.interp(along, every[order], curve[order]), off, rtol=0, atol=1e-5)
        way = run.end[run.smallest] - run.start[run.smallest]
        left = (run.end - run([0.3])[0])[run.smallest] / way
        assert run.time(float(left)) == pytest.approx(0.3, rel=1e-9)


def test_depth_2_has_two_forms() -> None:
    for start, strength in starts(9, 2, 6):
        np.testing.assert_allclose(
            deep_mode(start, strength, 0.7)(TIMES), mode(*start, strength, 0.7)(TIMES), rtol=0, atol=1e-11
        )


@pytest.mark.parametrize("depth", [2, 3, 4, 8])
def test_balanced_time_is_the_flow_s(depth: int) -> None:
    run, times = deep_mode([0.4] * depth, 1.7, 0.6), np.array([0.05, 0.4, 1.0])
    np.testing.assert_allclose(balanced_time(run(times)[:, 0], 0.4, 1.7, depth, 0.6), times, rtol=1e-9)
    np.testing.assert_allclose(run.residual_norm(times), 0, atol=1e-15)


def test_very_deep_is_the_limit_of_depths() -> None:
    errors = []
    for depth in (10, 80):
        u_0, u, s = 0.3, 0.9, 1.3
        exact = deep_mode([u_0 ** (1 / depth)] * depth, s)
        end = exact.end[0]
        left = (end - u ** (1 / depth)) / (end - exact.start[0])
        errors.append(abs(depth * exact.time(left) / very_deep_time(u, u_0, s) - 1))
    assert errors[1] < 0.05 and errors[1] < errors[0] / 6


@pytest.mark.parametrize("depth", [2, 3])
def test_aligned_modes_are_the_whole_network(depth: int) -> None:
    """All layers as matrices, in random bases, by the ODE; projection and residual in the full space."""
    rng = np.random.default_rng(depth)
    sizes, strengths = np.array([0.4, 0.3, 0.5]), np.array([2.0, 1.0, 0.6])
    frames = [np.linalg.qr(rng.normal(size=(n, 3)))[0] for n in (5, 4, 6, 4)[: depth + 1]]
    layers = [frames[i + 1] @ np.diag(sizes) @ frames[i].T for i in range(depth)]
    target = frames[-1] @ np.diag(strengths) @ frames[0].T

    times = np.array([0.1, 0.8, 2.5, 40.0])
    ends = strengths ** (1 / depth)
    start, end = flat(layers), flat([frames[i + 1] @ np.diag(ends) @ frames[i].T for i in range(depth)])
    length = np.linalg.norm(end - start)
    along, off = project(followed(layers, target, times), start, end)
    track = aligned(sizes, strengths, times, depth)
    np.testing.assert_allclose(track.projection, along / length, rtol=0, atol=1e-9)
    np.testing.assert_allclose(track.residual, off / length, rtol=0, atol=1e-9)


def test_aligned_modes_stay_inside_the_semicircle_and_approach_it() -> None:
    times = np.concatenate([[0.0], np.geomspace(1e-2, 1e4, 2000)])
    shares = []
    for ratio in (1.0, 1e-1, 1e-2):
        track = aligned([1e-4, 1e-4 * ratio**0.5], [1.0, ratio], times)
        circle = track.projection * (1 - track.projection) - track.residual**2
        assert circle.min() > -1e-15 and track.projection[-1] == pytest.approx(1, abs=1e-12)
        shares.append(float(np.max(track.residual)) / np.sqrt(1 / (1 + ratio) * (1 - 1 / (1 + ratio))))
    assert shares[0] < 1e-12 and shares[1] > 0.99 and shares[2] > 0.999  # a corner on the circle: mode after mode


def test_aligned_modes_at_their_end_count_for_nothing() -> None:
    plain = aligned([0.1, 0.2], [1.0, 2.0], [0.5, 2.0])
    more = aligned([0.1, 3.0, 0.2], [1.0, 9.0, 2.0], [0.5, 2.0])
    np.testing.assert_allclose(more.residual, plain.residual, rtol=1e-14)


def test_closed_forms_are_what_is_computed() -> None:
    form, run = dynamics_steps.closed_form(3), mode(0.4, -0.1, 1.3)
    g_0, g_1 = run.sums
    point = run([1.1])[0]
    values = {
        dynamics_steps.g: float(point.sum()),
        dynamics_steps.g0: g_0,
        dynamics_steps.g1: g_1,
        dynamics_steps.k: run.invariant,
    }
    for name, found in (
        ("a, if a + b > 0", point[0]),
        ("residual at depth 2", run.residual_norm([1.1])[0]),
        ("projection at depth 2", run.projection([1.1])[0]),
        ("largest residual at depth 2, at g² = g_0 g_1", run.largest_residual()[0]),
    ):
        assert float(form[name].subs(values)) == pytest.approx(float(found), rel=1e-12), name


test_bad_input = refuses(
    (lambda: mode(0.3, -0.3), "saddle"),
    (lambda: mode(2.0, 0.5), "length zero"),
    (lambda: mode(float("nan"), 0.5), "finite"),
    (lambda: mode(1.0, 0.5, 0.0), "strength=0"),
    (lambda: mode(1.0, 0.5, 1.0, -1.0), "tau=-1"),
    (lambda: mode(1.0, 0.5)([-0.1]), "times"),
    (lambda: mode(1.0, 0.5).residual_norm([np.inf]), "times"),
    (lambda: deep_mode([0.4]), "L >= 2"),
    (lambda: deep_mode([0.4, np.nan]), "finite"),
    (lambda: deep_mode([0.4, 1e200]), "range of float64"),
    (lambda: deep_mode([-0.2, 0.2, 0.5]), "saddle"),
    (lambda: deep_mode([0.0, 0.0, 0.5]), "saddle"),
    (lambda: deep_mode([1.0, 1.0, 1.0]), "length zero"),
    (lambda: deep_mode([0.4, 0.3], tau=0.0), "tau=0"),
    (lambda: deep_mode([0.4, 0.3]).time(0.0), "left=0"),
    (lambda: balanced_time(0.5, 0.6), "start=0.6"),
    (lambda: balanced_time(0.5, 0.1, -1.0), "positive strength"),
    (lambda: very_deep_time(1.5, 0.1), "below 1"),
    (lambda: aligned([], [], [0.0]), "K >= 1"),
    (lambda: aligned([0.1], [1.0, 2.0], [0.0]), "K >= 1"),
    (lambda: aligned([0.1], [-1.0], [0.0]), "above 0"),
    (lambda: aligned([0.1], [1.0], [0.0], depth=1), "depth=1"),
    (lambda: aligned([1.0], [1.0], [0.0]), "length zero"),
    (lambda: aligned([1e-150], [1.0], [0.0]), "1e100"),
    (lambda: dynamics.derive(depth=9), "depth=9"),
    (lambda: dynamics.derive(strength=0.0), "strength=0"),
    (lambda: dynamics.derive(a=float("inf")), "a=inf"),
    (lambda: dynamics.derive(b=1e7), "b=1e"),
    (lambda: dynamics.derive(a=0.5, b=-0.5), "saddle"),
)
