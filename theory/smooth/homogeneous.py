"""Bias-free homogeneous networks from the zero start: the outputs at the end alone tell the whole curve.

Linear, ReLU and maxout networks of depth L without biases obey f(αθ) = α^L f(θ) for α >= 0. With biases,
f(αW, αb) = α^L f(W, {b_l α^(1-l)}), the identity behind the plateaus of Wang et al. 2023 (text not at hand).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, Step, Steps, equal, label_axes, require_whole
from theory.smooth.segment import Cost, Segment, outputs_of, segment


@dataclass(frozen=True, eq=False)
class ZeroStart:
    """J(α), the cost of α^depth times the outputs at the end: convex in β = α^depth, so one dip at most."""

    beta: Segment
    depth: int

    def __call__(self, alphas: ArrayLike) -> Array:
        """J at every α >= 0."""
        return self.beta(_not_negative(alphas) ** self.depth)

    def slope(self, alphas: ArrayLike) -> Array:
        """dJ/dα = L α^(L-1) dJ/dβ."""
        at = _not_negative(alphas)
        return self.depth * at ** (self.depth - 1) * self.beta.slope(at**self.depth)

    def decreasing(self) -> bool:
        """Whether J falls strictly on [0, 1], unless it is constant: iff its slope at the end is not positive.

        At a stationary point that slope is zero, by Euler's identity.
        """
        return self.beta.decreasing()

    def minimum(self) -> float | None:
        """The α in (0, 1) of the only minimum inside, or None."""
        beta = self.beta.minimum()
        return None if beta is None else float(beta ** (1 / self.depth))

    def plateau(self, share: float) -> float:
        """The α up to which J stays above ``share`` of J(0), or 1 if it does all along.

        Raises:
            ValueError: share outside (0, 1).
        """
        _require_share(share)
        last, level = self.beta.minimum() or 1.0, share * float(self.beta(0.0))
        if float(self.beta(last)) >= level:
            return 1.0
        return float(brentq(lambda b: float(self.beta(b)) - level, 0.0, last, xtol=1e-16) ** (1 / self.depth))


def zero_start(outputs: ArrayLike, targets: ArrayLike, depth: int, cost: Cost = "cross_entropy") -> ZeroStart:
    """The curve from all weights zero to a bias-free homogeneous network, from its outputs at the end [N, C] alone.

    The error rate is constant for α > 0: the largest output stays the largest.

    Raises:
        ValueError: as ``segment``; depth not a positive whole number.
    """
    if depth != int(depth) or depth < 1:
        raise ValueError(f"depth={depth} is not allowed; use a whole number of layers, 1 or more.")
    end = outputs_of(outputs, "outputs")
    return ZeroStart(segment(np.zeros_like(end), end, targets, cost), int(depth))


def plateau(share: float, depth: int) -> float:
    """(1 - √share)^(1/depth): where J, squared error, leaves ``share`` of J(0) if the end fits exactly."""
    _require_share(share)
    return float((1 - np.sqrt(share)) ** (1 / depth))


def equivalent_biases(biases: Sequence[ArrayLike], alpha: float) -> list[Array]:
    """b_l α^(1-l), l = 1 ... L: f(αW, αb) is α^L times the network with weights W and these biases.

    As α → 0 the last bias outgrows all others, and the output tends to α b_L: a plateau if b_L does not tell classes
    apart, or tells them wrongly.

    Raises:
        ValueError: alpha is not positive.
    """
    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha={alpha:g} is not allowed; the identity holds for positive alpha.")
    return [np.asarray(b, dtype=np.float64) * float(alpha) ** -index for index, b in enumerate(biases)]


def _not_negative(alphas: ArrayLike) -> Array:
    at = np.asarray(alphas, dtype=np.float64)
    if np.any(at < 0):
        raise ValueError("alphas must not be negative: a homogeneous network is a power of alpha from zero on only.")
    return at


def _require_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"share={share:g} is not allowed; use a share of J(0) strictly between 0 and 1.")


def derive(*, depth: int = 3, seed: int = 0) -> Derivation:
    """Why a homogeneous network sees one shape from the zero start, how long its plateau is, and what biases change.

    Args:
        depth: L, 1 to 8. seed: of the random network that the check and the values use.
    """
    require_whole(depth=(depth, 1, 8), seed=(seed, 0, 2**32 - 1))
    z, labels, _ = _example(depth, seed)
    curve = zero_start(z, labels, depth)
    return Derivation(
        title="A homogeneous network on the line from all weights zero",
        assumptions=[
            "Linear, ReLU or maxout units, L layers, no biases (but for the step about them); θ(α) = α θ.",
            "The cost is convex in the outputs: squared error without the half, or softmax cross-entropy.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, Figures 1 to 3; Lucas et al. 2021 and Wang et al. 2023 for neighbours",
        steps=_steps(depth),
        closed_form={
            "squared error": Y2 - 2 * alpha**depth * FY + alpha ** (2 * depth) * F2,
            "plateau, an end that fits": (1 - sp.sqrt(share_)) ** sp.Rational(1, depth),
            "least, squared error": (FY / F2) ** sp.Rational(1, depth),
        },
        check=lambda: _checks(depth, seed),
        values={
            "plateau_0.9_when_the_end_fits": plateau(0.9, depth),
            "example_cross_entropy_plateau_0.9": curve.plateau(0.9),
            "example_cross_entropy_minimum": curve.minimum(),
            "example_decreasing": curve.decreasing(),
        },
    )


alpha, share_ = sp.symbols("alpha q", positive=True)
Y2, FY, F2 = sp.symbols("Y FY F", positive=True)  # E ‖y‖², E f·y, E ‖f‖²


def _steps(depth: int) -> Steps:
    beta, x, z = sp.Symbol("beta", positive=True), sp.Symbol("x", real=True), sp.symbols("z1:4", real=True)
    j = sp.Function("J")
    w = sp.symbols(f"w1:{depth + 1}", positive=True)
    b = sp.symbols(f"b1:{depth + 1}", positive=True)
    product = sp.Mul(*w)
    weights = [sp.exp(beta * v) for v in z]
    law = [v / sp.Add(*weights) for v in weights]
    mean = sp.Add(*(p * v for p, v in zip(law, z, strict=True)))

    def run(scale: sp.Expr, biases: Sequence[sp.Expr]) -> sp.Expr:
        h: sp.Expr = x
        for weight, bias in zip(w, biases, strict=True):
            h = scale * weight * h + bias
        return h

    biased = run(alpha, [alpha * v for v in b])
    lifted = run(sp.Integer(1), [v * alpha ** (-index) for index, v in enumerate(b)])
    squared = Y2 - 2 * beta * FY + beta**2 * F2
    return {
        "a ReLU is homogeneous": Step(
            equal((alpha * x + sp.Abs(alpha * x)) / 2, alpha * (x + sp.Abs(x)) / 2),
            "max(z, 0) = (z + |z|)/2 and a maximum of linear pieces alike: L layers give f(αθ) = α^L f(θ), α >= 0.",
        ),
        "Euler's identity": Step(
            equal(sp.Add(*(v * product.diff(v) for v in w)), depth * product),
            "On a path of active units f is a product of L weights: θ·∂f/∂θ = L f, hence θ·∇J = L E ∂cost/∂z · z, "
            "which is zero at a stationary point.",
        ),
        "squared error is convex in β": Step(
            equal(squared.diff(beta, 2), 2 * F2),
            "β = α^L multiplies the outputs; for an end with E f·y >= E ‖f‖² it falls all the way.",
        ),
        "softmax cross-entropy is convex in β": Step(
            equal(
                sp.log(sp.Add(*weights)).diff(beta, 2),
                sp.Add(*(p * (v - mean) ** 2 for p, v in zip(law, z, strict=True))),
            ),
            "Written out for three classes: the variance of the outputs under the softmax, never negative.",
        ),
        "slope in α": Step(
            equal(
                j(alpha**depth).diff(alpha).doit(),
                depth * alpha ** (depth - 1) * j(beta).diff(beta).subs(beta, alpha**depth).doit(),
            ),
            "It has the sign of dJ/dβ, which grows: one dip at most, and J falls iff the slope at the end is not "
            "positive. The flat start is the factor α^(L-1).",
        ),
        "plateau": Step(
            equal((1 - ((1 - sp.sqrt(share_)) ** sp.Rational(1, depth)) ** depth) ** 2, share_),
            "An end that fits has J = (1 - α^L)² J(0), above q J(0) up to α = (1 - √q)^(1/L).",
        ),
        "biases": Step(
            equal(biased, alpha**depth * lifted),
            "Written out where all units are active; a ReLU commutes with the positive factor α^l that layer l has.",
        ),
    }


def run(weights: Sequence[Array], biases: Sequence[Array], x: Array, pieces: int = 0) -> Array:
    """Outputs [N, C] of a ReLU network, or of a maxout one whose hidden units take the largest of ``pieces``."""
    h = x
    for index, (w, b) in enumerate(zip(weights, biases, strict=True)):
        h = h @ w.T + b
        if index < len(weights) - 1:
            h = h.reshape(len(h), -1, pieces).max(axis=2) if pieces else np.maximum(h, 0.0)
    return h


def random_network(depth: int, seed: int, pieces: int = 0) -> tuple[list[Array], list[Array], Array]:
    """Weights and biases of widths 5, 6, ..., 6, 3 and inputs [40, 5], for checks."""
    rng = np.random.default_rng(seed)
    sizes = [5, *[6] * (depth - 1), 3]
    times = [pieces or 1] * (depth - 1) + [1]
    weights = [rng.standard_normal((k * o, i)) * 0.8 for k, o, i in zip(times, sizes[1:], sizes[:-1], strict=True)]
    return weights, [rng.standard_normal(len(w)) for w in weights], rng.standard_normal((40, 5))


def _example(depth: int, seed: int) -> tuple[Array, Array, Array]:
    weights, biases, x = random_network(depth, seed)
    z = run(weights, [0 * b for b in biases], x)
    noise = np.random.default_rng(seed + 1).gumbel(size=z.shape)
    return z, np.argmax(z + noise, axis=1), z + noise


def _checks(depth: int, seed: int) -> list[Check]:
    z, labels, targets = _example(depth, seed)
    alphas, worst, identity = np.linspace(0.05, 1.3, 26), 0.0, 0.0
    for pieces in (0, 3):
        weights, biases, x = random_network(depth, seed, pieces)
        none = [0 * b for b in biases]
        end = run(weights, none, x, pieces)
        for a in alphas:
            shrunk = [a * w for w in weights]
            off = np.max(np.abs(run(shrunk, none, x, pieces) - a**depth * end))
            worst = max(worst, float(off / np.max(np.abs(end))))
            there = run(shrunk, [a * b for b in biases], x, pieces)
            here = a**depth * run(weights, equivalent_biases(biases, a), x, pieces)
            identity = max(identity, float(np.max(np.abs(there - here)) / np.max(np.abs(there))))
    missed = 0.0
    for curve in (zero_start(z, labels, depth), zero_start(z, targets, depth, "squared_error")):
        slopes = np.subtract(curve(alphas + 1e-6), curve(alphas - 1e-6)) / 2e-6
        missed = max(missed, float(np.max(np.abs(slopes - curve.slope(alphas))) / np.max(np.abs(slopes))))
    return [
        Check("f(αθ) = α^L f(θ), ReLU and maxout networks run", worst, 1e-13),
        Check("f(αW, αb) = α^L f(W, b_l α^(1-l)), ReLU and maxout networks run", identity, 1e-12),
        Check("slope against central differences, both costs", missed, 1e-7),
    ]


def draw(axes: Any, *, depth: int = 3, seed: int = 0) -> None:
    """J over J(0) from the zero start: an end that fits at three depths, and the example with cross-entropy."""
    require_whole(depth=(depth, 1, 8), seed=(seed, 0, 2**32 - 1))
    alphas = np.linspace(0, 1, 201)
    for layers in sorted({1, depth, 2 * depth}):
        axes.plot(alphas, (1 - alphas**layers) ** 2, label=f"squared error, L = {layers}, an end that fits")
    z, labels, _ = _example(depth, seed)
    curve = zero_start(z, labels, depth)
    axes.plot(alphas, curve(alphas) / curve(0.0), label=f"cross-entropy, L = {depth}, random network")
    label_axes(axes, "α (fraction of the line)", "J / J(0) (no unit)")
