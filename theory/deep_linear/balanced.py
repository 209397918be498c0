"""Exact gradient flow of depth-2 linear networks with white inputs: one hidden unit from any start, balanced any width.

Stack the weights as Q = (W_1ᵀ; W_2). If W_2ᵀW_2 - W_1W_1ᵀ = λ I, which one hidden unit always obeys, then
Q' = F Q - ½ Q QᵀQ with a constant symmetric F: one unit has explicit weights, any width an explicit QQᵀ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.special import exprel

from theory.arithmetic.polynomial import EPS, Array
from theory.deep_linear import balanced_steps
from theory.deep_linear.flow_limit import matrix_flow, two_layers
from theory.deep_linear.projected import Run, project, times_of
from theory.derivation import Check, Derivation, label_axes, require_whole

LARGEST = 1e100
STEP = 2.0  # largest eigenvalue of F times a step in time: the matrix to invert keeps a condition of e⁴ or so
MOST_STEPS = 100_000


@dataclass(frozen=True, eq=False)
class OneUnit(Run):
    """One hidden unit, f(x) = b (a·x); ``start``, ``end`` and the weights of a time are (a, b) [D + C].

    Args:
        target: M = E y xᵀ [C, D]. imbalance: λ = |b|² - |a|².
    """

    target: Array
    imbalance: float

    def product(self, times: ArrayLike) -> Array:
        """The map b aᵀ [T, C, D] at ``times`` [T]."""
        points, inputs = self(times), self.target.shape[1]
        return points[:, inputs:, None] * points[:, None, :inputs]


def one_unit(a_0: ArrayLike, b_0: ArrayLike, target: ArrayLike) -> OneUnit:
    """The run of a' = (M - b aᵀ)ᵀ b, b' = (M - b aᵀ) a from any start; half of gradient flow of E ‖f - y‖².

    Q(t) = e^{Ft} Q_0 / √(1 + Q_0ᵀ ∫_0^t e^{2Fs} ds Q_0) in the eigenbasis of F, over its fastest growth.

    Args:
        a_0: [D]. b_0: [C]. target: M [C, D], of white inputs.

    Raises:
        ValueError: shapes that do not fit, values not finite or too large, a start without a part along the fastest
            growth (it flows into a saddle), a start at its end.
    """
    a, b, m = (np.asarray(v, np.float64) for v in (a_0, b_0, target))
    if a.ndim != 1 or b.ndim != 1 or not (a.size and b.size) or m.shape != (b.size, a.size):
        raise ValueError(f"a_0 has shape {a.shape}, b_0 {b.shape} and target {m.shape}; give [D], [C] and [C, D].")
    _require_finite(a_0=a, b_0=b, target=m)
    start, imbalance = np.concatenate([a, b]), float(b @ b - a @ a)
    growth, basis = _eigen(m, imbalance)
    parts, top = basis.T @ start, growth == growth[-1]
    fastest = float(growth[-1])
    if not fastest > 0 or np.linalg.norm(parts[top]) <= 64 * EPS * np.linalg.norm(start):
        raise ValueError(
            "the start has no part along the fastest growing direction, so it flows into a saddle; "
            "move it off (a_0 and b_0 along the top singular vectors of the target)."
        )
    end = basis[:, top] @ parts[top]
    end *= np.sqrt(2 * fastest) / np.linalg.norm(end)
    if np.linalg.norm(end - start) <= 8 * EPS * np.linalg.norm(end):
        raise ValueError("the start already is the end of its flow, so the line has length zero.")

    def weights(times: Array) -> Array:
        at = times[:, None]
        grown = np.exp((growth - fastest) * at) * parts
        size = np.exp(-2 * fastest * times) + _scaled_integral(growth, fastest, at) @ parts**2
        return np.asarray(grown / np.sqrt(size)[:, None] @ basis.T)

    return OneUnit(start, end, weights, m, imbalance)


@dataclass(frozen=True, eq=False)
class Balanced:
    """A λ-balanced network of any width. The hidden units may turn among themselves, which QQᵀ does not see.

    Args:
        weights_1: W_1 [H, D] at the start. weights_2: W_2 [C, H]. target: M [C, D]. imbalance: λ.
    """

    weights_1: Array
    weights_2: Array
    target: Array
    imbalance: float

    def gram(self, times: ArrayLike) -> Array:
        """QQᵀ [T, D + C, D + C]: W_1ᵀW_1, W_1ᵀW_2ᵀ, W_2W_1 and W_2W_2ᵀ at ``times`` [T].

        The closed form is a semigroup; it is taken in steps that no exponential overflows in.

        Raises:
            ValueError: times so late that 100,000 steps do not reach them and the flow has not settled.
        """
        asked, back = np.unique(times_of(times), return_inverse=True)
        growth, basis = _eigen(self.target, self.imbalance)
        rows, now, found = basis.T @ np.concatenate([self.weights_1.T, self.weights_2]), 0.0, []
        longest, left, settled = STEP / max(float(np.max(np.abs(growth))), 1e-300), MOST_STEPS, False
        for time in asked:
            while now < time and not settled:
                step = min(longest, time - now)
                new = _step(rows, growth, step)
                settled = step == longest and bool(np.all(np.abs(_sizes(new) - _sizes(rows)) <= 4 * EPS * _sizes(rows)))
                rows, now, left = new, now + step, left - 1
                if left < 0:
                    raise ValueError(
                        f"time {time:g} is beyond {MOST_STEPS} steps of {longest:g}; ask for earlier times."
                    )
            now = float(time)
            found.append(basis @ rows @ rows.T @ basis.T)
        return np.array(found)[back]

    def product(self, times: ArrayLike) -> Array:
        """W_2W_1 [T, C, D] at ``times`` [T]."""
        inputs = self.target.shape[1]
        return self.gram(times)[:, inputs:, :inputs]


def balanced(weights_1: ArrayLike, weights_2: ArrayLike, target: ArrayLike) -> Balanced:
    """The run of W_1' = W_2ᵀ(M - W_2W_1), W_2' = (M - W_2W_1)W_1ᵀ from a λ-balanced start.

    Args:
        weights_1: [H, D]. weights_2: [C, H]. target: M = E y xᵀ [C, D], of white inputs.

    Raises:
        ValueError: shapes that do not chain, values not finite or too large, W_2ᵀW_2 - W_1W_1ᵀ no multiple of I.
    """
    first, second, m = two_layers(weights_1, weights_2, target)
    _require_finite(weights_1=first, weights_2=second, target=m)
    excess = second.T @ second - first @ first.T
    imbalance = float(np.trace(excess)) / len(excess)
    off = float(np.max(np.abs(excess - imbalance * np.eye(len(excess)))))
    if off > 1e-10 * max(float(np.sum(first**2)), float(np.sum(second**2))):
        raise ValueError(f"W_2ᵀW_2 - W_1W_1ᵀ is off a multiple of I by {off:.3g}; start balanced (see balanced_start).")
    return Balanced(first, second, m, imbalance)


def balanced_start(
    width: int, inputs: int, outputs: int, imbalance: float, scale: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Random W_1 [H, D] and W_2 [C, H] with W_2ᵀW_2 - W_1W_1ᵀ = λ I; the smaller layer has entries of size ``scale``.

    Raises:
        ValueError: a width above the number of inputs or outputs, scale not positive, imbalance not finite.
    """
    if not 1 <= width <= min(inputs, outputs):
        raise ValueError(
            f"width={width} is not allowed; use 1 to {min(inputs, outputs)}, the fewer of inputs and outputs."
        )
    if not (np.isfinite(imbalance) and np.isfinite(scale) and scale > 0):
        raise ValueError(f"imbalance={imbalance:g}, scale={scale:g}: use finite numbers and a scale above 0.")
    few, many = (inputs, outputs) if imbalance >= 0 else (outputs, inputs)
    smaller = scale * rng.standard_normal((width, few))
    sizes, turn = np.linalg.eigh(smaller @ smaller.T)
    root = turn * np.sqrt(sizes + abs(imbalance)) @ turn.T
    larger = np.linalg.qr(rng.standard_normal((many, width)))[0] @ root
    return (smaller, larger) if imbalance >= 0 else (larger.T, smaller.T)


