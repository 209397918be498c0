"""The proofs behind ``kernel``: integrals, slopes and the swap of two units, each a line that sympy checks."""

from __future__ import annotations

import sympy as sp

from theory.derivation import Step, Steps, equal

alpha = sp.Symbol("alpha", real=True)
phi = sp.Symbol("phi", positive=True)
a, b = sp.symbols("a b", positive=True)  # norms of the two weight vectors
h, k, m, n = sp.symbols("h k m n", real=True)
s, t, r = sp.symbols("s t r", real=True)
scale = sp.Symbol("v", positive=True)
HALF = sp.Rational(1, 2)
JOINT = sp.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * (1 - r**2))) / (2 * sp.pi * sp.sqrt(1 - r**2))


def arc_cosine(first: sp.Expr, second: sp.Expr, angle: sp.Expr) -> sp.Expr:
    """E max(w·x, 0) max(u·x, 0) for x ~ N(0, I) from the two norms and the angle between w and u."""
    return first * second / (2 * sp.pi) * (sp.sin(angle) + (sp.pi - angle) * sp.cos(angle))


def swap_curve() -> sp.Expr:
    """J(α) for f = v (max(x_1, 0) + max(x_2, 0)) while its two units trade places on straight lines."""
    size = sp.sqrt((1 - alpha) ** 2 + alpha**2)
    mutual = sp.acos(2 * alpha * (1 - alpha) / size**2)
    angles = sp.acos((1 - alpha) / size), sp.acos(alpha / size)
    student = size**2 + 2 * arc_cosine(size, size, mutual)
    goal = 1 + 2 * arc_cosine(sp.Integer(1), sp.Integer(1), sp.pi / 2)
    both = sp.Add(*(2 * arc_cosine(size, sp.Integer(1), angle) for angle in angles))
    return scale**2 * (student + goal - 2 * both)


def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    w, u = sp.symbols("w u", positive=True)  # variances
    c = sp.Symbol("c", real=True)
    return {
        "ReLU pair": arc_cosine(a, b, phi),
        "ReLU pair with biases": s * t * _biased(sp.Function("Phi_2")(h, k, r)),
        "erf pair": 2 / sp.pi * sp.asin(c / sp.sqrt((1 + w) * (1 + u))),
        "permuted ReLU units": swap_curve(),
        "permuted ReLU units: barrier": scale**2 * (sp.Rational(1, 2) - 1 / sp.pi),
    }


def _pdf(z: sp.Expr) -> sp.Expr:
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def _cdf(z: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(z / sp.sqrt(2))) / 2


def _biased(both: sp.Expr, given_x: sp.Expr | None = None, given_y: sp.Expr | None = None) -> sp.Expr:
    """E max(X, 0) max(Y, 0) / (s t): means hs, kt, deviations s, t, correlation r, P(X, Y > 0) = ``both``.

    ``given_x`` stands for φ(h) Φ((k - rh)/√(1 - r²)) and ``given_y`` for its mirror image.
    """
    q = sp.sqrt(1 - r**2)
    x = _pdf(h) * _cdf((k - r * h) / q) if given_x is None else given_x
    y = _pdf(k) * _cdf((h - r * k) / q) if given_y is None else given_y
    return (h * k + r) * both + k * x + h * y + (1 - r**2) * JOINT


def steps() -> Steps:
    """All steps, in order."""
    return {**_relu(), **_biases(), **_erf(), **_lines()}


def _relu() -> Steps:
    radius = sp.Symbol("rho", positive=True)
    theta = sp.Symbol("theta", real=True)
    wave = sp.cos(phi) * theta / 2 + sp.sin(2 * theta - phi) / 4  # an antiderivative, differentiated below
    pair = arc_cosine(a, b, phi)
    return {
        "radial integral": Step(
            equal(sp.integrate(radius**3 * sp.exp(-(radius**2) / 2), (radius, 0, sp.oo)), sp.Integer(2)),
            "In the plane of w and u the input is Gaussian; each unit is linear in the radius, the density brings ρ.",
        ),
        "angular antiderivative": Step(
            equal(wave.diff(theta), sp.cos(theta) * sp.cos(theta - phi)),
            "Both units are active for θ between φ - π/2 and π/2, there with values |w| ρ cos θ and |u| ρ cos(θ - φ).",
        ),
        "arc-cosine kernel": Step(
            equal(a * b * 2 / (2 * sp.pi) * (wave.subs(theta, sp.pi / 2) - wave.subs(theta, phi - sp.pi / 2)), pair),
            "The two integrals times |w||u|/(2π); with Σ other than I the norms and the angle are those of Σ.",
        ),
        "slope across w": Step(
            equal(pair.diff(phi) / a, -b / (2 * sp.pi) * (sp.pi - phi) * sp.sin(phi)),
            "Along ŵ the kernel grows by its value over |w|, and turning w away from u costs this: together "
            "∂K/∂w = (|u| sin φ ŵ + (π - φ) u)/(2π).",
        ),
        "slope along w": Step(
            equal(pair.diff(a), (b * sp.sin(phi) + (sp.pi - phi) * b * sp.cos(phi)) / (2 * sp.pi)),
            "The component of that gradient along ŵ.",
        ),
    }


