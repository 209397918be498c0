"""What the paper says about the line from a start to a solution, one check per sentence.

Each looks at the training cost with its masks first, then at its deterministic twin; a line that was not sampled where
the claim speaks gives no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from landscape.figure import naming
from landscape.figure.checks import Check, Claim, Evidence, Learned, along, learning
from landscape.figure.reading import SLACK, Column, Reading, above, counted, short_of, spacing
from landscape.result.curve import (
    Array,
    Curve,
    argmin_alpha,
    curvature_changes,
    drop,
    flattening,
    largest_rise,
    local_minima,
    relative_rise,
    value_at,
)
from landscape.result.saved import Result

# Nets whose larger second-layer start leaves less of a plateau; section 2 of the reproduction notes, check 1d.
RELU_RECIPES = ("relu", "relu_dropout")
# Costs that no choice among classes has.
NOT_A_CHOICE = ("squared_error", "output")
# Published 78.2 and 94 errors, with room for the phase on all 60,000 images that no figure needs; check 1h.
MAX_TEST_ERRORS = {"maxout_adversarial": 110, "maxout": 125}
# Where the lowest sample was found to lie, by split and mode; check 1c.
WINDOWS = {
    ("train", "deterministic"): (0.9, 1.5),
    ("valid", "stochastic"): (0.75, 1.15),
    ("valid", "deterministic"): (0.75, 1.15),
}
COARSE = 12  # samples before the solution: beyond about ten a search is not coarse any more; check 1f


def starts_uniform(limit: float = 0.005, source: str = "Fig. 1") -> Check[Column]:
    """1a: J(0) is the cost of a uniform guess, ln C, within ``limit`` nats."""

    def read(seed: Column) -> Reading:
        if (cost := seed.result.choices.get("cost", "")) in NOT_A_CHOICE:
            return Reading(f"J is a {cost.replace('_', ' ')}", None, note="a uniform guess is one of classes")
        if not naming.knows_classes(seed.result):
            return Reading(f"J(0) = {seed.at(0.0):.6f}", None, note="dimensions.classes says not how many classes")
        off = abs(seed.at(0.0) - math.log(naming.num_classes(seed.result)))
        return Reading(f"J(0) = {seed.at(0.0):.6f}, off by {off:.2g} nats", off <= limit, off, miss=above(off, limit))

    return Claim(
        "1a",
        lambda e: f"The start guesses uniformly: J(0) = ln {_classes(e)}",
        source,
        lambda e: f"|J(0) - ln {_classes(e)}| <= {limit:g}",
    ).by(read, along("train valid", 0, 0), identity=is_uniform_by_construction)


def _classes(evidence: Evidence[Column]) -> str:
    return str(evidence.num_classes) if naming.knows_classes(evidence.result) else "C"


def is_uniform_by_construction(evidence: Evidence[Column]) -> bool:
    """Whether J(0) is ln C to rounding in every seed: the softmax starts at zero, and the claim cannot fail."""
    uniform = math.log(evidence.num_classes)
    return all(abs(seed.at(0.0) - uniform) <= 4 * spacing(seed.curve) * uniform for seed in evidence.seeds)


def falls_monotonically(seed: Column) -> Reading:
    """Whether one seed's J falls by some drop over [0, 1] and nowhere rises by more than tau of it."""
    if (failed := seed.no_way_down()) is not None:
        return failed
    rise = relative_rise(*seed.line)
    text, tau = f"rise {rise:.2g} of the drop, tau {seed.tau:.2g}", seed.tau
    reading = Reading(text, rise <= tau, rise, rise <= 0.02, miss=above(rise, tau))
    return seed.weighed_rise(reading)


def monotone(id: str = "1b", source: str = "Fig. 1", splits: str = "train valid") -> Check[Column]:
    """1b: J only falls from the start to the solution, up to the noise tau of the measurement."""
    return Claim(id, "J falls monotonically from start to solution", source, "rise <= tau of the drop").by(
        falls_monotonically,
        along(splits, 0, 1),
        calibrated=lambda e: "rise <= 0.02 of the drop" if e.line.split == "valid" else "",
    )


