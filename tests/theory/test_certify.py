"""Certificates against sympy's own root isolation, known curves, and the float line."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
import sympy as sp

from theory import deep_linear
from theory.arithmetic import descartes
from theory.certificate import certify
from theory.deep_linear.curve import Moments, moments

UNIT = Moments(1, np.eye(1), np.eye(1), 1.0)


def scalar_certificate(u, t, interval=(0.0, 1.0)):
    return certify.certify([[[w]] for w in u], [[[w]] for w in t], UNIT, interval)


def kinds(certificate):
    return [p.kind for p in certificate.critical_points]


@pytest.mark.parametrize(
    ("u", "t", "interval", "expected"),
    [
        ((0, 0), (1, 1), (0, 1), {}),  # a root at an end
        ((0, 0), (1, 1), (0, 2), {"1": "minimum"}),
        ((-6, 0.5), (1, 1), (0, 1), {}),
        ((2, 0.5), (0.5, 2), (-0.25, 1.25), {"0": "minimum", "1/2": "maximum", "1": "minimum"}),
        ((2, 0.5), (0.5, 2), (0, 1), {"1/2": "maximum"}),  # where halving lands on it
        ((-6, -1), (1, 1), (0, 1), {"5/14": "minimum", "19/28": "maximum"}),
        ((2, 0), (1, 1), (0, 1), {}),  # (1 - α)⁴: a triple root at the end
    ],
)
def test_figures_9_and_10(u, t, interval, expected):
    found = scalar_certificate(u, t, interval)
    assert found.arithmetic == "integers" and kinds(found) == list(expected.values())
    assert found.direction == (None if expected else "decreasing")
    for point, at in zip(found.critical_points, map(Fraction, expected), strict=True):
        assert point.low <= at <= point.high and point.high - point.low < Fraction(1, 2**38)


@pytest.mark.parametrize("depth", [2, 3, 4, 6])
def test_agrees_with_sympy_and_with_the_float_line(depth):
    rng = np.random.default_rng(depth)
    seen = 0
    for _ in range(8):
        widths = rng.integers(1, 4, depth + 1)
        start, end = ([rng.standard_normal((o, i)) for i, o in pairwise(widths)] for _ in range(2))
        data = moments(rng.integers(-5, 6, (6, widths[0])), rng.integers(-5, 6, (6, widths[-1])))
        certificate = certify.certify(start, end, data, (-0.5, 1.5))
        curve = deep_linear.line(start, end, data, (-0.5, 1.5))
        for alpha in (-0.3, 0.2, 1.4):
            scale = np.max(np.abs(curve.coefficients))
            assert float(certificate(alpha)) == pytest.approx(float(curve(alpha)), abs=1e-12 * scale)
        floats = [p for p in curve.extrema() if p.interior]
        assert [p.kind for p in floats] == kinds(certificate)
        for p, point in zip(floats, certificate.critical_points, strict=True):
            assert float(point.low) - 1e-7 <= p.alpha <= float(point.high) + 1e-7
        t = sp.Symbol("t")
        n = len(certificate.coefficients) - 1
        slope = sp.Poly(sum(c * t**m * (1 - t) ** (n - m) for m, c in enumerate(certificate.coefficients)), t).diff()
        roots = [r for r in slope.intervals(inf=0, sup=1)]
        assert len(roots) == len(certificate.critical_points)
        seen += len(roots)
    assert seen > 4


def scaled(roots):
    """Scaled Bernstein coefficients of Π (q t - p) for roots p/q."""
    powers = [Fraction(1)]
    for r in roots:
        powers = [a - r * b for a, b in zip([Fraction(0), *powers], [*powers, Fraction(0)], strict=True)]
    n = len(roots)
    result = [sum(powers[k] * comb(n - k, m - k) for k in range(m + 1)) for m in range(n + 1)]
    q = np.lcm.reduce([c.denominator for c in result])
    return [int(c * int(q)) for c in result]


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (["1/2", "1/2", "1/3"], [("1/3", "minimum"), ("1/2", "inflection")]),
        (["1/2", "1/4", "3/4"], [("1/4", "minimum"), ("1/2", "maximum"), ("3/4", "minimum")]),
        (["1/3", "1/3", "1/3"], [("1/3", "minimum")]),
        (["0", "0", "1", "2/5", "4/7"], [("2/5", "maximum"), ("4/7", "minimum")]),
        (["1/2", "1000001/2000000"], [("1/2", "maximum"), ("1000001/2000000", "minimum")]),
        (["-1", "3", "7"], []),
    ],
)
def test_multiple_exact_and_close_roots(roots, expected):
    slope = scaled([Fraction(r) for r in roots])
    points, direction = descartes.critical_points(slope)
    sign = 1 if sum(Fraction(r) >= 1 for r in roots) % 2 == 0 else -1  # leading sign of the product inside (0, 1)
    flip = {"minimum": "maximum", "maximum": "minimum", "inflection": "inflection"}
    assert [p.kind for p in points] == [kind if sign > 0 else flip[kind] for _, kind in expected]
    for point, (root, _) in zip(points, expected, strict=True):
        assert point.low <= Fraction(root) <= point.high
    assert all(p.high < q.low for p, q in pairwise(points))
    assert (direction is None) == any(kind != "inflection" for _, kind in expected)


def test_the_line_carries_its_certificate_whatever_becomes_of_the_weights():
    w = np.array([[2.0]])
    curve = deep_linear.line([w, [[0.5]]], [[[0.5]], [[2.0]]], UNIT)
    w *= 3
    assert certify.certificate_of(curve)(Fraction(1, 2)) == Fraction(81, 256)
    assert kinds(certify.certificate_of(curve)) == ["maximum"]


def network(seed, depth=2):
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 5, depth + 1)
    start, end = ([rng.standard_normal((o, i)) for i, o in pairwise(widths)] for _ in range(2))
    return start, end, moments(rng.integers(-5, 6, (6, widths[0])), rng.integers(-5, 6, (6, widths[-1])))


def test_float64_and_integers_prove_the_same_theorem():
    seen = set()
    for seed in range(40):
        start, end, data = network(seed)
        ends = (end, start) if seed % 2 else (start, end)
        quick, slow = (certify.certify(*ends, data, try_float=flag) for flag in (True, False))
        assert slow.arithmetic == "integers" and "exact integers of up to" in slow.statement
        assert quick.direction == slow.direction and kinds(quick) == kinds(slow)
        for p, q in zip(quick.critical_points, slow.critical_points, strict=True):
            assert p.low <= q.high and q.low <= p.high and p.high - p.low < Fraction(1, 10**6)
        assert quick(Fraction(1, 3)) == slow(Fraction(1, 3))
        assert ("float64" in quick.statement) == (quick.arithmetic == "float64")
        seen.add((quick.arithmetic, quick.direction))
    assert {("float64", "decreasing"), ("float64", "increasing"), ("float64", None)} <= seen
    assert sum(arithmetic == "integers" for arithmetic, _ in seen) <= 1


def test_bounds_on_the_coefficients_isolate_or_decline():
    slope = scaled([Fraction(r) for r in ("1/5", "3/7", "2/3", "-1")])
    exact, _ = descartes.critical_points(slope)
    for error in (1, 3):
        wide = [10**6 * c for c in slope]
        below, above = [c - error for c in wide], [c + error for c in wide]
        found, direction = descartes.critical_points_between(below, above)
        assert direction is None and [p.kind for p in found] == [p.kind for p in exact]
        for point, root in zip(found, (Fraction(1, 5), Fraction(3, 7), Fraction(2, 3)), strict=True):
            assert point.low < root < point.high and point.high - point.low < Fraction(1, 1000)
    assert descartes.critical_points_between([c - 10**5 for c in slope], [c + 10**5 for c in slope]) is None
    assert descartes.critical_points_between([1, 5], [2, 6]) == ([], "increasing")
    assert descartes.critical_points_between([0, 1], [0, 2]) is None


def test_a_float_proof_never_computes_integers_until_asked(monkeypatch):
    calls = []
    real = certify.residue.coefficients
    monkeypatch.setattr(certify.residue, "coefficients", lambda *a: calls.append(1) or real(*a))
    certificate = scalar_certificate((0.25, 0.5), (1, 2))
    assert certificate.arithmetic == "float64" and certificate.direction is None and not calls
    assert certificate(0.5) == certificate(Fraction(1, 2)) and len(calls) == 1


def test_critical_values_are_enclosed():
    left = scalar_certificate((2, 0.5), (0.5, 2), (-0.25, 1.25))
    for point, value in zip(left.critical_points, (Fraction(0), Fraction(81, 256), Fraction(0)), strict=True):
        low, high = left.enclosure(point)
        assert low <= value <= high and high - low < Fraction(1, 10**9)
    wide = descartes.CriticalPoint("maximum", Fraction(1, 4), Fraction(3, 4))
    low, high = left.enclosure(wide)
    assert all(low <= left(Fraction(k, 100)) <= high for k in range(25, 76)) and high < 1


def test_decimals_are_rounded_outward():
    assert certify.enclosing(Fraction(1, 3), Fraction(2, 3), 3) == "[0.333, 0.667]"
    assert certify.enclosing(Fraction(-2, 3), Fraction(0), 3) == "[-0.667, 0]"
    assert certify.enclosing(Fraction(1, 4), Fraction(123456), 3) == "[0.25, 1.24e+5]"
    assert certify.enclosing(Fraction(1, 10**400), Fraction(10**400 + 1), 2) == "[1e-400, 1.1e+400]"


def test_constant_and_bad_input():
    flat = certify.certify([[[1.0]]], [[[2.0]]], Moments(1, np.zeros((1, 1)), np.zeros((1, 1)), 4.0))
    assert flat.direction == "constant" and flat(0.3) == 4
    with pytest.raises(ValueError, match="length zero"):
        scalar_certificate((1, 2), (1, 2))
    with pytest.raises(ValueError, match="depth 1 or more"):
        scalar_certificate((), ())
