"""The steps that ``theory.quadratic.multiplicative_noise`` derives."""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.derivation import Step, Steps, equal


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    x, s, batch, lr, noise, gain = sp.symbols("x s B eta sigma kappa", positive=True)
    first, second = sp.symbols("lambda_i lambda_j", positive=True)
    t, i, d = (sp.Symbol(name, integer=True, positive=True) for name in ("t", "i", "d"))
    eigen = sp.IndexedBase("lambda")
    x_i = lr * eigen[i]
    return {
        "proportional, E e_t² / e_0², x = ηλ": ((1 - x) ** 2 + s**2 * x**2) ** t,
        "minibatch, E e_i e_j over its start, i ≠ j": (
            1 - lr * (first + second) + (1 + 1 / batch) * lr**2 * first * second
        )
        ** t,
        "minibatch, gain κ": sp.Sum(x_i / batch / (2 - x_i * (1 + 1 / batch)), (i, 1, d)),
        "minibatch, stationary E (x·e)²": gain * noise**2 / (1 - gain),
    }


def steps() -> Steps:
    """Both kinds of noise; the fourth moments for two coordinates, which hold every pattern of indices."""
    x, s, lr, batch, noise = sp.symbols("x s eta B sigma", positive=True)
    xi, square, trace = sp.symbols("xi P T", real=True)
    a, b = sp.symbols("lambda_1 lambda_2", positive=True)
    s11, s12, s22 = sp.symbols("S_11 S_12 S_22", real=True)
    u, v = sp.symbols("x_1 x_2", real=True)
    density = sp.exp(-(xi**2) / 2) / sp.sqrt(2 * sp.pi)
    powers = sp.Poly((1 - x - s * x * xi) ** 2, xi).all_coeffs()[::-1]
    one_step = powers[0] + powers[2]  # E ξ = 0, E ξ² = 1
    fourth = sp.Integral(xi**4 * density, (xi, -sp.oo, sp.oo))
    form = u**2 * s11 + 2 * u * v * s12 + v**2 * s22

    def mean(expression: Any) -> Any:
        """Of a polynomial in independent normals u, v of variances a, b."""
        moments = {0: 1, 2: 1, 4: 3}
        terms = sp.Poly(expression, u, v).terms()
        return sum(
            (c * moments.get(p, 0) * moments.get(q, 0) * a ** (p // 2) * b ** (q // 2) for (p, q), c in terms),
            sp.S.Zero,
        )

    shrink = 2 * lr * a - lr**2 * a**2 * (1 + 1 / batch)  # 1 minus the factor of S_11 in its own update
    driven = sp.Symbol("D", positive=True)
    stationary = lr / batch * driven / (2 - lr * a * (1 + 1 / batch))
    gain = sp.Symbol("kappa", positive=True)
    q = gain * noise**2 / (1 - gain)
    alone = x / batch / (2 - x * (1 + 1 / batch))
    return {
        "proportional noise, one step": Step(
            equal(one_step, (1 - x) ** 2 + s**2 * x**2),
            "left, the mean square of 1 - x - s x ξ for any ξ of mean 0 and variance 1; steps are independent, so t "
            "of them multiply",
        ),
        "proportional noise, stability": Step(
            equal(((1 - x) ** 2 + s**2 * x**2).subs(x, 2 / (1 + s**2)), 1),
            "the mean square falls iff ηλ < 2/(1 + s²)",
        ),
        "the mean is not typical": Step(
            equal(
                sp.Function("r")(x, s), sp.Integral(sp.log(sp.Abs(1 - x - s * x * xi)) * density, (xi, -sp.oo, sp.oo))
            ),
            "log|e_t|/t tends to this r almost surely, by the law of large numbers; by Jensen's inequality it is "
            "below half the logarithm of the factor above, so rare runs carry the mean. Quoted, not proven by sympy",
            proven=False,
        ),
        "fourth moment": Step(equal(fourth, 3), "of N(0, 1); the second is 1, odd ones are 0"),
        "Wick's rule on the diagonal": Step(
            equal(mean(u * u * form), 2 * a**2 * s11 + a * (a * s11 + b * s22)),
            "E x xᵀ S x xᵀ = 2 H S H + H tr(H S), with S independent of x",
        ),
        "Wick's rule off the diagonal": Step(
            equal(mean(u * v * form), 2 * a * b * s12),
            "the same: H is diagonal, so only 2 H S H is left",
        ),
        "a batch": Step(
            equal(
                (batch * (2 * square + trace) + batch * (batch - 1) * square) / batch**2,
                square + (square + trace) / batch,
            ),
            "of B² pairs of inputs B are one input twice, the others independent; P = H S H, T = H tr(H S)",
        ),
        "update on the diagonal": Step(
            equal(1 - 2 * lr * a + lr**2 * a**2 * (1 + 1 / batch), (1 - lr * a) ** 2 + lr**2 * a**2 / batch),
            "so S_ii becomes ((1 - ηλ_i)² + η²λ_i²/B) S_ii + η²λ_i/B (tr(H S) + σ²), and S_ij is multiplied by "
            "1 - η(λ_i + λ_j) + (1 + 1/B) η² λ_i λ_j",
        ),
        "stationary variance": Step(
            equal(shrink * stationary, lr**2 * a / batch * driven),
            "with D = tr(H S) + σ² the update keeps S_11 = (η/B) D / (2 - ηλ(1 + 1/B)); times λ and summed over "
            "eigenvalues it is tr(H S) = κ D",
        ),
        "stationary error": Step(
            equal(q, gain * (q + noise**2)),
            "hence tr(H S) = κσ²/(1 - κ). The update is a positive diagonal matrix and a positive rank-one matrix, so "
            "its spectral radius is below 1 iff κ < 1 and no mode diverges by itself",
        ),
        "stability of one eigenvalue": Step(
            equal(alone.subs(x, 2 * batch / (batch + 2)), 1),
            "alone, it needs ηλ < 2B/(B + 2): 2/3 for single examples, 2 for the full gradient",
        ),
    }