def one_minimum_at_solution(id: str = "1c", source: str = "Fig. 1", splits: str = "train valid") -> Check[Column]:
    """1c: the lowest sample lies within 1/9 of the solution, J rises after it, and the line has no other minimum."""

    def calibrated(evidence: Evidence[Column]) -> str:
        window = _window(evidence.line)
        return f"argmin in [{window[0]}, {window[1]}]" if window else ""

    def read(seed: Column) -> Reading:
        if (failed := seed.no_way_down()) is not None:
            return failed
        (a, v), tau, fall, window = seed.line, seed.tau, seed.fall, _window(seed.curve)
        low = argmin_alpha(a, v)
        back = largest_rise(a, -v, first=low, last=float(a[-1])) / fall  # a rise of -J is a fall of J
        num = len(local_minima(a, v, tau * fall))
        shape = back <= tau and num == 1
        inside = window is not None and window[0] - SLACK <= low <= window[1] + SLACK
        text = f"argmin at {low:.3f}, {counted(num, 'minimum')}, fall after it {back:.2g} of the drop (tau {tau:.2g})"
        holds = shape and abs(low - 1) <= 1 / 9 + SLACK
        badness, miss = abs(low - 1) + back + abs(num - 1), max(above(abs(low - 1), 1 / 9 + SLACK), above(back, tau))
        reading = Reading(text, holds, badness, shape and inside, miss=miss)
        return seed.weighed_fall(reading, low, float(a[-1]))

    return Claim(
        id,
        "J has one minimum on the line, at the solution, and rises beyond it",
        source,
        "argmin within 1/9 of 1, no fall after it, 1 minimum",
    ).by(read, along(splits, 0, 1 + 1 / 9), calibrated=calibrated)


def _window(curve: Curve) -> tuple[float, float] | None:
    return WINDOWS.get((curve.split, curve.mode))


def flat_by(a: Array, v: Array, limit: float, relaxed: float = math.inf) -> Reading:
    """Whether at most this share of the drop is over by alpha = 1/9; a climb of more than the share is not flat either.

    Between two samples J may be anything from one to the other: where that decides, the grid does not tell.
    """
    share, k = flattening(a, v), int(np.searchsorted(a, 1 / 9))
    text, ends = f"{share:.4f} of the drop by α = 1/9", [share]
    if not _has_a_ninth(a):
        ends = [float((value_at(a, v, 0.0) - value_at(a, v, max(at, 0.0))) / drop(a, v)) for at in (a[k - 1], a[k])]
        text += f" ({min(ends):.4f} to {max(ends):.4f} by its neighbours)"

    def within(most: float) -> bool | None:
        flat = [-most <= end <= most for end in ends]
        return flat[0] if len(set(flat)) == 1 else None

    return Reading(text, within(limit), abs(share), within(relaxed), miss=above(abs(share), limit))


def _has_a_ninth(alphas: Array) -> bool:
    return bool(np.abs(alphas - 1 / 9).min() < SLACK)


def flat_at_start(source: str = "Fig. 1") -> Check[Column]:
    """1d: the first ninth of the way brings at most 2 % of the drop."""

    def most(result: Result) -> float:
        return 0.09 if naming.recipe(result) in RELU_RECIPES else 0.05

    return Claim("1d", "The line is flat near the start", source, "share <= 0.02 at α = 1/9").by(
        lambda seed: seed.no_drop() or flat_by(*seed.line, 0.02, most(seed.result)),
        along("train", 0, 1),
        calibrated=lambda e: f"share <= {most(e.result)}",
        note=lambda e: "" if _has_a_ninth(e.line.alphas) else "α = 1/9 was interpolated",
    )


def largest_bend(a: Array, v: Array) -> float:
    """The largest second difference in size over samples in [0, 1], for any spacing; 0 with fewer than three."""
    inside = (a >= -SLACK) & (a <= 1 + SLACK)
    a, v = a[inside], v[inside]
    chord = v[:-2] + (v[2:] - v[:-2]) * (a[1:-1] - a[:-2]) / (a[2:] - a[:-2])
    return float(2 * np.abs(chord - v[1:-1]).max(initial=0.0))


def bends(changes: list[tuple[float, int]], digits: int = 3) -> str:
    """``1 change: convex from 0.577``."""
    places = ", ".join(f"{'convex' if sign > 0 else 'concave'} from {alpha:.{digits}f}" for alpha, sign in changes)
    return f"{counted(len(changes), 'change')}{': ' if places else ''}{places}"


def _read_bends(seed: Column) -> Reading:
    if (failed := seed.no_drop() or seed.too_few_to_bend()) is not None:
        return failed
    size = seed.tau * seed.fall
    changes = curvature_changes(*seed.line, size)
    if not changes and not largest_bend(*seed.line) >= size:
        return Reading("no bend above tau", None, note="the samples are too dense for a bend to exceed tau")
    holds = len(changes) == 1 and changes[0][1] > 0 and changes[0][0] <= 0.6 + SLACK
    return Reading(bends(changes), holds, abs(len(changes) - 1) + (changes[0][0] if changes else 0))


