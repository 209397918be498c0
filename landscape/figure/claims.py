"""What the paper says about the line from a start to a solution, each sentence as one function over a Result.

Every function takes a job and its name and returns its verdicts: the training cost with its masks first, then the
deterministic twin. A line that was not sampled where the claim speaks gives none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from landscape.figure import naming, panel
from landscape.figure.noise import weighed_fall, weighed_rise
from landscape.figure.present import no_drop, no_way_down
from landscape.figure.reading import Claim, Reading, counted, covers, over_columns, verdict
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
    tolerance,
    value_at,
)
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

# Positions such as 8/9 are not exact in binary, so "within 1/9 of 1" needs this much slack.
SLACK = 1e-9
# Nets whose larger second-layer start leaves less of a plateau; section 2 of the reproduction notes, check 1d.
RELU_RECIPES = ("relu", "relu_dropout")
# Costs that no choice among classes has.
NOT_A_CHOICE = ("squared_error", "output")
# Published 78.2 and 94 errors, with room for the phase on all 60,000 images that no figure needs; check 1h.
MAX_TEST_ERRORS = {"maxout_adversarial": 110, "maxout": 125}


def column(curve: Curve, s: int) -> tuple[Array, Array]:
    """alphas [A] and J [A] of one seed."""
    return curve.alphas, curve.objective[:, s]


def sampled(result: Result, splits: Sequence[str], first: float, last: float) -> Iterator[Curve]:
    """The curves of these splits, primary before twin, that were sampled over the whole of [first, last]."""
    yield from (curve for curve in panel.curves(result, splits) if covers(curve, first, last))


def largest_bend(a: Array, v: Array) -> float:
    """The largest second difference in size over samples in [0, 1], for any spacing; 0 with fewer than three."""
    inside = (a >= -SLACK) & (a <= 1 + SLACK)
    a, v = a[inside], v[inside]
    chord = v[:-2] + (v[2:] - v[:-2]) * (a[1:-1] - a[:-2]) / (a[2:] - a[:-2])
    return float(2 * np.abs(chord - v[1:-1]).max(initial=0.0))


def too_few_to_bend(a: Array) -> Reading | None:
    """A reading that cannot tell, where fewer than three samples lie in [0, 1]; else None."""
    num = int(np.count_nonzero((a >= -SLACK) & (a <= 1 + SLACK)))
    return None if num > 2 else Reading(f"{counted(num, 'sample')} in [0, 1]", None, note="a bend needs three")


def starts_uniform(result: Result, name: str, limit: float = 0.005, source: str = "Fig. 1") -> list[Verdict]:
    """1a: J(0) is the cost of a uniform guess, ln C, within ``limit`` nats."""
    classes = naming.num_classes(result)
    claim = Claim(
        "1a", f"The start guesses uniformly: J(0) = ln {classes}", source, f"|J(0) - ln {classes}| <= {limit:g}"
    )

    def judge(curve: Curve) -> Verdict:
        known = replace(claim, identity=is_uniform_by_construction(result, curve))

        def read(s: int) -> Reading:
            if (cost := result.choices.get("cost", "")) in NOT_A_CHOICE:
                return Reading(f"J is a {cost.replace('_', ' ')}", None, note="a uniform guess is one of classes")
            start = value_at(*column(curve, s), 0.0)
            off = abs(start - math.log(classes))
            return Reading(f"J(0) = {start:.6f}, off by {off:.2g} nats", off <= limit, off)

        return over_columns(known, result, curve, name, read)

    return [judge(curve) for curve in sampled(result, ("train", "valid"), 0, 0)]


def is_uniform_by_construction(result: Result, curve: Curve) -> bool:
    """Whether J(0) is ln C to rounding in every seed: the softmax starts at zero, and the claim cannot fail."""
    columns, _ = result.usable(curve.objective)
    uniform = math.log(naming.num_classes(result))
    rounding = 4 * float(np.finfo(curve.dtype if curve.dtype in ("float32", "float64") else "float64").eps) * uniform
    return all(abs(value_at(*column(curve, s), 0.0) - uniform) <= rounding for s in columns)


def falls_monotonically(curve: Curve, s: int) -> Reading:
    """Whether one seed's J falls by some drop over [0, 1] and nowhere rises by more than tau of it."""
    a, v = column(curve, s)
    if (failed := no_way_down(curve, s)) is not None:
        return failed
    rise, tau = relative_rise(a, v), tolerance(curve, s)
    reading = Reading(f"rise {rise:.2g} of the drop, tau {tau:.2g}", rise <= tau, rise, rise <= 0.02)
    return weighed_rise(reading, curve, s)


