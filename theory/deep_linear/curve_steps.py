"""The steps that ``theory.deep_linear.curve`` derives, proven by sympy with symbols that do not commute."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal


def closed_form() -> dict[str, sp.Expr]:
    """Name -> formula."""
    alpha, e, f, g = sp.symbols("alpha e f g", real=True)
    return {
        "depth 2, J - J* to a solution": (1 - alpha) ** 2 * (e + 2 * f * alpha + g * alpha**2),
        "depth 2, J - J* between solutions": g * alpha**2 * (1 - alpha) ** 2,
    }


def steps() -> Steps:
    """Depth 2, matrices of any shape."""
    alpha, e, f, g = sp.symbols("alpha e f g", real=True)
    a0, a1, b0, b1 = sp.symbols("A_0 A_1 B_0 B_1", commutative=False)
    product = ((1 - alpha) * b0 + alpha * b1) * ((1 - alpha) * a0 + alpha * a1)
    gap, move = b1 * a1 - b0 * a0, (b1 - b0) * (a1 - a0)
    to_solution, between = closed_form().values()
    bracket = (e - f) + (3 * f - g) * alpha + 2 * g * alpha**2
    return {
        "product at depth 2, from its end": Step(
            equal(product - b1 * a1, -(1 - alpha) * (gap + alpha * move)),
            "matrices do not commute; with E = B_1 A_1 - B_0 A_0, D = ΔB ΔA, e = ‖E‖², f = ⟨E, D⟩, g = ‖D‖² the "
            "squared norm is (1 - α)² (e + 2fα + gα²)",
        ),
        "slope at depth 2": Step(
            equal(to_solution.diff(alpha), -2 * (1 - alpha) * bracket),
            "J decreases on [0, 1] iff the last factor is nowhere negative; at 1 it is ‖E + D‖², so iff e >= f and "
            "(its vertex (g - 3f)/(4g) lies outside (0, 1) or (3f - g)² <= 8g (e - f))",
        ),
        "last factor at the end": Step(equal(bracket.subs(alpha, 1), e + 2 * f + g), "‖E + D‖² >= 0"),
        "product at depth 2, from both ends": Step(
            equal(product - (1 - alpha) * b0 * a0 - alpha * b1 * a1, -alpha * (1 - alpha) * move),
            "if both ends are solutions, B_0 A_0 = B_1 A_1 = M, then J - J* = α² (1 - α)² ‖ΔB ΔA‖²",
        ),
        "barrier between solutions": Step(
            equal(between.subs(alpha, sp.Rational(1, 2)), g / 16),
            "α (1 - α) is largest at ½: each solution is its own local minimum on the line unless ΔB ΔA = 0",
        ),
    }
