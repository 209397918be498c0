"""Figure 11: random walks seen from their own point at step 900, beside their exact law and its limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, panel, style
from landscape.figure.checks import Check, Claim, Evidence, joined
from landscape.figure.decided import within_error
from landscape.figure.reading import Reading
from landscape.result.curve import Array, Projection, random_walk_bands, random_walk_limit, thales_defect
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

COVERAGE = 0.9
ARRIVED = 1e-3  # of L: what float32 leaves of a walk at its own start and at its own point
NUM_ERRORS = 3  # standard errors by which two means must differ to be told apart
CROSSES = (0.25, 0.5, 0.75)  # of the way to the solution, and the last step
HIGH, LOW = 10_000, 10  # dimensions from which 11b, and up to which 11c speaks
SMOKE_NOTE = "smoke scale caps the dimension"


class Walk(NamedTuple):
    """The walks of one job in units of each one's L: x, r [T, S]; the solution's step, the seeds kept."""

    dimension: int
    x: Array
    r: Array
    solution_step: int
    seeds: tuple[str, ...]

    @property
    def tau(self) -> Array:
        """Steps over the solution's step [T]."""
        return np.arange(len(self.x)) / self.solution_step

    @property
    def num_steps(self) -> int:
        """Steps walked."""
        return len(self.x) - 1

    def deviation(self) -> Array:
        """Each walk's largest distance from the limit at the same step [S]."""
        tau = self.tau[:, None]
        limit = np.sqrt(np.where(tau <= 1, tau * (1 - tau), tau - 1))
        return np.asarray(np.hypot(self.x - np.minimum(tau, 1), self.r - limit).max(axis=0))

    def top(self) -> Array:
        """Each walk's largest residual up to the solution [S]."""
        return np.asarray(self.r[: self.solution_step + 1].max(axis=0))


def walk(result: Result) -> Walk | None:
    """The walks of a job, None if it holds none."""
    found: Projection | None = result.projections.get("walk")
    if found is None:
        return None
    columns, _ = result.usable(found.projection)
    columns = [s for s in columns if _arrives(found, s)]
    if not columns:
        return None
    names, length = result.seed_names(found.projection.shape[1]), found.length[columns]
    dimension = int((result.config.get("measurement") or {})["dimension"])
    step = int(found.best_epoch[0])
    x, r = (values[:, columns] / length for values in (found.projection, found.residual_norm))
    return Walk(dimension, x, r, step, tuple(names[s] for s in columns))


def _arrives(found: Projection, s: int) -> bool:
    """Whether a column begins at its start, leaves it, and is at its own point, (L, 0), at that point's step."""
    length, step = float(found.length[s]), int(found.best_epoch[0])
    if not length > 0 or not 0 < step < len(found.projection):
        return False
    x, r = found.projection[:, s] / length, found.residual_norm[:, s] / length
    ends = np.hypot(x[0], r[0]), np.hypot(x[step] - 1, r[step])
    return bool(np.isfinite(r).all() and max(ends) <= ARRIVED)


def distinct(results: Sequence[Result]) -> list[tuple[Result, Walk]]:
    """Jobs with walks by dimension; of jobs that a cap made the same, the first."""
    kept: dict[tuple[Any, ...], tuple[Result, Walk]] = {}
    for result in results:
        if (found := walk(result)) is not None and found.seeds:
            key = (found.dimension, found.solution_step, found.num_steps, found.seeds)
            kept.setdefault(key, (result, found))
    return sorted(kept.values(), key=lambda pair: pair[1].dimension)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """A panel per dimension: the walks, where nine in ten lie by theory, and the limit, which is also the mean."""
    jobs = distinct(results)
    columns = min(3, max(1, len(jobs)))
    rows = math.ceil(len(jobs) / columns) or 1
    figure, flat = style.panels(len(jobs), columns, 3.2 * columns + 2.6, 1.9 * rows + 1.4)
    for k, ((_, found), axes) in enumerate(zip(jobs, flat, strict=False)):
        _draw(axes, found)
        axes.set_xlabel("x / L" if k + columns >= len(jobs) else "")
        axes.set_ylabel("r / L" if k % columns == 0 else "")
    if not jobs:
        panel.close(flat[0], panel.Drawn())
    style.legend_outside(figure)
    step = jobs[0][1].solution_step if jobs else 900
    notes = [
        f"x: projection on the line from the start to step {step}, r: residual, both in units of its length L",
        "the limit of many dimensions is also the mean in every dimension; in two the variance of both is infinite",
    ]
    title, shown = "Fig. 11: random walks, in units of L", ["measurement.dimension"]
    return caption.finish(figure, results, title, notes, judge(results), shown)