def monotone(
    result: Result, name: str, check: str = "1b", source: str = "Fig. 1", splits: Sequence[str] = ("train", "valid")
) -> list[Verdict]:
    """1b: J only falls from the start to the solution, up to the noise tau of the measurement."""

    def judge(curve: Curve) -> Verdict:
        calibrated = "rise <= 0.02 of the drop" if curve.split == "valid" else ""
        claim = Claim(
            check, "J falls monotonically from start to solution", source, "rise <= tau of the drop", calibrated
        )

        return over_columns(claim, result, curve, name, lambda s: falls_monotonically(curve, s))

    return [judge(curve) for curve in sampled(result, splits, 0, 1)]


def one_minimum_at_solution(
    result: Result, name: str, check: str = "1c", source: str = "Fig. 1", splits: Sequence[str] = ("train", "valid")
) -> list[Verdict]:
    """1c: the lowest sample lies within 1/9 of the solution, J rises after it, and the line has no other minimum."""
    windows = {("train", "deterministic"): (0.9, 1.5)}
    windows |= {("valid", mode): (0.75, 1.15) for mode in ("stochastic", "deterministic")}

    def judge(curve: Curve) -> Verdict:
        window = windows.get((curve.split, curve.mode))
        claim = Claim(
            check,
            "J has one minimum on the line, at the solution, and rises beyond it",
            source,
            "argmin within 1/9 of 1, no fall after it, 1 minimum",
            f"argmin in [{window[0]}, {window[1]}]" if window else "",
        )

        def read(s: int) -> Reading:
            a, v = column(curve, s)
            if (failed := no_way_down(curve, s)) is not None:
                return failed
            low, tau, fall = argmin_alpha(a, v), tolerance(curve, s), drop(a, v)
            back = largest_rise(a, -v, first=low, last=float(a[-1])) / fall  # a rise of -J is a fall of J
            num = len(local_minima(a, v, tau * fall))
            shape = back <= tau and num == 1
            inside = window is not None and window[0] - SLACK <= low <= window[1] + SLACK
            text = (
                f"argmin at {low:.3f}, {counted(num, 'minimum')}, fall after it {back:.2g} of the drop (tau {tau:.2g})"
            )
            holds = shape and abs(low - 1) <= 1 / 9 + SLACK
            reading = Reading(text, holds, abs(low - 1) + back + abs(num - 1), shape and inside)
            return weighed_fall(reading, curve, s, low, float(a[-1]))

        return over_columns(claim, result, curve, name, read)

    # A grid that ends at the solution cannot show a minimum there.
    return [judge(curve) for curve in sampled(result, splits, 0, 1 + 1 / 9)]


def flat_by(a: Array, v: Array, limit: float, relaxed: float = math.inf) -> Reading:
    """Whether at most this share of the drop is over by alpha = 1/9; a climb of more than the share is not flat either.

    Between two samples J may be anything from one to the other: where that decides, the grid does not tell.
    """
    share, k = flattening(a, v), int(np.searchsorted(a, 1 / 9))
    text, ends = f"{share:.4f} of the drop by α = 1/9", [share]
    if np.abs(a - 1 / 9).min() >= SLACK:
        ends = [float((value_at(a, v, 0.0) - value_at(a, v, max(at, 0.0))) / drop(a, v)) for at in (a[k - 1], a[k])]
        text += f" ({min(ends):.4f} to {max(ends):.4f} by its neighbours)"

    def within(most: float) -> bool | None:
        flat = [-most <= end <= most for end in ends]
        return flat[0] if len(set(flat)) == 1 else None

    return Reading(text, within(limit), abs(share), within(relaxed))


def flat_at_start(result: Result, name: str, source: str = "Fig. 1") -> list[Verdict]:
    """1d: the first ninth of the way brings at most 2 % of the drop."""
    relaxed = 0.09 if naming.recipe(result) in RELU_RECIPES else 0.05
    claim = Claim("1d", "The line is flat near the start", source, "share <= 0.02 at α = 1/9", f"share <= {relaxed}")

    def judge(curve: Curve) -> Verdict:
        def read(s: int) -> Reading:
            a, v = column(curve, s)
            return no_drop(curve, s) or flat_by(a, v, 0.02, relaxed)

        exact = bool(np.abs(curve.alphas - 1 / 9).min() < SLACK)
        return over_columns(claim, result, curve, name, read, "" if exact else "α = 1/9 was interpolated")

    return [judge(curve) for curve in sampled(result, ("train",), 0, 1)]


