"""Softmax cross-entropy along a line through a network of polynomial activations: logits known from one pass.

Every logit of every example is a polynomial in α: of degree L in a deep linear network, of (p^L - 1)/(p - 1) where
activations have degree p. Its Bernstein coefficients are pushed through the layers once; then any α costs a sum over
the degree, whatever the widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax

from theory.arithmetic.polynomial import Array, differentiated, evaluate, require_interval
from theory.derivation import Check, Derivation, Step, Steps, label_axes, require_whole

# Binomials of this degree still fit in float64.
LARGEST_DEGREE = 500


@dataclass(frozen=True, eq=False)
class LogitLine:
    """z(α) of every example.

    Args:
        coefficients: Bernstein coefficients over the interval [n + 1, N, C]. interval: (low, high) in α.
    """

    coefficients: Array
    interval: tuple[float, float] = (0.0, 1.0)

    @property
    def degree(self) -> int:
        """n."""
        return len(self.coefficients) - 1

    def __call__(self, alphas: ArrayLike, order: int = 0) -> Array:
        """The logits, or their derivatives of an order >= 0, at every alpha [..., N, C]."""
        if order < 0:
            raise ValueError(f"order={order} is not an order of derivative; use 0, 1, 2, ...")
        low, high = self.interval
        table = differentiated(self.coefficients, order, high - low)
        t = (np.asarray(alphas, dtype=np.float64) - low) / (high - low)
        basis = np.stack([evaluate(row, t) for row in np.eye(len(table))], axis=-1)
        return np.asarray((basis @ table.reshape(len(table), -1)).reshape(*t.shape, *table.shape[1:]))

    def cross_entropy(self, alphas: ArrayLike, labels: ArrayLike) -> Array:
        """J, the mean of -log softmax(z)_label in nats, at every alpha [...]; labels [N], whole numbers below C."""
        z, right = self(alphas), self._labels(labels)
        return np.asarray((logsumexp(z, axis=-1) - z[..., np.arange(len(right)), right]).mean(axis=-1))

    def slope(self, alphas: ArrayLike, labels: ArrayLike) -> Array:
        """J' of the cross-entropy at every alpha [...]."""
        right = self._labels(labels)
        gap = softmax(self(alphas), axis=-1)
        gap[..., np.arange(len(right)), right] -= 1
        return np.asarray((gap * self(alphas, 1)).sum(axis=-1).mean(axis=-1))

    def error_rate(self, alphas: ArrayLike, labels: ArrayLike) -> Array:
        """The share of examples whose largest logit is another than that of the label, at every alpha [...]."""
        return np.asarray((self(alphas).argmax(axis=-1) != self._labels(labels)).mean(axis=-1))

    def _labels(self, labels: ArrayLike) -> NDArray[np.int64]:
        given, (examples, classes) = np.asarray(labels), self.coefficients.shape[1:]
        if given.shape != (examples,) or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= classes:
            raise ValueError(
                f"labels of shape {given.shape} and type {given.dtype} do not fit; give {examples} whole "
                f"numbers from 0 to {classes - 1}."
            )
        return given.astype(np.int64)


def line(
    layers_0: Sequence[tuple[ArrayLike, ArrayLike]],
    layers_1: Sequence[tuple[ArrayLike, ArrayLike]],
    x: ArrayLike,
    activation: Sequence[float] = (0.0, 1.0),
    interval: tuple[float, float] = (0.0, 1.0),
) -> LogitLine:
    """The logits along the line between two networks, in one pass.

    Args:
        layers_0, layers_1: (weight [out, in], bias [out]) of every layer, the input side first.
        x: inputs [N, D]. activation: a_0, a_1, ... of a_0 + a_1 h + a_2 h² + ..., between layers.
        interval: where α will be asked for; the basis is at its most accurate there.

    Raises:
        ValueError: layers, inputs or activation that do not fit or are not finite, a degree above 500.
    """
    require_interval(interval)
    start, end, inputs = _layers(layers_0, "layers_0"), _layers(layers_1, "layers_1"), np.asarray(x, dtype=np.float64)
    shapes = [[w.shape for w, _ in layers] for layers in (start, end)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"layers_0 has shapes {shapes[0]} but layers_1 {shapes[1]}; both ends must be one network.")
    if inputs.ndim != 2 or not len(inputs) or inputs.shape[1] != shapes[0][0][1] or not np.all(np.isfinite(inputs)):
        raise ValueError(f"x has shape {inputs.shape}; give finite inputs [N, {shapes[0][0][1]}], N at least 1.")
    powers = [float(a) for a in activation]
    if not powers or not np.all(np.isfinite(powers)):
        raise ValueError(f"activation={list(activation)} is no polynomial; give finite a_0, a_1, ...")
    table = inputs[None]
    for number, ((w0, b0), (w1, b1)) in enumerate(zip(start, end, strict=True)):
        degree = (len(table) - 1) * ((len(powers) - 1) if number else 1) + 1
        if degree > LARGEST_DEGREE:
            raise ValueError(f"the logits would have degree {degree} or more; the most is {LARGEST_DEGREE}.")
        if number:
            table = _activate(table, powers)
        (w_low, b_low), (w_high, b_high) = (((1 - a) * w0 + a * w1, (1 - a) * b0 + a * b1) for a in interval)
        share = (np.arange(len(table) + 1) / len(table))[:, None, None]
        nothing = np.zeros((1, len(inputs), len(b0)))
        table = (1 - share) * np.concatenate([table @ w_low.T + b_low, nothing]) + share * np.concatenate(
            [nothing, table @ w_high.T + b_high]
        )
    return LogitLine(table, interval)


