"""Gradient flow of deep linear modes, exactly: weights, projection and residual at any time, any imbalance.

A mode of strength s is τ a' = b (s - ab), τ b' = a (s - ab). With k = a² - b² conserved the run lies on a hyperbola,
(a + b)² solves a Riccati equation, and the residual is a rational function of |a + b|.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, hypot, isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.arithmetic.polynomial import Array
from theory.deep_linear import dynamics_steps
from theory.deep_linear.deep_mode import aligned_progress, balanced_time, deep_mode, require_tau
from theory.deep_linear.flow_limit import COUNTEREXAMPLE, flow_limit, slope_at_start
from theory.deep_linear.projected import Run, project, times_of
from theory.derivation import Check, Derivation, label_axes, require_whole
from theory.quadratic.law import Track

__all__ = ["Mode", "aligned", "deep_mode", "derive", "draw", "mode"]


@dataclass(frozen=True, eq=False)
class Mode(Run):
    """A depth-2 mode; ``start`` and ``end`` are (a, b). Build it with ``mode``.

    Args:
        invariant: k = a² - b² (of the mode with its sign turned, if strength is below 0).
        sums: |a + b| at the start and at the end (|a - b| if strength is below 0).
    """

    strength: float
    tau: float
    invariant: float
    sums: tuple[float, float]

    def _way(self, times: ArrayLike) -> tuple[Array, Array, Array]:
        """g = |a + b| and, without their cancellation, g - g_0 and g_1 - g [T]."""
        s, k, (g_0, g_1) = abs(self.strength), self.invariant, self.sums
        rate = hypot(k, 2 * s)
        g_minus = -k * (k / g_1) / g_1
        behind = g_0**2 - g_minus
        c = (g_0 - g_1) * (g_0 + g_1) / behind
        exponent = -rate * times_of(times) / self.tau
        decay = np.exp(exponent)
        base = 2 * rate / behind - c * np.expm1(exponent)  # 1 - c·decay, as 1 - c is the first term
        done = np.expm1(exponent) * c * (behind / base)  # G - G_0
        to_go = -2 * rate * c * (decay / base)  # G_1 - G
        g = np.sqrt(g_0**2 + done if g_0 < g_1 else g_1**2 - to_go)  # a sum of two positive terms
        return g, done / (g + g_0), to_go / (g + g_1)

    def residual_norm(self, times: ArrayLike) -> Array:
        """|k| |g - g_0| |g_1 - g| / (√2 g √(g_0² g_1² + k²)) [T]: zero to the last bit if balanced."""
        (g_0, g_1), k = self.sums, self.invariant
        g, done, to_go = self._way(times)
        return np.asarray(abs(k) * np.abs(done) * np.abs(to_go) / (sqrt(2) * g * hypot(g_0 * g_1, k)))

    def largest_residual(self) -> tuple[float, float]:
        """The largest residual, where g² = g_0 g_1, and the projection there."""
        (g_0, g_1), k = self.sums, self.invariant
        slope, middle = sqrt(2) * hypot(g_0 * g_1, k), sqrt(g_0 * g_1)
        at = abs(middle - g_0) * (g_0 * g_1 + k * k / middle / g_0) / slope
        return abs(k) * (sqrt(g_1) - sqrt(g_0)) ** 2 / slope, at


def mode(a_0: float, b_0: float, strength: float = 1.0, tau: float = 1.0) -> Mode:
    """The run of τ a' = b (s - ab), τ b' = a (s - ab) from (a_0, b_0): half of gradient flow of (s - ab)², over τ.

    Raises:
        ValueError: values not finite or too large, strength 0, tau not positive, a start at its end or in the plane
            a + b = 0 (a = b if strength is below 0), which flows into the saddle.
    """
    require_tau(tau)
    limit = flow_limit(float(a_0), float(b_0), strength)
    sign = copysign(1.0, strength)
    start, end = limit.start.ravel(), limit.end.ravel()
    total, apart = float(start[0] + sign * start[1]), float(start[0] - sign * start[1])
    k, sums = total * apart, (abs(total), limit.growth * abs(total))
    side = copysign(1.0, total)

    def weights(times: Array) -> Array:
        g = run._way(times)[0]
        a, b = side * (g + k / g) / 2, sign * side * (g - k / g) / 2
        return np.stack([a, b], axis=-1)

    run = Mode(start, end, weights, float(strength), float(tau), k, sums)
    return run


def aligned(starts: ArrayLike, strengths: ArrayLike, times: ArrayLike, depth: int = 2, tau: float = 1.0) -> Track:
    """Projection and residual of a deep linear network whose modes are balanced and aligned with the data.

    With g_k the share of its way that mode k has left and w_k its share of the squared length R², the projection is
    1 - E_w g and the residual Std_w g, in units of R: inside the Thales semicircle. Costs T·K.

    Args:
        starts: size of the weights of each mode [K], above 0; all layers alike. strengths: [K], above 0.
        times: [T], in the unit of tau. depth: L >= 2.

    Raises:
        ValueError: no mode, different numbers, values not finite or not above 0, depth no whole number of 2 or more,
            every mode already at its end.
    """
    a_0, s = (np.atleast_1d(np.asarray(v, np.float64)) for v in (starts, strengths))
    require_tau(tau)
    if depth != int(depth) or depth < 2:
        raise ValueError(f"depth={depth:g} is not allowed; use a whole number, 2 or more.")
    if a_0.ndim != 1 or a_0.shape != s.shape or not a_0.size:
        raise ValueError(f"starts has shape {a_0.shape} and strengths {s.shape}; both must list the same K >= 1 modes.")
    if not (np.all(np.isfinite([a_0, s])) and np.min([a_0, s]) > 0):
        raise ValueError("starts and strengths must be finite and above 0; a mode at 0 never leaves it.")
    ends = s ** (1 / depth)
    if np.max(ends / a_0) > 1e100 or np.max(a_0) > 1e100:
        raise ValueError("a start is more than a factor 1e100 from its end, or above 1e100; use starts nearer to it.")
    moves = ends != a_0
    if not np.any(moves):
        raise ValueError("every mode already is at its end, so the line has length zero.")
    done = 1 - aligned_progress(a_0[moves], ends[moves], int(depth), tau, times)
    weights = (ends[moves] - a_0[moves]) ** 2
    weights /= weights.sum()
    mean = done @ weights
    return Track(times_of(times), mean, np.sqrt((done - mean[:, None]) ** 2 @ weights))


def derive(*, strength: float = 1.0, a: float = 0.1, b: float = 0.05, depth: int = 3) -> Derivation:
    """One mode at depth 2 with any imbalance, its picture, greater depths, and lines to the end of gradient flow.

    Args:
        strength: s of the mode. a, b: its start. depth: L of the statements for any depth, 2 to 8.
    """
    require_whole(depth=(depth, 2, 8))
    for name, value in (("a", a), ("b", b)):
        if not isfinite(value) or abs(value) > 1e6:
            raise ValueError(f"{name}={value:g} is not allowed; use a number between -1e6 and 1e6.")
    if not (isfinite(strength) and 1e-6 <= abs(strength) <= 1e6):
        raise ValueError(f"strength={strength:g} is not allowed; use a number of size 1e-6 to 1e6.")
    run, limit = mode(a, b, strength), flow_limit(a, b, strength)
    peak, at = run.largest_residual()
    return Derivation(
        title="Learning dynamics of deep linear modes",
        assumptions=[
            "Inputs are white and the network is aligned with the data, so each mode runs alone; s is its strength.",
            "τ w_i' = (s - p) ∂p/∂w_i with p = w_1 ... w_L: half of gradient flow of J = (s - p)² over τ; L = 2: a, b.",
            "k = a² - b², G = (a + b)², g = |a + b|; s > 0, for b can change its sign; a + b is not 0 at the start.",
            "Projection and residual are on the axis from the start to the end of the flow.",
        ],
        source="Saxe, McClelland & Ganguli 2014; Goodfellow, Vinyals & Saxe 2015, section 5 and Figures 12 and 13",
        steps=dynamics_steps.steps(int(depth)),
        closed_form=dynamics_steps.closed_form(int(depth)),
        check=lambda: _checks(int(depth)),
        values={
            "end": run.end,
            "invariant": run.invariant,
            "length": run.length,
            "largest_residual": peak,
            "largest_residual_over_length": peak / run.length,
            "projection_there_over_length": at / run.length,
            "flow_line_kappa": limit.kappa,
            "flow_line_kappa_bound": limit.bound(),
        },
    )


def _ode(start: Array, strength: float, times: Array) -> Array:
    """The flow integrated as it is written down [T, L]."""

    def flow(_: float, w: Array) -> Array:
        others = [np.prod(np.delete(w, i)) for i in range(len(w))]
        return np.asarray((strength - w.prod()) * np.array(others))

    run = solve_ivp(flow, (0, times[-1]), start, t_eval=times, method="DOP853", rtol=1e-12, atol=1e-14)
    return np.asarray(run.y.T)


def _checks(depth: int) -> list[Check]:
    rng = np.random.default_rng(4)
    times = np.array([0.1, 0.7, 2.0, 6.0])
    weights = residual = deeper = 0.0
    for _ in range(12):
        start, strength = rng.normal(size=2), rng.choice([-1, 1]) * np.exp(rng.normal())
        run, points = mode(start[0], start[1], strength), _ode(start, strength, times)
        weights = max(weights, float(np.max(np.abs(run(times) - points))))
        off = project(points, run.start, run.end)[1]
        residual = max(residual, float(np.max(np.abs(run.residual_norm(times) - off))))
        start = rng.normal(size=depth)
        points = _ode(start, strength, times)
        deeper = max(deeper, float(np.max(np.abs(deep_mode(start, strength)(times) - points))))
    size = deep_mode([0.3] * depth, 1.7)(times[:3])[:, 0]
    late = float(np.max(np.abs(balanced_time(size, 0.3, 1.7, depth) - times[:3])))
    starts, strengths = np.array([0.1, 0.2, 0.05]), np.array([2.0, 1.0, 0.4])
    each = np.stack([_ode(np.full(depth, x), s, times)[:, 0] for x, s in zip(starts, strengths, strict=True)], axis=-1)
    along, off = project(each, starts, ends := strengths ** (1 / depth))
    track = aligned(starts, strengths, times, depth)
    length = np.linalg.norm(ends - starts)
    apart = np.abs([track.projection - along / length, track.residual - off / length])
    counter = slope_at_start(*COUNTEREXAMPLE, np.eye(2))
    return [
        Check("weights at depth 2 against the ODE", weights, 1e-9),
        Check("residual at depth 2 against the ODE", residual, 1e-9),
        Check(f"weights at depth {depth}, unbalanced, against the ODE", deeper, 1e-8),
        Check("time of a balanced mode, closed form against the flow", late, 1e-8),
        Check("projection and residual of three modes against the ODE", float(np.max(apart)), 1e-9),
        Check("depth-2 counterexample: what J'(0)/J(0) lacks to 0.001", max(0.0, 1e-3 - counter), 0.0),
    ]


def draw(axes: Any, *, strength: float = 1.0, a: float = 0.1, b: float = 0.05, depth: int = 3) -> None:
    """Residual against projection over the length of the way: (a, b) made more imbalanced, and many aligned modes."""
    derive(strength=strength, a=a, b=b, depth=depth)  # refuses bad parameters
    late = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 1200)]) / abs(strength)
    total = a + copysign(1.0, strength) * b
    for share in (0.0, 0.5, 1.0):  # the same a + b, another a - b
        other = a - copysign(1.0, strength) * b + share * sqrt(abs(strength))
        run = mode((total + other) / 2, copysign(1.0, strength) * (total - other) / 2, strength)
        along, off = run.projection(late) / run.length, run.residual_norm(late) / run.length
        axes.plot(along, off, label=f"one mode, k = {run.invariant:.3g}")
    for spread in (1.0, 2.0):
        strengths = np.exp(-spread * np.arange(6.0))
        times = np.concatenate([[0.0], np.geomspace(1e-1, 1e5, 8000)])
        track = aligned(np.full(6, 0.05) * strengths ** (1 / depth), strengths, times, int(depth))
        said = f"6 aligned modes, depth {depth}, strengths e^(−{spread:g}i)"
        axes.plot(track.projection, track.residual, linestyle="--", label=said)
    arc = np.linspace(0, np.pi, 200)
    axes.plot((1 - np.cos(arc)) / 2, np.sin(arc) / 2, color="0.6", linestyle=":", label="Thales semicircle")
    axes.set_ylim(0, 0.75)
    legend = {"loc": "upper center", "ncols": 2, "fontsize": "small"}
    label_axes(axes, "projection on start → end (units of its length R)", "residual (units of R)", **legend)
