"""Figure 5: the line between two solutions, and the line from a random point to a solution."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import judge as judge_checks
from landscape.figure.decided import within_error
from landscape.figure.reading import counted
from landscape.figure.sweep.copies import joined
from landscape.figure.two_solutions import BETWEEN_SOLUTIONS, RANDOM_TO_SOLUTION
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

TITLES = {
    "between_solutions": "between the solutions of two seeds",
    "random_to_solution": "from a random point to a solution",
}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per job: two solutions on the left, linear; a random point on the right, logarithmic."""
    results = joined(results)
    ends = [result.choices.get("endpoints", "") for result in results]
    pairs = sorted(zip(results, ends, strict=True), key=lambda pair: naming.rank(pair[1], TITLES))
    figure, grid = style.new(1, len(pairs), width=3.7 * len(pairs) + 2.4, height=3.6)
    drawn, counts = panel.Drawn(), []
    for (result, end), axes in zip(pairs, grid[0], strict=True):
        found = panel.draw_splits(axes, result)
        drawn += found
        num = max(found.num_seeds, default=0)
        counts.append(counted(num, "pair" if end == "between_solutions" else "seed"))
        if end == "random_to_solution":
            axes.set_yscale("log")
        panel.label_line(axes, TITLES.get(end, end), drawn, legend=False)
    several = " and of ".join(dict.fromkeys(counts))
    style.legend_outside(figure, panel.spread_of(several, figure.axes) if drawn.seeds else None)
    title = f"Fig. 5: other minima, {naming.recipes(results)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """5a to 5c on lines between two solutions, 5d on lines from a random point."""
    results = joined(results)
    tables = {"between_solutions": BETWEEN_SOLUTIONS, "random_to_solution": RANDOM_TO_SOLUTION}
    found: list[Verdict] = []
    for end, table in tables.items():
        found += judge_checks(table, [result for result in results if result.choices.get("endpoints") == end])
    return found
