"""Figure 6: convolutional maxout, the line and its start enlarged, where it climbs over one low barrier."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Check, Claim, Evidence, Learned, Look, along, judge_job, learning
from landscape.figure.decided import within_error
from landscape.figure.reading import SLACK, Column, Reading, counted, listed, primary
from landscape.figure.sweep import draw as draw_sweep
from landscape.result.curve import Array, Curve, argmin_alpha, drop, local_maxima, relative_rise, tolerance
from landscape.result.curve.crossing import Climb, climb, replicate_error
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
    """Left J along the line, right J - J(0) near its start with what the masks leave uncertain; a panel per job."""
    lines, zooms = parts(results)
    num = len(lines) + len(zooms)
    if not num:  # positions of the user's own: still worth a drawing
        return draw_sweep(results)
    figure, grid = style.new(1, num, width=3.7 * num + 2.4, height=3.6)
    drawn = panel.Drawn()
    for (result, name), axes in zip(lines, grid[0], strict=False):
        drawn += panel.draw_splits(axes, result)
        if axes.get_ylim()[1] > 5:  # beyond the solution J grows to many times ln C, which would flatten the rest
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
        title = "from start to solution"
        panel.label_line(axes, title if len(lines) == 1 else f"{name}: {title}", drawn, legend=False)
    for (result, name), axes in zip(zooms, grid[0][len(lines) :], strict=True):
        drawn += _draw_start(axes, result)
        title = "close to the start"
        panel.label_line(axes, title if len(zooms) == 1 else f"{name}: {title}", drawn, legend=False)
        axes.set_ylabel("J(θ(α)) - J(θ(0)) [nats]")
    style.legend_outside(figure, drawn.legend_title)
    title = f"Fig. 6: {naming.recipes(results)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


def _draw_start(axes: Axes, result: Result) -> panel.Drawn:
    """J - J(0) of every curve; of a single seed also three standard errors and the highest point."""
    lifted = {key: replace(c, objective=c.objective - c.objective[_origin(c)]) for key, c in result.curves.items()}
    drawn = panel.draw_splits(axes, replace(result, curves=lifted))
    axes.axhline(0, color=style.GREY, linewidth=0.8, label="height of the start")
    curve = primary(result, "train")
    assert curve is not None
    columns, _ = result.usable(curve.objective)
    found = [climb(curve.alphas, curve.objective[:, s]) for s in columns]
    if len(columns) == 1 and curve.replicates is not None:
        s, a = columns[0], curve.alphas
        v, error = lifted[f"train/{curve.mode}"].objective[:, s], 3 * replicate_error(curve, s)
        words = f"± 3 standard errors, {len(curve.replicates)} masks"
        axes.fill_between(a, v - error, v + error, color=style.BLUE, alpha=0.18, linewidth=0, label=words)
    if len(columns) == 1 and found[0].height > 0:
        top: dict[str, Any] = {"marker": "v", "color": style.BLACK, "linestyle": "none", "markersize": 5}
        words = f"highest: {found[0].height:.2g} nats at α = {found[0].at:.3f}"
        axes.plot([found[0].at], [found[0].height], label=words, **top)
    ends = [one.last for one in found if one.height > 0 and one.is_over]
    if ends:  # only as far as it takes to see the barrier from both sides
        right = min(1.5 * max(ends), float(curve.alphas[-1]))
        seen = [c.objective[c.alphas <= right + SLACK][:, columns] for c in lifted.values()]
        low, high = min(float(v.min()) for v in seen), max(float(v.max()) for v in seen)
        axes.set(xlim=(-0.02 * right, 1.02 * right), ylim=(low - 0.08 * (high - low), high + 0.15 * (high - low)))
    return drawn


def _origin(curve: Curve) -> int:
    return int(np.argmin(np.abs(curve.alphas)))


@dataclass(frozen=True)
class Start:
    """One seed of the enlarged start, and of the line that it is the start of where that was measured."""

    zoom: Column
    whole: Column | None

    @property
    def is_full(self) -> bool:
        """Whether it is the published net in full."""
        return self.zoom.result.scale == "full" and naming.recipe(self.zoom.result) in PUBLISHED

    @property
    def climb(self) -> Climb:
        """How J climbs from the start."""
        return climb(*self.zoom.line)

    @property
    def noise(self) -> float:
        """How high a climb must be to be one, in nats: 3 standard errors under masks, else tau; NaN if not known."""
        curve = self.zoom.curve
        if curve.mode == "stochastic":
            if curve.replicates is None:
                return math.nan
            k = int(np.flatnonzero(curve.alphas == self.climb.at)[0])
            return max(3 * float(replicate_error(curve, self.zoom.s)[k]), self.zoom.rounding)
        unit = self.zoom.at(0.0) if self.whole is None else self.whole.fall
        return max(self.zoom.tau * abs(unit), self.zoom.rounding)

    def no_barrier(self) -> Reading | None:
        """A reading that cannot tell where 6b finds no barrier, which the line must also come down from."""
        if not self.climb.height > self.noise:
            text = f"no barrier: height {self.climb.height:.2g} nats, noise {self.noise:.2g}"
            return Reading(text, None, note="there is no barrier of which this could be said")
        down = self.climb.is_over or (self.whole is not None and self.whole.no_drop() is None)
        return None if down else Reading("J climbs and does not come down", None, note="that is no barrier")


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """6a and 6f of every line, 6b and 6d of every enlarged start, 6c and 6e where both belong together."""
    lines, zooms = parts(results)
    found = [verdict for result, name in lines for verdict in judge_job([FALLS_TO_SOLUTION], result, name)]
    for result, name in zooms:
        whole = next((job for job, _ in lines if naming.same_line(job, result, *GRID)), None)
        found += judge_job(barrier_at_start(whole), result, name, by_curve=True)
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


def _exists(seed: Start) -> Reading:
    one, least, zoom = seed.climb, seed.noise, seed.zoom
    if math.isnan(least):
        why = "needs objective.num_replicates of 2 or more"
        return zoom.weighed_height(Reading(f"height {one.height:.2g} nats", None, note=why), one.at)
    if one.height > least and (climbing := seed.no_barrier()) is not None:
        return climbing
    what = "3 standard errors" if zoom.curve.mode == "stochastic" else "tau of the drop"
    text = f"height {one.height:.2g} nats at α = {one.at:.3f}, noise {least:.2g} ({what})"
    holds = one.height > least or (False if seed.is_full else None)
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
    share = max(seed.climb.height, 0.0) / seed.whole.fall
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
    if not tops and not seed.is_full:
        return Reading(text, None, note=SMALL_NOTE)
    if len(tops) == 1 and (absent := seed.no_barrier()) is not None:
        return replace(absent, measured=f"{absent.measured}; {text}")
    return Reading(text, len(tops) == 1, abs(len(tops) - 1))


def joined(zoom: Curve, whole: Curve, s: int) -> tuple[Array, Array]:
    """One column of the enlarged start, then of the line to alpha = 1, under the same masks: alphas and J."""
    start = zoom.objective[:, s]
    if zoom.replicates is not None and whole.replicates is None:
        start = zoom.replicates[0, :, s]  # the masks of the line's only replicate
    rest = (whole.alphas > zoom.alphas[-1] + SLACK) & (whole.alphas <= 1 + SLACK)
    return np.append(zoom.alphas, whole.alphas[rest]), np.append(start, whole.objective[rest, s])


def step_noise(zoom: Curve, whole: Curve, s: int) -> float:
    """How high a maximum must stand out, in nats: 3 standard errors of a step where masks were replicated, else tau."""
    if zoom.mode == "stochastic" and zoom.replicates is not None:
        steps = np.diff(zoom.replicates[:, :, s], axis=1)
        return 3 * float(steps.std(axis=0, ddof=1).max()) / math.sqrt(len(steps))
    return tolerance(replace(whole, replicates=None), s) * drop(whole.alphas, whole.objective[:, s])


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
