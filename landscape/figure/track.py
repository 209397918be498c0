"""Training seen from the straight line between its start and its solution: the tracks, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import panel, style
from landscape.figure.checks import Claim, Evidence, joined
from landscape.figure.reading import Reading, above, counted
from landscape.result.curve import Array, Projection, local_maxima, random_walk_limit, thales_defect
from landscape.result.saved import Result

AT_POINT = 1e-4  # of L: a trajectory point that is theta_i or theta_f, stored in float32, lies this close to it
STAYS, STAYS_RELAXED = 0.02, 0.10  # of L: our reading of "x stays about L", and the one set after looking at runs
PROMINENCE = 0.02  # of the largest residual: a smaller dip between two epochs is minibatch noise
MAX_IN_ARC = 4  # tracks whose legend fits under the arc
FEWEST = 5  # points: fewer show no arc, and no tail
END = {False: "best epoch", True: "end of the line"}
"""What theta_f is, of a training and of a run that was found."""


@dataclass(frozen=True)
class Track:
    """One seed's points: epochs, x, r and |theta| [T], each in its own units; L; the row of theta_f or -1.

    Args:
        is_found: nobody here trained it, and so nobody knows its best epoch or what it began with.
    """

    epochs: Array
    x: Array
    r: Array
    norm: Array
    length: float
    best: int
    is_found: bool = False


def is_found_run(result: Result) -> bool:
    """Whether nobody here trained it."""
    return not result.training_status


def rows_of(projection: Projection, s: int) -> Array:
    """Which points of one column are drawn: those that are finite, from the start on [T].

    The line may start in the middle of a run that was found: exactly there neither number is more than zero.
    """
    rows = np.isfinite(projection.projection[:, s])
    starts = np.flatnonzero(np.hypot(projection.projection[:, s], projection.residual_norm[:, s]) == 0)
    rows[: starts[0] if len(starts) else 0] = False
    return rows


def track(projection: Projection, s: int, is_found: bool = False) -> Track:
    """One column of a projection from its start on, without points that are not finite and the NaN after its last."""
    rows = rows_of(projection, s)
    epochs = projection.epochs[rows]
    hits = np.flatnonzero(epochs == projection.best_epoch[s])
    columns = (projection.projection, projection.residual_norm, projection.parameter_norm)
    x, r, norm = (values[rows, s] for values in columns)
    return Track(epochs, x, r, norm, float(projection.length[s]), int(hits[0]) if len(hits) else -1, is_found)


def usable_tracks(result: Result, projection: Projection) -> tuple[list[int], str]:
    """As ``Result.usable``; of a run that was found, points that are not finite are left out and named."""
    values = projection.projection
    if not is_found_run(result) or not np.isfinite(values).any():
        return result.usable(values, ragged=True)
    known = np.isfinite(values).any(axis=1)
    columns, note = result.usable(values[known], ragged=True)
    lost = [f"{epoch:g}" for epoch in projection.epochs[~known]]
    left_out = f"left out as not finite: point{'s' * (len(lost) > 1)} {', '.join(lost)}"
    return columns, joined(note, left_out if lost else "")


def draw_tracks(axes: Axes, results: Sequence[Result], labels: Sequence[str], equal: bool = True) -> list[str]:
    """All tracks of all jobs on one axes; returns what was left out.

    Args:
        equal: the same unit on both axes, so that the half circle is one.
    """
    shown: list[tuple[Track, str]] = []
    notes, counted_in = [], "epochs"
    for result, label in zip(results, labels, strict=True):
        projection = result.projections.get("trajectory")
        if projection is None:
            continue
        columns, note = usable_tracks(result, projection)
        is_found = is_found_run(result)
        if is_found:  # names that do not rise are counted, and a result does not say so
            is_counted = np.array_equal(projection.epochs, np.arange(len(projection.epochs)))
            counted_in = "files counted from 0" if is_counted else "as the files are called"
        notes.append(f"{label}: {note}" if note else "")
        seeds = result.seed_names(projection.projection.shape[1])
        many = len(columns) > 1
        shown += [(track(projection, s, is_found), f"{label}, seed {seeds[s]}" if many else label) for s in columns]
    for k, (points, label) in enumerate(shown):
        look = {**panel.job_look(k), "linewidth": 1.0}
        axes.plot(points.x, points.r, marker="o", markersize=2.4, label=label, **look)
    ends: list[float] = []
    for k, (points, _) in enumerate(shown):
        # The walk is as long as this run and takes its solution as early.
        passed = points.epochs - points.epochs[0]
        best, last = (int(passed[points.best]), int(passed[-1])) if points.best > 0 else (1, 1)
        x, r = random_walk_limit(solution_step=best, num_steps=last)
        star: dict[str, Any] = {"marker": "*", "markersize": 11, "linestyle": "none", "clip_on": False}
        star_word = "end of the line, (L, 0)" if points.is_found else "solution θ_f, at (L, 0)"
        words = (star_word, "random walk of the same length") if k == 0 else (None, None)
        axes.plot([points.length], [0], color=panel.job_look(k)["color"], label=words[0], **star)
        axes.plot(points.length * x, points.length * r, label=words[1], zorder=1, **style.LONG_DASHES)
        ends += [float(points.length * r[-1])] * bool(r[-1] > 0)
    told = " to ".join(dict.fromkeys(f"{end:.3g}" for end in sorted(ends)[:: max(1, len(ends) - 1)]))
    notes.append(f"a random walk of the same length ends at residual {told}" * bool(ends))
    if len(shown) == 1:
        _name_epochs(axes, shown[0][0], counted_in)
    axes.set(xlabel="projection on the line [parameter units]", ylabel="residual [parameter units]")
    # Room for the tracks and the half circle; a long walk's tail leaves the panel, and the footer says how high.
    top = max((max(np.max(points.r), points.length / 2) for points, _ in shown), default=1.0)
    axes.set_ylim(0, 1.1 * top)
    if shown and equal:
        axes.set_aspect("equal")
    if shown and len(shown) <= MAX_IN_ARC:
        axes.legend(loc="lower center")  # under the arc
    elif not shown:
        panel.close(axes, panel.Drawn())
    return notes


def _name_epochs(axes: Axes, points: Track, words: str) -> None:
    """Write a few epochs beside their markers, off the track and well apart from each other and from the ends."""
    taken = [(0.0, 0.0), (points.length, 0.0)]
    top = int(np.argmax(points.r[: points.best + 1] if points.best >= 0 else points.r))
    usual = (1, 2, 3, 5, 10, 20, 50, 100, 200, 300, float(points.epochs[-1]))
    if np.isin(points.epochs, usual).sum() <= 2:  # steps in hundreds
        usual = tuple(points.epochs.tolist())
    for epoch in usual:
        for k in np.flatnonzero(points.epochs == epoch):
            here = (float(points.x[k]), float(points.r[k]))
            if all(np.hypot(here[0] - x, here[1] - y) > 0.06 * points.length for x, y in taken):
                taken.append(here)
                # Right of and below a rising track, above a falling one, right of the tail.
                shift = (3, -9) if k <= top else (3, 3) if k < points.best else (6, -3)
                small: dict[str, Any] = {"fontsize": 6.5, "color": "#444444"}
                axes.annotate(f"{epoch:g}", here, xytext=shift, textcoords="offset points", **small)
    if len(taken) > 2:
        axes.set_title(f"small numbers: {words}", fontsize=7.5, loc="right", color="#444444")


def look(result: Result, name: str) -> Iterator[Evidence[Track]]:
    """Every usable seed of a job's trajectory."""
    projection = result.projections.get("trajectory")
    if projection is not None:
        columns, note = usable_tracks(result, projection)
        known = [s for s in columns if _is_known(projection, s)]
        lost = "tracks without a line, or with residuals or norms that are not finite, left out"
        note = joined(note, lost * (len(known) < len(columns)))
        yield Evidence(result, f"{name}, trajectory", [track(projection, s, is_found_run(result)) for s in known], note)


