"""Slow plain twins that several topics are held against, and the random networks that they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from theory.quadratic.modes import Method, gradient_descent, heavy_ball, nesterov, torch_sgd

Floats = NDArray[np.float64]


def flat(layers: Sequence[Any]) -> Floats:
    """All weights in one row."""
    return np.concatenate([np.ravel(w) for w in layers])


def followed(layers: Sequence[Any], target: Floats, times: Any, method: str = "DOP853") -> Floats:
    """Weights [T, P], flat, of W_l' = (W_L ... W_{l+1})ᵀ (M - W_L ... W_1) (W_{l-1} ... W_1)ᵀ, as it is written."""
    cuts = np.cumsum([np.size(w) for w in layers])[:-1]

    def flow(_: float, weights: Floats) -> Floats:
        parts = [v.reshape(np.shape(w)) for v, w in zip(np.split(weights, cuts), layers, strict=True)]
        before = [reduce(lambda p, w: w @ p, parts[:i], np.eye(target.shape[1])) for i in range(len(parts) + 1)]
        after = [reduce(lambda p, w: p @ w, parts[:i:-1], np.eye(len(target))) for i in range(len(parts))]
        gap = target - before[-1]
        return flat([x.T @ gap @ y.T for x, y in zip(after, before, strict=False)])

    span = (0, times[-1])
    return np.asarray(solve_ivp(flow, span, flat(layers), t_eval=times, method=method, rtol=1e-12, atol=1e-14).y.T)


def descended(method: Method, product: Callable[[Floats], Floats], start: Floats, kicks: Floats) -> Floats:
    """Errors [T + 1, ...] by the rule as it is written down; ``kicks`` [T, ...] are added to each gradient H v."""
    m, error, at_rest, buffer, rows = method.momentum, start, start, np.zeros_like(start), [start]
    for step, kick in enumerate(kicks):
        if method.kind == "nesterov":
            look = error + m * (error - at_rest)
            at_rest, error = error, look - method.lr * (product(look) + kick)
        else:
            gradient = product(error) + kick
            buffer = gradient if step == 0 else m * buffer + (1 - method.dampening) * gradient
            error = error - method.lr * (gradient + m * buffer if method.kind == "nesterov_torch" else buffer)
        rows.append(error)
    return np.array(rows)


EVERY_KIND = [
    gradient_descent(1.2),
    heavy_ball(0.6, 0.8),
    torch_sgd(0.9, 0.8, 0.3),
    nesterov(0.7, 0.8),
    torch_sgd(0.5, 0.8, nesterov=True),
]


def on_axis(start: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Projection and residual [...] of errors [..., D] on the way from the start, in units of its length R."""
    moved, size = start - errors, np.linalg.norm(start, axis=-1)
    along = np.sum(moved * start, axis=-1) / size**2
    return along, np.linalg.norm(moved - along[..., None] * start, axis=-1) / size
