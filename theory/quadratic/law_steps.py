"""The proofs behind ``theory.quadratic.law``, each a line that sympy checks."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

x, m, eps = sp.symbols("x mu epsilon", positive=True)  # x = ε·λ
tau = sp.Symbol("tau", nonnegative=True)
t = sp.Symbol("t", integer=True, positive=True)
now, before, first = sp.symbols("e_t e_{t-1} g_1", real=True)
r1, r2 = sp.symbols("r_1 r_2", nonzero=True)
radius, angle = sp.symbols("rho phi", positive=True)
T, D = sp.symbols("T D", real=True)  # trace and det of the recurrence


def steps() -> Steps:
    """All steps, in order."""
    return {**_recurrences(), **_closed_forms(), **_stability(), **_geometry(), **_bounds(), **_noise()}


def _solves(solution: sp.Expr, trace: sp.Expr, det: sp.Expr) -> sp.Equality:
    """The candidate at t + 1 equals trace times itself at t less det times itself at t - 1."""
    return equal(solution.subs(t, t + 1), trace * solution - det * solution.subs(t, t - 1))


def _recurrences() -> Steps:
    velocity = now - before
    look, look_before = sp.symbols("y_t y_{t-1}", real=True)
    buffer = look_before - look - x * look_before  # ε·μ·b of the last update, read off that update
    return {
        "heavy ball recurrence": Step(
            equal(now + m * velocity - x * now, (1 + m - x) * now - m * before),
            "The velocity is the last difference of errors; v <- mu v - epsilon grad adds it to the error.",
        ),
        "dampened recurrence": Step(
            equal(now + m * velocity - (1 - tau) * x * now, (1 + m - (1 - tau) * x) * now - m * before),
            "torch scales every gradient but the first by 1 - tau, so x shrinks and the start g_1 = 1 - x does not.",
        ),
        "Nesterov recurrence": Step(
            equal((1 - x) * (now + m * velocity), (1 + m) * (1 - x) * now - m * (1 - x) * before),
            "The gradient is taken at the look-ahead point y = e + mu (e - e_before).",
        ),
        "torch Nesterov recurrence": Step(
            equal(look - x * look - m * (buffer + x * look), (1 + m) * (1 - x) * look - m * (1 - x) * look_before),
            "The buffer is eliminated by the update before; torch's parameter is the look-ahead point.",
        ),
        "torch Nesterov is one step ahead": Step(
            equal(((1 + m) * (1 - x) ** 2 - m * (1 - x)) / (1 - x), 1 - (1 + m) * x),
            "y_t = e_{t+1}/(1 - x): one recurrence, and the second textbook value over 1 - x is torch's first.",
        ),
    }


def _closed_forms() -> Steps:
    h = (r1**t - r2**t) / (r1 - r2)
    g = r2**t + (first - r2) * h
    shift = sp.Symbol("b", real=True)
    wave = radius**t * (sp.cos(t * angle) + shift * sp.sin(t * angle))
    double = r1**t + (first - r1) * t * r1 ** (t - 1)
    root_m = sp.sqrt(m)
    return {
        "two roots": Step(
            _solves(g, r1 + r2, r1 * r2),
            "For symbolic t: powers of the characteristic roots, T = r_1 + r_2 and D = r_1 r_2, solve the recurrence.",
        ),
        "start": Step(equal(g.subs(t, 1), first), "At t = 1 it is g_1, at t = 0 it is r_2^0 + 0 = 1."),
        "complex roots": Step(
            _solves(wave, 2 * radius * sp.cos(angle), radius**2),
            "With roots rho exp(+-i phi), for symbolic t; the sine's coefficient b is free to meet g_1.",
        ),
        "double root": Step(_solves(double, 2 * r1, r1**2), "The limit r_2 -> r_1 of h_t is t r^(t-1)."),
        "gradient descent": Step(
            _solves(r1**t, r1, sp.Integer(0)),
            "Without momentum D = 0 and T = g_1 = 1 - x = r_1, so the factor is the power (1 - x)^t.",
        ),
        "heavy ball discriminant": Step(
            equal((1 + m - x) ** 2 / 4 - m, ((1 + root_m) ** 2 - x) * ((1 - root_m) ** 2 - x) / 4),
            "T^2/4 - D in factors: no digits are lost next to the double roots x = (1 +- sqrt(mu))^2.",
        ),
        "Nesterov discriminant": Step(
            equal((1 + m) ** 2 * (1 - x) ** 2 / 4 - m * (1 - x), (1 - x) * ((1 - m) ** 2 - (1 + m) ** 2 * x) / 4),
            "Likewise; the double root is x = ((1 - mu)/(1 + mu))^2.",
        ),
    }


def _stability() -> Steps:
    def at(root: int, trace: sp.Expr, det: sp.Expr) -> sp.Expr:
        return root**2 - trace * root + det

    return {
        "heavy ball is stable below 2(1 + mu)": Step(
            equal(at(-1, 1 + m - x, m) * at(1, 1 + m - x, m), (2 * (1 + m) - x) * x),
            "Jury: for |D| < 1 both roots are inside the unit circle iff the polynomial is positive at 1 and at -1.",
        ),
        "Nesterov is stable below 2(1 + mu)/(1 + 2 mu)": Step(
            equal(
                at(-1, (1 + m) * (1 - x), m * (1 - x)) * at(1, (1 + m) * (1 - x), m * (1 - x)),
                (2 * (1 + m) - (1 + 2 * m) * x) * x,
            ),
            "The same criterion; |D| = mu |1 - x| < 1 then holds as well.",
        ),
    }


def _geometry() -> Steps:
    mean, square, d, s1, s2 = sp.symbols("E_g E_{g^2} d S_1 S_2", real=True)
    e = sp.symbols("e_1:4", real=True, nonzero=True)
    g = sp.symbols("g_1:4", real=True)
    size = sum(a**2 for a in e)
    along = sum(a * (a - b * a) for a, b in zip(e, g, strict=True)) / size
    moved = sum((a - b * a) ** 2 for a, b in zip(e, g, strict=True)) / size
    first_moment = sum(a**2 * b for a, b in zip(e, g, strict=True)) / size
    second_moment = sum(a**2 * b**2 for a, b in zip(e, g, strict=True)) / size
    k, scale, time = sp.symbols("k s t", positive=True)
    left = (1 + scale * time) ** -k
    return {
        "projection is one minus a mean": Step(
            equal(along, 1 - first_moment),
            "Weights w_i = e_i^2/R^2; shown for three modes, and both sides are sums over modes.",
        ),
        "residual is a standard deviation": Step(
            equal(moved - along**2, second_moment - first_moment**2),
            "Pythagoras; what is left of the squared displacement is the variance of g under the weights.",
        ),
        "variance formula for any number of modes": Step(
            equal((1 - 2 * mean + square) - (1 - mean) ** 2, square - mean**2),
            "The same with expectations, which are linear and give 1 to a constant: no number of modes enters.",
        ),
        "Thales defect": Step(
            equal((1 - mean) * mean - (square - mean**2), mean - square),
            "alpha (1 - alpha) - rho^2 = E[g (1 - g)], so 0 <= g <= 1 keeps the curve inside the semicircle.",
        ),
        "random start": Step(
            equal((3 * s2 + s1**2 - s2) / (d * (d + 2)) - (s1 / d) ** 2, 2 / (d + 2) * (s2 / d - (s1 / d) ** 2)),
            "Gaussian start: w ~ Dirichlet(1/2), E w_i^2 = 3/(d(d + 2)), E w_i w_j = 1/(d(d + 2)); S_n = sum of g^n.",
        ),
        "Gamma spectrum without time": Step(
            equal(((1 + 2 * scale * time) ** -k).subs(scale, (left.base - 1) / time), (2 * left.base - 1) ** -k),
            "Gradient flow: 1 - alpha = (1 + s t)^-k and E g^2 is it at 2t, so time and scale leave together.",
        ),
    }


def _bounds() -> Steps:
    e, v = sp.symbols("e v", real=True)
    p, q = -m / (1 + m), (2 / x - (1 - m)) / (1 + m)

    def form(error: sp.Expr, velocity: sp.Expr) -> sp.Expr:
        return error**2 + 2 * p * error * velocity + q * velocity**2

    kicked = m * v - x * e
    y = 1 - x
    pulled = y * (e + m * v)
    ratio = y / x
    loss = x * e**2 + ratio * (1 - m**2 * y) * v**2
    shake = {x: sp.Rational(4, 5), m: sp.Rational(99, 100)}
    g2 = (1 + m - x) * (1 - x) - m
    g3 = ((1 + m - x) * g2 - m * (1 - x)).subs(shake)
    return {
        "heavy ball Lyapunov form": Step(
            equal(form(e, v) - form(e + kicked, kicked), (1 - m) * (2 * (1 + m) - x) / ((1 + m) * x) * v**2),
            "V = e^2 - 2 mu/(1 + mu) e v + (2/x - 1 + mu)/(1 + mu) v^2 never grows, at every stable x.",
        ),
        "heavy ball bound": Step(
            equal(1 - p**2 / q, (2 * (1 + m) - x) / (2 * (1 + m) - (1 - m**2) * x)),
            "V = 1 at the start and e^2 (1 - p^2/q) <= V, so g_t^2 <= (2(1 + mu) - (1 - mu^2) x)/(2(1 + mu) - x).",
        ),
        "|g| <= 1 is false for heavy ball": Step(
            equal(g3, -sp.Rational(109288, 100000)),
            "Refuted even at x <= 1: x = 4/5, mu = 99/100 overshoots at t = 3.",
        ),
        "Nesterov Lyapunov form": Step(
            equal(e**2 + ratio * v**2 - pulled**2 - ratio * (pulled - e) ** 2, loss),
            "For x <= 1 the loss is a sum of squares, so e^2 + (1 - x)/x v^2 never grows and |g_t| <= 1 (textbook).",
        ),
        "torch Nesterov bound": Step(
            equal((1 + m**2 / ratio) * (e**2 + ratio * v**2) - (e + m * v) ** 2, (m * e / ratio - v) ** 2 * ratio),
            "The look-ahead point is within sqrt(1 + mu^2 x/(1 - x)), by Cauchy's inequality as a square.",
        ),
    }


def _noise() -> Steps:
    a, b = sp.symbols("h_{t+1} h_t", real=True)
    common = (1 - D) * ((1 + D) ** 2 - T**2)
    limit, cross = (1 + D) / common, T / common

    def tail(after: sp.Expr, h: sp.Expr) -> sp.Expr:
        return limit * (after**2 + D**2 * h**2) - 2 * D * cross * after * h

    stationary = eps**2 * limit.subs({T: 1 + m - x, D: m})
    return {
        "noise tail": Step(
            equal(tail(a, b) - tail(T * a - D * b, a), a**2),
            "The squared kicks still to come are a quadratic form in (h_{t+1}, h_t): the noise sum is O(1) in t.",
        ),
        "stationary noise of heavy ball": Step(
            equal(stationary, eps**2 * (1 + m) / ((1 - m) * x * (2 * (1 + m) - x))),
            "The form at (1, 0); times the variance of one gradient coordinate.",
        ),
    }