def _require_finite(**arrays: Array) -> None:
    for name, array in arrays.items():
        if not (np.all(np.isfinite(array)) and np.max(np.abs(array)) <= LARGEST):
            raise ValueError(f"{name} must be finite and at most {LARGEST:g} in size; it holds other values.")


def _eigen(target: Array, imbalance: float) -> tuple[Array, Array]:
    """Eigenvalues of F, increasing, and their vectors; those that rounding alone tells from the top are made one."""
    outputs, inputs = target.shape
    f = np.block([[-imbalance / 2 * np.eye(inputs), target.T], [target, imbalance / 2 * np.eye(outputs)]])
    growth, basis = np.linalg.eigh(f)
    growth[growth >= growth[-1] - 64 * EPS * np.max(np.abs(growth))] = growth[-1]
    return growth, basis


def _scaled_integral(growth: Array, fastest: float, at: Array) -> Array:
    """e^{-2·fastest·t} ∫_0^t e^{2·growth·s} ds; no exponential above 1 is taken."""
    shorter = at * exprel(-2 * np.abs(growth) * at)  # the integral, over e^{2·growth·t} where it grows
    return np.asarray(shorter * np.exp(2 * (np.maximum(growth, 0) - fastest) * at))


def _step(rows: Array, growth: Array, time: float) -> Array:
    integral = _scaled_integral(growth, 0.0, np.array([[time]]))[0]
    sizes, turn = np.linalg.eigh(np.eye(rows.shape[1]) + rows.T * integral @ rows)
    return np.asarray(np.exp(growth * time)[:, None] * rows @ (turn / np.sqrt(sizes)) @ turn.T)


def _sizes(rows: Array) -> Array:
    return np.asarray(np.linalg.norm(rows, axis=1))


