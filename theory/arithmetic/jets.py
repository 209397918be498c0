"""Arithmetic on truncated power series of arrays, [K + 1, ...]: coefficient k first, elementwise in the rest.

Source: Griewank & Walther 2008, chapter 13.
"""

from __future__ import annotations

import numpy as np

from theory.arithmetic.polynomial import Array


def multiply(a: Array, b: Array) -> Array:
    """The elementwise product of two series: Σ_j a_j b_(k-j)."""
    return np.array([np.sum(a[: k + 1] * b[k::-1], axis=0) for k in range(len(a))])


def tanh(u: Array) -> Array:
    """tanh of a series, from y' = (1 - y²) u'."""
    y, gate = np.zeros_like(u), np.zeros_like(u)  # gate = 1 - y²
    y[0] = np.tanh(u[0])
    gate[0] = 1 / np.cosh(np.clip(u[0], -350, 350)) ** 2
    for k in range(1, len(u)):
        y[k] = _integral(u, gate, k)
        gate[k] = -np.sum(y[: k + 1] * y[k::-1], axis=0)
    return y


def exponential(u: Array) -> Array:
    """exp of a series, from y' = y u'."""
    y = np.zeros_like(u)
    y[0] = np.exp(u[0])
    for k in range(1, len(u)):
        y[k] = _integral(u, y, k)
    return y


def logarithm(u: Array) -> Array:
    """log of a series with a positive start, from u y' = u'."""
    y = np.zeros_like(u)
    y[0] = np.log(u[0])
    for k in range(1, len(u)):
        rest = sum((j * y[j] * u[k - j] for j in range(1, k)), np.zeros_like(u[0]))
        y[k] = (u[k] - rest / k) / u[0]
    return y


def sigmoid(u: Array) -> Array:
    """1/(1 + exp(-u)) of a series: (1 + tanh(u/2))/2."""
    y = tanh(u / 2) / 2
    y[0] += 0.5
    return y


def relu(u: Array) -> Array:
    """max(u, 0) of a series that is not at the kink.

    Raises:
        ValueError: a value is exactly 0 and moves.
    """
    if np.any((u[0] == 0) & np.any(u[1:] != 0, axis=0)):
        raise ValueError("a ReLU unit is exactly at its kink here, so J has no Taylor series; expand at another alpha.")
    return np.where(u[0] > 0, u, 0.0)


def _integral(u: Array, rate: Array, k: int) -> Array:
    """Coefficient k >= 1 of y where y' = rate u'."""
    return np.asarray(sum((j * u[j] * rate[k - j] for j in range(1, k + 1)), np.zeros_like(u[0])) / k)