def _activate(table: Array, powers: Sequence[float]) -> Array:
    """Σ a_k h^k by Horner's rule; a constant is the same in every coefficient."""
    result = np.full_like(table[:1], powers[-1])
    for a in reversed(powers[:-1]):
        result = multiply(result, table) + a
    return result


def multiply(p: Array, q: Array) -> Array:
    """Bernstein coefficients [m + n + 1, ...] of the product of two polynomials [m + 1, ...] and [n + 1, ...].

    Source: Farouki & Rajan 1988.
    """
    m, n = len(p) - 1, len(q) - 1
    result = np.zeros((m + n + 1, *np.broadcast_shapes(p.shape[1:], q.shape[1:])))
    for i in range(m + 1):
        for j in range(n + 1):
            result[i + j] += comb(m, i) * comb(n, j) / comb(m + n, i + j) * p[i] * q[j]
    return result


def _layers(layers: Sequence[tuple[ArrayLike, ArrayLike]], name: str) -> list[tuple[Array, Array]]:
    arrays = [(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)) for w, b in layers]
    if not arrays:
        raise ValueError(f"{name} holds no layer; give (weight, bias) of one or more.")
    for number, (w, b) in enumerate(arrays, start=1):
        if w.ndim != 2 or not w.size or b.shape != w.shape[:1]:
            raise ValueError(
                f"layer {number} of {name} has weight {w.shape} and bias {b.shape}; use [out, in] and [out]."
            )
        if not (np.all(np.isfinite(w)) and np.all(np.isfinite(b))):
            raise ValueError(f"layer {number} of {name} holds NaN or infinity; interpolate between finite weights.")
        if number > 1 and w.shape[1] != len(arrays[number - 2][1]):
            raise ValueError(
                f"layer {number} of {name} takes {w.shape[1]} inputs but the one before has "
                f"{len(arrays[number - 2][1])} outputs; give the input side first."
            )
    return arrays


def steps() -> Steps:
    """Degrees for any depth and power, the slope for two classes."""
    t, y = sp.symbols("t y", real=True)
    p, depth = sp.symbols("p L", positive=True)
    low, high, *h = sp.symbols("w_0 w_1 h_0:3", real=True)
    z = [sp.Function(f"z_{k}")(t) for k in (1, 2)]

    def bernstein(values: Sequence[Any]) -> Any:
        n = len(values) - 1
        return sum((sp.binomial(n, k) * t**k * (1 - t) ** (n - k) * v for k, v in enumerate(values)), sp.S.Zero)

    layer = [
        (1 - sp.Rational(k, 3)) * low * (h[k] if k < 3 else 0) + sp.Rational(k, 3) * high * (h[k - 1] if k else 0)
        for k in range(4)
    ]
    shares = [[sp.binomial(2, i) * sp.binomial(2, j) / sp.binomial(4, i + j) for j in range(3)] for i in range(3)]
    square = [
        sum((shares[i][m - i] * h[i] * h[m - i] for i in range(3) if 0 <= m - i < 3), sp.S.Zero) for m in range(5)
    ]
    objective = sp.log(sp.exp(z[0]) + sp.exp(z[1])) - y * z[0] - (1 - y) * z[1]
    first = sp.exp(z[0]) / (sp.exp(z[0]) + sp.exp(z[1]))
    d = [function.diff(t) for function in z]
    slope = (first - y) * d[0] + (1 - first - (1 - y)) * d[1]
    spread = first * (1 - first) * (d[0] - d[1]) ** 2
    bend = (first - y) * d[0].diff(t) + (1 - first - (1 - y)) * d[1].diff(t)
    return {
        "a layer adds one to the degree": Step(
            sp.Eq(((1 - t) * low + t * high) * bernstein(h), bernstein(layer)),
            "here from degree 2: coefficient k is the mean of a weight times h_k and the other times h_(k-1), with "
            "shares 1 - k/n and k/n; a bias is a weight on the constant 1",
        ),
        "an activation multiplies it": Step(
            sp.Eq(bernstein(h) ** 2, bernstein(square)),
            "here a square: products of Bernstein coefficients, weighted by C(m, i) C(n, j)/C(m + n, i + j)",
        ),
        "degree of the logits": Step(
            sp.Eq(p * (p**depth - 1) / (p - 1) + 1, (p ** (depth + 1) - 1) / (p - 1)),
            "one more layer after an activation of degree p; from (p - 1)/(p - 1) = 1 at one layer. L for p = 1",
        ),
        "slope of the cross-entropy": Step(
            sp.Eq(objective.diff(t), slope),
            "two classes, y the share of the first: the sum of (softmax - label) times the slope of each logit",
        ),
        "curvature of the cross-entropy": Step(
            sp.Eq(objective.diff(t, 2), spread + bend),
            "the variance of the slopes under the softmax, and the logits' own curvature: with logits linear in α, "
            "as of one layer, J is convex on every line, so it has no barrier",
        ),
    }


