"""A proof about J along the line of a deep linear network: every critical point, isolated in exact arithmetic.

What is proven: with the weights, the ends of the interval and the sums in ``Moments`` taken as the exact rationals
that their floats are, J has the listed critical points strictly inside the interval and no other. Sums over integer
data below 2^53 are exact, and then the statement is about that data; sums over other data were rounded when they were
made, and then it is about the rounded sums.

How: Descartes' rule (``descartes``) on the coefficients of J', known as integers (``residue``) or, where that tells
every sign that it takes, as float64 with proven bounds (``float_certificate``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cache, partial
from math import lcm
from typing import Literal

from numpy.typing import ArrayLike

from theory.arithmetic import descartes
from theory.arithmetic.descartes import CriticalPoint, Direction
from theory.certificate import float_certificate, residue
from theory.deep_linear.curve import Line, Moments, line

Arithmetic = Literal["float64", "integers"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Every critical point strictly inside the interval, in order, and the direction of J if it is monotone.

    Args:
        interval, critical_points, direction: the theorem.
        arithmetic: what the proof is made of: float64 with proven bounds on its rounding, or integers.
        exact: c_m and q of ``residue.coefficients``; asked for only when a value of J is.
    """

    interval: tuple[Fraction, Fraction]
    critical_points: tuple[CriticalPoint, ...]
    direction: Direction | None
    arithmetic: Arithmetic
    exact: Callable[[], tuple[list[int], int]]

    @property
    def coefficients(self) -> tuple[int, ...]:
        """c_m with J = Σ c_m t^m (1 - t)^(2L - m) / denominator, exactly; t from 0 to 1 over the interval."""
        return tuple(self.exact()[0])

    @property
    def denominator(self) -> int:
        """q."""
        return self.exact()[1]

    def __call__(self, alpha: Fraction | float) -> Fraction:
        """J(α), exactly."""
        t = self._position(Fraction(alpha))
        n = len(self.coefficients) - 1
        terms = (c * t**m * (1 - t) ** (n - m) for m, c in enumerate(self.coefficients))
        return sum(terms, Fraction(0)) / Fraction(self.denominator)

    def enclosure(self, point: CriticalPoint) -> tuple[Fraction, Fraction]:
        """J on [point.low, point.high], the critical value included, lies between these two: exact Bernstein bounds."""
        low, high = self._position(point.low), self._position(point.high)
        piece, scale = descartes.bernstein(self.coefficients)
        r = lcm(low.denominator, high.denominator)
        to_low, to_high = int(low * r), int(high * r)
        piece = descartes.split(descartes.split(piece, to_high, r)[0], to_low, to_high)[1]
        scale *= (r * to_high) ** (len(piece) - 1)
        return Fraction(min(piece), scale * self.denominator), Fraction(max(piece), scale * self.denominator)

    def _position(self, alpha: Fraction) -> Fraction:
        low, high = self.interval
        return (alpha - low) / (high - low)

    @property
    def how(self) -> str:
        """What the proof is made of, in words."""
        if self.arithmetic == "float64":
            made = "float64 with a proven bound on its rounding"
        else:
            made = f"exact integers of up to {max(abs(c).bit_length() for c in self.coefficients)} bits"
        return f"{made} and Descartes' rule, from the weights and moments as stored"

    @property
    def statement(self) -> str:
        """The theorem in words."""
        low, high = (float(end) for end in self.interval)
        if self.direction is not None:
            word = "constant" if self.direction == "constant" else f"strictly {self.direction}"
            return f"Proven: J is {word} on [{low:g}, {high:g}] ({self.how})."
        points = ", ".join(f"{p.kind} in {enclosing(p.low, p.high)}" for p in self.critical_points)
        return f"Proven: the critical points of J inside ({low:g}, {high:g}) are exactly: {points} ({self.how})."


def enclosing(low: Fraction, high: Fraction, digits: int = 13) -> str:
    """ "[low, high]" in decimals, rounded outward so that what is printed is true."""
    ends = []
    for end, rounding in ((low, ROUND_FLOOR), (high, ROUND_CEILING)):
        context = Context(prec=digits, rounding=rounding, Emin=MIN_EMIN, Emax=MAX_EMAX)
        decimal = context.divide(Decimal(end.numerator), Decimal(end.denominator))
        ends.append(f"{decimal.normalize(context):g}" if decimal else "0")
    return f"[{', '.join(ends)}]"


def certify(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[float, float] = (0.0, 1.0),
    *,
    try_float: bool = True,
) -> Certificate:
    """The certificate of the line that ``deep_linear.line`` evaluates: by float64 if that decides it, else by integers.

    Args:
        weights_0, weights_1, moments, interval: as ``deep_linear.line``.
        try_float: first look whether float64, with its rounding bounded, tells every sign that Descartes' rule asks
            for: hundredths of a second at 784 inputs and 10 outputs, where integers take tenths.

    Raises:
        ValueError: as ``deep_linear.line``.
    """
    curve = line(weights_0, weights_1, moments, interval)  # refuses bad input and copies the weights
    ends = (Fraction(interval[0]), Fraction(interval[1]))

    exact = cache(partial(residue.coefficients, curve.weights_0, curve.weights_1, moments, ends))
    slope = float_certificate.slope(curve.weights_0, curve.weights_1, moments, interval) if try_float else None
    found = descartes.critical_points_between(*slope.bounds()) if slope else None
    arithmetic: Arithmetic = "float64" if found else "integers"
    if found is None:
        numbers, n = exact()[0], 2 * len(curve.weights_0)
        found = descartes.critical_points([(m + 1) * numbers[m + 1] - (n - m) * numbers[m] for m in range(n)])
    low, high = ends
    points = tuple(CriticalPoint(p.kind, low + (high - low) * p.low, low + (high - low) * p.high) for p in found[0])
    return Certificate(ends, points, found[1], arithmetic, exact)


def certificate_of(curve: Line) -> Certificate:
    """The certificate of a line that ``deep_linear.line`` made, over the line's own interval."""
    return certify(curve.weights_0, curve.weights_1, curve.moments, curve.interval)
