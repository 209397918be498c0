"""Critical points from Bernstein coefficients by Descartes' rule of signs: exact integers, or integers between bounds.

With x = t/(1 - t), Σ d_m t^m (1 - t)^(n - m) on 0 < t < 1 is a polynomial in x > 0 with the coefficients d_m: as many
roots as changes of sign, or fewer by an even number. No change, no root; one change, one root; else the interval is
halved, after multiple roots were made simple (by sympy), which ends by Vincent's theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb, gcd, lcm
from typing import Literal

import sympy as sp

Kind = Literal["minimum", "maximum", "inflection"]
Direction = Literal["decreasing", "increasing", "constant"]
# Enclosures are halved until they are this narrow, relative to the interval.
WIDTH = Fraction(1, 2**40)
# Below this length of a piece float64 gives up and leaves the proof to integers.
NARROWEST = Fraction(1, 2**20)


@dataclass(frozen=True)
class CriticalPoint:
    """Exactly one root of J' lies in [low, high], in units of α; low = high where the root is known exactly."""

    kind: Kind
    low: Fraction
    high: Fraction


def critical_points(slope: Sequence[int]) -> tuple[list[CriticalPoint], Direction | None]:
    """The roots in (0, 1) of Σ d_m t^m (1 - t)^(n - m) with their kinds; the direction if the sign never changes."""
    inside = _trim(slope)  # roots at the two ends are not inside
    if not inside:
        return [], "constant"
    roots = [] if _changes(inside) == 0 else _isolate(_simple(inside) if _changes(inside) > 1 else inside)
    between = [Fraction(0), *(end for low, high in roots for end in (low, high)), Fraction(1)]
    signs = [_sign(inside, (a + b) / 2) for a, b in zip(between[::2], between[1::2], strict=True)]
    kinds: dict[tuple[int, int], Kind] = {(-1, 1): "minimum", (1, -1): "maximum"}
    points = [
        CriticalPoint(kinds.get(pair, "inflection"), *root) for pair, root in zip(pairwise(signs), roots, strict=True)
    ]
    direction: Direction | None = None if len(set(signs)) > 1 else "decreasing" if signs[0] < 0 else "increasing"
    return points, direction


def critical_points_between(
    below: Sequence[int], above: Sequence[int]
) -> tuple[list[CriticalPoint], Direction | None] | None:
    """As ``critical_points`` where every d_m is only known to lie between two integers; None if that does not tell.

    Halving averages, so bounds below and above the coefficients stay bounds on every piece.
    """
    pieces: list[tuple[Fraction, Fraction, list[int], list[int]]]
    pieces = [(Fraction(0), Fraction(1), bernstein(below)[0], bernstein(above)[0])]
    found: list[CriticalPoint] = []
    first = 0
    while pieces:
        low, high, under, over = pieces.pop()
        signs = [1 if u > 0 else -1 if o < 0 else 0 for u, o in zip(under, over, strict=True)]
        first = first or signs[0]
        if 0 not in signs and _changes(signs) <= 1:
            if _changes(signs):
                kind: Kind = "minimum" if signs[0] < 0 else "maximum"
                found.append(CriticalPoint(kind, *_narrow(below, above, low, high, signs[0])))
        elif high - low < NARROWEST:
            return None
        else:
            middle, (left, right), (left_over, right_over) = (low + high) / 2, split(under, 1, 2), split(over, 1, 2)
            pieces += [(middle, high, right, right_over), (low, middle, left, left_over)]
    return found, None if found else "increasing" if first > 0 else "decreasing"


def _narrow(
    below: Sequence[int], above: Sequence[int], low: Fraction, high: Fraction, before: int
) -> tuple[Fraction, Fraction]:
    """Bisect an interval with one root as long as the two bounds on J' agree on a sign."""
    while high - low > WIDTH:
        middle = (low + high) / 2
        under, over = _sign(below, middle), _sign(above, middle)
        if under != over or under == 0:
            break
        low, high = (middle, high) if under == before else (low, middle)
    return low, high


