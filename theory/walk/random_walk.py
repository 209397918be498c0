"""A random walk seen from its own solution (figure 11): exact laws of projection and residual in any dimension >= 2.

X_0 = 0, steps N(0, I_d), seen along X_T / R with R = |X_T|. In units of R, with tau = t/T and c = tau (1 - tau) up to
the solution, c = tau - 1 after it, x = min(tau, 1) + sqrt(c/d) Student_d and r^2 = c (d-1)/d F_{d-1,d}. The mean
curve is the half circle in every dimension; only the spread knows d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import special, stats

from theory.derivation import Check, Derivation, label_axes
from theory.walk import random_walk_steps
from theory.walk.sampler import chi_log_shape, chi_nodes, maximum_residual_quantile, require_steps, require_walk, sample
from theory.walk.thales import walk_defect_quantile


class Bands(NamedTuple):
    """Quantiles of x and r at each step, in units of R [T]."""

    x_low: np.ndarray
    x_mid: np.ndarray
    x_high: np.ndarray
    r_low: np.ndarray
    r_mid: np.ndarray
    r_high: np.ndarray


@dataclass(frozen=True)
class RandomWalk:
    """The exact laws of one walk; ``steps`` may be any numbers in 0 ... num_steps.

    Args:
        dimension: d >= 2. num_steps: where it ends. solution_step: T, the step it is seen from.
    Raises:
        ValueError: an impossible walk, or (all methods) a step after the end.
    Source: theory C1-C4.
    """

    dimension: int
    num_steps: int = 1000
    solution_step: int = 900

    def __post_init__(self) -> None:
        numbers = require_walk(self.dimension, self.num_steps, self.solution_step)
        for name, value in zip(("dimension", "num_steps", "solution_step"), numbers, strict=True):
            object.__setattr__(self, name, value)

    def tau(self, steps: Any) -> np.ndarray:
        """t / T [...]."""
        return np.asarray(require_steps(steps, self.num_steps) / self.solution_step)

    def spread(self, steps: Any) -> np.ndarray:
        """c [...]: tau (1 - tau) up to the solution, tau - 1 after it."""
        tau = self.tau(steps)
        return np.where(tau <= 1, tau * (1 - tau), tau - 1)

    def mean(self, steps: Any) -> tuple[np.ndarray, np.ndarray]:
        """E[x] = min(tau, 1) and E[r] = sqrt(c): no dimension in it, so this is the limit d -> infinity as well."""
        return np.minimum(self.tau(steps), 1), np.sqrt(self.spread(steps))

    def variance(self, steps: Any) -> np.ndarray:
        """Var[x] = Var[r] = c / (d - 2), infinite in the plane; x and r are uncorrelated."""
        c = self.spread(steps)
        return np.where(c > 0, np.inf, 0.0) if self.dimension == 2 else c / (self.dimension - 2)

    def projection(self, step: float) -> Any:
        """x at one step as a frozen scipy distribution (cdf, pdf, ppf, ...); the step is neither 0 nor T."""
        return stats.t(self.dimension, loc=self.mean(step)[0], scale=np.sqrt(self._free(step) / self.dimension))

    def residual_squared(self, step: float) -> Any:
        """r^2 at one step as a frozen scipy distribution; the step is neither 0 nor T."""
        d = self.dimension
        return stats.f(d - 1, d, scale=self._free(step) * (d - 1) / d)

    def bands(self, steps: Any, coverage: float = 0.9) -> Bands:
        """Central quantile bands of x and r, pointwise in t; ``coverage`` of the mass lies between low and high."""
        if not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage} must lie strictly between 0 and 1")
        d, c, centre = self.dimension, self.spread(steps), self.mean(steps)[0]
        levels = (0.5 - coverage / 2, 0.5, 0.5 + coverage / 2)
        x = [centre + np.sqrt(c / d) * stats.t.ppf(level, d) for level in levels]
        r = [np.sqrt(c * (d - 1) / d * stats.f.ppf(level, d - 1, d)) for level in levels]
        return Bands(*x, *r)

    # Raw units: standard deviations of one step.

    def length(self) -> Any:
        """R = sqrt(T) chi_d as a frozen scipy distribution."""
        return stats.chi(self.dimension, scale=np.sqrt(self.solution_step))

    def raw_residual(self, step: float) -> Any:
        """The residual norm itself, sqrt(c T) chi_{d-1}; the step is neither 0 nor T."""
        return stats.chi(self.dimension - 1, scale=np.sqrt(self._free(step) * self.solution_step))

    def raw_moments(self, steps: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance [...] of the projection k chi_d + N(0, v), k = min(tau, 1) sqrt(T), v = c T."""
        nodes, weights, _ = chi_nodes(self.dimension)
        mean = self.length_factor()
        k2 = self.mean(steps)[0] ** 2 * self.solution_step
        return np.sqrt(k2) * mean, k2 * (weights @ (nodes - mean) ** 2) + self.spread(steps) * self.solution_step

    def length_factor(self) -> float:
        """mu_d = E[chi_d] = sqrt(2) Gamma((d+1)/2) / Gamma(d/2), without overflow."""
        nodes, weights, _ = chi_nodes(self.dimension)
        mode = np.sqrt(self.dimension - 1.0)
        return float(mode + weights @ (nodes - mode))

    def raw_projection_cdf(self, z: Any, step: float) -> np.ndarray:
        """P(projection <= z) [...] by Gauss-Legendre over R; the step is neither 0 nor T."""
        z, k, deviation = self._raw(z, step)
        r, density, low = self._around(z / k, deviation / k)
        above = special.ndtr((z[..., None] - k * r) / deviation)
        return np.asarray(special.gammainc(self.dimension / 2, low**2 / 2) + (density * above).sum(-1))

    def raw_projection_pdf(self, z: Any, step: float) -> np.ndarray:
        """Density of the projection [...], the parabolic cylinder function of C4; the step is neither 0 nor T."""
        z, k, deviation = self._raw(z, step)
        r, density, _ = self._around(z / k, deviation / k)
        normal = np.exp(-(((z[..., None] - k * r) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
        return np.asarray((density * normal).sum(-1))

    def _raw(self, z: Any, step: float) -> tuple[np.ndarray, float, float]:
        root = np.sqrt(self.solution_step)
        return np.asarray(z, float), float(self.mean(step)[0] * root), float(np.sqrt(self._free(step)) * root)

    def _around(self, centre: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nodes and weighted densities of chi_d within 9 widths of the centre [..., 160], and where they begin."""
        mode, (x, w) = np.sqrt(self.dimension - 1.0), special.roots_legendre(160)
        low = np.clip(centre - 9 * width, max(0.0, mode - 9), mode + 9)
        half = (np.clip(centre + 9 * width, max(0.0, mode - 9), mode + 9) - low) / 2
        r = (low + half)[..., None] + half[..., None] * x
        density = np.exp(chi_log_shape(r, self.dimension)) / chi_nodes(self.dimension)[2]
        return r, half[..., None] * w * density, low

    def _free(self, step: float) -> float:
        c = float(self.spread(step))
        if not c > 0:
            raise ValueError(f"step={step:g} is fixed, without a density; take one beside 0 and {self.solution_step}")
        return c


def derive(dimension: float = 100, num_steps: float = 1000, solution_step: float = 900) -> Derivation:
    """The laws of the walk, in steps; the numbers are for the walk given.

    Args:
        dimension: d >= 2. num_steps: where it ends. solution_step: T, where it is seen from.
    """
    walk = RandomWalk(*require_walk(dimension, num_steps, solution_step))
    steps, closed_form = random_walk_steps.proof()
    return Derivation(
        title="A random walk seen from its own solution",
        assumptions=[
            "X_0 = 0, independent steps N(0, I_d), d >= 2; solution X_T, R = |X_T|, tau = t / T",
            "x = projection / R, r = residual / R, c = tau (1 - tau) up to T and tau - 1 after it",
        ],
        source="figure 11; theory C1-C5, C8; the averaged law of the maximum is derived here",
        steps=dict(steps),
        closed_form=dict(closed_form),
        check=lambda: _check(walk),
        values=_values(walk),
    )


def _values(walk: RandomWalk) -> dict[str, Any]:
    steps = [walk.solution_step / 2, float(walk.num_steps)]
    (x, r), variance, bands = walk.mean(steps), walk.variance(steps), walk.bands(steps)
    names = {f"{name}_90": value.tolist() for name, value in bands._asdict().items()}
    values = {"dimension": walk.dimension, "steps": steps, "mean_x": x.tolist(), "mean_r": r.tolist(), **names}
    values["variance"] = [float(one) if np.isfinite(one) else None for one in variance]  # infinite in the plane
    values["mean_length"] = walk.length_factor() * float(np.sqrt(walk.solution_step))
    levels = (0.05, 0.5, 0.95) if walk.dimension <= 10**5 else ()  # the series grows long beyond
    values["maximal_r"] = {str(level): maximum_residual_quantile(level, walk.dimension) for level in levels}
    return values


def _check(walk: RandomWalk) -> list[Check]:
    """Laws against 4,000 sampled walks; 1.95 / sqrt(n) is Kolmogorov's distance at the 0.1 % level."""
    times = np.unique([round(0.37 * walk.solution_step), walk.num_steps])
    walks = sample(walk.dimension, times, 4000, np.random.default_rng(5), walk.num_steps, walk.solution_step)
    found, tolerance = [], 1.95 / 4000**0.5
    for step, p, q in zip(times, walks.projection, walks.residual_norm, strict=True):
        if walk.spread(step) > 0:
            laws = {
                "x": (p / walks.length, walk.projection(step).cdf),
                "r^2": ((q / walks.length) ** 2, walk.residual_squared(step).cdf),
                "raw projection": (p, lambda z, at=step: walk.raw_projection_cdf(z, at)),
            }
            for name, (drawn, cdf) in laws.items():
                far = float(stats.kstest(drawn, cdf).statistic)
                found.append(Check(f"{name} at step {step}", far, tolerance))
    far = float(stats.kstest(walks.length, walk.length().cdf).statistic)
    return [*found, Check("length", far, tolerance)]


def draw(axes: Any, dimension: float = 100, num_steps: float = 1000, solution_step: float = 900) -> None:
    """Mean, 90 % band and limit in the (x, r) plane.

    The band is of the distance from the centre (1/2, 0), which the Thales defect z gives as sqrt(1/4 - z), up to the
    solution, and of x after it; both pointwise in t.

    Args:
        axes: of matplotlib. dimension, num_steps, solution_step: of the walk.
    """
    walk = RandomWalk(*require_walk(dimension, num_steps, solution_step))
    angle = np.linspace(0, np.pi, 241)
    way_x, way_r = -np.cos(angle), np.sin(angle)
    inner, outer = (
        np.sqrt(0.25 - walk_defect_quantile(level, (1 + way_x) / 2, walk.dimension)) for level in (0.95, 0.05)
    )
    band_x = np.concatenate([0.5 + outer * way_x, (0.5 + inner * way_x)[::-1]])
    band_r = np.concatenate([outer * way_r, (inner * way_r)[::-1]])
    axes.fill(band_x, band_r, alpha=0.25, color="C0", linewidth=0, label=f"90 % at each step, d = {walk.dimension:,}")
    after = np.linspace(walk.solution_step, walk.num_steps, 61)
    mean_x, mean_r = walk.mean(after)
    bands = walk.bands(after)
    axes.fill_betweenx(mean_r, bands.x_low, bands.x_high, alpha=0.25, color="C0", linewidth=0)
    curve_x, curve_r = np.append(0.5 + way_x / 2, mean_x), np.append(way_r / 2, mean_r)
    axes.plot(curve_x, curve_r, color="C0", label="mean, in every dimension")
    axes.plot(curve_x, curve_r, color="black", linestyle=":", label="limit d → ∞ (the same curve)")
    label_axes(axes, "projection / R (no unit)", "residual norm / R (no unit)")
