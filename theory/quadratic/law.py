"""Gradient descent, momentum and Nesterov on a convex quadratic: projection and residual at any step, no simulation.

On the axis from the start to the true solution, in units of its length R, the projection is one minus the mean of
g_t(λ) over the spectrum seen from the start, and the residual is its standard deviation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, label_axes
from theory.quadratic import law_steps
from theory.quadratic.modes import Method, bound, factor, gradient_descent, heavy_ball, noise_gain
from theory.quadratic.spectra import DescentFamily, Family, LogUniform, Spectrum, from_start, modes

_BLOCK = 1 << 20  # steps times eigenvalues held at once


@dataclass(frozen=True)
class Track:
    """``projection`` [T] and ``residual`` [T] at ``steps`` [T], both in units of R = ‖θ_0 - θ*‖."""

    steps: Array
    projection: Array
    residual: Array

    def peak(self) -> tuple[float, float]:
        """The largest residual and the projection where it is reached."""
        at = int(np.argmax(self.residual))
        return float(self.residual[at]), float(self.projection[at])


@dataclass(frozen=True)
class TrackLaw:
    """Means and spread over random starts or noise [T], in units of R: E α, Std α and the root of E ρ²."""

    steps: Array
    projection: Array
    projection_std: Array
    residual: Array


def _blocks(steps: ArrayLike, num_modes: int) -> tuple[Array, list[Array]]:
    array = np.atleast_1d(np.asarray(steps, np.float64))
    size = max(1, _BLOCK // num_modes)
    return array, [array[i : i + size] for i in range(0, array.size, size)]


def _covered(g: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and variance of 1 - g; averaged so, the start is at 0 to the last bit."""
    done = 1 - g
    mean = done @ weights
    return mean, (done - mean[:, None]) ** 2 @ weights


def track(method: Method, spectrum: Spectrum, steps: ArrayLike) -> Track:
    """Projection and residual of a noiseless run at ``steps`` [T]; costs T·K whatever the steps are.

    Raises:
        ValueError: a learning rate at or above the stability bound, steps that are no whole numbers.
    """
    method.require_stable(spectrum.eigenvalues)
    array, blocks = _blocks(steps, spectrum.eigenvalues.size)
    parts = [_covered(factor(method, spectrum.eigenvalues, block), spectrum.weights) for block in blocks]
    projection, variance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Track(array, projection, np.sqrt(variance))


def flow(spectrum: Spectrum | Family, times: ArrayLike) -> Track:
    """Gradient flow dθ/dt = -∇J at ``times`` [T], in the unit of 1/λ.

    A family uses its Laplace transform φ: α = 1 - φ(t), ρ² = φ(2t) - φ(t)².
    """
    t = np.atleast_1d(np.asarray(times, np.float64))
    if t.size == 0 or not np.all(np.isfinite(t)) or np.any(t < 0):
        raise ValueError("times must be finite and 0 or more, at least one of them")
    if isinstance(spectrum, Spectrum):
        projection, variance = _covered(np.exp(-t[:, None] * spectrum.eigenvalues), spectrum.weights)
    else:
        mean = spectrum.laplace(t)
        projection, variance = 1 - mean, spectrum.laplace(2 * t) - mean**2
    return Track(t, projection, np.sqrt(np.maximum(variance, 0)))


def descent(family: DescentFamily, lr: float, steps: ArrayLike) -> Track:
    """Gradient descent on a family of spectra in closed form: φ_t = E(1 - lr·λ)^t takes the place of flow's φ."""
    gradient_descent(lr).require_stable(family.high)
    t = np.atleast_1d(np.asarray(steps))
    if t.size == 0 or np.any(t < 0) or np.any(t != np.floor(t)):
        raise ValueError("steps must be whole numbers, 0 or more, at least one of them")
    mean = family.power(lr, t)
    return Track(t.astype(np.float64), 1 - mean, np.sqrt(np.maximum(family.power(lr, 2 * t) - mean**2, 0)))


def random_start(method: Method, spectrum: Spectrum, steps: ArrayLike) -> TrackLaw:
    """The law over starts θ_0 - θ* ~ N(0, σ²I), from eigenvalues and counts alone; the weights are not used.

    E α = 1 - ḡ, Var α = 2/(d + 2)·Var g, E ρ² = d/(d + 2)·Var g with mean and variance over coordinates.
    """
    each = Spectrum(spectrum.eigenvalues, spectrum.counts / spectrum.dimension, spectrum.counts)
    found, d = track(method, each, steps), spectrum.dimension
    return TrackLaw(
        found.steps, found.projection, math.sqrt(2 / (d + 2)) * found.residual, math.sqrt(d / (d + 2)) * found.residual
    )


