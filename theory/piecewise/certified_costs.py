"""What ``certified_decrease`` needs of a cost: its slope with an error bound, and how far the slope can rise.

At a point x of the line the outputs are z, their derivatives z' and z'', and in the window [x, x + s] some units may
switch: (example, unit, rate), |rate| >= the slope of the pre-activation. Each adds v |rate| to z' where it switches,
v being its column of W2. Bounds here are sums over the examples, not means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic.intervals import TINY, UNIT, gamma, outward
from theory.arithmetic.polynomial import Array

Index = NDArray[np.intp]
# More than exp loses where it underflows.
UNDERFLOW = 1e-300


@dataclass(frozen=True, eq=False)
class Outputs:
    """z, z', z'' [N, C] at x, right of it; ``errors`` bounds each, over all classes [3, N]. v, dv: W2 there [C, H]."""

    x: float
    z: Array
    first: Array
    second: Array
    errors: Array
    v: Array
    dv: Array


@dataclass(frozen=True, eq=False)
class Window:
    """Units that may switch in [x, x + s]; ``doubtful``: perhaps at x itself, so z' may be off by them there."""

    length: float
    example: Index
    unit: Index
    rate: Array
    doubtful: NDArray[np.bool_]

    def per_example(self, size: Array, count: int) -> Array:
        """Σ over the switches of each example of rate · size, those in doubt at x twice: there and later."""
        weights = self.rate * size[self.unit] * np.where(self.doubtful, 2.0, 1.0)
        return np.asarray(np.bincount(self.example, weights, minlength=count), dtype=np.float64)


def _extremes(size_0: Array, size_1: Array, x: float, length: float) -> Array:
    """A bound on [x, x + s] of a function that is convex along the line, given its values at both ends of it."""
    left, right = min(1.0, x), min(1.0, x + length)
    return np.asarray(outward(np.maximum((1 - left) * size_0 + left * size_1, (1 - right) * size_0 + right * size_1)))


