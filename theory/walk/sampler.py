"""A random walk as a process: exact samples of whole curves in any dimension, and the law of the highest residual.

Given its end X_T a walk is t/T X_T plus a Brownian bridge that does not depend on X_T. So three independent numbers
or processes say all that a residual figure shows: the length R = sqrt(T) chi_d, a bridge on a line, and the norm of
a bridge in d - 1 dimensions, whose square is again a Markov process. None of them costs more in more dimensions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, optimize, special

# -zeta(1/2) / sqrt(2 pi): by how much, in units of one step's standard deviation, the maximum of a walk stays below
# that of the Brownian motion through it (Chernoff 1965; Siegmund 1979).
CONTINUITY = 0.5825971579390107
LARGEST_MATRIX = 12_000  # of the eigenvalue problem behind the Bessel zeros: a second or two


class WalkSample(NamedTuple):
    """Raw units (standard deviations of one step): projection and residual_norm [T, S], length R = |X_T| [S]."""

    projection: np.ndarray
    residual_norm: np.ndarray
    length: np.ndarray


def require_walk(dimension: float, num_steps: float, solution_step: float) -> tuple[int, int, int]:
    """The three numbers as integers, if such a walk can be walked.

    Raises:
        ValueError: dimension < 2, num_steps < 1, solution_step outside 1 ... num_steps, or not whole numbers.
    """
    for name, value in (("dimension", dimension), ("num_steps", num_steps), ("solution_step", solution_step)):
        if not np.isfinite(value) or int(value) != value:
            raise ValueError(f"{name}={value} must be a whole number")
    if dimension < 2:
        raise ValueError(f"dimension={dimension} leaves no room for a residual; it must be 2 or more")
    if num_steps < 1:
        raise ValueError(f"num_steps={num_steps} must be 1 or more")
    if not 0 < solution_step <= num_steps:
        raise ValueError(f"solution_step={solution_step} must lie in 1 ... num_steps={num_steps}")
    return int(dimension), int(num_steps), int(solution_step)


def require_steps(steps: Any, num_steps: int) -> np.ndarray:
    """The steps as float64 [...]; between whole numbers the laws are those of the Brownian motion through the walk.

    Raises:
        ValueError: a step is negative, after the end, or not finite.
    """
    steps = np.asarray(steps, dtype=np.float64)
    wrong = ~((steps >= 0) & (steps <= num_steps))  # true for NaN as well
    if wrong.any():
        raise ValueError(f"step={steps[wrong].flat[0]:g} must lie in 0 ... num_steps={num_steps}")
    return np.asarray(steps)


def sample(
    dimension: float,
    steps: Any,
    num_walks: int,
    rng: np.random.Generator,
    num_steps: float = 1000,
    solution_step: float = 900,
) -> WalkSample:
    """Exact joint samples of projection and residual at ``steps``, a few random numbers per point whatever dimension.

    Args:
        dimension: d >= 2; 10**9 costs as much as 3. steps: increasing [T]; need hold neither 0 nor the solution.
        num_walks: S. rng: where the randomness comes from. num_steps, solution_step: of the walk.
    Raises:
        ValueError: a number is out of range, or the steps do not increase.
    Source: theory C1, C5.
    """
    dimension, num_steps, solution_step = require_walk(dimension, num_steps, solution_step)
    steps = np.atleast_1d(require_steps(steps, num_steps))
    if steps.ndim != 1 or (np.diff(steps) <= 0).any():
        raise ValueError(f"steps of shape {steps.shape} must be one increasing list")
    if num_walks < 1:
        raise ValueError(f"num_walks={num_walks} must be 1 or more")
    end = float(solution_step)
    length = np.sqrt(end * rng.chisquare(dimension, num_walks))  # [S]
    projection = np.empty((len(steps), num_walks))
    squared = np.empty_like(projection)  # residual^2, a squared Bessel bridge of dimension d - 1, then one that is free
    now, p, q = 0.0, np.zeros(num_walks), np.zeros(num_walks)
    for row, step in enumerate(steps):
        if now < end <= step:  # the bridge closes: whatever came before, the walk is at its solution
            now, p, q = end, length, np.zeros(num_walks)
        if step > now:
            shrink = (end - step) / (end - now) if step < end else 1.0
            variance = (step - now) * shrink
            drift = length * (1 - shrink) if step < end else 0.0
            p = p * shrink + drift + np.sqrt(variance) * rng.standard_normal(num_walks)
            q = variance * rng.noncentral_chisquare(dimension - 1, q * shrink**2 / variance)
            now = step
        projection[row], squared[row] = p, q
    return WalkSample(projection, np.sqrt(squared), length)


def chi_log_shape(r: np.ndarray, dimension: int) -> np.ndarray:
    """log of r^(d-1) exp(-r^2/2) less its largest value, without the cancellation that d = 10^9 would bring."""
    mode = np.sqrt(dimension - 1.0)
    e = (np.asarray(r) - mode) / mode
    with np.errstate(divide="ignore"):
        return np.asarray((dimension - 1) * (np.log1p(e) - e - e * e / 2))


@lru_cache(maxsize=16)
def chi_nodes(dimension: int, count: int = 160) -> tuple[np.ndarray, np.ndarray, float]:
    """Gauss-Legendre nodes [count], weights [count] that sum to 1 under the density of chi_d, and its normaliser."""
    x, w = special.roots_legendre(count)
    mode = np.sqrt(dimension - 1.0)
    low, high = max(0.0, mode - 9), mode + 9  # chi_d is as wide as a normal of variance 1/2, so nothing is left out
    nodes = (low + high) / 2 + (high - low) / 2 * x
    weights = (high - low) / 2 * w * np.exp(chi_log_shape(nodes, dimension))
    return nodes, weights / weights.sum(), float(weights.sum())


@lru_cache(maxsize=32)
def _zeros_below(order: float, limit: float) -> np.ndarray:
    """The zeros of the Bessel function J_order in (0, limit), for any order >= -1/2.

    4/j^2 are the eigenvalues of a tridiagonal matrix (Ikebe, Kikuchi and Fujishiro 1991); Newton polishes the far ones.
    """
    size = int(np.ceil(max(limit - order, 0) / 2 + 4 * limit ** (1 / 3))) + 20
    if size > LARGEST_MATRIX:
        raise ValueError(
            f"dimension={2 * order + 3:g} needs a matrix of size {size} for the law of the maximum at this level or "
            f"value; {LARGEST_MATRIX} is allowed: dimensions up to 10**6 near the median, smaller ones further out"
        )
    n = order + 2 * np.arange(1, size + 1)
    inner = 1 / ((n[:-1] + 1) * np.sqrt(n[:-1] * (n[:-1] + 2)))
    zeros = 2 / np.sqrt(linalg.eigvalsh_tridiagonal(2 / ((n - 1) * (n + 1)), inner)[::-1])
    zeros = zeros[zeros < limit]
    for _ in range(3):
        zeros = zeros - special.jv(order, zeros) / special.jvp(order, zeros)
    return np.asarray(zeros)


def _terms(n: int, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Zeros j of J_(n/2-1) and log(j^(n-2) / J_(n/2)(j)^2); the limit is rounded up so that nearby calls share them."""
    order = n / 2 - 1
    if limit <= order:  # every zero is beyond
        return np.empty(0), np.empty(0)
    j = _zeros_below(order, order + float(2.0 ** (np.ceil(4 * np.log2(max(limit - order, 1.0))) / 4)))
    return j, (n - 2) * np.log(j) - 2 * np.log(np.abs(special.jv(n / 2, j)))


