"""Every refuted conjecture fails where it is said to, in exact numbers and by an independent computation."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from tests.theory.refusals import refused
from theory import conjectures
from theory.conjectures import heavy_ball_factor, line_that_fools, objective
from theory.deep_linear import scalar
from theory.quadratic import modes


def test_each_conjecture_has_a_name_and_says_all():
    assert len({c.name for c in conjectures.CONJECTURES}) == 4
    for c in conjectures.CONJECTURES:
        assert c.statement and c.source and c.counterexample and c.exact


def test_flow_line_rises_for_every_end_that_the_conservation_law_allows():
    below, slope = conjectures.flow_slope_at_start()
    assert below < 0 and slope < 0
    rng, (u1, u2, u3) = np.random.default_rng(0), conjectures.FLOW_START
    for _ in range(50):  # any end with first weight above 3/4 and others above it
        z, more = Fraction(0.75 + float(rng.random())), Fraction(float(rng.random()))
        d1, d2, d3 = z - u1, z + more - u2, z + more / 2 - u3
        assert d1 * u2 * u3 + u1 * u3 * d2 + u1 * u2 * d3 <= slope
    end = solve_ivp(
        lambda _, w: (1 - w.prod()) * np.array([w[1] * w[2], w[0] * w[2], w[0] * w[1]]),
        (0, 200),
        scalar.DEPTH_3_START,
        rtol=1e-11,
        atol=1e-13,
    ).y[:, -1]
    assert end == pytest.approx([0.9972, 1.0014, 1.0014], abs=1e-4)
    assert float(scalar.line(scalar.DEPTH_3_START, end).derivative(0.0)) > 0


def test_flow_line_certificate():
    certificate = conjectures.flow_certificate()
    top = certificate.critical_points[0]
    assert top.kind == "maximum" and certificate.direction is None
    assert float(top.low) == pytest.approx(0.0175, abs=5e-5)
    assert float(certificate(0)) == pytest.approx(1.019454, abs=1e-6)
    assert float(certificate(top.low)) == pytest.approx(1.019649, abs=1e-6)
    assert certificate(top.low) > certificate(0)


def test_heavy_ball_leaves_the_unit_interval():
    x, momentum, step = conjectures.HEAVY_BALL
    assert x <= 1 and heavy_ball_factor(x, momentum, step) == Fraction(-109288, 100000)
    error, velocity = Fraction(1), Fraction(0)
    for _ in range(step):
        velocity = momentum * velocity - x * error
        error += velocity
    assert error == heavy_ball_factor(x, momentum, step)
    found = modes.factor(modes.heavy_ball(0.98, 0.9999), [1.0], np.arange(400))
    assert 1.135 < np.max(np.abs(found)) <= float(modes.bound(modes.heavy_ball(0.98, 0.9999), [1.0])[0])


@pytest.mark.parametrize("sigma", [1.0, 30.0])
def test_shares_against_grids_of_drawn_lines(sigma):
    """The curves themselves are looked at, not κ: does J rise on a fine grid, and is a minimum inside?"""
    rng, count = np.random.default_rng(4), 4000
    a = sigma * rng.normal(size=(count, 2, 1))
    alphas = np.linspace(0, 1, 2001)
    j = (1 - ((1 - alphas) * a + alphas).prod(axis=1)) ** 2
    falls = np.all(np.diff(j, axis=1) <= 0, axis=1)
    told = scalar.share_decreasing(sigma)
    assert abs(falls.mean() - told) < 4.5 * np.sqrt(told * (1 - told) / count) + 3 / 2000
    inner = (j[:, 1:-1] < j[:, :-2]) & (j[:, 1:-1] < j[:, 2:])
    told = scalar.share_without_second_minimum(sigma)
    assert abs((~inner.any(axis=1)).mean() - told) < 4.5 * np.sqrt(told * (1 - told) / count) + 3 / 2000


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


def test_bad_input_is_refused_in_one_sentence():
    cases = [
        (lambda: conjectures.derive(sigma=0.0), "sigma=0"),
        (lambda: conjectures.derive(sigma=float("nan")), "sigma=nan"),
        (lambda: conjectures.derive(cells=1), "cells=1"),
        (lambda: conjectures.derive(count=10), "count=10"),
        (lambda: conjectures.derive(seed=-1), "seed=-1"),
        (lambda: line_that_fools(0), "cells=0"),
    ]
    refused(cases, end="")
