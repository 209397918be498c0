"""One mode of any depth under gradient flow, balanced or not: the path first, the time along it after.

Differences of squared weights never change, so all weights are functions of the smallest one, x. Its way to the end
is x_end - x = (x_end - x_0) e^{-y}; y' is a bounded function of x, which leaves one quadrature for the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from scipy.special import hyp2f1

from theory.arithmetic.polynomial import Array
from theory.deep_linear.flow_limit import require_strength
from theory.deep_linear.projected import Run, project, times_of


@dataclass(frozen=True, eq=False)
class DeepMode(Run):
    """Flow of w_1 ... w_L with product p: τ w_i' = (s - p) p / w_i. Build it with ``deep_mode``.

    Args:
        smallest: which weight is x. tied: which weights have its size; they equal ± x for ever.
        shifts: w_i² - x² [L]. signs: of w_i, relative to x where tied [L].
    """

    strength: float
    tau: float
    smallest: int
    tied: NDArray[np.bool_]
    shifts: Array
    signs: Array

    def at(self, x: ArrayLike) -> Array:
        """All weights [..., L] where the smallest one is ``x`` [...]."""
        value = np.asarray(x, np.float64)[..., None]
        return np.where(self.tied, self.signs * value, self.signs * np.sqrt(value**2 + self.shifts))

    def curve(self, num: int = 201) -> tuple[Array, Array]:
        """Projection and residual of the path at ``num`` even steps of the smallest weight: no time is needed."""
        x_0, x_1 = self.start[self.smallest], self.end[self.smallest]
        return project(self.at(np.linspace(x_0, x_1, num)), self.start, self.end)

    def rate(self, y: ArrayLike) -> Array:
        """y', where the smallest weight has left e^{-y} of its way to the end.

        (s - p)/(x_end - x) is summed weight by weight: nothing cancels close to the end.
        """
        x_0, x_1 = self.start[self.smallest], self.end[self.smallest]
        x = x_0 - (x_1 - x_0) * np.expm1(-np.asarray(y, np.float64))
        w = self.at(x)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (x + x_1)[..., None] * self.signs / (np.abs(w) + np.abs(self.end))
        slope = np.where(self.tied, self.signs, slope)
        total = sum(
            np.prod(self.end[:i]) * slope[..., i] * np.prod(w[..., i + 1 :], axis=-1) for i in range(len(self.end))
        )
        return np.asarray(total * np.prod(np.delete(w, self.smallest, axis=-1), axis=-1) / self.tau)

    def time(self, left: float) -> float:
        """When the smallest weight has ``left`` (in (0, 1]) of its way still to go, by quadrature."""
        if not 0 < left <= 1:
            raise ValueError(f"left={left:g} is not a share of the way that is reached; use a number above 0, up to 1.")
        last = -np.log(left)
        x_0, x_1 = np.abs([self.start[self.smallest], self.end[self.smallest]])
        pieces = [0.0, *np.geomspace(min(1.0, max(x_0 / x_1, 1e-12)) * last, last, 40)]
        parts = [(a, b) for a, b in pairwise(pieces) if b > a]
        return float(sum(quad(lambda y: 1 / float(self.rate(y)), *part, epsabs=0, epsrel=1e-13)[0] for part in parts))


def deep_mode(start: ArrayLike, strength: float = 1.0, tau: float = 1.0) -> DeepMode:
    """The run from ``start`` [L], L >= 2, to product = strength.

    Raises:
        ValueError: fewer than two weights, values not finite, strength 0, tau not positive, a start at the end or one
            that flows into a saddle (the two smallest weights are as large, and the product has the wrong sign).
    """
    w = np.array(start, np.float64)
    require_strength(strength)
    require_tau(tau)
    if w.ndim != 1 or len(w) < 2 or not np.all(np.isfinite(w)):
        raise ValueError(f"start has shape {w.shape}; give L >= 2 finite weights, one a layer.")
    size = np.abs(w)
    smallest = int(np.argmin(size))
    tied = size == size[smallest]
    with np.errstate(over="ignore"):  # refused below
        shifts = (size - size[smallest]) * (size + size[smallest])
    signs = np.where(w < 0, -1.0, 1.0)
    num = int(tied.sum())
    if num == 1:
        side = np.sign(strength) * np.prod(np.delete(signs, smallest))
    elif np.prod(w) * strength > 0:
        side = signs[smallest]
    else:
        raise ValueError(
            "the start flows into a saddle: its two smallest weights are as large and the product is 0 "
            "or of the wrong sign; make one weight smaller than all others."
        )
    signs = np.where(tied, signs * signs[smallest], signs)
    with np.errstate(over="ignore", divide="ignore"):
        high = np.log(abs(strength)) / len(w)
        rest = 0.5 * float(np.sum(np.log(np.exp(2 * high) + shifts[~tied])))
        low = (np.log(abs(strength)) - rest) / num
        target = np.log(abs(strength))
    if not np.isfinite([high, low]).all():
        raise ValueError("the weights at the end leave the range of float64; use weights nearer to the strength.")

    def excess(log_x: float) -> float:
        return float(num * log_x + 0.5 * np.sum(np.log(np.exp(2 * log_x) + shifts[~tied])) - target)

    root = high if high - low < 1e-15 else brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-16, rtol=1e-15)
    run = DeepMode(w, w, lambda times: _weights(run, times), float(strength), float(tau), smallest, tied, shifts, signs)
    end = run.at(side * np.exp(root))
    if end[smallest] == w[smallest]:
        raise ValueError("the start already is a solution, so its line has length zero.")
    object.__setattr__(run, "end", end)
    return run


def require_tau(tau: float) -> None:
    """Refuse a time constant that is none."""
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau={tau:g} is not a time constant; use a positive finite number.")


def _weights(run: DeepMode, times: Array) -> Array:
    x_0, x_1 = run.start[run.smallest], run.end[run.smallest]
    y = progress(lambda _, y: run.rate(y), 1, times, min(1.0, abs(x_0 / x_1)))[:, 0]
    return run.at(x_0 - (x_1 - x_0) * np.expm1(-y))


def progress(rate: Callable[[float, Array], Any], num: int, times: Array, scale: float) -> Array:
    """y [T, num] from y = 0 at ``times`` [T], to 1e-12 relative; smooth and never stiff, however late."""
    asked, back = np.unique(times, return_inverse=True)
    if asked[-1] == 0:
        return np.zeros((len(times), num))
    span, finest = (0.0, asked[-1]), 1e-14 * max(scale, 1e-100)
    found = solve_ivp(rate, span, np.zeros(num), t_eval=asked, method="DOP853", rtol=1e-12, atol=finest)
    if not found.success:
        raise ValueError(f"the flow could not be followed to time {asked[-1]:g}; ask for earlier times.")
    return np.asarray(found.y.T[back])


def balanced_time(size: ArrayLike, start: float, strength: float = 1.0, depth: int = 3, tau: float = 1.0) -> Array:
    """When a balanced mode, all L weights a, went from ``start`` to ``size``, in closed form: τ a' = a^{L-1} (s - a^L).

    Args:
        size: a [...], from start on and below s^{1/L}.

    Raises:
        ValueError: strength not positive, depth below 2, start or size out of range.
    """
    _require_growth(size, start, strength, depth, tau)
    a = np.asarray(size, np.float64)
    if depth == 2:
        return np.asarray(tau / (2 * strength) * np.log(a**2 * (strength - start**2) / start**2 / (strength - a**2)))
    first = (2 - depth) / depth

    def primitive(x: ArrayLike) -> Array:
        x = np.asarray(x, np.float64)
        return np.asarray(x ** (2.0 - depth) / (2 - depth) * hyp2f1(1, first, first + 1, x**depth / strength))

    return np.asarray(tau / strength * (primitive(a) - primitive(start)))


def very_deep_time(product: ArrayLike, start: float, strength: float = 1.0, tau: float = 1.0) -> Array:
    """Depth times the time in which the product grows from ``start`` to ``product``, as the depth goes to infinity."""
    _require_growth(product, start, strength, 1, tau)
    u, s = np.asarray(product, np.float64), strength
    return np.asarray(tau * (np.log(u * (s - start) / start / (s - u)) / s**2 + (1 / start - 1 / u) / s))


def _require_growth(size: ArrayLike, start: float, strength: float, depth: int, tau: float) -> None:
    require_strength(strength)
    require_tau(tau)
    if strength < 0 or depth != int(depth) or depth < 1:
        raise ValueError(
            f"strength={strength:g}, depth={depth:g}: use a positive strength and a whole depth, 2 or more."
        )
    array, end = np.asarray(size, np.float64), strength ** (1 / depth)
    if not (0 < start < end and np.all(array >= start) and np.all(array < end)):
        raise ValueError(f"start={start:g} must lie above 0 and below {end:g}, and all sizes between the two.")


def aligned_progress(starts: Array, ends: Array, depth: int, tau: float, times: ArrayLike) -> Array:
    """g [T, K], the share of its way that each of K balanced modes has left; starts, ends: their sizes, above 0."""
    asked = times_of(times)
    if depth == 2:
        s = ends**2
        left = (s / starts**2 - 1) * np.exp(-2 * s * asked[:, None] / tau)  # (s - a²)/a²
        return np.asarray(s * left / (1 + left) / (ends + np.sqrt(s / (1 + left))) / (ends - starts))

    def rate(_: float, y: Array) -> Array:
        x = starts - (ends - starts) * np.expm1(-y)
        return np.asarray(x ** (depth - 1) * sum(ends ** (depth - 1 - i) * x**i for i in range(depth)) / tau)

    return np.exp(-progress(rate, len(starts), asked, float(np.min(starts / ends, initial=1.0))))
