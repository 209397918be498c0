"""Figure 7, its claims: is there a second minimum on the machine's line, and does training go round it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from landscape.figure import naming, panel
from landscape.figure.claims import SLACK, column
from landscape.figure.noise import weighed_rise
from landscape.figure.present import no_drop
from landscape.figure.reading import Claim, Reading, counted, covers, fair, over_columns, verdict
from landscape.result.curve import Array, Curve, argmin_alpha, drop, largest_rise, local_minima, tolerance
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

PARTS = {"pixel_objective": "pixels", "label_objective": "label"}
FULL_NOTE = "the claim is about the full width and length of training"
ABSENT_NOTE = "a finding, reported and not judged: in full width and length the line has no such minimum"
ROUNDING = 1e-6  # of J: a smaller drop of a training in float32 is none
RAISED, ASIDE = 0.25, 0.05  # of the drop, and of L: what makes a minimum secondary, and a point off the line


def unit(curve: Curve) -> str:
    """What J is measured in: the machine's own cost is divided by the number of pixels."""
    return "nats per pixel" if PARTS.keys() <= curve.metrics.keys() else "nats"


def points(result: Result, s: int) -> tuple[Array, Array, Array, float] | None:
    """x/L, z/L and J of every saved point of one seed, and L."""
    track = result.projections.get("trajectory")
    if track is None or track.second_projection is None or track.objective is None or not track.length[s] > 0:
        return None
    length = float(track.length[s])
    return track.projection[:, s] / length, track.second_projection[:, s] / length, track.objective[:, s], length


def judge(results: Sequence[Result]) -> list[Verdict]:
    """7a to 7e of every job."""
    found: list[Verdict] = []
    for result, name in zip(results, naming.names(results), strict=True):
        curve = panel.primary(result, "train")
        if curve is None or not len(curve.alphas):
            continue
        if not covers(curve, 0, 1):
            found += [falls_along_training(result, name), low_error(result, name)]
            continue
        found += [second_minimum(result, name, curve, key) for key in ("objective", *PARTS) if _has(curve, key)]
        found.append(lowest_at_solution(result, name, curve))
        found += [goes_round(result, name, curve), falls_along_training(result, name), low_error(result, name)]
    return found


def _is_published(result: Result) -> bool:
    """Whether this is the paper's own machine, trained in full."""
    return result.scale == "full" and naming.recipe(result) == "mpdbm"


def _has(curve: Curve, key: str) -> bool:
    return key == "objective" or key in curve.metrics


def _over(claim: Claim, result: Result, curve: Curve, name: str, read: Callable[[int], Reading]) -> Verdict:
    """``over_columns`` with every reading left unjudged at smoke scale."""
    return over_columns(claim, result, curve, name, lambda s: fair(result, read(s)))


def _values(curve: Curve, key: str, s: int) -> Array:
    values: Array = (curve.objective if key == "objective" else curve.metrics[key])[:, s]
    return values


def _secondary(a: Array, v: Array, tau: float) -> list[float]:
    """Where J has a minimum before the solution that lies high above it."""
    fall = drop(a, v)
    if not fall > 0:  # a run that has not learned has no anomaly
        return []
    end = float(np.interp(1, a, v))
    minima = local_minima(a, v, tau * fall)
    return [float(a[k]) for k in minima if SLACK < a[k] < 1 - SLACK and v[k] >= end + RAISED * fall]


def _anomaly(a: Array, v: Array, places: Sequence[float]) -> tuple[float, float]:
    """Where a walker on the line would have to climb; [0.1, 0.5], to look at, if there is no secondary minimum.

    From the first such minimum to where J, past the last one's barrier, is back at that one's height.
    """
    if not places:
        return 0.1, 0.5
    k = int(np.argmin(np.abs(a - max(places))))
    later = np.flatnonzero((a > a[k]) & (v <= v[k]))
    if not len(later):
        return min(places), 1.0
    j = int(later[0])
    share = (v[j - 1] - v[k]) / (v[j - 1] - v[j]) if v[j - 1] > v[k] else 0.0
    return min(places), float(a[j - 1] + share * (a[j] - a[j - 1]))


def second_minimum(result: Result, name: str, curve: Curve, key: str) -> Verdict:
    """7a: the line has a secondary minimum with a high cost; one is looked for at full scale, none is a finding."""
    word = PARTS.get(key, "total")
    claim = Claim(
        f"7a-{word}",
        f"The line has a second minimum of high cost ({word})",
        "Fig. 7",
        f"a minimum in (0, 1), {RAISED:g} of the drop above J(1)",
    )

    def read(s: int) -> Reading:
        a, v = curve.alphas, _values(curve, key, s)
        if not covers(curve, 0, 1):
            return Reading("not sampled from 0 to 1", None)
        if not drop(a, v) > 0:
            return Reading("no drop", None, note="without a drop there is no height to compare with")
        places = _secondary(a, v, tolerance(curve, s))
        text = f"{counted(len(places), 'minimum')}{': ' if places else ''}{', '.join(f'{p:.3f}' for p in places)}"
        rise = largest_rise(a, v, first=0.0, last=1.0) / drop(a, v)
        full = _is_published(result)
        note = FULL_NOTE if not full else "" if places else ABSENT_NOTE
        text = f"{text}; largest rise on [0, 1] {rise:.2g} of the drop"
        reading = Reading(text, True if full and places else None, rise, note=note)
        return weighed_rise(reading, curve, s) if key == "objective" else reading  # a part's noise is not known

    return over_columns(claim, result, curve, name, read)