class CrossEntropy:
    """J = mean of log Σ_k exp z_k - z_y."""

    def __init__(self, labels: NDArray[np.intp], v_0: Array, v_1: Array) -> None:
        self.labels = labels
        self.spread_0, self.spread_1 = np.ptp(v_0, axis=0), np.ptp(v_1, axis=0)
        self.over_0, self.over_1 = v_0.max(axis=0) - v_0, v_1.max(axis=0) - v_1  # [C, H]
        self.drift = np.asarray(outward(np.ptp(v_1 - v_0, axis=0) + 4 * UNIT * np.abs(v_1 - v_0).max(axis=0)))
        self.largest = np.maximum(np.abs(v_0), np.abs(v_1)).max(axis=0)

    def prepare(self, outputs: Outputs) -> tuple[float, float]:
        """Σ_n of the slope at x, and a bound of its error; keeps what ``rise`` needs."""
        row, label, classes = np.arange(len(self.labels)), self.labels, outputs.z.shape[1]
        e_z, e_first, e_second = outputs.errors
        p = np.exp(outputs.z - outputs.z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        self.full, self.others = p, p.copy()
        self.others[row, label] = 0.0
        # exp and expm1 are trusted to 4 units in the last place; every exact p is within this of the computed one.
        self.relative = outward(1.01 * np.expm1(2 * e_z) + (2 * classes + 80) * UNIT)
        self.wrong = outward(self.others.sum(axis=1) * (1 + self.relative))  # 1 - p_y [N]
        slopes, bends = (values - values[row, label][:, None] for values in (outputs.first, outputs.second))
        self.slopes, self.bends = slopes, bends
        slack = self.relative + gamma(classes + 4)
        each = np.einsum("nk,nk->n", self.others, slopes)
        lost = p + UNDERFLOW
        error = slack * np.einsum("nk,nk->n", lost, np.abs(slopes)) + 3 * e_first * self.wrong
        self.bend = np.einsum("nk,nk->n", self.others, bends)
        self.bend_error = slack * np.einsum("nk,nk->n", lost, np.abs(bends)) + 3 * e_second * self.wrong
        self.spread, self.curve = (np.ptp(s, axis=1) + 3 * e for s, e in ((slopes, e_first), (bends, e_second)))
        centred = slopes - each[:, None]
        variance = np.einsum("nk,nk->n", lost, centred**2) * (1 + self.relative)
        self.deviation = np.sqrt(variance) + 3 * e_first + 8 * UNIT * np.abs(slopes).max(axis=1)
        return float(each.sum()), float(outward(error.sum() + gamma(len(each) + 1) * np.abs(each).sum()))

    def rise(self, outputs: Outputs, window: Window) -> float:
        """A bound of Σ_n of how far the slope rises above that at x anywhere in the window."""
        s, count = window.length, len(self.labels)
        reach = _extremes(self.spread_0, self.spread_1, outputs.x, s)
        more_curve = 2 * window.per_example(self.drift, count)
        curve = self.curve + more_curve
        change = s * curve + window.per_example(reach, count)
        spread = self.spread + change
        grown = outward(np.expm1(outward(s * spread)))  # p_k and 1 - p_y change by the factor 1 + grown at most
        grow = 1 + grown
        wrong = np.minimum(1.0, outward(self.wrong * grow))
        # z' of all classes may shift together at no cost, so half the change of their spread counts.
        variance = np.minimum(spread**2 / 4, grow * (self.deviation + change / 2) ** 2)
        extra = self.bend_error + wrong * more_curve + grown * self.wrong * curve
        bound = outward(variance.sum() + extra.sum() + gamma(count + 2) * np.abs(self.bend).sum())
        total = s * np.maximum(0.0, self.bend.sum() + bound)  # unlike max, keeps a NaN
        if not len(window.unit):
            return float(outward(total))
        n, j = window.example, window.unit
        over = _extremes(self.over_0, self.over_1, outputs.x, s)
        at_x = np.einsum("ek,ke->e", self.full[n], outputs.v[:, j]) - outputs.v[self.labels[n], j]
        moved = grown[n] * self.wrong[n] * reach[j] + s * self.wrong[n] * self.drift[j]
        blur = 2 * (self.relative[n] + gamma(outputs.z.shape[1] + 8)) * self.largest[j]
        jump = np.minimum(wrong[n] * over[self.labels[n], j], np.maximum(0.0, at_x + outward(moved + blur)))
        jump += np.where(window.doubtful, wrong[n] * reach[j], 0.0)
        return float(outward(total + np.sum(window.rate * jump)))


class SquaredError:
    """J = mean of ‖z - y‖², without the half."""

    def __init__(self, targets: Array, v_0: Array, v_1: Array) -> None:
        self.targets = targets
        self.norm_0, self.norm_1 = np.linalg.norm(v_0, axis=0), np.linalg.norm(v_1, axis=0)
        self.drift = np.asarray(outward(np.linalg.norm(np.abs(v_1 - v_0), axis=0)))

    def prepare(self, outputs: Outputs) -> tuple[float, float]:
        """Σ_n of the slope at x, and a bound of its error; keeps what ``rise`` needs."""
        classes = outputs.z.shape[1]
        self.residual = r = outputs.z - self.targets
        root = float(np.sqrt(classes))
        self.blur = e_r = outward(root * (outputs.errors[0] + UNIT * np.abs(r).max(axis=1)))
        e_first, e_second = root * outputs.errors[1], root * outputs.errors[2]
        self.far, self.fast, self.curve = (
            outward(np.linalg.norm(a, axis=1) + e)
            for a, e in ((r, e_r), (outputs.first, e_first), (outputs.second, e_second))
        )
        each, self.bend = (2 * np.einsum("nc,nc->n", r, a) for a in (outputs.first, outputs.second))
        slack = 2 * gamma(classes + 4) * self.far
        error = slack * self.fast + 2 * (e_r * self.fast + self.far * e_first)
        self.bend_error = slack * self.curve + 2 * (e_r * self.curve + self.far * e_second)
        return float(each.sum()), float(outward(error.sum() + gamma(len(each) + 1) * np.abs(each).sum()))

    def rise(self, outputs: Outputs, window: Window) -> float:
        """A bound of Σ_n of how far the slope rises above that at x anywhere in the window."""
        s, count = window.length, len(self.targets)
        reach = _extremes(self.norm_0, self.norm_1, outputs.x, s)
        more_curve = 2 * window.per_example(self.drift, count)
        curve = self.curve + more_curve
        fast = self.fast + s * curve + window.per_example(reach, count)
        moved = s * fast  # of z
        extra = 2 * fast**2 + self.bend_error + 2 * (self.far * more_curve + moved * curve)
        bound = outward(extra.sum() + gamma(count + 2) * np.abs(self.bend).sum())
        total = s * np.maximum(0.0, self.bend.sum() + bound)  # unlike max, keeps a NaN
        if not len(window.unit):
            return float(outward(total))
        n, j = window.example, window.unit
        at_x = np.einsum("ec,ce->e", self.residual[n], outputs.v[:, j])
        blur = (gamma(outputs.z.shape[1] + 8) * self.far[n] + self.blur[n] + moved[n]) * reach[j]
        jump = 2 * np.maximum(0.0, at_x + outward(blur + s * self.far[n] * self.drift[j]))
        jump += np.where(window.doubtful, 2 * (self.far[n] + moved[n]) * reach[j], 0.0)
        return float(outward(total + np.sum(window.rate * jump) + TINY))
