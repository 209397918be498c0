"""Gradient noise that grows with the gradient, on a convex quadratic: exact second moments of projection and residual.

Seen from the start along the axis to the solution, in units of R = |e_0|: α is the projection, ρ the residual, and
with w = (e_0,i / R)² and e = e_t, 1 - α = e·e_0 / R² and (ρ/R)² = |e|²/R² - (1 - α)².
"""

from __future__ import annotations

from itertools import pairwise
from math import isfinite, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, label_axes, require_not_negative, require_whole
from theory.quadratic import multiplicative_noise_runs, multiplicative_noise_steps
from theory.quadratic.multiplicative_noise_runs import NoisyCurve

MOST_EIGENVALUES = 4000  # all pairs of them are kept for the spread of the projection


def proportional(
    eigenvalues: ArrayLike, weights: ArrayLike, lr: float, relative_noise: float, steps: ArrayLike
) -> NoisyCurve:
    """Each coordinate's gradient is multiplied by 1 + s ξ, ξ of mean 0 and variance 1, fresh at every step.

    E e_i = e_0,i (1 - x)^t and E e_i² = e_0,i² ((1 - x)² + s² x²)^t, x = lr λ_i; coordinates are independent.

    Args:
        eigenvalues: λ [K], not negative. weights: w [K], the share of |e_0|² in each, not negative; normalised here.
        lr: learning rate. relative_noise: s. steps: t [T], whole numbers.

    Raises:
        ValueError: an argument out of its range.
    """
    eigen, share = _spectrum(eigenvalues, weights)
    require_not_negative(lr=lr, relative_noise=relative_noise)
    at = np.asarray(steps, dtype=np.float64)
    if at.ndim != 1 or np.any(at < 0) or np.any(at != np.floor(at)):
        raise ValueError(f"steps={steps!r} are no steps; give a list of whole numbers from 0 on.")
    x = lr * eigen
    mean, square = (1 - x) ** at[:, None], ((1 - x) ** 2 + (relative_noise * x) ** 2) ** at[:, None]
    left = mean @ share
    return NoisyCurve(at, 1 - left, left**2 + (square - mean**2) @ share**2, square @ share)


def minibatch(
    eigenvalues: ArrayLike,
    weights: ArrayLike,
    lr: float,
    batch_size: int,
    label_noise: float,
    num_steps: int,
    multiplicity: ArrayLike | None = None,
) -> NoisyCurve:
    """SGD on least squares with fresh inputs x ~ N(0, H) and labels x·θ* + σ ζ; J = ½ E (x·e)² + ½ σ².

    A step averages over a batch of B; second moments follow by Wick's rule, in O(K) a step, O(K²) for the projection's.
    Sampling from a finite data set would need the fourth moments of the data.

    Args:
        eigenvalues: λ of H [K]. weights: the share of |e_0|² in each eigenspace [K], normalised here.
        lr: learning rate. batch_size: B. label_noise: σ / R. num_steps: the last t.
        multiplicity: of each eigenvalue [K], 1 by default.

    Raises:
        ValueError: an argument out of its range, named; more than 4000 different eigenvalues.
    """
    eigen, share = _spectrum(eigenvalues, weights)
    count = np.ones_like(eigen) if multiplicity is None else np.asarray(multiplicity, dtype=np.float64)
    if count.shape != eigen.shape or not np.all(count >= 1):
        raise ValueError(f"multiplicity={multiplicity!r} does not fit; give {len(eigen)} numbers from 1 on.")
    if len(eigen) > MOST_EIGENVALUES:
        raise ValueError(f"{len(eigen)} eigenvalues have too many pairs; bin them to {MOST_EIGENVALUES} or fewer.")
    require_not_negative(lr=lr, label_noise=label_noise)
    _require_whole(batch_size=batch_size, num_steps=num_steps)
    x, more = lr * eigen, lr**2 * eigen / batch_size
    own = (1 - x) ** 2 + x**2 / batch_size
    pairs = 1 - x[:, None] - x + (1 + 1 / batch_size) * x[:, None] * x
    total, along = share.copy(), share.copy()  # of an eigenspace, and along the part of e_0 in it; both over R²
    crossed = np.outer(share, share)
    np.fill_diagonal(crossed, 0.0)
    found = []
    for _ in range(num_steps + 1):
        found.append((share @ along + crossed.sum(), total.sum()))
        driven = eigen @ total + label_noise**2
        total, along = own * total + count * more * driven, own * along + more * driven
        crossed *= pairs
    steps, (square, error) = np.arange(num_steps + 1.0), np.array(found).T
    return NoisyCurve(steps, 1 - (1 - x) ** steps[:, None] @ share, square, error)