def lowest_at_solution(result: Result, name: str, curve: Curve) -> Verdict:
    """7b: the lowest point of the line is the solution."""
    claim = Claim("7b", "The line is lowest at the solution", "Fig. 7", "argmin at 1 ± 0.05", "1 ± 0.1")

    def read(s: int) -> Reading:
        if not covers(curve, 0, 1):
            return Reading("not sampled from 0 to 1", None)
        if (failed := no_drop(curve, s)) is not None:
            return replace(failed, holds=None)
        low = argmin_alpha(*column(curve, s))
        return Reading(f"argmin at {low:.3f}", abs(low - 1) <= 0.05 + SLACK, abs(low - 1), abs(low - 1) <= 0.1 + SLACK)

    return _over(claim, result, curve, name, read)


def goes_round(result: Result, name: str, curve: Curve) -> Verdict:
    """7c: where the line is bad, training passes beside it, at lower cost; not judged where the line meets nothing."""
    claim = Claim(
        "7c",
        "Training goes round what the line meets, at lower cost",
        "Fig. 7",
        f"r/L >= {ASIDE:g} and J below the line's, for x/L in the anomaly",
    )
    track = result.projections.get("trajectory")

    def read(s: int) -> Reading:
        found = points(result, s)
        if found is None or track is None:
            return Reading("no plane of training", None, note="the run did not leave its start, or its line")
        x, _, v, length = found
        a, line_values = column(curve, s)
        places = _secondary(a, line_values, tolerance(curve, s))
        low, high = _anomaly(a, line_values, places)
        rows = np.isfinite(x) & (x >= low) & (x <= high)
        if not rows.any():
            return Reading(f"no saved point with x/L in [{low:.2f}, {high:.2f}]", None, note="save more points early")
        aside = track.residual_norm[rows, s] / length
        below = np.interp(x[rows], a, line_values) - v[rows]
        # Between two samples the line may be as low or as high as either.
        right = np.clip(np.searchsorted(a, x[rows]), 1, len(a) - 1)
        ends = np.stack([line_values[right - 1], line_values[right]]) - v[rows]
        text = (
            f"{counted(int(rows.sum()), 'point')} in [{low:.2f}, {high:.2f}]: r/L from {aside.min():.2f} to "
            f"{aside.max():.2f}, J below the line by at least {below.min():.3g} {unit(curve)}"
        )
        if not places:
            return Reading(f"the line meets no second minimum; {text}", None, note="there is nothing to go round")
        holds = bool(aside.min() >= ASIDE and below.min() > 0)
        if aside.min() < ASIDE or ends.min() > 0 or ends.max(axis=0).min() <= 0:
            return Reading(text, holds, -float(below.min()))
        why = "by the samples of the line beside them some points may lie above it"
        return Reading(f"{text}, at least {ends.min():.3g} by its samples", None, -float(below.min()), note=why)

    return _over(claim, result, curve, name, read)


def falls_along_training(result: Result, name: str) -> Verdict:
    """7d: J falls from epoch to epoch."""
    claim = Claim("7d", "J falls along training", "Fig. 7", "rise <= 0.05 of the drop")
    track = result.projections.get("trajectory")
    if track is None or track.objective is None:
        return verdict(claim, result, f"{name}, training", [])
    objective, epochs = track.objective, track.epochs
    columns, left_out = result.usable(objective, ragged=True)

    def read(s: int) -> Reading:
        v = objective[np.isfinite(objective[:, s]) & (epochs == np.round(epochs)), s]
        fall = float(v[0] - v.min()) if len(v) else 0.0
        if len(v) > 1 and not fall > 0:
            return Reading("no drop during training", False, np.inf)
        if len(v) < 3 or not fall > ROUNDING * abs(v[0]):
            text = f"a drop of {fall:.2g} over {counted(len(v), 'epoch')}"
            return Reading(text, None, note="that is no way down")
        rise = float(np.max(v - np.minimum.accumulate(v))) / fall
        return Reading(f"rise {rise:.2g} of the drop over {len(v)} epochs", rise <= 0.05, rise)

    return verdict(claim, result, f"{name}, training", [fair(result, read(s)) for s in columns], left_out)


def low_error(result: Result, name: str) -> Verdict:
    """7e: the solution classifies as well as published; judged at full scale only."""
    claim = Claim("7e", "The solution classifies as well as published", "Fig. 7", "validation error <= 1.0 %")
    history = result.learning_curve
    values = None if history is None else history.channels.get("valid/error")
    if values is None:
        return verdict(claim, result, f"{name}, valid", [])
    full = _is_published(result)
    columns, left_out = result.usable(values, ragged=True)

    def read(s: int) -> Reading:
        best = float(np.nanmin(values[:, s]))
        text = f"{100 * best:.2f} % at the best epoch"
        return Reading(text, best <= 0.01 if full else None, best, note="" if full else FULL_NOTE)

    return verdict(claim, result, f"{name}, valid", [read(s) for s in columns], left_out)