def _is_known(projection: Projection, s: int) -> bool:
    """Whether there is a line, every point has a residual and a norm, and the norm is more than nothing."""
    if not 0 < projection.length[s] < np.inf:
        return False
    rows = np.isfinite(projection.projection[:, s])
    r, norm = projection.residual_norm[rows, s], projection.parameter_norm[rows, s]
    return bool(np.isfinite(r).all() and np.isfinite(norm).all() and norm.max(initial=0.0) > 0)


def _no_best() -> Reading:
    return Reading("the point of the best epoch was not kept", None, note="save every epoch to judge this")


def read_ends(points: Track) -> Reading:
    """Distance of the first point from (0, 0) and of the best epoch's point from (L, 0), in units of L."""
    if points.best < 0:
        return _no_best()
    x, r, L = points.x, points.r, points.length
    start = float(np.hypot(x[0], r[0])) / L
    end = float(np.hypot(x[points.best] - L, r[points.best])) / L
    text = f"start {start:.2g} L from (0, 0), {END[points.is_found]} {end:.2g} L from (L, 0)"
    return Reading(text, max(start, end) <= AT_POINT, max(start, end), miss=above(max(start, end), AT_POINT))


def read_tail(points: Track) -> Reading:
    """How far x moves from L after the best epoch, and whether r grows again."""
    if points.best < 0:
        return _no_best()
    x, r = points.x[points.best + 1 :], points.r[points.best + 1 :]
    if len(x) < FEWEST:
        why = f"a tail needs {FEWEST} points or more"
        return Reading(f"{counted(len(x), 'point')} after the {END[points.is_found]}", None, note=why)
    off, grows = float(np.abs(x / points.length - 1).max()), bool(r[-1] > r[0])
    text = f"x leaves L by up to {100 * off:.1f} %, r goes from {r[0]:.3g} to {r[-1]:.3g}"
    if abs(r[-1] - r[0]) <= AT_POINT * points.length and off <= STAYS_RELAXED:
        why = "too close to call: points are stored in float32"
        return Reading(f"{text}, which differ by less than {AT_POINT:g} L", None, note=why)
    return Reading(text, off <= STAYS and grows, off, off <= STAYS_RELAXED and grows, miss=above(off, STAYS))


