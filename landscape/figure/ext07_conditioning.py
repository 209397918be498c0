"""Extension 7: are poor conditioning and the variance of the gradient what makes training hard?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Check, Claim, Evidence, Look, judge_job
from landscape.figure.curvature import (
    CourseOfSeed,
    batch_size,
    course_of,
    draw_cosine,
    draw_eigenvalues,
    draw_noise_scale,
    draw_sharpness,
    look,
    note_of,
    sharpest,
)
from landscape.figure.decided import within_error
from landscape.figure.reading import SLACK, Reading, above, counted, short_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

# Ours, written down before the first run of this experiment.
ILL = 100.0  # of the largest eigenvalue to the mean one: a hundred steps of 1/λ_max where one would do
WAY = 10.0  # of the largest eigenvalue to the curvature along the line
BINDS = 0.5  # of the bound on λ_max that the step size sets: nearer than a factor of two
EXOTIC = 0.1  # of the lowest eigenvalue to the largest: what stays below is hardly a saddle
SOURCE = "section 1"
SENTENCE = "Poor conditioning and variance of the gradient are the primary difficulties"
PANELS = (draw_eigenvalues, draw_sharpness, draw_noise_scale, draw_cosine)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Ends of the spectrum, conditioning, noise scale and direction; a row per job: on the line, during training."""
    courses = [course for result in results if (course := course_of(result)) is not None]
    figure, grid = style.new(max(len(courses), 1), len(PANELS), width=15.0, height=3.1 * max(len(courses), 1) + 0.9)
    drawn, notes = panel.Drawn(), list[str]()
    for row, course in zip(grid, courses, strict=False):
        for axes, draw_one in zip(row, PANELS, strict=True):
            drawn += draw_one(axes, course)
        notes.append(note_of(course))
    if not courses:
        for axes in grid[0]:
            panel.close(axes, panel.Drawn())
    style.legend_outside(figure, drawn.legend_title)
    title = f"Ext. 7: conditioning and the noise of the gradient{caption.on_data(results)}"
    return caption.finish(figure, results, title, [*drawn.notes, *notes], verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext07a, b: conditioning; ext07c: it binds; ext07d: noise; ext07e, f: nothing exotic; ext07: the sentence."""
    names = [f"{r.choices.get('model', naming.recipe(r))}{caption.on_data([r])}" for r in results]
    return [v for result, name in zip(results, names, strict=True) for v in judge_job(CHECKS, result, name)]


def _is_too_short(seed: CourseOfSeed) -> Reading | None:
    """A reading that cannot tell, where fewer than three points were measured."""
    if len(seed.x) > 2:
        return None
    return Reading(counted(len(seed.x), "point"), None, note="the way needs a point between its ends")


def _lacking(seed: CourseOfSeed, *names: str) -> Reading | None:
    """The same where a metric is not known."""
    if seed.lacks(*names):
        return Reading(f"{' and '.join(names)} not known", None, note="it was not measured, or is lost")
    return _is_too_short(seed)


def read_conditioning(seed: CourseOfSeed) -> Reading:
    """The largest eigenvalue over the mean one, least over the points."""
    if (missing := _lacking(seed, "lambda_max", "trace", "peak_ratio")) is not None:
        return missing
    ratio = seed.metrics["peak_ratio"]
    known = ratio[np.isfinite(ratio) & (seed.metrics["lambda_max"] > 0)]
    if not known.size:
        return Reading("no positive eigenvalue", None, note="without curvature there is no conditioning")
    text = f"λ_max {known.min():.3g} to {known.max():.3g} times the mean eigenvalue"
    return Reading(text, known.min() >= ILL, -float(known.min()), miss=short_of(float(known.min()), ILL))


def read_way(seed: CourseOfSeed) -> Reading:
    """The largest eigenvalue over the curvature along the line, least over the points."""
    if (missing := _lacking(seed, "lambda_max", "line_curvature")) is not None:
        return missing
    top, along = seed.metrics["lambda_max"], np.abs(seed.metrics["line_curvature"])
    rows = np.isfinite(along) & (along > 0) & (top > 0)
    if not rows.any():
        return Reading("no curvature along the line", None, note="nothing to compare")
    ratio = top[rows] / along[rows]
    least = int(np.argmin(ratio))
    text = (
        f"λ_max at least {ratio[least]:.3g} times the line's curvature ({seed.course.unit} = {seed.x[rows][least]:.3g})"
    )
    return Reading(text, ratio[least] >= WAY, -float(ratio[least]), miss=short_of(float(ratio[least]), WAY))


def read_binding(seed: CourseOfSeed) -> Reading:
    """How near lambda_max comes to the bound of the steps that were taken."""
    if (missing := _lacking(seed, "lambda_max")) is not None:
        return missing
    bound = sharpest(seed.course.result)
    if bound is None:
        return Reading("no bound known for this optimizer", None, note="use sgd or momentum")
    top = seed.metrics["lambda_max"]
    if not (top > 0).any():
        return Reading("no positive eigenvalue", None, note="without curvature nothing binds")
    share, at = float(top.max()) / bound, seed.x[int(np.argmax(top))]
    text = f"λ_max up to {share:.2g} of the bound 2 (1 + μ) / ε = {bound:.3g} (epoch {at:.3g})"
    return Reading(text, share >= BINDS, -share, miss=short_of(share, BINDS))


def read_noise(seed: CourseOfSeed) -> Reading:
    """At how many points the noise of a minibatch's gradient is larger than the gradient."""
    if (missing := _lacking(seed, "noise_scale")) is not None:
        return missing
    size, scale = batch_size(seed.course.result), seed.metrics["noise_scale"]
    if size is None:
        return Reading("no minibatch", None, note="nothing was trained")
    known = scale[np.isfinite(scale)]
    num, half = int((known > size).sum()), len(known) / 2
    text = f"tr Σ / |g|² {known.min():.3g} to {known.max():.3g} examples, above the {size} of a minibatch at "
    return Reading(f"{text}{num} of {counted(len(known), 'point')}", num > half, -num / len(known))


def read_negative(seed: CourseOfSeed) -> Reading:
    """How large the lowest eigenvalue is beside the largest."""
    if (missing := _lacking(seed, "lambda_max", "lambda_min")) is not None:
        return missing
    top, low = seed.metrics["lambda_max"], seed.metrics["lambda_min"]
    rows = np.isfinite(low) & (top > 0)
    if not rows.any():
        return Reading("no positive eigenvalue", None, note="nothing to compare")
    share = np.maximum(-low[rows], 0) / top[rows]
    worst = int(np.argmax(share))
    text = f"−λ_min up to {share[worst]:.2g} of λ_max ({seed.course.unit} = {seed.x[rows][worst]:.3g}), median "
    most = float(share[worst])
    return Reading(f"{text}{np.median(share):.2g}", most <= EXOTIC, most, miss=above(most, EXOTIC))


def read_direction(seed: CourseOfSeed) -> Reading:
    """Whether steepest descent has a part along the line everywhere between its ends."""
    if (missing := _lacking(seed, "cosine")) is not None:
        return missing
    inside = (seed.x > 0) & (seed.x < 1) & np.isfinite(seed.metrics["cosine"])
    if not inside.any():
        return Reading("no point between start and solution", None, note="its ends alone say nothing of the way")
    cosine = seed.metrics["cosine"][inside]
    if (np.abs(cosine) > 1 + SLACK).any():
        return Reading(f"values up to {np.abs(cosine).max():.3g}", None, note="these are no cosines")
    least = int(np.argmin(cosine))
    text = f"cosine {cosine[least]:.2g} (α = {seed.x[inside][least]:.3g}) to {cosine.max():.2g}"
    return Reading(text, cosine[least] > 0, -float(cosine[least]))


def read_sentence(seed: CourseOfSeed) -> Reading:
    """Whether conditioning is poor and binds, noise dominates, and negative curvature does not."""
    parts = {
        "ill-conditioned": read_conditioning(seed),
        "binding": read_binding(seed),
        "noisy": read_noise(seed),
        "free of negative curvature": read_negative(seed),
    }
    unknown = [name for name, part in parts.items() if part.holds is None]
    if unknown:
        return Reading(f"not known: {', '.join(unknown)}", None, note="a part of the sentence cannot be judged")
    text = ", ".join(f"{'' if part.holds else 'not '}{name}" for name, part in parts.items())
    return Reading(
        text, all(part.holds for part in parts.values()), sum(part.holds is False for part in parts.values())
    )


def _only(is_training: bool) -> Look[CourseOfSeed]:
    """The jobs of one kind."""

    def some(result: Result, name: str) -> list[Evidence[CourseOfSeed]]:
        course = course_of(result)
        return list(look(result, name)) if course is not None and course.is_training == is_training else []

    return lambda result, name: iter(some(result, name))


CHECKS: tuple[Check[CourseOfSeed], ...] = (
    Claim("ext07", SENTENCE, SOURCE, "ext07a, c, d and e of training all hold", needs_training=True).by(
        read_sentence, _only(True)
    ),
    Claim(
        "ext07a",
        "Conditioning is poor: the sharpest direction is far sharper than the mean",
        SOURCE,
        f"λ_max >= {ILL:g} times the mean eigenvalue at every point",
        needs_training=True,
    ).by(read_conditioning, look),
    Claim(
        "ext07b",
        "The way to the solution is flat beside the sharpest direction",
        SOURCE,
        f"λ_max >= {WAY:g} |u·H u| at every point",
        needs_training=True,
    ).by(read_way, look),
    Claim(
        "ext07c",
        "Curvature binds the step: λ_max comes near the bound that the step size sets",
        SOURCE,
        f"λ_max >= {BINDS:g} of 2 (1 + μ) / ε at some point",
        needs_training=True,
    ).by(read_binding, _only(True)),
    Claim(
        "ext07d",
        "Variance dominates: the noise of a minibatch's gradient is larger than the gradient",
        SOURCE,
        "tr Σ / |g|² > B at more than half of the points",
        needs_training=True,
    ).by(read_noise, _only(True)),
    Claim(
        "ext07e",
        "Negative curvature is small beside positive",
        SOURCE,
        f"−λ_min <= {EXOTIC:g} λ_max at every point",
        needs_training=True,
    ).by(read_negative, look),
    Claim(
        "ext07f",
        "Steepest descent points towards the solution all along the line",
        SOURCE,
        "cosine of −g to the line > 0 at every point between",
        needs_training=True,
    ).by(read_direction, _only(False)),
)
