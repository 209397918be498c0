"""Figure 12: how learning rate and momentum bend the way down a convex quadratic, run and in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, panel, style
from landscape.figure.descents import judge, ordered, setting, track
from landscape.result.curve import random_walk_limit
from landscape.result.saved import Result

__all__ = ["draw", "judge"]

LIKE_ORANGE = 5
"""The look that is left out: amber in the dashes of orange, hard to tell apart where tracks cross."""


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Residual against projection in units of R, a colour per setting, theory as open markers on each run's line."""
    figure, axes = style.alone(8.4, 4.3)
    jobs = ordered(results)
    x, r = random_walk_limit(solution_step=1, num_steps=1)
    axes.plot(x, r, zorder=1, **style.LONG_DASHES)
    looks = [panel.job_look(k) for k in range(len(jobs) + 1) if k != LIKE_ORANGE]
    for result, look in zip(jobs, looks, strict=False):
        _draw(axes, result, look)
    if jobs:
        axes.plot([], [], color=style.GREY, markersize=4.5, label="exact, at 64 steps or less", **style.HOLLOW)
        axes.fill_between([], [], [], color=style.GREY, alpha=0.3, label="random solutions: mean x ± 2 std")
        axes.plot([], [], label="half circle (Thales)", **style.LONG_DASHES)
        axes.plot([1], [0], "*", color=style.BLACK, markersize=11, clip_on=False, zorder=5, label="solution")
    else:
        panel.close(axes, panel.Drawn())
    axes.set(xlabel="projection on the line to the solution, x / R", ylabel="residual, r / R", aspect="equal")
    axes.set_ylim(bottom=0)
    style.legend_outside(figure)
    return caption.finish(figure, results, _title(jobs), _notes(jobs), judge(results), ["vary"])


def _title(jobs: Sequence[Result]) -> str:
    sizes = {(job.config.get("model") or {}).get("dimension") for job in jobs}
    size = f" in {sizes.pop():,} dimensions" if len(sizes) == 1 and None not in sizes else ""
    return f"Fig. 12: gradient descent on a convex quadratic{size}"


def _notes(jobs: Sequence[Result]) -> list[str]:
    widest = 0.0
    for job in jobs:
        low, high = (job.projections.get(f"expected_{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            widest = max(widest, float(((high.projection - low.projection) / high.length).max()))
    notes = [f"over random solutions x spreads by up to ±{widest / 2:.2g} R (2 std); the spread of r is not drawn"]
    shades = [setting(job).label for job in jobs if setting(job).noise]
    rms = "with gradient noise the exact points are mean x and root mean square r: " + "; ".join(shades)
    return notes * bool(widest) + [rms] * bool(shades)


def _draw(axes: Axes, result: Result, look: dict[str, Any]) -> None:
    run, theory = result.projections["descent"], result.projections.get("theory")
    label = setting(result).label
    for s in range(run.projection.shape[1]):
        x, r = track(run, s)
        axes.plot(x, r, **{**look, "linewidth": 1.3}, zorder=2, label=label)
    if theory is not None:
        small = {"markersize": 4.2, "markeredgewidth": 0.8, "color": look["color"]}
        axes.plot(*track(theory), zorder=3, **style.HOLLOW, **small)
    low, high = (result.projections.get(f"expected_{end}") for end in ("low", "high"))
    if low is not None and high is not None:
        (left, r), (right, _) = track(low), track(high)
        axes.fill_betweenx(r, left, right, color=look["color"], alpha=0.25, linewidth=0, zorder=1)
