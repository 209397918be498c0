"""Figure 10, its claims: the two-weight net between two solutions, from a given large start, and from random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape.figure import naming
from landscape.figure.checks import Claim, joined, judge_job, on_curve
from landscape.figure.decided import within_error
from landscape.figure.exact import (
    EXACT,
    SEEN,
    UNKNOWN,
    Extremum,
    at_solution,
    extrema,
    falls_proven,
    knows_extrema,
    one_maximum_proven,
    theory_agrees,
    usable,
    values,
)
from landscape.figure.reading import Column, Reading, counted
from landscape.result.curve import Array
from landscape.result.curve.noise import wilson
from landscape.result.curve.null import share_decreasing, share_without_second_minimum
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

JOINED = "train/geometric"
ALGEBRA = 1e-12  # squared error: what float64 may lose where the algebra is exact
END = 1e-6  # a minimum closer to alpha = 1 than this is the solution itself
FEWEST = 16  # lines: with fewer a share says next to nothing
LEFT, RIGHT = "Fig. 10 left", "Fig. 10 right"
AGREES = theory_agrees("10-theory", "theory A1", "The measured curve is the one of theory")
BETWEEN_PROVEN = one_maximum_proven("10a-proof", "J has one maximum between them, proven", LEFT, "exact")
FALLS_PROVEN = falls_proven(
    "10b-proof", "J falls all the way to the solution, proven", RIGHT, "proven on [0, 1]", "exact"
)


def endpoints(result: Result) -> str:
    """The name of a job's endpoints."""
    return result.choices.get("endpoints", "")


def points_of(result: Result) -> tuple[Array, Array] | None:
    """Start and end of a job whose endpoints are given in its config as two points of two weights, else None."""
    ends = result.config.get("endpoints") or {}
    found = [np.asarray(ends.get(key, []), dtype=np.float64) for key in ("start", "end")]
    return (found[0], found[1]) if all(point.shape == (2,) for point in found) else None


def other_minima(result: Result, s: int) -> list[Extremum]:
    """The minima of one line before its end."""
    return [point for point in extrema(result, s) if point.is_minimum and point.alpha < 1 - END]


def kind_of(result: Result, s: int) -> str:
    """How one line goes down."""
    tops = [point for point in extrema(result, s) if not point.is_minimum]
    return "another minimum first" if other_minima(result, s) else "climbs first" if tops else "falls only"


def sigma_of(result: Result) -> float:
    """The scale of random starts, 0 without one."""
    return float((result.config.get("endpoints") or {}).get("scale") or 0)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """10a on the line between solutions, 10b from the given start, 10c on random starts, theory on each."""
    found: list[Verdict] = []
    for result, words in zip(results, naming.names(results), strict=True):
        name = ", ".join(dict.fromkeys(words.split(", ")))  # endpoints and their grid bear the same name
        points = points_of(result)
        if endpoints(result) == "same_branch" and points is not None:
            found += _between(result, name, *points)
        elif endpoints(result) == "large_start" and points is not None:
            found += _from_start(result, name, *points)
        elif endpoints(result) == "large_random":
            found += _from_random(result, name)
        found += judge_job([AGREES], result, name)
    return found


def _between(result: Result, name: str, start: Array, end: Array) -> list[Verdict]:
    """J = C² α² (1 - α)² between two solutions, C the product of the two differences."""
    size = float(np.prod(end - start))
    height, solved = size**2 / 16, bool(np.abs([start.prod() - 1, end.prod() - 1]).max() <= ALGEBRA) and bool(size)
    found: list[Verdict] = []
    if (seen := result.curves.get(SEEN)) is not None and solved:

        def read(seed: Column) -> Reading:
            off = float(np.abs(seed.values - size**2 * seed.alphas**2 * (1 - seed.alphas) ** 2).max())
            return Reading(f"{off:.1e} off at most", off <= ALGEBRA, off)

        sentence = f"Between two solutions J = {size**2:g} α² (1 - α)²"
        check = Claim("10a", sentence, LEFT, f"<= {ALGEBRA:g} off").by(read, identity=True)
        found.append(check.of(on_curve(result, seen, f"{name}, {seen.split}, {seen.mode}")))
    if EXACT in result.curves and solved and knows_extrema(result, 0):
        tops = [point for point in extrema(result, 0) if not point.is_minimum and 0 < point.alpha < 1]
        lows = [point.alpha for point in extrema(result, 0) if point.is_minimum]
        places = ", ".join(f"J({point.alpha:.6g}) = {point.objective:.8g}" for point in tops)
        text = (
            f"minima at {', '.join(f'{abs(round(a, 9)):g}' for a in lows)}; {counted(len(tops), 'maximum')}: {places}"
        )
        ends = len(lows) == 2 and bool(np.abs(np.subtract(lows, (0, 1))).max() <= ALGEBRA)
        top = len(tops) == 1 and abs(tops[0].alpha - 0.5) <= ALGEBRA and abs(tops[0].objective - height) <= ALGEBRA
        sentence = "One barrier separates the two solutions, and each is a minimum"
        expected = f"minima at 0 and 1, 1 maximum, J(1/2) = {height:.8g} +- {ALGEBRA:g}"
        barrier = Claim("10a-barrier", sentence, LEFT, expected)
        found.append(barrier.said(result, f"{name}, exact", [Reading(text, ends and top)]))
    if (path := result.curves.get(JOINED)) is not None and solved and path.objective.size:
        most = float(path.objective.max())
        text = f"J <= {most:.1e} at {len(path.alphas)} points of start^(1 - α) end^α"
        sentence = "The two solutions are joined by a curve of solutions"
        connected = Claim("10a-connected", sentence, LEFT, f"J <= {ALGEBRA:g} along it", identity=True)
        found.append(connected.said(result, f"{name}, curve", [Reading(text, most <= ALGEBRA, most)]))
    return found + judge_job([BETWEEN_PROVEN], result, name)


