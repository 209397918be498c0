"""Figure 4: the line of a ReLU network without dropout at high resolution, training cost only, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Check, Claim, on_curve
from landscape.figure.claims import largest_bend
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, counted, primary
from landscape.figure.sweep import draw as draw_sweep
from landscape.figure.sweep.copies import joined
from landscape.result.curve import Curve, curvature_changes, largest_rise, num_rises, spline_deviation, value_at
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
        curve = primary(result, "train")
        if curve is not None and (part := part_of(curve)):
            found[part].append((result, name, curve))
    return found


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """(a) the whole line, (b) the same close to J(1), (c) the start, (d) the end; a part not sampled has no panel."""
    results = joined(results)
    found = parts(results)
    titles = {
        "a": "(a) from start to solution",
        "b": "(b) the same, lowest 5 % of the drop",
        "c": "(c) close to the start",
        "d": "(d) close to the solution",
    }
    shown = [key for key in titles if found["a" if key == "b" else key]]
    if not shown:  # positions of the user's own: still worth a drawing
        return draw_sweep(results)
    columns = 2 if len(shown) > 1 else 1
    figure, flat = style.panels(len(shown), columns, width=4.8 if columns == 1 else 0)
    notes = panel.Drawn()
    for key, axes in zip(shown, flat, strict=True):
        jobs = found["a" if key == "b" else key]
        drawn = panel.draw_jobs(axes, [job[0] for job in jobs], [job[1] for job in jobs])
        title = titles[key] if key == "b" else f"{titles[key]}, {len(jobs[0][2].alphas)} points"
        panel.label_line(axes, title, drawn, drawn.legend_title is not None or len(jobs) > 1)
        if key == "b":
            _zoom(axes, jobs)
        notes += drawn
    dtypes = dict.fromkeys(job[2].dtype for jobs in found.values() for job in jobs)
    title = f"Fig. 4: high resolution, training cost in {' and '.join(dtypes)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes.notes, verdicts=judge(results))


def _zoom(axes: Axes, jobs: Sequence[Part]) -> None:
    """Limit y to [J(1), J(1) + 0.05 drop] of all jobs, a little lower so that the lowest point shows, and x to where
    some line is as low."""
    lows, highs, first, last = [], [], 1.0, 1.0
    for result, _, curve in jobs:
        for s in result.usable(curve.objective)[0]:
            a, v = curve.alphas, curve.objective[:, s]
            start, end = value_at(a, v, 0.0), value_at(a, v, 1.0)
            lows.append(min(end, float(v.min())))
            highs.append(end + 0.05 * abs(start - end))
            near = a[v <= highs[-1]]
            first, last = min(first, *near), max(last, *near)
    if lows and max(highs) > min(lows):
        axes.set_ylim(min(lows) - 0.03 * (max(highs) - min(lows)), max(highs))
    if last > first:
        axes.set_xlim(first - 0.05 * (last - first), last + 0.05 * (last - first))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """4a to 4d; 4c needs the drop of the whole line, so it is judged only where J(0) and J(1) were both sampled."""
    found = parts(joined(results))
    verdicts = [_judged(NEVER_RISES, *part) for part in found["a"]] + [_judged(FALLS, *part) for part in found["c"]]
    for part in found["d"]:
        source = next((curve for job, _, curve in found["a"] if naming.same_line(job, part[0], "alphas")), None)
        if source is not None:
            verdicts.append(_judged(one_curvature(source), *part))
    return verdicts + [_judged(SMOOTH, *part) for key in ("a", "c", "d") for part in found[key]]


def _judged(check: Check[Column], result: Result, name: str, curve: Curve) -> Verdict:
    part = f"[{curve.alphas[0]:g}, {curve.alphas[-1]:g}]"
    return check.of(on_curve(result, curve, f"{name}, {part}, {curve.split}, {curve.mode}"))


def _in_float64(read: Callable[[Column], Reading]) -> Callable[[Column], Reading]:
    """A reading that a curve measured in float32 leaves open: its slack needs float64."""

    def judged(seed: Column) -> Reading:
        reading = read(seed)
        if seed.curve.dtype == "float64":
            return reading
        why = "float32 rounding exceeds the slack; needs float64"
        return Reading(reading.measured, None, reading.badness, None, why)

    return judged


def _no_fall(fall: float) -> Reading | None:
    """For a drop that is smaller than a rise that would be overlooked: a reading that cannot tell."""
    if fall > SLACK:
        return None
    return Reading(f"no drop above {SLACK:g}: {fall:.2g} nats", None, note="without a drop there is nothing to judge")


def _steps_up(seed: Column) -> Reading:
    if (failed := seed.no_way_down() or _no_fall(seed.fall)) is not None:
        return failed
    v = seed.values[(seed.alphas >= 0) & (seed.alphas <= 1)]
    if len(v) < 2:
        return Reading(counted(len(v), "sample"), None, note="a step needs two")
    num = num_rises(v, SLACK)
    text = f"{counted(num, 'rise')} in {len(v) - 1} steps, largest step {np.diff(v).max():.2g} nats"
    return seed.weighed_rise(Reading(text, num == 0, num))


def _steps_down(seed: Column) -> Reading:
    v = seed.values[seed.alphas >= 0]
    steps, noise = np.diff(v), seed.least_difference(0.0, float(seed.alphas[-1]))
    if not len(steps) or abs(v[0] - v[-1]) <= noise:
        why = "without a change of J there is nothing to judge"
        return Reading(f"{counted(len(steps), 'step')}, none beyond the noise of {noise:.2g} nats", None, note=why)
    worst = float(steps.max())
    text = f"{int((steps < 0).sum())} of {len(steps)} steps fall, largest step {worst:.2g} nats"
    return Reading(text, worst < 0, worst)


def one_curvature(whole: Curve) -> Check[Column]:
    """4c, in units of the drop of the whole line."""

    def read(seed: Column) -> Reading:
        (a, v), line = seed.line, Column(seed.result, whole, seed.s)
        if (failed := line.no_drop() or _no_fall(line.fall) or seed.too_few_to_bend()) is not None:
            return failed
        rise, inside = largest_rise(a, v, first=float(a[0]), last=1.0) / line.fall, a[a <= 1]
        if rise <= 1e-4 and not largest_bend(inside, v[a <= 1]) >= SLACK:
            why = "without a bend there is no structure to look for; more distant samples would show one"
            return Reading(f"no bend above {SLACK:g} between {counted(len(inside), 'sample')}", None, note=why)
        num = len(curvature_changes(a, v, SLACK, first=float(a[0]), last=1.0))
        text = f"{counted(num, 'change')} of sign, rise {rise:.2g} of the drop"
        return Reading(text, num == 0 and rise <= 1e-4, rise + num)

    return Claim(
        "4c",
        "No structure near the solution: J bends one way only and does not rise",
        "Fig. 4d",
        "second differences of one sign up to 1e-9, rise <= 1e-4 of the drop",
    ).by(_in_float64(read))


def _deviation(seed: Column) -> Reading:
    a, v = seed.line
    if len(a) < FEWEST:
        why = f"a cubic spline through every tenth sample needs {FEWEST}"
        return Reading(counted(len(a), "sample"), None, note=why)
    if not np.ptp(v) > (noise := seed.least_difference(float(a[0]), float(a[-1]))):
        text = f"a range of {np.ptp(v):.2g} nats, within the noise of {noise:.2g}"
        return Reading(text, None, note="J does not change here")
    deviation = spline_deviation(a, v)
    return Reading(f"{deviation:.2g} of its range", deviation <= 0.005, deviation)


NEVER_RISES = Claim(
    "4a", "J never rises between neighbours on the whole line", "Fig. 4a", "0 rises above 1e-9 nats"
).by(_in_float64(_steps_up))
FALLS = Claim(
    "4b", "No barrier where the symmetry breaks: J falls from the very start", "Fig. 4c", "every step < 0"
).by(_in_float64(_steps_down))
SMOOTH = Claim("4d", "J is smooth at this resolution", "Fig. 4", "<= 0.005 of its range from a coarse spline").by(
    _deviation
)
