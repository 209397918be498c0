"""Figure 13: how far training strays from the straight line between its start and its solution."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.figure import caption, naming, style
from landscape.figure.checks import judge as judge_checks
from landscape.figure.decided import within_error
from landscape.figure.sweep.copies import joined
from landscape.figure.track import CHECKS, draw_tracks
from landscape.result.saved import Result
from landscape.result.verdict import Verdict


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Residual against projection in parameter units, a marker per saved epoch, and what a random walk would do."""
    results = joined(results)
    figure, axes = style.alone(7.2, 4.1)
    notes = draw_tracks(axes, results, naming.names(results))
    if axes.get_legend() is None:
        style.legend_outside(figure)
    title = f"Fig. 13: training of {naming.recipes(results)}{caption.on_data(results)}, off the line"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Checks 13a to 13c of every job that holds a trajectory, and two statistics that are reported only."""
    return judge_checks(CHECKS, joined(results))
