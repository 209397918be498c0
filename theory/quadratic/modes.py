"""One eigenvalue under gradient descent, heavy ball or Nesterov: the factor left of its error after t steps, O(1) in t.

Along an eigenvector with eigenvalue λ every method here is e_{t+1} = trace·e_t - det·e_{t-1} with constants in
x = lr·λ, so e_t = g_t(λ)·e_0 with g_t a combination of powers of the two characteristic roots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arithmetic.polynomial import Array

Kind = Literal["heavy_ball", "nesterov", "nesterov_torch"]

_SUMMED_STEPS = 1024  # noise sums are added up to here; beyond, the limit less its tail loses no digits


@dataclass(frozen=True)
class Method:
    """A first-order method with constant hyperparameters, started at rest; build it with the functions below."""

    kind: Kind
    lr: float
    momentum: float = 0.0
    dampening: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr={self.lr} is no learning rate: it must be a positive finite number")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum={self.momentum} is out of range: it must be in [0, 1)")
        if not 0 <= self.dampening < 1:
            raise ValueError(f"dampening={self.dampening} is out of range: it must be in [0, 1)")
        if self.kind != "heavy_ball" and self.dampening != 0:
            raise ValueError(f"dampening={self.dampening} must be 0 with Nesterov momentum, as in torch")

    def stability_bound(self) -> float:
        """The lr·λ below which every error decays: all characteristic roots are then inside the unit circle."""
        if self.kind == "heavy_ball":
            return 2 * (1 + self.momentum) / (1 - self.dampening)
        return 2 * (1 + self.momentum) / (1 + 2 * self.momentum)

    def require_stable(self, eigenvalues: ArrayLike) -> None:
        """Refuse a learning rate under which the largest eigenvalue does not decay."""
        largest = float(np.max(np.asarray(eigenvalues, np.float64)))
        bound = self.stability_bound()
        if not self.lr * largest < bound:
            raise ValueError(
                f"lr={self.lr} is unstable for the largest eigenvalue {largest:.6g}: lr times it is "
                f"{self.lr * largest:.6g} and must stay below {bound:.6g}; take lr < {bound / largest:.6g}"
            )


def gradient_descent(lr: float) -> Method:
    """θ ← θ - lr·∇J; g_t = (1 - lr·λ)^t."""
    return Method("heavy_ball", lr)


def heavy_ball(lr: float, momentum: float) -> Method:
    """v ← momentum·v - lr·∇J, θ ← θ + v, v_0 = 0: the learning rate is inside the velocity.

    At constant lr this is torch's SGD with dampening 0; the conventions part when lr changes on the way.
    """
    return Method("heavy_ball", lr, momentum)


def nesterov(lr: float, momentum: float) -> Method:
    """Textbook form: y = θ + momentum·(θ - θ_before), θ ← y - lr·∇J(y), at rest at first."""
    return Method("nesterov", lr, momentum)


def torch_sgd(lr: float, momentum: float = 0.0, dampening: float = 0.0, *, nesterov: bool = False) -> Method:
    """``torch.optim.SGD``: b ← momentum·b + (1 - dampening)·∇J, θ ← θ - lr·b, and b = ∇J, undampened, at step one.

    With ``nesterov`` the parameter is the look-ahead point y of the textbook form. Dampening acts on momentum only.
    """
    if nesterov:
        if momentum == 0:
            raise ValueError(f"momentum={momentum} must be positive with nesterov=True, as in torch")
        return Method("nesterov_torch", lr, momentum, dampening)
    return Method("heavy_ball", lr, momentum, dampening if momentum else 0.0)


@dataclass(frozen=True)
class Recurrence:
    """e_{t+1} = trace·e_t - det·e_{t-1} and its start e_1 = first·e_0; every field is [K].

    ``discriminant`` = trace²/4 - det is kept factored, ``gap`` = 2 - trace and ``slow`` = 1 - trace + det are kept
    without their cancellation: near a double root or a tiny eigenvalue these differences hold all the digits.
    """

    trace: Array
    det: Array
    first: Array
    discriminant: Array
    gap: Array
    slow: Array


def recurrence(method: Method, eigenvalues: ArrayLike) -> Recurrence:
    """The recurrence of each eigenvalue [K]."""
    x = method.lr * np.atleast_1d(np.asarray(eigenvalues, np.float64))
    m = method.momentum
    if method.kind == "heavy_ball":
        y = (1 - method.dampening) * x
        root = math.sqrt(m)
        near = ((1 - m) / (1 + root)) ** 2  # (1 - √m)²: the double root's y, exact enough to subtract
        disc = ((1 + root) ** 2 - y) * (near - y) / 4
        return Recurrence(1 + m - y, np.full_like(x, m), 1 - x, disc, 1 - m + y, y)
    first = 1 - x if method.kind == "nesterov" else 1 - (1 + m) * x
    disc = (1 - x) * ((1 - m) ** 2 - (1 + m) ** 2 * x) / 4
    return Recurrence((1 + m) * (1 - x), m * (1 - x), first, disc, 1 - m + (1 + m) * x, x)


def _steps(steps: ArrayLike) -> Array:
    array = np.atleast_1d(np.asarray(steps))
    if array.size == 0 or not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array != np.floor(array)):
        raise ValueError("steps must be whole numbers, 0 or more, at least one of them")
    return array.astype(np.float64)


def _sign(negative: NDArray[np.bool_], t: Array) -> Array:
    return np.where(negative & (np.mod(t, 2) == 1), -1.0, 1.0)


def _solutions(r: Recurrence, steps: Array) -> tuple[Array, Array]:
    """(g, h) [T, K]: the solutions with start (1, first) and (0, 1).

    g = A + (first - a)·h, where A_t = a^t for the root a nearer to zero (its real part if complex): for every method
    here both terms then have one sign while the roots are real, so nothing cancels.
    """
    t = steps[:, None]
    g = np.empty((steps.size, r.trace.size))
    h = np.empty_like(g)
    half, negative = np.abs(r.trace) / 2, r.trace < 0
    sign = np.where(negative, -1.0, 1.0)
    with np.errstate(over="ignore", under="ignore"):
        k = r.discriminant < 0
        s = np.sqrt(-r.discriminant[k])
        angle, radius = np.arctan2(s, half[k]), np.sqrt(r.det[k])
        flip, size = _sign(negative[k], t), radius**t
        h[:, k] = flip * sign[k] * size * np.sin(t * angle) / s
        g[:, k] = flip * size * np.cos(t * angle) + (r.first[k] - r.trace[k] / 2) * h[:, k]

        k = r.discriminant == 0
        root = r.trace[k] / 2
        h[:, k] = t * root ** np.maximum(t - 1, 0)
        g[:, k] = root**t + (r.first[k] - root) * h[:, k]

        k = r.discriminant > 0
        s = np.sqrt(r.discriminant[k])
        large = half[k] + s
        small = r.det[k] / large
        below = r.slow[k] / (r.gap[k] / 2 + s)  # one less the larger root, where that root is positive
        precise = ~negative[k] & (below < 0.5)
        log_large = np.where(precise, np.log1p(-np.where(precise, below, 0.0)), np.log(large))
        apart = np.minimum(2 * s / large, 2.0)  # 1 - small/large
        between = apart < 1
        log_ratio = np.log1p(-np.where(between, apart, 0.0))
        one_less = np.where(between, -np.expm1(t * log_ratio), 1 - (small / large) ** t)
        power = np.exp(np.maximum(t - 1, 0) * log_large)
        h[:, k] = _sign(negative[k], t) * sign[k] * power * one_less / apart
        g[:, k] = (sign[k] * small) ** t + (r.first[k] - sign[k] * small) * h[:, k]
    return g, h


def factor(method: Method, eigenvalues: ArrayLike, steps: ArrayLike) -> Array:
    """g_t(λ) = e_t/e_0 along the eigenvector of λ, at a cost that does not depend on t.

    Args:
        eigenvalues: [K]; unstable ones are evaluated too.
        steps: [T], whole numbers.

    Returns:
        [T, K].
    """
    return _solutions(recurrence(method, eigenvalues), _steps(steps))[0]


def noise_gain(method: Method, eigenvalues: ArrayLike, steps: ArrayLike) -> Array:
    """Var(e_t) [T, K] from independent gradient noise of variance one at each step; scales with that variance.

    The sums Σ h_k² are added for the first few steps; later ones are the stationary sum less its tail, which is a
    quadratic form in (h_{t+1}, h_t), so the cost does not grow with t. Needs a stable learning rate.
    """
    method.require_stable(eigenvalues)
    r, t = recurrence(method, eigenvalues), _steps(steps)
    if method.kind == "nesterov_torch":  # the kick enters twice: (1 + m)·h_k - m·h_{k-1}
        m = method.momentum
        square, cross = _sums(r, t)
        before = _sums(r, np.maximum(t - 1, 0))[0]
        return np.asarray(method.lr**2 * ((1 + m) ** 2 * square - 2 * m * (1 + m) * cross + m**2 * before))
    if method.dampening:  # the first gradient is not dampened
        square = _sums(r, np.maximum(t - 1, 0))[0]
        return np.asarray(method.lr**2 * ((1 - method.dampening) ** 2 * square + _solutions(r, t)[1] ** 2))
    return np.asarray(method.lr**2 * _sums(r, t)[0])


def _sums(r: Recurrence, steps: Array) -> tuple[Array, Array]:
    """(Σ_{k≤t} h_k², Σ_{k≤t} h_k·h_{k-1}) [T, K]."""
    h, after = _solutions(r, steps)[1], _solutions(r, steps + 1)[1]
    common = (1 - r.det) * r.slow * (1 + r.trace + r.det)
    limit, limit_cross = (1 + r.det) / common, r.trace / common
    square = limit * (1 - after**2 - (r.det * h) ** 2) + 2 * r.det * limit_cross * after * h
    early = steps <= _SUMMED_STEPS
    if np.any(early):
        now, before, total = np.ones_like(r.trace), np.zeros_like(r.trace), np.zeros_like(r.trace)
        for step in range(int(steps[early].max()) + 1):
            square[steps == step] = total
            total = total + now**2
            now, before = r.trace * now - r.det * before, now
    return square, (r.trace * square - after * h) / (1 + r.det)


def bound(method: Method, eigenvalues: ArrayLike) -> Array:
    """A proven bound on |g_t(λ)| over all t [K]; infinite where none is proven (Nesterov beyond lr·λ = 1).

    A quadratic form in error and velocity that never grows gives it: see ``law.derive``. |g| ≤ 1 is
    false for heavy ball, even at lr·λ ≤ 1.
    """
    method.require_stable(eigenvalues)
    x, m = method.lr * np.atleast_1d(np.asarray(eigenvalues, np.float64)), method.momentum
    if method.kind != "heavy_ball":
        inside = x < 1
        tail = m**2 * x / np.where(inside, 1 - x, 1.0) if method.kind == "nesterov_torch" else np.zeros_like(x)
        return np.where(inside, np.sqrt(1 + tail), np.inf)
    y = (1 - method.dampening) * x
    p, q = -m / (1 + m), (2 / y - (1 - m)) / (1 + m)
    after_first = (1 - x) ** 2 - 2 * p * x * (1 - x) + q * x**2  # above one only if the first step is not dampened
    return np.sqrt(np.maximum(1.0, after_first) / (1 - p**2 / q))
