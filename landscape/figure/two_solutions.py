"""What the paper says about the line between two solutions, and about the line from a random point to one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from landscape.figure import naming
from landscape.figure.checks import Claim, Evidence, along
from landscape.figure.reading import SLACK, Column, Reading, counted, listed, short_of
from landscape.result.curve import Curve, argmin_alpha, end_barrier, local_maxima, local_minima, tolerance

UNLEARNED_NOTE = "so short a training has learned next to nothing: J(0) and J(1) exceed 0.9 of a guess's"
SMOKE_NOTE = "the threshold is meant for the widths of the paper"


def _noise(seed: Column) -> float:
    """How high a bump must be to count: tau times the range of J on [0, 1], in nats.

    Two solutions lie at the same height, so the drop of section 0.6 is no unit here; the replicates' standard
    error is left out with it.
    """
    a, v = seed.line
    inside = v[(a >= -SLACK) & (a <= 1 + SLACK)]
    return tolerance(replace(seed.curve, replicates=None), seed.s) * float(inside.max() - inside.min())


def _window(curve: Curve) -> float:
    # Without dropout noise the basins are flatter, and their lowest sample wanders further from the solutions.
    return 0.15 if curve.mode == "deterministic" else 0.07


def _guess(job: Evidence[Column] | Column) -> float:
    """J of a uniform guess."""
    return math.log(naming.num_classes(job.result))


def _learned(read: Callable[[Column], Reading]) -> Callable[[Column], Reading]:
    """A reading that a smoke run whose solutions are none leaves unjudged."""

    def judged(seed: Column) -> Reading:
        reading = read(seed)
        if seed.result.scale == "smoke" and min(seed.at(0.0), seed.at(1.0)) > 0.9 * _guess(seed):
            return replace(reading, holds=None, note=UNLEARNED_NOTE)
        return reading

    return judged


def _two_minima(seed: Column) -> Reading:
    (a, v), noise = seed.line, _noise(seed)
    found = [float(a[k]) for k in local_minima(a, v, noise)]
    text = f"{counted(len(found), 'minimum')} at {listed(found)}" if found else "no minimum"
    if len(found) != 2:
        return Reading(text, False, math.inf)
    num = sum(found[0] < a[k] < found[1] for k in local_maxima(a, v, noise))
    off = max(abs(found[0]), abs(found[1] - 1))
    holds = off <= _window(seed.curve) + SLACK and num == 1
    return Reading(f"{text}, {counted(num, 'maximum')} between", holds, off)


def _barrier(seed: Column) -> Reading:
    height = seed.at(0.5) - max(seed.at(0.0), seed.at(1.0))
    text, least = f"J(0.5) is {height:.3f} nats above the higher end", 0.1 * _guess(seed)
    return Reading(text, height >= least, -height, miss=short_of(height, least))


def _equal(seed: Column) -> Reading:
    gap, barrier = abs(seed.at(0.0) - seed.at(1.0)), end_barrier(*seed.line)
    text = f"they differ by {gap:.4f} nats, the barrier is {barrier:.4f}"
    if not barrier > (noise := seed.least_difference()):
        why = "without a barrier there is no unit for their difference"
        return Reading(f"{text}, within the noise of {noise:.2g}", None, note=why)
    return Reading(text, barrier > 0 and gap <= 0.1 * barrier, gap / barrier if barrier > 0 else math.inf)


def _one_minimum(seed: Column) -> Reading:
    if (failed := seed.no_drop()) is not None:
        return failed
    num, low = len(local_minima(*seed.line, _noise(seed))), argmin_alpha(*seed.line)
    holds = num == 1 and abs(low - 1) <= 1 / 9 + SLACK
    return Reading(f"{counted(num, 'minimum')}, argmin at {low:.3f}", holds, abs(num - 1) + abs(low - 1))


def _ratio(seed: Column) -> Reading:
    start, end = seed.at(0.0), seed.at(1.0)
    if (failed := seed.no_drop()) is not None:
        return failed
    text = f"J(0) = {start:.4g}, J(1) = {end:.4g}"
    if end < 0:
        return Reading(text, None, note="a cost below zero has no ratio")
    ratio = start / end if end > 0 else math.inf
    smoke = seed.result.scale == "smoke"
    text = f"{text}, ratio {ratio:.3g}"
    return Reading(text, None if smoke else ratio >= 1000, -ratio, note=SMOKE_NOTE if smoke else "")


BETWEEN_SOLUTIONS = (
    Claim(
        "5a",
        "On the line between two solutions each is a minimum of its own",
        "Fig. 5 left",
        lambda e: f"2 minima within {_window(e.line)} of 0 and 1, 1 maximum between",
    ).by(_learned(_two_minima), along("train", -0.2, 1.2)),
    Claim(
        "5b",
        "A barrier separates the two solutions",
        "Fig. 5 left",
        lambda e: f"J(0.5) - higher end >= 0.1 ln {e.num_classes} = {0.1 * _guess(e):.3f}",
    ).by(_learned(_barrier), along("train", 0, 1)),
    Claim("5c", "The two solutions are equally good", "Fig. 5 left", "|J(0) - J(1)| <= 0.1 of the barrier").by(
        _learned(_equal), along("train", 0, 1)
    ),
)
RANDOM_TO_SOLUTION = (
    Claim(
        "5d",
        "From a random point the only minimum is the solution",
        "Fig. 5 right",
        "1 minimum, argmin within 1/9 of 1",
    ).by(_one_minimum, along("train", 0, 1 + 1 / 9)),
    Claim("5d-ratio", "The random point is far worse than the solution", "Fig. 5 right", "J(0)/J(1) >= 1000").by(
        _ratio, along("train", 0, 1)
    ),
)
