"""The steps that ``theory.walk.random_walk`` derives."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy

from theory.derivation import Step, Steps


@cache
def proof() -> tuple[Steps, dict[str, sympy.Basic]]:
    """Steps and closed forms, in symbols only: they are the same for every walk, and take a second."""
    d, c, w, a, r, k, y, T = sympy.symbols("d c w a r k y T", positive=True)
    s = sympy.Symbol("s", nonnegative=True)
    t, tau, u = sympy.symbols("t tau u", real=True)
    half, m, i = sympy.Rational(1, 2), sympy.Symbol("m", positive=True), sympy.Symbol("i", integer=True)

    def moment(degrees: Any, power: int) -> Any:
        return 2 ** sympy.Rational(power, 2) * sympy.gamma((degrees + power) / 2) / sympy.gamma(degrees / 2)

    tail, infinite = sympy.exp(-(r**2) / 2), (r, 0, sympy.oo)
    chi = 2 ** (1 - d / 2) * r ** (d - 1) * tail / sympy.gamma(d / 2)
    normal = sympy.exp(-((r * u) ** 2) / 2) / sympy.sqrt(2 * sympy.pi)
    student = (1 + u**2) ** (-(d + 1) / 2) / sympy.beta(half, d / 2)
    across = 2 ** (1 - (d - 1) / 2) * (r * w) ** (d - 2) * sympy.exp(-((r * w) ** 2) / 2) / sympy.gamma((d - 1) / 2)
    root_f = 2 * w ** (d - 2) * (1 + w**2) ** (half - d) / sympy.beta((d - 1) / 2, d / 2)
    errors = sympy.exp(2 * a) * sympy.erf((r + a / r) / sympy.sqrt(2)) + sympy.erf((r - a / r) / sympy.sqrt(2))
    glasser = sympy.diff(sympy.sqrt(sympy.pi / 8) * errors, r)
    zero = sympy.Function("j")(i)  # the i-th zero of J_{(d-3)/2}
    series = sympy.Sum(zero ** (d - 3) * sympy.exp(-zero / m) / sympy.besselj((d - 1) / 2, zero) ** 2, (i, 1, sympy.oo))
    front = 2 ** (3 - d) * sympy.sqrt(sympy.pi) / (sympy.gamma(d / 2) * sympy.gamma((d - 1) / 2) * m ** (d - 1))
    maximum = sympy.Eq(sympy.Function("P")(m), front * series)
    steps = {
        "bridge": Step(
            sympy.Eq(t - 2 * (t / T) * t + (t / T) ** 2 * T, t * (T - t) / T),
            "X_t - (t/T) X_T has covariance t - (t/T) T = 0 with X_T, so it is independent of it: a Brownian bridge "
            "of this variance in each coordinate. It is isotropic: N along X_T, chi_{d-1} across, independent of R. "
            "After T, X_t - X_T is independent of X_T and has variance t - T.",
        ),
        "chi integral": Step(
            sympy.Eq(sympy.Integral(r**s * tail, infinite), 2 ** ((s - 1) / 2) * sympy.gamma((s + 1) / 2)),
            "Hence E[chi_k^m] = 2^(m/2) Gamma((k+m)/2) / Gamma(k/2) for k + m >= 1; R = sqrt(T) chi_d.",
        ),
        "mean of the ratio": Step(
            sympy.Eq(sympy.Mul(moment(d - 1, 1), moment(d, -1), evaluate=False), 1),
            "E[chi_{d-1}] E[1/chi_d] = 1 in every dimension: r = sqrt(c) chi_{d-1} / chi_d has mean sqrt(c).",
        ),
        "half circle": Step(
            sympy.Eq((tau - half) ** 2 + sympy.sqrt(tau * (1 - tau)) ** 2, half**2),
            "So the mean curve (tau, sqrt(tau (1 - tau))) is the half circle over [0, 1], for every d >= 2.",
        ),
        "square": Step(sympy.Eq(moment(k, 2), k), "E[chi_k^2] = k."),
        "inverse square": Step(sympy.Eq(moment(d, -2), 1 / (d - 2)), "E[chi_d^-2] for d > 2; infinite for d = 2."),
        "variance": Step(
            sympy.Eq(c * (d - 1) / (d - 2) - c, c / (d - 2)),
            "Var[r] = c E[chi_{d-1}^2] E[chi_d^-2] - c, and Var[x] = c E[N^2] E[chi_d^-2] is the same number; x and r "
            "are uncorrelated, for x - min(tau, 1) is odd in a normal that r does not contain.",
        ),
        "law of x": Step(
            sympy.Eq(sympy.integrate(r * normal * chi, infinite, conds="none"), student),
            "Left, the density of u = N / chi_d, integrated over r = chi_d; right, that of Student_d / sqrt(d).",
        ),
        "law of r": Step(
            sympy.Eq(sympy.integrate(r * across * chi, infinite, conds="none"), root_f),
            "Likewise the density of w = chi_{d-1} / chi_d on the left; on the right that of a w with w^2 = "
            "(d-1)/d F_{d-1,d}.",
        ),
        "limit": Step(
            sympy.Eq(sympy.Limit(c / (d - 2), d, sympy.oo), 0),
            "The spread vanishes: in many dimensions every walk draws the half circle, then the segment at x = 1.",
        ),
        "average over the length": Step(
            sympy.Eq(glasser, sympy.exp(-((r - a / r) ** 2) / 2)),
            "Left, an antiderivative's derivative. So exp(-r^2/2 - a^2/2r^2) integrates to sqrt(pi/2) exp(-a) over "
            "r > 0, and averaging the law of the bridge's maximum over R makes its Gaussian terms exponential.",
        ),
        "maximal residual": Step(
            maximum,
            "P(max r <= m), j(i) the zeros of J_{(d-3)/2}. The series for the bridge is quoted (Gikhman 1957, Kiefer "
            "1959), not proven here; the average is the step before. A walk in steps stays some 0.58 steps lower.",
            proven=False,
        ),
        "maximum in the plane": Step(
            sympy.Eq(2 * y * sympy.exp(-y) / (1 - sympy.exp(-2 * y)), 2 * y / (sympy.exp(y) - sympy.exp(-y))),
            "With d = 2 the zeros are (i - 1/2) pi and the series is geometric: y / sinh y with y = pi / 2m.",
        ),
    }
    return steps, {
        "mean residual": sympy.sqrt(c),
        "variance": c / (d - 2),
        "density of (x - min(tau, 1)) / sqrt(c)": student,
        "density of r / sqrt(c)": root_f,
        "maximal residual": maximum,
    }
