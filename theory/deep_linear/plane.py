"""J of a deep linear network on a plane through three points, from second moments: a polynomial in two variables.

On a rectangle the weights (1 - u - v) A_l + u B_l + v C_l are bilinear, so J is kept in the Bernstein basis of degree
2L in u and in v: inside the rectangle an evaluation only averages the coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from theory import deep_linear
from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import EPS, Array, differentiated, fold
from theory.deep_linear.curve import Moments, moments
from theory.derivation import Check, Derivation, Step, Steps, equal, label_axes, require_whole

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Plane:
    """J(u, v) for any u and v; the rectangle is where it is at its most accurate.

    Args:
        coefficients: b_mn of J over the rectangle [2L + 1, 2L + 1], u first.
        region: the rectangle, (low, high) in u and in v. noise: size of the rounding error, in units of J.
        weights: the three points, each A_1 ... A_L. moments: of the data.
    """

    coefficients: Array
    region: tuple[Interval, Interval]
    noise: float
    weights: tuple[list[Array], list[Array], list[Array]]
    moments: Moments

    def __call__(self, u: ArrayLike, v: ArrayLike) -> Array:
        """J at every pair of the broadcast u and v [...]."""
        return self.derivative(u, v, 0, 0)

    def derivative(self, u: ArrayLike, v: ArrayLike, order_u: int = 1, order_v: int = 0) -> Array:
        """∂^(order_u + order_v) J / ∂u^order_u ∂v^order_v at every pair [...].

        Raises:
            ValueError: a negative order, u and v that do not broadcast.
        """
        if min(order_u, order_v) < 0:
            raise ValueError(f"orders=({order_u}, {order_v}) are not orders of a derivative; use 0, 1, 2, ...")
        try:
            at_u, at_v = np.broadcast_arrays(np.asarray(u, np.float64), np.asarray(v, np.float64))
        except ValueError as error:
            raise ValueError(f"u of shape {np.shape(u)} and v of {np.shape(v)} do not broadcast.") from error
        table = self.coefficients
        for order, (low, high) in zip((order_u, order_v), self.region, strict=True):
            table = differentiated(table, order, high - low).T  # the other variable first; twice turned is as before
        (low_u, high_u), (low_v, high_v) = self.region
        at_u, at_v = (at_u - low_u) / (high_u - low_u), (at_v - low_v) / (high_v - low_v)
        rows = table.reshape(*table.shape, *(1,) * at_u.ndim)
        return evaluate_rows(evaluate_rows(rows, at_u), at_v)

    def grid(self, u: ArrayLike, v: ArrayLike) -> Array:
        """J on the grid of u [N] and v [M]: [N, M]."""
        return self(np.asarray(u, np.float64)[:, None], np.asarray(v, np.float64)[None, :])

    def bounds(self) -> tuple[float, float]:
        """J on the rectangle lies between these two (up to rounding): the extreme Bernstein coefficients."""
        return float(self.coefficients.min()), float(self.coefficients.max())

    def point(self, u: float, v: float) -> list[Array]:
        """The weights at (u, v), the input side first."""
        return [(1 - u - v) * a + u * b + v * c for a, b, c in zip(*self.weights, strict=True)]

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> deep_linear.Line:
        """J on the straight line between two points (u, v) of the plane.

        Raises:
            ValueError: start is end.
        """
        return deep_linear.line(self.point(*start), self.point(*end), self.moments)


def evaluate_rows(table: Array, t: Array) -> Array:
    """De Casteljau over the first axis, as ``polynomial.evaluate``, of rows that broadcast with t."""
    while len(table) > 1:
        table = (1 - t) * table[:-1] + t * table[1:]
    return np.asarray(np.broadcast_to(table[0], np.broadcast_shapes(table.shape[1:], t.shape)))


def plane(
    weights_0: Sequence[ArrayLike],
    weights_1: Sequence[ArrayLike],
    weights_2: Sequence[ArrayLike],
    moments: Moments,
    region: tuple[Interval, Interval] = ((0.0, 1.0), (0.0, 1.0)),
) -> Plane:
    """J(u, v) = E ‖W_L ... W_1 x - y‖², W_l(u, v) = (1 - u - v) A_l + u B_l + v C_l.

    Args:
        weights_0, weights_1, weights_2: A_1 ... A_L at (0, 0), B at (1, 0), C at (0, 1), as ``deep_linear.line``.
        moments: of the data. region: the rectangle of interest, (low, high) in u and in v.

    Raises:
        ValueError: as ``deep_linear.line`` for any two of the points; the three on one line; J beyond float64.
    """
    for interval in region:
        polynomial.require_interval(interval)
    first, second = (deep_linear.line(weights_0, w, moments) for w in (weights_1, weights_2))
    points = (first.weights_0, first.weights_1, second.weights_1)
    sides = [np.concatenate([(q - p).ravel() for p, q in zip(points[0], end, strict=True)]) for end in points[1:]]
    lengths = [float(np.linalg.norm(side)) for side in sides]
    across = sides[1] / lengths[1] - (sides[0] @ sides[1] / lengths[0] / lengths[1]) * sides[0] / lengths[0]
    if np.linalg.norm(across) <= 1e-12:
        raise ValueError("the three points lie on one line, which spans no plane; use deep_linear.line.")
    (low_u, high_u), (low_v, high_v) = region
    corners = [
        [[(1 - u - v) * a + u * b + v * c for v in (low_v, high_v)] for u in (low_u, high_u)]
        for a, b, c in zip(*points, strict=True)
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        product = _product(corners)
        n, flat = len(product), product.reshape(len(product) ** 2, -1)
        images = (flat.reshape(-1, *moments.yx.shape) @ moments.xx).reshape(flat.shape)
        gram, inner = flat @ images.T, flat @ moments.yx.ravel()
        coefficients = _fold(gram - inner[:, None] - inner[None, :] + moments.yy, n)
        size = np.sqrt(np.abs(gram.diagonal())).max() ** 2 + moments.yy
    if not np.all(np.isfinite(coefficients)):
        raise ValueError(
            "the objective on this plane overflows float64; use smaller weights, data or a smaller region."
        )
    noise = EPS * len(corners) * float(np.sqrt(max(max(a.shape) for a in points[0])) * size)
    return Plane(coefficients, region, noise, points, moments)


def _product(corners: Sequence[Sequence[Sequence[Array]]]) -> Array:
    """Bernstein coefficients [L + 1, L + 1, C, D] of the product of layers that are bilinear over the rectangle."""
    outputs = corners[-1][0][0].shape[0]
    result = np.eye(outputs)[None, None]
    for degree, layer in enumerate(reversed(corners), start=1):
        grown = np.zeros((degree + 1, degree + 1, outputs, layer[0][0].shape[1]))
        high = np.arange(1, degree + 1) / degree  # the share of the corner at 1 in coefficient k + 1
        shares = (1 - np.arange(degree) / degree, high)
        for i in (0, 1):
            for j in (0, 1):
                share = shares[i][:, None, None, None] * shares[j][None, :, None, None]
                grown[i : i + degree, j : j + degree] += share * (result @ layer[i][j])
        result = grown
    return result


def _fold(cross: Array, n: int) -> Array:
    """Coefficients [2n - 1, 2n - 1] of the square from cross [n², n²] of the n² coefficients of the product."""
    table = cross.reshape(n, n, n, n)  # u, v and u, v
    half = np.array([[fold(table[:, k, :, m]) for m in range(n)] for k in range(n)])  # [n, n, 2n - 1]
    return np.array([fold(half[:, :, m]) for m in range(half.shape[2])])


def steps() -> Steps:
    """Depth 2 for the matrices, any depth for the counts."""
    u, v, t, p, q, r, s = sp.symbols("u v t p q r s", real=True)
    depth, k = sp.Symbol("L", integer=True, positive=True), sp.Symbol("k", integer=True, nonnegative=True)
    a, b, c, m = sp.symbols("A B C M", commutative=False)
    a0, a1, a2, b0, b1, b2 = sp.symbols("A_0 A_1 A_2 B_0 B_1 B_2", commutative=False)

    def weight(x: Any, y: Any) -> Any:
        return (1 - x - y) * a + x * b + y * c

    bilinear = (1 - u) * ((1 - v) * weight(0, 0) + v * weight(0, 1)) + u * ((1 - v) * weight(1, 0) + v * weight(1, 1))
    shares = (1 - u - v, u, v)

    def blend(*weights: Any) -> Any:
        return sum((x * w for x, w in zip(shares, weights, strict=True)), sp.S.Zero)

    product, ends = blend(b0, b1, b2) * blend(a0, a1, a2), blend(b0 * a0, b1 * a1, b2 * a2)
    pairs = (
        shares[0] * u * (b0 - b1) * (a0 - a1) + shares[0] * v * (b0 - b2) * (a0 - a2) + u * v * (b1 - b2) * (a1 - a2)
    )
    return {
        "bilinear on a rectangle": Step(
            equal(weight(u, v), bilinear),
            "the weights at the four corners, averaged; the same for any rectangle after a change of variables",
        ),
        "number of terms": Step(
            equal(sp.Sum(k + 1, (k, 0, 2 * depth)).doit(), (2 * depth + 1) * (depth + 1)),
            "J has total degree 2L, with k + 1 monomials of degree k; the data enter through the moments alone",
        ),
        "a line in the plane": Step(
            equal(weight((1 - t) * p + t * r, (1 - t) * q + t * s), (1 - t) * weight(p, q) + t * weight(r, s)),
            "the weights are affine in (u, v), so J on a line in the plane is the polynomial of degree 2L between the "
            "weights at its ends",
        ),
        "product at depth 2, from three points": Step(
            equal(product, ends - pairs),
            "matrices do not commute; one term for each pair of points",
        ),
        "three solutions at depth 2": Step(
            equal((ends - pairs).subs({b0 * a0: m, b1 * a1: m, b2 * a2: m}) + pairs - m, 0),
            "with B_i A_i = M at all three, J - J* = ‖Σ λ_i λ_j (B_i - B_j)(A_i - A_j)‖² over pairs, λ the barycentric "
            "coordinates (1 - u - v, u, v): inside the triangle the barriers of its sides interfere",
        ),
    }


def derive(*, depth: int = 2, width: int = 4, seed: int = 0) -> Derivation:
    """J on the plane through three random points of a network, and what is exact about it.

    Args:
        depth: L, 1 to 8. width: of every layer, 2 to 32. seed: of the example.
    """
    surface, _, _ = _example(depth, width, seed)
    u, v = sp.symbols("u v", real=True)
    d01, d02, d12 = sp.symbols("D_01 D_02 D_12", real=True)
    return Derivation(
        title="A deep linear network on a plane through three points",
        assumptions=[
            "f(x) = W_L ... W_1 x without bias; J = E ‖f(x) - y‖², without the half.",
            "W_l(u, v) = (1 - u - v) A_l + u B_l + v C_l; the data enter by E x xᵀ, E y xᵀ and E ‖y‖² alone.",
            "Three solutions at depth 2: all have one product M, and J - J* = ‖W_2 W_1 - M‖² in the metric of E x xᵀ.",
        ],
        source="derived here, as the line of Goodfellow, Vinyals & Saxe 2015, section 5, with one more direction",
        steps=steps(),
        closed_form={
            "depth 2, width 1, three solutions: J - J*, D_ij = (b_i - b_j)(a_i - a_j)": (
                (1 - u - v) * u * d01 + (1 - u - v) * v * d02 + u * v * d12
            )
            ** 2
        },
        check=lambda: _checks(depth, width, seed),
        values={
            "degree": 2 * int(depth),
            "objective_at_the_points": [float(surface(*at)) for at in ((0, 0), (1, 0), (0, 1))],
            "bounds": list(surface.bounds()),
        },
    )


def _example(depth: int, width: int, seed: int) -> tuple[Plane, Array, Array]:
    require_whole(depth=(depth, 1, 8), width=(width, 2, 32), seed=(seed, 0, 2**32))
    rng, size = np.random.default_rng(int(seed)), (int(width), int(width))
    a, b, c = ([rng.standard_normal(size) / np.sqrt(width) for _ in range(int(depth))] for _ in range(3))
    x, y = rng.standard_normal((2, 4 * size[0], size[0]))
    return plane(a, b, c, moments(x, y), ((-0.5, 1.5), (-0.5, 1.5))), x, y


def _checks(depth: int, width: int, seed: int) -> list[Check]:
    surface, x, y = _example(depth, width, seed)
    rng = np.random.default_rng(int(seed) + 1)
    at, h = rng.uniform(-0.5, 1.5, (30, 2)), 1e-5

    def run(u: float, v: float) -> float:
        hidden = x.T
        for w in surface.point(u, v):
            hidden = w @ hidden
        return float(np.mean(np.sum((hidden.T - y) ** 2, axis=1)))

    scale = float(np.max(np.abs(surface.coefficients)))
    off = max(abs(run(u, v) - float(surface(u, v))) for u, v in at)
    slope = max(abs((run(u, v + h) - run(u, v - h)) / (2 * h) - float(surface.derivative(u, v, 0, 1))) for u, v in at)
    t, line = rng.uniform(0, 1, 20), surface.line((at[0, 0], at[0, 1]), (at[1, 0], at[1, 1]))
    along = np.max(np.abs(line(t) - surface(*(np.outer(1 - t, at[0]) + np.outer(t, at[1])).T)))
    return [
        Check("polynomial against the network run on the data", off / scale, 1e-12),
        Check("derivative against central differences of the network", slope / scale, 1e-7),
        Check("on a line in the plane, against the polynomial of the line", float(along) / scale, 1e-12),
    ]


def draw(axes: Any, *, depth: int = 2, width: int = 4, seed: int = 0) -> None:
    """Contours of J on the example's plane, and its three points."""
    surface, _, _ = _example(depth, width, seed)
    u, v = (np.linspace(*interval, 121) for interval in surface.region)
    values = surface.grid(u, v)
    levels = np.geomspace(values.min(), values.max(), 24)
    shapes = axes.contourf(u, v, values.T, levels=levels, norm="log", cmap="viridis")
    axes.figure.colorbar(shapes, ax=axes, label="J (mean squared error, summed over outputs)", format="%.3g")
    axes.plot([0, 1, 0, 0], [0, 0, 1, 0], "o-", color="white", markeredgecolor="black", label="the three points")
    axes.set_title(f"depth {depth}, width {width}: degree {2 * int(depth)} in u and v together")
    label_axes(axes, "u (fraction of the way from the first to the second point)", "v (fraction, first to third)")