def minibatch_gain(eigenvalues: ArrayLike, lr: float, batch_size: int) -> float:
    """κ = Σ (lr λ / B) / (2 - lr λ (1 + 1/B)): E |e|² stays bounded iff it is below 1; infinite if one mode diverges.

    The stationary E (x·e)² is κ σ² / (1 - κ).
    """
    x = lr * np.asarray(eigenvalues, dtype=np.float64)
    room = 2 - x * (1 + 1 / batch_size)
    return float(np.sum(x / batch_size / room)) if np.all(room > 0) else float("inf")


def largest_rate(eigenvalues: ArrayLike, batch_size: int) -> float:
    """The learning rate below which minibatch least squares stays bounded in mean square: κ = 1 there.

    Raises:
        ValueError: an eigenvalue is negative or all are zero, batch_size is no whole number from 1 on.
    """
    eigen, _ = _spectrum(eigenvalues, np.ones(np.shape(eigenvalues)))
    _require_whole(batch_size=batch_size)
    if not eigen.max() > 0:
        raise ValueError("all eigenvalues are zero, so every learning rate is stable; give a positive one.")
    top = 2 / (eigen.max() * (1 + 1 / batch_size))
    return float(brentq(lambda lr: 1 / (1 + minibatch_gain(eigen, lr, batch_size)) - 0.5, 0.0, top, xtol=1e-15 * top))


def typical_rate(x: float, relative_noise: float) -> float:
    """E log |1 - x - s x ξ| for normal ξ: almost surely log|e_t| / t tends to this, below half the log of the mean's.

    Raises:
        ValueError: x or relative_noise is negative or not finite, or the factor is 0 for certain.
    """
    require_not_negative(x=x, relative_noise=relative_noise)
    spread = relative_noise * x
    if spread == 0:
        if x == 1:
            raise ValueError(f"x={x:g} without noise ends at the solution in one step; there is no rate.")
        return log(abs(1 - x))
    zero = (1 - x) / spread  # where the factor vanishes, an integrable logarithm
    kinks = sorted({-12.0, min(max(zero, -12.0), 12.0), 12.0})

    def integrand(v: float) -> float:
        return float(np.log(abs(1 - x - spread * v)) * norm.pdf(v))

    return float(sum(quad(integrand, a, b, limit=300)[0] for a, b in pairwise(kinks)))


def _spectrum(eigenvalues: ArrayLike, weights: ArrayLike) -> tuple[Array, Array]:
    eigen, share = np.asarray(eigenvalues, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if eigen.ndim != 1 or not eigen.size or share.shape != eigen.shape:
        raise ValueError(f"eigenvalues {eigen.shape} and weights {share.shape} must be two lists of one length.")
    for name, values in (("eigenvalues", eigen), ("weights", share)):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"{name} must be finite and not negative; the smallest is {values.min():g}.")
    if not share.sum() > 0:
        raise ValueError("weights are all zero: the start is the solution, and there is no axis.")
    return eigen, share / share.sum()


def _require_whole(**values: float) -> None:
    for name, value in values.items():
        if not isfinite(value) or value != int(value) or value < 1:
            raise ValueError(f"{name}={value:g} is not allowed; use a whole number from 1 on.")


