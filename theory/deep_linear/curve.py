"""Deep linear networks f(x) = W_L ... W_1 x with squared error: J along a line from second moments of the data alone.

Convention: J = mean over examples of ‖f(x) - y‖², without the half, summed over outputs. With biases, append a one to
every x and border every weight but the last, (W b; 0 1) and (W_L b_L): the border is constant along the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import EPS, Array, fold, require_interval
from theory.deep_linear import curve_steps
from theory.derivation import Check, Derivation, label_axes, require_whole

# Rows converted to float64 at a time: the moments of float32 or byte data need no second copy of it.
CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over examples of x xᵀ, y xᵀ and ‖y‖²; ``a + b`` is the moments of both batches together.

    Sums, not means, because those of integer data are exact in float64 up to 2^53. For a population give its
    expectations and count=1. Nothing is ever inverted, so singular moments are welcome.

    Args:
        count: number of examples. sum_xx: [D, D]. sum_yx: [C, D]. sum_yy: Σ ‖y‖².
    """

    count: int
    sum_xx: Array
    sum_yx: Array
    sum_yy: float

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count={self.count}: moments of no example do not define an objective; give some data.")
        outputs, inputs = np.shape(self.sum_yx) if np.ndim(self.sum_yx) == 2 else (0, 0)
        if min(outputs, inputs) < 1 or np.shape(self.sum_xx) != (inputs, inputs):
            raise ValueError(
                f"moments of shapes {np.shape(self.sum_xx)} and {np.shape(self.sum_yx)} do not match; "
                "sum_xx is [D, D] and sum_yx is [C, D], with D and C at least 1."
            )
        if not all(np.all(np.isfinite(value)) for value in (self.sum_xx, self.sum_yx, self.sum_yy)):
            raise ValueError("the moments are not finite; remove examples with NaN or infinity and scale the data.")
        if self.sum_yy < 0:
            raise ValueError(f"sum_yy={self.sum_yy:g} is a sum of squares; it must not be negative.")

    def __add__(self, other: Moments) -> Moments:
        if np.shape(self.sum_yx) != np.shape(other.sum_yx):
            raise ValueError(
                f"cannot merge moments of {np.shape(self.sum_yx)} and {np.shape(other.sum_yx)} [outputs, inputs]; "
                "both must come from the same kind of data."
            )
        return Moments(
            self.count + other.count, self.sum_xx + other.sum_xx, self.sum_yx + other.sum_yx, self.sum_yy + other.sum_yy
        )

    @property
    def xx(self) -> Array:
        """E x xᵀ [D, D]."""
        return self.sum_xx / self.count

    @property
    def yx(self) -> Array:
        """E y xᵀ [C, D]."""
        return self.sum_yx / self.count

    @property
    def yy(self) -> float:
        """E ‖y‖²."""
        return self.sum_yy / self.count


