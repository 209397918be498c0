"""The steps that ``theory.deep_linear.statistics`` derives."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    alpha, h, m, a, b = sp.symbols("alpha h M A B", positive=True)
    depth, layer = sp.Symbol("L", integer=True, positive=True), sp.Symbol("l", integer=True)
    sigma, end = sp.IndexedBase("sigma"), sp.IndexedBase("b")
    scalar = sp.Product((1 - alpha) ** 2 * sigma[layer] ** 2 + alpha**2 * end[layer] ** 2, (layer, 1, depth))
    overlap = sp.Product(end[layer], (layer, 1, depth))
    return {
        "expected barrier between rotations of a solution, with the squared norms A², B², M² of A, B and B A": (
            (4 * m**2 + 2 / h * (b**2 * a**2 + m**2)) / 16
        ),
        "(J - J*)/‖M‖² between rotations of balanced solutions, wide hidden layers": (
            1 - alpha**depth - (1 - alpha) ** depth
        )
        ** 2,
        "E J from a Gaussian start, one weight in each layer": 1 - 2 * alpha**depth * overlap + scalar,
    }


def steps() -> Steps:
    """Rotations at depth 2, the wide limit at any depth, one layer of the Gaussian recursion."""
    alpha, angle, sigma, g = sp.symbols("alpha theta sigma g", real=True)
    depth, h = sp.Symbol("L", integer=True, positive=True), sp.Symbol("h", positive=True)
    a, b, q = sp.symbols("A B Q", commutative=False)
    once_around = (angle, 0, 2 * sp.pi)
    entries, end = sp.Matrix(2, 2, sp.symbols("g_1:5")), sp.Matrix(2, 2, sp.symbols("b_1:5"))
    form = sp.Matrix([[sp.Symbol("q_1"), sp.Symbol("q_2")], [sp.Symbol("q_2"), sp.Symbol("q_3")]])
    layer = (1 - alpha) * sigma * entries + alpha * end
    averaged = (layer.T * form * layer).applyfunc(lambda entry: _mean(entry, list(entries)))
    expected = (1 - alpha) ** 2 * sigma**2 * form.trace() * sp.eye(2) + alpha**2 * end.T * form * end
    density = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    weight, target = sp.Symbol("b", real=True), sp.Symbol("alpha", positive=True)
    square = sp.integrate(sp.expand(((1 - target) * sigma * g + target * weight) ** 2) * density, (g, -sp.oo, sp.oo))
    limit = 1 - alpha**depth - (1 - alpha) ** depth
    m, a2, b2, x = sp.symbols("M^2 A^2 B^2 alpha", positive=True)
    slope = limit.subs(alpha, x).diff(x)
    return {
        "move between rotations": Step(
            equal((b * q**-1 - b) * (q * a - a), 2 * b * a - b * q * a - b * q**-1 * a),
            "ΔB ΔA for the ends (A, B) and (Q A, B Qᵀ), Qᵀ the inverse of Q; between them J - J* = α² (1 - α)² "
            "‖ΔB ΔA‖² if B A is a solution",
        ),
        "an entry of a rotation": Step(
            equal(sp.Integral(sp.cos(angle) ** 2, once_around) / (2 * sp.pi), sp.Rational(1, 2)),
            "E Q_11² at h = 2; at any h every row has length one and all entries have one law, so E Q_ij² = 1/h",
        ),
        "two entries of a rotation": Step(
            equal(sp.Integral(sp.cos(angle) * sp.sin(angle), once_around) / (2 * sp.pi), 0),
            "E Q_11 Q_21 at h = 2; at any h the law does not change when a row or a column changes its sign, so E Q_ij "
            "and E Q_ij Q_kl vanish unless both entries are one",
        ),
        "mean square of the move": Step(
            equal(4 * m + (b2 * a2 + b2 * a2 + 2 * m) / h, 16 * ((4 * m + 2 / h * (b2 * a2 + m)) / 16)),
            "by the moments, E ‖B Q A‖² = E ‖B Qᵀ A‖² = ‖B‖² ‖A‖²/h, E ⟨B Q A, B Qᵀ A⟩ = ‖B A‖²/h, and the mean of Q "
            "is zero; a sixteenth of the sum is the expected barrier",
        ),
        "wide limit": Step(
            equal(sp.Function("J")(alpha), limit**2),
            "with an independent rotation at each hidden layer, every product that mixes the two ends holds a factor "
            "Q with nothing to cancel it and vanishes as widths grow, if ‖W_L‖² ... ‖W_1‖² stays small against the "
            "widths times ‖M‖²: balanced solutions of fixed rank do, layers of independent entries do not. α^L M and "
            "(1 - α)^L M stay. J is (J - J*)/‖M‖² here. An argument, and checked numerically, not a proof",
            proven=False,
        ),
        "wide limit, slope": Step(
            equal(x * (1 - x) * slope, depth * (x * (1 - x) ** depth - (1 - x) * x**depth)),
            "positive before the middle and negative after it for L >= 2: one maximum, at ½",
        ),
        "wide limit, middle": Step(
            equal(limit.subs(alpha, sp.Rational(1, 2)), 1 - 2 ** (1 - depth)),
            "the barrier is (1 - 2^(1 - L))² of the objective of the zero function above J*",
        ),
        "a layer with a Gaussian start": Step(
            equal(averaged[0, 0], expected[0, 0]),
            "the mean of Wᵀ Q W with W = (1 - α) σ G + α B is (1 - α)² σ² tr(Q) I + α² Bᵀ Q B: here an entry on the "
            "diagonal for all 2 × 2 matrices; the sum is the same at any size. From Q = I at the output down to the "
            "input, tr(Q E x xᵀ) is the mean of ‖f(x)‖²; the mean of f is α^L B_L ... B_1 x",
        ),
        "a layer with a Gaussian start, off the diagonal": Step(
            equal(averaged[0, 1], expected[0, 1]),
            "different columns of G are independent, so only the end is left",
        ),
        "a weight with a Gaussian start": Step(
            equal(square, (1 - target) ** 2 * sigma**2 + target**2 * weight**2),
            "width 1: E J = 1 - 2 α^L Π b_l + Π ((1 - α)² σ² + α² b_l²)",
        ),
    }


def _mean(entry: sp.Expr, normals: list[sp.Symbol]) -> sp.Expr:
    """The mean of a quadratic polynomial in independent N(0, 1)."""
    polynomial = sp.Poly(entry, *normals)
    return sum((c for powers, c in polynomial.terms() if all(p in (0, 2) for p in powers)), sp.S.Zero)
