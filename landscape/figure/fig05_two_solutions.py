"""Figure 5: the line between two solutions, and the line from a random point to a solution."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.claims import SLACK, column, sampled
from landscape.figure.present import least_difference, no_drop
from landscape.figure.reading import Claim, Reading, counted, over_columns
from landscape.result.curve import Curve, argmin_alpha, end_barrier, local_maxima, local_minima, tolerance, value_at
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

TITLES = {
    "between_solutions": "between the solutions of two seeds",
    "random_to_solution": "from a random point to a solution",
}
UNLEARNED_NOTE = "so short a training has learned next to nothing: J(0) and J(1) exceed 0.9 of a guess's"
SMOKE_NOTE = "the threshold is meant for the widths of the paper"


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per job: two solutions on the left, linear; a random point on the right, logarithmic."""
    order = list(TITLES)
    ends = [result.choices.get("endpoints", "") for result in results]
    pairs = sorted(zip(results, ends, strict=True), key=lambda p: order.index(p[1]) if p[1] in order else len(order))
    figure, grid = style.new(1, len(pairs), width=3.7 * len(pairs) + 2.4, height=3.6)
    drawn, counts = panel.Drawn(), []
    for (result, end), axes in zip(pairs, grid[0], strict=True):
        found = panel.draw_splits(axes, result)
        drawn += found
        num = max(found.num_seeds, default=0)
        counts.append(counted(num, "pair" if end == "between_solutions" else "seed"))
        if end == "random_to_solution":
            axes.set_yscale("log")
        panel.label_line(axes, TITLES.get(end, end), drawn, legend=False)
    several = drawn.legend_title is not None
    title = f"line: median of {', of '.join(dict.fromkeys(counts))};\nband: all" if several else None
    style.legend_outside(figure, title)
    recipes = " and ".join(dict.fromkeys(naming.recipe(result) for result in results))
    return caption.finish(
        figure,
        results,
        f"Fig. 5: other minima, {recipes}{caption.on_data(results)}",
        drawn.notes,
        verdicts=judge(results),
    )


def judge(results: Sequence[Result]) -> list[Verdict]:
    """5a to 5c on lines between two solutions, 5d on lines from a random point."""
    found: list[Verdict] = []
    for end, judge_one in (("between_solutions", between_solutions), ("random_to_solution", random_to_solution)):
        jobs = [result for result in results if result.choices.get("endpoints") == end]
        for result, name in zip(jobs, naming.names(jobs), strict=True):
            found += judge_one(result, name)
    return found


def _each(
    claim: Callable[[Curve], Claim],
    result: Result,
    name: str,
    span: tuple[float, float],
    read: Callable[[Curve, int], Reading],
) -> list[Verdict]:
    """The claim on the training cost and on its twin, where they were sampled over the span."""
    return [
        over_columns(claim(curve), result, curve, name, lambda s, curve=curve: read(curve, s))  # type: ignore[misc]
        for curve in sampled(result, ("train",), *span)
    ]


def _noise(curve: Curve, s: int) -> float:
    """How high a bump must be to count: tau times the range of J on [0, 1], in nats.

    Two solutions lie at the same height, so the drop of section 0.6 is no unit here; the replicates' standard
    error is left out with it.
    """
    a, v = column(curve, s)
    inside = v[(a >= -SLACK) & (a <= 1 + SLACK)]
    return tolerance(dataclasses.replace(curve, replicates=None), s) * float(inside.max() - inside.min())


