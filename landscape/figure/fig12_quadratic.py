"""Figure 12: how learning rate and momentum bend the way down a convex quadratic, run and in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, panel, style
from landscape.figure.reading import Claim, Reading, counted, verdict
from landscape.result.curve import Array, Projection, local_maxima, random_walk_limit, thales_defect
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

# (lr, momentum) -> largest r/R and the x/R it is reached at; section 2 of the reproduction notes, figure 12.
TABLE = {
    (0.1, 0.0): (0.337, 0.53),
    (1.0, 0.0): (0.347, 0.52),
    (1.9, 0.0): (0.474, 0.41),
    (0.1, 0.9): (0.526, 0.66),
    (0.5, 0.9): (0.613, 0.78),
    (0.1, 0.99): (0.670, 0.86),
}
NOTES = "reproduction notes, figure 12"
CLOSE, WITHIN = 1e-10, 0.02  # of R; of the table's value
ROUNDED = 0.005  # half a digit of the table's x/R
WIGGLE = 0.02  # of R: a smaller rise of the residual is no maximum
SMOKE_NOTE = "the threshold is meant for 100,000 dimensions"
OVERSHOOT = "ε h_max > 1: the steepest coordinates overshoot at every step, and the residual jumps with them"


class Setting(NamedTuple):
    """What one job ran with: learning rate, momentum, gradient noise, least and largest curvature, another method."""

    lr: float
    momentum: float
    noise: float
    low: float
    high: float
    method: str

    @property
    def label(self) -> str:
        """``ε = 0.1, μ = 0.9``, and what else there is to say."""
        noise = f", noise {self.noise:g}" if self.noise else ""
        return f"{self.method}{', ' if self.method else ''}ε = {self.lr:g}, μ = {self.momentum:g}{noise}"

    @property
    def listed(self) -> tuple[float, float] | None:
        """Its row of the table, which holds for one spectrum and one method."""
        known = not self.noise and not self.method and (self.low, self.high) == (0.01, 1.0)
        return TABLE.get((self.lr, self.momentum)) if known else None

    @property
    def plain(self) -> bool:
        """Noise-free gradient descent on which no coordinate overshoots."""
        return not self.noise and not self.method and not self.momentum and self.lr * self.high <= 1


def setting(result: Result) -> Setting:
    """Read off the config."""
    steps, run, model = (result.config.get(key) or {} for key in ("optimizer", "measurement", "model"))
    method = str(steps.get("_target_", "")).rpartition(".")[2]
    extras = [steps.get(key) for key in ("nesterov", "dampening", "weight_decay")]
    same = method in ("Momentum", "SGD") and not any(extras)
    return Setting(
        float(steps.get("lr") or 0),
        float(steps.get("momentum") or 0),
        float(run.get("noise") or 0),
        float(model.get("low") or 0),
        float(model.get("high") or math.inf),
        "" if same else method or "unnamed",
    )


def track(projection: Projection, s: int = 0) -> tuple[Array, Array]:
    """x/R and r/R [T] of one column, without the NaN after its last step."""
    rows, length = np.isfinite(projection.projection[:, s]), projection.length[s]
    return projection.projection[rows, s] / length, projection.residual_norm[rows, s] / length


def ordered(results: Sequence[Result]) -> list[Result]:
    """The jobs that hold a descent, in the order of the table, then by momentum and learning rate."""
    order = list(TABLE)

    def place(result: Result) -> tuple[Any, ...]:
        found = setting(result)
        pair = (found.lr, found.momentum)
        return (order.index(pair) if pair in order else len(order), found.momentum, found.lr, found.noise)

    return sorted((result for result in results if "descent" in result.projections), key=place)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Residual against projection in units of R, a colour per setting, theory as open markers on each run's line."""
    figure, grid = style.new(1, 1, width=8.4, height=4.6)
    axes = grid[0][0]
    jobs = ordered(results)
    x, r = random_walk_limit(solution_step=1, num_steps=1)
    axes.plot(x, r, color=style.FAINT, linewidth=1.0, linestyle=(0, (6, 3)), zorder=1)
    for k, result in enumerate(jobs):
        _draw(axes, result, panel.job_look(k))
    if jobs:
        axes.plot(
            [], [], "o", markerfacecolor="none", color=style.GREY, markersize=4.5, label="exact, at 64 steps or less"
        )
        axes.fill_between([], [], [], color=style.GREY, alpha=0.3, label="random solutions: mean x ± 2 std")
        axes.plot([], [], color=style.FAINT, linewidth=1.0, linestyle=(0, (6, 3)), label="half circle (Thales)")
        axes.plot([1], [0], "*", color=style.BLACK, markersize=11, clip_on=False, zorder=5, label="solution")
    else:
        panel.close(axes, panel.Drawn())
    axes.set(xlabel="projection on the line to the solution, x / R", ylabel="residual, r / R", aspect="equal")
    axes.set_ylim(bottom=0)
    style.legend_outside(figure)
    return caption.finish(figure, results, _title(jobs), _notes(jobs), verdicts=judge(results))


