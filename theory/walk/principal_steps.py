"""The steps that ``theory.walk.principal`` derives."""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.derivation import Step, Steps, equal

k, j, d = sp.symbols("k j d", integer=True, positive=True)
n, dimension = sp.symbols("n D", integer=True, positive=True)
half = sp.Rational(1, 2)


@cache
def closed_form() -> dict[str, sp.Basic]:
    """Name -> formula."""
    angle = sp.pi * k / (2 * n)
    odd = sp.pi * (2 * k - 1) / (2 * (2 * n - 1))
    return {
        "centred, share of axis k of n points": 6 / ((n**2 - 1) * 4 * sp.sin(angle) ** 2),
        "centred, many points": 6 / (sp.pi * k) ** 2,
        "from an end, share of axis k of n points": 2 / (n * (n - 1) * 4 * sp.sin(odd) ** 2),
        "from an end, many points": 8 / (sp.pi * (2 * k - 1)) ** 2,
        "centred, D dimensions": 6 / (sp.pi * k) ** 2 * (1 + (sp.Rational(31, 20) - 12 / (sp.pi * k) ** 2) / dimension),
        "cosine content of axis k, centred": 1 - (sp.pi**2 * k**2 / 12 + sp.Rational(1, 16)) / dimension,
    }


@cache
def steps() -> Steps:
    """From the matrix of inner products to the shares, the curve in the first plane, and finitely many dimensions."""
    return {**_matrices(), **_limits(), **_curves(), **_finite()}


def _matrices() -> Steps:
    x = sp.Symbol("x", real=True)
    return {
        "inner products": Step(
            equal(sp.Sum(d * (d - 1) / 2, (d, 2, n)), n * (n**2 - 1) / 6),
            "Of points X_0 ... X_(n-1) the mean of |X_s - X_t|² is D |s - t|, so the expected inner products are D "
            "times a matrix M of n x n, and by the law of large numbers they tend to it. Centred, M = C min(s, t) C, "
            "C = I - 1/n, whose trace is this by n: the sum of |s - t| over pairs, point d adding 1 + ... + d - 1",
        ),
        "the inverse is a second difference": Step(
            equal(
                2 * sp.cos((j + half) * x) - sp.cos((j - half) * x) - sp.cos((j + 3 * half) * x),
                4 * sp.sin(x / 2) ** 2 * sp.cos((j + half) * x),
            ),
            "Differences take the points to their steps, which are white, so M is the (pseudo-)inverse of the second "
            "difference; its eigenvalues are 4 sin²(x/2), its vectors waves of that angle x, which the ends choose",
        ),
        "centred: two free ends": Step(
            equal(sp.cos((n - half) * x) - sp.cos((n + half) * x), 2 * sp.sin(n * x) * sp.sin(x / 2)),
            "a second difference with free ends asks v_(-1) = v_0, which cos((j + ½) x) has for every x, and v_n = "
            "v_(n-1), so x = πk/n with k = 1 ... n - 1; k = 0 is the mean, which is taken out",
        ),
        "from an end: one free, one fixed": Step(
            equal(sp.sin(n * x) - sp.sin((n - 1) * x), 2 * sp.cos((2 * n - 1) * x / 2) * sp.sin(x / 2)),
            "M is min of the numbers of steps from the origin, and sin(jx), j such steps, is 0 there; the free end "
            "asks that the left side be 0, so x = π (2k - 1)/(2n - 1) with k = 1 ... n - 1",
        ),
        "from an end: total": Step(
            equal(sp.Sum(d, (d, 1, n - 1)), n * (n - 1) / 2),
            "the trace. About a point in the middle the two parts of a walk are independent: the eigenvalues are those "
            "of both, each seen from its end",
        ),
    }


