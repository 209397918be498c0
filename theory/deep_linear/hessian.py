"""Second derivatives of J where they are known in closed form: a quadratic, and deep linear nets at any point.

The Hessian of a deep linear net is written out for any depth, any weights and any data, from the data's second moments.
Its eigenvalues are closed forms with one unit per layer where all weights are equal, and of two layers on white inputs
where the layers share the data's singular vectors; the origin and the solution are among such points.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array
from theory.deep_linear import hessian_steps
from theory.deep_linear.curve import Moments
from theory.derivation import Check, Derivation, label_axes, require_whole

MOST_PARAMETERS = 3000
"""Of a Hessian that is written out: 72 MB."""


def quadratic(curvatures: ArrayLike) -> Array:
    """Eigenvalues, rising [P], of ½ Σ h_i (θ_i - θ*_i)²: its curvatures h, at every point.

    Args:
        curvatures: h [P].
    """
    return np.sort(np.asarray(curvatures, dtype=np.float64))


def hessian(weights: Sequence[ArrayLike], data: Moments) -> Array:
    """The Hessian [P, P] of J = E ‖W_L ... W_1 x - y‖², θ the entries of W_1, then W_2, ..., each row by row.

    Args:
        weights: W_1 [H_1, D], ..., W_L [C, H_(L-1)].
        data: their second moments.

    Raises:
        ValueError: shapes that do not chain, weights that are not finite, or more parameters than can be written out.
    """
    layers = [np.asarray(w, dtype=np.float64) for w in weights]
    _require_chain(layers, data)
    sizes = [w.size for w in layers]
    if sum(sizes) > MOST_PARAMETERS:
        raise ValueError(
            f"{sum(sizes)} weights have a Hessian that is too large to write out; {MOST_PARAMETERS} will do."
        )
    depth = len(layers)
    before = [_product(layers[:k], len(data.xx)) for k in range(depth)]  # W_(k-1) ... W_1
    after = [_product(layers[k + 1 :], layers[k].shape[0]) for k in range(depth)]  # W_L ... W_(k+1)
    gap = _product(layers, len(data.xx)) @ data.xx - data.yx  # [C, D]
    at = np.concatenate([[0], np.cumsum(sizes)])
    found = np.zeros((at[-1], at[-1]))
    for k in range(depth):
        for m in range(k, depth):
            inner, outer = before[m] @ data.xx @ before[k].T, after[m].T @ after[k]
            block = 2 * np.einsum("po,qi->pqoi", outer, inner)  # of W_m[p, q] and W_k[o, i]
            if m > k:
                between = _product(layers[k + 1 : m], layers[k].shape[0])  # [q, o]
                pull = before[k] @ gap.T @ after[m]  # [i, p]
                block = block + 2 * np.einsum("qo,ip->pqoi", between, pull)
            found[at[m] : at[m + 1], at[k] : at[k + 1]] = block.reshape(sizes[m], sizes[k])
            found[at[k] : at[k + 1], at[m] : at[m + 1]] = block.reshape(sizes[m], sizes[k]).T
    return found


def scalar(weights: ArrayLike) -> Array:
    """Eigenvalues, rising [L], of J = (1 - w_1 ... w_L)² at any weights.

    Args:
        weights: w [L].

    Raises:
        ValueError: no weights, or not finite.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 1 or not w.size or not np.all(np.isfinite(w)):
        raise ValueError(f"weights={weights!r} must be a list of finite numbers, one per layer.")
    p = float(np.prod(w))
    if not p:  # on an axis, where the formula below divides by zero
        return _eigenvalues(hessian([np.array([[one]]) for one in w], WHITE))
    v = 1 / w
    return _eigenvalues(2 * p * (2 * p - 1) * np.outer(v, v) - 2 * p * (p - 1) * np.diag(v**2))


