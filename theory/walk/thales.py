"""The Thales defect: how far inside the half circle over [0, 1] a path runs, and what a random walk makes of it.

With x = projection / R and r = residual / R seen from the end X_T of a path, R = |X_T|,
x (1 - x) - r^2 = X_t . (X_T - X_t) / R^2 for any path: the angle over a diameter is right where what is done and what
is left are orthogonal. Positive for a path that keeps its direction, negative for one that turns back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from scipy import stats

from theory.derivation import Check, Derivation, Step, label_axes
from theory.walk.sampler import require_walk, sample


def defect(x: Any, r: Any) -> np.ndarray:
    """x (1 - x) - r^2 for x = projection / R [...] and r = residual_norm / R [...]."""
    x, r = np.asarray(x, dtype=np.float64), np.asarray(r, dtype=np.float64)
    return np.asarray(x * (1 - x) - r * r)


def from_distances(to_start: Any, to_end: Any, length: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, r and the defect (R^2 - D0^2 - D1^2) / 2R^2 from three distances: no inner product need be stored.

    Args:
        to_start: D0 = |X_t - X_0| [...]. to_end: D1 = |X_T - X_t| [...]. length: R = |X_T - X_0|, positive.
    Raises:
        ValueError: the length is not positive, or no triangle has these sides.
    """
    a, b, c = (np.asarray(side, dtype=np.float64) for side in (to_start, to_end, length))
    if not (c > 0).all():
        raise ValueError(f"length={c.min():g} must be positive: the path ends where it starts")
    # Heron's product in Kahan's spirit: the area over the base, not the difference of two squares.
    product = (a + b + c) * (a + b - c) * (c + a - b) * (c - a + b)
    if not (product >= -1e-12 * (a + b + c) ** 4).all():
        raise ValueError("the sides to_start, to_end and length form no triangle; use Euclidean distances of one path")
    x = (c * c + (a - b) * (a + b)) / (2 * c * c)
    return x, np.sqrt(np.maximum(product, 0)) / (2 * c * c), (c * c - a * a - b * b) / (2 * c * c)


def _coefficients(tau: Any) -> tuple[np.ndarray, np.ndarray]:
    """c and e of the quadratic form: tau (1 - tau) and 0 up to the solution, tau - 1 twice after it."""
    tau = np.asarray(tau, dtype=np.float64)
    if not (tau >= 0).all():
        raise ValueError(f"tau={tau.min():g} must be 0 or more: it is step / solution_step")
    after = np.maximum(tau - 1, 0)
    return np.where(tau <= 1, tau * (1 - tau), after), after


def walk_defect_cdf(z: Any, tau: Any, dimension: float) -> np.ndarray:
    """P(defect <= z) for a random walk at step tau T, exactly: F_{d,d}((s + z + e) / (s - z - e)).

    s^2 = (z + e)^2 + c (1 - 4z), with c = tau (1 - tau), e = 0 up to the solution and c = e = tau - 1 after it.
    Where tau is 0 or 1 the defect is 0.

    Args:
        z: [...], at most 1/4 is possible. tau: [...], >= 0. dimension: d >= 2.
    """
    d, _, _ = require_walk(dimension, 1, 1)
    c, e = _coefficients(tau)
    z, c, e = np.broadcast_arrays(np.asarray(z, dtype=np.float64), c, e)
    y, h = z + e, c * np.maximum(1 - 4 * z, 0)
    s = np.sqrt(y * y + h)
    with np.errstate(divide="ignore", invalid="ignore"):
        # s - |y| = h / (s + |y|): no cancellation where the ratio is far from 1
        ratio = np.where(y > 0, (s + y) ** 2 / h, h / (s - y) ** 2)
        inside = stats.f.cdf(ratio, d, d)
    return np.asarray(np.where(c > 0, np.where(z >= 0.25, 1.0, inside), np.where(z >= 0, 1.0, 0.0)))


