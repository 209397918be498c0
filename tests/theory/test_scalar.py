"""The scalar deep linear model: the paper's figures, exact rationals, flows, random starts, false conjectures."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from tests.theory.refusals import refuses
from theory import conjectures
from theory.conjectures import line_that_fools, objective
from theory.deep_linear import scalar
from theory.deep_linear.deep_mode import deep_mode
from theory.deep_linear.scalar import kappa, line, shape
from theory.derivation import Step

BERNSTEIN_ALPHAS = np.array([0.0, 0.13, 0.5, 0.77, 1.0])


def test_a_wrong_step_does_not_hold():
    right = scalar.derive().steps["factorisation to a solution"].statement
    assert not Step(sp.Eq(right.lhs, right.rhs + 1, evaluate=False), "").holds()


@pytest.mark.parametrize("depth", [1, 2, 3, 7, 20])
def test_line_against_fractions(depth):
    rng = np.random.default_rng(depth)
    u, t = rng.normal(size=depth), rng.normal(size=depth)
    curve = line(u, t, interval=(-0.4, 1.7))
    for alpha in (-0.375, 0.0, 0.3125, 1.0, 1.625):
        at, p, slope = Fraction(alpha), Fraction(1), Fraction(0)
        for a, b in zip(map(Fraction, u.tolist()), map(Fraction, t.tolist()), strict=True):
            w = (1 - at) * a + at * b
            p, slope = p * w, slope * w + p * (b - a)
        scale = float(np.max(np.abs(curve.coefficients)))
        assert float(curve(alpha)) == pytest.approx(float((1 - p) ** 2), rel=1e-12, abs=1e-15)
        assert float(curve.derivative(alpha)) == pytest.approx(float(-2 * (1 - p) * slope), abs=1e-13 * depth * scale)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_against_exact_polynomial(order):
    u, t = (0.375, -1.25, 2.0), (1.5, 0.75, -0.5)
    poly = scalar.exact(u, t)
    for alpha in (-0.25, 0.3, 1.1):
        exact = float(poly.diff((poly.gen, order)).eval(sp.Rational(alpha)))
        assert float(line(u, t).derivative(alpha, order)) == pytest.approx(exact, rel=1e-11)
    assert float(line(u, t).derivative(0.3, 7)) == pytest.approx(0, abs=1e-6)


def test_figure_9():
    curve = line((0, 0), (1, 1), interval=(0, 2))
    alphas = np.linspace(0, 2, 41)
    np.testing.assert_allclose(curve(alphas), (1 - alphas**2) ** 2, atol=1e-14)
    assert [p.alpha for p in curve.minima()] == pytest.approx([1], abs=1e-12)
    assert curve.minima()[0].objective == pytest.approx(0, abs=1e-24)
    assert curve.largest_rise() == pytest.approx(9)
    assert float(curve.derivative(1 / np.sqrt(3), 2)) == pytest.approx(0, abs=1e-14)
    assert float(curve.derivative(0.0)) == 0
    rng = np.random.default_rng(9)
    for _ in range(20):
        z = 0.01 * rng.normal(size=2)
        end = (1, 1) if z.sum() >= 0 else (-1, -1)
        start = line(z, end, interval=(0, 2))
        assert abs(start(0.0) - 1) < 1e-3
        assert -0.1 < start.derivative(0.0) <= 0
        assert [p.alpha for p in start.minima()] == pytest.approx([1], abs=1e-9)
        assert start.derivative(0.55, 2) < 0 < start.derivative(0.60, 2)
        assert float(start(2.0)) == pytest.approx(9, abs=0.3)


def test_figure_9_verdict_on_the_right_end_is_loose_for_some_starts():
    """J(2) = (1 - (2 - z1)(2 - z2))² leaves 9 ± 0.2 once |z1 + z2| passes about 0.017."""
    assert abs(line((0.009, 0.009), (1, 1))(2.0) - 9) > 0.2
    assert abs(line((0.008, 0.008), (1, 1))(2.0) - 9) < 0.2


@pytest.mark.parametrize("depth", [2, 3, 10])
def test_zero_start_inflection_at_any_depth(depth):
    curve = line([0.0] * depth, [1.0] * depth)
    at = ((depth - 1) / (2 * depth - 1)) ** (1 / depth)
    assert curve.derivative(at - 1e-3, 2) < 0 < curve.derivative(at + 1e-3, 2)
    assert float(curve(at)) == pytest.approx((depth / (2 * depth - 1)) ** 2, rel=1e-13)
    assert [p.kind for p in curve.extrema()] == ["maximum", "minimum"]


def test_figure_10_left():
    curve = line((2, 0.5), (0.5, 2), interval=(-0.3, 1.3))
    alphas = np.linspace(-0.3, 1.3, 33)
    np.testing.assert_allclose(curve(alphas), 5.0625 * alphas**2 * (1 - alphas) ** 2, atol=1e-12, rtol=0)
    inner = [(p.alpha, p.kind) for p in curve.extrema() if p.interior]
    assert [kind for _, kind in inner] == ["minimum", "maximum", "minimum"]
    assert [alpha for alpha, _ in inner] == pytest.approx([0, 0.5, 1], abs=1e-12)
    assert line((2, 0.5), (0.5, 2)).barrier() == 0.31640625


def test_figure_10_right_and_its_counterexample():
    curve = line((-6, 0.5), (1, 1), interval=(0, 2))
    alphas = np.linspace(0, 2, 21)
    expected = 3.5**2 * (alphas - 1) ** 2 * (alphas + 4 / 3.5) ** 2
    np.testing.assert_allclose(curve(alphas), expected, rtol=1e-11, atol=1e-12)
    assert [p.alpha for p in curve.minima()] == pytest.approx([1], abs=1e-12)
    assert float(curve(0)) == 16
    other = line((-6, -1), (1, 1))
    assert [p.alpha for p in other.minima()] == pytest.approx([5 / 14, 1], abs=1e-12)
    top = next(p for p in other.maxima() if p.interior)
    assert (top.alpha, top.objective) == pytest.approx((19 / 28, 6561 / 3136), rel=1e-12)
    assert other.barrier() == 0  # the start is higher still
    assert other.largest_rise() == pytest.approx(6561 / 3136)


def test_depth_2_shapes_at_the_edges():
    assert [shape(k) for k in (-1.5, -1, 0, 1, 1.01)] == ["crossing", *["decreasing"] * 3, "bump"]
    touching = line((0.5, 2.0 / 3), (1, 1))  # κ = 1/4
    assert kappa((0.5, 2 / 3), (1, 1)) == pytest.approx(0.25)
    assert len(touching.extrema()) == 2
    flat_end = line((2, 0), (1, 1))  # κ = -1: (1 - α)⁴
    assert kappa((2, 0), (1, 1)) == -1
    np.testing.assert_allclose(flat_end(BERNSTEIN_ALPHAS), (1 - BERNSTEIN_ALPHAS) ** 4, atol=1e-15)
    assert [p.kind for p in flat_end.extrema()] == ["maximum", "minimum"]
    bump = line((-0.5, 0), (1, 1))  # κ = 3/2
    assert [p.alpha for p in bump.maxima()] == pytest.approx([0.5 / 3], abs=1e-12)
    assert bump.barrier() == pytest.approx((2.5**2 / 6) ** 2 - 1, rel=1e-12)


def test_gradient_flow_at_depth_2_never_sees_a_barrier_and_at_depth_3_does():
    rng = np.random.default_rng(21)
    for _ in range(10):
        a = rng.normal(size=2) * 1.5
        path = solve_ivp(lambda _, w: (1 - w.prod()) * w[::-1], (0, 300), a, rtol=1e-12, atol=1e-14, method="DOP853")
        end = path.y[:, -1]
        if abs(end.prod() - 1) < 1e-9:
            curve = line(a, end)
            assert curve.largest_rise() <= 1e-12 * max(1, float(curve(0.0)))
    limit = scalar.flow_limit(scalar.DEPTH_3_START)
    assert list(deep_mode(scalar.DEPTH_3_START).end) == pytest.approx(limit, abs=1e-14)
    assert limit == pytest.approx([0.9972, 1.0014, 1.0014], abs=1e-4)
    curve = line(scalar.DEPTH_3_START, limit)
    top = curve.maxima()[0]
    assert (top.alpha, top.objective) == pytest.approx((0.0175, 1.019649), abs=5e-5)
    # Exact: J at 0.0175 exceeds J at 0, for the floats as they are.
    poly = scalar.exact(scalar.DEPTH_3_START, limit)
    assert poly.eval(sp.Rational(0.0175)) > poly.eval(0)


def test_same_orthant_criterion():
    rng = np.random.default_rng(33)
    seen = set()
    for _ in range(200):
        depth = int(rng.integers(2, 6))
        b = np.exp(rng.normal(size=depth))
        b[-1] = 1 / np.prod(b[:-1])
        a = b * np.exp(rng.normal(size=depth) - 0.3)
        below = np.prod(a) < 1
        ratio = (a / b) if below else (b / a)
        if abs(ratio.sum() - depth) < 1e-6:
            continue
        decreasing = bool(ratio.sum() < depth)
        curve = line(a, b)
        assert (curve.largest_rise() <= 1e-12 * max(1.0, float(curve(0.0)))) == decreasing
        seen.add((bool(below), decreasing))
    assert len(seen) == 4


def test_shares_of_random_starts():
    assert [scalar.share_decreasing(s) for s in (1.0, 3.0, 30.0)] == pytest.approx([0.6115, 0.5525, 0.5055], abs=6e-5)
    assert [scalar.share_without_second_minimum(s) for s in (1.0, 3.0, 30.0)] == pytest.approx(
        [0.92, 0.68, 0.52], abs=5e-3
    )
    assert scalar.share_decreasing(1e4) == pytest.approx(0.5, abs=1e-4)
    with pytest.raises(ValueError, match="sigma=0"):
        scalar.share_decreasing(0.0)


def test_shares_tend_to_one_half():
    far = [scalar.share_without_second_minimum(s) - 0.5 for s in (10.0, 100.0, 1000.0)]
    assert far[0] > far[1] > far[2] > 0
    assert [p / q for p, q in pairwise(far)] == pytest.approx([10, 10], rel=0.05)


@pytest.mark.parametrize("cells", [1, 2, 3, 100, 9999])
def test_a_line_for_every_grid(cells):
    start = line_that_fools(cells)
    seen = [objective(start, Fraction(i, cells)) for i in range(cells + 1)]
    assert all(p > q for p, q in pairwise(seen)) and seen[-1] == 0
    hole = 1 - Fraction(1, 2 * cells)
    assert objective(start, hole) == 0 < objective(start, 1 - Fraction(1, 4 * cells))
    assert seen[-2] > 0 and Fraction(cells - 1, cells) < hole < 1
    curve = scalar.line([float(u) for u in start], (1.0, 1.0))
    if cells <= 100:
        assert [p.alpha for p in curve.minima()] == pytest.approx([float(hole), 1.0], abs=1e-9)
    assert (
        scalar.exact([sp.Rational(u.numerator, u.denominator) for u in start], (1, 1)).eval(
            sp.Rational(hole.numerator, hole.denominator)
        )
        == 0
    )


test_bad_input_is_refused_in_one_sentence = refuses(
    (lambda: line((), ()), "L >= 1"),
    (lambda: line((1, 2), (1,)), "same L"),
    (lambda: line((1, np.nan), (1, 1)), "NaN or infinity"),
    (lambda: line((1, 2), (1, 2)), "length zero"),
    (lambda: line((1e200, 1e200), (1, 1)), "overflows"),
    (lambda: kappa((0, 0), (1, 2)), "not a solution"),
    (lambda: kappa((2, 0.5), (1, 1)), "already is a solution"),
    (lambda: scalar.derive(depth=1), "depth=1"),
    (lambda: scalar.derive(depth=7), "depth=7"),
    (lambda: scalar.derive(start_1=float("inf")), "start_1=inf"),
    (lambda: scalar.derive(start_2=1.0), "start_2=1"),
    (lambda: scalar.derive(start_1=4.0, start_2=0.25), "on a solution"),
    (lambda: conjectures.derive(sigma=0.0), "sigma=0"),
    (lambda: conjectures.derive(sigma=float("nan")), "sigma=nan"),
    (lambda: conjectures.derive(cells=1), "cells=1"),
    (lambda: conjectures.derive(count=10), "count=10"),
    (lambda: conjectures.derive(seed=-1), "seed=-1"),
    (lambda: line_that_fools(0), "cells=0"),
    end=".",
)
