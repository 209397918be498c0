"""Figure 7, its claims: is there a second minimum on the machine's line, and does training go round it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landscape.figure import naming
from landscape.figure.beside import points
from landscape.figure.checks import Check, Claim, Evidence, Learned, judge_job, on_curve, on_history
from landscape.figure.decided import within_error
from landscape.figure.reading import SLACK, Column, Reading, counted, covers, listed, primary
from landscape.ground.settings import key_of
from landscape.result.curve import Array, Curve, argmin_alpha, drop, largest_rise, local_minima
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


RAW, PROJECTED = "from the raw start", "from the start inside its norm bounds"


def starts(results: Sequence[Result]) -> list[str]:
    """The names of jobs, in which a start is a word: raw as it was drawn, or projected onto the norm bounds."""
    key = "training.enforce_at_init"
    values = {item.partition("=")[2].lower() for result in results for item in result.overrides if key_of(item) == key}
    found = []
    for result, name in zip(results, naming.names(results), strict=True):
        is_raw = (result.config.get("training") or {}).get("enforce_at_init") is False
        words = [word for word in name.split(", ") if key_of(word) != key]
        found.append(", ".join([*words, RAW if is_raw else PROJECTED] if len(values) > 1 or is_raw else words))
    return found


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """7a to 7e of every job."""
    found: list[Verdict] = []
    for result, name in zip(results, starts(results), strict=True):
        curve = primary(result, "train")
        if curve is None or not len(curve.alphas):
            continue
        checks: list[Check[Any]] = [FALLS_ALONG_TRAINING, LOW_ERROR]
        if covers(curve, 0, 1):
            keys = ["objective", *(key for key in PARTS if key in curve.metrics)]
            checks = [*map(second_minimum, keys), LOWEST, GOES_ROUND, *checks]
        found += judge_job(checks, result, name)
    return found


def _is_published(result: Result) -> bool:
    """Whether this is the paper's own machine, trained in full."""
    return result.scale == "full" and naming.recipe(result) == "mpdbm"


def _line(result: Result, name: str) -> Iterator[Evidence[Column]]:
    curve = primary(result, "train")
    if curve is not None:
        yield on_curve(result, curve, f"{name}, {curve.split}, {curve.mode}")


def _secondary(a: Array, v: Array, tau: float) -> list[float]:
    """Where J has a minimum before the solution that lies high above it."""
    fall = drop(a, v)
    if not fall > 0:  # a run that has not learned has no anomaly
        return []
    end = float(np.interp(1, a, v))
    minima = local_minima(a, v, tau * fall)
    return [float(a[k]) for k in minima if SLACK < a[k] < 1 - SLACK and v[k] >= end + RAISED * fall]


def anomaly(a: Array, v: Array, places: Sequence[float]) -> tuple[float, float]:
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


def second_minimum(key: str) -> Check[Column]:
    """7a: the line has a secondary minimum with a high cost; one is looked for at full scale, none is a finding."""

    def read(seed: Column) -> Reading:
        a, curve = seed.alphas, seed.curve
        v = seed.values if key == "objective" else curve.metrics[key][:, seed.s]
        if not drop(a, v) > 0:
            return Reading("no drop", None, note="without a drop there is no height to compare with")
        places, is_full = _secondary(a, v, seed.tau), _is_published(seed.result)
        rise = largest_rise(a, v) / drop(a, v)
        text = f"{counted(len(places), 'minimum')}{': ' if places else ''}{listed(places)}"
        note = FULL_NOTE if not is_full else "" if places else ABSENT_NOTE
        text = f"{text}; largest rise on [0, 1] {rise:.2g} of the drop"
        reading = Reading(text, True if is_full and places else None, rise, note=note)
        return seed.weighed_rise(reading) if key == "objective" else reading  # a part's noise is not known

    word = PARTS.get(key, "total")
    sentence, expected = f"The line has a second minimum of high cost ({word})", f"{RAISED:g} of the drop above J(1)"
    return Claim(f"7a-{word}", sentence, "Fig. 7", f"a minimum in (0, 1), {expected}").by(read, _line)


def _lowest(seed: Column) -> Reading:
    if (failed := seed.no_drop()) is not None:
        return replace(failed, holds=None)
    low = argmin_alpha(*seed.line)
    return Reading(f"argmin at {low:.3f}", abs(low - 1) <= 0.05 + SLACK, abs(low - 1), abs(low - 1) <= 0.1 + SLACK)


