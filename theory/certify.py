"""A proof about J along the line of a deep linear network: every critical point, isolated in exact integers.

What is proven: with the weights, the ends of the interval and the sums in ``Moments`` taken as the exact rationals
that their floats are, J has the listed critical points strictly inside the interval and no other. Sums over integer
data below 2^53 are exact, and then the statement is about that data; sums over other data were rounded when they were
made, and then it is about the rounded sums.

How: with x = t/(1 - t) the scaled Bernstein coefficients of J' are those of a polynomial on x > 0, so Descartes' rule
applies to their integers: no change of sign, no root; one change, one root. Otherwise the interval is halved, after
multiple roots were made simple (by sympy), which ends by Vincent's theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import comb, gcd, lcm
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.deep_linear import Moments, line

Kind = Literal["minimum", "maximum", "inflection"]
Direction = Literal["decreasing", "increasing", "constant"]
# Enclosures are halved until they are this narrow, relative to the interval.
WIDTH = Fraction(1, 2**40)


@dataclass(frozen=True)
class CriticalPoint:
    """Exactly one root of J' lies in [low, high], in units of α; low = high where the root is known exactly."""

    kind: Kind
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Certificate:
    """Every critical point strictly inside the interval, in order, and the direction of J if it is monotone."""

    interval: tuple[Fraction, Fraction]
    critical_points: tuple[CriticalPoint, ...]
    direction: Direction | None
    coefficients: tuple[int, ...]
    denominator: int

    def __call__(self, alpha: Fraction | float) -> Fraction:
        """J(α), exactly."""
        low, high = self.interval
        t = (Fraction(alpha) - low) / (high - low)
        n = len(self.coefficients) - 1
        return sum((c * t**m * (1 - t) ** (n - m) for m, c in enumerate(self.coefficients)), Fraction(0)) / Fraction(
            self.denominator
        )

    @property
    def statement(self) -> str:
        """The theorem in words."""
        low, high = (float(end) for end in self.interval)
        bits = max(abs(c).bit_length() for c in self.coefficients)
        how = f"exact integers of up to {bits} bits and Descartes' rule, from the weights and moments as stored"
        if self.direction is not None:
            word = "constant" if self.direction == "constant" else f"strictly {self.direction}"
            return f"Proven: J is {word} on [{low:g}, {high:g}] ({how})."
        points = ", ".join(f"{p.kind} in [{float(p.low):.12g}, {float(p.high):.12g}]" for p in self.critical_points)
        return f"Proven: the critical points of J inside ({low:g}, {high:g}) are exactly: {points} ({how})."


def certify(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Certificate:
    """The certificate of the line that ``deep_linear.line`` evaluates.

    Work in Python integers grows with outputs × inputs² × depth: about ten seconds at 784 inputs and 10 outputs.

    Raises:
        ValueError: as ``deep_linear.line``.
    """
    line(weights_0, weights_1, moments, interval)  # refuses bad input
    ends = (Fraction(interval[0]), Fraction(interval[1]))
    coefficients, denominator = exact_coefficients(weights_0, weights_1, moments, ends)
    n = len(coefficients) - 1
    slope = [(m + 1) * coefficients[m + 1] - (n - m) * coefficients[m] for m in range(n)]
    points, direction = critical_points(slope)
    low, high = ends
    mapped = tuple(CriticalPoint(p.kind, low + (high - low) * p.low, low + (high - low) * p.high) for p in points)
    return Certificate(ends, mapped, direction, tuple(coefficients), denominator)


def exact_coefficients(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[Fraction, Fraction],
) -> tuple[list[int], int]:
    """c_m and a denominator q with J = Σ c_m t^m (1 - t)^(2L - m) / q."""
    product, scale = [np.array(np.eye(moments.sum_yx.shape[0], dtype=int), dtype=object)], 1
    for a, b in zip(reversed(weights_0), reversed(weights_1), strict=True):
        a, b = _fractions(a), _fractions(b)
        (low, high), q = _integers(*((1 - at) * a + at * b for at in interval))
        nothing = np.zeros((product[0].shape[0], low.shape[1]), dtype=object)
        product = [
            (product[k] @ low if k < len(product) else nothing) + (product[k - 1] @ high if k else nothing)
            for k in range(len(product) + 1)
        ]
        scale *= q
    (xx, yx, yy), q = _integers(*(_fractions(s) for s in (moments.sum_xx, moments.sum_yx, moments.sum_yy)))
    depth, images = len(product) - 1, [p @ xx for p in product]
    inner = [int((p * yx).sum()) for p in product]
    result = [comb(2 * depth, m) * int(yy) * scale**2 for m in range(2 * depth + 1)]
    for i in range(depth + 1):
        for j in range(depth + 1):
            result[i + j] += int((images[i] * product[j]).sum()) - 2 * comb(depth, j) * inner[i] * scale
    return result, scale**2 * q * moments.count


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


def _isolate(scaled: list[int]) -> list[tuple[Fraction, Fraction]]:
    """Disjoint enclosures in (0, 1), in order, of the simple roots of Σ c_m t^m (1 - t)^(n - m)."""
    n = len(scaled) - 1
    common = lcm(*(comb(n, m) for m in range(n + 1)))
    pieces = [(Fraction(0), Fraction(1), [c * (common // comb(n, m)) for m, c in enumerate(scaled)])]
    found: list[list[Fraction]] = []
    before: list[int] = []  # the sign just right of the lower end
    while pieces:
        low, high, piece = pieces.pop()
        changes = _changes(piece)
        if changes == 1:
            found.append([low, high])
            before.append(1 if next(c for c in piece if c) > 0 else -1)
        elif changes > 1:
            left, right = _halves(piece)
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
        found[k] = [(low + high) / 2] * 2 if sign == 0 else [(low + high) / 2, high] if sign == before[k] else [
            low, (low + high) / 2]  # fmt: skip

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


def _halves(b: list[int]) -> tuple[list[int], list[int]]:
    """Bernstein coefficients over the two halves, times a power of two."""
    n, row = len(b) - 1, b
    left, right = [b[0] << n], [b[-1] << n]
    for k in range(1, n + 1):
        row = [p + q for p, q in pairwise(row)]
        left.append(row[0] << (n - k))
        right.append(row[-1] << (n - k))
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


def _fractions(values: Any) -> Any:
    values = np.asarray(values, dtype=np.float64)
    return np.array([Fraction(v) for v in values.ravel().tolist()], dtype=object).reshape(values.shape)


def _integers(*arrays: Any) -> tuple[list[Any], int]:
    """The arrays times their common denominator, and that denominator."""
    parts = [np.asarray(a, dtype=object) for a in arrays]
    q = lcm(*{f.denominator for part in parts for f in part.ravel()})
    whole = [
        np.array([f.numerator * (q // f.denominator) for f in part.ravel()], dtype=object).reshape(part.shape)
        for part in parts
    ]
    return whole, q