def read_arc(points: Track) -> Reading:
    """The number of maxima of r up to the best epoch, and the largest r in units of L."""
    if points.best < 0:
        return _no_best()
    epochs, r = points.epochs[: points.best + 1], points.r[: points.best + 1]
    if len(r) < FEWEST:
        why = f"an arc needs {FEWEST} points or more"
        return Reading(f"{counted(len(r), 'point')} up to the {END[points.is_found]}", None, note=why)
    k = int(np.argmax(r))
    tops, height = local_maxima(epochs, r, PROMINENCE * float(r[k])), float(r[k]) / points.length
    where = points.x[k] / points.length
    text = f"{counted(len(tops), 'maximum')}, r/L up to {height:.3f} (epoch {epochs[k]:g}, x/L = {where:.2f})"
    return Reading(text, len(tops) == 1 and 0.25 <= height <= 0.5, abs(len(tops) - 1) + abs(height - 0.375))


def read_norm(points: Track) -> Reading:
    """rho: the largest residual over the largest parameter norm, of all epochs and of those up to the solution.

    Not judged where most of the norm is no work of training, or so little was moved that no residual could be a third;
    nor of the two ends alone.
    """
    if len(points.x) < 3:
        return Reading(counted(len(points.x), "point"), None, note="two points always lie on their line")
    most = float(points.norm.max())
    moved, start = float(np.hypot(points.x, points.r).max()), float(points.norm[0])
    if not moved > most / 3 or start > most / 2:
        who, when = ("the run", "at the start") if points.is_found else ("training", "before training")
        text = f"|θ| is {start:.3g} at the start and {most:.3g} at most, and {who} moved it by {moved:.3g}"
        return Reading(text, None, note=f"so much of |θ| was there {when} that its line cannot hold or lose it")
    rho = float(points.r.max() / most)
    text, each = f"ρ = {rho:.3f}, so 1 - ρ = {1 - rho:.3f}", f"{rho:.3f}"
    if points.best > 0:
        until = float(points.r[: points.best + 1].max() / most)
        text += f"; up to {'its end' if points.is_found else 'θ_f'} {until:.3f}" + ", so ρ is that of the tail" * (
            int(np.argmax(points.r)) > points.best
        )
        each += f" ({until:.3f} up to {'its end' if points.is_found else 'θ_f'})"
    return Reading(text, rho <= 1 / 3, rho, rho <= 0.36, each=each, miss=above(rho, 1 / 3))


