"""A proof that J strictly decreases along the line of a ReLU network, kinks and rounding included.

From a point x with a negative slope the slope can rise by no more than s M + U within [x, x + s]: M bounds J'' between
kinks, U sums the upward jumps of all units that may switch in the window. While that leaves it negative, J decreases
on the window, and the next one starts at its end. One-sided: where J rises, or its slope is too close to zero, the
proof stops and says where; it never claims a rise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.intervals import affine_error, between, gamma, outward
from theory.arithmetic.polynomial import Array, require_interval
from theory.piecewise.certified_costs import CrossEntropy, Outputs, SquaredError, Window
from theory.piecewise.events import Network, read_line

# Windows shorter than this are not tried: the slope is zero to what the bounds can see.
SHORTEST = 2.0**-30
ROWS = 4096
ASSUMPTIONS = (
    "weights, inputs and targets are the real numbers that their floats are",
    "float64 rounds to nearest; matrix products use no Strassen-like method",
    "exp and expm1 are off by at most 4 units in the last place",
)


@dataclass(frozen=True)
class Certificate:
    """J strictly decreases on [low, reached].

    Args:
        interval: (low, high) that was asked for. reached: where the proof ends; high if it is complete.
        windows: the ends of the windows, reached in order [W + 1].
        slope: upper bound of J' on all windows, negative; NaN if there is none.
        num_slopes: evaluations of J'. last_slope: J' at ``reached`` with its error bound, where the proof stopped.
        cost: of the network, by name.
    """

    interval: tuple[float, float]
    reached: float
    windows: tuple[float, ...]
    slope: float
    num_slopes: int
    last_slope: tuple[float, float]
    cost: str
    stopped: str

    @property
    def decreasing(self) -> bool:
        """Whether the proof covers the whole interval."""
        return self.reached == self.interval[1]

    @property
    def proven(self) -> tuple[tuple[float, float], ...]:
        """The proven intervals: one, or none."""
        return ((self.interval[0], self.reached),) if self.reached > self.interval[0] else ()

    @property
    def statement(self) -> str:
        """The theorem in words, or where its proof stops."""
        low, high = self.interval
        how = f"{self.num_slopes} slopes, kinks and rounding bounded; assumed: {'; '.join(ASSUMPTIONS)}"
        if self.decreasing:
            slope = f"slope at most about {self.slope:.3g}"
            return f"Proven: J is strictly decreasing on [{low!r}, {high!r}], {slope} ({how})."
        start = f"Proven: J is strictly decreasing on [{low!r}, {self.reached!r}]; " if self.proven else ""
        return f"{start}{'n' if start else 'N'}ot decided beyond {self.reached!r}: {self.stopped} ({how})."


class _Network:
    """Pre-activations at both ends, and error bounds that hold on the whole line."""

    def __init__(self, start: tuple[Array, ...], end: tuple[Array, ...], x: Array) -> None:
        self.v_0, self.c_0, self.v_1, self.c_1 = start[2], start[3], end[2], end[3]
        self.dv, self.dc = self.v_1 - self.v_0, self.c_1 - self.c_0
        units = self.v_0.shape[1]
        shape = (len(x), units)
        self.a_0, self.a_1, self.error, self.rate, rate_error = (np.empty(shape) for _ in range(5))
        for first in range(0, len(x), ROWS):
            rows = slice(first, first + ROWS)
            part = np.asarray(x[rows], dtype=np.float64)
            self.a_0[rows], self.a_1[rows] = (part @ w.T + b for w, b in (start[:2], end[:2]))
            e_0, e_1 = (affine_error(part, w, b) for w, b in (start[:2], end[:2]))
            size = np.maximum(np.abs(self.a_0[rows]), np.abs(self.a_1[rows]))
            self.error[rows] = outward(np.maximum(e_0, e_1) + gamma(4) * size)
            self.rate[rows] = self.a_1[rows] - self.a_0[rows]
            rate_error[rows] = outward(e_0 + e_1 + gamma(1) * np.abs(self.rate[rows]))
        self.steepest = outward(np.abs(self.rate) + rate_error)  # of the exact pre-activation
        hidden = outward(np.maximum(np.abs(self.a_0), np.abs(self.a_1)) + self.error)
        v, dv = np.maximum(np.abs(self.v_0), np.abs(self.v_1)).T, np.abs(self.dv).T
        c, dc = np.maximum(np.abs(self.c_0), np.abs(self.c_1)), np.abs(self.dc)
        # γ counts the rounding of the weights between the ends, of the products, and of what is done to outputs later.
        z = self.error @ v + gamma(units + 16) * (hidden @ v + c)
        first_ = self.error @ dv + rate_error @ v + gamma(2 * units + 16) * (hidden @ dv + self.steepest @ v + dc)
        second = 2 * (rate_error @ dv + gamma(units + 16) * (self.steepest @ dv))
        self.errors = np.asarray(outward(np.stack([e.max(axis=1) for e in (z, first_, second)])))
        self.columns = np.concatenate([self.v_0, self.dv])

    def at(self, alpha: float) -> tuple[Array, Outputs]:
        """Pre-activations [N, H] and outputs; a unit exactly on its kink counts as off, which its doubt covers."""
        a = between(self.a_0, self.a_1, alpha)
        v = between(self.v_0, self.v_1, alpha)
        both = np.concatenate([v, self.dv]).T  # [H, 2C]
        classes = len(v)
        hidden = np.maximum(a, 0.0) @ both
        moving = np.where(a > 0, self.rate, 0.0) @ both
        z = hidden[:, :classes] + between(self.c_0, self.c_1, alpha)
        first = hidden[:, classes:] + moving[:, :classes] + self.dc
        return a, Outputs(alpha, z, first, 2 * moving[:, classes:], self.errors, v, self.dv)

    def window(self, a: Array, low: float, high: float) -> Window:
        """Every unit whose sign is not proven to be the same on the whole window: no kink can be missed."""
        later = between(self.a_0, self.a_1, high)
        error = self.error
        safe = ((a > error) & (later > error)) | ((a < -error) & (later < -error))  # linear between
        example, unit = np.nonzero(~safe)
        doubtful = np.abs(a[example, unit]) <= error[example, unit]
        length = float(outward(high - low))
        return Window(length, example, unit, self.steepest[example, unit], doubtful)


def line(
    network_0: Network,
    network_1: Network,
    x: ArrayLike,
    labels: ArrayLike,
    *,
    cost: str = "cross_entropy",
    interval: tuple[float, float] = (0.0, 1.0),
    max_slopes: int = 10_000,
) -> Certificate:
    """Tries to prove that J strictly decreases along (1 - α) network_0 + α network_1, one hidden ReLU layer.

    Args:
        network_0, network_1: (W1 [H, D], b1 [H], W2 [C, H], b2 [C]). x: inputs [N, D].
        labels: classes [N] for cost="cross_entropy" (softmax), targets [N, C] for cost="squared_error" (no half).
        interval: of α, inside [0, 1]. max_slopes: where to give up.

    Raises:
        ValueError: shapes that do not fit, ends equal, no data, NaN or infinity, labels that are no classes, overflow.
    """
    start, end, inputs = read_line(network_0, network_1, x)
    require_interval(interval)
    if not 0 <= interval[0] < interval[1] <= 1:
        raise ValueError(f"interval=({interval[0]:g}, {interval[1]:g}) leaves [0, 1]; the bounds hold only inside.")
    if max_slopes < 1:
        raise ValueError(f"max_slopes={max_slopes} is not allowed; use a whole number from 1 up.")
    rule = _cost(cost, np.asarray(labels), len(inputs), start[2], end[2])
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # what is not finite proves nothing
        network = _Network(start, end, inputs)
        if not (np.all(np.isfinite(network.errors)) and np.all(np.isfinite(network.steepest))):
            raise ValueError("the outputs along this line overflow float64; use smaller weights or data.")
        return _walk(network, rule, cost, (float(interval[0]), float(interval[1])), max_slopes)


def _cost(cost: str, labels: Array, count: int, v_0: Array, v_1: Array) -> CrossEntropy | SquaredError:
    classes = len(v_0)
    if cost == "squared_error":
        targets = np.asarray(labels, dtype=np.float64)
        if targets.shape != (count, classes) or not np.all(np.isfinite(targets)):
            raise ValueError(f"labels is {targets.shape}; cost=squared_error needs finite [{count}, {classes}].")
        return SquaredError(targets, v_0, v_1)
    if cost != "cross_entropy":
        raise ValueError(f"cost={cost} is unknown; use cross_entropy or squared_error.")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels is {labels.dtype} {labels.shape}; cross-entropy needs {count} whole numbers.")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels range from {labels.min()} to {labels.max()}; W2 has {classes} rows, from 0 up.")
    return CrossEntropy(labels.astype(np.intp), v_0, v_1)


def _walk(
    network: _Network, rule: CrossEntropy | SquaredError, cost: str, interval: tuple[float, float], max_slopes: int
) -> Certificate:
    (low, high), count = interval, len(network.a_0)
    x, step, ends, worst, slopes = low, (high - low) / 64, [low], -np.inf, 0
    slope = error = np.nan
    stopped = ""
    while x < high and not stopped:
        if slopes == max_slopes:
            stopped = f"max_slopes={max_slopes} are used up"
            break
        a, outputs = network.at(x)
        slope, error = rule.prepare(outputs)
        slopes += 1
        if not slope + error < 0:
            stopped = f"the slope there, {slope / count:.3g} ± {error / count:.2g}, is not proven negative"
        while not stopped:
            end = min(high, x + step)
            rise = rule.rise(outputs, network.window(a, x, end))
            bound = slope + (error + rise)
            room = -(slope + error) / rise if rise > 0 else 4.0
            if bound < 0:
                worst, x = max(worst, bound), end
                ends.append(x)
                step *= min(4.0, max(0.5, 0.8 * room))
                break
            step *= min(0.7, max(0.05, 0.8 * room)) if np.isfinite(room) else 0.05
            if step < SHORTEST or x + step <= x:
                stopped = f"the slope there, {slope / count:.3g}, may rise to zero within {SHORTEST:.1g}"
    return Certificate(
        interval,
        x,
        tuple(ends),
        worst / count if len(ends) > 1 else float("nan"),
        slopes,
        (slope / count, error / count),
        cost,
        stopped,
    )
