"""Extension 10: is figure 6's barrier there because the weights start too large, as the paper guesses?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.barrier import Start
from landscape.figure.checks import Claim, fair
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, covers, primary
from landscape.figure.sweep import draw as draw_sweep
from landscape.result.curve import Curve
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SOURCE = "Fig. 6, text"
OWN = ("vary.", "endpoints", "path", "model.init_scale")  # told by a Job itself
ALL, BIASES, WEIGHTS = "all", "biases alone", "weights alone"
NUM_ERRORS = 3  # of the masks, as in 6b; all thresholds here are ours, set before the first run


@dataclass(frozen=True)
class Job:
    """One line.

    Args:
        times: the range that the weights were drawn from, in units of the recipe's.
        scale: of theta_i, where the line starts.
        part: what moves along the line, one of the words above or the patterns.
        others: the overrides that tell it from another job besides.
    """

    times: float
    scale: float
    part: str
    others: str
    result: Result

    @property
    def is_own(self) -> bool:
        """Whether it is figure 6's line: a net of the recipe's range, from its own start, all that moves."""
        return (self.times, self.scale, self.part) == (1.0, 1.0, ALL)

    @property
    def curve(self) -> Curve:
        """The training cost, from 0 to 1."""
        found = primary(self.result, "train")
        assert found is not None
        return found

    def seeds(self) -> dict[str, Start]:
        """The climb of each usable seed, by the seed's name."""
        columns, _ = self.result.usable(self.curve.objective)
        names = self.result.seed_names(self.curve.objective.shape[1])
        found = {names[s]: Column(self.result, self.curve, s) for s in columns}
        return {name: Start(column, column) for name, column in found.items()}


def lines_of(results: Sequence[Result]) -> list[Job]:
    """Every line from a start or a multiple of one that was measured from 0 to 1."""
    plain = [[o for o in naming.plain_overrides(r) if not o.lstrip("+").startswith(OWN)] for r in results]
    found = []
    for result, overrides in zip(results, plain, strict=True):
        curve, moved = primary(result, "train"), _moved(result)
        if curve is not None and covers(curve, 0, 1) and moved is not None:
            others = ", ".join(o for o in overrides if not all(o in other for other in plain))
            times = float((result.config.get("model") or {}).get("init_scale", 1.0))
            found.append(Job(times, *moved, others, result))
    return sorted(found, key=lambda x: (x.others, x.times, -x.scale, x.part != ALL, x.part))


def _moved(result: Result) -> tuple[float, str] | None:
    """(multiple of theta_i at the start, what moves); None for other ends and for lines that are not straight."""
    ends, path = result.config.get("endpoints") or {}, result.config.get("path") or {}
    scales = {"InitToSolution": 1.0, "ZeroToSolution": 0.0, "ScaledStart": float(ends.get("scale", 1.0))}
    scale, kind = scales.get(_kind(ends)), _kind(path)
    if scale is None or kind not in ("Linear", "PartialLine"):
        return None
    only, without = (" ".join(path.get(key) or ()) for key in ("only", "without"))
    words = {("", ""): ALL, ("*.bias", ""): BIASES, ("", "*.bias"): WEIGHTS}
    return scale, words.get((only, without), f"{only or ALL} without {without or 'none'}")


