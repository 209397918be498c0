"""Extension 2: the line to a solution from starts that training never saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, Evidence, Look, along, judge_job
from landscape.figure.claims import monotone
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, above, nothing_between, primary
from landscape.result.curve import drop, largest_rise
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

STARTS = {
    "init_to_solution": "its own start",
    "noise_to_solution": "noise of the start's norms",
    "other_init_to_solution": "another seed's start",
    "zero_to_solution": "zero",
    "random_to_solution": "N(0, 1)",
}
SOURCE = "Tao et al. 2024"
RISE = 0.01  # of the examples; ours, set before the first run
LEARNED = 0.9  # of a guess's error: above it a net has not begun to tell the classes apart


def start(result: Result) -> str:
    """The word for the start of a job's line."""
    return STARTS.get(result.choices.get("endpoints", ""), result.choices.get("endpoints", "a point"))


def net(result: Result) -> str:
    """``digits, with biases``: what tells one panel from the next."""
    has_biases = (result.config.get("model") or {}).get("bias", True)
    words = [naming.recipe(result), "with biases" if has_biases else "without biases"]
    path = result.choices.get("path", "linear")
    return ", ".join(words + [f"path {path}"] * (path != "linear"))


def is_homogeneous(result: Result) -> bool:
    """Whether theta(alpha) = alpha theta_f up to a positive factor per layer, in a net of ReLUs: the line starts at
    zero, and either there are no biases or each has the power of its layer."""
    model, path = result.config.get("model") or {}, result.config.get("path") or {}
    relu = str((model.get("activation") or {}).get("_target_", "")).endswith(".ReLU")
    scaled = str(path.get("_target_", "")).endswith(".BiasSchedule") and path.get("power") is None
    straight = str(path.get("_target_", "")).endswith(".Linear")
    unbiased = model.get("bias", True) is False
    return relu and result.choices.get("endpoints") == "zero_to_solution" and (scaled or (unbiased and straight))


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J above, the error below; a column per net, a colour per start."""
    nets = list(dict.fromkeys(net(result) for result in results))
    starts = list(dict.fromkeys(start(result) for result in results))
    figure, grid = style.new(2, len(nets), width=3.5 * len(nets) + 2.4, height=6.0)
    drawn = panel.Drawn()
    for result in results:
        column, look = nets.index(net(result)), panel.job_look(starts.index(start(result)))
        look["label"] = f"from {start(result)}"
        for row, curve in enumerate((primary(result, "train"), result.curves.get("train/deterministic"))):
            values = None if curve is None else curve.metrics.get("error") if row else curve.objective
            if curve is not None and values is not None:
                bound = bound_of(curve, "error" if row else "objective")
                drawn += panel.band(grid[row][column], result, curve.alphas, values, bound=bound, **look)
                panel.mark_ends(grid[row][column], curve.alphas)
    for column, title in enumerate(nets):
        panel.label_line(grid[0][column], title, drawn, legend=False)
        panel.label_line(grid[1][column], "", drawn, legend=False)
        grid[1][column].set(ylabel="training error")
        grid[1][column].set_ylim(bottom=0.0)
    style.legend_outside(figure, drawn.legend_title)
    title = f"Ext. 2: the way to a solution from any start{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext02a: the error only falls; ext02b: J only falls; ext02c: alpha theta_f errs where theta_f errs."""
    return [v for result in results for v in judge_job(CHECKS, result, f"{net(result)}, from {start(result)}")]


def _guess(job: Column | Evidence[Column]) -> float:
    """The error of a guess."""
    return 1 - 1 / naming.num_classes(job.result)


def _with_error(splits: str, homogeneous: bool = False) -> Look[Column]:
    """The deterministic curves on which the error was measured."""

    def look(result: Result, name: str) -> Iterator[Evidence[Column]]:
        if homogeneous and not is_homogeneous(result):
            return
        for evidence in along(splits, 0, 1, "deterministic")(result, name):
            if "error" in evidence.line.metrics:
                yield evidence

    return look


def _error_falls(seed: Column) -> Reading:
    """The largest rise of the error on [0, 1] is at most one example in a hundred."""
    alphas, values = seed.alphas, seed.curve.metrics["error"][:, seed.s]
    fall = drop(alphas, values)
    if abs(fall) <= RISE:
        return Reading(f"the error falls by {fall:.4f}", None, note=f"a change of {RISE} or less is none")
    if (missing := nothing_between(alphas)) is not None:
        return missing
    if fall < 0:
        return Reading(f"the error rises by {-fall:.4f} from α = 0 to 1", False, -fall, False)
    rise, low = largest_rise(alphas, values), np.flatnonzero((values < LEARNED * _guess(seed)) & (alphas >= 0))
    first = float(alphas[low[0]]) if len(low) else 1.0
    later = largest_rise(alphas, values, first=min(first, 1.0))
    text = f"rise {rise:.4f}, {later:.4f} from α = {first:.2f} on"
    return Reading(text, rise <= RISE, rise, len(low) > 0 and later <= RISE, miss=above(rise, RISE))


def _errs_alike(seed: Column) -> Reading:
    """Where the net is homogeneous the error is the same at every alpha > 0."""
    values = seed.curve.metrics["error"][seed.alphas > 0, seed.s]
    if len(values) < 2:
        return Reading(f"{len(values)} samples", None, note="nothing to compare")
    spread = float(np.ptp(values))
    return Reading(f"error {values.min():.4f} to {values.max():.4f} over {len(values)} samples", spread == 0, spread)


CHECKS = (
    Claim(
        "ext02a",
        "The error falls monotonically to the solution, whatever the start",
        SOURCE,
        f"rise of the error <= {RISE}",
    ).by(
        _error_falls,
        _with_error("train valid"),
        calibrated=lambda e: f"rise <= {RISE} once the error is below {LEARNED * _guess(e):.2f}",
    ),
    monotone("ext02b", SOURCE, "train"),
    Claim("ext02c", "Scaling all of a homogeneous net changes no answer", SOURCE, "one error at every α > 0").by(
        _errs_alike, _with_error("train", homogeneous=True), identity=True
    ),
)
