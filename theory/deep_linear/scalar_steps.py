"""The steps that ``scalar`` derives: each an identity that sympy proves, unless it says otherwise."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

alpha = sp.Symbol("alpha", real=True)
kappa = sp.Symbol("kappa", real=True, nonzero=True)
lam = sp.Symbol("lambda")


def steps(depth: int) -> Steps:
    """All steps, those for any depth written out at ``depth``."""
    return {**_landscape(depth), **_any_line(depth), **_to_a_solution(), **_figure_9(depth), **_figure_10()}


def closed_form(depth: int) -> dict[str, sp.Basic]:
    """Name -> formula."""
    u, t, c = sp.symbols(f"u1:{depth + 1}", real=True), sp.symbols(f"t1:{depth + 1}", real=True), sp.Symbol("C")
    size = sp.Symbol("J_0", positive=True)
    return {
        "any line": (1 - sp.Mul(*((1 - alpha) * a + alpha * b for a, b in zip(u, t, strict=True)))) ** 2,
        "depth 2, to a solution": size * (1 - alpha) ** 2 * (1 + kappa * alpha) ** 2,
        "depth 2, between solutions": c**2 * alpha**2 * (1 - alpha) ** 2,
        "zero start to all ones": (1 - alpha**depth) ** 2,
        "height over J(0) for |κ| > 1": ((kappa + 1) ** 2 / (4 * kappa)) ** 2,
        "inflection of the zero start": sp.root(sp.Rational(depth - 1, 2 * depth - 1), depth),
    }


def _landscape(depth: int) -> Steps:
    w1, w2, r, tau = sp.symbols("w1 w2 r tau", real=True, nonzero=True)
    j = (1 - w1 * w2) ** 2
    hessian = sp.hessian(j, (w1, w2))
    weights = sp.symbols(f"w1:{depth + 1}", real=True)
    deep = (1 - sp.Mul(*weights)) ** 2
    saddle = {w: 0 for w in weights[:2]}
    spectrum = sp.hessian(deep, weights).subs(saddle).charpoly(lam).as_expr()
    rest = sp.Mul(*weights[2:])
    return {
        "critical points": Step(
            equal(w2 * j.diff(w1) + w1 * j.diff(w2), -2 * (1 - w1 * w2) * (w1**2 + w2**2)),
            "a critical point makes the left side zero, so it is the origin or has w1 w2 = 1; both have zero gradient",
        ),
        "the origin is a strict saddle": Step(
            equal(hessian.subs({w1: 0, w2: 0}).charpoly(lam).as_expr(), (lam - 2) * (lam + 2)),
            "its Hessian has eigenvalues 2 and -2, and J = 1",
        ),
        "solutions are flat along their branch only": Step(
            equal(hessian.subs(w2, 1 / w1).charpoly(lam).as_expr(), lam * (lam - 2 * (w1**2 + w1**-2))),
            "on w2 = 1/w1 the eigenvalues are 0 and 2 (w1² + w2²) >= 4: global minima, J = 0, on two branches",
        ),
        "gradient at any depth": Step(
            equal(sp.Add(*(w * deep.diff(w) for w in weights)), -2 * depth * (1 - sp.Mul(*weights)) * sp.Mul(*weights)),
            "a critical point has product 1 (a global minimum), or product 0 and then, as every product of the other "
            "weights must vanish too, at least two zero weights",
        ),
        "two zero weights: a strict saddle": Step(
            equal(spectrum, lam ** (depth - 2) * (lam**2 - 4 * rest**2)),
            "with the other weights not zero the Hessian has the eigenvalues ± 2 times their product",
        ),
        "m zero weights: a saddle of order m": Step(
            equal((1 - r * (tau**depth)) ** 2, 1 - 2 * r * tau**depth + r**2 * tau ** (2 * depth)),
            "(here m = L) moving the m zero weights by ± τ changes J = 1 by ∓ 2rτ^m and less: J falls for one "
            "choice of signs and rises for the other, and for m >= 3 the Hessian is zero",
        ),
    }


def _any_line(depth: int) -> Steps:
    a, b = sp.symbols(f"a1:{depth + 1}", positive=True), sp.symbols(f"b1:{depth + 1}", positive=True)
    factors = [(1 - alpha) * x + alpha * y for x, y in zip(a, b, strict=True)]
    p = sp.Function("p")(alpha)
    j = (1 - p) ** 2
    a1, a2, d1, d2 = sp.symbols("a1 a2 Delta1 Delta2", real=True)
    logarithm = sum(sp.log(f) for f in factors)
    return {
        "product on a line, depth 2": Step(
            equal((a1 + alpha * d1) * (a2 + alpha * d2), a1 * a2 + (a1 * d2 + a2 * d1) * alpha + d1 * d2 * alpha**2),
            "J = (1 - p)² with p of degree L: here A + Bα + Cα²",
        ),
        "slope on a line": Step(
            equal(j.diff(alpha), -2 * (1 - p) * p.diff(alpha)),
            "so the critical points are the zeros p = 1 and the roots of p'; p has only real roots, hence p' too "
            "(Rolle), and there are at most 2L - 1",
        ),
        "curvature on a line": Step(
            equal(j.diff(alpha, 2), 2 * p.diff(alpha) ** 2 - 2 * (1 - p) * p.diff(alpha, 2)),
            "at a root of p' that is no zero, a maximum iff (1 - p) p'' > 0, a minimum with J > 0 iff (1 - p) p'' < 0",
        ),
        "same orthant: the product is log-concave": Step(
            equal(
                logarithm.diff(alpha, 2), -sp.Add(*(((y - x) / f) ** 2 for x, y, f in zip(a, b, factors, strict=True)))
            ),
            "where all a_i b_i > 0, p is unimodal on [0, 1]: two solutions are separated by (max p - 1)²",
        ),
        "same orthant: slope at the end": Step(
            equal(logarithm.diff(alpha).subs(alpha, 1), depth - sp.Add(*(x / y for x, y in zip(a, b, strict=True)))),
            "to a solution with p(0) < 1, J decreases iff Σ a_i/b_i <= L; with p(0) > 1 iff Σ b_i/a_i <= L (reversed)",
        ),
    }


def _to_a_solution() -> Steps:
    a1, a2 = sp.symbols("a1 a2", real=True)
    b1, w, v = sp.symbols("b1 w v", real=True, nonzero=True)
    c = (b1 - a1) * (1 / b1 - a2)
    j = (1 - ((1 - alpha) * a1 + alpha * b1) * ((1 - alpha) * a2 + alpha / b1)) ** 2
    family = (1 - alpha) ** 2 * (1 + kappa * alpha) ** 2
    top = (kappa - 1) / (2 * kappa)
    between = (1 - ((1 - alpha) * w + alpha * v) * ((1 - alpha) / w + alpha / v)) ** 2
    cross = (v - w) * (1 / v - 1 / w)
    turn = kappa - 1 - 2 * kappa * alpha
    return {
        "factorisation to a solution": Step(
            equal(j, (1 - a1 * a2) ** 2 * (1 - alpha) ** 2 * (1 + c / (1 - a1 * a2) * alpha) ** 2),
            "the end has b1 b2 = 1, so 1 - p has the root α = 1; κ = Δ1 Δ2 / (1 - a1 a2) is the one number left",
        ),
        "critical points of the family": Step(
            equal(family.diff(alpha), 2 * (1 - alpha) * (1 + kappa * alpha) * turn),
            "they are 1, -1/κ and (κ - 1)/(2κ)",
        ),
        "turning factor at the start": Step(equal(turn.subs(alpha, 0), kappa - 1), "J'(0) has the sign of κ - 1"),
        "turning factor at the end": Step(
            equal(turn.subs(alpha, 1), -(kappa + 1)),
            "linear in α and not positive at either end if |κ| <= 1, where 1 + κα > 0 before the end: J decreases "
            "strictly. κ > 1: one bump. κ < -1: a zero at -1/κ inside, then a barrier",
        ),
        "height of bump and barrier": Step(
            equal(family.subs(alpha, top), ((kappa + 1) ** 2 / (4 * kappa)) ** 2),
            "the value at (κ - 1)/(2κ), in units of J(0)",
        ),
        "between two solutions": Step(
            equal(between, cross**2 * alpha**2 * (1 - alpha) ** 2),
            "both ends are roots of 1 - p: every such curve has one shape and its barrier in the middle",
        ),
        "barrier between two solutions": Step(
            equal(between.subs(alpha, sp.Rational(1, 2)), (v - w) ** 4 / (16 * w**2 * v**2)),
            "at least 1 on opposite branches, with equality iff v = -w",
        ),
        "the barrier is told by the curvature at an end": Step(
            equal(between.subs(alpha, sp.Rational(1, 2)), between.diff(alpha, 2).subs(alpha, 0) / 32),
            "J''(0) = J''(1) = 2 C²",
        ),
    }


def _figure_9(depth: int) -> Steps:
    x, L = sp.symbols("alpha L", positive=True)
    eps, s, d = sp.symbols("epsilon s d", real=True)
    z = sp.symbols(f"z1:{depth + 1}", real=True)
    zero = (1 - x**L) ** 2
    small = (1 - sp.Mul(*((1 - alpha) * eps * k + alpha for k in z))) ** 2
    mean = sp.Add(*(sp.Mul(*(z[:i] + z[i + 1 :])) for i in range(depth)))
    q = (L - 1) / (2 * L - 1)
    u1, u2 = (s + d) / 2, (s - d) / 2
    two = (1 - ((1 - alpha) * u1 + alpha) * ((1 - alpha) * u2 + alpha)) ** 2
    slope = -2 * eps ** (depth - 1) * (1 - eps**depth * sp.Mul(*z)) * (mean - depth * eps * sp.Mul(*z))
    return {
        "zero start: curvature": Step(
            equal(zero.diff(x, 2), 2 * L * x ** (L - 2) * ((2 * L - 1) * x**L - (L - 1))),
            "J = (1 - α^L)² is concave up to α^L = (L - 1)/(2L - 1), then convex; 1/√3 at depth 2",
        ),
        "zero start: height there": Step(equal((1 - q) ** 2, (L / (2 * L - 1)) ** 2), "4/9 at depth 2, 1/4 as L → ∞"),
        "Figure 9: the inflection at depth 2": Step(
            equal(((1 - alpha**2) ** 2).diff(alpha, 2).subs(alpha, 1 / sp.sqrt(3)), sp.Integer(0)),
            "J'' = 4 (3α² - 1)",
        ),
        "small start: slope": Step(
            equal(small.diff(alpha).subs(alpha, 0), slope),
            "from εz to all ones it is O(ε^(L-1)): the origin is a saddle of order L",
        ),
        "small start at depth 2: the slope's sign": Step(
            equal(two.diff(alpha).subs(alpha, 0), -2 * (1 - (s**2 - d**2) / 4) * (s - (s**2 - d**2) / 2)),
            "s = u1 + u2 and d = u1 - u2: with 0 <= s <= 2 neither bracket is negative, so J'(0) <= 0",
        ),
    }


def _figure_10() -> Steps:
    w = sp.Symbol("w", nonzero=True, real=True)
    u1, u2 = sp.symbols("u1 u2", real=True)
    half, size = sp.Rational(1, 2), (u1 - 1) * (u2 - 1)
    left = (1 - ((1 - alpha) * 2 + alpha * half) * ((1 - alpha) * half + alpha * 2)) ** 2
    right = (1 - ((1 - alpha) * u1 + alpha) * ((1 - alpha) * u2 + alpha)) ** 2
    bad = right.subs({u1: -6, u2: -1})
    return {
        "Figure 10, left": Step(
            equal(left, sp.Rational(81, 16) * alpha**2 * (1 - alpha) ** 2), "from (2, ½) to (½, 2)"
        ),
        "Figure 10, left: barrier": Step(equal(left.subs(alpha, half), sp.Rational(81, 256)), "0.31640625, at α = ½"),
        "Figure 10, left: a path of zero objective": Step(
            equal((1 - w * (1 / w)) ** 2, sp.Integer(0)),
            "w2 = 1/w1 joins the same two solutions",
        ),
        "Figure 10, right": Step(
            equal(right, size**2 * (alpha - 1) ** 2 * (alpha - (u1 * u2 - 1) / size) ** 2),
            "to (1, 1): A = (u1 - 1)(u2 - 1) and a second zero at α' = (u1 u2 - 1)/A = -1/κ, another solution",
        ),
        "refuted: a large start sees no other minimum": Step(
            equal(bad, 196 * (alpha - 1) ** 2 * (alpha - sp.Rational(5, 14)) ** 2),
            "from (-6, -1), norm 6.08, the line meets a second solution at α = 5/14",
        ),
        "refuted: barrier of the counterexample": Step(
            equal(bad.subs(alpha, sp.Rational(19, 28)), sp.Rational(6561, 3136)),
            "2.09, at α = 19/28; as starts grow, about half of them have such a second minimum (numerical)",
        ),
    }
