"""Figure 6: convolutional maxout, the line and its start enlarged, where it climbs over one low barrier."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.barrier import Start, joined, step_noise
from landscape.figure.barrier_panel import alike, draw_beyond, draw_start, up_to_the_start
from landscape.figure.checks import Check, Claim, Evidence, Learned, Look, along, judge_job, learning
from landscape.figure.decided import within_error
from landscape.figure.reading import SLACK, Column, Reading, counted, listed, primary
from landscape.figure.sweep import draw as draw_sweep
from landscape.result.curve import argmin_alpha, local_maxima, relative_rise
from landscape.result.curve.crossing import climb
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

PUBLISHED = ("conv_maxout", "conv_maxout_short")  # recipes of the full net, with the full and with a short schedule
MAX_ERROR = 0.13  # 12.01 % published at the best epoch; check 6f
RIGHT = "Fig. 6 right"
SMALL_NOTE = "whether there is a barrier depends on seed and size: its absence is judged for the full net only"
GRID = ("vary", "alphas", "objective.num_replicates")  # what the line and its enlarged start are told differently
Job = tuple[Result, str]


def parts(results: Sequence[Result]) -> tuple[list[Job], list[Job]]:
    """The jobs that sampled all of [0, 1], and those that enlarge its start, each with a name among its like."""
    lines: list[Result] = []
    zooms: list[Result] = []
    for result in results:
        curve = primary(result, "train")
        if curve is not None and len(curve.alphas) and curve.alphas[0] <= SLACK:
            (lines if curve.alphas[-1] >= 1 - SLACK else zooms).append(result)
    names = [naming.names(jobs) for jobs in (lines, zooms)]
    return list(zip(lines, names[0], strict=True)), list(zip(zooms, names[1], strict=True))


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """First J along the line, then J - J(0) near its start with what the masks leave uncertain, a panel per seed."""
    lines, zooms = parts(results)
    starts = [
        (one, f"{name}: " * (len(zooms) > 1), seed, _line_of(job, lines), s)
        for job, name in zooms
        for one, seed, s in _seeds(job)
    ]
    if not lines and not zooms:  # positions of the user's own: still worth a drawing
        return draw_sweep(results)
    num = len(lines) + len(starts)
    columns = num if num < 4 else 2
    height = 3.6 if num < 4 else 2.9 * math.ceil(num / 2) + 0.9
    figure, grid = style.panels(num, columns, width=3.7 * columns + 2.4, height=height)
    drawn, beyond = panel.Drawn(), ""
    for (result, name), axes in zip(lines, grid, strict=False):
        drawn += panel.draw_splits(axes, result)
        beyond = up_to_the_start(axes, result) or beyond
        title = "from start to solution"
        panel.label_line(axes, title if len(lines) == 1 else f"{name}: {title}", drawn, legend=False)
    for (result, name, seed, whole, s), axes in zip(starts, grid[len(lines) :], strict=True):
        drawn += draw_start(axes, result)
        if whole is not None:
            draw_beyond(axes, result, whole, s)
        panel.label_line(axes, f"{name}close to the start{seed}", drawn, legend=False)
        axes.set_ylabel("J(θ(α)) - J(θ(0)) [nats]")
    alike(grid[len(lines) :])
    style.legend_outside(figure, drawn.legend_title)
    title = f"Fig. 6: {naming.recipes(results)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, [*drawn.notes, beyond], verdicts=judge(results))


def _seeds(result: Result) -> list[tuple[Result, str, int]]:
    """A job for each usable seed, the seed's name where there are several, and its column; of none the job as it is."""
    curve = primary(result, "train")
    assert curve is not None
    columns, names = result.usable(curve.objective)[0], result.seed_names(curve.num_columns)
    if len(columns) < 2:
        return [(result, "", columns[0] if columns else 0)]
    return [(result.columns([s]), f", seed {names[s]}", s) for s in columns]


def _line_of(zoom: Result, lines: Sequence[Job]) -> Result | None:
    """The job that measured the whole line of an enlarged start."""
    return next((job for job, _ in lines if naming.same_line(job, zoom, *GRID)), None)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """6a and 6f of every line, 6b and 6d of every enlarged start, 6c and 6e where both belong together."""
    lines, zooms = parts(results)
    found = [verdict for result, name in lines for verdict in judge_job([FALLS_TO_SOLUTION], result, name)]
    for result, name in zooms:
        found += judge_job(barrier_at_start(_line_of(result, lines)), result, name, by_curve=True)
    return found + [verdict for result, name in lines or zooms for verdict in judge_job([FEW_ERRORS], result, name)]


def barrier_at_start(whole: Result | None) -> list[Check[Start]]:
    """6b: there is a barrier; 6d: reasonably wide; 6c: not tall; 6e: single. ``whole``: the line it is the start of."""

    def looking(both: bool) -> Look[Start]:
        def look(result: Result, name: str) -> Iterator[Evidence[Start]]:
            for zoom in along("train", 0, 0.1)(result, f"{name}, start"):
                partner = None if whole is None else whole.curves.get(f"{zoom.line.split}/{zoom.line.mode}")
                if partner is not None or not both:
                    seeds = [Start(s, None if partner is None else Column(result, partner, s.s)) for s in zoom.seeds]
                    yield Evidence(result, zoom.about, seeds, zoom.note, zoom.curve)

        return look

    tables = ((OF_THE_START, looking(both=False)), (OF_BOTH, looking(both=True)))
    return [check.claim.by(check.read, look, needs_training=True) for table, look in tables for check in table]


def _is_full(seed: Start) -> bool:
    """Whether it is the published net in full."""
    return seed.zoom.result.scale == "full" and naming.recipe(seed.zoom.result) in PUBLISHED