def _limits() -> Steps:
    s, t, wave = sp.symbols("s t omega", positive=True)
    many = sp.Symbol("n", positive=True)
    free, fixed = sp.pi * k, sp.pi * (k - half)

    def centred(least: sp.Expr) -> sp.Expr:
        return least - s + s**2 / 2 - t + t**2 / 2 + sp.Rational(1, 3)

    return {
        "centred, many points": Step(
            equal(sp.Limit(6 / ((many**2 - 1) * 4 * sp.sin(free / (2 * many)) ** 2), many, sp.oo), 6 / free**2),
            "60.8 % and 15.2 %: two axes hold 76.0 % of a walk that goes nowhere",
        ),
        "from an end, many points": Step(
            equal(
                sp.Limit(2 / (many * (many - 1) * 4 * sp.sin(fixed / (2 * many - 1)) ** 2), many, sp.oo), 2 / fixed**2
            ),
            "8/(π² (2k - 1)²): 81.1 % and 9.0 %, together 90.1 %",
        ),
        "centred: the shares are all": Step(equal(sp.Sum(6 / free**2, (k, 1, sp.oo)), sp.Integer(1)), "Euler"),
        "from an end: the shares are all": Step(
            equal(sp.pi**2 / 6 - sp.pi**2 / 6 / 4, sp.pi**2 / 8),
            "the sum of 1/(2k - 1)²: even numbers have a quarter of what all have",
        ),
        "Karhunen and Loève, from an end": Step(
            equal(
                sp.Integral(s * sp.sin(wave * s), (s, 0, t)),
                sp.sin(wave * t) / wave**2 - t * sp.cos(wave * t) / wave,
            ),
            "the same in continuous time: with t (cos ωt - cos ω)/ω, what t sin(ωs) gives from t to 1, and cos ω = 0, "
            "min(s, t) takes sin(ωs) to itself, divided by ω²: ω = (k - ½)π",
        ),
        "Karhunen and Loève, centred": Step(
            equal(
                sp.Integral(centred(s) * sp.cos(free * s), (s, 0, t))
                + sp.Integral(centred(t) * sp.cos(free * s), (s, t, 1)),
                sp.cos(free * t) / free**2,
            ),
            "min(s, t) less its means over s and over t takes cos(kπs) to itself, divided by k²π²",
        ),
    }


def _curves() -> Steps:
    phi = sp.Symbol("phi", real=True)
    return {
        "the first plane, centred": Step(
            equal(sp.cos(2 * phi) / 2, sp.cos(phi) ** 2 - half),
            "coordinate k is √λ_k cos(kφ), φ = πt: a Lissajous curve, of the first two axes an arc of a parabola; "
            "which shape says nothing about the landscape",
        ),
        "the first plane, from an end": Step(
            equal(sp.sin(3 * phi) / 3, sp.sin(phi) - sp.Rational(4, 3) * sp.sin(phi) ** 3),
            "coordinate k is √λ_k sin((2k - 1)φ), φ = π/2 at the far end: an arc of a cubic",
        ),
    }


def _finite() -> Steps:
    share, content = sp.Function("E_share")(k), sp.Function("E_content")(k)
    first = 6 / (sp.pi * k) ** 2

    return {
        "repulsion of the eigenvalues": Step(
            equal(sp.Sum(1 / (j**2 - 1), (j, 2, sp.oo)), sp.Rational(3, 4)),
            "In D dimensions the inner products are a Wishart matrix, and λ_k has the mean λ_k (1 + s/D), s the sum of "
            "λ_j/(λ_k - λ_j) over the others (Lawley 1956). Here s is the sum of k²/(j² - k²), which telescopes to ¾ "
            "for every k; the statement is k = 1",
        ),
        "repulsion, from an end": Step(
            equal(sp.Sum(1 / ((2 * j - 1) ** 2 - 1), (j, 2, sp.oo)), sp.Rational(1, 4)),
            "of odd numbers it is ¼; the statement is k = 1",
        ),
        "concentration of the spectrum": Step(
            equal(sp.Sum(1 / j**4, (j, 1, sp.oo)), sp.pi**4 / 90),
            "so Σλ²/(Σλ)² is 2/5; the total has twice this by D as its relative variance",
        ),
        "concentration, from an end": Step(
            equal(sp.pi**4 / 90 - sp.pi**4 / 90 / 16, sp.pi**4 / 96),
            "the sum of 1/(2j - 1)⁴, even numbers having a sixteenth, so Σλ²/(Σλ)² is 2/3",
        ),
        "shares in D dimensions, centred": Step(
            equal(share, first * (1 + (sp.Rational(31, 20) - 2 * first) / dimension)),
            "¾ + 2 Σλ²/(Σλ)² less 2 λ_k/Σλ for the ratio of the two, to first order in 1/D; from an end 19/12 stands "
            "for 31/20. The law of first order is quoted, and checked numerically; it is for k far below √D",
            proven=False,
        ),
        "axes in D dimensions": Step(
            equal(sp.Sum(j**2 / (j**2 - 1) ** 2, (j, 2, sp.oo)), sp.pi**2 / 12 + sp.Rational(1, 16)),
            "the part of axis k outside its cosine is Σ λ_j λ_k/(λ_k - λ_j)² by D, here k²j²/(j² - k²)² summed, which "
            "is π²k²/12 + 1/16; from an end π²(2k - 1)²/48 + 1/16. The statement is k = 1",
        ),
        "cosine content": Step(
            equal(content, 1 - (sp.pi**2 * k**2 / 12 + sp.Rational(1, 16)) / dimension),
            "the squared correlation of coordinate k with its cosine (Hess 2000), to first order: quoted, and checked "
            "numerically",
            proven=False,
        ),
    }
