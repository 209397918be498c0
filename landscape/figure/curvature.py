"""Eigenvalues, gradient noise and the gradient's direction: along a line, or at saved points of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from landscape.figure import panel, style
from landscape.figure.checks import Evidence
from landscape.figure.reading import primary
from landscape.result.curve import Array, Curve
from landscape.result.saved import Result

MEASURED = "lambda_max"
"""The metric that every measurement of curvature has."""
LEAST_DENSITY = 1e-4
"""One eigenvalue in ten thousand within a unit: below it a smeared one is no eigenvalue."""
MARKS: Any = {"marker": "o", "markersize": 3.0}
BOUND: Any = {"color": style.GREY, "linewidth": 1.1, "linestyle": (0, (7, 2, 1.5, 2))}
LEADING: Any = {"linewidth": 0.9, "color": style.SKY}


@dataclass(frozen=True)
class Course:
    """What was measured of curvature at the points of one job, in their order.

    Args:
        result: the job.
        x: alpha, or epochs [A].
        metrics: name -> [A, S].
        is_training: whether these are points of training.
        num_examples: that it was measured on; 0: not known, or of training all of its split.
        spectrum: ``"eigenvalue"`` and ``"density"`` [G, A, S], where it was asked for.
    """

    result: Result
    x: Array
    metrics: dict[str, Array]
    is_training: bool
    num_examples: int = 0
    spectrum: dict[str, Array] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The label of the axis of ``x``."""
        return "epoch" if self.is_training else "α"

    def columns(self) -> tuple[list[int], str]:
        """The seeds that can be used, and a word on the others."""
        return self.result.usable(self.metrics[MEASURED], ragged=self.is_training)

    def of(self, s: int) -> CourseOfSeed:
        """One seed, without the NaN after its last point."""
        rows = np.isfinite(self.metrics[MEASURED][:, s])
        return CourseOfSeed(self, self.x[rows], {name: values[rows, s] for name, values in self.metrics.items()})


@dataclass(frozen=True)
class CourseOfSeed:
    """The same of one seed: each metric [A]."""

    course: Course
    x: Array
    metrics: dict[str, Array]

    def lacks(self, *names: str) -> bool:
        """Whether one of these was not measured, or nowhere known."""
        return any(name not in self.metrics or not np.isfinite(self.metrics[name]).any() for name in names)


def course_of(result: Result) -> Course | None:
    """The points of a job where curvature was measured: of its training, else of its line."""
    track = result.projections.get("curvature")
    if track is not None and MEASURED in track.metrics:
        return Course(result, track.epochs, track.metrics, True, _num_measured(result), track.spectrum)
    curve = curve_of(result)
    if curve is None:
        return None
    return Course(result, curve.alphas, curve.metrics, False, curve.num_examples, curve.spectrum)


def _num_measured(result: Result) -> int:
    """On how many examples curvature was measured during training; 0: on all of its split."""
    asked = (result.config.get("measurement") or {}).get("num_examples")
    capped = [cap.rpartition(" ")[2] for cap in result.caps if cap.startswith(f"measured {_split(result)} examples")]
    return min((int(num) for num in (asked, *capped) if num), default=0)


def _split(result: Result) -> str:
    return str((result.config.get("measurement") or {}).get("split") or "train")


def curve_of(result: Result) -> Curve | None:
    """The line on which curvature was measured: the training split's, where there is one."""
    curves = [primary(result, split) for split in ("train", "valid", "test")]
    return next((c for c in curves if c is not None and MEASURED in c.metrics), None)


def look(result: Result, name: str) -> Iterator[Evidence[CourseOfSeed]]:
    """Every usable seed of a job's curvature."""
    course = course_of(result)
    if course is not None:
        columns, note = course.columns()
        about = f"{name}, {'during training' if course.is_training else 'on the line'}"
        yield Evidence(result, about, [course.of(s) for s in columns], note)


def batch_size(result: Result) -> int | None:
    """B, examples of one update; None where nothing was trained."""
    size = (result.config.get("training") or {}).get("batch_size")
    return int(size) if result.training_status and size else None


def sharpest(result: Result) -> float | None:
    """The eigenvalue 2 (1 + momentum) / lr above which steps of gradient descent on a quadratic grow.

    Of the last momentum of its schedule; None for optimizers that the bound does not hold for.
    """
    optimizer = result.config.get("optimizer") or {}
    training = result.config.get("training") or {}
    kind = str(optimizer.get("_target_", "")).rpartition(".")[2]
    if not result.training_status or kind not in ("SGD", "Momentum") or optimizer.get("nesterov"):
        return None
    ramp = training.get("momentum_schedule") or {}
    momentum, lr = float(ramp.get("end", optimizer.get("momentum") or 0.0)), float(optimizer.get("lr") or 0.0)
    return 2 * (1 + momentum) / lr if lr > 0 else None


