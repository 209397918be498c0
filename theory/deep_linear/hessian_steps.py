"""The steps that ``theory.deep_linear.hessian`` derives."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

w, a, s, r = sp.symbols("w a s r", real=True)
lam = sp.Symbol("lambda")
L = sp.Symbol("L", integer=True, positive=True)


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    first, second, other, gap = sp.symbols("a_i a_j r_j r_i", real=True)
    top, low = second**2 + gap, first**2 + other
    return {
        "equal weights, along the line": 2 * ((2 * L - 1) * w**L - (L - 1)) * w ** (L - 2),
        "equal weights, across it, L - 1 times": 2 * (1 - w**L) * w ** (L - 2),
        "two layers, mode i alone, r = a² - s": sp.FiniteSet(4 * a**2 + 2 * r, -2 * r),
        "two layers, modes i and j, first half": top + low + sp.sqrt((top - low) ** 2 + 4 * first**2 * second**2),
        "two layers at the origin, N times each": sp.FiniteSet(2 * s, -2 * s),
    }


def steps(depth: int) -> Steps:
    """All steps, those for any depth written out at ``depth``."""
    return {**_scalar(depth), **_two_layers()}


def _scalar(depth: int) -> Steps:
    h, star, theta = sp.symbols("h theta_star theta", real=True)
    weights = sp.symbols(f"w1:{depth + 1}", real=True, nonzero=True)
    p = sp.Mul(*weights)
    objective = (1 - p) ** 2
    own, mixed = objective.diff(weights[0], 2), objective.diff(weights[0], weights[1])
    equals = dict.fromkeys(weights, w)
    line = sp.hessian(objective, weights).subs(equals)
    across, along = (
        2 * (1 - w**depth) * w ** (depth - 2),
        2 * ((2 * depth - 1) * w**depth - depth + 1) * w ** (depth - 2),
    )
    at_one = line.subs(w, 1).charpoly(lam).as_expr()
    at_zero = line.subs(w, 0).charpoly(lam).as_expr()
    return {
        "quadratic": Step(
            equal((h * (theta - star) ** 2 / 2).diff(theta, 2), h),
            "and no mixed derivatives: the eigenvalues are the curvatures, at every point",
        ),
        "one unit per layer, diagonal": Step(
            equal(own, (2 * p * (2 * p - 1) - 2 * p * (p - 1)) / weights[0] ** 2), "2 p²/w², J depends on w through p"
        ),
        "one unit per layer, off the diagonal": Step(
            equal(mixed, 2 * p * (2 * p - 1) / (weights[0] * weights[1])),
            "so the Hessian is 2p(2p - 1) vvᵀ - 2p(p - 1) diag(v²), v = 1/w: a diagonal and one direction, and its "
            "eigenvalues solve 1 + 2p(2p - 1) Σ v²/(-2p(p - 1) v² - λ) = 0",
        ),
        "equal weights": Step(
            equal(line.charpoly(lam).as_expr(), (lam - along) * (lam - across) ** (depth - 1)),
            "all v² are one: one eigenvalue along (1, ..., 1), the others across it. The first turns positive at w^L = "
            "(L - 1)/(2L - 1), the inflection of Figure 9; those across are positive all the way to the solution",
        ),
        "the solution": Step(
            equal(at_one, (lam - 2 * depth) * lam ** (depth - 1)),
            "2L and zeros: the branch w_1 ... w_L = 1 has L - 1 dimensions",
        ),
        "the origin": Step(
            equal(at_zero, (lam + 2) * (lam - 2) if depth == 2 else lam**depth),
            "2 and -2 at depth 2; of three layers or more all are zero: the saddle is of order L, and curvature does "
            "not tell it from a plain",
        ),
    }


def _two_layers() -> Steps:
    x, y, z, u = sp.symbols("x y z u", real=True)
    ai, aj, ri, rj = sp.symbols("a_i a_j r_i r_j", real=True)
    form = 2 * (a * x + a * y) ** 2 + 4 * r * x * y
    pair = 2 * (aj * x + ai * y) ** 2 + 2 * (ai * z + aj * u) ** 2 + 4 * ri * x * u + 4 * rj * z * y
    both = sp.hessian(pair, (x, y, z, u)) / 2

    def half(sign: int) -> sp.Expr:
        block = sp.Matrix([[2 * aj**2 + 2 * sign * ri, 2 * ai * aj], [2 * ai * aj, 2 * ai**2 + 2 * sign * rj]])
        return block.charpoly(lam).as_expr()

    single = sp.hessian(form, (x, y)) / 2
    return {
        "two layers, one mode": Step(
            equal(single.charpoly(lam).as_expr(), (lam - 4 * a**2 - 2 * r) * (lam + 2 * r)),
            "moving W_1 by V_1 and W_2 by V_2, the second derivative is 2 ‖V_2 W_1 + W_2 V_1‖² + 4 ⟨W_2 W_1 - M, "
            "V_2 V_1⟩, M = E y xᵀ. In the singular vectors of M entries i, i of both meet each other alone: "
            "2 (a x + a y)² + 4 r x y, r = a² - s",
        ),
        "two layers, two modes": Step(
            equal(both.charpoly(lam).as_expr(), half(1) * half(-1)),
            "the entries i, j and j, i: 2 (a_j x + a_i y)² + 2 (a_i z + a_j u)² + 4 r_i x u + 4 r_j z y, which is the "
            "same after exchanging x with u and y with z; so sums and differences part, each a quadratic in λ",
        ),
        "two layers, the origin": Step(
            equal(half(1).subs({ai: 0, aj: 0}), (lam - 2 * ri) * (lam - 2 * rj)),
            "r = -s, whatever the inputs' covariance: 2 s_i and -2 s_i, N times each, as negative as positive",
        ),
        "two layers, the solution": Step(
            equal(half(1).subs({ri: 0, rj: 0}), lam * (lam - 2 * (ai**2 + aj**2))),
            "r = 0: 2 (s_i + s_j) for each i and j, and as many zeros: the condition number is (s_1 + s_1)/(s_N + s_N) "
            "without them",
        ),
    }
