"""Figure 2: a sigmoid and a ReLU network, J along the line from start to solution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, joined, on_curve, over_seeds
from landscape.figure.checks import judge as judge_checks
from landscape.figure.claims import flat_at_start, monotone, one_minimum_at_solution, starts_uniform
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, covers
from landscape.figure.sweep.copies import joined as joined_seeds
from landscape.result.curve.crossing import Position, plateau_end
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

START_LIMIT = 1e-5  # both output layers start at exactly zero, so J(0) is ln C but for rounding
FAMILIES = ("sigmoid", "relu")
SEEN = 0.05  # of the line: a plateau that can be seen at all
CHECKS = (
    starts_uniform(START_LIMIT, "Fig. 2"),
    monotone(source="Fig. 2"),
    one_minimum_at_solution(source="Fig. 2"),
    flat_at_start("Fig. 2"),
)
LONGER_PLATEAU = Claim(
    "2",
    "The sigmoid network starts on a longer plateau than the ReLU network",
    "Fig. 2",
    "α at 10 % of the drop: sigmoid > ReLU, one >= 0.05",
    calibrated="one >= 0.05",
)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per net, the sigmoid network on the left."""
    results = joined_seeds(results)
    named = zip(results, naming.names(results), strict=True)
    pairs = sorted(named, key=lambda pair: naming.rank(naming.recipe(pair[0]), naming.RECIPES))
    figure, grid = style.new(1, len(pairs), width=3.7 * len(pairs) + 2.4, height=3.6)
    drawn = panel.Drawn()
    for (result, name), axes in zip(pairs, grid[0], strict=True):
        drawn += panel.draw_splits(axes, result)
        panel.label_line(axes, naming.read_out(name), drawn, legend=False)
    style.share_y(figure.axes)
    style.legend_outside(figure, panel.told_of(drawn, figure.axes))
    title = f"Fig. 2: sigmoid and ReLU{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Checks 1a (sharpened), 1b, 1c and 1d of every net, and which plateau is longer."""
    results = joined_seeds(results)
    return judge_checks(CHECKS, results) + compare_plateaus(results)


def compare_plateaus(results: Sequence[Result]) -> list[Verdict]:
    """Whether every sigmoid seed loses a tenth of its drop later than every ReLU seed does.

    Not judged where the samples, or the noise, leave open which of the two comes later.
    """
    found = []
    for mode in ("stochastic", "deterministic"):
        curves = [(result, result.curves.get(f"train/{mode}")) for result in results if _family(result) in FAMILIES]
        lines = [on_curve(result, curve, "") for result, curve in curves if curve is not None and covers(curve, 0, 1)]
        ends = {
            family: [_end(seed) for line in lines if _family(line.result) == family for seed in line.seeds]
            for family in FAMILIES
        }
        if all(ends.values()):
            about, note = f"sigmoid against ReLU, train, {mode}", joined(*(line.note for line in lines))
            found.append(LONGER_PLATEAU.said(lines[-1].result, about, [longer(*ends.values())], note))
    return found


def _family(result: Result) -> str:
    return naming.recipe(result).removesuffix("_dropout")


def longer(sigmoids: Sequence[Position], relus: Sequence[Position]) -> Reading:
    """The shortest sigmoid plateau against the longest of ReLU: medians would hide an overlap.

    Of several seeds it also says in how many pairs of a sigmoid and a ReLU seed the claim holds.
    """
    reading = _worst(sigmoids, relus)
    pairs = [_worst([one], [other]).holds for one in sigmoids for other in relus]
    if len(pairs) < 2:
        return reading
    return replace(reading, measured=f"{reading.measured} ({over_seeds(pairs, 'pairs')})")


def _worst(sigmoids: Sequence[Position], relus: Sequence[Position]) -> Reading:
    if any(math.isnan(one.at) for one in (*sigmoids, *relus)):
        return Reading("a line without a drop", None, note="without a drop there is no plateau")
    short, long = min(sigmoids, key=lambda one: one.at), max(relus, key=lambda one: one.at)
    text = f"sigmoid {short}, ReLU {long}"
    if not max(short.at, long.at) >= SEEN:
        return Reading(text, False, 0.0, False)
    if min(one.low for one in sigmoids) > max(one.high for one in relus):
        return Reading(text, True, 0.0, True)
    if min(one.high for one in sigmoids) < max(one.low for one in relus):
        return Reading(text, False, 0.0, True)
    why = "the difference is below what the grid and the noise resolve, the ranges in brackets"
    return Reading(f"too close to call: {text}", None, 0.0, True, why)


def _end(seed: Column) -> Position:
    """Where a tenth of the drop is gone; a line without one beyond the noise has no plateau."""
    if seed.no_drop() is not None:
        return Position(math.nan, math.nan, math.nan)
    near = plateau_end(*seed.line)
    noise = 0.0 if not seed.curve.noise else seed.least_difference(0.0, near.at)
    return plateau_end(*seed.line, noise=noise)