def _exists(seed: Start) -> Reading:
    one, least, zoom = seed.climb, seed.noise, seed.zoom
    if math.isnan(least):
        why = "needs objective.num_replicates of 2 or more"
        return zoom.weighed_height(Reading(f"height {one.height:.2g} nats", None, note=why), one.at)
    if one.height > least and (climbing := seed.no_barrier()) is not None:
        return climbing
    what = "3 standard errors" if zoom.curve.mode == "stochastic" else "tau of the drop"
    text = f"height {one.height:.2g} nats at α = {one.at:.3f}, noise {least:.2g} ({what})"
    holds = one.height > least or (False if _is_full(seed) else None)
    return zoom.weighed_height(Reading(text, holds, -one.height, note="" if holds else SMALL_NOTE), one.at)


def _picked(evidence: Evidence[Start]) -> str:
    curve = evidence.line
    text = f"the highest of {int((curve.alphas > SLACK).sum())} points, picked after looking"
    if curve.replicates is None:
        return text
    return f"{text}: {len(curve.replicates)} masks lift it over 3 of its standard errors more often than one point"


def _width(seed: Start) -> Reading:
    if (failed := seed.no_barrier()) is not None:
        return failed
    one, a = seed.climb, seed.zoom.alphas
    width, inside = one.last - one.first, a[(a > one.first + SLACK) & (a < one.last - SLACK)]
    text = f"above J(0) from {one.first:.4f} to {one.last:.4f}{'' if one.is_over else ' or beyond'}"
    least, most = float(inside[-1] - inside[0]) if len(inside) else 0.0, math.inf
    if one.is_over:
        most = float(a[a >= one.last - SLACK][0] - max(a[a <= one.first + SLACK][-1], 0.0))
    holds = width >= 0.02
    if holds != ((least if holds else most) >= 0.02) and one.is_over:
        why = "the samples beside its ends leave open whether it is so wide"
        return Reading(f"{text}, a width of {least:.4f} to {most:.4f}", None, -width, note=why)
    return seed.zoom.weighed_height(Reading(text, holds, -width), one.at)


def _height(seed: Start) -> Reading:
    assert seed.whole is not None
    if (failed := seed.whole.no_drop() or seed.no_barrier()) is not None:
        return failed
    beyond = climb(*joined(seed.zoom.curve, seed.whole.curve, seed.zoom.s)).height  # where J still climbs at its end
    share = max(seed.climb.height, beyond, 0.0) / seed.whole.fall
    return Reading(f"{share:.2g} of the drop of {seed.whole.fall:.3f} nats", share <= 0.10, share)


def _count(seed: Start) -> Reading:
    assert seed.whole is not None
    if (failed := seed.whole.no_drop()) is not None:
        return failed
    curves = seed.zoom.curve, seed.whole.curve, seed.zoom.s
    (a, v), least = joined(*curves), step_noise(*curves)
    tops = [float(a[k]) for k in local_maxima(a, v, least)]
    places = f" at {listed(tops)}" if tops else ""
    text = f"{counted(len(tops), 'maximum')}{places} above {least:.2g} nats"
    if not tops and not _is_full(seed):
        return Reading(text, None, note=SMALL_NOTE)
    if len(tops) == 1 and (absent := seed.no_barrier()) is not None:
        return replace(absent, measured=f"{absent.measured}; {text}")
    return Reading(text, len(tops) == 1, abs(len(tops) - 1))


def _falls(seed: Column) -> Reading:
    if (failed := seed.no_way_down()) is not None:
        return failed
    low, rise = argmin_alpha(*seed.line), relative_rise(*seed.line, 0.3, 1.0)
    text = f"argmin at {low:.3f}, rise {rise:.2g} of the drop, tau {seed.tau:.2g}"
    reading = Reading(text, abs(low - 1) <= 1 / 9 + SLACK and rise <= seed.tau, abs(low - 1) + rise)
    return seed.weighed_rise(reading, 0.3, 1.0)


def _error(seed: Learned) -> Reading:
    is_fair = seed.result.scale == "full" and naming.recipe(seed.result) == PUBLISHED[0]
    at_best = seed.values[seed.epochs == seed.best_epoch]
    if not len(at_best):
        return Reading("the best epoch was not kept", None, note="save every epoch to judge this")
    why, error = "the threshold is meant for the full net after its full training", float(at_best[0])
    holds = error <= MAX_ERROR if is_fair else None
    return Reading(f"{100 * error:.2f} % errors", holds, error, note="" if is_fair else why)


FALLS_TO_SOLUTION = Claim(
    "6a",
    "Away from its start the line falls to a minimum at the solution",
    "Fig. 6 left",
    "argmin within 1/9 of 1, rise on [0.3, 1] <= tau of the drop",
).by(_falls, along("train", 0, 1 + 1 / 9), needs_training=True)
OF_THE_START = (
    Claim("6b", "Near its start the line climbs over a barrier", RIGHT, "height > noise").by(_exists, note=_picked),
    Claim("6d", "The barrier is reasonably wide", RIGHT, "above J(0) over a length >= 0.02 of α").by(_width),
)
OF_BOTH = (
    Claim("6c", "The barrier is not tall", RIGHT, "height <= 0.10 of the drop").by(_height),
    Claim("6e", "The barrier is the only one", "Fig. 6", "1 maximum on [0, 1]").by(_count),
)
FEW_ERRORS = Claim("6f", "The solution is as good as published", "Fig. 6", f"validation error <= {MAX_ERROR:.0%}").by(
    _error, learning("valid/error", "valid")
)