def moments(x: ArrayLike, y: ArrayLike) -> Moments:
    """The second moments of a batch in one pass, in float64 whatever the dtype of the data.

    Args:
        x: inputs [N, D]. y: targets [N, C].

    Raises:
        ValueError: no example, different numbers of examples, not two axes each, NaN or infinity.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(f"x is {x.shape} and y is {y.shape}; they must be [N, D] and [N, C] with the same N.")
    inputs, outputs = x.shape[1], y.shape[1]
    xx, yx, yy = np.zeros((inputs, inputs)), np.zeros((outputs, inputs)), 0.0
    for start in range(0, len(x), CHUNK):
        a, b = (np.asarray(part[start : start + CHUNK], dtype=np.float64) for part in (x, y))
        xx += a.T @ a
        yx += b.T @ a
        yy += float(np.sum(b * b))
    return Moments(len(x), xx, yx, yy)


@dataclass(frozen=True, eq=False, kw_only=True)
class Line(polynomial.Line):
    """J along a line, with the weights and moments that a proof about it starts from (``theory.certificate``)."""

    weights_0: list[Array]
    weights_1: list[Array]
    moments: Moments


def line(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    moments: Moments,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Line:
    """J(α) = E ‖W_L(α) ... W_1(α) x - y‖², W_l(α) = (1 - α) A_l + α B_l: a polynomial of degree 2L.

    With Bernstein coefficients P_k of the product and the cost polarised, J(P, Q) = E ⟨Px - y, Qx - y⟩, those of J are
    b_m = Σ_{i+j=m} C(L,i) C(L,j) / C(2L,m) J(P_i, P_j): averages with positive weights, at any depth.

    Args:
        weights_0, weights_1: A_1 ... A_L and B_1 ... B_L, the input side first, each [outputs, inputs] of its layer.
        moments: of the data.
        interval: where extrema are looked for and where the basis is at its most accurate, in α.

    Raises:
        ValueError: depth 0, shapes that do not chain or differ, weights not finite, both ends the same point.
    """
    require_interval(interval)
    start, end = _layers(weights_0, "weights_0"), _layers(weights_1, "weights_1")
    shapes_0, shapes_1 = [w.shape for w in start], [w.shape for w in end]
    if shapes_0 != shapes_1:
        raise ValueError(f"weights_0 has shapes {shapes_0} but weights_1 {shapes_1}; both ends must be one network.")
    outputs, inputs = moments.sum_yx.shape
    if (end[-1].shape[0], end[0].shape[1]) != (outputs, inputs):
        raise ValueError(
            f"the network maps {end[0].shape[1]} inputs to {end[-1].shape[0]} outputs but the moments are of "
            f"{inputs} inputs and {outputs} outputs; use the data this network was built for."
        )
    if all(np.array_equal(a, b) for a, b in zip(start, end, strict=True)):
        raise ValueError("weights_0 and weights_1 are the same point, so the line has length zero; give two points.")
    low, high = ([(1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True)] for alpha in interval)

    with np.errstate(over="ignore", invalid="ignore"):  # Line refuses what is not finite
        flat = product_coefficients(low, high).reshape(len(start) + 1, -1)
        images = (flat.reshape(-1, outputs, inputs) @ moments.xx).reshape(len(flat), -1)
        gram = flat @ images.T
        inner = flat @ moments.yx.ravel()
        cross = gram - inner[:, None] - inner[None, :] + moments.yy  # J(P_i, P_j), [L + 1, L + 1]
        coefficients = fold(cross)
        # Sums of `width` terms and one rounding per layer; errors of random sign, hence the root.
        width = max(max(w.shape) for w in start)
        sizes = np.sqrt(np.outer(np.abs(gram.diagonal()), np.abs(gram.diagonal())))
        noise = EPS * len(start) * np.sqrt(width) * float(np.max(fold(sizes) + moments.yy))
    return Line(coefficients, interval, noise, weights_0=start, weights_1=end, moments=moments)


def product_coefficients(low: Sequence[Array], high: Sequence[Array]) -> Array:
    """Bernstein coefficients of W_L(t) ... W_1(t), W_l(t) = (1 - t) low_l + t high_l, [L + 1, C, D].

    Built from the output side, where the matrices have few rows.
    """
    coefficients = np.eye(low[-1].shape[0])[None]
    for degree, (a, b) in enumerate(zip(reversed(low), reversed(high), strict=True), start=1):
        share = (np.arange(degree + 1) / degree)[:, None, None]
        empty = np.zeros((1, low[-1].shape[0], a.shape[1]))
        coefficients = (1 - share) * np.concatenate([coefficients @ a, empty]) + share * np.concatenate(
            [empty, coefficients @ b]
        )
    return coefficients


def _layers(weights: Sequence[ArrayLike], name: str) -> list[Array]:
    layers = [np.array(w, dtype=np.float64) for w in weights]  # copies: training goes on in the originals
    if not layers:
        raise ValueError(f"{name} holds no layer; a deep linear network needs depth 1 or more.")
    for number, layer in enumerate(layers, start=1):
        if layer.ndim != 2 or not layer.size:
            raise ValueError(f"layer {number} of {name} has shape {layer.shape}; every layer is [outputs, inputs].")
        if not np.all(np.isfinite(layer)):
            raise ValueError(f"layer {number} of {name} holds NaN or infinity; interpolate between finite weights.")
    for number, (below, above) in enumerate(pairwise(layers), start=1):
        if above.shape[1] != below.shape[0]:
            raise ValueError(
                f"layer {number} of {name} has {below.shape[0]} outputs but layer {number + 1} takes {above.shape[1]} "
                "inputs; give the layers in order, the input side first."
            )
    return layers


def derive(*, depth: int = 3, width: int = 4, seed: int = 0) -> Derivation:
    """The objective on a line from second moments, and depth 2 in closed form.

    Args:
        depth, width, seed: of the random network, inputs and outputs that the values and the check use.

    Raises:
        ValueError: depth outside 1 to 40, width outside 1 to 256, seed negative.
    """
    require_whole(depth=(depth, 1, 40), width=(width, 1, 256), seed=(seed, 0, 2**32 - 1))
    curve = line(*_example(int(depth), int(width), int(seed))[:3])
    return Derivation(
        title="A deep linear network along a line, from second moments",
        assumptions=[
            "f(x) = W_L ... W_1 x without bias; J = E ‖f(x) - y‖², without the half.",
            "The line is W_l(α) = (1 - α) A_l + α B_l; the data enter by E x xᵀ, E y xᵀ and E ‖y‖² alone.",
            "Depth 2: M is the product at the end and the least-squares solution, so J - J* = ‖W_2 W_1 - M‖² in the "
            "metric of E x xᵀ.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, section 5; Saxe, McClelland & Ganguli 2014 for the model",
        steps=curve_steps.steps(),
        closed_form=curve_steps.closed_form(),
        check=lambda: _checks(int(depth), int(width), int(seed)),
        values={
            "degree": curve.degree,
            "bernstein_coefficients": curve.coefficients,
            "extrema": [[p.alpha, p.objective, p.kind] for p in curve.extrema()],
        },
    )


def _example(depth: int, width: int, seed: int) -> tuple[list[Array], list[Array], Moments, Array, Array]:
    """A random start, a random end, and data that the end fits but for noise."""
    rng = np.random.default_rng(seed)
    start, end = ([rng.standard_normal((width, width)) / np.sqrt(width) for _ in range(depth)] for _ in range(2))
    x = rng.standard_normal((4 * width, width)) + 0.5
    y = np.linalg.multi_dot([np.eye(width), *end[::-1], x.T]).T + 0.1 * rng.standard_normal((4 * width, width))
    return start, end, moments(x, y), x, y


def _checks(depth: int, width: int, seed: int) -> list[Check]:
    start, end, data, x, y = _example(depth, width, seed)
    curve, rng = line(start, end, data), np.random.default_rng(seed + 1)

    def run(alpha: float) -> float:
        h = x.T
        for a, b in zip(start, end, strict=True):
            h = ((1 - alpha) * a + alpha * b) @ h
        return float(np.mean(np.sum((h.T - y) ** 2, axis=1)))

    alphas, h = rng.uniform(0, 1, 40), 1e-5
    scale = float(np.max(np.abs(curve.coefficients)))
    slopes = [(run(a + h) - run(a - h)) / (2 * h) for a in alphas]
    missed = float(np.max(np.abs(slopes - curve.derivative(alphas)))) / scale / depth**2
    worst = max(abs(run(a) - float(curve(a))) for a in alphas)
    grid = np.linspace(0, 1, 4001)
    turns = np.array([0.0, *(p.alpha for p in curve.extrema() if p.interior), 1.0])
    rises = np.diff(curve(np.sort([*grid, *turns])))
    signs = np.sign(rises[np.abs(rises) > 8 * curve.noise])
    unlisted = abs(int(np.sum(signs[1:] != signs[:-1])) - (len(turns) - 2))
    return [
        Check("polynomial against the network run on the data", worst / scale, 1e-12),
        Check("derivative against central differences of the network", missed, 1e-7),
        Check("extrema against the turns of a grid of 4001", float(unlisted), 0.0),
    ]


def draw(axes: Any, *, depth: int = 3, width: int = 4, seed: int = 0) -> None:
    """J along the example's line, with its interior extrema marked."""
    derive(depth=depth, width=width, seed=seed)  # refuses bad parameters
    curve = line(*_example(int(depth), int(width), int(seed))[:3])
    alphas = np.linspace(0, 1, 401)
    axes.plot(alphas, curve(alphas), label=f"depth {depth}, width {width}")
    points = [p for p in curve.extrema() if p.interior]
    axes.plot([p.alpha for p in points], [p.objective for p in points], "o", label="interior extrema, all of them")
    label_axes(axes, "α (fraction of the line)", "J (mean squared error, summed over outputs)")