def between_solutions(result: Result, name: str) -> list[Verdict]:
    """5a: two minima, at the solutions; 5b: a barrier between them; 5c: they are equally good."""
    classes = naming.num_classes(result)

    def two_minima(curve: Curve) -> Claim:
        sentence = "On the line between two solutions each is a minimum of its own"
        return Claim("5a", sentence, "Fig. 5 left", f"2 minima within {_window(curve)} of 0 and 1, 1 maximum between")

    def read_minima(curve: Curve, s: int) -> Reading:
        a, v = column(curve, s)
        noise = _noise(curve, s)
        found = [float(a[k]) for k in local_minima(a, v, noise)]
        tops = [k for k in local_maxima(a, v, noise) if len(found) == 2 and found[0] < a[k] < found[1]]
        text = f"{counted(len(found), 'minimum')} at {', '.join(f'{alpha:.3f}' for alpha in found)}"
        text = text if found else "no minimum"
        off = max(abs(found[0]), abs(found[1] - 1)) if len(found) == 2 else math.inf
        text += f", {counted(len(tops), 'maximum')} between" if len(found) == 2 else ""
        return Reading(text, off <= _window(curve) + SLACK and len(tops) == 1, off)

    limit = 0.1 * math.log(classes)
    high = Claim(
        "5b",
        "A barrier separates the two solutions",
        "Fig. 5 left",
        f"J(0.5) - higher end >= 0.1 ln {classes} = {limit:.3f}",
    )

    def read_height(curve: Curve, s: int) -> Reading:
        a, v = column(curve, s)
        height = value_at(a, v, 0.5) - max(value_at(a, v, 0.0), value_at(a, v, 1.0))
        return Reading(f"J(0.5) is {height:.3f} nats above the higher end", height >= limit, -height)

    equal = Claim("5c", "The two solutions are equally good", "Fig. 5 left", "|J(0) - J(1)| <= 0.1 of the barrier")

    def read_equal(curve: Curve, s: int) -> Reading:
        a, v = column(curve, s)
        gap, barrier = abs(value_at(a, v, 0.0) - value_at(a, v, 1.0)), end_barrier(a, v)
        text = f"they differ by {gap:.4f} nats, the barrier is {barrier:.4f}"
        if not barrier > (noise := least_difference(curve, s)):
            why = "without a barrier there is no unit for their difference"
            return Reading(f"{text}, within the noise of {noise:.2g}", None, note=why)
        return Reading(text, barrier > 0 and gap <= 0.1 * barrier, gap / barrier if barrier > 0 else math.inf)

    def learned(read: Callable[[Curve, int], Reading]) -> Callable[[Curve, int], Reading]:
        def judge_solutions(curve: Curve, s: int) -> Reading:
            reading, ends = read(curve, s), [value_at(*column(curve, s), alpha) for alpha in (0.0, 1.0)]
            if result.scale == "smoke" and min(ends) > 0.9 * math.log(classes):
                return dataclasses.replace(reading, holds=None, note=UNLEARNED_NOTE)
            return reading

        return judge_solutions

    found = _each(two_minima, result, name, (-0.2, 1.2), learned(read_minima))
    found += _each(lambda _: high, result, name, (0, 1), learned(read_height))
    return found + _each(lambda _: equal, result, name, (0, 1), learned(read_equal))


def _window(curve: Curve) -> float:
    # Without dropout noise the basins are flatter, and their lowest sample wanders further from the solutions.
    return 0.15 if curve.mode == "deterministic" else 0.07


def random_to_solution(result: Result, name: str) -> list[Verdict]:
    """5d: from a random point there is one minimum, at the solution; and the way down is long."""
    one = Claim(
        "5d",
        "From a random point the only minimum is the solution",
        "Fig. 5 right",
        "1 minimum, argmin within 1/9 of 1",
    )

    def read_one(curve: Curve, s: int) -> Reading:
        if (failed := no_drop(curve, s)) is not None:
            return failed
        a, v = column(curve, s)
        num, low = len(local_minima(a, v, _noise(curve, s))), argmin_alpha(a, v)
        holds = num == 1 and abs(low - 1) <= 1 / 9 + SLACK
        return Reading(f"{counted(num, 'minimum')}, argmin at {low:.3f}", holds, abs(num - 1) + abs(low - 1))

    far = Claim("5d-ratio", "The random point is far worse than the solution", "Fig. 5 right", "J(0)/J(1) >= 1000")

    def read_ratio(curve: Curve, s: int) -> Reading:
        a, v = column(curve, s)
        start, end = value_at(a, v, 0.0), value_at(a, v, 1.0)
        if (failed := no_drop(curve, s)) is not None:
            return failed
        if end < 0:
            text = f"J(0) = {start:.4g}, J(1) = {end:.4g}"
            return Reading(text, None, note="a cost below zero has no ratio")
        ratio = start / end if end > 0 else math.inf
        smoke = result.scale == "smoke"
        text = f"J(0) = {start:.4g}, J(1) = {end:.4g}, ratio {ratio:.3g}"
        return Reading(text, None if smoke else ratio >= 1000, -ratio, note=SMOKE_NOTE if smoke else "")

    found = _each(lambda _: one, result, name, (0, 1 + 1 / 9), read_one)
    return found + _each(lambda _: far, result, name, (0, 1), read_ratio)
