"""Where gradient flow of (s - u·v)² ends, and why the straight line to that end only falls; what fails beyond it.

A network of one input, one output and any width: u and v are the weights into and out of its hidden units. On the
line to its own end the objective is J(0) (1 - α)² (1 + κα)² with |κ| < 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import copysign, hypot, isfinite, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.arithmetic.polynomial import Array

LARGEST = 1e75  # fourth powers of weights stay finite


@dataclass(frozen=True, eq=False)
class FlowLimit:
    """A start, the end of its gradient flow, and the line between them.

    Args:
        start, end: u and v stacked [2, H].
        growth: ϱ, by which the flow has multiplied u + v and divided u - v (strength above 0).
        kappa: κ; |κ| <= tanh(|ln ϱ|/2) < 1.
        start_gap: s - u·v at the start.
    """

    start: Array
    end: Array
    growth: float
    kappa: float
    start_gap: float

    def objective(self, alphas: ArrayLike) -> Array:
        """J((1 - α) start + α end), in the shape of ``alphas``."""
        at = np.asarray(alphas, np.float64)
        return np.asarray((self.start_gap * (1 - at) * (1 + self.kappa * at)) ** 2)

    def bound(self) -> float:
        """tanh(|ln ϱ|/2), which |κ| does not exceed."""
        return abs(self.growth - 1) / (self.growth + 1)


def flow_limit(u: ArrayLike, v: ArrayLike, strength: float = 1.0) -> FlowLimit:
    """The end of u' = (s - u·v) v, v' = (s - u·v) u, without integrating it.

    Args:
        u, v: the start, [H] each, any width (a number is width one). strength: s.

    Raises:
        ValueError: shapes that differ, weights or strength not finite or too large, strength 0, a start that is
            already at u·v = s, a start that flows into the saddle at the origin (u = -v; u = v if s < 0).
    """
    first, second = (np.atleast_1d(np.asarray(w, np.float64)) for w in (u, v))
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"u has shape {first.shape} and v {second.shape}; both must list the same H >= 1 weights.")
    require_strength(strength)
    if not (np.all(np.isfinite([first, second])) and np.max(np.abs([first, second])) <= LARGEST):
        raise ValueError(f"the weights must be finite and at most {LARGEST:g} in size; rescale them.")
    sign = copysign(1.0, strength)
    plus, minus = first + sign * second, first - sign * second
    big, small, s = float(np.linalg.norm(plus)), float(np.linalg.norm(minus)), abs(strength)
    if big == 0:
        raise ValueError(
            f"u={first} and v={second} flow into the saddle at the origin (u + v = 0, or u - v = 0 for a "
            "negative strength); move the start off that plane."
        )
    gap = s - sign * float(first @ second)
    if gap == 0:
        raise ValueError(f"u={first} and v={second} already reach strength={strength:g}, so the line has length zero.")
    growth = sqrt(2 * s + hypot(2 * s, big * small)) / big
    left = small / growth
    size = big**2 + left**2
    more = 4 * gap / size / (growth + 1)  # ϱ - 1, without its cancellation
    kappa = more / (growth + 1) * (big - left) * (big + left) / size
    end = np.array([growth * plus + minus / growth, sign * (growth * plus - minus / growth)]) / 2
    return FlowLimit(np.array([first, second]), end, growth, kappa, sign * gap)


def require_strength(strength: float) -> None:
    """Refuse a mode that is not there."""
    if not (isfinite(strength) and 0 < abs(strength) <= LARGEST):
        raise ValueError(
            f"strength={strength:g} is not allowed; use a finite number other than 0, at most {LARGEST:g} in size."
        )


def line_of_modes(limits: list[FlowLimit], alphas: ArrayLike) -> Array:
    """J - J* of a depth-2 network of aligned modes on the line to its gradient-flow end: the sum over its modes.

    Any imbalance; as each term falls strictly, so does the sum.

    Raises:
        ValueError: no mode.
    """
    if not limits:
        raise ValueError("no mode was given; a line needs one or more limits.")
    return np.asarray(np.sum([limit.objective(alphas) for limit in limits], axis=0))


# With white inputs and M = I, two inputs and three hidden units: found by random search, rounded. The flow passes close
# to a saddle, so that fewer digits change its end.
COUNTEREXAMPLE = (
    ((-0.0227, -0.0391), (-0.4244, -1.1188), (0.0481, 0.151)),
    ((0.2574, -0.3268, 0.1719), (0.6428, -0.7496, 0.4055)),
)


def matrix_flow(target: Array, width: int) -> Callable[[float, Array], Array]:
    """The rate of W_1 [H, D] and W_2 [C, H], flat, with white inputs and target M [C, D]; width: H."""

    def flow(_: float, w: Array) -> Array:
        a, b = np.split(w, [width * target.shape[1]])
        a, b = a.reshape(width, -1), b.reshape(-1, width)
        gap = target - b @ a
        return np.concatenate([(b.T @ gap).ravel(), (gap @ a.T).ravel()])

    return flow


def two_layers(weights_1: ArrayLike, weights_2: ArrayLike, target: ArrayLike) -> tuple[Array, Array, Array]:
    """Copies of W_1 [H, D], W_2 [C, H] and M [C, D], no axis of length zero, or ValueError."""
    first, second, m = (np.array(w, np.float64) for w in (weights_1, weights_2, target))
    chained = {first.ndim, second.ndim, m.ndim} == {2} and first.size > 0 and second.size > 0
    if not chained or (second.shape[1], *m.shape) != (first.shape[0], second.shape[0], first.shape[1]):
        raise ValueError(
            f"weights_1 is {first.shape}, weights_2 {second.shape} and target {m.shape}; give [H, D], "
            "[C, H] and [C, D]."
        )
    return first, second, m


def matrix_flow_end(weights_1: ArrayLike, weights_2: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Where a depth-2 network with white inputs ends, by integrating its flow in small errors: no closed form here.

    Args:
        weights_1: W_1 [H, D]. weights_2: W_2 [C, H]. target: M [C, D].

    Raises:
        ValueError: shapes that do not chain, values not finite, a flow that has not settled by time 10,000.
    """
    first, second, m = two_layers(weights_1, weights_2, target)
    start = np.concatenate([first.ravel(), second.ravel()])
    if not (np.all(np.isfinite(start)) and np.all(np.isfinite(m))):
        raise ValueError("weights and target must be finite; one of them holds NaN or infinity.")

    flow = matrix_flow(m, len(first))
    end, time = start, 100.0
    while time <= 10_000:
        end = solve_ivp(flow, (0, time), end, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
        if np.linalg.norm(flow(0, end)) < 1e-12 * max(1.0, float(np.linalg.norm(m))):
            return end[: first.size].reshape(first.shape), end[first.size :].reshape(second.shape)
        time *= 3
    raise ValueError("the flow has not settled by time 10,000; start farther from its saddles.")


def slope_at_start(weights_1: ArrayLike, weights_2: ArrayLike, target: ArrayLike) -> float:
    """J'(0)/J(0), J without its part that no weights reach, on the line to the end of the flow; positive: J rises.

    With E = W_2W_1 at the end less the start and D = ΔW_2 ΔW_1 it is 2 (⟨E, D⟩ - ‖E‖²)/‖E‖².
    """
    first, second = np.asarray(weights_1, np.float64), np.asarray(weights_2, np.float64)
    end_1, end_2 = matrix_flow_end(first, second, target)
    gap, move = end_2 @ end_1 - second @ first, (end_2 - second) @ (end_1 - first)
    return float(2 * (np.sum(gap * move) / np.sum(gap**2) - 1))
