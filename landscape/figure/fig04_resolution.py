"""Figure 4: the line of a ReLU network without dropout at high resolution, training cost only, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style, sweep
from landscape.figure.claims import largest_bend, too_few_to_bend
from landscape.figure.noise import weighed_rise
from landscape.figure.present import least_difference, no_drop, no_way_down
from landscape.figure.reading import Claim, Reading, counted, over_columns
from landscape.result.curve import Array, Curve, curvature_changes, largest_rise, num_rises, spline_deviation, value_at
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SLACK = 1e-9  # nats: what float64 sums over the split leave behind; checks 4a and 4c
FEWEST = 31  # samples: a cubic spline through every tenth needs four knots; check 4d
Part = tuple[Result, str, Curve]


def part_of(curve: Curve) -> str:
    """Which part of the line a grid samples: ``a`` all of it, ``c`` its start, ``d`` its end; else nothing."""
    if not len(curve.alphas):
        return ""
    first, last = float(curve.alphas[0]), float(curve.alphas[-1])
    if first <= 0 and last >= 1:
        return "a"
    return "c" if first <= 0 and last <= 0.1 else "d" if first >= 0.9 and last >= 1 else ""


def parts(results: Sequence[Result]) -> dict[str, list[Part]]:
    """The training curves by part of the line, each with its job and the job's name."""
    found: dict[str, list[Part]] = {"a": [], "c": [], "d": []}
    for result, name in zip(results, naming.names(results), strict=True):
        curve = panel.primary(result, "train")
        if curve is not None and (part := part_of(curve)):
            found[part].append((result, name, curve))
    return found


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """(a) the whole line, (b) the same close to J(1), (c) the start, (d) the end; a part not sampled has no panel."""
    found = parts(results)
    titles = {
        "a": "(a) from start to solution",
        "b": "(b) the same, lowest 5 % of the drop",
        "c": "(c) close to the start",
        "d": "(d) close to the solution",
    }
    shown = [key for key in titles if found["a" if key == "b" else key]]
    if not shown:  # positions of the user's own: still worth a drawing
        return sweep.draw(results)
    columns = 2 if len(shown) > 1 else 1
    figure, grid = style.new(math.ceil(len(shown) / columns), columns, width=4.8 if columns == 1 else 0)
    flat, notes = [axes for row in grid for axes in row], panel.Drawn()
    for key, axes in zip(shown, flat, strict=False):
        jobs = found["a" if key == "b" else key]
        drawn = panel.draw_jobs(axes, [job[0] for job in jobs], [job[1] for job in jobs])
        title = titles[key] if key == "b" else f"{titles[key]}, {len(jobs[0][2].alphas)} points"
        panel.label_line(axes, title, drawn, drawn.legend_title is not None or len(jobs) > 1)
        if key == "b":
            _zoom(axes, jobs)
        notes += drawn
    for axes in flat[len(shown) :]:
        axes.remove()
    dtypes = dict.fromkeys(job[2].dtype for jobs in found.values() for job in jobs)
    title = f"Fig. 4: high resolution, training cost in {' and '.join(dtypes)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes.notes, verdicts=judge(results))


def _zoom(axes: Axes, jobs: Sequence[Part]) -> None:
    """Limit y to [J(1), J(1) + 0.05 drop] of all jobs, a little lower so that the lowest point shows."""
    lows, highs = [], []
    for result, _, curve in jobs:
        for s in result.usable(curve.objective)[0]:
            a, v = curve.alphas, curve.objective[:, s]
            start, end = value_at(a, v, 0.0), value_at(a, v, 1.0)
            lows.append(min(end, float(v.min())))
            highs.append(end + 0.05 * abs(start - end))
    if lows and max(highs) > min(lows):
        axes.set_ylim(min(lows) - 0.03 * (max(highs) - min(lows)), max(highs))


def judge(results: Sequence[Result]) -> list[Verdict]:
    """4a to 4d; 4c needs the drop of the whole line, so it is judged only where J(0) and J(1) were both sampled."""
    found = parts(results)
    verdicts = [_never_rises(*part) for part in found["a"]] + [_falls_at_once(*part) for part in found["c"]]
    for part in found["d"]:
        source = next((job for job in found["a"] if _same_line(job[0], part[0])), None)
        if source is not None:
            verdicts.append(_one_curvature(*part, source[2]))
    return verdicts + [_smooth(*part) for key in ("a", "c", "d") for part in found[key]]


def _same_line(one: Result, other: Result) -> bool:
    """Whether two jobs sample the same line: all they were told is the same but for the positions."""

    def told(result: Result) -> tuple[dict[str, str], set[str], list[str]]:
        choices = {key: choice for key, choice in result.choices.items() if key != "alphas"}
        return (
            choices,
            {item for item in naming.plain_overrides(result) if not item.startswith("alphas")},
            result.seeds,
        )

    return told(one) == told(other)


