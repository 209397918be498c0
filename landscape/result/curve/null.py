"""What the figures show without any learning: exact laws of a random walk, and of lines from random points.

A walk X_t of Gaussian steps is viewed as a training run is: x = projection / L and r = residual_norm / L on the
line from X_0 to X_T, with L = |X_T| and T = solution_step. Numpy, and scipy for the quantiles and one integral.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from landscape.result.curve.types import Array


class WalkBands(NamedTuple):
    """Quantiles of x and r at every plotted step, each [T]; ``tau`` = step / solution_step."""

    tau: Array
    x_low: Array
    x_mid: Array
    x_high: Array
    r_low: Array
    r_mid: Array
    r_high: Array


def random_walk_limit(num: int = 200, solution_step: int = 900, num_steps: int = 1000) -> tuple[Array, Array]:
    """The curve (x, r) that a random walk approaches as its dimension grows, in units of L.

    x = t/T and r^2 = x (1 - x) until the solution, the half circle on [0, 1]; then x = 1 and r^2 = (t - T)/T, a
    vertical segment (up to 1/3 for T = 900 of 1,000). It is also the mean of (x, r) in every dimension >= 2.

    Args:
        num: points on the half circle, evenly spaced in angle. solution_step: T. num_steps: steps walked, >= T.
    Returns:
        x and r, each [num + 1]: the half circle from (0, 0) to (1, 0), then the top of the segment.
    Source: the reproduction notes, figure 11; theory C2, C3.
    """
    _require_walk(solution_step, num_steps)
    if num < 2:
        raise ValueError(f"num={num} points cannot draw a half circle; use 2 or more")
    angle = np.linspace(0.0, np.pi, num)
    x = np.append((1 - np.cos(angle)) / 2, 1.0)
    r = np.append(np.sin(angle) / 2, np.sqrt((num_steps - solution_step) / solution_step))
    r[num - 1] = 0.0  # sin(pi) is 1e-16 in floats; the walk is at its solution exactly
    return x, r


def random_walk_bands(
    dimension: int, coverage: float = 0.9, solution_step: int = 900, num_steps: int = 1000
) -> WalkBands:
    """Exact quantiles of (x, r) at steps 0 ... num_steps of a walk in ``dimension`` dimensions, no simulation.

    With d = dimension and c = tau (1 - tau) up to the solution, c = tau - 1 after it:
    x ~ min(tau, 1) + sqrt(c/d) Student_d and r^2 ~ c (d-1)/d F_{d-1, d}, each pointwise in t.

    Args:
        dimension: d >= 2 (in one dimension there is no residual). coverage: mass between low and high, in (0, 1).
    Raises:
        ValueError: one of the arguments is out of range.
    Source: theory C2.
    """
    from scipy import stats  # late: it takes longer to import than everything else here

    _require_walk(solution_step, num_steps)
    if dimension < 2:
        raise ValueError(f"dimension={dimension} leaves no room for a residual; use 2 or more")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage} must lie strictly between 0 and 1")
    tau = np.arange(num_steps + 1) / solution_step  # [T]
    spread = np.where(tau <= 1, tau * (1 - tau), tau - 1)
    levels = (0.5 - coverage / 2, 0.5, 0.5 + coverage / 2)
    x = [np.minimum(tau, 1) + np.sqrt(spread / dimension) * stats.t.ppf(level, dimension) for level in levels]
    share = (dimension - 1) / dimension
    r = [np.sqrt(spread * share * stats.f.ppf(level, dimension - 1, dimension)) for level in levels]
    return WalkBands(tau, *x, *r)


def thales_defect(x: Array, r: Array) -> Array:
    """x (1 - x) - r^2: how far the points lie inside (> 0) or outside (< 0) the half circle over [0, 1].

    It equals X_t . (X_T - X_t) / L^2 for any path: zero when what is done and what is left are orthogonal, as they
    are on average in a walk of high dimension; positive for a path that keeps its direction.

    Args:
        x: projection / L [...]. r: residual_norm / L [...].
    Source: theory C6.
    """
    return np.asarray(x * (1 - x) - r**2, dtype=np.float64)


def share_without_second_minimum(sigma: float) -> float:
    """The share of lines from N(0, sigma^2 I_2) to (1, 1) on which J = (1 - w_1 w_2)^2 has no minimum but the end.

    With p = a_1 a_2 at the start, a second zero lies in (0, 1) iff 2 - a_1 - a_2 and 1 - p differ in sign. In polar
    coordinates both signs change once along each ray, and what they cut off cancels over the angle but for Craig's
    integral: P(a_1 + a_2 <= 2) = Phi(sqrt(2) / sigma).

    Raises:
        ValueError: sigma is not positive and finite.
    Source: theory A1; by quadrature in theory.deep_linear.scalar.
    """
    from scipy.special import ndtr  # late, as in random_walk_bands

    return float(ndtr(_reach(sigma)))


def share_decreasing(sigma: float) -> float:
    """The share of lines from N(0, sigma^2 I_2) to (1, 1) on which J = (1 - w_1 w_2)^2 only falls.

    J'(0) <= 0 besides, that is a_1 + a_2 - 2 p >= 0 where p <= 1. On the ray at angle t to (1, 1), in units of sigma,
    that sign changes at k cos t / cos 2t with k = sqrt(2) / sigma; the radius has density r exp(-r^2/2), hence
    Phi(k) - 1/2 + 1/pi int_0^{pi/2} exp(-(k cos t / cos 2t)^2 / 2) dt.

    Raises:
        ValueError: sigma is not positive and finite.
    Source: theory A1; by another quadrature in theory.deep_linear.scalar.
    """
    from scipy.integrate import quad  # late, as in random_walk_bands

    reach = _reach(sigma)

    def tail(angle: float) -> float:
        return float(np.exp(-0.5 * (reach * np.cos(angle) / np.cos(2 * angle)) ** 2))

    # At pi/4 the integrand touches zero with all its derivatives.
    parts = (quad(tail, a, a + np.pi / 4, epsabs=1e-12, limit=200)[0] for a in (0.0, np.pi / 4))
    return share_without_second_minimum(sigma) - 0.5 + float(sum(parts)) / np.pi


def _reach(sigma: float) -> float:
    """sqrt(2) / sigma: how far the solution (1, 1) lies from the origin, in standard deviations."""
    if not 0 < sigma < np.inf:
        raise ValueError(f"sigma={sigma} must be positive and finite")
    return float(np.sqrt(2) / sigma)


def _require_walk(solution_step: int, num_steps: int) -> None:
    if not 0 < solution_step <= num_steps:
        raise ValueError(f"solution_step={solution_step} must lie in 1 ... num_steps={num_steps}")