def _is_before(curve: Curve) -> Array:
    return np.asarray((curve.alphas >= -SLACK) & (curve.alphas < 1 - SLACK))


def _read_search(seed: Column) -> Reading:
    """The solution itself is left out: with it the best sample could never be worse, and the claim could not fail."""
    if (failed := seed.no_way_down()) is not None:
        return failed
    (a, v), inside = seed.line, _is_before(seed.curve)
    k = int(np.argmin(v[inside]))
    excess = float((v[inside][k] - seed.at(1.0)) / seed.fall)
    text = f"best at {a[inside][k]:.3f}, excess {excess:.2g} of the drop"
    return Reading(text, excess <= 0.02, excess, miss=above(excess, 0.02))


def _coarse(result: Result, name: str) -> Iterator[Evidence[Column]]:
    for evidence in along("train", 0, 1)(result, name):
        if ((evidence.line.alphas >= 0) & (evidence.line.alphas < 1)).sum() <= COARSE:
            yield evidence


def _read_learning(seed: Learned) -> Reading:
    epochs, v = seed.epochs, seed.values
    last = float(epochs[np.isfinite(v)][-1])
    if last < 10 or not {0.0, 5.0} <= set(epochs.tolist()):
        return Reading(f"{last:g} epochs in all", None, note="five epochs are early only in a run of ten or more")
    v = v[np.isfinite(v)]
    gain = float(v[0] - v.min())
    if not gain > (back := largest_rise(epochs[: len(v)], v, first=0.0, last=last)):
        why = "without a gain larger than what is lost again there is no learning to place"
        return Reading(f"a gain of {gain:.3g} nats, a rise of {back:.3g} between epochs", None, note=why)
    share = float((v[0] - v[epochs[: len(v)] == 5][0]) / gain)
    text = f"{share:.3f} of the gain after 5 of {last:g} epochs"
    return Reading(text, share >= 0.90, -share, miss=short_of(share, 0.90))


def _test_errors(result: Result, name: str) -> Iterator[Evidence[tuple[float, int, bool]]]:
    counts = result.numbers.get("num_test_errors")
    if naming.recipe(result) in MAX_TEST_ERRORS and counts is not None:
        values = np.atleast_1d(np.asarray(counts, dtype=np.float64))
        columns, left_out = result.usable(values[None, :])
        seeds = [(float(values[s]), MAX_TEST_ERRORS[naming.recipe(result)], result.scale == "full") for s in columns]
        yield Evidence(result, f"{name}, test", seeds, left_out)


def _read_errors(seed: tuple[float, int, bool]) -> Reading:
    num, limit, is_full = seed
    why = "" if is_full else "the threshold is meant for the full scale only"
    return Reading(f"{num:g} test errors", num <= limit if is_full else None, num, note=why, miss=above(num, limit))


CONCAVE_THEN_CONVEX = Claim(
    "1e", "Apart from its flat start the line is convex", "Fig. 1", "1 change, to convex, at α <= 0.6"
).by(_read_bends, along("train", 0, 1, least=3))
COARSE_SEARCH_SUFFICES = Claim(
    "1f", "A coarse line search finds a point as good", "Fig. 1", "excess <= 0.02 of the drop"
).by(_read_search, _coarse, note=lambda e: f"best of {int(_is_before(e.line).sum())} samples before the solution")
LEARNS_EARLY = Claim(
    "1g", "Most of the learning happens in the first epochs", "Fig. 1", "share >= 0.90 after 5 epochs"
).by(_read_learning, learning("train/objective", "train, learning curve"))
FEW_TEST_ERRORS = Claim(
    "1h",
    "The solution is as good as published",
    "Fig. 1",
    lambda e: f"<= {MAX_TEST_ERRORS[naming.recipe(e.result)]} test errors",
).by(_read_errors, _test_errors)
FROM_START_TO_SOLUTION = (
    *(starts_uniform(), monotone(), one_minimum_at_solution(), flat_at_start()),
    *(CONCAVE_THEN_CONVEX, COARSE_SEARCH_SUFFICES, LEARNS_EARLY),
)
"""Checks 1a to 1g: what the paper says of every line from a start to its solution."""
