"""Two-layer ReLU or erf networks with Gaussian inputs and a teacher: the population objective on a line, no data.

J = E ‖V σ(W x + b) + c - teacher(x)‖² over x ~ N(0, Σ), without the half, is a quadratic form in the outputs whose
matrix holds E σ(X) σ(Y) of jointly Gaussian pre-activations X, Y. Those have closed forms, and so have their slopes.
ReLU: σ(z) = max(z, 0). erf: σ(z) = erf(z/√2) = 2Φ(z) - 1.

Source: Cho & Saul 2009 (ReLU, arc-cosine kernel), Williams 1997 (erf, arcsine kernel), Owen 1956 (bivariate normal).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, label_axes, require_whole
from theory.smooth import kernel_steps
from theory.smooth.kernel_pairs import UNITS

Activation = Literal["relu", "erf"]
ACTIVATIONS: tuple[Activation, ...] = ("relu", "erf")


@dataclass(frozen=True, eq=False)
class Network:
    """f(x) = output_weight σ(hidden_weight x + hidden_bias) + output_bias; a missing bias is zero.

    Args:
        hidden_weight: [H, D]. output_weight: [C, H], or [H] for one output. hidden_bias: [H]. output_bias: [C].

    Raises:
        ValueError: shapes that do not match, no unit, NaN or infinity.
    """

    hidden_weight: ArrayLike
    output_weight: ArrayLike
    hidden_bias: ArrayLike | None = None
    output_bias: ArrayLike | None = None

    def __post_init__(self) -> None:
        w = np.array(self.hidden_weight, dtype=np.float64)  # copies: training goes on in the originals
        v = np.atleast_2d(np.array(self.output_weight, dtype=np.float64))
        if w.ndim != 2 or not w.size or v.ndim != 2 or v.shape[1] != len(w) or not v.size:
            raise ValueError(
                f"hidden_weight {w.shape} and output_weight {v.shape} must be [H, D] and [C, H], none zero."
            )
        parts = {"hidden_weight": w, "output_weight": v}
        for name, given, size in (("hidden_bias", self.hidden_bias, len(w)), ("output_bias", self.output_bias, len(v))):
            bias = np.zeros(size) if given is None else np.atleast_1d(np.array(given, dtype=np.float64))
            if bias.shape != (size,):
                raise ValueError(f"{name} has shape {bias.shape}; this network needs ({size},).")
            parts[name] = bias
        for name, value in parts.items():
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name} holds NaN or infinity; give finite weights.")
            object.__setattr__(self, name, value)

    def parts(self) -> tuple[Array, Array, Array, Array]:
        """hidden_weight, output_weight [C, H], hidden_bias, output_bias as arrays."""
        w, v = np.asarray(self.hidden_weight), np.asarray(self.output_weight)
        return w, v, np.asarray(self.hidden_bias), np.asarray(self.output_bias)

    def __call__(self, x: ArrayLike, activation: Activation = "relu") -> Array:
        """The outputs [N, C] at inputs x [N, D]: what the closed form averages."""
        w, v, b, c = self.parts()
        h = np.asarray(x, dtype=np.float64) @ w.T + b
        return np.asarray((np.maximum(h, 0.0) if activation == "relu" else erf(h / np.sqrt(2))) @ v.T + c)


@dataclass(frozen=True, eq=False)
class Line:
    """J(α) and dJ/dα from net_0 to net_1, any real α, at O((2H + H_teacher)³) per alpha whatever the input dimension.

    Args:
        coordinates_0, coordinates_1: pre-activation vectors of student and teacher units, whose inner products are the
            covariances [H + H_teacher, R]. means_0, means_1: biases [H + H_teacher].
        readout_0, readout_1: outputs of student minus teacher, the last column the biases [C, H + H_teacher + 1].
    """

    coordinates_0: Array
    coordinates_1: Array
    means_0: Array
    means_1: Array
    readout_0: Array
    readout_1: Array
    activation: Activation

    def __call__(self, alphas: ArrayLike) -> Array:
        """J at every alpha, in the shape of ``alphas``."""
        return self._map(alphas, lambda alpha: self._at(alpha)[0])

    def slope(self, alphas: ArrayLike) -> Array:
        """dJ/dα; where all weights into a ReLU unit vanish at once it is the slope to the right of that alpha."""
        return self._map(alphas, lambda alpha: self._at(alpha)[1])

    @staticmethod
    def _map(alphas: ArrayLike, function: Callable[[float], float]) -> Array:
        at = np.asarray(alphas, dtype=np.float64)
        if not np.all(np.isfinite(at)):
            raise ValueError("alphas must be finite; one of them is NaN or infinity.")
        return np.array([function(float(a)) for a in at.ravel()]).reshape(at.shape)

    def _at(self, alpha: float) -> tuple[float, float]:
        pairs, mean = UNITS[self.activation]
        start = (self.coordinates_0, self.means_0, self.readout_0)
        end = (self.coordinates_1, self.means_1, self.readout_1)
        z, m, p = ((1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True))
        dz, dm, dp = (b - a for a, b in zip(start, end, strict=True))
        gram, v = z @ z.T, np.einsum("ij,ij->i", z, z)
        n = len(m)
        table = pairs(*np.broadcast_arrays(m[:, None], m[None, :], v[:, None], v[None, :], gram))
        first, by_mean, by_variance = mean(m, v)
        cross = dz @ z.T
        dv = 2 * np.einsum("ij,ij->i", dz, z)
        half = table.by_mean * dm[:, None] + table.by_variance * dv[:, None]  # the part that moves X alone
        change = half + half.T + table.by_covariance * (cross + cross.T)
        change_first = by_mean * dm + by_variance * dv
        kinks = (v == 0) & (m == 0) if self.activation == "relu" else np.zeros(n, dtype=bool)
        if np.any(kinks):  # to the right of alpha these units are (alpha' - alpha) σ(dX): σ is homogeneous
            speed = np.einsum("ij,ij->i", dz, dz)
            ahead = pairs(*np.broadcast_arrays(dm[:, None], m[None, :], speed[:, None], v[None, :], cross)).value
            ahead = np.where(kinks[None, :], 0.0, ahead)
            change = np.where(kinks[:, None], ahead, np.where(kinks[None, :], ahead.T, change))
            change_first = np.where(kinks, mean(dm, speed)[0], change_first)
        k, dk = np.ones((n + 1, n + 1)), np.zeros((n + 1, n + 1))
        k[:n, :n], k[:n, n], k[n, :n] = table.value, first, first
        dk[:n, :n], dk[:n, n], dk[n, :n] = change, change_first, change_first
        image = p @ k
        return float(np.sum(image * p)), float(2 * np.sum(image * dp) + np.sum((p @ dk) * p))


def line(
    net_0: Network,
    net_1: Network,
    teacher: Network,
    activation: Activation = "relu",
    covariance: ArrayLike | None = None,
) -> Line:
    """The population objective on the line of parameters from net_0 to net_1.

    Args:
        covariance: of the inputs [D, D], symmetric and positive semidefinite; the identity if not given.

    Raises:
        ValueError: networks of different shapes, both ends the same, an unknown activation, no covariance matrix.
    """
    if activation not in UNITS:
        raise ValueError(f"activation={activation!r} is not known; use one of {', '.join(UNITS)}.")
    ends, goal = (net_0.parts(), net_1.parts()), teacher.parts()
    if [p.shape for p in ends[0]] != [p.shape for p in ends[1]]:
        raise ValueError(f"net_0 is {ends[0][0].shape} and net_1 {ends[1][0].shape}; both ends must be one network.")
    if all(np.array_equal(a, b) for a, b in zip(*ends, strict=True)):
        raise ValueError("net_0 and net_1 are the same point, so the line has length zero; give two points.")
    if goal[0].shape[1] != ends[0][0].shape[1] or len(goal[1]) != len(ends[0][1]):
        raise ValueError(
            f"the teacher maps {goal[0].shape[1]} inputs to {len(goal[1])} outputs and the student "
            f"{ends[0][0].shape[1]} to {len(ends[0][1])}; they must agree."
        )
    root = _root(covariance, goal[0].shape[1])
    stacked = np.concatenate([ends[0][0], ends[1][0], goal[0]]) @ root
    if stacked.shape[1] > len(stacked):  # only inner products matter: coordinates in the span of the rows
        stacked = np.linalg.qr(stacked.T)[1].T
    h = len(ends[0][0])
    means = [np.concatenate([end[2], goal[2]]) for end in ends]
    readouts = [np.concatenate([end[1], -goal[1], (end[3] - goal[3])[:, None]], axis=1) for end in ends]
    sides = [np.concatenate([part, stacked[2 * h :]]) for part in (stacked[:h], stacked[h : 2 * h])]
    return Line(sides[0], sides[1], means[0], means[1], readouts[0], readouts[1], activation)


def _root(covariance: ArrayLike | None, size: int) -> Array:
    if covariance is None:
        return np.eye(size)
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (size, size) or not np.all(np.isfinite(matrix)):
        raise ValueError(f"covariance has shape {matrix.shape}; it must be finite and [{size}, {size}].")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    scale = 1e-12 * max(float(np.max(np.abs(matrix))), 1e-300)
    if np.max(np.abs(matrix - matrix.T)) > scale or values[0] < -size * scale:
        raise ValueError("covariance must be symmetric and positive semidefinite; this one is not.")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def derive(*, inputs: int = 6, hidden: int = 4, teacher: int = 3, seed: int = 0) -> Derivation:
    """The Gaussian kernels of ReLU and erf units, their slopes, and the barrier between permuted solutions.

    Args:
        inputs, hidden, teacher: D, H and the teacher's H of the random example, 1 to 64. seed: of that example.
    """
    net_0, net_1, goal, covariance = _example(inputs, hidden, teacher, seed)
    curves = {a: line(net_0, net_1, goal, a, covariance) for a in ACTIVATIONS}
    swap = permuted()
    return Derivation(
        title="A two-layer ReLU or erf network with Gaussian inputs along a line",
        assumptions=[
            "f(x) = V σ(W x + b) + c, the teacher too; x ~ N(0, Σ); J = E ‖f(x) - teacher(x)‖², without the half.",
            "All of W, b, V, c move on the line; J is the population objective, without sampling noise.",
            "The erf unit is erf(z/√2) = 2Φ(z) - 1.",
        ],
        source="Goodfellow, Vinyals & Saxe 2015, Figures 2 and 5; Cho & Saul 2009; Williams 1997; Price 1958",
        steps=kernel_steps.steps(),
        closed_form=kernel_steps.closed_form(),
        check=lambda: _checks(inputs, hidden, teacher, seed),
        values={
            "alphas": [0.0, 0.25, 0.5, 0.75, 1.0],
            **{f"objective_{a}": curve(np.linspace(0, 1, 5)) for a, curve in curves.items()},
            **{f"slopes_at_the_ends_{a}": curve.slope([0.0, 1.0]) for a, curve in curves.items()},
            "permuted_barrier": float(swap(0.5)),
            "permuted_barrier_exact": "1/4 - 1/(2 pi)",
        },
    )


def permuted(scale: float = np.sqrt(0.5)) -> Line:
    """Two orthonormal ReLU units, both read out by ``scale``, swapped along the line: J(½) = scale² (½ - 1/π).

    At scale 1/√2, where f is the sum over units over √2, the barrier is ¼ - 1/(2π).
    """
    here, swapped = (Network(np.eye(2)[rows], np.full(2, scale)) for rows in ([0, 1], [1, 0]))
    return line(here, swapped, here)


def _example(inputs: int, hidden: int, teacher: int, seed: int) -> tuple[Network, Network, Network, Array]:
    require_whole(inputs=(inputs, 1, 64), hidden=(hidden, 1, 64), teacher=(teacher, 1, 64), seed=(seed, 0, 2**32 - 1))
    rng = np.random.default_rng(seed)

    def draw_one(units: int) -> Network:
        w = rng.standard_normal((units, inputs)) / np.sqrt(inputs)
        return Network(w, rng.standard_normal(units), 0.5 * rng.standard_normal(units), rng.standard_normal(1))

    root = np.eye(inputs) + 0.3 * rng.standard_normal((inputs, inputs))
    return draw_one(hidden), draw_one(hidden), draw_one(teacher), root @ root.T


def _checks(inputs: int, hidden: int, teacher: int, seed: int) -> list[Check]:
    net_0, net_1, goal, covariance = _example(inputs, hidden, teacher, seed)
    rng, alphas, checks = np.random.default_rng(seed + 1), [-0.2, 0.0, 0.37, 0.8, 1.1], []
    x = rng.standard_normal((50_000, inputs)) @ np.linalg.cholesky(covariance).T
    ends = list(zip(net_0.parts(), net_1.parts(), strict=True))
    for activation in ACTIVATIONS:
        curve = line(net_0, net_1, goal, activation, covariance)
        z, step = 0.0, 1e-5
        for alpha in alphas:
            net = Network(*((1 - alpha) * a + alpha * b for a, b in ends))
            costs = np.sum((net(x, activation) - goal(x, activation)) ** 2, axis=1)
            z = max(z, abs(float(costs.mean()) - float(curve(alpha))) / float(costs.std()) * np.sqrt(len(x)))
        at = rng.uniform(-0.3, 1.3, 10)
        slopes = np.subtract(curve(at + step), curve(at - step)) / (2 * step)
        missed = np.max(np.abs(slopes - curve.slope(at))) / np.max(np.abs(slopes))
        checks += [
            Check(f"{activation}: J against 50,000 draws at five alphas, largest |z|", z, 4.5),
            Check(f"{activation}: slope against central differences", float(missed), 1e-7),
        ]
    return [
        *checks,
        Check("barrier of the swap against 1/4 - 1/(2π)", abs(float(permuted()(0.5)) - 0.25 + 0.5 / np.pi), 1e-14),
    ]


def draw(axes: Any, *, inputs: int = 6, hidden: int = 4, teacher: int = 3, seed: int = 0) -> None:
    """J over J(0) of the example with either unit, and the swap of two solutions over its barrier."""
    net_0, net_1, goal, covariance = _example(inputs, hidden, teacher, seed)
    alphas = np.linspace(0, 1, 201)
    for activation in ACTIVATIONS:
        curve = line(net_0, net_1, goal, activation, covariance)
        axes.plot(alphas, curve(alphas) / curve(0.0), label=f"{activation}, random ends: J / J(0)")
    swap = permuted()
    axes.plot(alphas, swap(alphas) / swap(0.5), label="ReLU, permuted solutions: J / (1/4 − 1/(2π))")
    label_axes(axes, "α (fraction of the line)", "J relative to the scale named (no unit)")
