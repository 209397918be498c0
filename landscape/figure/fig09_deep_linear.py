"""Figure 9: the two-weight linear net from a small random start to its solution, measured beside the exact curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.claims import column, too_few_to_bend
from landscape.figure.exact import extrema, falls_proven, knows_extrema, theory_agrees, values
from landscape.figure.present import no_drop
from landscape.figure.reading import Claim, Reading, counted, covers, over_columns
from landscape.result.curve import Array, Curve, curvature_changes, drop, tolerance, value_at
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SEEN, EXACT = "train/deterministic", "train/theory"
ZERO = 1e-10  # squared error at and below which a point is a solution
FLAT = 0.1  # of J(0) = 1: the slope of a start that is flat
BEND = 1 / np.sqrt(3)  # where (1 - α²)² turns from concave to convex
AGREES = "The measured curve is the one of theory"
SPREAD_NOTE = "J(2) = 9 - 12 |z1 + z2| s to first order: at s = 0.01 it misses 0.2 for 24 % of seeds"


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """The whole line, its stretch from start to solution, and what the size of each start changes."""
    figure, grid = style.new(1, 3, width=12.4, height=3.7)
    whole, near, off = grid[0]
    drawn = panel.Drawn()
    for axes in (whole, near):
        for k, result in enumerate(results):
            found = draw_measured_and_exact(axes, result, panel.job_look(k)["color"])
            drawn += found if axes is whole else panel.Drawn()
        limit = np.linspace(0, 2 if axes is whole else 1.15, 200)
        axes.plot(
            limit,
            _limit(limit),
            color=style.ORANGE,
            linewidth=0.9,
            linestyle=(0, (2, 2)),
            zorder=3,
            label="start → 0: (1 - α²)²",
        )
        axes.plot([BEND], [4 / 9], "D", color=style.ORANGE, markersize=4.5, label="its inflection, α = 1/√3")
        title = "the whole line" if axes is whole else "from the start to the solution"
        axes.set(title=title, xlabel="α", ylabel="J(θ(α)) [squared error]")
    near.set(xlim=(-0.05, 1.15), ylim=(-0.05, 1.1))
    _draw_off_limit(off, results)
    style.legend_outside(figure, drawn.legend_title)
    notes = [*drawn.notes, *(text for result in results for text in proven(result))]
    title = f"Fig. 9: {' and '.join(dict.fromkeys(map(naming.recipe, results)))}, small random start to solution"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def draw_measured_and_exact(axes: Axes, result: Result, color: str = style.BLUE) -> panel.Drawn:
    """Measured J as open markers with its band over the seeds, the exact one as a line, its extrema as points."""
    seen, exact = result.curves.get(SEEN), result.curves.get(EXACT)
    drawn = panel.Drawn()
    if seen is not None:
        look: dict[str, Any] = {"color": color, "linestyle": "none", "marker": "o", "markerfacecolor": "none"}
        look |= {"markersize": 4.5, "markevery": max(1, len(seen.alphas) // 20)}
        drawn = panel.band(axes, result, seen.alphas, seen.objective, label="measured", **look)
        panel.mark_ends(axes, seen.alphas)
    if exact is None:
        return drawn
    columns, _ = result.usable(exact.objective)
    if columns:
        median = np.median(exact.objective[:, columns], axis=1)
        axes.plot(exact.alphas, median, color=style.BLACK, linewidth=1.0, label="exact")
    for point in (point for s in columns for point in extrema(result, s)):
        axes.plot(
            [point.alpha],
            [point.objective],
            "v" if point.is_minimum else "^",
            color=style.GREEN,
            markersize=6,
            zorder=4,
            label="exact minimum" if point.is_minimum else "exact maximum",
        )
    return drawn


def _limit(alphas: Array) -> Array:
    return np.asarray((1 - alphas**2) ** 2)


def _draw_off_limit(axes: Axes, results: Sequence[Result]) -> None:
    """Each seed's distance from the curve of a start at zero, and the room that 9e leaves at alpha = 2."""
    for k, result in enumerate(results):
        if (exact := result.curves.get(EXACT)) is None:
            continue
        columns, _ = result.usable(exact.objective)
        for s in columns:
            axes.plot(
                exact.alphas,
                exact.objective[:, s] - _limit(exact.alphas),
                linewidth=0.8,
                color=panel.job_look(k)["color"],
                label="exact, each seed",
            )
        panel.mark_ends(axes, exact.alphas)
    axes.errorbar([2], [0], [0.2], color=style.ORANGE, capsize=4, linewidth=1.2, label="J(2) = 9 ± 0.2")
    axes.set(title="what the size of the start changes", xlabel="α", ylabel="J(θ(α)) - (1 - α²)² [squared error]")


def proven(result: Result) -> list[str]:
    """The certificates of at most two lines, else how many lines are proven to fall all the way."""
    if len(result.statements) <= 2:
        return list(result.statements)
    decreasing = values(result, "proven_decreasing")
    return [f"proven strictly decreasing on [0, 1]: {int((decreasing == 1).sum())} of {len(decreasing)} lines"]


def at_solution(result: Result, s: int) -> Reading | None:
    """A reading that cannot tell, for a smoke run whose training was too short to reach a solution; else None."""
    seen = result.curves.get(SEEN)
    end = value_at(*column(seen, s), 1.0) if seen is not None and covers(seen, 1, 1) else 0.0
    if result.scale != "smoke" or end <= ZERO:
        return None
    return Reading(f"J(1) = {end:.3g}", None, note="the short training did not end at a solution")