def _from_start(result: Result, name: str, start: Array, end: Array) -> list[Verdict]:
    """J(0), the only minimum in range, and where the second zero lies."""
    seen = result.curves.get(SEEN)
    if seen is None or not seen.objective.size or abs(end.prod() - 1) > ALGEBRA:
        return []
    first, last, height = float(seen.alphas[0]), float(seen.alphas[-1]), float((1 - start.prod()) ** 2)
    value = float(seen.objective[int(np.argmin(np.abs(seen.alphas))), 0])
    known = Reading(f"J(0) = {value:.12g}", abs(value - height) <= ALGEBRA)
    if not height > ALGEBRA:
        known = Reading(f"J(0) = {value:.12g}", None, note="this start is a solution itself")
    lows = [point.alpha for point in extrema(result, 0) if point.is_minimum]
    text = f"{counted(len(lows), 'minimum')} at {', '.join(f'{a:.9g}' for a in lows)}" if lows else "no minimum"
    only = Reading(text, len(lows) == 1 and abs(lows[0] - 1) <= END) if knows_extrema(result, 0) else UNKNOWN
    step = float(np.prod(end - start))
    second = (start.prod() - 1) / step if step else np.inf  # the other root of p = 1 on the line
    again = Reading(f"α' = {second:.6g}", bool(not first <= second <= last))
    if not np.isfinite(second) or abs(second - 1) <= END:
        again = Reading("the line meets the solutions once", None, note="there is no second meeting to place")
    sentence = f"The start is far worse than the solution: J(0) = {height:g}"
    worse = Claim("10b-start", sentence, RIGHT, f"J(0) = {height:g} +- {ALGEBRA:g}", identity=True)
    sentence = f"The solution is the only minimum on [{first:g}, {last:g}]"
    alone = Claim("10b", sentence, RIGHT, f"1 minimum, at 1 +- {END:g}")
    sentence = "The line meets the solutions again, but outside the figure"
    outside = Claim("10b-second", sentence, RIGHT, f"α' outside [{first:g}, {last:g}]", identity=True)
    told = ((worse, "measured", known), (alone, "exact", only), (outside, "algebra", again))
    found = [claim.said(result, f"{name}, {on}", [reading]) for claim, on, reading in told]
    return found + judge_job([FALLS_PROVEN], result, name)


def _from_random(result: Result, name: str) -> list[Verdict]:
    """The caption's sentence on every line, and the shares of lines against their exact values."""
    seen = result.curves.get(SEEN)
    if seen is None or EXACT not in result.curves:
        return []
    columns, left_out = usable(result)
    about, num = f"{name}, exact", len(columns)
    untold = next((reading for s in columns if (reading := at_solution(result, s)) is not None), None)
    alone = sum(not other_minima(result, s) for s in columns)
    reading = untold or Reading(f"no other minimum on {alone} of {num} lines", alone == num)
    lacks = "" if num else "no usable line"
    if num and not all(knows_extrema(result, s) for s in columns):
        lacks = "the extrema of some lines are not known"
    if lacks:
        reading = Reading(lacks, None, note="there is no line of which this could be said")
    note = "the other lines cross the solutions twice: the caption holds for some starts only"
    sentence = "From a random start of large norm the solution is the only minimum"
    check = Claim("10c", sentence, RIGHT, "no other minimum on (0, 1), in any line")
    found = [check.said(result, about, [reading], joined("" if untold or lacks else note, left_out))]
    model, sigma = result.config.get("model") or {}, sigma_of(result)
    if (model.get("depth"), model.get("width")) != (2, 1) or not sigma or lacks:
        return found
    proven_falls, tops = (values(result, key) for key in ("proven_decreasing", "proven_num_maxima"))
    why = "exact for starts N(0, σ² I) and the ends (1, 1) or (-1, -1), which each solution misses by its start squared"
    event = f"for N(0, {sigma:g}²) starts"
    shares = [("10c-share", f"P(no second minimum) {event}", alone, share_without_second_minimum(sigma), "", why)]
    if len(tops) == seen.objective.shape[1]:
        # The stored solution misses w_1 w_2 = 1 by a rounding; where it lies beyond, J has its zero a rounding before.
        falls = [s for s in columns if kind_of(result, s) == "falls only" and tops[s] == 0]
        text = f"; of these proven on all of [0, 1]: {sum(bool(proven_falls[s] == 1) for s in falls)}"
        why = (
            f"proven: no maximum on (0, 1), and the exact minimum lies within {END:g} of 1; the stored solution "
            "misses w1 w2 = 1 by a rounding, and where it lies beyond, J rises over the last rounding"
        )
        sentence = f"P(J falls to the solution, proven) {event}"
        shares.append(("10c-decreasing", sentence, len(falls), share_decreasing(sigma), text, why))
    few = f"{num} lines are too few" if num < FEWEST else ""
    for id, sentence, count, exact, extra, why in shares:
        low, high = wilson(count, num)
        z = (count - num * exact) / float(np.sqrt(num * exact * (1 - exact)))
        text = f"{count} of {num} = {count / num:.3f}, 95 % in [{low:.3f}, {high:.3f}], z = {z:.2f}{extra}"
        reading = untold or Reading(text, None if few else abs(z) <= 3, abs(z), note=few)
        check = Claim(id, f"{sentence} is {exact:.4f}", "theory A1", "|z| <= 3", identity=True)
        found.append(check.said(result, about, [reading], "" if untold else why))
    return found