def _kind(node: Mapping[str, Any]) -> str:
    """The last part of a node's ``_target_``."""
    return str(node.get("_target_", "")).rpartition(".")[2]


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J - J(0) near the height of the start: by start of the line, by range of the net, by what moves; the heights."""
    lines = lines_of(results)
    if not lines:
        return draw_sweep(results)
    figure, (left, middle, right, last) = style.panels(4, 2, width=10.6, height=7.0)
    shown: list[tuple[Axes, str, Callable[[Job], bool], Callable[[Job], str]]] = [
        (left, "the line's start", lambda x: x.times == 1 and x.part == ALL, lambda x: f"from {x.scale:g} θ_i"),
        (
            middle,
            "the range of the weights",
            lambda x: x.scale == 1 and x.part == ALL,
            lambda x: f"{x.times:g} × range",
        ),
        (right, "what moves", lambda x: x.times == 1 and x.scale == 1, lambda x: x.part),
    ]
    tops = [start.climb.height for line in lines if line.part == ALL for start in line.seeds().values()]
    top = max([height for height in tops if height > 0], default=0.0)
    drawn, heights = panel.Drawn(), []
    for axes, title, wanted, word in shown:
        own = panel.Drawn()
        for k, line in enumerate(filter(wanted, lines)):
            with np.errstate(invalid="ignore"):  # a seed that diverged is left out below
                lifted = line.curve.objective - line.curve.objective[int(np.argmin(np.abs(line.curve.alphas)))]
            look = {**panel.job_look(k), "label": word(line)}
            own += panel.band(axes, line.result, line.curve.alphas, lifted, **look)
            heights += [(word(line), line)] * (not line.is_own or title == shown[0][1])
        axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=0)
        panel.label_line(axes, title, own)
        axes.set(ylabel="J(θ(α)) - J(θ(0)) [nats]", xlim=(-0.02, 1.02))
        if top:
            axes.set_ylim(-1.6 * top, 1.6 * top)
        drawn += own
    _draw_heights(last, heights)
    notes = [*drawn.notes, "range: of the recipe's weights; the panels cut J off below, where it falls to the end"]
    title = f"Ext. 10: the size of the start and figure 6's barrier{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _draw_heights(axes: Axes, lines: Sequence[tuple[str, Job]]) -> None:
    """How far each seed climbs over its start, with three standard errors of the masks."""
    for k, (_, line) in enumerate(lines):
        starts = list(line.seeds().values())
        for s, start in enumerate(starts):
            at = k + 0.13 * (s - (len(starts) - 1) / 2)
            error = start.noise if math.isfinite(start.noise) else 0.0
            look: dict[str, Any] = {
                "color": style.CYCLE[s % len(style.CYCLE)],
                "markersize": 4,
                "capsize": 2,
                "linewidth": 1.0,
            }
            axes.errorbar([at], [max(start.climb.height, 0.0)], [error], fmt="o", **look)
    axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(lines)), [word for word, _ in lines], rotation=35, ha="right")
    axes.set(title="highest point over the start, a dot per seed, ± 3 standard errors", ylabel="height [nats]")
    axes.set_yscale("symlog", linthresh=0.01)  # a start four times too large climbs a hundred times as high
    axes.margins(y=0.08)
    style.signed_ticks(axes.yaxis)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext10a to e, seed by seed, and what they come to; of one net alone: none."""
    lines, found = lines_of(results), []
    for others in dict.fromkeys(line.others for line in lines):
        found += _judge([line for line in lines if line.others == others], others)
    return found


def _judge(lines: Sequence[Job], others: str) -> list[Verdict]:
    """Of the lines that differ in start, range and what moves alone."""
    own = next((line for line in lines if line.is_own), None)
    if own is None:
        return []
    name = ", ".join([naming.recipe(own.result), *[others] * bool(others)])
    smaller = [x for x in lines if x.times == 1 and x.part == ALL and x.scale < 1]
    nets = [x for x in lines if x.scale == 1 and x.part == ALL]
    guess: dict[str, list[Reading]] = {}
    found = []
    for claim, pairs, word in (
        (SHRINKS, [(own, x) for x in smaller], "from {1.scale:g} against {0.scale:g} of θ_i"),
        (GROWS, [(more, less) for less, more in pairwise(nets)], "{0.times:g} against {1.times:g} times the range"),
    ):
        for one, other in pairs:
            sides = one.seeds(), other.seeds()
            read = {s: higher(sides[0][s], sides[1][s]) for s in sides[0] if s in sides[1]}
            for s, reading in read.items():
                guess.setdefault(s, []).append(reading)
            found.append(_said(claim, own, f"{name}, {word.format(one, other)}", list(read.values())))
    for claim, chosen, climbs in (
        (NONE_FROM_LESS, [x for x in nets if x.times < 1][:1], False),
        (BIASES_CLIMB, [x for x in lines if x.times == 1 and x.scale == 1 and x.part == BIASES], True),
        (WEIGHTS_FALL, [x for x in lines if x.times == 1 and x.scale == 1 and x.part == WEIGHTS], False),
    ):
        for line in chosen:
            mine, theirs = own.seeds(), line.seeds()
            readings = [goes(theirs[s], mine[s], climbs) for s in mine if s in theirs]
            found.append(_said(claim, own, name, readings))
    if smaller and len(nets) > 1:
        num = len(smaller) + len(nets) - 1
        found.append(_said(GUESS, own, name, [together(parts) for parts in guess.values() if len(parts) == num]))
    return found


def _said(claim: Claim, own: Job, about: str, readings: Sequence[Reading]) -> Verdict:
    return claim.said(own.result, about, [fair(own.result, reading) for reading in readings])


