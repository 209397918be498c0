"""Expectations of products of ReLU or erf units of jointly Gaussian pre-activations, and their derivatives.

Source: Cho & Saul 2009 (ReLU), Williams 1997 (erf), Owen 1956 (bivariate normal), Price 1958 (derivatives).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, owens_t

from theory.arithmetic.polynomial import Array

_FAR = 40.0  # standard deviations; the normal density there is below the smallest float64
_TINY = 1e-300


class Pairs(NamedTuple):
    """E σ(X) σ(Y) and its partial derivatives by Cov(X, Y), E X and Var X, each in the shape of the arguments."""

    value: Array
    by_covariance: Array
    by_mean: Array
    by_variance: Array


def normal_cdf(h: ArrayLike, k: ArrayLike, r: ArrayLike) -> Array:
    """P(X <= h, Y <= k) for standard normal X, Y with correlation r in [-1, 1], by Owen's T function.

    Where r is near ± 1 the difference of h and ± k is taken first, so that close arguments lose no digits.
    """
    h, k, r = (np.asarray(v, dtype=np.float64) for v in (h, k, r))
    h, k = (np.where(v == 0, _TINY, v) for v in (h, k))
    side = np.where(r < 0, -1.0, 1.0)
    q = np.maximum(np.sqrt((1 - r) * (1 + r)), _TINY)
    with np.errstate(over="ignore"):
        a, b = (side * ((side * y - x) / x + (1 - side * r)) / q for x, y in ((h, k), (k, h)))
    opposite = np.where((h < 0) != (k < 0), 0.5, 0.0)
    return np.asarray(np.clip((ndtr(h) + ndtr(k)) / 2 - owens_t(h, a) - owens_t(k, b) - opposite, 0.0, 1.0))


def relu_pairs(m: Array, n: Array, v: Array, w: Array, c: Array) -> Pairs:
    """For X ~ N(m, v), Y ~ N(n, w) with covariance c and ReLU units; zero variances are constants.

    Price's theorem gives the derivatives: P(X, Y > 0), E 1[X > 0] max(Y, 0) and ½ E δ(X) max(Y, 0).
    """
    s, t = np.sqrt(v), np.sqrt(w)
    h, k = (np.clip(mean / np.maximum(sd, _TINY), -_FAR, _FAR) for mean, sd in ((m, s), (n, t)))
    r = np.clip(c / np.maximum(s * t, _TINY), -1.0, 1.0)
    side = np.where(r < 0, -1.0, 1.0)
    q = np.sqrt((1 - r) * (1 + r))
    near = np.maximum(q, _TINY)
    both, p, d = normal_cdf(h, k, r), _density(h), _density(k)
    with np.errstate(over="ignore"):
        on_x, on_y = (ndtr(((y - side * x) + side * x * (1 - side * r)) / near) for x, y in ((h, k), (k, h)))
        # (1 - r²) times the joint density
        joint = p * _density(((k - side * h) + side * h * (1 - side * r)) / near) * q
    value = (m * n + r * s * t) * both + n * s * p * on_x + m * t * d * on_y + s * t * joint
    by_mean = n * both + t * (d * on_y + r * p * on_x)
    mean_at_kink, spread = n - r * t * h, t * q
    with np.errstate(over="ignore"):
        ratio = np.clip(mean_at_kink / np.maximum(spread, _TINY), -_FAR, _FAR)
    positive = mean_at_kink * ndtr(ratio) + spread * _density(ratio)  # E max(Y, 0) given X = 0
    return Pairs(value, both, by_mean, np.where(s > 0, p / np.maximum(s, _TINY) * positive / 2, 0.0))


def erf_pairs(m: Array, n: Array, v: Array, w: Array, c: Array) -> Pairs:
    """The same for units erf(z/√2): E Φ(X) Φ(Y) is a bivariate normal probability."""
    s, t = np.sqrt(1 + v), np.sqrt(1 + w)
    h, k, r = m / s, n / t, c / (s * t)
    near, side = np.sqrt((1 - r) * (1 + r)), np.where(r < 0, -1.0, 1.0)
    on_x = 2 * ndtr(((k - side * h) + side * h * (1 - side * r)) / near) - 1
    joint = _density(h) * _density((k - r * h) / near) / near
    value = 4 * normal_cdf(h, k, r) - 2 * ndtr(h) - 2 * ndtr(k) + 1
    by_mean = 2 * _density(h) / s * on_x
    by_covariance = 4 * joint / (s * t)
    return Pairs(value, by_covariance, by_mean, -(m * by_mean + c * by_covariance) / (2 * s**2))


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-(np.clip(z, -_FAR, _FAR) ** 2) / 2) / np.sqrt(2 * np.pi))


def relu_mean(m: Array, v: Array) -> tuple[Array, Array, Array]:
    """E max(X, 0) and its derivatives by mean and variance."""
    s = np.sqrt(v)
    h = np.clip(m / np.maximum(s, _TINY), -_FAR, _FAR)
    return m * ndtr(h) + s * _density(h), ndtr(h), np.where(s > 0, _density(h) / np.maximum(s, _TINY) / 2, 0.0)


def erf_mean(m: Array, v: Array) -> tuple[Array, Array, Array]:
    """E erf(X/√2) and its derivatives by mean and variance."""
    s = np.sqrt(1 + v)
    by_mean = 2 * _density(m / s) / s
    return 2 * ndtr(m / s) - 1, by_mean, -m * by_mean / (2 * s**2)


UNITS: dict[str, tuple[Callable[..., Pairs], Callable[..., tuple[Array, Array, Array]]]] = {
    "relu": (relu_pairs, relu_mean),
    "erf": (erf_pairs, erf_mean),
}