def draw_eigenvalues(axes: Axes, course: Course) -> panel.Drawn:
    """The largest and the lowest eigenvalue, thinner ones between, and the bound on lambda_max of the steps taken."""
    metrics, result = course.metrics, course.result
    drawn, look = panel.Drawn(), dict[str, Any]()
    between = [n for n in metrics if n.startswith("lambda_") and n[7:].isdigit()]
    for k, name in enumerate(between):
        look = {**LEADING, "label": "the next leading ones" if k == 0 else None}
        drawn += panel.band(axes, result, course.x, metrics[name], course.is_training, outer=None, **look)
    for name, word, color in (("lambda_max", "λ_max", style.BLACK), ("lambda_min", "λ_min", style.AMBER)):
        if name in metrics:
            look = {**MARKS, "color": color, "label": word}
            drawn += panel.band(axes, result, course.x, metrics[name], course.is_training, **look)
    bound = sharpest(result)
    if bound is not None and course.is_training:
        axes.axhline(bound, label="2 (1 + μ) / ε, steps grow above", **BOUND)
    known = np.abs(metrics[MEASURED][np.isfinite(metrics[MEASURED])])
    # Linear up to a power of ten, so that its ticks keep clear of that at zero.
    small = 0.1 * float(np.median(known)) if known.size else 1.0
    axes.set_yscale("symlog", linthresh=10 ** np.ceil(np.log10(small)) if small > 0 else 1.0)
    axes.axhline(0.0, color=style.RULE, linewidth=0.8, zorder=0)
    style.signed_ticks(axes.yaxis)
    _label(axes, course, "eigenvalues of the Hessian", "ends of the spectrum")
    return drawn


def draw_noise_scale(axes: Axes, course: Course) -> panel.Drawn:
    """tr Sigma / |g|², beside the size of a minibatch."""
    drawn = _alone(axes, course, "noise_scale", "noise scale tr Σ / |g|²", style.GREEN)
    size = batch_size(course.result)
    if size is not None:
        axes.axhline(size, label="examples of a minibatch", **style.LONG_DASHES)
    axes.set_yscale("log")
    style.round_ticks(axes.yaxis)
    _label(axes, course, "examples", "noise of the gradient")
    return drawn


def draw_cosine(axes: Axes, course: Course) -> panel.Drawn:
    """The cosine of the direction of steepest descent to the line."""
    drawn = _alone(axes, course, "cosine", "cosine of −g to the line", style.PURPLE)
    axes.axhline(0.0, color=style.RULE, linewidth=0.8, zorder=0)
    _label(axes, course, "cosine", "steepest descent")
    return drawn


def draw_density(axes: Axes, course: Course) -> panel.Drawn:
    """The density of all eigenvalues of the first usable seed, at its first, its middle and its last point."""
    columns, _ = course.columns()
    names, top = course.result.seed_names(len(course.metrics[MEASURED][0]) if len(course.x) else 0), LEAST_DENSITY
    for s in columns[:1]:
        rows = np.flatnonzero(np.isfinite(course.spectrum["density"][:, :, s]).all(axis=0))
        for k, row in enumerate(dict.fromkeys([*rows[:1], *rows[len(rows) // 2 :][:1], *rows[-1:]])):
            places, density = (course.spectrum[key][:, row, s] for key in ("eigenvalue", "density"))
            look = {**panel.job_look(k), "color": colormaps["viridis"](0.4 * k)}
            axes.plot(places, density, **look, label=f"density at {course.unit} = {course.x[row]:.3g}")
            top = max(top, float(density.max()))
    axes.set_yscale("log")
    axes.set_ylim(LEAST_DENSITY, 3 * top)
    drawn = panel.Drawn((), tuple(f"the density is that of seed {names[s]}" for s in columns[:1] if len(columns) > 1))
    where = "during training" if course.is_training else "on the line"
    axes.set(xlabel="λ", ylabel="share per unit of λ", title=style.wrapped(f"all eigenvalues, {where}"))
    panel.close(axes, panel.Drawn(), legend=False)
    return drawn


def draw_sharpness(axes: Axes, course: Course) -> panel.Drawn:
    """How much sharper the sharpest direction is than the mean, and than the line."""
    drawn = _alone(axes, course, "peak_ratio", "λ_max / mean eigenvalue", style.BLUE)
    if "line_curvature" in course.metrics:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = course.metrics[MEASURED] / np.abs(course.metrics["line_curvature"])
        look: dict[str, Any] = {"color": style.ORANGE, "label": "λ_max / |curvature along the line|"}
        drawn += panel.band(
            axes, course.result, course.x, ratio, course.is_training, marker="o", markersize=3.0, **look
        )
    axes.set_yscale("log")
    style.round_ticks(axes.yaxis)
    _label(axes, course, "ratio", "conditioning")
    return drawn


def note_of(course: Course) -> str:
    """How sure the eigenvalues are."""
    residuals = [
        values for name, values in course.metrics.items() if name.startswith("lambda") and name.endswith("_error")
    ]
    known = [values[np.isfinite(values)] for values in residuals]
    worst = max((float(v.max()) for v in known if v.size), default=np.nan)
    few = f", on {course.num_examples:,} examples" if course.num_examples else ""
    if course.is_training and not few:
        split = _split(course.result)
        few = f", on all {style.SPLIT_WORD.get(split, split)} examples"
    where = "during training" if course.is_training else "on the line"
    return f"{where}{few}, eigenvalues are within {worst:.1g} of an exact one (|Hv − λv|)" if np.isfinite(worst) else ""


def _alone(axes: Axes, course: Course, name: str, label: str, color: str) -> panel.Drawn:
    if name not in course.metrics:
        return panel.Drawn()
    values = course.metrics[name]
    look: dict[str, Any] = {**MARKS, "color": color, "label": label}
    return panel.band(axes, course.result, course.x, values, course.is_training, **look)


def _label(axes: Axes, course: Course, ylabel: str, title: str) -> None:
    if not course.is_training and len(course.x):
        panel.mark_ends(axes, course.x)
    if course.is_training:
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    where = "during training" if course.is_training else "on the line"
    axes.set(xlabel=course.unit, ylabel=ylabel, title=style.wrapped(f"{title}, {where}"))
    panel.close(axes, panel.Drawn(), legend=False)