def derive(*, depth: int = 3, power: int = 2, width: int = 6, seed: int = 0) -> Derivation:
    """Cross-entropy along a line from one pass, where activations are polynomials.

    Args:
        depth: L, 1 to 5. power: p of the activation h + h^p / 2 (h itself for 1), 1 to 4. width: hidden, 1 to 64.
        seed: of the example.
    """
    curve, labels = _example(depth, power, width, seed)[:2]
    p, layers = sp.symbols("p L", positive=True)
    return Derivation(
        title="Softmax cross-entropy along a line through polynomial activations",
        assumptions=[
            "Layers are affine, with biases; activations between them are one polynomial of degree p; p = 1 is linear.",
            "J is the mean over examples of -log softmax(z)_label, in nats; the line is straight in all parameters.",
        ],
        source="derived here; Farouki & Rajan 1988 for products in the Bernstein basis",
        steps=steps(),
        closed_form={"degree of the logits": (p**layers - 1) / (p - 1)},
        check=lambda: _checks(depth, power, width, seed),
        values={
            "degree": curve.degree,
            "objective": [float(v) for v in curve.cross_entropy([0.0, 0.5, 1.0], labels)],
            "error_rate": [float(v) for v in curve.error_rate([0.0, 0.5, 1.0], labels)],
        },
    )


Example = tuple[LogitLine, NDArray[np.int64], list[Any], list[Any], Array, list[float]]


def _example(depth: int, power: int, width: int, seed: int) -> Example:
    require_whole(depth=(depth, 1, 5), power=(power, 1, 4), width=(width, 1, 64), seed=(seed, 0, 2**32))
    rng, sizes = np.random.default_rng(int(seed)), [4, *[int(width)] * (int(depth) - 1), 3]
    start, end = (
        [(rng.standard_normal((o, i)) / np.sqrt(i), 0.3 * rng.standard_normal(o)) for i, o in pairwise(sizes)]
        for _ in range(2)
    )
    x, powers = rng.standard_normal((50, 4)), [0.0, 1.0, *[0.0] * (int(power) - 2), *([0.5] if power > 1 else [])]
    curve = line(start, end, x, powers)
    return curve, curve(1.0).argmax(axis=-1), start, end, x, powers


def _checks(depth: int, power: int, width: int, seed: int) -> list[Check]:
    curve, labels, start, end, x, powers = _example(depth, power, width, seed)
    alphas, h = np.random.default_rng(int(seed) + 1).uniform(0, 1, 20), 1e-5

    def run(alpha: float) -> tuple[Array, float]:
        hidden = x
        for number, ((w0, b0), (w1, b1)) in enumerate(zip(start, end, strict=True)):
            hidden = np.asarray(np.polynomial.polynomial.polyval(hidden, powers)) if number else hidden
            hidden = hidden @ ((1 - alpha) * w0 + alpha * w1).T + (1 - alpha) * b0 + alpha * b1
        return hidden, float(np.mean(logsumexp(hidden, axis=1) - hidden[np.arange(len(x)), labels]))

    scale = max(1.0, float(np.abs(curve.coefficients).max()))
    logits = max(float(np.abs(run(a)[0] - curve(a)).max()) for a in alphas)
    cost = max(abs(run(a)[1] - float(curve.cross_entropy(a, labels))) for a in alphas)
    slopes = np.array([(run(a + h)[1] - run(a - h)[1]) / (2 * h) for a in alphas])
    missed = float(np.abs(slopes - curve.slope(alphas, labels)).max())
    return [
        Check("logits against the network run on the data", logits / scale, 1e-12),
        Check("cross-entropy against the network", cost / scale, 1e-12),
        Check("slope against central differences", missed / scale, 1e-6),
    ]


def draw(axes: Any, *, depth: int = 3, power: int = 2, width: int = 6, seed: int = 0) -> None:
    """Cross-entropy and share of wrong examples along the example's line."""
    curve, labels = _example(depth, power, width, seed)[:2]
    alphas = np.linspace(0, 1, 401)
    axes.plot(alphas, curve.cross_entropy(alphas, labels), label=f"cross-entropy, logits of degree {curve.degree}")
    axes.plot(alphas, curve.error_rate(alphas, labels), label="share of wrong examples (no unit)")
    label_axes(axes, "α (fraction of the line)", "J (nats per example)")