def read_pointwise(points: Track) -> Reading:
    """From which epoch on the line holds two thirds of the displacement, and the largest r / |theta|."""
    moved = np.hypot(points.x, points.r)
    share = np.divide(points.x, moved, out=np.ones_like(moved), where=moved > 0)
    per_norm = np.divide(points.r, points.norm, out=np.zeros_like(points.r), where=points.norm > 0)
    short, worst = np.flatnonzero(share < 2 / 3), int(np.argmax(per_norm))
    # At the start nothing has moved, so its share says nothing; the first epoch after the last short one counts.
    k = int(short[-1]) + 1 if len(short) else 1
    since = f"from epoch {points.epochs[k]:g} on" if k < len(share) else "not at the last epoch"
    top = float(per_norm[worst])
    text = f"x/|c| >= 2/3 {since}; r/|θ| up to {top:.2f} (epoch {points.epochs[worst]:g})"
    return Reading(text, None, top, note="reported: no reading of the sentence holds in the first epochs")


def read_thales(points: Track) -> Reading:
    """The range of the Thales defect strictly between start and best epoch."""
    if points.best < 2:
        return Reading(f"no point between start and {END[points.is_found]}", None)
    between = slice(1, points.best)
    defect = thales_defect(points.x[between] / points.length, points.r[between] / points.length)
    text = f"between {defect.min():.3f} and {defect.max():.3f}, mean {defect.mean():.3f}"
    why = "reported: 0 without a preferred direction, > 0 inside the half circle"
    return Reading(text, None, -float(defect.mean()), note=why)


ENDS = Claim(
    "13a-ends",
    lambda e: f"The track starts at (0, 0) and passes through (L, 0) at the {END[is_found_run(e.result)]}",
    "Fig. 13",
    f"<= {AT_POINT:g} L",
).by(read_ends, look, identity=True)
TAIL = Claim(
    "13a-tail",
    lambda e: f"After the {END[is_found_run(e.result)]} x stays at L while r grows again",
    "Fig. 13",
    f"|x/L - 1| <= {STAYS:g} (our reading of x = L), r grows",
).by(read_tail, look, calibrated=f"|x/L - 1| <= {STAYS_RELAXED:g}")
ARC = Claim(
    "13b",
    lambda e: f"The residual rises to one maximum and falls to the {'end' if is_found_run(e.result) else 'solution'}",
    "Fig. 13",
    "1 maximum (dips below 2 % ignored), r/L in [0.25, 0.5]",
).by(read_arc, look)
NORM = Claim(
    "13c", "The line holds two thirds of the norm: largest residual over largest |θ|", "Fig. 13", "ρ <= 1/3"
).by(read_norm, look, calibrated="ρ <= 0.36")
POINTWISE = Claim(
    "13c-epochs", "The line holds two thirds of the displacement at every epoch", "Fig. 13", "reported"
).by(read_pointwise, look)
THALES = Claim(
    "13-thales", "Thales defect x(L - x)/L² - r²/L² of the track", "theory C6", "reported, random walk: 0"
).by(read_thales, look)
CHECKS = (ENDS, TAIL, ARC, NORM, POINTWISE, THALES)
OF_ANY_NET = (ENDS, TAIL, NORM, THALES)
"""Those that name no particular net."""