def derive(*, width: int = 2, imbalance: float = 0.3, seed: int = 0) -> Derivation:
    """One hidden unit from any start, and λ-balanced networks of any width.

    Args:
        width: hidden units of the balanced network, 1 to 16. imbalance: its λ, -10 to 10.
        seed: of its random weights and target, with width + 1 inputs and width + 2 outputs.
    """
    require_whole(width=(width, 1, 16), seed=(seed, 0, 2**32 - 1))
    if not -10 <= imbalance <= 10:
        raise ValueError(f"imbalance={imbalance:g} is not allowed; use a number from -10 to 10.")
    run, unit = _example(int(width), float(imbalance), int(seed))
    late = run.gram([1e3])[0]
    times = np.linspace(0, 40, 2001)
    return Derivation(
        title="Exact weights of one hidden unit, and balanced networks of any width",
        assumptions=[
            "f(x) = W_2 W_1 x, E x xᵀ = I, M = E y xᵀ; gradient flow of ½ E ‖f - y‖²: W_1' = W_2ᵀ(M - W_2W_1), "
            "W_2' = (M - W_2W_1)W_1ᵀ.",
            "W_2ᵀW_2 - W_1W_1ᵀ = λ I at the start, hence always; one hidden unit obeys it from any start.",
            "Q = (W_1ᵀ; W_2), F = ((-λ/2 I, Mᵀ), (M, λ/2 I)), B = e^{Ft} Q_0, N = I + Q_0ᵀ ∫_0^t e^{2Fs} ds Q_0.",
        ],
        source="Fukumizu 1998; Braun et al. 2022 and Dominé et al. 2024 for λ, from memory; derived again here",
        steps=balanced_steps.steps(),
        closed_form=balanced_steps.closed_form(),
        check=lambda: _checks(int(width), float(imbalance), int(seed)),
        values={
            "singular_values_of_the_target": np.linalg.svd(run.target)[1],
            "singular_values_of_the_product_at_1000": np.linalg.svd(late[width + 1 :, : width + 1])[1][:width],
            "one_unit_length": unit.length,
            "one_unit_largest_residual_over_length": float(np.max(unit.residual_norm(times))) / unit.length,
        },
    )


def _example(width: int, imbalance: float, seed: int) -> tuple[Balanced, OneUnit]:
    rng = np.random.default_rng(seed)
    inputs, outputs = width + 1, width + 2
    target = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
    run = balanced(*balanced_start(width, inputs, outputs, imbalance, 0.3, rng), target)
    return run, one_unit(0.3 * rng.standard_normal(inputs), 0.3 * rng.standard_normal(outputs), target)


def _ode(first: Array, second: Array, target: Array, times: Array) -> Array:
    """(W_1, W_2), flat, of the flow integrated as it is written down [T, H D + C H]."""
    flow = matrix_flow(target, len(first))
    start = np.concatenate([first.ravel(), second.ravel()])
    run = solve_ivp(flow, (0, times[-1]), start, t_eval=times, method="DOP853", rtol=1e-12, atol=1e-14)
    return np.asarray(run.y.T)


def _checks(width: int, imbalance: float, seed: int) -> list[Check]:
    run, unit = _example(width, imbalance, seed)
    times, inputs = np.array([0.3, 1.0, 4.0, 15.0]), run.target.shape[1]
    stacks = []
    for flat in _ode(run.weights_1, run.weights_2, run.target, times):
        a, b = flat[: run.weights_1.size].reshape(width, -1), flat[run.weights_1.size :].reshape(-1, width)
        stacks.append(np.concatenate([a.T, b]))
    gram = np.array([q @ q.T for q in stacks])
    points = _ode(unit.start[None, :inputs], unit.start[inputs:, None], run.target, times)
    along, off = project(points, unit.start, unit.end)
    return [
        Check("QQᵀ against the ODE", float(np.max(np.abs(run.gram(times) - gram))), 1e-8),
        Check("weights of one unit against the ODE", float(np.max(np.abs(unit(times) - points))), 1e-8),
        Check("projection of one unit against the ODE", float(np.max(np.abs(unit.projection(times) - along))), 1e-8),
        Check("residual of one unit against the ODE", float(np.max(np.abs(unit.residual_norm(times) - off))), 1e-8),
    ]


def draw(axes: Any, *, width: int = 2, imbalance: float = 0.3, seed: int = 0) -> None:
    """Residual against projection of one hidden unit from small to large starts, over the length of the way."""
    derive(width=width, imbalance=imbalance, seed=seed)  # refuses bad parameters
    unit = _example(int(width), float(imbalance), int(seed))[1]
    inputs, times = unit.target.shape[1], np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 800)])
    for scale in (0.1, 1.0, 3.0):
        run = one_unit(scale * unit.start[:inputs], scale * unit.start[inputs:], unit.target)
        axes.plot(run.projection(times) / run.length, run.residual_norm(times) / run.length, label=f"start × {scale:g}")
    arc = np.linspace(0, np.pi, 200)
    axes.plot((1 - np.cos(arc)) / 2, np.sin(arc) / 2, color="0.6", linestyle=":", label="Thales semicircle")
    axes.set_ylim(0, 0.65)
    label_axes(
        axes, "projection on start → end (units of its length R)", "residual (units of R)", loc="upper center", ncols=2
    )
