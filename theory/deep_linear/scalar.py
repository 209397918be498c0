"""The deep linear model with one weight per layer, J(w) = (1 - w_1 w_2 ... w_L)²: Figures 9 and 10, at any depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb, isfinite
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from scipy.stats import norm

from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import EPS, Array, fold, sign_changes
from theory.deep_linear import scalar_steps
from theory.deep_linear.curve import product_coefficients
from theory.derivation import Check, Derivation, label_axes, require_whole

Shape = Literal["decreasing", "bump", "crossing"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Line(polynomial.Line):
    """J along a line, evaluated through its factors: near a solution it keeps the accuracy that the sum would lose.

    Args:
        start, end: the weights at α = 0 and 1 [L]. product: p(α) as a polynomial of degree L.
    """

    start: Array
    end: Array
    product: polynomial.Line

    def __call__(self, alphas: ArrayLike) -> Array:
        """(1 - p(α))² at every alpha."""
        at = np.asarray(alphas, dtype=np.float64)[..., None]
        return np.asarray((1 - np.prod((1 - at) * self.start + at * self.end, axis=-1)) ** 2)

    def derivative(self, alphas: ArrayLike, order: int = 1) -> Array:
        """d^order J / dα^order from the derivatives of p by Leibniz's rule."""
        if order < 1:
            return super().derivative(alphas, order)
        gap = [1 - self.product(alphas)] + [-self.product.derivative(alphas, k) for k in range(1, order + 1)]
        return np.asarray(sum(comb(order, k) * gap[k] * gap[order - k] for k in range(order + 1)))

    def candidates(self) -> list[float]:
        """Where p = 1 or p' = 0: J' = -2 (1 - p) p' has no other roots."""
        low, high = self.interval
        solutions = sign_changes(self.product.coefficients - 1, self.product.noise)
        return sorted(self.product.candidates() + [low + (high - low) * t for t in solutions])


def line(u: ArrayLike, t: ArrayLike, interval: tuple[float, float] = (0.0, 1.0)) -> Line:
    """J((1 - α) u + α t) for weights u, t [L], with every extremum on the interval.

    Raises:
        ValueError: no weight, different depths, weights not finite, u equal to t.
    """
    start, end = np.asarray(u, dtype=np.float64), np.asarray(t, dtype=np.float64)
    polynomial.require_interval(interval)
    if start.ndim != 1 or start.shape != end.shape or not start.size:
        raise ValueError(f"u has shape {start.shape} and t {end.shape}; both must list the same L >= 1 weights.")
    if not (np.all(np.isfinite(start)) and np.all(np.isfinite(end))):
        raise ValueError("u and t must be finite; one of them holds NaN or infinity.")
    if np.array_equal(start, end):
        raise ValueError("u and t are the same point, so the line has length zero; give two points.")
    low, high = ([np.array([[w]]) for w in (1 - alpha) * start + alpha * end] for alpha in interval)
    with np.errstate(over="ignore", invalid="ignore"):  # Line refuses what is not finite
        p = product_coefficients(low, high).ravel()
        largest = max(1.0, float(np.max(np.abs(p))))
        product = polynomial.Line(p, interval, EPS * len(start) * largest)
        coefficients = fold(np.outer(1 - p, 1 - p))
    noise = EPS * len(start) * float(np.max(np.abs(coefficients)))
    return Line(coefficients, interval, noise, start=start, end=end, product=product)


def kappa(u: ArrayLike, t: ArrayLike) -> float:
    """κ of a depth-2 line from u to a solution t: J(α) = J(0) (1 - α)² (1 + κα)².

    Raises:
        ValueError: t_1 t_2 is not 1, or u_1 u_2 is 1.
    """
    u1, u2, t1, t2 = (float(w) for w in np.ravel([u, t]))
    if abs(t1 * t2 - 1) > 8 * EPS:
        raise ValueError(f"t=({t1:g}, {t2:g}) is not a solution; the product of its weights must be 1.")
    if u1 * u2 == 1:
        raise ValueError(f"u=({u1:g}, {u2:g}) already is a solution; its line is C² α² (1 - α)², without a κ.")
    return (t1 - u1) * (t2 - u2) / (1 - u1 * u2)


def shape(k: float) -> Shape:
    """(1 - α)² (1 + κα)² on [0, 1]: decreasing for |κ| <= 1; a bump before descent for κ > 1; else a second zero."""
    return "decreasing" if abs(k) <= 1 else "bump" if k > 1 else "crossing"


