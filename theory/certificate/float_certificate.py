"""Signs of the slope's coefficients along a deep linear network's line, proven by float64 with a bound on its rounding.

A number that was computed by sums of products, at most K roundings between any input and it, differs from the exact
one by at most γ_K = K u / (1 - K u) times the same sums over absolute values, u = 2^-53, whatever the order of
summation (Higham 2002, chapter 3). That holds where nothing overflows or underflows: the first shows as infinity, the
second cannot happen where every input is a multiple of a power of two and their products stay multiples of 2^-1074.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array
from theory.certificate.residue import dyadic
from theory.deep_linear.curve import Moments

UNIT = 2.0**-53
# Added to every bound, which may underflow itself.
TINY = 2.0**-1022


@dataclass(frozen=True, eq=False)
class Slope:
    """J' times the count and the length of the interval is Σ d_m t^m (1 - t)^(2L - 1 - m).

    The exact d_m are within ``errors`` of ``values``.

    Args:
        values: [2L]. errors: [2L], proven bounds.
    """

    values: Array
    errors: Array

    def bounds(self) -> tuple[list[int], list[int]]:
        """Integers below and above every d_m, times one common power of two."""
        low = [Fraction(v) - Fraction(e) for v, e in zip(self.values.tolist(), self.errors.tolist(), strict=True)]
        high = [Fraction(v) + Fraction(e) for v, e in zip(self.values.tolist(), self.errors.tolist(), strict=True)]
        common = max(f.denominator for f in low + high)  # powers of two
        return [int(f * common) for f in low], [int(f * common) for f in high]


def slope(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Slope | None:
    """The coefficients of J' with their bounds; None where float64 could underflow or overflows.

    Args:
        weights_0, weights_1, moments, interval: as ``deep_linear.line`` takes them, and finite.
    """
    start, end = ([np.asarray(w, dtype=np.float64) for w in weights] for weights in (weights_0, weights_1))
    if 2 * len(start) > 1000 or not _no_underflow(start, end, moments, interval):  # binomials beyond 1e308
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        xx, yx = (np.asarray(m, dtype=np.float64) for m in (moments.sum_xx, moments.sum_yx))
        value = _coefficients(_ends(start, end, interval), xx, yx, float(moments.sum_yy), -1)
        sizes = [
            [abs(1 - at) * np.abs(a) + abs(at) * np.abs(b) for a, b in zip(start, end, strict=True)] for at in interval
        ]
        size = _coefficients(sizes, np.abs(xx), np.abs(yx), float(moments.sum_yy), 1)
        n = len(value) - 1
        up, down = np.arange(1.0, n + 1), np.arange(n, 0, -1.0)
        chain = _roundings([a.shape for a in start], moments.sum_yx.shape)
        # Twice the chain for the sizes, which were rounded themselves; a few more for this line.
        gamma = (2 * chain + 8) * UNIT / (1 - (2 * chain + 8) * UNIT)
        values, errors = up * value[1:] - down * value[:-1], gamma * (up * size[1:] + down * size[:-1]) + TINY
    return Slope(values, errors) if np.all(np.isfinite(values)) and np.all(np.isfinite(errors)) else None


def _ends(start: Sequence[Array], end: Sequence[Array], interval: tuple[float, float]) -> list[list[Array]]:
    return [[(1 - at) * a + at * b for a, b in zip(start, end, strict=True)] for at in interval]


def _coefficients(ends: Sequence[Sequence[Array]], xx: Array, yx: Array, yy: float, sign: int) -> Array:
    """c_m of Σ ‖f(x) + sign y‖² in t^m (1 - t)^(2L - m) [2L + 1]."""
    product = np.eye(len(yx))[None]
    for low, high in zip(reversed(ends[0]), reversed(ends[1]), strict=True):
        nothing = np.zeros((1, len(yx), low.shape[1]))
        product = np.concatenate([product @ low, nothing]) + np.concatenate([nothing, product @ high])
    depth, flat = len(product) - 1, product.reshape(len(product), -1)
    gram = (product.reshape(-1, len(xx)) @ xx).reshape(flat.shape) @ flat.T
    inner = flat @ yx.ravel()
    result = np.array([comb(2 * depth, m) * yy for m in range(2 * depth + 1)])
    for i in range(depth + 1):
        result[i : i + depth + 1] += gram[i]
        result[i : i + depth + 1] += sign * 2.0 * inner[i] * np.array([float(comb(depth, j)) for j in range(depth + 1)])
    return result


def _roundings(shapes: Sequence[tuple[int, ...]], target: tuple[int, ...]) -> int:
    """No fewer than the roundings between an input and a coefficient of the slope, and one each for a binomial."""
    # A layer: 4 for its weights at the end of an interval, a sum over its outputs, one sum of two.
    product = sum(4 + shape[0] + 1 for shape in shapes)
    outputs, inputs = target
    return 2 * product + inputs + outputs * inputs + 2 * (len(shapes) + 1) + 4 + 3


def _no_underflow(start: Sequence[Array], end: Sequence[Array], moments: Moments, interval: Sequence[float]) -> bool:
    """Whether every product of one entry of each factor is a multiple of 2^-1074: then so is all that is computed.

    A float64 that rounds a multiple of 2^-1074 is one again, so the sums and products on the way keep this.
    """
    ends = dyadic(np.array(interval))[0].places
    layers = sum(dyadic(a, b)[0].places + ends for a, b in zip(start, end, strict=True))
    return 2 * layers + dyadic(moments.sum_xx, moments.sum_yx, moments.sum_yy)[0].places <= 1074
