"""Bounds for the rounding of float64, for proofs that run in plain NumPy.

A matrix product is bounded in any order of summation, with or without fused multiply-add (Higham, Accuracy and
Stability of Numerical Algorithms, section 3.1), so by any BLAS but one that uses Strassen's method. A bound is itself
computed in float64, from sums and products of numbers that are not negative; ``outward`` covers that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.arithmetic.polynomial import Array

UNIT = 2.0**-53
# Covers underflow in any sum here: no term is off by more than 2^-1074, and there are far below 2^100 of them.
TINY = 1e-280
# A non-negative expression of fewer than 10^9 roundings is off by less than 10^9 · 2^-53 = 1.2e-7 of itself.
OUTWARD = 1.0 + 2.0**-20


def gamma(count: int) -> float:
    """γ_n = n u / (1 - n u): n roundings in a row change a sum of products by at most γ_n Σ |terms|.

    Raises:
        ValueError: so many that the bound says nothing.
    """
    if not 0 <= count < 10**9:
        raise ValueError(f"count={count} roundings are not bounded here; use fewer than 10^9.")
    return OUTWARD * count * UNIT / (1 - count * UNIT)


def outward(bound: Any) -> Any:
    """A little more than a bound that was computed in float64 from non-negative terms."""
    return OUTWARD * bound + TINY


def affine_error(x: Array, weight: Array, bias: Array) -> Array:
    """Bound of the error of ``x @ weight.T + bias`` for exact x [N, D], weight [H, D], bias [H]: [N, H]."""
    absolute = np.abs(x) @ np.abs(weight).T + np.abs(bias)
    return np.asarray(outward(gamma(x.shape[1] + 1) * absolute))


def between(low: Array, high: Array, alpha: float) -> Array:
    """(1 - α) low + α high for α in [0, 1], off by at most γ_3 max(|low|, |high|)."""
    return np.asarray((1 - alpha) * low + alpha * high)
