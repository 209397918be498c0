"""Figure 10: the two-weight linear net between two solutions, and from starts of large norm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.claims import column
from landscape.figure.exact import (
    Extremum,
    extrema,
    falls_proven,
    knows_extrema,
    one_maximum_proven,
    theory_agrees,
    usable,
    values,
)
from landscape.figure.fig09_deep_linear import AGREES, EXACT, SEEN, at_solution, draw_measured_and_exact, proven
from landscape.figure.reading import Claim, Reading, counted, over_columns, verdict
from landscape.result.curve import Array
from landscape.result.curve.null import share_decreasing, share_without_second_minimum
from landscape.result.curve.wilson import wilson
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

ORDER = ["same_branch", "large_start", "large_random"]
JOINED = "train/geometric"
ALGEBRA = 1e-12  # squared error: what float64 may lose where the algebra is exact
END = 1e-6  # a minimum closer to alpha = 1 than this is the solution itself
LEAST = 1e-9  # of J(0): what the panel of random starts still shows
FEWEST = 16  # lines: with fewer a share says next to nothing
KINDS = {"falls only": style.BLUE, "another minimum first": style.ORANGE, "climbs first": style.GREEN}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """A panel per job: between two solutions, from a given large start, from many random ones."""
    jobs = sorted(results, key=lambda r: (ORDER.index(_ends(r)) if _ends(r) in ORDER else len(ORDER), r.seeds))
    figure, grid = style.new(1, len(jobs), width=3.6 * len(jobs) + 2.4, height=3.8)
    notes = []
    for result, axes in zip(jobs, grid[0], strict=True):
        if _ends(result) == "large_random":
            notes.append(_draw_random(axes, result))
        else:
            _draw_line(axes, result)
            notes += [f"{_ends(result)}: {text}" for text in proven(result)]
    style.legend_outside(figure)
    recipes = " and ".join(dict.fromkeys(map(naming.recipe, results)))
    return caption.finish(figure, results, f"Fig. 10: {recipes}, other lines", notes, verdicts=judge(results))


def _ends(result: Result) -> str:
    return result.choices.get("endpoints", "")


def _points(result: Result) -> tuple[Array, Array] | None:
    """Start and end of a job whose endpoints are given in its config as two points of two weights, else None."""
    ends = result.config.get("endpoints") or {}
    found = [np.asarray(ends.get(key, []), dtype=np.float64) for key in ("start", "end")]
    return (found[0], found[1]) if all(point.shape == (2,) for point in found) else None


def _draw_line(axes: Axes, result: Result) -> None:
    draw_measured_and_exact(axes, result)
    if (joined := result.curves.get(JOINED)) is not None:
        axes.plot(
            joined.alphas,
            joined.objective[:, 0],
            color=style.PURPLE,
            linestyle=(0, (5, 1.6)),
            zorder=3,
            label="along a curve of solutions",
        )
    seen = result.curves.get(SEEN)
    if _ends(result) == "large_start" and seen is not None and seen.objective.max() > 0:
        axes.set_yscale("log", nonpositive="mask")
        least = float(seen.objective[seen.objective > 1e-6].min())
        axes.set_ylim(0.3 * least, 3 * float(seen.objective.max()))
        for point in extrema(result, 0):  # J = 0 has no place on a logarithmic axis: marked at its foot
            axes.plot(
                [point.alpha],
                [0.02],
                "v",
                color=style.GREEN,
                markersize=6,
                clip_on=False,
                zorder=4,
                transform=axes.get_xaxis_transform(),
                label="exact minimum",
            )
    points = _points(result)
    name = {"same_branch": "between two solutions", "large_start": "from a large start"}.get(_ends(result), "")
    words = "({:g}, {:g}) to ({:g}, {:g})".format(*points[0], *points[1]) if points is not None else ""
    title = "\n".join(text for text in (name or _ends(result).replace("_", " "), words) if text)
    axes.set(title=title, xlabel="α", ylabel="J(θ(α)) [squared error]")


def _draw_random(axes: Axes, result: Result) -> str:
    """Every line in units of its own J(0), coloured by its kind; returns what the panel leaves out."""
    seen = result.curves.get(SEEN)
    columns = usable(result)[0]
    if seen is None or not columns:
        panel.close(axes, panel.Drawn())
        return ""
    kinds = {s: _kind(result, s) for s in columns}
    for kind, color in KINDS.items():
        lines = [s for s in columns if kinds[s] == kind]
        for s in lines:
            axes.plot(
                seen.alphas,
                seen.objective[:, s] / seen.objective[0, s],
                color=color,
                linewidth=0.7,
                alpha=0.7,
                label=f"{kind}: {counted(len(lines), 'line')}",
            )
            for point in _others(result, s):
                axes.plot(
                    [point.alpha],
                    [0.02],
                    "v",
                    color=color,
                    markersize=3.5,
                    clip_on=False,
                    transform=axes.get_xaxis_transform(),
                    label="the other minimum, exact",
                )
    panel.mark_ends(axes, seen.alphas)
    axes.set_yscale("log", nonpositive="mask")
    axes.set_ylim(LEAST, 10)
    scale = _sigma(result)
    start = f"N(0, {scale:g}²)" if scale else "random points"
    axes.set(
        title=f"from {len(columns)} large random starts\n{start} to each seed's solution",
        xlabel="α",
        ylabel="J(θ(α)) / J(θ(0))",
    )
    return f"large_random: each line in units of its own J(0), shown down to {LEAST:g}; other minima marked at the foot"


def _others(result: Result, s: int) -> list[Extremum]:
    """The minima of one line before its end."""
    return [point for point in extrema(result, s) if point.is_minimum and point.alpha < 1 - END]


def _kind(result: Result, s: int) -> str:
    tops = [point for point in extrema(result, s) if not point.is_minimum]
    return "another minimum first" if _others(result, s) else "climbs first" if tops else "falls only"


def _sigma(result: Result) -> float:
    return float((result.config.get("endpoints") or {}).get("scale") or 0)


def judge(results: Sequence[Result]) -> list[Verdict]:
    """10a on the line between solutions, 10b from the given start, 10c on random starts, theory on each."""
    found: list[Verdict] = []
    for result, words in zip(results, naming.names(results), strict=True):
        name = ", ".join(dict.fromkeys(words.split(", ")))  # endpoints and their grid bear the same name
        points = _points(result)
        if _ends(result) == "same_branch" and points is not None:
            found += _between(result, name, *points)
        elif _ends(result) == "large_start" and points is not None:
            found += _from_start(result, name, *points)
        elif _ends(result) == "large_random":
            found += _from_random(result, name)
        found += theory_agrees(result, f"{name}, train", "10-theory", "theory A1", AGREES)
    return found


def _between(result: Result, name: str, start: Array, end: Array) -> list[Verdict]:
    """J = C² α² (1 - α)² between two solutions, C the product of the two differences."""
    size = float(np.prod(end - start))
    height, solved = size**2 / 16, bool(np.abs([start.prod() - 1, end.prod() - 1]).max() <= ALGEBRA)
    found: list[Verdict] = []
    if (seen := result.curves.get(SEEN)) is not None and solved and size:
        formula = f"{size**2:g} α² (1 - α)²"
        claim = Claim(
            "10a", f"Between two solutions J = {formula}", "Fig. 10 left", f"<= {ALGEBRA:g} off", identity=True
        )

        def read(s: int) -> Reading:
            a, v = column(seen, s)
            off = float(np.abs(v - size**2 * a**2 * (1 - a) ** 2).max())
            return Reading(f"{off:.1e} off at most", off <= ALGEBRA, off)

        found.append(over_columns(claim, result, seen, name, read))
    points = extrema(result, 0)
    tops = [point for point in points if not point.is_minimum and 0 < point.alpha < 1]
    lows = [point.alpha for point in points if point.is_minimum]
    claim = Claim(
        "10a-barrier",
        "One barrier separates the two solutions, and each is a minimum",
        "Fig. 10 left",
        f"minima at 0 and 1, 1 maximum, J(1/2) = {height:.8g} +- {ALGEBRA:g}",
    )
    listed = ", ".join(f"J({point.alpha:.6g}) = {point.objective:.8g}" for point in tops)
    text = f"minima at {', '.join(f'{abs(round(a, 9)):g}' for a in lows)}; {counted(len(tops), 'maximum')}: {listed}"
    ends = len(lows) == 2 and bool(np.abs(np.subtract(lows, (0, 1))).max() <= ALGEBRA)
    top = len(tops) == 1 and abs(tops[0].alpha - 0.5) <= ALGEBRA and abs(tops[0].objective - height) <= ALGEBRA
    if EXACT in result.curves and solved and size and knows_extrema(result, 0):
        found.append(verdict(claim, result, f"{name}, exact", [Reading(text, ends and top)]))
    if (joined := result.curves.get(JOINED)) is not None and solved and size and joined.objective.size:
        claim = Claim(
            "10a-connected",
            "The two solutions are joined by a curve of solutions",
            "Fig. 10 left",
            f"J <= {ALGEBRA:g} along it",
            identity=True,
        )
        most = float(joined.objective.max())
        text = f"J <= {most:.1e} at {len(joined.alphas)} points of start^(1 - α) end^α"
        found.append(verdict(claim, result, f"{name}, curve", [Reading(text, most <= ALGEBRA, most)]))
    claim = Claim("10a-proof", "J has one maximum between them, proven", "Fig. 10 left", "1 maximum on (0, 1)")
    return found + one_maximum_proven(claim, result, f"{name}, exact")


def _from_start(result: Result, name: str, start: Array, end: Array) -> list[Verdict]:
    """J(0), the only minimum in range, and where the second zero lies."""
    seen = result.curves.get(SEEN)
    if seen is None or not seen.objective.size or abs(end.prod() - 1) > ALGEBRA:
        return []
    first, last = float(seen.alphas[0]), float(seen.alphas[-1])
    height = float((1 - start.prod()) ** 2)
    claim = Claim(
        "10b-start",
        f"The start is far worse than the solution: J(0) = {height:g}",
        "Fig. 10 right",
        f"J(0) = {height:g} +- {ALGEBRA:g}",
        identity=True,
    )
    value = float(seen.objective[int(np.argmin(np.abs(seen.alphas))), 0])
    known = Reading(f"J(0) = {value:.12g}", abs(value - height) <= ALGEBRA)
    if not height > ALGEBRA:
        known = Reading(f"J(0) = {value:.12g}", None, note="this start is a solution itself")
    found = [verdict(claim, result, f"{name}, measured", [known])]
    lows = [point.alpha for point in extrema(result, 0) if point.is_minimum]
    claim = Claim(
        "10b",
        f"The solution is the only minimum on [{first:g}, {last:g}]",
        "Fig. 10 right",
        f"1 minimum, at 1 +- {END:g}",
    )
    text = f"{counted(len(lows), 'minimum')} at {', '.join(f'{a:.9g}' for a in lows)}" if lows else "no minimum"
    holds = len(lows) == 1 and abs(lows[0] - 1) <= END
    listed = Reading(text, holds)
    if not knows_extrema(result, 0):
        listed = Reading("the extrema are not known", None, note="no law gave them")
    found.append(verdict(claim, result, f"{name}, exact", [listed]))
    step = float(np.prod(end - start))
    second = (start.prod() - 1) / step if step else np.inf  # the other root of p = 1 on the line
    claim = Claim(
        "10b-second",
        "The line meets the solutions again, but outside the figure",
        "Fig. 10 right",
        f"α' outside [{first:g}, {last:g}]",
        identity=True,
    )
    readings = [Reading(f"α' = {second:.6g}", bool(not first <= second <= last))]
    if not np.isfinite(second) or abs(second - 1) <= END:
        readings = [Reading("the line meets the solutions once", None, note="there is no second meeting to place")]
    found.append(verdict(claim, result, f"{name}, algebra", readings))
    claim = Claim("10b-proof", "J falls all the way to the solution, proven", "Fig. 10 right", "proven on [0, 1]")
    return found + falls_proven(claim, result, f"{name}, exact")


def _from_random(result: Result, name: str) -> list[Verdict]:
    """The caption's sentence on every line, and the shares of lines against their exact values."""
    seen = result.curves.get(SEEN)
    if seen is None or EXACT not in result.curves:
        return []
    columns, left_out = usable(result)
    about, num = f"{name}, exact", len(columns)
    untold = next((reading for s in columns if (reading := at_solution(result, s)) is not None), None)
    alone = sum(not _others(result, s) for s in columns)
    claim = Claim(
        "10c",
        "From a random start of large norm the solution is the only minimum",
        "Fig. 10 right",
        "no other minimum on (0, 1), in any line",
    )
    reading = untold or Reading(f"no other minimum on {alone} of {num} lines", alone == num)
    lacks = "" if num else "no usable line"
    if num and not all(knows_extrema(result, s) for s in columns):
        lacks = "the extrema of some lines are not known"
    if lacks:
        reading = Reading(lacks, None, note="there is no line of which this could be said")
    note = "the other lines cross the solutions twice: the caption holds for some starts only"
    note = "" if untold or lacks else note
    found = [verdict(claim, result, about, [reading], "; ".join(filter(None, (note, left_out))))]
    model, sigma = result.config.get("model") or {}, _sigma(result)
    if (model.get("depth"), model.get("width")) != (2, 1) or not sigma or lacks:
        return found
    proven_falls, tops = (values(result, key) for key in ("proven_decreasing", "proven_num_maxima"))
    falls = [s for s in columns if _kind(result, s) == "falls only"]
    why = "exact for starts N(0, σ² I) and the ends (1, 1) or (-1, -1), which each solution misses by its start squared"
    sentence = f"P(no second minimum) for N(0, {sigma:g}²) starts"
    shares = [("10c-share", sentence, alone, share_without_second_minimum(sigma), "", why)]
    if len(tops) == seen.objective.shape[1]:
        # The stored solution misses w_1 w_2 = 1 by a rounding; where it lies beyond, J has its zero a rounding before.
        falls = [s for s in columns if _kind(result, s) == "falls only" and tops[s] == 0]
        whole = sum(bool(proven_falls[s] == 1) for s in falls)
        why = (
            f"proven: no maximum on (0, 1), and the exact minimum lies within {END:g} of 1; the stored solution "
            "misses w1 w2 = 1 by a rounding, and where it lies beyond, J rises over the last rounding"
        )
        text = f"; of these proven on all of [0, 1]: {whole}"
        sentence = sentence.replace("no second minimum", "J falls to the solution, proven")
        shares.append(("10c-decreasing", sentence, len(falls), share_decreasing(sigma), text, why))
    for check, sentence, count, exact, extra, why in shares:
        low, high = wilson(count, num)
        z = (count - num * exact) / float(np.sqrt(num * exact * (1 - exact)))
        text = f"{count} of {num} = {count / num:.3f}, 95 % in [{low:.3f}, {high:.3f}], z = {z:.2f}{extra}"
        few = f"{num} lines are too few" if num < FEWEST else ""
        reading = untold or Reading(text, None if few else abs(z) <= 3, abs(z), note=few)
        claim = Claim(check, f"{sentence} is {exact:.4f}", "theory A1", "|z| <= 3", identity=True)
        found.append(verdict(claim, result, about, [reading], "" if untold else why))
    return found