def bessel_bridge_maximum_cdf(x: Any, dimension: int) -> np.ndarray:
    """P(max |bridge| <= x) for a standard Brownian bridge on [0, 1] in n = dimension dimensions, n >= 1.

    4 / (Gamma(n/2) 2^(n/2) x^n) sum_k j_k^(n-2) exp(-j_k^2 / 2x^2) / J_(n/2)(j_k)^2 over the zeros of J_(n/2-1);
    every term is positive. n = 1 is Kolmogorov's law.

    Args:
        x: [...], in standard deviations of Brownian motion at time 1.
    Source: theory C8; Gikhman 1957, Kiefer 1959.
    """
    x = np.asarray(x, dtype=np.float64)
    n, top = dimension, float(x.max())
    if top <= 0:
        return np.zeros_like(x)
    j, log_term = _terms(n, top * (np.sqrt(n) + 9))
    safe = np.maximum(x, 1e-300)[..., None]
    constant = np.log(4) - special.gammaln(n / 2) - n / 2 * np.log(2)
    with np.errstate(over="ignore"):
        logs = constant - n * np.log(safe) + log_term - (j / safe) ** 2 / 2
    return np.asarray(np.clip(np.exp(logs).sum(-1), 0, 1) * (x > 0))


def maximum_residual_cdf(m: Any, dimension: float, solution_step: float | None = None) -> np.ndarray:
    """P(max over t <= T of residual_norm / R <= m), for a walk in d dimensions seen from its own solution.

    Averaging the bridge's series over R = sqrt(T) chi_d turns every Gaussian into an exponential,
    4 sqrt(pi/2) 2^(1-d/2) / (Gamma(d/2) Gamma(n/2) 2^(n/2) m^n) sum_k j_k^(n-2) exp(-j_k / m) / J_(n/2)(j_k)^2
    with n = d - 1: exact for Brownian motion. In the plane it is y / sinh y with y = pi / 2m.

    Args:
        m: [...], in units of R. dimension: d, 2 to about 10**6.
        solution_step: T of a walk in steps, whose maximum stays a little lower: each m R is moved up by 0.5826 steps,
            which is an approximation. None for Brownian motion, exactly.
    Raises:
        ValueError: dimension below 2 or too large, solution_step below 1.
    """
    step = 1 if solution_step is None else solution_step
    d, _, _ = require_walk(dimension, max(step, 1), step)
    m = np.asarray(m, dtype=np.float64)
    if solution_step is not None:
        nodes, weights, _ = chi_nodes(d)
        shifted = np.maximum(m[..., None], 0) * nodes + CONTINUITY / np.sqrt(step)
        return np.asarray((bessel_bridge_maximum_cdf(shifted, d - 1) @ weights) * (m > 0))
    n, top = d - 1, float(m.max())
    if top <= 0:
        return np.zeros_like(m)
    j, log_term = _terms(n, top * (n + 12 * np.sqrt(n) + 60))
    safe = np.maximum(m, 1e-300)[..., None]
    constant = np.log(4 * np.sqrt(np.pi / 2)) + (1 - d / 2 - n / 2) * np.log(2)
    constant -= special.gammaln(n / 2) + special.gammaln(d / 2)
    with np.errstate(over="ignore"):
        logs = constant - n * np.log(safe) + log_term - j / safe
    return np.asarray(np.clip(np.exp(logs).sum(-1), 0, 1) * (m > 0))


def maximum_residual_quantile(level: float, dimension: float, solution_step: float | None = None) -> float:
    """The m with maximum_residual_cdf(m) = level, in units of R.

    Raises:
        ValueError: level outside (0, 1), or as ``maximum_residual_cdf``.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level} must lie strictly between 0 and 1")

    def excess(m: float) -> float:
        return float(maximum_residual_cdf(m, dimension, solution_step)) - level

    low, width = 0.4, 1 / np.sqrt(dimension)
    while excess(low) > 0:
        low /= 2
    while excess(0.5 + width) < 0:
        width *= 2
    return float(optimize.brentq(excess, low, 0.5 + width, xtol=1e-13))
