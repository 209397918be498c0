"""Figure 12, its claims: what each descent of a quadratic ran with, the way that it took, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from landscape.figure import naming
from landscape.figure.checks import Claim, Evidence, joined, judge_job
from landscape.figure.decided import within_error
from landscape.figure.reading import Reading, counted
from landscape.result.curve import Array, Projection, local_maxima, thales_defect
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
REPORTED = "reported: the bound is one of noise-free gradient descent with ε h_max <= 1"
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

    def place(result: Result) -> tuple[Any, ...]:
        found = setting(result)
        return naming.rank((found.lr, found.momentum), TABLE), found.momentum, found.lr, found.noise

    return sorted((result for result in results if "descent" in result.projections), key=place)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """12a to 12d, the run against theory, and on which side of the half circle each run stays."""
    jobs = ordered(results)
    names = [setting(job).label for job in jobs]
    names = [f"{name} (job {k + 1})" if names.count(name) > 1 else name for k, name in enumerate(names)]
    found = [v for job, name in zip(jobs, names, strict=True) for v in judge_job(CHECKS, job, name)]
    return found + ([ORDER.said(jobs[0], "all settings", [_order(jobs)])] if jobs else [])


@dataclass(frozen=True)
class Way:
    """One seed's way down: x/R and r/R [T], and what it ran with."""

    x: Array
    r: Array
    given: Setting
    is_smoke: bool


def _ways(result: Result, name: str) -> Iterator[Evidence[Way]]:
    """Every usable seed that moved."""
    run, given = result.projections["descent"], setting(result)
    columns, left_out = result.usable(run.projection, ragged=True)
    names, ways, still = result.seed_names(run.projection.shape[1]), [], []
    for s in columns:
        x, r = track(run, s)
        if len(x) > 2 and bool(np.isfinite(r).all()) and float(np.ptp(x)) > CLOSE:
            ways.append(Way(x, r, given, result.scale == "smoke"))
        else:
            still.append(f"seed {names[s]} left out: it did not move")
    yield Evidence(result, name, ways, joined(left_out, *still))


def _listed(result: Result, name: str) -> Iterator[Evidence[Way]]:
    if setting(result).listed is not None:
        yield from _ways(result, name)


def _deviations(result: Result, name: str) -> Iterator[Evidence[tuple[float, bool]]]:
    off = np.atleast_1d(np.asarray(result.numbers.get("theory_deviation", []), dtype=np.float64))
    if len(off):
        (ways,) = _ways(result, name)
        yield Evidence(result, name, [(float(v), bool(setting(result).noise)) for v in off], ways.note)


def _row(job: Evidence[Way] | Way) -> tuple[float, float]:
    """The largest r/R of the table, and the x/R that it is reached at."""
    found = (job.given if isinstance(job, Way) else setting(job.result)).listed
    assert found is not None
    return found


def _against(way: Way, letter: str, seen: float, value: float, room: float) -> Reading:
    text, note = f"{letter}/R = {seen:.4f}, {100 * (seen / value - 1):+.1f} %", SMOKE_NOTE if way.is_smoke else ""
    return Reading(text, None if note else bool(abs(seen - value) <= room), abs(seen - value), note=note)


def _top(way: Way) -> Reading:
    value = _row(way)[0]
    return _against(way, "r", float(way.r.max()), value, WITHIN * value)


def _place(way: Way) -> Reading:
    value = _row(way)[1]
    return _against(way, "x", float(way.x[int(np.argmax(way.r))]), value, WITHIN * value + ROUNDED)


def _arrives(way: Way) -> Reading:
    x, r = way.x, way.r
    text = f"from ({x[0]:.1g}, {r[0]:.1g}) to ({x[-1]:.4f}, {r[-1]:.4f}) R"
    holds = bool(x[0] == 0 and r[0] == 0 and abs(x[-1] - 1) < 0.02 and r[-1] < 0.05)
    return Reading(text, holds, abs(x[-1] - 1) + r[-1])


