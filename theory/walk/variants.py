"""Random walks with a schedule, drift, memory or unequal directions, seen from their own end in many dimensions.

For any Gaussian path with independent, equal coordinates, X_s · X_t / d tends to the covariance K(s, t) of one of them
as d grows, so the picture of figure 11 is read off K: x = K(t, T) / K(T, T) and r² = K(t, t) / K(T, T) - x², x the
projection and r the residual over R = |X_T|.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, label_axes, require_not_negative, require_whole
from theory.walk import variants_steps

Curve = tuple[Array, Array]


def from_covariance(own: ArrayLike, cross: ArrayLike, end: float) -> Curve:
    """x and r [...] of the limit from K(t, t), K(t, T) and K(T, T) > 0.

    Raises:
        ValueError: end is not positive, or the three are no covariance.
    """
    k_tt, k_t = np.asarray(own, dtype=np.float64), np.asarray(cross, dtype=np.float64)
    if not (isfinite(end) and end > 0):
        raise ValueError(f"end={end:g} must be positive: the walk ends where it starts")
    x, square = k_t / end, k_tt / end - (k_t / end) ** 2
    if not np.all(square >= -1e-12 * (1 + k_tt / end)):
        raise ValueError("K(t, T)² exceeds K(t, t) K(T, T) somewhere, so these belong to no walk")
    return x, np.sqrt(np.maximum(square, 0.0))


def scheduled(rates: ArrayLike) -> Curve:
    """Steps N(0, η_t² I): x and r at steps 0 ... T [T + 1]; on the half circle whatever the rates η_1 ... η_T.

    Raises:
        ValueError: rates are not finite, or all zero.
    """
    given = np.asarray(rates, dtype=np.float64)
    if given.ndim != 1 or not given.size or not np.all(np.isfinite(given)) or not given.any():
        raise ValueError(f"rates={rates!r} make no walk; give a list of finite step sizes, not all zero.")
    clock = np.concatenate([[0.0], np.cumsum(given**2)])
    return from_covariance(clock, clock, float(clock[-1]))


def drifting(tau: ArrayLike, drift_to_noise: float) -> Curve:
    """Steps N(m, S): the half circle with its height multiplied by η = (1 + T |m|² / tr S)^(-1/2).

    Args:
        tau: t / T [...], 0 or more.
        drift_to_noise: T |m|² / tr S, at the end of the walk.

    Raises:
        ValueError: tau or the ratio out of range.
    """
    at = _tau(tau)
    require_not_negative(drift_to_noise=drift_to_noise)
    return from_covariance(at + drift_to_noise * at**2, np.minimum(at, 1) + drift_to_noise * at, 1 + drift_to_noise)


def drift_to_noise(largest_residual: float) -> float:
    """T |m|² / tr S of a drifting walk from the largest r on the way, η / 2: 1/η² - 1.

    Raises:
        ValueError: it is not in (0, ½]; beyond, the path turns back and no drift explains it.
    """
    if not 0 < largest_residual <= 0.5:
        raise ValueError(
            f"largest_residual={largest_residual:g} is not from a walk with drift; it must be in (0, 0.5]."
        )
    return 1 / (2 * largest_residual) ** 2 - 1


def fractional(tau: ArrayLike, hurst: float) -> Curve:
    """Fractional Brownian motion: persistent for H > ½, inside the half circle; turning back for H < ½, outside.

    Args:
        tau: t / T [...], 0 or more.
        hurst: H in (0, 1).

    Raises:
        ValueError: tau or H out of range.
    """
    at = _tau(tau)
    if not 0 < hurst < 1:
        raise ValueError(f"hurst={hurst:g} is not allowed; use a number strictly between 0 and 1.")
    own = at ** (2 * hurst)
    return from_covariance(own, (1 + own - np.abs(1 - at) ** (2 * hurst)) / 2, 1.0)


def with_momentum(steps: ArrayLike, momentum: float, solution_step: int) -> Curve:
    """v_t = μ v_{t-1} + ξ_t, X_t = X_{t-1} + v_t from rest, ξ white: exact second moments, before the limit T → ∞ too.

    Args:
        steps: t [...], whole numbers from 0 on.
        momentum: μ in [0, 1).
        solution_step: T.

    Raises:
        ValueError: an argument out of range.
    """
    at = np.asarray(steps, dtype=np.float64)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum:g} is not allowed; use a number from 0 to below 1.")
    if solution_step != int(solution_step) or solution_step < 1:
        raise ValueError(f"solution_step={solution_step:g} is not allowed; use a whole number from 1 on.")
    if np.any(at != np.floor(at)) or np.any(at < 0):
        raise ValueError("steps must be whole numbers from 0 on.")
    end = float(_momentum_covariance(np.asarray(float(solution_step)), 0.0, momentum))
    return from_covariance(
        _momentum_covariance(at, 0.0, momentum),
        _momentum_covariance(np.minimum(at, solution_step), np.abs(solution_step - at), momentum),
        end,
    )


def _momentum_covariance(first: Array, gap: Any, momentum: float) -> Array:
    """K(s, s + g) (1 - μ)² [...]."""
    mu, later = momentum, momentum**gap if momentum else np.where(np.asarray(gap) == 0, 1.0, 0.0)
    return np.asarray(
        first - (1 + later) * mu * (1 - mu**first) / (1 - mu) + later * mu**2 * (1 - mu ** (2 * first)) / (1 - mu**2)
    )


def effective_dimension(eigenvalues: ArrayLike) -> float:
    """(tr S)² / tr S² of the covariance S of a step: how many equal directions would spread as much.

    Raises:
        ValueError: no eigenvalue, one negative or not finite, all zero.
    """
    eigen = _eigenvalues(eigenvalues)
    return float(eigen.sum() ** 2 / (eigen**2).sum())


def anisotropic_spread(eigenvalues: ArrayLike) -> tuple[float, float]:
    """Var x / c and E r² / c, c = τ (1 - τ), for steps N(0, S): exact, in any number of dimensions.

    Near 1 / d_eff and 1 - 1 / d_eff; 1 / (d - 2) and (d - 1) / (d - 2) where all eigenvalues are equal.

    Args:
        eigenvalues: of S [d]; three or more positive ones.

    Raises:
        ValueError: fewer than three positive eigenvalues: then the moments are infinite.
    """
    eigen = _eigenvalues(eigenvalues)
    eigen = eigen[eigen > 0] / eigen.max()
    if len(eigen) < 3:
        raise ValueError(f"{len(eigen)} positive eigenvalues: the moments are infinite; give three or more.")
    # y = e^v / tr S: the integrands live where y tr S is about 1, and fall as a power beyond.
    total = float(eigen.sum())

    def log_transform(u: float) -> float:
        return -0.5 * float(np.log1p(2 * u * eigen).sum())

    def inverse(v: float) -> float:
        u = float(np.exp(v)) / total
        return u * float(np.exp(log_transform(u)))

    def variance(v: float) -> float:
        u = float(np.exp(v)) / total
        return u**2 * float(np.exp(log_transform(u)) * (eigen**2 / (1 + 2 * u * eigen)).sum())

    far = 160.0 + 2 * float(np.log(total / eigen.min()))
    first, second = (
        sum(quad(f, a, b, limit=400, epsabs=1e-14)[0] for a, b in ((-80.0, -4.0), (-4.0, 12.0), (12.0, far)))
        for f in (variance, inverse)
    )
    return float(first), float(total * second - first)


def _eigenvalues(eigenvalues: ArrayLike) -> Array:
    eigen = np.asarray(eigenvalues, dtype=np.float64)
    if eigen.ndim != 1 or not eigen.size or not np.all(np.isfinite(eigen)) or np.any(eigen < 0) or not eigen.any():
        raise ValueError(f"eigenvalues={eigenvalues!r} are of no covariance; give finite ones from 0 on, one positive.")
    return eigen


def _tau(tau: ArrayLike) -> Array:
    at = np.asarray(tau, dtype=np.float64)
    if not np.all((at >= 0) & np.isfinite(at)):
        raise ValueError(f"tau={tau!r} must be finite and 0 or more: it is step / solution_step")
    return at


def derive(
    *, solution_step: int = 40, drift: float = 3.0, hurst: float = 0.75, momentum: float = 0.8, decay: float = 0.1
) -> Derivation:
    """The curves of other walks than the plain one.

    Args:
        solution_step: T, 2 to 1000. drift: T |m|² / tr S. hurst: H. momentum: μ. decay: rates are 1 / (1 + decay t).
    """
    curves = _curves(solution_step, drift, hurst, momentum, decay)
    return Derivation(
        title="Other random walks seen from their own end, in many dimensions",
        assumptions=[
            "X_0 = 0, Gaussian; the coordinates are independent walks of one covariance K, and their number d grows.",
            "Unequal directions: steps N(0, S) with any spectrum, in any dimension.",
            "x = projection / R, r = residual / R, R = |X_T|, τ = t / T.",
        ],
        source="variants of figure 11; theory C7, derived here",
        steps=variants_steps.steps(),
        closed_form=variants_steps.closed_form(),
        check=lambda: _checks(int(solution_step), drift, hurst, momentum, decay),
        values={f"largest_residual_{name.replace(' ', '_')}": float(r.max()) for name, (_, r) in curves.items()},
    )


def _curves(solution_step: float, drift: float, hurst: float, momentum: float, decay: float) -> dict[str, Curve]:
    require_whole(solution_step=(solution_step, 2, 1000))
    require_not_negative(decay=decay, drift=drift)
    steps = np.arange(int(solution_step) + 1)
    return {
        "schedule": scheduled(1 / (1 + decay * steps[1:])),
        "drift": drifting(steps / solution_step, drift),
        "fractional": fractional(steps / solution_step, hurst),
        "momentum": with_momentum(steps, momentum, int(solution_step)),
    }


def _checks(last: int, drift: float, hurst: float, momentum: float, decay: float) -> list[Check]:
    """One walk of each kind in 20,000 dimensions; a point is about 0.5/√d off."""
    dimension, rng = 20_000, np.random.default_rng(0)
    white, t = rng.standard_normal((last, dimension)), np.arange(1.0, last + 1)
    speed = np.zeros((last, dimension))
    for k in range(last):
        speed[k] = white[k] + (momentum * speed[k - 1] if k else 0)
    twice = 2 * hurst
    covariance = (t[:, None] ** twice + t**twice - np.abs(t[:, None] - t) ** twice) / 2
    paths = {
        "schedule": np.cumsum(white / (1 + decay * t[:, None]), axis=0),
        "drift": np.cumsum(white + np.sqrt(drift / last), axis=0),
        "fractional": np.linalg.cholesky(covariance) @ white,
        "momentum": np.cumsum(speed, axis=0),
    }
    found = []
    for name, (x, r) in _curves(last, drift, hurst, momentum, decay).items():
        path, length = paths[name], float(np.linalg.norm(paths[name][-1]))
        along = path @ path[-1] / length
        aside = np.sqrt(np.maximum((path**2).sum(axis=1) - along**2, 0.0))
        off = float(max(np.abs(along / length - x[1:]).max(), np.abs(aside / length - r[1:]).max()))
        found.append(Check(f"{name}: one walk in 20,000 dimensions, largest distance", off, 4 / dimension**0.5))
    return found


def draw(
    axes: Any,
    *,
    solution_step: int = 40,
    drift: float = 3.0,
    hurst: float = 0.75,
    momentum: float = 0.8,
    decay: float = 0.1,
) -> None:
    """The four curves in the plane of projection and residual."""
    labels = {
        "schedule": f"rates 1/(1 + {decay:g} t): the half circle",
        "drift": f"drift, T|m|²/tr S = {drift:g}",
        "fractional": f"fractional, H = {hurst:g}",
        "momentum": f"momentum {momentum:g}, {solution_step} steps",
    }
    for name, (x, r) in _curves(solution_step, drift, hurst, momentum, decay).items():
        axes.plot(x, r, ".-", label=labels[name])
    label_axes(axes, "projection / R (no unit)", "residual norm / R (no unit)")