def _biases() -> Steps:
    law, q = JOINT, sp.sqrt(1 - r**2)
    both, on_x, on_y = (sp.Function(name)(r) for name in ("Phi_2", "A", "B"))
    slopes = {both: law, on_x: q * law * ((k - r * h) / q).diff(r), on_y: q * law * ((h - r * k) / q).diff(r)}
    change = _biased(both, on_x, on_y).diff(r).subs({f.diff(r): slope for f, slope in slopes.items()})
    pairs = _biased(_cdf(h) * _cdf(k)).subs(r, 0)
    alone = (h * _cdf(h) + _pdf(h)) * (k * _cdf(k) + _pdf(k))
    centred = s * t * _biased((sp.pi - phi) / (2 * sp.pi)).subs({h: 0, k: 0}).subs(r, sp.cos(phi))
    return {
        "one unit with a bias": Step(
            equal(s * (h * _cdf(h) + _pdf(h)).diff(h), s * _cdf(h)),
            "E max(X, 0) = s (h Φ(h) + φ(h)): its slope in h is s P(X > 0) and it vanishes as h → -∞.",
        ),
        "bivariate normal density": Step(
            equal(law.diff(r), law.diff(h, k)),
            "Plackett's equation, the reason for ∂Φ_2/∂r = φ_2, which the next step uses.",
        ),
        "the joint density factorises": Step(
            equal(h**2 + (k - r * h) ** 2 / (1 - r**2), (h**2 - 2 * r * h * k + k**2) / (1 - r**2)),
            "Exponents of φ(h) φ((k - rh)/q)/q = φ_2 with q = √(1 - r²); so A = φ(h) Φ((k - rh)/q) has the slope "
            "∂A/∂r = q φ_2 ∂((k - rh)/q)/∂r, and B, with h and k exchanged, its mirror image.",
        ),
        "two units with biases: slope in r": Step(
            equal(change, both),
            "Price's theorem asks for ∂/∂r E σ(X) σ(Y) = s t P(X, Y > 0), and (hk + r) Φ_2 + k A + h B + (1 - r²) φ_2 "
            "has the slope Φ_2.",
        ),
        "two units with biases: independent": Step(
            equal(pairs, alone),
            "At r = 0 it is the product of the means of the two units, so it is right for every r.",
        ),
        "without biases": Step(
            equal(centred.subs(sp.sqrt(1 - sp.cos(phi) ** 2), sp.sin(phi)), arc_cosine(s, t, phi)),
            "h = k = 0 with P(X, Y > 0) = (π - φ)/(2π) gives the arc-cosine kernel back (0 < φ < π).",
        ),
    }


def _erf() -> Steps:
    w, u = sp.symbols("w u", positive=True)
    c = sp.Symbol("c", real=True)
    pair = 2 / sp.pi * sp.asin(c / sp.sqrt((1 + w) * (1 + u)))
    squared = (pair.diff(c)) ** 2
    return {
        "arcsine kernel: slope": Step(
            equal(squared, (2 / sp.pi) ** 2 / ((1 + w) * (1 + u) - c**2)),
            "σ' = √(2/π) exp(-z²/2), so E σ'(X) σ'(Y) = (2/π)/√det(I + S), S the covariance of (X, Y): both positive, "
            "their squares agree (Price); odd units are uncorrelated at c = 0.",
        )
    }


def _lines() -> Steps:
    x = sp.Symbol("alpha", positive=True)
    size = sp.Symbol("K", positive=True)
    curve = swap_curve()
    return {
        "zero start to the teacher": Step(
            equal(x**4 * size - 2 * x**2 * size + size, (1 - x**2) ** 2 * size),
            "Bias-free ReLU units are homogeneous: f(αθ) = α² f(θ), so J = (1 - α²)² J(0).",
        ),
        "permuted units: both ends solve": Step(
            equal(curve.subs(alpha, 0) + curve.subs(alpha, 1), sp.Integer(0)),
            "Swapping two units with equal output weights v changes no output.",
        ),
        "permuted units: barrier": Step(
            equal(curve.subs(alpha, HALF), scale**2 * (sp.Rational(1, 2) - 1 / sp.pi)),
            "Halfway both units are (1, 1)/2; that this is the maximum is seen in numbers.",
        ),
        "permuted units: 1/4 - 1/(2π)": Step(
            equal(curve.subs({alpha: HALF, scale: 1 / sp.sqrt(2)}), sp.Rational(1, 4) - 1 / (2 * sp.pi)),
            "With v = 1/√2, or with v = 1 and the half in the cost.",
        ),
    }