def walk_defect_quantile(level: Any, tau: Any, dimension: float) -> np.ndarray:
    """The z with walk_defect_cdf(z, tau, dimension) = level; the median is 0 up to the solution, in every dimension.

    Args:
        level: [...] in (0, 1). tau: [...], >= 0. dimension: d >= 2.
    """
    d, _, _ = require_walk(dimension, 1, 1)
    level = np.asarray(level, dtype=np.float64)
    if not ((level > 0) & (level < 1)).all():
        raise ValueError(f"level={level} must lie strictly between 0 and 1")
    c, e = _coefficients(tau)
    share = stats.beta.ppf(np.minimum(level, 1 - level), d / 2, d / 2)  # at most 1/2: keeps the digits of small ones
    k, rest = np.sign(level - 0.5) * (1 - 2 * share), 4 * share * (1 - share)  # rest = 1 - k^2
    h = 1 + 4 * e
    s = np.sqrt(4 * c * c * k * k + c * rest * h)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(k > 0, k * c * h / (2 * c * k + s), k * (s + 2 * c * np.abs(k)) / rest)
    return np.asarray(np.where(c > 0, y - e, 0.0))


def walk_defect_mean(tau: Any, dimension: float) -> np.ndarray:
    """E[defect]: -2 tau (1 - tau) / (d - 2) up to the solution, -(tau - 1) d / (d - 2) after it; -inf for d = 2."""
    d, _, _ = require_walk(dimension, 1, 1)
    c, e = _coefficients(tau)
    if d == 2:
        return np.where(c > 0, -np.inf, 0.0)
    return np.asarray(np.where(e > 0, -e * d, -2 * c) / (d - 2))