def derive(
    *,
    dimension: int = 20,
    lr: float = 0.5,
    relative_noise: float = 0.5,
    batch_size: int = 8,
    label_noise: float = 0.1,
    num_steps: int = 60,
) -> Derivation:
    """Second moments under noise that grows with the gradient; ValueError names a parameter out of range.

    Args:
        dimension: eigenvalues from 0.02 to 1 in equal ratios, 1 to 200. lr: learning rate. relative_noise: s.
        batch_size: B. label_noise: σ / R. num_steps: of the curves, to 1000.
    """
    eigen, weights = _example(dimension, num_steps)
    noisy = proportional(eigen, weights, lr, relative_noise, [num_steps])
    batch = minibatch(eigen, weights, lr, int(batch_size), label_noise, int(num_steps))
    stable = 2 / (1 + relative_noise**2) / float(eigen.max()), largest_rate(eigen, int(batch_size))
    if not lr < min(stable):
        raise ValueError(f"lr={lr:g} is unstable: the mean square grows from lr={min(stable):.6g} on; use a lower one.")
    return Derivation(
        title="Noise that grows with the gradient on a convex quadratic",
        assumptions=[
            "e_t = θ_t - θ*, the Hessian has eigenvalues λ_i; gradient descent with a constant learning rate η.",
            "Proportional: each coordinate's gradient is multiplied by its own 1 + s ξ, ξ of mean 0 and variance 1.",
            "Minibatch: J = ½ E (x·e)², fresh inputs x ~ N(0, H), label noise σ, batches of B.",
        ],
        source="derived here by Wick's rule; J of figures 12 and 13",
        steps=multiplicative_noise_steps.steps(),
        closed_form=multiplicative_noise_steps.closed_form(),
        check=lambda: _checks(eigen, weights, lr, relative_noise, int(batch_size), label_noise),
        values={
            "proportional_projection": float(noisy.projection[-1]),
            "proportional_residual_rms": float(noisy.residual_square[-1] ** 0.5),
            "proportional_largest_stable_lr": stable[0],
            "minibatch_projection": float(batch.projection[-1]),
            "minibatch_residual_rms": float(batch.residual_square[-1] ** 0.5),
            "minibatch_gain": minibatch_gain(eigen, lr, int(batch_size)),
            "minibatch_largest_stable_lr": stable[1],
        },
    )


def _example(dimension: float, num_steps: float) -> tuple[Array, Array]:
    require_whole(dimension=(dimension, 1, 200), num_steps=(num_steps, 1, 1000))
    return np.geomspace(0.02, 1, int(dimension))[::-1], np.ones(int(dimension))


def _checks(eigen: Array, weights: Array, lr: float, noise: float, batch: int, label_noise: float) -> list[Check]:
    steps = multiplicative_noise_runs.MOST_STEPS
    curves = {
        "proportional": proportional(eigen, weights, lr, noise, range(steps + 1)),
        "minibatch": minibatch(eigen, weights, lr, batch, label_noise, steps),
    }
    start = np.sqrt(weights / weights.sum())
    return multiplicative_noise_runs.checks(curves, eigen, start, lr, noise, batch, label_noise)


def draw(
    axes: Any,
    *,
    dimension: int = 20,
    lr: float = 0.5,
    relative_noise: float = 0.5,
    batch_size: int = 8,
    label_noise: float = 0.1,
    num_steps: int = 60,
) -> None:
    """Mean projection and root mean square residual of both, and of gradient descent without noise."""
    eigen, weights = _example(dimension, num_steps)
    steps = range(int(num_steps) + 1)
    noisy = proportional(eigen, weights, lr, relative_noise, steps)
    batch = minibatch(eigen, weights, lr, int(batch_size), label_noise, int(num_steps))
    for label, curve in (
        ("without noise", proportional(eigen, weights, lr, 0.0, steps)),
        (f"proportional noise, s = {relative_noise:g}", noisy),
        (f"minibatches of {batch_size}, σ/R = {label_noise:g}", batch),
    ):
        axes.plot(curve.projection, curve.residual_square**0.5, ".-", label=label)
    x = np.linspace(0, 1, 201)
    axes.plot(x, np.sqrt(x * (1 - x)), ":", color="black", label="half circle")
    label_axes(axes, "mean projection / R (no unit)", "root mean square residual / R (no unit)")