def _way_round(seed: Column) -> Reading:
    """Where the line is bad, training passes beside it, at lower cost; not judged where the line meets nothing."""
    found, track = points(seed.result, seed.s), seed.result.projections.get("trajectory")
    if found is None or track is None:
        return Reading("no plane of training", None, note="the run did not leave its start, or its line")
    (x, _, v, length), (a, line) = found, seed.line
    places = _secondary(a, line, seed.tau)
    low, high = anomaly(a, line, places)
    rows = np.isfinite(x) & (x >= low) & (x <= high)
    if not rows.any():
        return Reading(f"no saved point with x/L in [{low:.2f}, {high:.2f}]", None, note="save more points early")
    aside = track.residual_norm[rows, seed.s] / length
    below = np.interp(x[rows], a, line) - v[rows]
    # Between two samples the line may be as low or as high as either.
    right = np.clip(np.searchsorted(a, x[rows]), 1, len(a) - 1)
    ends = np.stack([line[right - 1], line[right]]) - v[rows]
    text = (
        f"{counted(int(rows.sum()), 'point')} in [{low:.2f}, {high:.2f}]: r/L from {aside.min():.2f} to "
        f"{aside.max():.2f}, J below the line by at least {below.min():.3g} {unit(seed.curve)}"
    )
    if not places:
        return Reading(f"the line meets no second minimum; {text}", None, note="there is nothing to go round")
    holds = bool(aside.min() >= ASIDE and below.min() > 0)
    if aside.min() < ASIDE or ends.min() > 0 or ends.max(axis=0).min() <= 0:
        return Reading(text, holds, -float(below.min()))
    why = "by the samples of the line beside them some points may lie above it"
    return Reading(f"{text}, at least {ends.min():.3g} by its samples", None, -float(below.min()), note=why)


def _training(result: Result, name: str) -> Iterator[Evidence[Array]]:
    """J at the end of each epoch, of every usable seed; none where it was not measured along the training."""
    track, about = result.projections.get("trajectory"), f"{name}, training"
    if track is None or track.objective is None:
        yield Evidence(result, about, [])
        return
    columns, left_out = result.usable(track.objective, ragged=True)
    whole = track.epochs == np.round(track.epochs)
    seeds = [v[np.isfinite(v) & whole] for v in track.objective[:, columns].T]
    yield Evidence(result, about, seeds, left_out)


def _falls(v: Array) -> Reading:
    fall = float(v[0] - v.min()) if len(v) else 0.0
    if len(v) > 1 and not fall > 0:
        return Reading("no drop during training", False, np.inf)
    if len(v) < 3 or not fall > ROUNDING * abs(v[0]):
        return Reading(f"a drop of {fall:.2g} over {counted(len(v), 'epoch')}", None, note="that is no way down")
    rise = float(np.max(v - np.minimum.accumulate(v))) / fall
    return Reading(f"rise {rise:.2g} of the drop over {len(v)} epochs", rise <= 0.05, rise)


def _validation(result: Result, name: str) -> Iterator[Evidence[Learned]]:
    history, about = result.learning_curve, f"{name}, valid"
    if history is None or "valid/error" not in history.channels:
        yield Evidence(result, about, [])
    else:
        yield on_history(result, history, "valid/error", about)


def _error(seed: Learned) -> Reading:
    best, is_full = float(np.nanmin(seed.values)), _is_published(seed.result)
    text = f"{100 * best:.2f} % at the best epoch"
    return Reading(text, best <= 0.01 if is_full else None, best, note="" if is_full else FULL_NOTE)


LOWEST = Claim("7b", "The line is lowest at the solution", "Fig. 7", "argmin at 1 ± 0.05").by(
    _lowest, _line, calibrated="1 ± 0.1", needs_training=True
)
GOES_ROUND = Claim(
    "7c",
    "Training goes round what the line meets, at lower cost",
    "Fig. 7",
    f"r/L >= {ASIDE:g} and J below the line's, for x/L in the anomaly",
).by(_way_round, _line, needs_training=True)
FALLS_ALONG_TRAINING = Claim("7d", "J falls along training", "Fig. 7", "rise <= 0.05 of the drop").by(
    _falls, _training, needs_training=True
)
LOW_ERROR = Claim("7e", "The solution classifies as well as published", "Fig. 7", "validation error <= 1.0 %").by(
    _error, _validation
)
