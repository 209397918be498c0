"""The steps that ``theory.walk.variants`` derives."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    tau, h, ratio = sp.symbols("tau H q", positive=True)
    x = (1 + tau ** (2 * h) - (1 - tau) ** (2 * h)) / 2
    eigen, i, d = sp.IndexedBase("lambda"), sp.Symbol("i", integer=True), sp.Symbol("d", integer=True, positive=True)
    return {
        "drift, r, with q = T|m|²/tr S": sp.sqrt(tau * (1 - tau) / (1 + ratio)),
        "fractional, x": x,
        "fractional, r²": tau ** (2 * h) - x**2,
        "effective dimension": sp.Sum(eigen[i], (i, 1, d)) ** 2 / sp.Sum(eigen[i] ** 2, (i, 1, d)),
    }


def steps() -> Steps:
    """Each walk from its covariance."""
    tau, ratio, h, d = sp.symbols("tau q H d", positive=True)
    u, y, clock, end = sp.symbols("u y V V_T", positive=True)
    mu, s, g = sp.symbols("mu s g", positive=True)
    k_tt, k_t, k_end = sp.symbols("K_tt K_tT K_TT", positive=True)
    own = tau ** (2 * h)
    x = (1 + own - (1 - tau) ** (2 * h)) / 2

    def covariance(steps: sp.Expr) -> sp.Expr:
        later = mu**g
        return (
            steps
            - (1 + later) * mu * (1 - mu**steps) / (1 - mu)
            + later * mu**2 * (1 - mu ** (2 * steps)) / (1 - mu**2)
        )

    added = (1 - mu ** (s + 1)) * (1 - mu ** (s + 1 + g))
    spread = -(1 + d * u) * (1 + 2 * u) ** (-d / 2) / (d - 2)
    return {
        "concentration": Step(
            equal(sp.Function("r")(tau) ** 2, k_tt / k_end - (k_t / k_end) ** 2),
            "X_s · X_t / d is a mean of d independent products and tends to K(s, t) by the law of large numbers, so x "
            "tends to K(t, T)/K(T, T) and r² to this. Quoted, and checked numerically; the rate is 1/√d",
            proven=False,
        ),
        "defect": Step(
            equal((k_t / k_end) * (1 - k_t / k_end) - (k_tt / k_end - (k_t / k_end) ** 2), (k_t - k_tt) / k_end),
            "x (1 - x) - r²: a path is on the half circle iff what is left, X_T - X_t, does not correlate with X_t",
        ),
        "schedule": Step(
            equal(clock / end - (clock / end) ** 2, (clock / end) * (1 - clock / end)),
            "K(t, T) = K(t, t) = V, the sum of squared rates up to t: the half circle, at another speed",
        ),
        "drift": Step(
            equal((tau + ratio * tau**2) / (1 + ratio) - tau**2, tau * (1 - tau) / (1 + ratio)),
            "K(t, T)/K(T, T) = τ; so r is that of the half circle times (1 + q)^(-1/2), and the largest r tells q",
        ),
        "share of the norm": Step(
            equal(tau / sp.sqrt(tau**2 + tau * (1 - tau)), sp.sqrt(tau)),
            "x/√(x² + r²) of the plain walk: a path whose projection keeps two thirds of its norm at all times, norms "
            "taken from its start, is no plain walk",
        ),
        "fractional, defect": Step(
            equal(x * (1 - x) - (own - x**2), (1 - own - (1 - tau) ** (2 * h)) / 2),
            "positive for H > ½, negative for H < ½: τ^p + (1 - τ)^p is below 1 for p > 1 and above for p < 1",
        ),
        "fractional, H = ½": Step(equal((own - x**2).subs(h, sp.Rational(1, 2)), tau * (1 - tau)), "the plain walk"),
        "momentum, one step more": Step(
            equal(covariance(s + 1) - covariance(s), added),
            "left, (1 - μ)² K(s, s + g), which is 0 at s = 0; right, a shock k + 1 steps before s has moved X_s by "
            "(1 - μ^(k+1))/(1 - μ) and X_(s+g) by (1 - μ^(k+1+g))/(1 - μ), and the sum over k has one term more",
        ),
        "unequal directions, two integrals": Step(
            equal(sp.Integral(u * sp.exp(-u * y), (u, 0, sp.oo)), 1 / y**2),
            "given X_T the bridge has variance c T along it in the metric of S, so Var x = c E[Yᵀ S Y / |Y|⁴] with "
            "Y ~ N(0, S); the Gaussian mean under the integral is Π (1 + 2uλ)^(-1/2) Σ λ²/(1 + 2uλ)",
        ),
        "equal directions": Step(
            equal(sp.diff(spread, u), d * u * (1 + 2 * u) ** (-d / 2 - 1)),
            "an antiderivative for λ = 1 from -1/(d - 2) to 0, so Var x = c/(d - 2) again; in general Var x is near "
            "c tr S²/(tr S)² = c/d_eff",
        ),
    }