def _once(way: Way) -> Reading:
    tops = local_maxima(np.arange(len(way.r), dtype=np.float64), way.r, WIGGLE)
    text = f"{counted(len(tops), 'maximum')}: {', '.join(f'x/R = {way.x[k]:.2f}' for k in tops)}"
    once = len(tops) == 1
    note = SMOKE_NOTE if way.is_smoke else OVERSHOOT if way.given.lr * way.given.high > 1 and not once else ""
    return Reading(text, None if way.is_smoke else once, abs(len(tops) - 1), note=note)


def _theory(run: tuple[float, bool]) -> Reading:
    off, has_noise = run
    if not np.isfinite(off):
        return Reading("not known", None, note="this run was not compared")
    note = "theory gives a noisy run's mean only" if has_noise else ""
    return Reading(f"{off:.2g} R off", None if note else off <= CLOSE, off, note=note)


def _thales(way: Way) -> Reading:
    defect = thales_defect(way.x, way.r)
    text = f"x(R - x)/R² - r²/R² from {defect.min():.3g} to {defect.max():.3g}"
    # Exactly zero at the start; a rounding below it is no excursion.
    return Reading(text, bool(defect.min() >= -1e-12) if way.given.plain else None, -float(defect.min()))


def _order(jobs: Sequence[Result]) -> Reading:
    """12d: the largest residuals of the settings of the table are in the table's order."""
    tops: dict[tuple[float, float], float] = {}
    for job in jobs:
        (ways,), given = _ways(job, ""), setting(job)
        if given.listed is not None and ways.seeds:
            tops.setdefault((given.lr, given.momentum), max(float(way.r.max()) for way in ways.seeds))
    note = f"only {len(tops)} of the table's {len(TABLE)} settings are here" if len(tops) < len(TABLE) else ""
    note = SMOKE_NOTE if any(job.scale == "smoke" for job in jobs) else note
    steps = np.diff([tops[key] for key in TABLE if key in tops])
    rising = bool((steps > 0).all())
    if not note and (np.abs(steps) <= CLOSE).any() and (steps > -CLOSE).all():
        note = f"too close to call: two differ by less than the {CLOSE:g} R of a run"
    text = (" < " if rising else ", ").join(f"{tops[key]:.4f}" for key in TABLE if key in tops)
    return Reading(text or "none", None if note else rising, note=note)


CHECKS = (
    Claim(
        "12a",
        "The largest residual is as the scalar recursion over the spectrum says",
        NOTES,
        lambda e: f"{_row(e)[0]:.3f} R +- 2 %",
    ).by(_top, _listed, identity=True),
    Claim(
        "12a-place",
        "Where the residual is largest is as the scalar recursion over the spectrum says",
        NOTES,
        lambda e: f"{_row(e)[1]:.2f} R +- 2 % (and rounding)",
    ).by(_place, _listed, identity=True),
    Claim("12b", "The run goes from the start to the solution", "Fig. 12", "(0, 0) to |x/R - 1| < 0.02, r/R < 0.05").by(
        _arrives, _ways, note=lambda e: f"after {max(len(way.x) for way in e.seeds) - 1} steps" if e.seeds else ""
    ),
    Claim(
        "12c",
        "The residual rises once and falls: no obstacle on the way",
        "Fig. 12",
        f"1 maximum, rises below {WIGGLE:g} R ignored",
    ).by(_once, _ways),
    Claim("12-theory", "The run is the closed form of theory", "theory D1", f"<= {CLOSE:g} R off").by(
        _theory, _deviations, identity=True
    ),
    Claim("12-thales", "Gradient descent stays inside the half circle", "theory D3", ">= 0").by(
        _thales, _ways, identity=True, note=lambda e: "" if setting(e.result).plain else REPORTED
    ),
)
ORDER = Claim(
    "12d",
    "Faster learning and more momentum stray further, in the order of the table",
    NOTES,
    "largest r/R rises along the table",
)