def _draw(axes: Axes, found: Walk) -> None:
    end, seeds = found.solution_step, found.x.shape[1]
    bands = random_walk_bands(found.dimension, COVERAGE, end, found.num_steps)
    shade: dict[str, Any] = {"color": style.AMBER, "alpha": 0.35, "linewidth": 0, "zorder": 1}
    middle, low, high = (values[: end + 1] for values in (bands.x_mid, bands.r_low, bands.r_high))
    axes.fill_between(middle, low, high, label="law: 90 % of r, drawn at the mean x", **shade)
    thin: dict[str, Any] = {"color": style.BLUE, "linewidth": 0.6, "alpha": 0.75, "zorder": 2}
    for s in range(seeds):
        axes.plot(found.x[:, s], found.r[:, s], label=f"walks, {seeds} seeds", **thin)
    x, r = random_walk_limit(solution_step=end, num_steps=found.num_steps)
    axes.plot(x, r, color=style.BLACK, linewidth=1.1, zorder=3, label="mean of the law, and limit")
    steps = [*(round(part * end) for part in CROSSES), *([found.num_steps] if found.num_steps > end else [])]
    rows = _apart(steps, bands)
    points: dict[str, Any] = {"linestyle": "none", "color": style.ORANGE, "linewidth": 1.0, "capsize": 1.5, "zorder": 4}
    mid = (bands.x_mid[rows], bands.r_mid[rows])
    spans = [
        np.stack([m - low[rows], high[rows] - m])
        for m, low, high in ((mid[0], bands.x_low, bands.x_high), (mid[1], bands.r_low, bands.r_high))
    ]
    label = f"law: median and 90 % of x and of r at steps {', '.join(map(str, steps))}, or those of them that lie apart"
    axes.errorbar(*mid, xerr=spans[0], yerr=spans[1], label=style.wrapped(label, 38), **points)
    # As wide as walks and bands need, and twice as wide as high, so that all half circles are centred alike.
    wide = (np.abs(found.x - 0.5), found.r, np.abs(bands.x_low[rows] - 0.5), bands.x_high[rows] - 0.5, bands.r_high)
    reach = 1.05 * max(0.62, *(float(values.max()) for values in wide))
    axes.set(xlim=(0.5 - reach, 0.5 + reach), ylim=(0, reach), aspect="equal")
    axes.set_title(f"{found.dimension:,} dimensions")


