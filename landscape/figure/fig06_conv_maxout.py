"""Figure 6: convolutional maxout, the line and its start enlarged, where it climbs over one low barrier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style, sweep
from landscape.figure.claims import SLACK, column, sampled
from landscape.figure.noise import weighed_climb, weighed_rise
from landscape.figure.present import no_drop, no_way_down, rounding_of
from landscape.figure.reading import Claim, Reading, counted, fair, over_columns, verdict
from landscape.result.curve import Array, Curve, argmin_alpha, drop, local_maxima, relative_rise, tolerance, value_at
from landscape.result.curve.climb import climb, replicate_error
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

PUBLISHED = ("conv_maxout", "conv_maxout_short")  # recipes of the full net, with the full and with a short schedule
MAX_ERROR = 0.13  # 12.01 % published at the best epoch; check 6f
SMALL_NOTE = "whether there is a barrier depends on seed and size: its absence is judged for the full net only"
Job = tuple[Result, str]
Absent = Callable[[int], Reading | None]


def parts(results: Sequence[Result]) -> tuple[list[Job], list[Job]]:
    """The jobs that sampled all of [0, 1], and those that enlarge its start, each with a name among its like."""
    lines: list[Result] = []
    zooms: list[Result] = []
    for result in results:
        curve = panel.primary(result, "train")
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
        return sweep.draw(results)
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
    recipes = " and ".join(dict.fromkeys(naming.recipe(result) for result in results))
    title = f"Fig. 6: {recipes}{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


def _draw_start(axes: Axes, result: Result) -> panel.Drawn:
    """J - J(0) of every curve; of a single seed also three standard errors and the highest point."""
    lifted = {key: replace(c, objective=c.objective - c.objective[_origin(c)]) for key, c in result.curves.items()}
    drawn = panel.draw_splits(axes, replace(result, curves=lifted))
    axes.axhline(0, color=style.GREY, linewidth=0.8, label="height of the start")
    curve = panel.primary(result, "train")
    assert curve is not None
    columns, _ = result.usable(curve.objective)
    found = [climb(*column(curve, s)) for s in columns]
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


def judge(results: Sequence[Result]) -> list[Verdict]:
    """6a and 6f of every line, 6b and 6d of every enlarged start, 6c and 6e where both belong together."""
    lines, zooms = parts(results)
    found: list[Verdict] = []
    for result, name in lines:
        found += falls_to_solution(result, name)
    for result, name in zooms:
        whole = next((job for job, _ in lines if _same_line(job, result)), None)
        found += barrier_at_start(result, name, whole)
    for result, name in lines or zooms:
        found += few_errors(result, name)
    return found


def _same_line(one: Result, other: Result) -> bool:
    """Whether two jobs sampled the same line: all they were told is the same but for positions and replicates."""

    def told(result: Result) -> tuple[dict[str, str], set[str], list[str]]:
        grid = ("vary", "alphas", "objective.num_replicates")
        plain = {item for item in naming.plain_overrides(result) if not item.lstrip("+").startswith(grid)}
        return {key: value for key, value in result.choices.items() if key != "alphas"}, plain, result.seeds

    return told(one) == told(other)


def _over(
    claim: Claim, result: Result, curve: Curve, about: str, read: Callable[[int], Reading], note: str = ""
) -> Verdict:
    """``over_columns`` with every reading left unjudged at smoke scale."""
    return over_columns(claim, result, curve, about, lambda s: fair(result, read(s)), note)


def _is_full(result: Result) -> bool:
    return result.scale == "full" and naming.recipe(result) in PUBLISHED


def falls_to_solution(result: Result, name: str) -> list[Verdict]:
    """6a: away from the start J only falls, to a lowest sample at the solution."""
    claim = Claim(
        "6a",
        "Away from its start the line falls to a minimum at the solution",
        "Fig. 6 left",
        "argmin within 1/9 of 1, rise on [0.3, 1] <= tau of the drop",
    )

    def judge_one(curve: Curve) -> Verdict:
        def read(s: int) -> Reading:
            a, v = column(curve, s)
            if (failed := no_way_down(curve, s)) is not None:
                return failed
            low, rise, tau = argmin_alpha(a, v), relative_rise(a, v, 0.3, 1.0), tolerance(curve, s)
            text = f"argmin at {low:.3f}, rise {rise:.2g} of the drop, tau {tau:.2g}"
            reading = Reading(text, abs(low - 1) <= 1 / 9 + SLACK and rise <= tau, abs(low - 1) + rise)
            return weighed_rise(reading, curve, s, 0.3, 1.0)

        return _over(claim, result, curve, name, read)

    return [judge_one(curve) for curve in sampled(result, ("train",), 0, 1 + 1 / 9)]


def barrier_at_start(result: Result, name: str, whole: Result | None) -> list[Verdict]:
    """6b: there is a barrier; 6c: not tall; 6d: reasonably wide; 6e: single. ``whole``: the line it is the start of."""
    exists = Claim("6b", "Near its start the line climbs over a barrier", "Fig. 6 right", "height > noise")
    low = Claim("6c", "The barrier is not tall", "Fig. 6 right", "height <= 0.10 of the drop")
    wide = Claim("6d", "The barrier is reasonably wide", "Fig. 6 right", "above J(0) over a length >= 0.02 of α")
    single = Claim("6e", "The barrier is the only one", "Fig. 6", "1 maximum on [0, 1]")
    found: list[Verdict] = []
    about = f"{name}, start"
    for curve in sampled(result, ("train",), 0, 0.1):
        partner = None if whole is None else whole.curves.get(f"{curve.split}/{curve.mode}")

        def noise(s: int, curve: Curve = curve, partner: Curve | None = partner) -> float:
            if curve.mode == "stochastic":
                k = int(np.flatnonzero(curve.alphas == climb(*column(curve, s)).at)[0])
                known = curve.replicates is not None
                return max(3 * float(replicate_error(curve, s)[k]), rounding_of(curve, s)) if known else math.nan
            unit = value_at(*column(curve, s), 0.0) if partner is None else drop(*column(partner, s))
            return max(tolerance(curve, s) * abs(unit), rounding_of(curve, s))

        def no_barrier(
            s: int, curve: Curve = curve, noise: Callable[[int], float] = noise, partner: Curve | None = partner
        ) -> Reading | None:
            """A reading that cannot tell where 6b finds no barrier, which the line must also come down from."""
            one, least = climb(*column(curve, s)), noise(s)
            if not one.height > least:
                why, text = "there is no barrier of which this could be said", f"height {one.height:.2g} nats"
                return Reading(f"no barrier: {text}, noise {least:.2g}", None, note=why)
            down = one.is_over or (partner is not None and no_drop(partner, s) is None)
            return None if down else Reading("J climbs and does not come down", None, note="that is no barrier")

        def read_exists(
            s: int, curve: Curve = curve, noise: Callable[[int], float] = noise, no_barrier: Absent = no_barrier
        ) -> Reading:
            one, least = climb(*column(curve, s)), noise(s)
            if math.isnan(least):
                unknown = Reading(
                    f"height {one.height:.2g} nats", None, note="needs objective.num_replicates of 2 or more"
                )
                return weighed_climb(unknown, curve, s, one.at)
            if one.height > least and (climbing := no_barrier(s)) is not None:
                return climbing
            what = "3 standard errors" if curve.mode == "stochastic" else "tau of the drop"
            text = f"height {one.height:.2g} nats at α = {one.at:.3f}, noise {least:.2g} ({what})"
            holds = one.height > least or (False if _is_full(result) else None)
            reading = Reading(text, holds, -one.height, note="" if holds else SMALL_NOTE)
            return weighed_climb(reading, curve, s, one.at)

        def read_width(s: int, curve: Curve = curve, no_barrier: Absent = no_barrier) -> Reading:
            if (failed := no_barrier(s)) is not None:
                return failed
            one, a = climb(*column(curve, s)), curve.alphas
            width, inside = one.last - one.first, a[(a > one.first + SLACK) & (a < one.last - SLACK)]
            text = f"above J(0) from {one.first:.4f} to {one.last:.4f}{'' if one.is_over else ' or beyond'}"
            least = float(inside[-1] - inside[0]) if len(inside) else 0.0
            most = (
                float(a[a >= one.last - SLACK][0] - max(a[a <= one.first + SLACK][-1], 0.0))
                if one.is_over
                else math.inf
            )
            holds = width >= 0.02
            if holds != ((least if holds else most) >= 0.02) and one.is_over:
                why = "the samples beside its ends leave open whether it is so wide"
                return Reading(f"{text}, a width of {least:.4f} to {most:.4f}", None, -width, note=why)
            return weighed_climb(Reading(text, holds, -width), curve, s, one.at)

        picked = f"the highest of {int((curve.alphas > SLACK).sum())} points, picked after looking"
        if curve.replicates is not None:
            picked += f": {len(curve.replicates)} masks lift it over 3 of its standard errors more often than one point"
        found.append(_over(exists, result, curve, about, read_exists, picked))
        found.append(_over(wide, result, curve, about, read_width))
        if partner is None:
            continue

        def read_height(
            s: int, curve: Curve = curve, partner: Curve = partner, no_barrier: Absent = no_barrier
        ) -> Reading:
            if (failed := no_drop(partner, s)) is not None:
                return failed
            if (absent := no_barrier(s)) is not None:
                return absent
            one, fall = climb(*column(curve, s)), drop(*column(partner, s))
            share = max(one.height, 0.0) / fall
            return Reading(f"{share:.2g} of the drop of {fall:.3f} nats", share <= 0.10, share)

        def read_count(
            s: int, curve: Curve = curve, partner: Curve = partner, no_barrier: Absent = no_barrier
        ) -> Reading:
            if (failed := no_drop(partner, s)) is not None:
                return failed
            a, v = joined(curve, partner, s)
            least = step_noise(curve, partner, s)
            tops = [float(a[k]) for k in local_maxima(a, v, least)]
            listed = f" at {', '.join(f'{alpha:.3f}' for alpha in tops)}" if tops else ""
            text = f"{counted(len(tops), 'maximum')}{listed} above {least:.2g} nats"
            if not tops and not _is_full(result):
                return Reading(text, None, note=SMALL_NOTE)
            if len(tops) == 1 and (absent := no_barrier(s)) is not None:
                return replace(absent, measured=f"{absent.measured}; {text}")
            return Reading(text, len(tops) == 1, abs(len(tops) - 1))

        found.append(_over(low, result, curve, about, read_height))
        found.append(_over(single, result, curve, about, read_count))
    return found


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
    return tolerance(replace(whole, replicates=None), s) * drop(*column(whole, s))


def few_errors(result: Result, name: str) -> list[Verdict]:
    """6f: the validation error at the best epoch; judged for the published net and schedule at full scale only."""
    history = result.learning_curve
    if history is None or "valid/error" not in history.channels:
        return []
    claim = Claim("6f", "The solution is as good as published", "Fig. 6", f"validation error <= {MAX_ERROR:.0%}")
    values = history.channels["valid/error"]
    columns, note = result.usable(values, ragged=True)
    fair = result.scale == "full" and naming.recipe(result) == PUBLISHED[0]
    why = "" if fair else "the threshold is meant for the full net after its full training"

    def read(s: int) -> Reading:
        at_best = values[history.epochs == history.best_epoch[s], s]
        if not len(at_best):
            return Reading("the best epoch was not kept", None, note="save every epoch to judge this")
        error = float(at_best[0])
        return Reading(f"{100 * error:.2f} % errors", error <= MAX_ERROR if fair else None, error, note=why)

    return [verdict(claim, result, f"{name}, valid", [read(s) for s in columns], note)]