def balanced(weight: float, depth: int) -> Array:
    """Eigenvalues, rising [L], of J = (1 - w^L)² with all weights equal: one along the line, L - 1 across it.

    Args:
        weight: w. depth: L.
    """
    require_whole(depth=(depth, 1, 10**6))
    if depth == 1:
        return np.array([2.0])
    power, low = weight**depth, weight ** (depth - 2)
    across, along = 2 * (1 - power) * low, 2 * ((2 * depth - 1) * power - (depth - 1)) * low
    return np.sort(np.append(np.full(depth - 1, across), along))


def two_layers(strengths: ArrayLike, targets: ArrayLike) -> Array:
    """Eigenvalues, rising [2N²], of J = E ‖W_2 W_1 x - y‖² with N inputs, hidden units and outputs, inputs white.

    At the points W_1 = A Vᵀ and W_2 = U A: A diagonal, U and V the singular vectors of E y xᵀ. With A = 0 this is the
    origin, with A² the singular values the solution.

    Args:
        strengths: the diagonal of A [N].
        targets: the singular values of E y xᵀ, in the same order [N].

    Raises:
        ValueError: two lengths, or numbers that are not finite.
    """
    a, s = np.asarray(strengths, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if a.ndim != 1 or a.shape != s.shape or not a.size or not np.all(np.isfinite([a, s])):
        raise ValueError(
            f"strengths have shape {a.shape} and targets {s.shape}; both must be finite numbers, one a mode."
        )
    gap = a**2 - s
    found = [4 * a**2 + 2 * gap, -2 * gap]
    first, second = np.triu_indices(len(a), 1)
    for sign in (1, -1):
        top, low = a[second] ** 2 + sign * gap[first], a[first] ** 2 + sign * gap[second]
        root = np.hypot(top - low, 2 * a[first] * a[second])
        found += [top + low + root, top + low - root]
    return np.sort(np.concatenate(found))


WHITE = Moments(1, np.eye(1), np.eye(1), 1.0)
"""One input of variance one that is its own target: J = (1 - w_1 ... w_L)²."""


def _product(layers: Sequence[Array], size: int) -> Array:
    """The last layer times ... times the first; the identity of none."""
    found = np.eye(size)
    for layer in layers:
        found = layer @ found
    return found


def _eigenvalues(matrix: Array) -> Array:
    """Rising."""
    return np.asarray(np.linalg.eigvalsh(matrix), dtype=np.float64)


def _require_chain(layers: Sequence[Array], data: Moments) -> None:
    shapes = [w.shape for w in layers]
    good = bool(layers) and all(len(shape) == 2 for shape in shapes)
    good = good and all(one[0] == two[1] for one, two in pairwise(shapes))
    if not good or (shapes[-1][0], shapes[0][1]) != data.yx.shape:
        raise ValueError(f"weights of shapes {shapes} do not lead from the inputs to the outputs of {data.yx.shape}.")
    if not all(np.all(np.isfinite(w)) for w in layers):
        raise ValueError("the weights must be finite; one of them holds NaN or infinity.")


def derive(*, depth: int = 3, weight: float = 0.5) -> Derivation:
    """The Hessian of a scalar deep linear net, on the line of equal weights and at the origin, and of two layers.

    Args:
        depth: L of the statements, 2 to 6. weight: w of the numbers.
    """
    require_whole(depth=(depth, 2, 6))
    if not -10 <= weight <= 10:
        raise ValueError(f"weight={weight:g} is not allowed; use a number from -10 to 10.")
    depth = int(depth)
    return Derivation(
        title="Hessians in closed form",
        assumptions=[
            "the quadratic: J = ½ Σ h_i (θ_i - θ*_i)²",
            "one unit per layer: J = (1 - p)², p = w_1 ... w_L, without the half",
            "two layers: J = E ‖W_2 W_1 x - y‖², E x xᵀ = I; N inputs, hidden units and outputs; W_1 = A Vᵀ, W_2 = U A "
            "and E y xᵀ = U S Vᵀ, A and S diagonal",
        ],
        source="derived here; the origin as a saddle: Baldi & Hornik 1989, Kawaguchi 2016; section 5 of the paper",
        steps=hessian_steps.steps(depth),
        closed_form=hessian_steps.closed_form(),
        check=lambda: _checks(depth),
        values={
            "depth": depth,
            "equal_weights": weight,
            "eigenvalues": balanced(weight, depth).tolist(),
            "eigenvalues_at_the_origin": balanced(0.0, depth).tolist(),
            "eigenvalues_at_the_solution": balanced(1.0, depth).tolist(),
        },
    )


def _checks(depth: int) -> list[Check]:
    """Against central differences of J, and each spectrum against the matrix written out."""
    rng = np.random.default_rng(depth)
    sizes = rng.integers(1, 4, size=depth + 1)
    layers = [rng.normal(size=(sizes[k + 1], sizes[k])) for k in range(depth)]
    root = rng.normal(size=(sizes[0], sizes[0]))
    data = Moments(1, root @ root.T, rng.normal(size=(sizes[-1], sizes[0])), 1.0)
    written = hessian(layers, data)
    found = [Check("any depth against differences of J", _off(written, _differences(layers, data)), 1e-5)]
    far = 0.0
    for point in (rng.normal(size=depth), np.full(depth, 0.7), np.array([0.3] * (depth - 1) + [-0.3]), np.zeros(depth)):
        exact = _eigenvalues(hessian([np.array([[w]]) for w in point], WHITE))
        far = max(far, _off(scalar(point), exact))
        if len(set(point)) == 1:
            far = max(far, _off(balanced(float(point[0]), depth), exact))
    found.append(Check("one unit per layer, eigenvalues", far, 1e-12))
    num = 4
    u, v = (np.linalg.qr(rng.normal(size=(num, num)))[0] for _ in range(2))
    singular, far = np.sort(rng.uniform(0.2, 2, num))[::-1], 0.0
    for strengths in (np.zeros(num), np.sqrt(singular), rng.normal(size=num)):
        layers = [strengths[:, None] * v.T, u * strengths]
        exact = _eigenvalues(hessian(layers, Moments(1, np.eye(num), (u * singular) @ v.T, 1.0)))
        far = max(far, _off(two_layers(strengths, singular), exact))
    return [*found, Check("two layers, eigenvalues", far, 1e-12)]


def _off(one: Array, other: Array) -> float:
    return float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))