def _apart(steps: Sequence[int], bands: Any) -> list[int]:
    """The steps whose intervals of x do not overlap, the one in the middle of the way first, as crosses to read."""
    kept: list[int] = []
    for step in sorted(steps, key=lambda step: abs(step - steps[len(CROSSES) // 2])):
        if all(bands.x_high[step] < bands.x_low[k] or bands.x_low[step] > bands.x_high[k] for k in kept):
            kept.append(step)
    return sorted(kept)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """11a to 11c, the law over all jobs, and each job's Thales defect, which is reported."""
    jobs = distinct(results)
    if not jobs:
        return []
    evidence = [Evidence(result, f"{one.dimension:,} dimensions", [one]) for result, one in jobs]
    found = [limit_of(e).of(_each(e, Walk.deviation)) for e in evidence if e.seeds[0].dimension >= 100]
    found.append(SHRINKS.said(jobs[0][0], "all dimensions", [_shrinks(jobs)]))
    for e in evidence:
        if e.seeds[0].dimension >= HIGH:
            found += [TOP.of(_each(e, Walk.top)), end_of(e).of(_each(e, lambda one: one.r[-1]))]
        if e.seeds[0].dimension <= LOW:
            found.append(IRREGULAR.of(_each(e, Walk.deviation)))
    return [*found, _law(jobs), *(THALES.of(e) for e in evidence)]


def _each(evidence: Evidence[Walk], number: Callable[[Walk], Array]) -> Evidence[float]:
    """A number of each walk of a job."""
    return replace(evidence, seeds=number(evidence.seeds[0]).tolist())  # type: ignore[return-value]


def limit_of(evidence: Evidence[Walk]) -> Check[float]:
    """11a: each walk's largest distance from the limit at the same step."""
    most = 2 / math.sqrt(evidence.seeds[0].dimension)
    return Claim(
        "11a",
        "In many dimensions the walk is a half circle and a vertical line",
        "Fig. 11",
        f"<= 2/sqrt(D) = {most:.3g} L off",
    ).by(
        lambda v: Reading(f"{v:.4f} L off the limit", v <= most, v), note="largest distance of (x, r) at the same step"
    )


def end_of(evidence: Evidence[Walk]) -> Check[float]:
    """11b: the length of the vertical line."""
    one = evidence.seeds[0]
    end = math.sqrt(float(one.tau[-1]) - 1)
    return Claim("11b-end", f"The vertical line ends at {end:.3f} L", "Fig. 11", f"r/L = {end:.3f} +- 0.015").by(
        lambda v: Reading(f"r/L = {v:.4f} at step {one.num_steps}", abs(v - end) <= 0.015, abs(v - end))
    )


def _shrinks(jobs: Sequence[tuple[Result, Walk]]) -> Reading:
    """The mean over seeds of each dimension's deviation, which must fall from one dimension to the next."""
    each: dict[int, list[float]] = {}
    for _, one in jobs:
        each.setdefault(one.dimension, []).extend(one.deviation().tolist())
    values = np.array([np.mean(v) for v in each.values()])
    errors = np.array([np.std(v, ddof=1) / math.sqrt(len(v)) if len(v) > 1 else 0.0 for v in each.values()])
    words = zip(each, values, errors, strict=True)
    text = ", ".join(f"{v:.2g}{f' ± {error:.1g}' if error else ''} ({d:,})" for d, v, error in words)
    smoke = any(result.scale == "smoke" for result, _ in jobs)
    note = SMOKE_NOTE if smoke else "one dimension shows no trend" if len(values) < 2 else ""
    steps, resolved = np.diff(values), NUM_ERRORS * np.hypot(errors[1:], errors[:-1])
    holds = None if note else bool((steps < 0).all())
    if holds is not None and (np.abs(steps) <= resolved).any() and (steps < resolved).all():
        holds, note = None, f"too close to call: two means differ by less than {NUM_ERRORS} of their standard errors"
    return Reading(f"{text} L off", holds, note=note)


def _law(jobs: Sequence[tuple[Result, Walk]]) -> Verdict:
    """How many readings of x and r, at one step before and one after the solution, lie in their 90 % intervals."""
    inside = num = 0
    for _, one in jobs:
        bands = random_walk_bands(one.dimension, COVERAGE, one.solution_step, one.num_steps)
        for step in (one.solution_step // 2, one.num_steps):
            if step == one.solution_step:
                continue  # there the law is a point
            for seen, low, high in ((one.x, bands.x_low, bands.x_high), (one.r, bands.r_low, bands.r_high)):
                inside += int(((low[step] <= seen[step]) & (seen[step] <= high[step])).sum())
                num += seen.shape[1]
    z = (inside - COVERAGE * num) / math.sqrt(num * COVERAGE * (1 - COVERAGE))
    steps = f"{jobs[0][1].solution_step // 2} and {jobs[0][1].num_steps}"
    reading = Reading(f"{inside} of {num} = {inside / num:.3f} inside, z = {z:.2f}", None if num < 20 else abs(z) <= 3)
    note = f"x and r of every seed and dimension at steps {steps}; a walk's own four readings share its L"
    few = f"{num} readings are too few" if num < 20 else ""
    return LAW.said(jobs[0][0], "all dimensions", [reading], joined(note, few))


def _between(one: Walk) -> slice:
    return slice(1, one.solution_step)


def _thales(one: Walk) -> Reading:
    """The mean over steps and seeds of x(1 - x) - r²."""
    per_seed = thales_defect(one.x[_between(one)], one.r[_between(one)]).mean(axis=0)
    error = f" +- {per_seed.std(ddof=1) / math.sqrt(len(per_seed)):.1g}" if len(per_seed) > 1 else ""
    return Reading(f"mean {per_seed.mean():.2g}{error}", None, note="reported: mean over seeds and its error")


def _thales_law(evidence: Evidence[Walk]) -> str:
    one = evidence.seeds[0]
    if one.dimension <= 2:
        return "reported, law: no finite mean"
    tau = one.tau[_between(one)]
    return f"reported, law: {-2 * float(np.mean(tau * (1 - tau))) / (one.dimension - 2):.2g}"


TOP: Check[float] = Claim("11b-top", "The half circle is half as high as L", "Fig. 11", "max r/L = 0.500 +- 0.020").by(
    lambda v: Reading(f"max r/L = {v:.4f}", abs(v - 0.5) <= 0.02, abs(v - 0.5))
)
IRREGULAR: Check[float] = Claim("11c", "In few dimensions the walk is irregular", "Fig. 11", "distance > 0.1 L").by(
    lambda v: Reading(f"{v:.3f} L off the limit", v > 0.1, -v)
)
SHRINKS = Claim("11a-shrinks", "The more dimensions, the closer to the limit", "Fig. 11", "mean falls with D")
LAW = Claim(
    "11-law",
    "The walks follow the exact law: 90 % of their points lie in its 90 % intervals",
    "theory C2",
    "|z| <= 3 of a binomial",
    identity=True,
)
THALES = Claim(
    "11-thales", "Thales defect x(L - x)/L² - r²/L², mean over the steps to the solution", "theory C6", _thales_law
).by(_thales)