def derive(dimension: float = 100, num_steps: float = 1000, solution_step: float = 900) -> Derivation:
    """The identity for any path, and the law of the defect of a random walk.

    Args:
        dimension: d >= 2 of the walk. num_steps, solution_step: its length and where it is seen from.
    """
    d_, n_, end = require_walk(dimension, num_steps, solution_step)
    length, start, after, gram = sympy.symbols("R D_0 D_1 G", positive=True)
    x, r, z, e, lam, tau, k = sympy.symbols("x r z e lambda tau k", real=True)
    c, d, eta, w = sympy.symbols("c d eta omega", positive=True)
    power, quarter, half = sympy.Function("q")(tau), sympy.Rational(1, 4), sympy.Rational(1, 2)
    own, along = start**2 / length**2, gram / length**2  # along = x
    inside = along * (1 - along) - (own - along**2)
    before_form = sympy.Matrix([[-z * tau, (half - z) * w], [(half - z) * w, -z * (1 - tau)]])
    after_form = sympy.Matrix([[-z, -w / 2], [-w / 2, -(w**2)]])
    before = (lam * sympy.eye(2) - before_form).det().subs(w**2, tau * (1 - tau))
    root = sympy.sqrt((z + e) ** 2 + c * (1 - 4 * z))
    walk_x, walk_own = (1 - eta**2) * tau + eta**2 * tau, (1 - eta**2) * tau**2 + eta**2 * tau
    frac_x = (1 + power - sympy.Function("q")(1 - tau)) / 2
    steps = {
        "identity": Step(
            sympy.Eq(inside, (gram - start**2) / length**2),
            "x = G / R^2 with G = X_t . X_T, and r^2 = |X_t|^2 / R^2 - x^2; so it is X_t . (X_T - X_t) / R^2.",
        ),
        "circle": Step(
            sympy.Eq(quarter - ((x - half) ** 2 + r**2), x * (1 - x) - r**2),
            "A point at distance rho from the centre (1/2, 0) has defect 1/4 - rho^2: none exceeds 1/4.",
        ),
        "three distances": Step(
            sympy.Eq(
                inside.subs(gram, (length**2 + start**2 - after**2) / 2),
                (length**2 - start**2 - after**2) / (2 * length**2),
            ),
            "The law of cosines gives G from D0, D1 and R.",
        ),
        "before the solution": Step(
            sympy.Eq(before, lam**2 + z * lam + tau * (1 - tau) * (z - quarter)),
            "defect <= z says that one quadratic form, the same in each coordinate of (X_t, X_T - X_t), sums to at "
            "most 0; scaled to unit normals, omega^2 = tau (1 - tau), this is its characteristic polynomial.",
        ),
        "after the solution": Step(
            sympy.Eq((lam * sympy.eye(2) - after_form).det(), lam**2 + (z + w**2) * lam + w**2 * (z - quarter)),
            "The same for (X_T, X_t - X_T) with omega^2 = tau - 1: c = omega^2 in both, and e = 0 before, c after.",
        ),
        "eigenvalues": Step(
            sympy.Eq(((-(z + e) + root) / 2) * ((-(z + e) - root) / 2), c * (z - quarter)),
            "For z < 1/4 they have opposite signs, and the form is lambda_+ A - |lambda_-| B with A and B independent "
            "chi-squared of d degrees: P(defect <= z) = P(F_{d,d} <= (root + z + e) / (root - z - e)).",
        ),
        "quantile": Step(
            sympy.Eq(
                ((1 - k**2) * z**2 + 4 * c * k**2 * z - c * k**2).subs(
                    z, k * c / (2 * c * k + sympy.sqrt(4 * c**2 * k**2 + c * (1 - k**2)))
                ),
                0,
            ),
            "z = k root with e = 0 and k = 2 Beta(d/2, d/2) - 1; k = 0 at the median, so the median defect is 0.",
        ),
        "mean before": Step(
            sympy.Eq(c - c * d / (d - 2), -2 * c / (d - 2)),
            "E x (1 - x) = c - Var x, E r^2 = c (d - 1) / (d - 2), and Var x = c / (d - 2).",
        ),
        "drift": Step(
            sympy.Eq(walk_x * (1 - walk_x) - (walk_own - walk_x**2), (1 - eta**2) * tau * (1 - tau)),
            "In many dimensions, with a constant drift and noise share eta^2: positive, a half ellipse.",
        ),
        "fractional": Step(
            sympy.Eq(frac_x * (1 - frac_x) - (power - frac_x**2), (1 - power - sympy.Function("q")(1 - tau)) / 2),
            "In many dimensions, q(tau) = tau^2H: zero for H = 1/2, positive for a persistent walk, H > 1/2.",
        ),
    }

    def check() -> list[Check]:
        rng = np.random.default_rng(11)
        path = rng.normal(size=(9, 5)) + 3
        ahead = ((path - path[0]) * (path[-1] - path)).sum(-1) / ((path[-1] - path[0]) ** 2).sum()
        to_start, to_end = (np.linalg.norm(path - point, axis=-1) for point in (path[0], path[-1]))
        at_x, at_r, at = from_distances(to_start, to_end, to_start[-1])
        found = [Check("identity on a path", float(np.abs(np.array([defect(at_x, at_r), at]) - ahead).max()), 1e-12)]
        times = np.unique([int(0.31 * end), n_])
        walks = sample(d_, times, 4000, rng, n_, end)
        values = defect(walks.projection / walks.length, walks.residual_norm / walks.length)
        for step, drawn in zip(times, values, strict=True):
            if 0 < step != end:  # 1.95 / sqrt(n): Kolmogorov's distance at the 0.1 % level
                far = stats.kstest(drawn, lambda z, t=step / end: walk_defect_cdf(z, t, d_)).statistic
                found.append(Check(f"law at step {step}", float(far), 1.95 / 4000**0.5))
        return found

    low, high = (float(walk_defect_quantile(level, 0.5, d_)) for level in (0.05, 0.95))
    mean = float(walk_defect_mean(0.5, d_))
    return Derivation(
        title="The Thales defect of a path, and its law for a random walk",
        assumptions=[
            "any path from X_0 = 0 for the identity; independent N(0, I_d) steps for the law",
            "x = projection / R, r = residual / R, R = |X_T|, tau = t / T",
        ],
        source="theory C6, C7; the closed-form law of the defect is derived here",
        steps=steps,
        closed_form={
            "defect": sympy.Eq(sympy.Symbol("defect"), (gram - start**2) / length**2),
            "F ratio": (root + z + e) / (root - z - e),
        },
        check=check,
        values={
            "dimension": d_,
            "step": end / 2,
            "mean": mean if np.isfinite(mean) else None,
            "median": 0.0,
            "low_05": low,
            "high_95": high,
        },
    )


def draw(axes: Any, dimension: float = 100, num_steps: float = 1000, solution_step: float = 900) -> None:
    """Median, mean and 90 % band of a walk's defect at every step.

    Args:
        axes: of matplotlib. dimension, num_steps, solution_step: of the walk.
    """
    d, end, solution = require_walk(dimension, num_steps, solution_step)
    steps = np.linspace(0, end, 401)
    low, middle, high = (walk_defect_quantile(level, steps / solution, d) for level in (0.05, 0.5, 0.95))
    axes.fill_between(steps, low, high, alpha=0.25, linewidth=0, color="C0", label=f"90 % at each step, d = {d:,}")
    axes.plot(steps, middle, color="C0", label="median")
    if d > 2:  # in the plane it is infinite
        axes.plot(steps, walk_defect_mean(steps / solution, d), color="C0", linestyle="--", label="mean")
    label_axes(axes, "step (updates)", "Thales defect x(1 − x) − r² (no unit)")
