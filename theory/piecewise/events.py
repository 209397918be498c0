"""Where the units of a two-layer ReLU or maxout network change their line, and what each change does to J.

Everything is in t in [-1, 1], the position inside the interval of α: a pre-activation is mid + t rate, the output
weights are out_mid + t out_rate. A kink at t_k adds δ (t - t_k) to one unit of one example, with δ > 0 always,
because a maximum of lines is convex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arithmetic.polynomial import Array, require_interval

Network = Sequence[ArrayLike]
# Floats in the largest temporary of a block of examples: 32 MB.
BLOCK = 2**22
# (example, unit, t, δ) of every kink, ordered by example and then by t.
Kinks = tuple[NDArray[np.intp], NDArray[np.intp], Array, Array]
NAMES = ("W1", "b1", "W2", "b2")


@dataclass(frozen=True)
class Block:
    """Some examples: J's own sum as a quartic at t = -1, and the change that every kink makes.

    Args:
        start: coefficients of t^0..t^4 of Σ_n ‖r_n‖² before the first kink [5].
        at: kinks in t [E]. change: coefficients of (t - at)^1..4 that each adds [E, 4].
    """

    start: Array
    at: Array
    change: Array


def read(network: Network, name: str, pieces: int | None = None) -> tuple[Array, Array, Array, Array]:
    """(W1 [H·K, D], b1 [H·K], W2 [C, H], b2 [C]) in float64.

    Raises:
        ValueError: not four arrays, shapes that do not fit, NaN or infinity.
    """
    if len(network) != 4:
        raise ValueError(f"{name} has {len(network)} entries; give (W1, b1, W2, b2).")
    w1, b1, w2, b2 = arrays = tuple(np.asarray(part, dtype=np.float64) for part in network)
    per = 1 if pieces is None else pieces
    if not (
        w1.ndim == w2.ndim == 2
        and b1.shape == w1.shape[:1]
        and b2.shape == w2.shape[:1]
        and len(w1) == w2.shape[1] * per
        and min(w1.size, w2.size) > 0
    ):
        raise ValueError(
            f"{name} has shapes {', '.join(f'{n} {a.shape}' for n, a in zip(NAMES, arrays, strict=True))}; needed are "
            f"W1 [H{'' if pieces is None else '·pieces'}, D], b1 alike, W2 [C, H], b2 [C]"
            f"{'' if pieces is None else f' with pieces={pieces}'}."
        )
    for part, array in zip(NAMES, arrays, strict=True):
        if not np.all(np.isfinite(array)):
            raise ValueError(f"{part} of {name} holds NaN or infinity; give finite weights.")
    return w1, b1, w2, b2


def read_line(
    network_0: Network, network_1: Network, x: ArrayLike, pieces: int | None = None
) -> tuple[tuple[Array, ...], tuple[Array, ...], Array]:
    """Both ends and the inputs, checked against each other; the inputs keep their dtype.

    Raises:
        ValueError: as ``read``; ends of two shapes or equal; inputs empty, not [N, D], NaN or infinity.
    """
    start, end = read(network_0, "network_0", pieces), read(network_1, "network_1", pieces)
    if any(a.shape != b.shape for a, b in zip(start, end, strict=True)):
        raise ValueError("network_0 and network_1 differ in shape; both ends must be one architecture.")
    if all(np.array_equal(a, b) for a, b in zip(start, end, strict=True)):
        raise ValueError("network_0 and network_1 are equal, so the line has length zero; give two points.")
    inputs = np.asarray(x)
    if inputs.ndim != 2 or inputs.shape[1] != start[0].shape[1] or not len(inputs):
        raise ValueError(f"x is {inputs.shape}; W1 needs [N, {start[0].shape[1]}] with at least one example.")
    if not np.all(np.isfinite(inputs)):
        raise ValueError("x holds NaN or infinity; remove those examples.")
    return start, end, inputs


def blocks(
    start: tuple[Array, ...],
    end: tuple[Array, ...],
    x: Array,
    y: Array,
    interval: tuple[float, float],
    pieces: int | None,
) -> Iterator[Block]:
    """The data in blocks that bound the memory, whatever N."""
    require_interval(interval)
    low, high = (tuple((1 - a) * p + a * q for p, q in zip(start, end, strict=True)) for a in interval)
    out_mid, out_rate = (low[2] + high[2]) / 2, (high[2] - low[2]) / 2
    bias_mid, bias_rate = (low[3] + high[3]) / 2, (high[3] - low[3]) / 2
    outputs, units = out_mid.shape
    rows = max(1, min(1024, BLOCK // (3 * outputs * units * max(1, (pieces or 2) - 1))))
    for first in range(0, len(x), rows):
        part = np.asarray(x[first : first + rows], dtype=np.float64)
        z_low, z_high = (part @ w.T + b for w, b in (low[:2], high[:2]))
        mid, rate, kinks = _relu(z_low, z_high) if pieces is None else _envelope(z_low, z_high, pieces)
        residual = np.stack(
            [
                mid @ out_mid.T + bias_mid - np.asarray(y[first : first + rows], dtype=np.float64),
                mid @ out_rate.T + rate @ out_mid.T + bias_rate,
                rate @ out_rate.T,
            ],
            axis=1,
        )  # [B, 3, C], coefficients of 1, t, t²
        p, q, s = residual.transpose(1, 0, 2)
        sums = [np.vdot(p, p), 2 * np.vdot(p, q), np.vdot(q, q) + 2 * np.vdot(p, s), 2 * np.vdot(q, s), np.vdot(s, s)]
        yield Block(np.array(sums), kinks[2], _changes(residual, kinks, out_mid.T, out_rate.T))


def _relu(z_low: Array, z_high: Array) -> tuple[Array, Array, Kinks]:
    """The line of every unit just after t = -1 [B, H], and the kinks."""
    on = (z_low > 0) | ((z_low == 0) & (z_high > 0))
    example, unit = np.nonzero((z_low < 0) & (z_high > 0) | (z_low > 0) & (z_high < 0))
    low, high = z_low[example, unit], z_high[example, unit]
    # The signs differ, so only the sum can cancel: the error of t is absolute, a few units of rounding.
    at, jump = (low + high) / (low - high), np.abs(high - low) / 2
    mid, rate = np.where(on, (z_low + z_high) / 2, 0.0), np.where(on, (z_high - z_low) / 2, 0.0)
    return mid, rate, _ordered(example, unit, at, jump)


def _envelope(z_low: Array, z_high: Array, pieces: int) -> tuple[Array, Array, Kinks]:
    """The same for the upper envelope of K lines, walked from kink to kink: at most K - 1 for each unit."""
    shape = (len(z_low), -1, pieces)
    values, mid, rate = (v.reshape(shape) for v in (z_low, (z_low + z_high) / 2, (z_high - z_low) / 2))
    top = np.where(values == values.max(axis=2, keepdims=True), rate, -np.inf).argmax(axis=2)  # ties: the steepest
    example, unit = (index.ravel() for index in np.indices(top.shape))
    active, now = top.ravel(), np.full(top.size, -1.0)
    first = tuple(np.take_along_axis(v, top[..., None], axis=2)[..., 0] for v in (mid, rate))
    found = []
    for _ in range(pieces - 1):
        m, r = mid[example, unit], rate[example, unit]  # [R, K]
        line = np.arange(len(active))
        steeper = r - r[line, active][:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            meets = np.where(steeper > 0, (m[line, active][:, None] - m) / steeper, np.inf)
        soonest = meets.min(axis=1)
        following = np.where(meets == soonest[:, None], steeper, -np.inf).argmax(axis=1)
        go = soonest < 1
        at = np.maximum(soonest, now)[go]  # rounding must not turn the walk back
        found.append((example[go], unit[go], at, steeper[line, following][go]))
        example, unit, active, now = example[go], unit[go], following[go], at
    if not found:
        found = [(example[:0], unit[:0], now[:0], now[:0])]
    kinks = _ordered(*(np.concatenate(column) for column in zip(*found, strict=True)))
    return first[0], first[1], kinks


def _ordered(example: Any, unit: Any, at: Array, jump: Array) -> Kinks:
    order = np.lexsort((at, example))
    return example[order], unit[order], at[order], jump[order]


def _changes(residual: Array, kinks: Kinks, out_mid: Array, out_rate: Array) -> Array:
    """Coefficients of (t - at)^1..4 added to ‖r‖² by every kink, given r just before it."""
    example, unit, at, jump = kinks
    if not len(at):
        return np.zeros((0, 4))
    count = np.bincount(example, minlength=len(residual))
    order = np.arange(len(at)) - (np.cumsum(count) - count)[example]  # the how-manieth kink of its example
    # Running residuals per example: slot k holds the coefficients of r just before kink k.
    running = np.zeros((len(residual), int(count.max()) + 1, *residual.shape[1:]))
    running[:, 0] = residual
    w, dw = out_mid[unit], out_rate[unit]  # [E, C]
    d, t = jump[:, None], at[:, None]
    running[example, order + 1] = np.stack([-d * t * w, d * (w - t * dw), d * dw], axis=1)
    np.cumsum(running, axis=1, out=running)
    p, q, r2 = running[example, order].transpose(1, 0, 2)
    r0, r1, w = p + t * (q + t * r2), q + 2 * t * r2, w + t * dw  # about the kink

    def dot(a: Array, b: Array) -> Array:
        return np.asarray(np.einsum("ec,ec->e", a, b))

    return np.stack(
        [
            2 * jump * dot(r0, w),
            2 * jump * (dot(r0, dw) + dot(r1, w)) + jump**2 * dot(w, w),
            2 * jump * (dot(r1, dw) + dot(r2, w) + jump * dot(w, dw)),
            2 * jump * dot(r2, dw) + jump**2 * dot(dw, dw),
        ],
        axis=1,
    )
