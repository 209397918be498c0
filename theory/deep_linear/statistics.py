"""Mean objective of a deep linear network on a line: between rotated copies of a solution, and from a Gaussian start.

Nothing is simulated: the means over the rotation or the start are polynomials in α like J itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import comb, isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory import deep_linear
from theory.arithmetic import polynomial
from theory.arithmetic.polynomial import EPS, Array
from theory.deep_linear import statistics_steps
from theory.deep_linear.curve import Moments, moments
from theory.derivation import Check, Derivation, label_axes, require_whole


def haar(rng: np.random.Generator, width: int, count: int) -> Array:
    """Orthogonal matrices drawn uniformly from O(width) [count, width, width]."""
    q, r = np.linalg.qr(rng.standard_normal((count, width, width)))
    return np.asarray(q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :])


def rotate(weights: Sequence[ArrayLike], rotations: Sequence[ArrayLike]) -> list[Array]:
    """The same function by other weights: Q_l W_l Q_{l-1}ᵀ with Q_0 and Q_L the identity.

    Args:
        weights: W_1 ... W_L. rotations: Q_1 ... Q_{L-1}, one for each hidden layer, [width, width].
    """
    layers, turns = [np.asarray(w, dtype=np.float64) for w in weights], [np.asarray(q) for q in rotations]
    if len(turns) != len(layers) - 1 or any(q.shape != (w.shape[0],) * 2 for q, w in zip(turns, layers, strict=False)):
        raise ValueError(
            f"rotations of shapes {[q.shape for q in turns]} do not turn the hidden layers of widths "
            f"{[w.shape[0] for w in layers[:-1]]}; give one [width, width] for each."
        )
    right = [np.eye(layers[0].shape[1]), *turns]
    left = [*turns, np.eye(layers[-1].shape[0])]
    return [q @ w @ p.T for q, w, p in zip(left, layers, right, strict=True)]


def expected_between_rotations(weights: Sequence[ArrayLike], moments: Moments) -> polynomial.Line:
    """E J(α) on the line from (A, B) to (Q A, B Qᵀ), Q uniform on O(h): exact for any two layers, h the hidden width.

    E J = J(M) - 4 α (1 - α) ⟨M, M Σ_xx - Σ_yx⟩ + α² (1 - α)² E ‖ΔB ΔA‖², M = B A; the middle term vanishes at a
    solution, and then the barrier is a sixteenth of the last mean.

    Args:
        weights: A [h, D] and B [C, h]. moments: of the data.

    Raises:
        ValueError: not two layers, shapes that do not fit, weights not finite.
    """
    if len(weights) != 2:
        raise ValueError(f"{len(weights)} layers were given; the mean over rotations is known for two, A and B.")
    a, b = deep_linear.line(weights, [np.asarray(w) + 1.0 for w in weights], moments).weights_0  # refuses bad input
    product, width = b @ a, a.shape[0]
    size = float(np.sum(product @ moments.xx * product))
    objective = size - 2 * float(np.sum(product * moments.yx)) + moments.yy
    middle = -4 * (size - float(np.sum(product * moments.yx)))
    moved = 4 * size + 2 / width * (float(np.sum(b * b)) * float(np.sum(a @ moments.xx * a)) + size)
    # α (1 - α) = Σ over one more α and 1 - α twice; scaled to Bernstein coefficients of degree 4.
    coefficients = objective + middle * np.array([0, 1 / 4, 2 / 6, 1 / 4, 0]) + moved * np.array([0, 0, 1 / 6, 0, 0])
    return polynomial.Line(coefficients, noise=8 * EPS * (moved + moments.yy))


def wide_limit(alphas: ArrayLike, depth: int) -> Array:
    """(J - J*) / ‖M‖² between independent rotations of every hidden layer, wide: (1 - α^L - (1 - α)^L)².

    For solutions whose layers have norms of the size of their product, as balanced ones of fixed rank. Between layers
    of independent entries, mixed products are as large as M at any width, and so is their part of the barrier.

    Raises:
        ValueError: depth is no whole number above 0.
    """
    if depth != int(depth) or depth < 1:
        raise ValueError(f"depth={depth} is no number of layers; use a whole number from 1 on.")
    at = np.asarray(alphas, dtype=np.float64)
    return np.asarray((1 - at ** int(depth) - (1 - at) ** int(depth)) ** 2)


def expected_from_gaussian(weights_1: Sequence[ArrayLike], sigmas: ArrayLike, moments: Moments) -> polynomial.Line:
    """E J(α) on the line from A_l with independent entries N(0, σ_l²) to the given end, any depth.

    With Q = Σ_k (1 - α)^(2(l - k)) α^(2k) Q_k, a layer maps Q_k to σ² tr(Q_k) I + Bᵀ Q_{k-1} B.

    Args:
        weights_1: B_1 ... B_L, the input side first. sigmas: one, or one for each layer [L]. moments: of the data.

    Raises:
        ValueError: shapes that do not fit, weights or sigmas not finite, a negative sigma.
    """
    layers = deep_linear.line([np.asarray(w) + 1.0 for w in weights_1], weights_1, moments).weights_1
    depth = len(layers)
    deviations = np.asarray(sigmas, dtype=np.float64)
    if deviations.shape not in ((), (depth,)) or not np.all(np.isfinite(deviations)) or np.any(deviations < 0):
        raise ValueError(f"sigmas={sigmas!r} are no standard deviations of {depth} layers; give one number or {depth}.")
    forms = [np.eye(len(moments.yx))]  # Q_0 ... Q_l
    for b, sigma in zip(layers[::-1], np.broadcast_to(deviations, depth)[::-1], strict=True):
        noise = [sigma**2 * np.trace(q) * np.eye(b.shape[1]) for q in forms]
        moved = [b.T @ q @ b for q in forms]
        forms = [noise[0], *(n + m for n, m in zip(noise[1:], moved[:-1], strict=True)), moved[-1]]
    overlap = float(np.sum(reduce(lambda p, w: w @ p, layers) * moments.yx))
    coefficients = np.full(2 * depth + 1, moments.yy)
    for k, q in enumerate(forms):
        coefficients[2 * k] += float(np.sum(q * moments.xx)) / comb(2 * depth, 2 * k)
    for j in range(depth + 1):
        coefficients[depth + j] -= 2 * overlap * (comb(depth, j) / comb(2 * depth, depth + j))
    return polynomial.Line(coefficients, noise=EPS * depth * float(np.max(np.abs(coefficients))))


def derive(*, depth: int = 3, width: int = 8, sigma: float = 1.0, seed: int = 0) -> Derivation:
    """Barriers between rotated solutions and the curve from a random start, on average.

    Args:
        depth: L of the wide limit and of the Gaussian start, 1 to 8. width: of every layer, 1 to 64.
        sigma: standard deviation of the start, relative to 1/√width, up to 1000. seed: of the example.
    """
    end, data = _example(depth, width, sigma, seed)
    rotated = expected_between_rotations(*_solution(int(width), seed))
    start = expected_from_gaussian(end, sigma / np.sqrt(width), data)
    return Derivation(
        title="Barriers of a deep linear network on average",
        assumptions=[
            "f(x) = W_L ... W_1 x without bias; J = E ‖f(x) - y‖², without the half; ‖M‖² is in the metric of E x xᵀ.",
            "Rotated: the ends are (A, B) and (Q A, B Qᵀ), Q uniform on the orthogonal matrices of the hidden width h.",
            "Gaussian: the start has independent entries N(0, σ_l²), the end is fixed.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, Figures 5 and 10 on average; derived here",
        steps=statistics_steps.steps(),
        closed_form=statistics_steps.closed_form(),
        check=lambda: _checks(depth, width, sigma, seed),
        values={
            "expected_barrier_between_rotations": rotated.barrier(),
            "wide_limit_at_the_middle": float(wide_limit(0.5, depth)),
            "gaussian_start_expected_objective": [float(start(a)) for a in (0.0, 0.25, 0.5, 0.75, 1.0)],
            "gaussian_start_extrema": [[p.alpha, p.objective, p.kind] for p in start.extrema()],
        },
    )


def _solution(width: int, seed: int) -> tuple[list[Array], Moments]:
    """Two balanced layers that fit up to four white inputs: A has columns of length one, B is Aᵀ."""
    rank = min(width, 4)
    a = haar(np.random.default_rng([int(seed), 2]), width, 1)[0, :, :rank]
    return [a, a.T], Moments(1, np.eye(rank), np.eye(rank), float(rank))


def _example(depth: int, width: int, sigma: float, seed: int) -> tuple[list[Array], Moments]:
    require_whole(depth=(depth, 1, 8), width=(width, 1, 64), seed=(seed, 0, 2**32))
    if not (isfinite(sigma) and 0 <= sigma <= 1000):
        raise ValueError(f"sigma={sigma:g} is not allowed; use a number from 0 to 1000.")
    rng, size = np.random.default_rng(int(seed)), int(width)
    end = [rng.standard_normal((size, size)) / np.sqrt(size) for _ in range(int(depth))]
    x = rng.standard_normal((4 * size, size))
    y = x @ reduce(lambda p, w: w @ p, end).T + 0.1 * rng.standard_normal((4 * size, size))
    return end, moments(x, y)


def _objective(product: Array, data: Moments) -> Array:
    """J of functions [..., C, D]."""
    return np.asarray(((product @ data.xx - 2 * data.yx) * product).sum((-2, -1)) + data.yy)


def _checks(depth: int, width: int, sigma: float, seed: int) -> list[Check]:
    """Means over draws; |z| <= 4 for each of a few."""
    end, data = _example(depth, width, sigma, seed)
    rng, count = np.random.default_rng([int(seed), 1]), 4000
    a, b = rng.standard_normal((2, int(width), int(width))) / np.sqrt(width)
    q = haar(rng, int(width), count)
    alphas = (0.2, 0.5, 0.9)
    worst = {"rotated": 0.0, "gaussian": 0.0}
    starts = [rng.standard_normal((count, *w.shape)) * sigma / np.sqrt(width) for w in end]
    for alpha in alphas:
        product = ((1 - alpha) * b + alpha * (b @ q.transpose(0, 2, 1))) @ ((1 - alpha) * a + alpha * (q @ a))
        walk = reduce(lambda p, w: w @ p, [(1 - alpha) * g + alpha * w for g, w in zip(starts, end, strict=True)])
        for name, drawn, line in (
            ("rotated", _objective(product, data), expected_between_rotations((a, b), data)),
            ("gaussian", _objective(walk, data), expected_from_gaussian(end, sigma / np.sqrt(width), data)),
        ):
            error = float(drawn.std() / np.sqrt(count)) + 1e-12 * float(np.abs(drawn).max())
            worst[name] = max(worst[name], abs(float(drawn.mean() - line(alpha))) / error)
    return [
        Check("between rotations, mean of 4,000 draws at three α, largest |z|", worst["rotated"], 4.0),
        Check("from a Gaussian start, mean of 4,000 draws at three α, largest |z|", worst["gaussian"], 4.0),
    ]


def draw(axes: Any, *, depth: int = 3, width: int = 8, sigma: float = 1.0, seed: int = 0) -> None:
    """Expected curves: between rotations at three widths and in the limit, and from the Gaussian start."""
    end, data = _example(depth, width, sigma, seed)
    alphas = np.linspace(0, 1, 201)
    for number, h in enumerate(sorted({4, 16, int(width)})):
        layers, own = _solution(h, seed)
        values = expected_between_rotations(layers, own)(alphas) / own.yy
        axes.plot(alphas, values, color=f"C{number}", label=f"between rotations, depth 2, width {h}")
    for count in sorted({2, int(depth)}):
        color = "black" if count == 2 else "grey"
        axes.plot(alphas, wide_limit(alphas, count), ":", color=color, label=f"wide limit, depth {count}")
    start = expected_from_gaussian(end, sigma / np.sqrt(width), data)
    axes.plot(alphas, start(alphas) / data.yy, "--", color="C3", label=f"Gaussian start, depth {depth}")
    label_axes(axes, "α (fraction of the line)", "E J / J of the zero function (no unit)")