def _judge(claim: Claim, part: Part, read: Callable[[Array, Array, int], Reading], double: bool = True) -> Verdict:
    """One verdict over the seeds of a part; a curve measured in float32 is not judged where slack needs float64."""
    result, name, curve = part
    rough = double and curve.dtype != "float64"

    def column(s: int) -> Reading:
        reading = read(curve.alphas, curve.objective[:, s], s)
        if rough:
            return Reading(
                reading.measured, None, reading.badness, None, "float32 rounding exceeds the slack; needs float64"
            )
        return reading

    about = f"{name}, [{curve.alphas[0]:g}, {curve.alphas[-1]:g}]"
    return over_columns(claim, result, curve, about, column)


def _no_fall(fall: float) -> Reading | None:
    """For a drop that is smaller than a rise that would be overlooked: a reading that cannot tell."""
    if fall > SLACK:
        return None
    return Reading(f"no drop above {SLACK:g}: {fall:.2g} nats", None, note="without a drop there is nothing to judge")


def _never_rises(result: Result, name: str, curve: Curve) -> Verdict:
    claim = Claim("4a", "J never rises between neighbours on the whole line", "Fig. 4a", "0 rises above 1e-9 nats")

    def read(a: Array, v: Array, s: int) -> Reading:
        if (failed := no_way_down(curve, s) or _no_fall(value_at(a, v, 0.0) - value_at(a, v, 1.0))) is not None:
            return failed
        v = v[(a >= 0) & (a <= 1)]
        if len(v) < 2:
            return Reading(counted(len(v), "sample"), None, note="a step needs two")
        num = num_rises(v, SLACK)
        text = f"{counted(num, 'rise')} in {len(v) - 1} steps, largest step {np.diff(v).max():.2g} nats"
        return weighed_rise(Reading(text, num == 0, num), curve, s)

    return _judge(claim, (result, name, curve), read)


def _falls_at_once(result: Result, name: str, curve: Curve) -> Verdict:
    claim = Claim(
        "4b", "No barrier where the symmetry breaks: J falls from the very start", "Fig. 4c", "every step < 0"
    )

    def read(a: Array, v: Array, s: int) -> Reading:
        steps, noise = np.diff(v[a >= 0]), least_difference(curve, s, 0.0, float(a[-1]))
        if not len(steps) or abs(v[a >= 0][0] - v[-1]) <= noise:
            why = "without a change of J there is nothing to judge"
            return Reading(f"{counted(len(steps), 'step')}, none beyond the noise of {noise:.2g} nats", None, note=why)
        worst = float(steps.max())
        text = f"{int((steps < 0).sum())} of {len(steps)} steps fall, largest step {worst:.2g} nats"
        return Reading(text, worst < 0, worst)

    return _judge(claim, (result, name, curve), read)


def _one_curvature(result: Result, name: str, curve: Curve, whole: Curve) -> Verdict:
    claim = Claim(
        "4c",
        "No structure near the solution: J bends one way only and does not rise",
        "Fig. 4d",
        "second differences of one sign up to 1e-9, rise <= 1e-4 of the drop",
    )

    def read(a: Array, v: Array, s: int) -> Reading:
        w = whole.objective[:, s]
        fall = value_at(whole.alphas, w, 0.0) - value_at(whole.alphas, w, 1.0)
        if (failed := no_drop(whole, s) or _no_fall(fall)) is not None:
            return failed
        if (few := too_few_to_bend(a)) is not None:
            return few
        rise, inside = largest_rise(a, v, first=float(a[0]), last=1.0) / fall, a[a <= 1]
        if rise <= 1e-4 and not largest_bend(inside, v[a <= 1]) >= SLACK:
            why = "without a bend there is no structure to look for; more distant samples would show one"
            return Reading(f"no bend above {SLACK:g} between {counted(len(inside), 'sample')}", None, note=why)
        num = len(curvature_changes(a, v, SLACK, first=float(a[0]), last=1.0))
        text = f"{counted(num, 'change')} of sign, rise {rise:.2g} of the drop"
        return Reading(text, num == 0 and rise <= 1e-4, rise + num)

    return _judge(claim, (result, name, curve), read)


def _smooth(result: Result, name: str, curve: Curve) -> Verdict:
    claim = Claim("4d", "J is smooth at this resolution", "Fig. 4", "<= 0.005 of its range from a coarse spline")

    def read(a: Array, v: Array, s: int) -> Reading:
        if len(a) < FEWEST:
            why = f"a cubic spline through every tenth sample needs {FEWEST}"
            return Reading(f"{counted(len(a), 'sample')}", None, note=why)
        if not np.ptp(v) > (noise := least_difference(curve, s, float(a[0]), float(a[-1]))):
            text = f"a range of {np.ptp(v):.2g} nats, within the noise of {noise:.2g}"
            return Reading(text, None, note="J does not change here")
        deviation = spline_deviation(a, v)
        return Reading(f"{deviation:.2g} of its range", deviation <= 0.005, deviation)

    return _judge(claim, (result, name, curve), read, double=False)
