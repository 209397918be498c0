"""The exact curve of a ReLU or maxout network with squared error along a line: a quartic between any two kinks.

With one hidden layer every pre-activation is linear in α, so each unit of each example changes its line at known
places; between these the outputs are quadratic and J quartic. One pass over the data, one sort and running sums give
all pieces at once, and cubics give every extremum: no grid can be too coarse. Exact up to the rounding of float64;
``theory.piecewise.certified_decrease`` closes that gap where J decreases.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import EPS, Array
from theory.derivation import Check, Derivation, label_axes, require_whole
from theory.piecewise import curve_steps
from theory.piecewise.events import Network, blocks, read_line
from theory.piecewise.pieces import Curve

# Kinks summed plainly before the sum is carried over with its rounding error kept.
CARRY = 128


def line(
    network_0: Network,
    network_1: Network,
    x: ArrayLike,
    y: ArrayLike,
    interval: tuple[float, float] = (0.0, 1.0),
    pieces: int | None = None,
) -> Curve:
    """Every piece of J along (1 - α) network_0 + α network_1, J = mean_n ‖W2 relu(W1 x_n + b1) + b2 - y_n‖².

    Args:
        network_0, network_1: (W1 [H, D], b1 [H], W2 [C, H], b2 [C]), any float dtype, computed in float64.
        x: inputs [N, D]. y: targets [N, C].
        interval: of α; may reach outside [0, 1].
        pieces: K for maxout, W1 [H·K, D] with the K rows of one unit next to each other; None for ReLU.

    Raises:
        ValueError: shapes that do not fit, ends equal, no data, NaN or infinity, overflow.
    """
    if pieces is not None and (pieces != int(pieces) or pieces < 1):
        raise ValueError(f"pieces={pieces} is not allowed; use a whole number from 1 up, or None for ReLU.")
    start, end, inputs = read_line(network_0, network_1, x, pieces)
    targets = np.asarray(y)
    if targets.shape != (len(inputs), len(start[2])):
        raise ValueError(f"y is {targets.shape}; it must be [{len(inputs)}, {len(start[2])}], as x and W2 say.")
    if not np.all(np.isfinite(targets)):
        raise ValueError("y holds NaN or infinity; remove those examples.")
    with np.errstate(over="ignore", invalid="ignore"):  # refused below
        parts = list(blocks(start, end, inputs, targets, interval, pieces))
        base = np.sum([part.start for part in parts], axis=0)
        at, change = (np.concatenate([getattr(part, name) for part in parts]) for name in ("at", "change"))
        parts.clear()
        order = np.argsort(at, kind="stable")
        at, about_zero = at[order], _recentred(at[order], change[order])
        size = float(np.sum(np.abs(base)) + np.sum(np.abs(about_zero)))
        coefficients = running_sums(base, about_zero) / len(inputs)
    if not (np.isfinite(size) and np.all(np.isfinite(coefficients))):
        raise ValueError("the objective along this line overflows float64; use smaller weights or data.")
    last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of equal kinks only the last opens a piece
    return Curve(
        at[last],
        coefficients[np.append(True, last)],
        (float(interval[0]), float(interval[1])),
        4 * EPS * size / len(inputs),
        len(at),
    )


def _recentred(at: Array, change: Array) -> Array:
    """Σ_m change_m (t - at)^m as coefficients of t^0..t^4 [E, 5]; |at| <= 1, so nothing grows."""
    rows = np.zeros((len(at), 5))
    for m in (3, 2, 1, 0):  # Horner in (t - at)
        rows[:, 0] += change[:, m]
        shifted = np.roll(rows, 1, axis=1)  # t^4 is never reached before the last turn
        rows = shifted - at[:, None] * rows
    return rows


def running_sums(base: Array, steps: Array) -> Array:
    """base, base + steps[0], base + steps[0] + steps[1], ... [E + 1, ...], the error of the carried sums kept.

    Plain running sums over millions of kinks would drift; here only ``CARRY`` of them are summed plainly.

    Source: Knuth, TAOCP 2, section 4.2.2, theorem B (the error of a sum is a float).
    """
    result = np.empty((len(steps) + 1, *base.shape))
    result[0] = carried = base.astype(np.float64)
    error = np.zeros_like(carried)
    for first in range(0, len(steps), CARRY):
        inner = np.cumsum(steps[first : first + CARRY], axis=0)
        result[first + 1 : first + 1 + len(inner)] = carried + (error + inner)
        total = carried + inner[-1]
        back = total - carried
        error = error + ((carried - (total - back)) + (inner[-1] - back))
        carried = total
    return result


INPUTS, OUTPUTS = 2, 2  # of the networks that derive() shows


def _example(examples: int, hidden: int, seed: int, pieces: int = 1) -> tuple[Any, Any, Array, Array]:
    require_whole(examples=(examples, 1, 2000), hidden=(hidden, 1, 200), seed=(seed, 0, 2**31))
    rng = np.random.default_rng(int(seed))
    shapes = ((hidden * pieces, INPUTS), (hidden * pieces,), (OUTPUTS, hidden), (OUTPUTS,))
    ends = [tuple(rng.standard_normal(tuple(map(int, shape))) for shape in shapes) for _ in range(2)]
    data = [rng.standard_normal((int(examples), width)) for width in (INPUTS, OUTPUTS)]
    return ends[0], ends[1], data[0], data[1]


def forward(network_0: Network, network_1: Network, x: ArrayLike, y: ArrayLike, alpha: Any, pieces: int = 0) -> Any:
    """J at one alpha by running the network: the twin of ``Curve``; exact if all entries are Fractions."""
    w1, b1, w2, b2 = (
        (1 - alpha) * np.asarray(p) + alpha * np.asarray(q) for p, q in zip(network_0, network_1, strict=True)
    )
    a = np.asarray(x) @ w1.T + b1
    hidden = a.reshape(len(a), -1, pieces).max(axis=2) if pieces else np.maximum(a, 0)
    return np.sum((hidden @ w2.T + b2 - np.asarray(y)) ** 2) / len(a)


def derive(*, examples: int = 6, hidden: int = 3, seed: int = 11) -> Derivation:
    """The whole curve of a random ReLU network with two inputs and outputs, by its kinks.

    Args:
        examples: N, up to 2000. hidden: H, up to 200. seed: of both ends and of the data.
    """
    from theory.piecewise import certified_decrease

    data = _example(examples, hidden, seed)
    curve, proof = line(*data), certified_decrease.line(*data, cost="squared_error")
    return Derivation(
        title="A ReLU network with squared error along a line: every piece, no grid",
        assumptions=[
            "One hidden layer of ReLU or maxout units; both layers and biases move along the line.",
            "J = mean of the squared residual, summed over outputs, without the half.",
            "The bounds of the second half are for softmax cross-entropy; three classes stand for any number.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, section 3 and Figure 4: is the resolution fine enough?",
        steps=curve_steps.steps(),
        closed_form=curve_steps.closed_form(),
        check=lambda: _checks(int(examples), int(hidden), int(seed)),
        values={
            "num_kinks": curve.num_kinks,
            "num_pieces": curve.num_pieces,
            "extrema": {f"{p.kind} at {p.alpha:.12g}": p.objective for p in curve.extrema()},
            "largest_rise": curve.largest_rise(),
            "rounding": curve.noise,
            "proven_decreasing_up_to": proof.reached,
        },
    )


def _checks(examples: int, hidden: int, seed: int) -> list[Check]:
    rng = np.random.default_rng(seed + 1)
    data = _example(examples, hidden, seed)
    curve = line(*data, interval=(-0.4, 1.7))
    near = (curve.kinks[:200, None] + [-1e-9, 0.0, 1e-9]).ravel()
    alphas = np.concatenate([rng.uniform(-0.4, 1.7, 200), near[(near > -0.4) & (near < 1.7)]])
    twin = np.array([forward(*data, alpha=a) for a in alphas])
    top = _example(examples, hidden, seed, pieces=4)
    maxout = np.array([forward(*top, alpha=a, pieces=4) for a in alphas])
    h = 1e-6
    inside = alphas[:200][[not np.any(np.abs(curve.kinks - a) <= 2 * h) for a in alphas[:200]]]
    inside = inside[(inside > -0.4 + h) & (inside < 1.7 - h)]
    slope = (curve(inside + h) - curve(inside - h)) / (2 * h)
    few: tuple[Any, Any, Any, Any] = (data[0], data[1], data[2][:4], data[3][:4])
    fractions = np.vectorize(Fraction, otypes=[object])
    exact: tuple[Any, Any, Any, Any] = (
        *([fractions(part) for part in network] for network in few[:2]),
        *(fractions(part) for part in few[2:]),
    )
    small = line(*few)
    starts, ends = (exact[2] @ network[0].T + network[1] for network in exact[:2])
    kinks = sorted({p / (p - q) for p, q in zip(starts.ravel(), ends.ravel(), strict=True) if p * q < 0})
    places = [Fraction(k, 16) for k in range(17)]
    truth = [forward(*exact, alpha=a) for a in places]
    missed = max(abs(Fraction(float(small(float(a)))) - v) for a, v in zip(places, truth, strict=True)) / max(truth)
    wrong = abs(len(kinks) + 1 - small.num_pieces) or max(
        (abs(float(Fraction(float(k)) - e)) for k, e in zip(small.kinks, kinks, strict=True)), default=0.0
    )
    off = float(np.max(np.abs(curve(alphas) - twin)) / np.max(twin))
    off_top = np.max(np.abs(line(*top, interval=(-0.4, 1.7), pieces=4)(alphas) - maxout)) / np.max(maxout)
    steep = np.max(np.abs(slope - curve.derivative(inside)), initial=0.0) / np.max(np.abs(slope), initial=1.0)
    return [
        Check("curve against the network run at 200 places and around kinks, over the largest", off, 1e-13),
        Check("maxout of 4 pieces likewise", float(off_top), 1e-13),
        Check("kinks of four examples against exact fractions", float(wrong), 1e-14),
        Check("J of four examples against exact fractions", float(missed), 1e-14),
        Check("slope against central differences", float(steep), 1e-6),
    ]


def draw(axes: Any, *, examples: int = 6, hidden: int = 3, seed: int = 11) -> None:
    """J along the line, its kinks as a rug below and its extrema."""
    curve = line(*_example(examples, hidden, seed))
    alphas = np.union1d(np.linspace(0, 1, 1001), curve.kinks)
    axes.plot(alphas, curve(alphas), label=f"J, {curve.num_pieces} quartic pieces")
    density = min(1.0, 40 / max(1, curve.num_kinks) + 0.02)
    rug = {"transform": axes.get_xaxis_transform(), "color": "0.3", "alpha": density, "clip_on": False}
    axes.plot(curve.kinks, np.full(len(curve.kinks), -0.02), "|", label="kinks", **rug)
    for kind, marker in (("minimum", "v"), ("maximum", "^")):
        points = [point for point in curve.extrema() if point.kind == kind]
        axes.plot([p.alpha for p in points], [p.objective for p in points], marker, label=f"{kind} (exact)")
    label_axes(axes, "α (fraction of the line)", "J (mean squared error, summed over outputs)")
