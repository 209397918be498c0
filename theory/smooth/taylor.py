"""The Taylor series of J along a line of a multi-layer network: bump or none at its start, barrier from its curvature.

A quantity on the line is its truncated series in s = α - α_0, an array of coefficients [K + 1, ...]. Layers multiply
series; tanh, sigmoid, exp and log obey differential equations that give one coefficient after the other.

Source: Griewank & Walther 2008, chapter 13, for arithmetic on series (``theory.arithmetic.jets``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory.arithmetic import jets
from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, Step, Steps, equal, label_axes, require_whole
from theory.smooth.segment import Cost, targets_of

Layer = tuple[ArrayLike, ArrayLike | None]
Activation = Literal["linear", "tanh", "sigmoid", "relu"]
UNITS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda u: u,
    "tanh": jets.tanh,
    "sigmoid": jets.sigmoid,
    "relu": jets.relu,
}
COSTS: tuple[Cost, ...] = ("squared_error", "cross_entropy")


def series(
    layers_0: Sequence[Layer],
    layers_1: Sequence[Layer],
    x: ArrayLike,
    targets: ArrayLike,
    *,
    alpha: float = 0.0,
    order: int = 4,
    activation: Activation = "tanh",
    cost: Cost = "squared_error",
) -> Array:
    """c_0 ... c_K with J(alpha + s) = Σ_k c_k s^k + O(s^(K+1)) on the line from layers_0 to layers_1.

    The last layer is linear. With ReLU units the series holds up to the next kink only.

    Args:
        layers_0, layers_1: (weight [outputs, inputs], bias [outputs] or None) per layer, the input side first.
        x: [N, D]. targets: [N, C] for squared error (summed over outputs, without the half), labels [N] for
            cross-entropy. alpha: where the line is expanded. order: K.

    Raises:
        ValueError: layers, data or options that do not fit, not finite, a line of length zero, a ReLU at its kink.
    """
    start, end = _layers(layers_0, "layers_0"), _layers(layers_1, "layers_1")
    _require_line(start, end, activation, cost, alpha, order)
    h0, y = _data(x, targets, start, cost)
    h = np.zeros((order + 1, *h0.shape))
    h[0] = h0
    for index, ((w_0, b_0), (w_1, b_1)) in enumerate(zip(start, end, strict=True)):
        w, b = (1 - alpha) * w_0 + alpha * w_1, (1 - alpha) * b_0 + alpha * b_1
        z = h @ w.T
        z[1:] += h[:-1] @ (w_1 - w_0).T
        z[0] += b
        z[1] += b_1 - b_0
        h = z if index == len(start) - 1 else UNITS[activation](z)
    if cost == "squared_error":
        h[0] -= y
        return np.asarray(jets.multiply(h, h).sum(axis=2).mean(axis=1))
    top = h[0].max(axis=1)
    shifted = h.copy()
    shifted[0] -= top[:, None]
    result = jets.logarithm(jets.exponential(shifted).sum(axis=2)) - shifted[:, np.arange(len(y)), y.astype(int)]
    return np.asarray(result.mean(axis=1))


def evaluate(coefficients: ArrayLike, offsets: ArrayLike) -> Array:
    """Σ_k c_k s^k at offsets s = α - α_0."""
    return np.asarray(np.polynomial.polynomial.polyval(np.asarray(offsets, float), np.asarray(coefficients, float)))


def direction(coefficients: ArrayLike, noise: float = 0.0) -> int:
    """Where J goes right of the point: 1 up, -1 down, 0 if no coefficient after c_0 exceeds ``noise``.

    At the start of a line 1 means a bump. The first coefficient that is not zero decides; c_1 is ∇J·(θ_1 - θ_0).
    """
    kept = [c for c in np.asarray(coefficients, float)[1:] if abs(c) > noise]
    return int(np.sign(kept[0])) if kept else 0


def predicted_barrier(coefficients: ArrayLike) -> float:
    """J''/32 at an end: the barrier to the other end, exactly so between two solutions of a depth-2 linear network.

    Elsewhere it is the barrier of the only J = q α²(1 - α)² with that curvature: a guess.

    Raises:
        ValueError: fewer than three coefficients.
    """
    c = np.asarray(coefficients, float)
    if len(c) < 3:
        raise ValueError(f"order={len(c) - 1} tells no curvature; use a series of order 2 or more.")
    return float(2 * c[2] / 32)


def _layers(layers: Sequence[Layer], name: str) -> list[tuple[Array, Array]]:
    result = []
    for number, (weight, bias) in enumerate(layers, start=1):
        w = np.array(weight, dtype=np.float64)
        b = np.zeros(w.shape[:1]) if bias is None else np.array(bias, dtype=np.float64)
        if w.ndim != 2 or b.shape != w.shape[:1]:
            raise ValueError(f"layer {number} of {name}: weight {w.shape}, bias {b.shape}; use [out, in] and [out].")
        if not (np.all(np.isfinite(w)) and np.all(np.isfinite(b))):
            raise ValueError(f"layer {number} of {name} holds NaN or infinity; give finite weights.")
        result.append((w, b))
    if not result or any(below[0].shape[0] != above[0].shape[1] for below, above in pairwise(result)):
        raise ValueError(f"{name}: {[w.shape for w, _ in result]} is no chain of layers; the input side comes first.")
    return result


def _require_line(start: Any, end: Any, activation: str, cost: str, alpha: float, order: int) -> None:
    if [w.shape for w, _ in start] != [w.shape for w, _ in end]:
        raise ValueError("layers_0 and layers_1 have different shapes; both ends must be one network.")
    if all(np.array_equal(a, b) for p, q in zip(start, end, strict=True) for a, b in zip(p, q, strict=True)):
        raise ValueError("layers_0 and layers_1 are the same point, so the line has length zero; give two points.")
    if activation not in UNITS or cost not in COSTS:
        raise ValueError(f"activation={activation!r} with cost={cost!r}: use one of {tuple(UNITS)} and one of {COSTS}.")
    if not np.isfinite(alpha):
        raise ValueError(f"alpha={alpha:g} is not a point of the line; use a finite number.")
    require_whole(order=(order, 1, 60))


def _data(x: ArrayLike, targets: ArrayLike, layers: list[tuple[Array, Array]], cost: str) -> tuple[Array, Array]:
    inputs, d = np.array(x, dtype=np.float64), layers[0][0].shape[1]
    if inputs.ndim != 2 or not inputs.size or inputs.shape[1] != d or not np.all(np.isfinite(inputs)):
        raise ValueError(f"x has shape {inputs.shape}; it must be finite, [N, {d}], with an example.")
    return inputs, targets_of(targets, (len(inputs), layers[-1][0].shape[0]), cost)


def derive(*, order: int = 4, seed: int = 0) -> Derivation:
    """Series of layers and costs, what the first coefficient decides, and the barrier that the curvature tells.

    Args:
        order: K of the series that is checked, 2 to 12. seed: of the random networks.
    """
    require_whole(order=(order, 2, 12), seed=(seed, 0, 2**32 - 1))
    start, end, x, targets = _example("tanh", "squared_error", seed)
    both = [series(start, end, x, targets, alpha=a, order=order) for a in (0.0, 1.0)]
    return Derivation(
        title="Taylor series of the objective along a line",
        assumptions=[
            "θ(α) = (1 - α) θ_0 + α θ_1 for all weights and biases; J is a mean over examples, squared error summed "
            "over outputs without the half, or softmax cross-entropy.",
            "Units are linear, tanh, sigmoid, or ReLU away from its kink (then up to the next kink only).",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, Figure 6 (bump near the start) and 5; Griewank & Walther 2008",
        steps=_steps(),
        closed_form={"barrier of q α²(1 - α)²": Q / 16},
        check=lambda: _checks(order, seed),
        values={
            "coefficients_at_0": both[0],
            "coefficients_at_1": both[1],
            "direction_at_0": direction(both[0]),
            "guessed_barrier_from_0": predicted_barrier(both[0]),
        },
    )


s, Q = sp.Symbol("s", real=True), sp.Symbol("q", positive=True)


def _steps() -> Steps:
    u = sp.Function("u")(s)
    logistic = 1 / (1 + sp.exp(-u))
    a0, a1, b0, b1 = sp.symbols("A_0 A_1 B_0 B_1", commutative=False)
    product = ((1 - s) * b0 + s * b1) * ((1 - s) * a0 + s * a1)
    curve = Q * s**2 * (1 - s) ** 2
    c1 = sp.Symbol("c_1")
    return {
        "tanh": Step(equal(sp.tanh(u).diff(s), (1 - sp.tanh(u) ** 2) * u.diff(s)), "k y_k = Σ j u_j (1 - y²)_(k-j)."),
        "sigmoid": Step(equal((1 + sp.tanh(u / 2)).rewrite(sp.exp) / 2, logistic), "A tanh, moved and scaled."),
        "exp": Step(equal(sp.exp(u).diff(s), sp.exp(u) * u.diff(s)), "k y_k = Σ j u_j y_(k-j)."),
        "log": Step(equal(u * sp.log(u).diff(s), u.diff(s)), "u_0 y_k = u_k - Σ_(j<k) j y_j u_(k-j)/k."),
        "slope at the start": Step(
            equal(c1, sp.Symbol("∇J(θ_0)·(θ_1 - θ_0)")),
            "The chain rule, quoted: J rises from the start iff the first coefficient c_k, k >= 1, that is not zero is "
            "positive, because J - J(0) = s^k (c_k + O(s)).",
            proven=False,
        ),
        "between two solutions at depth 2": Step(
            equal(product - s * b1 * a1 - (1 - s) * b0 * a0, -s * (1 - s) * (b1 - b0) * (a1 - a0)),
            "Matrices do not commute. Both ends have the same product M, so J - J* = s²(1 - s)² ‖ΔB ΔA‖².",
        ),
        "the curvature tells the barrier": Step(
            equal(curve.subs(s, sp.Rational(1, 2)), curve.diff(s, 2).subs(s, 0) / 32),
            "So at depth 2 the barrier is J''/32 at either end; elsewhere that is a guess.",
        ),
    }


def _example(activation: str, cost: str, seed: int) -> tuple[list[Layer], list[Layer], Array, Array]:
    rng, sizes = np.random.default_rng(seed), [4, 5, 5, 3]
    start, end = (
        [(rng.standard_normal((o, i)) / np.sqrt(i), rng.standard_normal(o) / 2) for i, o in pairwise(sizes)]
        for _ in range(2)
    )
    x = rng.standard_normal((12, 4))
    y = rng.integers(0, 3, 12).astype(float) if cost == "cross_entropy" else rng.standard_normal((12, 3))
    return list(start), list(end), x, y


def _checks(order: int, seed: int) -> list[Check]:
    checks = []
    for activation, cost in (("tanh", "squared_error"), ("sigmoid", "cross_entropy"), ("linear", "cross_entropy")):
        start, end, x, y = _example(activation, cost, seed)
        worst = 0.0
        for alpha in (0.0, 1.0):

            def expand(at: float, k: int, start=start, end=end, x=x, y=y, a=activation, c=cost) -> Array:  # type: ignore[no-untyped-def]
                return series(start, end, x, y, alpha=at, order=k, activation=a, cost=c)

            near = expand(alpha, order + 4)
            for offset in (-0.02, 0.02):  # the next coefficients account for the remainder of this one
                left = float(expand(alpha + offset, 1)[0]) - float(evaluate(near[: order + 1], offset))
                tail = float(evaluate(near[order + 1 :], offset)) * offset ** (order + 1)
                worst = max(worst, abs(left - tail) / (1e-14 * abs(near[0]) + 0.01 * abs(tail)))
        checks.append(Check(f"{activation}, {cost}: remainder against the next four terms, of 1 % of them", worst, 1.0))
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 2))
    turn = rng.standard_normal((3, 3)) + 2 * np.eye(3)
    x, zero = rng.standard_normal((20, 2)), None
    here, there = [(b, zero), (a, zero)], [(turn @ b, zero), (a @ np.linalg.inv(turn), zero)]
    told = predicted_barrier(series(here, there, x, x @ (a @ b).T, order=2, activation="linear"))
    seen = float(series(here, there, x, x @ (a @ b).T, alpha=0.5, order=1, activation="linear")[0])
    return [*checks, Check("depth-2 barrier from J''/32, relative", abs(told / seen - 1), 1e-10)]


def draw(axes: Any, *, order: int = 4, seed: int = 0) -> None:
    """J of a random tanh network on a line, with its series from both ends."""
    require_whole(order=(order, 2, 12), seed=(seed, 0, 2**32 - 1))
    start, end, x, y = _example("tanh", "squared_error", seed)
    alphas = np.linspace(0, 1, 101)
    curve = np.array([series(start, end, x, y, alpha=float(a), order=1)[0] for a in alphas])
    axes.plot(alphas, curve, label="J, tanh network")
    for at in (0.0, 1.0):
        told = evaluate(series(start, end, x, y, alpha=at, order=order), alphas - at)
        axes.plot(alphas, told, "--", label=f"series of order {order} at α = {at:g}")
    axes.set_ylim(0, 1.5 * float(curve.max()))
    label_axes(axes, "α (fraction of the line)", "J (mean squared error, summed over outputs)")
