"""Plausible statements about lines and trajectories that are false: each with a counterexample in exact numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np
import sympy as sp

from theory.certificate.certify import Certificate, certify
from theory.deep_linear import scalar
from theory.deep_linear.curve import Moments
from theory.derivation import Check, Derivation, Step, Steps, equal, label_axes, require_whole
from theory.quadratic import modes

# The depth-3 start as rationals, and a bound on the end of its gradient flow that suffices.
FLOW_START = (Fraction(-1, 5), Fraction(11, 50), Fraction(11, 50))
FLOW_END_ABOVE = Fraction(3, 4)
HEAVY_BALL = (Fraction(4, 5), Fraction(99, 100), 3)  # lr·λ, momentum, step
FAR_START = (Fraction(-6), Fraction(-1))
SIGMAS = (1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Conjecture:
    """A statement that is false.

    Args:
        name: short. statement: the conjecture, in words. source: where it is made or suggested.
        counterexample: numbers, as text. exact: what of the refutation is exact, and what is not.
    """

    name: str
    statement: str
    source: str
    counterexample: str
    exact: str


CONJECTURES = (
    Conjecture(
        "flow line",
        "The straight line from a start to its own gradient-flow limit is monotone, at depth 3 as at depth 2.",
        "Goodfellow, Vinyals & Saxe 2015, section 5, read beyond depth 2",
        "J = (1 - w1 w2 w3)² from (-1/5, 11/50, 11/50): J first rises.",
        "The start and the sign of J'(0) are rational; the end enters only by w1 > 3/4, which follows from the "
        "conserved w_i² - w_1². How high J rises is for the end rounded to floats, certified for that end.",
    ),
    Conjecture(
        "heavy ball",
        "Below lr·λ = 1 heavy ball never leaves an error larger than it was: |g_t| <= 1.",
        "by analogy with gradient descent",
        "lr·λ = 4/5, momentum 99/100: g_3 = -1.09288.",
        "All of it.",
    ),
    Conjecture(
        "large random start",
        "From a random start of large norm the line to a solution of the two-weight model has no other minimum.",
        "Goodfellow, Vinyals & Saxe 2015, caption of Figure 10",
        "From (-6, -1) to (1, 1) J is 0 at α = 5/14 too; of starts N(0, σ² I) only about half have no second minimum "
        "as σ grows.",
        "The line from (-6, -1); the shares are a one-dimensional quadrature, and half is their limit in numbers.",
    ),
    Conjecture(
        "fine grid",
        "If J falls from every point of a fine uniform grid to the next, it falls all along the line.",
        "Goodfellow, Vinyals & Saxe 2015, section 3, on resolution",
        "For every number of cells A the two-weight model has a line with J = 0 at α = 1 - 1/(2A), inside the last "
        "cell, a maximum after it, and values on the grid that fall.",
        "All of it; the maximum is low, of order J(0)/A⁴.",
    ),
)


def flow_slope_at_start() -> tuple[Fraction, Fraction]:
    """Bounds behind the first refutation: (a value that proves the end lies above 3/4, J'(0) / positive at that bound).

    With z the first weight at the end, the others are √(z² + c), c = (11/50)² - (1/5)²; z (z² + c) = 1 puts z above
    3/4 iff that cubic is below 1 at 3/4. Then p'(0) = Δ1 u2 u3 + 2 u1 u2 Δ2 with Δ2 > z - 11/50 is negative.
    """
    u1, u2, _ = FLOW_START
    z, c = FLOW_END_ABOVE, u2**2 - u1**2
    below = z * (z**2 + c) - 1
    at = (z - u1) * u2**2 + 2 * u1 * u2 * (z - u2)  # affine in z with slope u2² + 2 u1 u2 < 0: an upper bound on p'(0)
    return below, at


def flow_certificate() -> Certificate:
    """Every critical point on the flow line of the first refutation, start and end rounded to floats."""
    start = scalar.DEPTH_3_START
    end = scalar.flow_limit(start)
    one = np.ones((1, 1))
    return certify([w * one for w in start], [w * one for w in end], Moments(1, one, one, 1.0))


def heavy_ball_factor(x: Fraction, momentum: Fraction, step: int) -> Fraction:
    """g_t exactly, t >= 1, by e_{t+1} = (1 + momentum - x) e_t - momentum e_{t-1}, e_0 = 1, e_1 = 1 - x."""
    before, now = Fraction(1), 1 - x
    for _ in range(step - 1):
        before, now = now, (1 + momentum - x) * now - momentum * before
    return now


def line_that_fools(cells: int) -> tuple[Fraction, Fraction]:
    """A start whose line to (1, 1) falls on the grid of ``cells`` cells and has J = 0 at α = 1 - 1/(2 cells).

    Raises:
        ValueError: fewer than one cell.
    """
    if cells != floor(cells) or cells < 1:
        raise ValueError(f"cells={cells:g} is not allowed; use a whole number of cells, 1 or more.")
    k = 1 / (1 - Fraction(1, 2 * int(cells)))  # -κ, so that 1 + κα vanishes there
    first = Fraction(3)
    return first, (k - 2) / (3 * k - 2)  # solves κ = (1 - u1)(1 - u2)/(1 - u1 u2) for u2


def objective(start: tuple[Fraction, Fraction], alpha: Fraction) -> Fraction:
    """J on the line from ``start`` to (1, 1), exactly."""
    first, second = ((1 - alpha) * u + alpha for u in start)
    return (1 - first * second) ** 2


def derive(*, sigma: float = 3.0, cells: int = 100, count: int = 200_000, seed: int = 0) -> Derivation:
    """Four refuted conjectures.

    Args:
        sigma: standard deviation of the random starts that are drawn. cells: of the grid that is fooled.
        count, seed: of the draws that the quadrature is checked against.

    Raises:
        ValueError: sigma not positive or beyond 1e6, cells outside 2 to 10,000, count outside 1,000 to 10 million,
            seed negative.
    """
    if not 0 < sigma <= 1e6:
        raise ValueError(f"sigma={sigma:g} is not allowed; use a standard deviation above 0 and up to 1e6.")
    require_whole(cells=(cells, 2, 10_000), count=(count, 1_000, 10**7), seed=(seed, 0, 2**32 - 1))
    certificate = flow_certificate()
    top = certificate.critical_points[0]
    start = line_that_fools(cells)
    crest = 1 - Fraction(1, 4 * cells)
    return Derivation(
        title="Refuted conjectures",
        assumptions=[f"{c.name}: {c.statement} ({c.source})" for c in CONJECTURES],
        source="; ".join(sorted({c.source for c in CONJECTURES})),
        steps=_steps(),
        closed_form={"κ of the line that fools A cells": -1 / (1 - 1 / (2 * A)), "J / J(0) of that line": FOOLED},
        check=lambda: _checks(sigma, cells, count, seed),
        values={
            "refuted": [{"name": c.name, "counterexample": c.counterexample, "exact": c.exact} for c in CONJECTURES],
            "flow_line_maximum_alpha": float(top.low),
            "flow_line_rise": float(certificate(top.low) - certificate(0)),
            "heavy_ball_g3": str(heavy_ball_factor(*HEAVY_BALL)),
            "share_without_second_minimum": {f"{s:g}": scalar.share_without_second_minimum(s) for s in SIGMAS},
            "share_decreasing": {f"{s:g}": scalar.share_decreasing(s) for s in SIGMAS},
            "fooling_start": [str(u) for u in start],
            "fooling_minimum_alpha": float(1 - Fraction(1, 2 * cells)),
            "fooling_rise_over_start": float(objective(start, crest) / objective(start, Fraction(0))),
        },
    )


A, alpha, grid = sp.Symbol("A", positive=True), sp.Symbol("alpha", real=True), sp.Symbol("i", real=True)
FOOLED = (1 - alpha) ** 2 * (1 - alpha / (1 - 1 / (2 * A))) ** 2


def _steps() -> Steps:
    w = sp.symbols("w1:4", real=True)
    rate = [-sp.diff((1 - sp.Mul(*w)) ** 2, v) / 2 for v in w]  # gradient flow
    z = sp.Symbol("z", positive=True)
    u1, u2, u3 = (sp.Rational(u) for u in FLOW_START)
    b2, b3 = sp.symbols("b2 b3", positive=True)
    p = sp.Mul(*((1 - alpha) * u + alpha * b for u, b in zip((u1, u2, u3), (z, b2, b3), strict=True)))
    below, at = (sp.Rational(v) for v in flow_slope_at_start())
    x, m, step = HEAVY_BALL
    far = (1 - sp.Mul(*((1 - alpha) * sp.Rational(u) + alpha for u in FAR_START))) ** 2
    k = 1 / (1 - 1 / (2 * A))
    second = (k - 2) / (3 * k - 2)
    line = (1 - ((1 - alpha) * 3 + alpha) * ((1 - alpha) * second + alpha)) ** 2
    return {
        "flow line: what is conserved": Step(
            equal(2 * w[1] * rate[1], 2 * w[0] * rate[0]),
            "w_2² - w_1² = c > 0 keeps w_2 and w_3 positive, so w_1 grows until the product is 1 and the end has "
            "z (z² + c) = 1 for z = w_1.",
        ),
        "flow line: the end lies beyond 3/4": Step(
            sp.true if below < 0 else sp.false,
            f"z (z² + c) - 1 = {below} at z = 3/4, and it grows with z.",
        ),
        "flow line: slope of the product at the start": Step(
            equal(p.diff(alpha).subs(alpha, 0), (z - u1) * u2 * u3 + u1 * u3 * (b2 - u2) + u1 * u2 * (b3 - u3)),
            "p is the product on the line and u_1 < 0, so larger b_2 and b_3 only lower it; both exceed z.",
        ),
        "flow line: J rises at the start": Step(
            sp.And(at < 0, u2 * u3 + u1 * (u2 + u3) < 0, u1 * u2 * u3 < 1),
            f"With b_2 = b_3 = z = 3/4 it is {at}, and it falls as z grows: p'(0) < 0, so J'(0) = -2 (1 - p) p' > 0.",
        ),
        "heavy ball: the error grows": Step(
            equal(sp.Rational(heavy_ball_factor(x, m, step)), -sp.Rational(13661, 12500)),
            "lr·λ = 4/5, momentum 99/100, three steps in rationals: |g_3| = 1.09288.",
        ),
        "large start: a second solution on the line": Step(
            equal(far, 196 * (alpha - 1) ** 2 * (alpha - sp.Rational(5, 14)) ** 2),
            "From (-6, -1), norm 6.08, J vanishes at α = 5/14 and at the end.",
        ),
        "large start: only half": Step(
            equal(sp.Symbol("P(no second minimum)"), sp.Rational(1, 2)),
            "The limit for σ → ∞, seen in a one-dimensional quadrature, not proven here.",
            proven=False,
        ),
        "grid: the line": Step(
            equal(line, line.subs(alpha, 0) * FOOLED),
            "From (3, u_2) with this u_2 to (1, 1), J has κ = -1/(1 - 1/(2A)).",
        ),
        "grid: values at the grid": Step(
            equal(FOOLED.subs(alpha, grid / A), ((A - grid) * (2 * A - 1 - 2 * grid) / (A * (2 * A - 1))) ** 2),
            "For i = 0, 1, ..., A - 1 both factors are positive and fall, and at i = A it is 0: the grid sees descent.",
        ),
        "grid: what it misses": Step(
            equal(FOOLED.subs(alpha, 1 - 1 / (4 * A)), (4 * A * (4 * A - 2)) ** -2),
            "J vanishes at 1 - 1/(2A) and is positive a quarter cell from the end: it has risen inside the last cell.",
        ),
    }


def _checks(sigma: float, cells: int, count: int, seed: int) -> list[Check]:
    rng = np.random.default_rng(seed)
    first, *others = flow_certificate().critical_points  # rounding the end may put the zero of J just before it
    one_top = first.kind == "maximum" and all(point.low > 1 - Fraction(1, 10**12) for point in others)
    x, m, step = HEAVY_BALL
    exact = heavy_ball_factor(x, m, step)
    by_powers = float(modes.factor(modes.heavy_ball(float(x), float(m)), [1.0], [step])[0, 0])
    a, b = sigma * rng.normal(size=(2, count))
    k = (1 - a) * (1 - b) / (1 - a * b)
    z = 0.0
    for found, told in (
        (k >= -1, scalar.share_without_second_minimum(sigma)),
        (np.abs(k) <= 1, scalar.share_decreasing(sigma)),
    ):
        z = max(z, abs(float(np.mean(found)) - told) / np.sqrt(told * (1 - told) / count))
    start = line_that_fools(cells)
    seen = [objective(start, Fraction(i, cells)) for i in range(cells + 1)]
    fooled = all(p > q for p, q in pairwise(seen)) and objective(start, 1 - Fraction(1, 4 * cells)) > 0
    far = scalar.share_without_second_minimum(1e4)
    return [
        Check("flow line: limit against the ODE", scalar.flow_limit_error(), 1e-8),
        Check("flow line: certified a maximum and, up to 1e-12 from the end, no more", float(not one_top), 0.0),
        Check("heavy ball: g_3 by recurrence and by powers", abs(by_powers - float(exact)), 1e-13),
        Check(f"large start: shares against {count} draws, largest |z|", float(z), 4.5),
        Check("large start: share at σ = 10,000 from one half", abs(far - 0.5), 1e-3),
        Check("grid: exact values do not all fall, or J does not rise again", float(not fooled), 0.0),
    ]


def draw(axes: Any, *, sigma: float = 3.0, cells: int = 100, count: int = 200_000, seed: int = 0) -> None:
    """The flow line's rise near its start, and the last cells of the line that fools a grid, each over its rise."""
    derive(sigma=sigma, cells=cells, count=count, seed=seed)  # refuses bad parameters
    t = np.linspace(0, 1, 301)
    flow = scalar.line(scalar.DEPTH_3_START, scalar.flow_limit(scalar.DEPTH_3_START))
    rise = flow.largest_rise()
    axes.plot(t, (flow(0.04 * t) - flow(0.0)) / rise, label="depth-3 flow line: (J − J(0)) / rise, α = 0.04 u")
    at, crest = 1 - (1 - t) / cells, 1 / (4 * cells * (4 * cells - 2)) ** 2
    fooled = (1 - at) ** 2 * (1 - at / (1 - 1 / (2 * cells))) ** 2
    axes.plot(t, fooled / crest, label=f"last of {cells} cells: J / crest, α = 1 − (1 − u)/{cells}")
    axes.plot([0, 1], [fooled[0] / crest, 0], "o--", label="what the grid sees of it")
    axes.set_ylim(-1.5, 4)
    label_axes(axes, "u (position in the part of the line that is shown, no unit)", "J over the rise (no unit)")