def judge(results: Sequence[Result]) -> list[Verdict]:
    """9a to 9e, the measurement against theory, and the proof, of every job that goes from a start to a solution."""
    found: list[Verdict] = []
    for result, name in zip(results, naming.names(results), strict=True):
        found += _on_curve(result, name)
        found += theory_agrees(result, f"{name}, train", "9-theory", "theory A1", AGREES)
        claim = Claim("9-proof", "J falls all the way from start to solution, proven", "Fig. 9", "proven on [0, 1]")
        found += falls_proven(claim, result, f"{name}, train")
    return found


def _on_curve(result: Result, name: str) -> list[Verdict]:
    seen, exact = result.curves.get(SEEN), result.curves.get(EXACT)
    found: list[Verdict] = []

    def add(curve: Curve, claim: Claim, read: Callable[[int], Reading], note: str = "") -> None:
        found.append(over_columns(claim, result, curve, name, read, note))

    if seen is not None and covers(seen, 0, 0):

        def start(s: int) -> Reading:
            off = abs(value_at(*column(seen, s), 0.0) - 1)
            return Reading(f"|J(0) - 1| = {off:.2g}", bool(off < 1e-3), off)

        add(
            seen,
            Claim("9a", "The start is worth as much as the saddle: J(0) = 1", "Fig. 9", "|J(0) - 1| < 0.001"),
            start,
        )
    if exact is not None and covers(exact, 0, 1):
        found += _on_exact(result, name, exact)
    if seen is not None and covers(seen, 0, 2):

        def far(s: int) -> Reading:
            end = value_at(*column(seen, s), 2.0)
            text = f"J(2) = {end:.3f}"
            return _unless_smoke(result, s, Reading(text, bool(abs(end - 9) <= 0.2), abs(end - 9)))

        add(
            seen,
            Claim("9e", "As far beyond the solution again J is nine times the start's", "Fig. 9", "9 +- 0.2"),
            far,
            SPREAD_NOTE,
        )
    return found


def _unless_smoke(result: Result, s: int, reading: Reading) -> Reading:
    untold = at_solution(result, s)
    return reading if untold is None else replace(untold, measured=reading.measured)


def _on_exact(result: Result, name: str, exact: Curve) -> list[Verdict]:
    """9b to 9d: what the exact curve shows at its start, at its bend and at the solution."""
    degree = 2 * int((result.config.get("model") or {}).get("depth") or 2)

    def slope(s: int) -> Reading:
        a, v = column(exact, s)
        if len(a) <= degree + 1:
            return Reading(counted(len(a), "sample"), None, note=f"too few for a polynomial of degree {degree}")
        if (failed := no_drop(exact, s)) is not None:
            return failed
        if drop(a, v) <= FLAT:
            text = f"a drop of {drop(a, v):.3g} in all"
            return Reading(text, None, note=f"a slope of {FLAT} is not flat for so small a drop")
        # J is a polynomial of this degree in α, so the fit is the curve itself.
        slope = float(np.polynomial.Polynomial.fit(a, v, degree).deriv()(0.0))
        return _unless_smoke(result, s, Reading(f"J'(0) = {slope:.3g}", -FLAT < slope <= 0, abs(slope) + (slope > 0)))

    def bend(s: int) -> Reading:
        a, v = column(exact, s)
        if (failed := no_drop(exact, s) or too_few_to_bend(a)) is not None:
            return failed
        changes = curvature_changes(a, v, tolerance(exact, s) * drop(a, v))
        listed = ", ".join(f"{'convex' if sign > 0 else 'concave'} from {alpha:.4f}" for alpha, sign in changes)
        holds = len(changes) == 1 and changes[0][1] > 0 and abs(changes[0][0] - BEND) <= 0.02
        off = abs(changes[0][0] - BEND) if len(changes) == 1 else float("inf")
        text = f"{counted(len(changes), 'change')}{': ' if listed else ''}{listed}"
        return _unless_smoke(result, s, Reading(text, bool(holds), off))

    def minimum(s: int) -> Reading:
        if not knows_extrema(result, s):
            return Reading("the extrema are not known", None, note="no law gave them")
        points = [point for point in extrema(result, s) if point.is_minimum]
        listed = ", ".join(f"α = {point.alpha:.6g} with J = {point.objective:.1e}" for point in points)
        off = abs(points[0].alpha - 1) if len(points) == 1 else float("inf")
        holds = off <= 1e-3 and points[0].objective <= ZERO
        text = f"{counted(len(points), 'minimum')}{': ' if listed else ''}{listed}"
        return _unless_smoke(result, s, Reading(text, bool(holds), off))

    range_text = f"[{exact.alphas[0]:g}, {exact.alphas[-1]:g}]"
    checks = [
        (
            Claim("9b", "The line is flat at its start and never climbs there", "Fig. 9", f"-{FLAT:g} < J'(0) <= 0"),
            slope,
        ),
        (Claim("9c", "J is concave up to α = 1/√3 and convex after", "Fig. 9", "1 change, at 0.577 +- 0.02"), bend),
        (
            Claim(
                "9d",
                f"The solution is the only minimum on {range_text}",
                "Fig. 9",
                f"1 minimum, at 1 +- 0.001, J <= {ZERO:g}",
            ),
            minimum,
        ),
    ]
    known = [check for check in checks if check[1] is not minimum or exact.alphas[-1] > 1]
    return [over_columns(claim, result, exact, f"{name}, exact", read) for claim, read in known]
