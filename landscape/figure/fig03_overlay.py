"""Figure 3: J along the line of several networks on one logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, joined, on_curve
from landscape.figure.checks import judge as judge_checks
from landscape.figure.claims import monotone, one_minimum_at_solution
from landscape.figure.decided import within_error
from landscape.figure.reading import Reading, counted, covers
from landscape.figure.sweep.copies import joined as joined_seeds
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

ORDER = ("maxout", "relu_dropout", "sigmoid")  # each in its own colour, whichever command came first
MONOTONE = monotone("3a", "Fig. 3", "train")
SAME_START = Claim("3b", "All networks start at the same J", "Fig. 3", "spread of J(0) <= 0.005", identity=True)
ONE_MINIMUM = one_minimum_at_solution("3c", "Fig. 3", "train")


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Training J of every net, and its validation J thin and dotted; with its seeds where they differ in number."""
    figure, axes = style.alone(7.4, 4.2)
    results = sorted(joined_seeds(results), key=lambda result: naming.rank(naming.recipe(result), ORDER))
    words, nums = list(map(naming.read_out, naming.names(results))), [result.num_columns for result in results]
    if len(set(nums)) > 1:
        words = [f"{word}, {counted(num, 'seed')}" for word, num in zip(words, nums, strict=True)]
    drawn = panel.draw_jobs(axes, results, words, ("train", "valid"))
    axes.set_yscale("log")
    panel.label_line(axes, "", drawn, legend=False)
    style.legend_outside(figure, panel.told_of(drawn, [axes]))
    title = f"Fig. 3: the lines{caption.on_data(results)} on a logarithmic axis"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """3a: each line is monotone; 3b: all start at the same J; 3c: each has its minimum at the solution."""
    results = joined_seeds(results)
    return judge_checks([MONOTONE], results) + same_start(results) + judge_checks([ONE_MINIMUM], results)


def same_start(results: Sequence[Result]) -> list[Verdict]:
    """3b: the J(0) of all jobs and seeds lie within 0.005 nats of each other; needs two recipes."""
    found = []
    for mode in ("stochastic", "deterministic"):
        curves = [(result, result.curves.get(f"train/{mode}")) for result in results]
        lines = [on_curve(result, curve, "") for result, curve in curves if curve is not None and covers(curve, 0, 0)]
        starts = [seed.at(0.0) for line in lines for seed in line.seeds]
        judged = [line.result for line in lines if line.seeds]
        if len({naming.recipe(result) for result in judged}) > 1:
            spread = max(starts) - min(starts)
            reading = Reading(f"spread {spread:.2g} nats over {len(starts)} lines", spread <= 0.005, spread)
            note = joined(*(line.note for line in lines))
            found.append(SAME_START.said(judged[0], f"all, train, {mode}", [reading], note))
    return found
