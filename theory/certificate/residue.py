"""Exact coefficients of J along the line of a deep linear network, by residues: float64 BLAS at work on integers.

Floats are integers times powers of two, so over one denominator q the coefficients of J in t^m (1 - t)^(2L - m) are
integers c_m. They are computed modulo primes so small that no sum inside a matrix product reaches 2^53: float64 is
exact there, in any order of summation. The 2L + 1 numbers are put together by the Chinese remainder theorem; a bound
on |c_m| says how many primes that takes, and one prime more must change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, gcd, isqrt, lcm, prod

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from theory.arithmetic.polynomial import Array
from theory.deep_linear.curve import Moments

# Residues are below this in any case, so that products of two fit in int64 and in float64.
LARGEST_PRIME = 2**26


@dataclass(frozen=True, eq=False)
class Dyadic:
    """Floats as they are: ``mantissas`` times 2^(shifts - places), with shifts >= 0, so 2^places clears the fractions.

    Args:
        mantissas: int64, odd or zero. shifts: int64, of the same shape. places: of all arrays that share it.
    """

    mantissas: NDArray[np.int64]
    shifts: NDArray[np.int64]
    places: int

    def modulo(self, prime: int) -> NDArray[np.int64]:
        """values · 2^places modulo the prime, in 0 ... prime - 1."""
        remainders = self.mantissas % prime
        if not self.shifts.any():
            return remainders
        powers = np.array([pow(2, k, prime) for k in range(int(self.shifts.max()) + 1)], dtype=np.int64)
        return np.asarray(remainders * powers[self.shifts] % prime)


def dyadic(*arrays: ArrayLike) -> list[Dyadic]:
    """The arrays of finite floats as integers over one power of two, the smallest that serves."""
    parts = []
    for array in arrays:
        fractions, exponents = np.frexp(np.asarray(array, dtype=np.float64))
        whole = np.ldexp(fractions, 53).astype(np.int64)
        low = np.where(whole == 0, 1, whole & -whole)
        zeros = np.frexp(low.astype(np.float64))[1] - 1
        parts.append((whole // low, np.where(whole == 0, 0, exponents.astype(np.int64) - 53 + zeros)))
    places = max(0, -min(int(e.min(initial=0)) for _, e in parts))
    return [Dyadic(m, np.where(m == 0, 0, e + places), places) for m, e in parts]


def coefficients(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[Fraction, Fraction],
) -> tuple[list[int], int]:
    """Integers c_m and q > 0 without a common factor with J = Σ c_m t^m (1 - t)^(2L - m) / q, exactly.

    Args:
        weights_0, weights_1: A_1 ... A_L and B_1 ... B_L, the input side first, as ``deep_linear.line`` takes them.
        moments: of the data. interval: t = 0 and t = 1, in α.

    Raises:
        ArithmeticError: the additional prime disagrees, so the matrix products of this machine are not exact.
    """
    common = lcm(*(end.denominator for end in interval))
    ends = [end.numerator * (common // end.denominator) for end in interval]
    layers = [dyadic(a, b) for a, b in zip(weights_0, weights_1, strict=True)]
    data = dyadic(moments.sum_xx, moments.sum_yx, moments.sum_yy)
    scale = prod(common << pair[0].places for pair in layers)
    denominator = scale**2 * moments.count << data[0].places
    bound = _bound(weights_0, weights_1, moments, interval) * denominator / moments.count
    longest = max(n for a in weights_0 for n in np.shape(a))
    values, modulus, prime = [0] * (2 * len(layers) + 1), 1, min(isqrt(2**53 // longest), LARGEST_PRIME)
    enough = False
    while True:
        prime = int(sympy.prevprime(prime))
        found = _residues(layers, data, ends, common, scale, prime)
        if enough:
            if any((v - r) % prime for v, r in zip(values, found, strict=True)):
                raise ArithmeticError("matrix products of integers below 2^53 are not exact here; use another BLAS.")
            break
        inverse = pow(modulus, -1, prime)
        values = [v + modulus * ((r - v) * inverse % prime) for v, r in zip(values, found, strict=True)]
        modulus *= prime
        if modulus > 2 * bound:
            enough = True
            values = [v - modulus if 2 * v > modulus else v for v in values]
    factor = gcd(denominator, *values)
    return [v // factor for v in values], denominator // factor


def _bound(
    weights_0: Sequence[ArrayLike], weights_1: Sequence[ArrayLike], moments: Moments, ends: Sequence[Fraction]
) -> Fraction:
    """No less than Σ |c_m| / q · count: products of the largest row sums of absolute values."""
    rows = Fraction(1)  # of |P_0| + ... + |P_L|, the coefficients of the product
    for a, b in zip(weights_0, weights_1, strict=True):
        rows *= sum((abs(1 - end) * _row_sum(a) + abs(end) * _row_sum(b) for end in ends), Fraction(0))
    xx, yx = (Fraction(float(np.max(np.abs(m)))) for m in (moments.sum_xx, moments.sum_yx))
    outputs, depth = int(moments.sum_yx.shape[0]), len(weights_0)
    from_yy = Fraction(float(moments.sum_yy)) * (1 << 2 * depth)
    return from_yy + rows * outputs * (rows * xx + yx * (1 << depth + 1))


def _row_sum(a: ArrayLike) -> Fraction:
    """No less than the largest row sum of |a|: rounding, in a sum of fewer than 2^30 terms, is below 2^-20 of it."""
    sizes = np.abs(np.asarray(a, dtype=np.float64))
    largest = float(sizes.max())
    if largest == 0:
        return Fraction(0)
    return Fraction(largest) * Fraction(float((sizes / largest).sum(axis=1).max()) * (1 + 2.0**-20))


def _residues(
    layers: Sequence[Sequence[Dyadic]], data: Sequence[Dyadic], ends: Sequence[int], common: int, scale: int, prime: int
) -> list[int]:
    """c_m modulo the prime, before factors are cancelled."""
    (outputs, inputs), depth = data[1].mantissas.shape, len(layers)
    product = np.eye(outputs)[None]
    for a, b in reversed(layers):  # from the output side, where the matrices have few rows
        start, end = a.modulo(prime), b.modulo(prime)
        low, high = (
            _balanced((((common - n) % prime) * start % prime + (n % prime) * end % prime).astype(np.float64), prime)
            for n in ends
        )
        nothing = np.zeros((1, outputs, low.shape[1]))
        product = _balanced(np.concatenate([product @ low, nothing]) + np.concatenate([nothing, product @ high]), prime)
    xx, yx = (_balanced(m.modulo(prime).astype(np.float64), prime) for m in data[:2])
    yy = int(data[2].modulo(prime))
    images = _balanced((product.reshape(-1, inputs) @ xx).reshape(product.shape), prime)
    by_output = images.transpose(1, 0, 2) @ product.transpose(1, 2, 0)  # [C, L + 1, L + 1]
    gram = _balanced(by_output, prime).sum(axis=0)
    inner = _balanced(product.transpose(1, 0, 2) @ yx[:, :, None], prime).sum(axis=(0, 2))  # [L + 1]
    result = [comb(2 * depth, m) * yy * pow(scale, 2, prime) for m in range(2 * depth + 1)]
    for i in range(depth + 1):
        for j in range(depth + 1):
            result[i + j] += int(gram[i, j]) - 2 * comb(depth, j) * int(inner[i]) * scale
    return [r % prime for r in result]


def _balanced(x: Array, prime: int) -> Array:
    """Integers below 2^53 modulo the prime, within prime/2 + 1 of zero: every number on the way is a whole float64."""
    return np.asarray(x - prime * np.rint(x / prime))