def _isolate(scaled: list[int]) -> list[tuple[Fraction, Fraction]]:
    """Disjoint enclosures in (0, 1), in order, of the simple roots of Σ c_m t^m (1 - t)^(n - m)."""
    pieces = [(Fraction(0), Fraction(1), bernstein(scaled)[0])]
    found: list[list[Fraction]] = []
    before: list[int] = []  # the sign just right of the lower end
    while pieces:
        low, high, piece = pieces.pop()
        changes = _changes(piece)
        if changes == 1:
            found.append([low, high])
            before.append(1 if next(c for c in piece if c) > 0 else -1)
        elif changes > 1:
            left, right = split(piece, 1, 2)
            middle = (low + high) / 2
            if left[-1] == 0:
                found.append([middle, middle])
                before.append(0)
            pieces += [(middle, high, right), (low, middle, left)]
    order = sorted(range(len(found)), key=lambda k: found[k])
    found, before = [found[k] for k in order], [before[k] for k in order]

    def halve(k: int) -> None:
        low, high = found[k]
        sign = _sign(scaled, (low + high) / 2)
        found[k] = (
            [(low + high) / 2] * 2
            if sign == 0
            else [(low + high) / 2, high]
            if sign == before[k]
            else [low, (low + high) / 2]
        )

    def touches(k: int) -> bool:
        below = found[k - 1][1] if k else Fraction(0)
        above = found[k + 1][0] if k + 1 < len(found) else Fraction(1)
        return found[k][0] <= below or found[k][1] >= above

    for k in range(len(found)):
        while found[k][0] < found[k][1] and found[k][1] - found[k][0] > WIDTH:
            halve(k)
    while touching := [k for k in range(len(found)) if found[k][0] < found[k][1] and touches(k)]:
        for k in touching:
            halve(k)
    return [(low, high) for low, high in found]


def bernstein(scaled: Sequence[int]) -> tuple[list[int], int]:
    """c_m / C(n, m) times an integer, and that integer."""
    n = len(scaled) - 1
    common = lcm(*(comb(n, m) for m in range(n + 1)))
    return [c * (common // comb(n, m)) for m, c in enumerate(scaled)], common


def split(b: Sequence[int], p: int, r: int) -> tuple[list[int], list[int]]:
    """Bernstein coefficients over [0, p/r] and over [p/r, 1], times r^n (de Casteljau)."""
    n, row = len(b) - 1, list(b)
    left, right = [b[0] * r**n], [b[-1] * r**n]
    for k in range(1, n + 1):
        row = [(r - p) * u + p * v for u, v in pairwise(row)]
        left.append(row[0] * r ** (n - k))
        right.append(row[-1] * r ** (n - k))
    return left, right[::-1]


def _simple(scaled: list[int]) -> list[int]:
    """The same roots, each once."""
    x = sp.Symbol("x")
    return [int(c) for c in reversed(sp.Poly(scaled[::-1], x, domain="ZZ").sqf_part().all_coeffs())]


def _changes(values: Sequence[int]) -> int:
    signs = [v > 0 for v in values if v]
    return sum(p != q for p, q in pairwise(signs))


def _sign(scaled: Sequence[int], t: Fraction) -> int:
    """The sign at 0 < t < 1, by Horner in integers."""
    up, down, n = t.numerator, t.denominator - t.numerator, len(scaled) - 1
    value, power = 0, 1
    for m in range(n, -1, -1):  # Σ c_m up^m down^(n - m)
        value, power = value * up + scaled[m] * power, power * down
    return (value > 0) - (value < 0)


def _trim(values: Sequence[int]) -> list[int]:
    present = [k for k, v in enumerate(values) if v]
    if not present:
        return []
    inside = list(values[present[0] : present[-1] + 1])
    content = gcd(*inside)
    return [v // content for v in inside]