def noisy(method: Method, spectrum: Spectrum, steps: ArrayLike, *, variance: ArrayLike, distance: float) -> TrackLaw:
    """The law under independent gradient noise of ``variance`` per coordinate (a number, or [K]), start fixed.

    E α is the noiseless one; Var α = Σ w·v/R², E ρ² = Var g + Σ (count - w)·v/R² with v the variance of each error.

    Args:
        distance: R = ‖θ_0 - θ*‖, in the parameters' unit.
    """
    if not (math.isfinite(distance) and distance > 0):
        raise ValueError(f"distance={distance} must be positive and finite")
    c = np.broadcast_to(np.asarray(variance, np.float64), spectrum.eigenvalues.shape) / distance**2
    if np.any(c < 0) or not np.all(np.isfinite(c)):
        raise ValueError("variance must be 0 or more and finite")
    clean = track(method, spectrum, steps)
    blocks = _blocks(steps, spectrum.eigenvalues.size)[1]
    gains = [noise_gain(method, spectrum.eigenvalues, block) for block in blocks]
    along = np.concatenate([gain @ (c * spectrum.weights) for gain in gains])
    beside = np.concatenate([gain @ (c * (spectrum.counts - spectrum.weights)) for gain in gains])
    return TrackLaw(clean.steps, clean.projection, np.sqrt(along), np.sqrt(clean.residual**2 + beside))


def residual_bound(method: Method, spectrum: Spectrum, projection: ArrayLike) -> Array:
    """A proven ceiling on the residual at each projection [T].

    Gradient descent with lr·λ ≤ 1 stays inside the semicircle ρ² ≤ α(1 - α); otherwise ρ² ≤ G² - (1 - α)² with G the
    bound on the factors.
    """
    method.require_stable(spectrum.eigenvalues)
    alpha = np.asarray(projection, np.float64)
    if method.kind == "heavy_ball" and method.momentum == 0 and method.lr * np.max(spectrum.eigenvalues) <= 1:
        return np.sqrt(np.maximum(alpha * (1 - alpha), 0))
    mean_square = float(bound(method, spectrum.eigenvalues) ** 2 @ spectrum.weights)
    return np.sqrt(np.maximum(mean_square - (1 - alpha) ** 2, 0))


def _setting(lr: float, momentum: float, dimension: float, condition: float) -> tuple[Method, Spectrum, Array]:
    """The method, the log-uniform spectrum on [1/condition, 1], and steps until the slowest error is 1e-3."""
    if not (dimension >= 2 and float(dimension).is_integer()):
        raise ValueError(f"dimension={dimension} must be a whole number, 2 or more")
    if not (math.isfinite(condition) and condition > 1):
        raise ValueError(f"condition={condition} must be finite and above 1")
    method = heavy_ball(lr, momentum)
    method.require_stable(1.0)
    spectrum = modes(LogUniform(1 / condition, 1.0), int(min(dimension, 2000)), float(dimension))
    last = 1
    while np.max(np.abs(factor(method, spectrum.eigenvalues, [last, last + 1, last + 3]))) > 1e-3:
        last *= 2
        if last > 1 << 50:
            raise ValueError(
                f"lr={lr} at condition={condition} is too slow: after 2^50 steps an error above 1e-3 is left; "
                "raise lr or lower condition"
            )
    return method, spectrum, np.unique(np.geomspace(1, last + 1, 2000).astype(np.int64) - 1).astype(np.float64)