def _title(jobs: Sequence[Result]) -> str:
    sizes = {(job.config.get("model") or {}).get("dimension") for job in jobs}
    size = f" in {sizes.pop():,} dimensions" if len(sizes) == 1 and None not in sizes else ""
    return f"Fig. 12: gradient descent on a convex quadratic{size}"


def _notes(jobs: Sequence[Result]) -> list[str]:
    widest = 0.0
    for job in jobs:
        low, high = (job.projections.get(f"expected_{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            widest = max(widest, float(((high.projection - low.projection) / high.length).max()))
    notes = [f"over random solutions x spreads by up to ±{widest / 2:.2g} R (2 std); the spread of r is not drawn"]
    shades = [setting(job).label for job in jobs if setting(job).noise]
    rms = "with gradient noise the exact points are mean x and root mean square r: " + "; ".join(shades)
    return notes * bool(widest) + [rms] * bool(shades)


def _draw(axes: Axes, result: Result, look: dict[str, Any]) -> None:
    run, theory = result.projections["descent"], result.projections.get("theory")
    label = setting(result).label
    for s in range(run.projection.shape[1]):
        x, r = track(run, s)
        axes.plot(x, r, **{**look, "linewidth": 1.3}, zorder=2, label=label)
    if theory is not None:
        axes.plot(
            *track(theory),
            "o",
            markerfacecolor="none",
            markersize=4.2,
            markeredgewidth=0.8,
            color=look["color"],
            zorder=3,
        )
    low, high = (result.projections.get(f"expected_{end}") for end in ("low", "high"))
    if low is not None and high is not None:
        (left, r), (right, _) = track(low), track(high)
        axes.fill_betweenx(r, left, right, color=look["color"], alpha=0.25, linewidth=0, zorder=1)


def judge(results: Sequence[Result]) -> list[Verdict]:
    """12a to 12d, the run against theory, and on which side of the half circle each run stays."""
    found: list[Verdict] = []
    jobs = ordered(results)
    names = [setting(job).label for job in jobs]
    for k, (job, name) in enumerate(zip(jobs, names, strict=True)):
        found += _judge(job, f"{name} (job {k + 1})" if names.count(name) > 1 else name)
    return found + _order(jobs)


def _tracks(result: Result) -> tuple[list[tuple[Array, Array]], str]:
    run = result.projections["descent"]
    columns, left_out = result.usable(run.projection, ragged=True)
    tracks = {s: track(run, s) for s in columns}
    moved = {s: len(x) > 2 and bool(np.isfinite(r).all()) and float(np.ptp(x)) > CLOSE for s, (x, r) in tracks.items()}
    still = [
        f"seed {result.seed_names(run.projection.shape[1])[s]} left out: it did not move"
        for s in columns
        if not moved[s]
    ]
    return [tracks[s] for s in columns if moved[s]], "; ".join(filter(None, (left_out, *still)))


def _judge(result: Result, name: str) -> list[Verdict]:
    found: list[Verdict] = []
    given, (tracks, left_out) = setting(result), _tracks(result)

    def add(claim: Claim, readings: Sequence[Reading], note: str = "") -> None:
        found.append(verdict(claim, result, name, readings, "; ".join(filter(None, (note, left_out)))))

    listed = given.listed
    if listed is not None:
        for check, what, value, room, expected in (
            ("12a", "The largest residual", listed[0], WITHIN * listed[0], f"{listed[0]:.3f} R +- 2 %"),
            (
                "12a-place",
                "Where the residual is largest",
                listed[1],
                WITHIN * listed[1] + ROUNDED,
                f"{listed[1]:.2f} R +- 2 % (and rounding)",
            ),
        ):
            readings = []
            for x, r in tracks:
                seen = float(r.max()) if check == "12a" else float(x[int(np.argmax(r))])
                text = f"{'r' if check == '12a' else 'x'}/R = {seen:.4f}, {100 * (seen / value - 1):+.1f} %"
                holds, note = abs(seen - value) <= room, SMOKE_NOTE if result.scale == "smoke" else ""
                readings.append(Reading(text, None if note else bool(holds), abs(seen - value), note=note))
            add(
                Claim(
                    check, f"{what} is as the scalar recursion over the spectrum says", NOTES, expected, identity=True
                ),
                readings,
            )
    readings = [
        Reading(
            f"from ({x[0]:.1g}, {r[0]:.1g}) to ({x[-1]:.4f}, {r[-1]:.4f}) R",
            bool(x[0] == 0 and r[0] == 0 and abs(x[-1] - 1) < 0.02 and r[-1] < 0.05),
            abs(x[-1] - 1) + r[-1],
        )
        for x, r in tracks
    ]
    claim = Claim(
        "12b", "The run goes from the start to the solution", "Fig. 12", "(0, 0) to |x/R - 1| < 0.02, r/R < 0.05"
    )
    add(claim, readings, f"after {max(len(x) for x, _ in tracks) - 1} steps" if tracks else "")
    readings = []
    for x, r in tracks:
        tops = local_maxima(np.arange(len(r), dtype=np.float64), r, WIGGLE)
        places = ", ".join(f"x/R = {x[k]:.2f}" for k in tops)
        text = f"{counted(len(tops), 'maximum')}: {places}"
        once, smoke = len(tops) == 1, result.scale == "smoke"
        note = SMOKE_NOTE if smoke else OVERSHOOT if given.lr * given.high > 1 and not once else ""
        readings.append(Reading(text, None if smoke else once, abs(len(tops) - 1), note=note))
    add(
        Claim(
            "12c",
            "The residual rises once and falls: no obstacle on the way",
            "Fig. 12",
            f"1 maximum, rises below {WIGGLE:g} R ignored",
        ),
        readings,
    )
    off = np.atleast_1d(np.asarray(result.numbers.get("theory_deviation", []), dtype=np.float64))
    if len(off):
        note = "theory gives a noisy run's mean only" if given.noise else ""
        lost = "this run was not compared"
        readings = [
            Reading(f"{v:.2g} R off", None if note else bool(v <= CLOSE), v, note=note)
            if np.isfinite(v)
            else Reading("not known", None, note=lost)
            for v in off
        ]
        claim = Claim(
            "12-theory", "The run is the closed form of theory", "theory D1", f"<= {CLOSE:g} R off", identity=True
        )
        add(claim, readings)
    readings = []
    for x, r in tracks:
        defect = thales_defect(x, r)
        text = f"x(R - x)/R² - r²/R² from {defect.min():.3g} to {defect.max():.3g}"
        # Exactly zero at the start; a rounding below it is no excursion.
        readings.append(Reading(text, bool(defect.min() >= -1e-12) if given.plain else None, -float(defect.min())))
    note = "" if given.plain else "reported: the bound is one of noise-free gradient descent with ε h_max <= 1"
    add(
        Claim("12-thales", "Gradient descent stays inside the half circle", "theory D3", ">= 0", identity=True),
        readings,
        note,
    )
    return found


def _order(jobs: Sequence[Result]) -> list[Verdict]:
    """12d: the largest residuals of the settings of the table are in the table's order."""
    if not jobs:
        return []
    tops: dict[tuple[float, float], float] = {}
    for job in jobs:
        given, (tracks, _) = setting(job), _tracks(job)
        if given.listed is not None and tracks:
            tops.setdefault((given.lr, given.momentum), max(float(r.max()) for _, r in tracks))
    note = f"only {len(tops)} of the table's {len(TABLE)} settings are here" if len(tops) < len(TABLE) else ""
    note = SMOKE_NOTE if any(job.scale == "smoke" for job in jobs) else note
    text = " < ".join(f"{tops[key]:.4f}" for key in TABLE if key in tops)
    steps = np.diff([tops[key] for key in TABLE if key in tops])
    rising = bool((steps > 0).all())
    if not note and (np.abs(steps) <= CLOSE).any() and (steps > -CLOSE).all():
        note = f"too close to call: two differ by less than the {CLOSE:g} R of a run"
    text = text if rising else text.replace(" < ", ", ")
    claim = Claim(
        "12d",
        "Faster learning and more momentum stray further, in the order of the table",
        NOTES,
        "largest r/R rises along the table",
    )
    return [verdict(claim, jobs[0], "all settings", [Reading(text or "none", None if note else rising, note=note)])]
