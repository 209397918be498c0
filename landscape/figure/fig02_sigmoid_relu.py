"""Figure 2: a sigmoid and a ReLU network, J along the line from start to solution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, claims, naming, panel, style
from landscape.figure.present import least_difference, no_drop
from landscape.figure.reading import Claim, Reading, covers, verdict
from landscape.result.curve import Curve
from landscape.result.curve.crossing import Position, plateau_end
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

PANELS = {"sigmoid": "sigmoid", "relu_dropout": "ReLU with dropout", "relu": "ReLU without dropout"}
# Both output layers start at exactly zero, so J(0) is ln C but for rounding.
START_LIMIT = 1e-5
SEEN = 0.05  # of the line: a plateau that can be seen at all


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per job, the sigmoid network on the left."""
    order = list(PANELS)
    pairs = sorted(
        zip(results, naming.names(results), strict=True),
        key=lambda pair: order.index(naming.recipe(pair[0])) if naming.recipe(pair[0]) in order else len(order),
    )
    figure, grid = style.new(1, len(pairs), width=4.8 if len(pairs) == 1 else 0, height=3.6)
    notes: list[str] = []
    for (result, name), axes in zip(pairs, grid[0], strict=True):
        recipe = naming.recipe(result)
        drawn = panel.draw_splits(axes, result)
        panel.label_line(axes, name.replace(recipe, PANELS.get(recipe, recipe)), drawn)
        notes += drawn.notes
    return caption.finish(
        figure, results, f"Fig. 2: sigmoid and ReLU{caption.on_data(results)}", notes, verdicts=judge(results)
    )


def judge(results: Sequence[Result]) -> list[Verdict]:
    """Checks 1a (sharpened), 1b, 1c and 1d of every job, and which plateau is longer."""
    found: list[Verdict] = []
    for result, name in zip(results, naming.names(results), strict=True):
        found += claims.starts_uniform(result, name, START_LIMIT, "Fig. 2")
        found += claims.monotone(result, name, source="Fig. 2")
        found += claims.one_minimum_at_solution(result, name, source="Fig. 2")
        found += claims.flat_at_start(result, name, source="Fig. 2")
    return found + compare_plateaus(results)


def compare_plateaus(results: Sequence[Result]) -> list[Verdict]:
    """Whether every sigmoid seed loses a tenth of its drop later than every ReLU seed does.

    Not judged where the samples, or the noise, leave open which of the two comes later.
    """
    claim = Claim(
        "2",
        "The sigmoid network starts on a longer plateau than the ReLU network",
        "Fig. 2",
        "α at 10 % of the drop: sigmoid > ReLU, one >= 0.05",
        "one >= 0.05",
    )
    found = []
    for mode in ("stochastic", "deterministic"):
        lengths: dict[str, list[Position]] = {"sigmoid": [], "relu": []}
        notes: list[str] = []
        judged: Result | None = None
        for result in results:
            curve = result.curves.get(f"train/{mode}")
            family = naming.recipe(result).removesuffix("_dropout")
            if curve is not None and family in lengths and covers(curve, 0, 1):
                columns, note = result.usable(curve.objective)
                lengths[family] += [_end(curve, s) for s in columns]
                notes, judged = [*notes, note], result
        if judged is None or not all(lengths.values()):
            continue
        about = f"sigmoid against ReLU, train, {mode}"
        reading = longer(lengths["sigmoid"], lengths["relu"])
        found.append(verdict(claim, judged, about, [reading], "; ".join(filter(None, notes))))
    return found


def longer(sigmoids: Sequence[Position], relus: Sequence[Position]) -> Reading:
    """The shortest sigmoid plateau against the longest of ReLU: medians would hide an overlap."""
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


def _end(curve: Curve, s: int) -> Position:
    """Where a tenth of the drop is gone; a line without one beyond the noise has no plateau."""
    if no_drop(curve, s) is not None:
        return Position(math.nan, math.nan, math.nan)
    near = plateau_end(curve.alphas, curve.objective[:, s])
    noise = 0.0 if not curve.noise else least_difference(curve, s, 0.0, near.at)
    return plateau_end(curve.alphas, curve.objective[:, s], noise=noise)