def higher(one: Start, other: Start) -> Reading:
    """Whether one climbs higher than the other, beyond three standard errors of the difference under the same masks."""
    for start in (one, other):
        if (failed := start.zoom.no_drop()) is not None:
            return Reading(failed.measured, None, note=failed.note or "a line that does not come down has no barrier")
    barriers = [start.no_barrier() is None for start in (one, other)]
    heights = [max(start.climb.height, 0.0) for start in (one, other)]
    text = f"{heights[0]:.2g} against {heights[1]:.2g} nats"
    if not any(barriers):
        return Reading(text, None, note="neither line has a barrier to compare")
    by, noise = heights[0] - heights[1], _noise(one, other)
    text = f"{text}, noise {noise:.2g}"
    if not abs(by) > noise:
        return Reading(text, None, -by, note="too close to call: within the noise of the masks")
    return Reading(text, by > 0, -by)


def _noise(one: Start, other: Start) -> float:
    """Three standard errors of the difference of two heights; of curves without masks the noise of both."""
    sides = [(start.zoom.curve, start.zoom.s, start.climb) for start in (one, other)]
    replicates = [curve.replicates for curve, _, _ in sides]
    if any(
        curve.mode == "stochastic" and values is None for (curve, _, _), values in zip(sides, replicates, strict=True)
    ):
        return math.nan
    first, second = replicates
    if first is None or second is None or len(first) != len(second):
        return math.hypot(one.noise, other.noise)
    parts = []
    for (curve, s, climb), values in zip(sides, (first, second), strict=True):
        k, origin = int(np.argmin(np.abs(curve.alphas - climb.at))), int(np.argmin(np.abs(curve.alphas)))
        parts.append((values[:, k, s] - values[:, origin, s]) * (climb.height > 0))
    spread = float((parts[0] - parts[1]).std(ddof=1)) / math.sqrt(len(first))
    return max(NUM_ERRORS * spread, one.zoom.rounding, other.zoom.rounding)


def goes(start: Start, own: Start, climbs: bool) -> Reading:
    """Whether a line climbs over its start, or does not, where figure 6's line has a barrier."""
    if (failed := own.zoom.no_drop() or own.no_barrier()) is not None:
        note = "figure 6's line has no barrier here, so there is nothing to explain"
        return Reading(f"the whole line: {failed.measured}", None, note=note)
    height, noise = start.climb.height, start.noise
    at, whole = f"at α = {start.climb.at:.3f}", f"the whole line {own.climb.height:.2g}"
    text = f"height {height:.2g} nats {at}, noise {noise:.2g}; {whole}"
    if math.isnan(noise):
        return Reading(text, None, note="needs objective.num_replicates of 2 or more")
    if not climbs and not max(start.zoom.fall, height) > noise:
        return Reading(text, None, height, note="J does not move: its net has not learnt")
    return Reading(text, (height > noise) is climbs, -height if climbs else height)


def together(parts: Sequence[Reading]) -> Reading:
    """Of all that the guess says of one seed: it holds if all does, and fails where one part does."""
    told = [part.holds for part in parts]
    text = f"{told.count(True)} of {len(told)} parts hold, {told.count(False)} do not, {told.count(None)} cannot tell"
    holds = False if False in told else None if None in told else True
    return Reading(text, holds, told.count(False), note="" if holds is not None else "some parts cannot tell")


EXPECTED = f"higher by more than {NUM_ERRORS} standard errors"
SHRINKS = Claim(
    "ext10a", "A line that starts from less of θ_i has a lower barrier", SOURCE, f"its own start's {EXPECTED}"
)
GROWS = Claim("ext10b", "A net whose weights start larger has a higher barrier", SOURCE, f"the larger's {EXPECTED}")
NONE_FROM_LESS = Claim(
    "ext10c", "A net whose weights start smaller has no barrier", SOURCE, f"height <= {NUM_ERRORS} standard errors"
)
BIASES_CLIMB = Claim(
    "ext10d",
    "The biases alone, the weights kept at the start, climb",
    "ours",
    f"height > {NUM_ERRORS} standard errors",
)
WEIGHTS_FALL = Claim(
    "ext10e",
    "The weights alone, the biases kept at the start, have no barrier",
    "ours",
    f"height <= {NUM_ERRORS} standard errors",
)
GUESS = Claim(
    "ext10",
    "The barrier is there because the weights start too large",
    SOURCE,
    "every ext10a and ext10b holds",
)