def _differences(layers: Sequence[Array], data: Moments, step: float = 1e-4) -> Array:
    """The same matrix from values of J alone."""
    flat, cuts = np.concatenate([w.ravel() for w in layers]), np.cumsum([w.size for w in layers])[:-1]

    def objective(theta: Array) -> float:
        parts = [p.reshape(w.shape) for p, w in zip(np.split(theta, cuts), layers, strict=True)]
        product = _product(parts, len(data.xx))
        return float(np.trace(product @ data.xx @ product.T) - 2 * np.sum(product * data.yx))

    units = step * np.eye(len(flat))
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    rows = [[sum(a * b * objective(flat + a * p + b * q) for a, b in signs) for q in units] for p in units]
    return np.array(rows) / (4 * step**2)


def draw(axes: Any, *, depth: int = 3, weight: float = 0.5) -> None:
    """The two eigenvalues along the line of equal weights, from the origin to the solution.

    Args:
        axes: of matplotlib. depth: L. weight: a point that is marked.
    """
    derive(depth=depth, weight=weight)  # refuses bad parameters
    at = np.linspace(0, 1.2, 241)
    power = at ** int(depth)
    low = at ** (int(depth) - 2)
    axes.plot(at, 2 * ((2 * depth - 1) * power - (depth - 1)) * low, label="along the line")
    axes.plot(at, 2 * (1 - power) * low, label=f"across it, {int(depth) - 1} of them")
    axes.plot([weight] * int(depth), balanced(weight, int(depth)), "k.", label=f"w = {weight:g}")
    label_axes(axes, "w, all weights equal (no unit)", "eigenvalue of the Hessian of J (no unit)")