def concave_then_convex(result: Result, name: str, source: str = "Fig. 1") -> list[Verdict]:
    """1e: after the plateau the line is convex: J bends once, from concave to convex, at alpha <= 0.6."""
    claim = Claim("1e", "Apart from its flat start the line is convex", source, "1 change, to convex, at α <= 0.6")

    def judge(curve: Curve) -> Verdict:
        def read(s: int) -> Reading:
            a, v = column(curve, s)
            if (failed := no_drop(curve, s)) is not None:
                return failed
            size = tolerance(curve, s) * drop(a, v)
            if (few := too_few_to_bend(a)) is not None:
                return few
            changes = curvature_changes(a, v, size)
            if not changes and not largest_bend(a, v) >= size:
                return Reading("no bend above tau", None, note="the samples are too dense for a bend to exceed tau")
            listed = ", ".join(f"{'convex' if sign > 0 else 'concave'} from {alpha:.3f}" for alpha, sign in changes)
            holds = len(changes) == 1 and changes[0][1] > 0 and changes[0][0] <= 0.6 + SLACK
            text = f"{counted(len(changes), 'change')}{': ' if listed else ''}{listed}"
            return Reading(text, holds, abs(len(changes) - 1) + (changes[0][0] if changes else 0))

        return over_columns(claim, result, curve, name, read)

    return [judge(curve) for curve in sampled(result, ("train",), 0, 1) if len(curve.alphas) > 2]


def coarse_search_suffices(result: Result, name: str, source: str = "Fig. 1") -> list[Verdict]:
    """1f: of the samples in [0, 1) the best is nearly as good as the solution.

    The solution itself is left out: with it the best sample could never be worse, and the claim could not fail.
    """
    claim = Claim("1f", "A coarse line search finds a point as good", source, "excess <= 0.02 of the drop")

    def judge(curve: Curve) -> Verdict:
        inside = (curve.alphas >= -SLACK) & (curve.alphas < 1 - SLACK)

        def read(s: int) -> Reading:
            a, v = column(curve, s)
            if (failed := no_way_down(curve, s)) is not None:
                return failed
            k = int(np.argmin(v[inside]))
            excess = (v[inside][k] - value_at(a, v, 1.0)) / drop(a, v)
            text = f"best at {a[inside][k]:.3f}, excess {excess:.2g} of the drop"
            return Reading(text, bool(excess <= 0.02), float(excess))

        return over_columns(
            claim, result, curve, name, read, f"best of {int(inside.sum())} samples before the solution"
        )

    # Beyond about ten samples a search is not coarse any more.
    coarse = [
        curve for curve in sampled(result, ("train",), 0, 1) if ((curve.alphas >= 0) & (curve.alphas < 1)).sum() <= 12
    ]
    return [judge(curve) for curve in coarse]


def learns_early(result: Result, name: str, source: str = "Fig. 1") -> list[Verdict]:
    """1g: 90 % of what training ever gains on the training cost is gained in its first five epochs."""
    history = result.learning_curve
    if history is None or "train/objective" not in history.channels:
        return []
    claim = Claim("1g", "Most of the learning happens in the first epochs", source, "share >= 0.90 after 5 epochs")
    values = history.channels["train/objective"]
    columns, note = result.usable(values, ragged=True)

    def read(s: int) -> Reading:
        v = values[:, s]
        last = float(history.epochs[np.isfinite(v)][-1])
        if last < 10 or not {0.0, 5.0} <= set(history.epochs.tolist()):
            return Reading(f"{last:g} epochs in all", None, note="five epochs are early only in a run of ten or more")
        v = v[np.isfinite(v)]
        gain = float(v[0] - v.min())
        if not gain > (back := largest_rise(history.epochs[: len(v)], v, first=0.0, last=last)):
            why = "without a gain larger than what is lost again there is no learning to place"
            return Reading(f"a gain of {gain:.3g} nats, a rise of {back:.3g} between epochs", None, note=why)
        share = float((v[0] - v[history.epochs[: len(v)] == 5][0]) / gain)
        return Reading(f"{share:.3f} of the gain after 5 of {last:g} epochs", share >= 0.90, -share)

    return [verdict(claim, result, f"{name}, train, learning curve", [read(s) for s in columns], note)]


def few_test_errors(result: Result, name: str, source: str = "Fig. 1") -> list[Verdict]:
    """1h: the solution is a good one, counted in errors on the 10,000 test images; judged at full scale only."""
    limit, counts = MAX_TEST_ERRORS.get(naming.recipe(result)), result.numbers.get("num_test_errors")
    if limit is None or counts is None:
        return []
    values = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    columns, note = result.usable(values[None, :])
    claim = Claim("1h", "The solution is as good as published", source, f"<= {limit} test errors")
    full = result.scale == "full"
    why = "" if full else "the threshold is meant for the full scale only"

    def read(s: int) -> Reading:
        return Reading(f"{values[s]:g} test errors", bool(values[s] <= limit) if full else None, values[s], note=why)

    return [verdict(claim, result, f"{name}, test", [read(s) for s in columns], note)]


def from_start_to_solution(result: Result, name: str) -> list[Verdict]:
    """Checks 1a to 1g: what the paper says of every line from a start to its solution."""
    checks = (
        starts_uniform,
        monotone,
        one_minimum_at_solution,
        flat_at_start,
        concave_then_convex,
        coarse_search_suffices,
        learns_early,
    )
    return [verdict for check in checks for verdict in check(result, name)]