def derive(lr: float = 0.5, momentum: float = 0.9, dimension: float = 1000, condition: float = 100) -> Derivation:
    """Heavy ball (gradient descent at momentum 0) on a log-uniform spectrum, as in Figure 12, with the whole theory.

    Args:
        lr: ε, in units of one over the largest eigenvalue, which is 1.
        momentum: μ, in [0, 1).
        dimension: number of coordinates.
        condition: largest over smallest eigenvalue.
    """
    method, spectrum, steps = _setting(lr, momentum, dimension, condition)
    law = random_start(method, spectrum, steps)
    at = int(np.argmax(law.residual))
    q = law_steps
    h = (q.r1**q.t - q.r2**q.t) / (q.r1 - q.r2)
    trace = 1 + q.m - q.x
    roots = [trace / 2 + sign * sp.sqrt(trace**2 / 4 - q.m) for sign in (1, -1)]
    mean = sp.Symbol("E_g")
    g, limit = sp.Symbol("g_t"), (2 * (1 + q.m) - (1 - q.m**2) * q.x) / (2 * (1 + q.m) - q.x)
    values: dict[str, Any] = {
        "stable_below_lr": method.stability_bound(),
        "max_residual": float(law.residual[at]),
        "projection_at_max": float(law.projection[at]),
        "step_of_max": int(law.steps[at]),
        "projection_std_at_max": float(law.projection_std[at]),
        "factor_bound": float(np.max(bound(method, spectrum.eigenvalues))),
        "steps_until_all_errors_are_below_0.001": int(steps[-1]),
    }
    return Derivation(
        title="Momentum on a convex quadratic: projection and residual from the spectrum",
        assumptions=[
            "J = 1/2 sum_i lambda_i (theta_i - theta*_i)^2 with lambda_i > 0, exact gradients, start at rest",
            "constant learning rate epsilon and momentum 0 <= mu < 1; x = epsilon lambda; the axis ends at theta*",
            f"numbers: log-uniform spectrum on [1/{condition:g}, 1], {dimension:g} coordinates, Gaussian start; root "
            "mean square residual",
        ],
        source="Goodfellow, Vinyals and Saxe 2014, Figure 12; Polyak 1964; Nesterov 1983",
        steps=law_steps.steps(),
        closed_form={
            "g_t": sp.Eq(g, q.r2**q.t + (1 - q.x - q.r2) * h),
            "r_1": sp.Eq(q.r1, roots[0]),
            "r_2": sp.Eq(q.r2, roots[1]),
            "projection": sp.Eq(sp.Symbol("alpha_t"), 1 - mean),
            "residual": sp.Eq(sp.Symbol("rho_t"), sp.sqrt(sp.Symbol("E_{g^2}") - mean**2)),
            "factor bound": sp.Le(g**2, limit),
            "stable": sp.Lt(q.x, 2 * (1 + q.m)),
        },
        check=lambda: _check(method),
        values=values,
    )


def _check(method: Method) -> list[Check]:
    """The closed forms against the plain recursions at random eigenvalues and starts."""
    rng = np.random.default_rng(12)
    values = method.stability_bound() / method.lr * 10 ** rng.uniform(-4, -0.01, 40)
    start = rng.standard_normal(40)
    spectrum, last = from_start(values, start), 300
    error, velocity, jolted, jolt = start.copy(), np.zeros(40), np.zeros(40), np.zeros(40)
    answers = np.zeros((last + 1, 40))
    rows = [error]
    for step in range(last):
        velocity = method.momentum * velocity - method.lr * values * error
        error = error + velocity
        rows.append(error)
        jolt = method.momentum * jolt - method.lr * (values * jolted + (step == 0))
        jolted = jolted + jolt
        answers[step + 1] = jolted
    errors, size = np.array(rows), float(np.linalg.norm(start))
    found = track(method, spectrum, np.arange(last + 1))
    projection = (start - errors) @ start / size**2
    off_axis = np.linalg.norm((start - errors) / size - projection[:, None] * start / size, axis=1)
    gain = noise_gain(method, values, [last])[0]
    g = factor(method, values, np.arange(last + 1))
    return [
        Check("factor against the recursion", float(np.max(np.abs(g - errors / start))), 1e-10),
        Check("projection against the run", float(np.max(np.abs(found.projection - projection))), 1e-12),
        Check("residual against the run", float(np.max(np.abs(found.residual - off_axis))), 1e-11),
        Check("noise against summed kicks", float(np.max(np.abs(gain / np.sum(answers**2, axis=0) - 1))), 1e-9),
        Check("factors above their bound", float(np.max(np.abs(g) / bound(method, values)) - 1), 1e-12),
    ]


def draw(axes: Any, lr: float = 0.5, momentum: float = 0.9, dimension: float = 1000, condition: float = 100) -> None:
    """Residual against projection, its spread over Gaussian starts, and a random walk's semicircle beside it."""
    method, spectrum, steps = _setting(lr, momentum, dimension, condition)
    law = random_start(method, spectrum, steps)
    side = 2 * law.projection_std
    (line,) = axes.plot(law.projection, law.residual, label=f"ε={lr:g}, μ={momentum:g}")
    axes.fill_betweenx(law.residual, law.projection - side, law.projection + side, color=line.get_color(), alpha=0.2)
    arc = np.linspace(0, np.pi, 200)
    axes.plot((1 - np.cos(arc)) / 2, np.sin(arc) / 2, color="0.6", linestyle=":", label="random walk, many dimensions")
    label_axes(axes, "projection on start → solution (units of its length R)", "residual (units of R)")
