"""Figure 1: maxout networks, one row per recipe; left J along the line, right J during training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import judge as judge_checks
from landscape.figure.claims import FEW_TEST_ERRORS, FROM_START_TO_SOLUTION
from landscape.figure.decided import within_error
from landscape.figure.sweep.copies import joined
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

ROWS = {"maxout_adversarial": "adversarially trained maxout", "maxout": "maxout"}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One row per net, the adversarial recipe first; a learning curve beside each line where one was recorded."""
    results = joined(results)
    named = zip(results, naming.names(results), strict=True)
    pairs = sorted(named, key=lambda pair: naming.rank(naming.recipe(pair[0]), ROWS))
    columns = 2 if any(result.learning_curve is not None for result in results) else 1
    figure, grid = style.new(len(pairs), columns, width=3.9 * columns + 2.4)
    drawn = panel.Drawn()
    for (result, name), row in zip(pairs, grid, strict=True):
        recipe = naming.recipe(result)
        words = name.replace(recipe, ROWS.get(recipe, recipe))
        drawn += panel.draw_splits(row[0], result)
        panel.draw_clean(row[0], result)
        panel.label_line(row[0], f"{words}: from start to solution", drawn, legend=False)
        if columns == 2:
            drawn += panel.draw_learning(row[1], result)
            panel.label_learning(row[1], f"{words}: during training", drawn, legend=False)
    style.share_y(figure.axes)
    style.legend_outside(figure, panel.told_of(drawn, figure.axes))
    title = f"Fig. 1: maxout{caption.on_data(results)}"
    return caption.finish(figure, results, title, drawn.notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Checks 1a to 1h of every net."""
    return judge_checks((*FROM_START_TO_SOLUTION, FEW_TEST_ERRORS), joined(results))