def share_without_second_minimum(sigma: float) -> float:
    """P(κ >= -1) for a start N(0, σ² I_2) and the end (1, 1), by quadrature over s = u_1 + u_2.

    κ + 1 = (8 - 4s) / (4 - s² + d²) with d = u_1 - u_2 independent of s.
    """
    return _share(sigma, lambda s: s * s - 4, lambda s: s <= 2, [-2.0, 2.0])


def share_decreasing(sigma: float) -> float:
    """P(|κ| <= 1) for a start N(0, σ² I_2) and the end (1, 1), by quadrature over s = u_1 + u_2."""
    return _share(sigma, lambda s: s * s - 2 * s, lambda s: s <= 2, [0.0, 2.0])


def _share(sigma: float, square: Any, far: Any, kinks: list[float]) -> float:
    """P(d² >= square(s) if far(s) else d² <= square(s)), s and d independent N(0, 2σ²)."""
    if not (isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma={sigma:g} is not a standard deviation; use a positive number.")
    law = norm(scale=np.sqrt(2) * sigma)

    def integrand(s: float) -> float:
        outside = 2 * law.sf(np.sqrt(max(square(s), 0.0)))
        return float(law.pdf(s) * (outside if far(s) else 1 - outside))

    bounds = [-40.0 * sigma, *(k for k in kinks if abs(k) < 40 * sigma), 40.0 * sigma]
    # Split again near the kinks: for large sigma they sit in a sliver of the range.
    bounds = sorted({*bounds, *(m * sigma for m in (-8.0, -2.0, 2.0, 8.0))})
    return float(sum(quad(integrand, a, b, limit=200)[0] for a, b in pairwise(bounds)))


def flow_limit(start: Sequence[float]) -> list[float]:
    """Where gradient flow from a start that reaches p = 1 with all but its first weight positive ends.

    w_i² - w_1² is conserved, so the end is the root of √z Π √(z + c_i) = 1.
    """
    shifts = [w * w - start[0] ** 2 for w in start[1:]]
    low = max(0.0, -min(shifts))
    z = brentq(lambda v: np.sqrt(v) * np.prod(np.sqrt([v + c for c in shifts])) - 1, low, low + 2, xtol=1e-15)
    return [float(np.sqrt(z)), *(float(np.sqrt(z + c)) for c in shifts)]


# One weight of the wrong sign: the line to its own gradient-flow limit first rises (depth 2 never does).
DEPTH_3_START = (-0.2, 0.22, 0.22)


def flow_limit_error() -> float:
    """How far ``flow_limit`` of the depth-3 start is from where its ODE ends."""

    def flow(_: float, w: Array) -> Array:
        return np.asarray((1 - w.prod()) * np.array([w[1] * w[2], w[0] * w[2], w[0] * w[1]]))

    end = solve_ivp(flow, (0, 200), DEPTH_3_START, rtol=1e-11, atol=1e-13, method="DOP853").y[:, -1]
    return float(np.max(np.abs(end - flow_limit(DEPTH_3_START))))


def derive(*, depth: int = 3, start_1: float = -6.0, start_2: float = 0.5) -> Derivation:
    """The objective along any line, Figures 9 and 10, critical points, and what fails.

    Args:
        depth: L of the statements for any depth, 2 to 6. start_1, start_2: the large start of Figure 10, right.
    """
    require_whole(depth=(depth, 2, 6))
    for name, value in (("start_1", start_1), ("start_2", start_2)):
        if not isfinite(value) or abs(value) > 1e6:
            raise ValueError(f"{name}={value:g} is not allowed; use a number between -1e6 and 1e6.")
    if start_1 * start_2 == 1 or (start_1 - 1) * (start_2 - 1) == 0:
        name, value = ("start_1", start_1) if start_1 == 1 else ("start_2", start_2)
        raise ValueError(f"{name}={value:g} puts the start on a solution or level with (1, 1); move it.")
    k = kappa((start_1, start_2), (1.0, 1.0))
    right = line((start_1, start_2), (1.0, 1.0))
    rising = line(DEPTH_3_START, flow_limit(DEPTH_3_START))
    values = {
        "figure_9_inflection": float(1 / np.sqrt(3)),
        "figure_10_left_barrier": line((2, 0.5), (0.5, 2)).barrier(),
        "figure_10_right_A": (start_1 - 1) * (start_2 - 1),
        "figure_10_right_second_zero": -1 / k,
        "figure_10_right_kappa": k,
        "figure_10_right_shape": shape(k),
        "figure_10_right_start": float(right(0.0)),
        "figure_10_right_barrier": right.barrier(),
        "share_without_second_minimum": {s: share_without_second_minimum(float(s)) for s in ("1", "3", "30")},
        "share_decreasing": {s: share_decreasing(float(s)) for s in ("1", "3", "30")},
        "depth_3_flow_line_rise": rising.largest_rise(),
        "depth_3_flow_line_rise_alpha": next(p.alpha for p in rising.maxima()),
    }
    return Derivation(
        title="The scalar deep linear model along a line",
        assumptions=[
            "J(w) = (1 - w_1 ... w_L)², without the half; w real.",
            "The line is w(α) = (1 - α) u + α t.",
            "Gradient flow is dw/dt = -½ ∇J.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, section 5, Figures 9 and 10",
        steps=scalar_steps.steps(int(depth)),
        closed_form=scalar_steps.closed_form(int(depth)),
        check=lambda: _checks(int(depth)),
        values=values,
    )


def _checks(depth: int) -> list[Check]:
    rng = np.random.default_rng(0)
    alphas, h = rng.uniform(-0.3, 1.3, 50), 1e-5
    u, t = rng.normal(size=depth), rng.normal(size=depth)
    curve = line(u, t)
    slope = (curve(alphas + h) - curve(alphas - h)) / (2 * h)
    apart = np.max(np.abs(polynomial.evaluate(curve.coefficients, alphas) - curve(alphas))) / np.max(curve(alphas))
    missed = np.max(np.abs(slope - curve.derivative(alphas))) / np.max(np.abs(slope))
    disagreements = 0
    for _ in range(200):
        a, b1 = rng.normal(size=2) * 2, rng.choice([-1, 1]) * np.exp(rng.normal())
        if abs(abs(kappa(a, (b1, 1 / b1))) - 1) < 1e-3:
            continue  # the two shapes meet; a grid cannot tell them apart
        grid = line(a, (b1, 1 / b1))(np.linspace(0, 1, 4001))
        rises = np.any(np.diff(grid) > 1e-9 * grid[0])
        disagreements += int(rises != (shape(kappa(a, (b1, 1 / b1))) != "decreasing"))
    count, sigma = 200_000, 3.0
    a1, a2 = sigma * rng.normal(size=(2, count))
    z = 0.0
    for bound, exact in ((np.inf, share_without_second_minimum(sigma)), (1.0, share_decreasing(sigma))):
        k = (1 - a1) * (1 - a2) / (1 - a1 * a2)
        z = max(z, abs(np.mean((k >= -1) & (k <= bound)) - exact) / np.sqrt(exact * (1 - exact) / count))
    return [
        Check("polynomial against the product of the weights", float(apart), 1e-11),
        Check("derivative against central differences", float(missed), 1e-7),
        Check("shape by κ against a grid of 4001, wrong of 200 lines", float(disagreements), 0.0),
        Check("shares of random starts against 200,000 draws, largest |z|", float(z), 4.0),
        Check("depth-3 gradient-flow limit against the ODE", flow_limit_error(), 1e-8),
    ]


def draw(axes: Any, *, depth: int = 3, start_1: float = -6.0, start_2: float = 0.5) -> None:
    """The curves of Figures 9 and 10, each over its largest value on [0, 1]."""
    derive(depth=depth, start_1=start_1, start_2=start_2)  # refuses bad parameters
    alphas = np.linspace(0, 1, 401)
    curves = {
        f"zero start, L = {layers} (Figure 9)": line([0.0] * layers, [1.0] * layers)
        for layers in sorted({2, int(depth)})
    }
    curves["(2, ½) to (½, 2) (Figure 10, left)"] = line((2, 0.5), (0.5, 2))
    curves[f"({start_1:g}, {start_2:g}) to (1, 1) (Figure 10, right)"] = line((start_1, start_2), (1, 1))
    curves["(−6, −1) to (1, 1): a second zero"] = line((-6, -1), (1, 1))
    for label, curve in curves.items():
        axes.plot(alphas, curve(alphas) / curve(alphas).max(), label=label)
    label_axes(axes, "α (fraction of the line)", "J / largest J (no unit)")


def exact(u: Sequence[Any], t: Sequence[Any]) -> sp.Poly:
    """J along the line as an exact polynomial in α; floats are taken as the dyadic rationals that they are."""
    alpha = sp.Symbol("alpha", real=True)
    factors = [(1 - alpha) * sp.Rational(a) + alpha * sp.Rational(b) for a, b in zip(u, t, strict=True)]
    return sp.Poly(sp.expand((1 - sp.prod(factors)) ** 2), alpha)
