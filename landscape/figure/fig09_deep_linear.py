"""Figure 9: the two-weight linear net from a small random start to its solution, measured beside the exact curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, Evidence, Look, along, on_curve
from landscape.figure.checks import judge as judge_checks
from landscape.figure.claims import bends
from landscape.figure.decided import within_error
from landscape.figure.exact import (
    EXACT,
    UNKNOWN,
    ZERO,
    at_solution,
    draw_measured_and_exact,
    extrema,
    falls_proven,
    knows_extrema,
    proven,
    theory_agrees,
)
from landscape.figure.reading import Column, Reading, above, counted, covers
from landscape.result.curve import Array, curvature_changes
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

FLAT = 0.1  # of J(0) = 1: the slope of a start that is flat
BEND = 1 / np.sqrt(3)  # where (1 - α²)² turns from concave to convex


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
        look: dict[str, Any] = {"color": style.ORANGE, "linewidth": 0.9, "linestyle": (0, (2, 2)), "zorder": 3}
        axes.plot(limit, _limit(limit), label="start → 0: (1 - α²)²", **look)
        axes.plot([BEND], [4 / 9], "D", color=style.ORANGE, markersize=4.5, label="its inflection, α = 1/√3")
        title = "the whole line" if axes is whole else "from the start to the solution"
        axes.set(title=title, xlabel="α", ylabel="J(θ(α)) [squared error]")
    near.set(xlim=(-0.05, 1.15), ylim=(-0.05, 1.1))
    _draw_off_limit(off, results)
    style.legend_outside(figure, panel.told_of(drawn, (whole, near)))
    notes = [*drawn.notes, *(text for result in results for text in proven(result))]
    title = f"Fig. 9: {naming.recipes(results)}, from a small random start to its solution"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _limit(alphas: Array) -> Array:
    return np.asarray((1 - alphas**2) ** 2)


def _draw_off_limit(axes: Axes, results: Sequence[Result]) -> None:
    """Each seed's distance from the curve of a start at zero, and the room that 9e leaves at alpha = 2."""
    for k, result in enumerate(results):
        if (exact := result.curves.get(EXACT)) is None:
            continue
        for s in result.usable(exact.objective)[0]:
            look = {"linewidth": 0.8, "color": panel.job_look(k)["color"], "label": "exact, each seed"}
            axes.plot(exact.alphas, exact.objective[:, s] - _limit(exact.alphas), **look)
        panel.mark_ends(axes, exact.alphas)
    axes.errorbar([2], [0], [0.2], color=style.ORANGE, capsize=4, linewidth=1.2, label="J(2) = 9 ± 0.2")
    axes.set(title="what the size of the start changes", xlabel="α", ylabel="J(θ(α)) - (1 - α²)² [squared error]")


def _exact(beyond: bool = False) -> Look[Column]:
    """The exact curve, where it was evaluated from start to solution, or beyond it."""

    def look(result: Result, name: str) -> Iterator[Evidence[Column]]:
        exact = result.curves.get(EXACT)
        if exact is not None and covers(exact, 0, 1) and (not beyond or exact.alphas[-1] > 1):
            yield on_curve(result, exact, f"{name}, exact, {exact.split}, {exact.mode}")

    return look


def _unless_smoke(read: Callable[[Column], Reading]) -> Callable[[Column], Reading]:
    """What can be read of a line, left open where a smoke run's training was too short to reach a solution."""

    def judged(seed: Column) -> Reading:
        reading, untold = read(seed), at_solution(seed.result, seed.s)
        return reading if untold is None else replace(untold, measured=reading.measured)

    return judged


def _start(seed: Column) -> Reading:
    off = abs(seed.at(0.0) - 1)
    return Reading(f"|J(0) - 1| = {off:.2g}", bool(off < 1e-3), off)


def _far(seed: Column) -> Reading:
    end = seed.at(2.0)
    return Reading(f"J(2) = {end:.3f}", bool(abs(end - 9) <= 0.2), abs(end - 9), miss=above(abs(end - 9), 0.2))


def _slope(seed: Column) -> Reading:
    (a, v), degree = seed.line, 2 * int((seed.result.config.get("model") or {}).get("depth") or 2)
    if len(a) <= degree + 1:
        return Reading(counted(len(a), "sample"), None, note=f"too few for a polynomial of degree {degree}")
    if (failed := seed.no_drop()) is not None:
        return failed
    if seed.fall <= FLAT:
        why = f"a slope of {FLAT} is not flat for so small a drop"
        return Reading(f"a drop of {seed.fall:.3g} in all", None, note=why)
    # J is a polynomial of this degree in α, so the fit is the curve itself.
    slope = float(np.polynomial.Polynomial.fit(a, v, degree).deriv()(0.0))
    reading = Reading(f"J'(0) = {slope:.3g}", -FLAT < slope <= 0, abs(slope) + (slope > 0))
    return _unless_smoke(lambda _: reading)(seed)


def _bend(seed: Column) -> Reading:
    if (failed := seed.no_drop() or seed.too_few_to_bend()) is not None:
        return failed
    changes = curvature_changes(*seed.line, seed.tau * seed.fall)
    off = abs(changes[0][0] - BEND) if len(changes) == 1 else float("inf")
    reading = Reading(bends(changes, 4), bool(off <= 0.02 and changes[0][1] > 0), off)
    return _unless_smoke(lambda _: reading)(seed)


def _minimum(seed: Column) -> Reading:
    if not knows_extrema(seed.result, seed.s):
        return UNKNOWN
    points = [point for point in extrema(seed.result, seed.s) if point.is_minimum]
    places = ", ".join(f"α = {point.alpha:.6g} with J = {point.objective:.1e}" for point in points)
    off = abs(points[0].alpha - 1) if len(points) == 1 else float("inf")
    text = f"{counted(len(points), 'minimum')}{': ' if places else ''}{places}"
    return _unless_smoke(lambda _: Reading(text, bool(off <= 1e-3 and points[0].objective <= ZERO), off))(seed)


CHECKS = (
    Claim("9a", "The start is worth as much as the saddle: J(0) = 1", "Fig. 9", "|J(0) - 1| < 0.001").by(
        _start, along("train", 0, 0, "deterministic")
    ),
    Claim("9b", "The line is flat at its start and never climbs there", "Fig. 9", f"-{FLAT:g} < J'(0) <= 0").by(
        _slope, _exact()
    ),
    Claim("9c", "J is concave up to α = 1/√3 and convex after", "Fig. 9", "1 change, at 0.577 +- 0.02").by(
        _bend, _exact()
    ),
    Claim(
        "9d",
        lambda e: f"The solution is the only minimum on [{e.line.alphas[0]:g}, {e.line.alphas[-1]:g}]",
        "Fig. 9",
        f"1 minimum, at 1 +- 0.001, J <= {ZERO:g}",
    ).by(_minimum, _exact(beyond=True)),
    Claim("9e", "As far beyond the solution again J is nine times the start's", "Fig. 9", "9 +- 0.2").by(
        _unless_smoke(_far),
        along("train", 0, 2, "deterministic"),
        note="J(2) = 9 - 12 |z1 + z2| s to first order: at s = 0.01 it misses 0.2 for 24 % of seeds",
    ),
    theory_agrees("9-theory", "theory A1", "The measured curve is the one of theory"),
    falls_proven(
        "9-proof", "J falls all the way from start to solution, proven", "Fig. 9", "proven on [0, 1]", "train"
    ),
)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """9a to 9e, the measurement against theory, and the proof, of every job that goes from a start to a solution."""
    return judge_checks(CHECKS, results)
