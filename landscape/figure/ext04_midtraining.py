"""Extension 4: lines to the solution that start in the middle of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, judge_job
from landscape.figure.claims import monotone
from landscape.figure.decided import within_error
from landscape.figure.monotone_runs import RISE
from landscape.figure.reading import Reading, counted, covers, short_of
from landscape.result.curve import Array, Curve, end_barrier
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SOURCE = "Frankle 2020"
HEIGHT = {"J": RISE, "error": 0.01}  # a barrier is at least so high, in nats and as a share of the examples; the second
# is ours and that of extension 2
UNIT = {"J": " nats", "error": ""}
FALLS = monotone("ext04a", SOURCE, "train")


def epoch_of(result: Result) -> float:
    """Where the line of a job starts; 0 for one that starts at theta_i."""
    return float((result.config.get("endpoints") or {}).get("epoch", 0))


def net(result: Result) -> str:
    """``2 hidden layers, init × 1, batch norm``: what tells one panel from the next."""
    model = result.config.get("model") or {}
    words = [counted(len(model.get("widths") or ()), "hidden layer"), f"init × {float(model.get('init_scale', 1)):g}"]
    return ", ".join(words + ["batch norm"] * bool(model.get("batch_norm")))


def nets(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The jobs of each net with a line from 0 to 1, by the epoch of their start; other settings tell nets apart."""
    own = ("vary.", "endpoints", "model.widths", "model.init_scale", "model.batch_norm")
    plain = [[o for o in naming.plain_overrides(r) if not o.lstrip("+").startswith(own)] for r in results]
    found: dict[str, list[Result]] = {}
    for result, overrides in zip(results, plain, strict=True):
        others = [o for o in overrides if not all(o in other for other in plain)]
        if (curve := curve_of(result)) is not None and covers(curve, 0, 1):
            found.setdefault(", ".join([net(result), *others]), []).append(result)
    return {name: sorted(jobs, key=epoch_of) for name, jobs in found.items()}


def curve_of(result: Result) -> Curve | None:
    """J and the error on the training split."""
    return result.curves.get("train/deterministic")


def channels(curve: Curve) -> dict[str, Array]:
    """``J`` and, where it was measured, ``error``, each [A, S]."""
    return {"J": curve.objective} | {name: v for name, v in curve.metrics.items() if name == "error"}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J, the error, and how high the barrier of each line is; a column per net, a colour per start."""
    groups = nets(results)
    starts = sorted({epoch_of(job) for jobs in groups.values() for job in jobs})
    figure, grid = style.new(3, max(len(groups), 1), width=3.2 * max(len(groups), 1) + 2.4, height=8.0)
    drawn = panel.Drawn()
    for column, jobs in enumerate(groups.values()):
        for job in jobs:
            curve = curve_of(job)
            assert curve is not None
            look = {**panel.job_look(starts.index(epoch_of(job))), "label": f"from epoch {epoch_of(job):g}"}
            for row, (name, values) in enumerate(channels(curve).items()):
                bound = bound_of(curve, "objective" if name == "J" else name)
                drawn += panel.band(grid[row][column], job, curve.alphas, values, bound=bound, **look)
                panel.mark_ends(grid[row][column], curve.alphas)
        _draw_barriers(grid[2][column], jobs)
    for column, title in enumerate(groups or [""]):
        panel.label_line(grid[0][column], title, drawn, legend=False)
        panel.label_line(grid[1][column], "", drawn, legend=False)
        grid[1][column].set(ylabel="training error")
        grid[0][column].set_yscale("log")
        grid[1][column].set_ylim(bottom=0.0)
    style.legend_outside(figure, drawn.legend_title)
    notes = [*drawn.notes, "barrier: the highest value above the higher end; dots: the seeds"]
    title = f"Ext. 4: lines that start during training{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _draw_barriers(axes: Axes, jobs: Sequence[Result]) -> None:
    """The barrier of J and of the error against the epoch of the start, a dot per seed, in units of its threshold."""
    looks: Any = {"J": {"color": style.BLUE, "marker": "o"}, "error": {"color": style.ORANGE, "marker": "x"}}
    for channel, look in looks.items():
        points = [(k, height) for k, job in enumerate(jobs) for height in barriers(job, channel).values()]
        label = f"barrier of {channel}, in units of {HEIGHT[channel]:g}{UNIT[channel]}"
        x, y = [k for k, _ in points], [height / HEIGHT[channel] for _, height in points]
        axes.plot(x, y, linestyle="none", markersize=4, label=label, **look)
    axes.axhline(1.0, color=style.GREY, linewidth=0.8, linestyle=":", label="what counts as a barrier")
    axes.set_xticks(range(len(jobs)), [f"{epoch_of(job):g}" for job in jobs])
    axes.set(xlabel="epoch of the start", ylabel="barrier / threshold")
    axes.set_ylim(bottom=-0.1)


def barriers(result: Result, channel: str) -> dict[str, float]:
    """How far each seed's line climbs above its higher end, by the name of the seed."""
    curve = curve_of(result)
    values = None if curve is None else channels(curve).get(channel)
    if curve is None or values is None:
        return {}
    columns, _ = result.usable(values)
    names = result.seed_names(values.shape[1])
    return {names[s]: end_barrier(curve.alphas, values[:, s]) for s in columns}


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext04a: from the start J falls; ext04b: from somewhere in the middle of training there is a barrier."""
    found: list[Verdict] = []
    for name, jobs in nets(results).items():
        for job in jobs:
            if epoch_of(job) == 0:
                found += judge_job([FALLS], job, f"{name}, from epoch 0")
        middle = [job for job in jobs if epoch_of(job) > 0]
        found += [_meets_barrier(name, middle, channel) for channel in HEIGHT if middle]
    return found


def _meets_barrier(name: str, jobs: Sequence[Result], channel: str) -> Verdict:
    """Whether each seed has a start in the middle of training from which the line climbs before it falls."""
    limit, unit = HEIGHT[channel], UNIT[channel]
    heights = {epoch_of(job): barriers(job, channel) for job in jobs}

    def read(seed: str) -> Reading:
        highest, epoch = max((found[seed], epoch) for epoch, found in heights.items() if seed in found)
        num = sum(found.get(seed, -np.inf) >= limit for found in heights.values())
        text = f"{highest:.2g}{unit} from epoch {epoch:g}" if highest > 0 else "none"
        text += f", a barrier from {counted(num, 'start')} of {len(heights)}"
        return Reading(text, highest >= limit, -highest, miss=short_of(highest, limit))

    seeds = dict.fromkeys(seed for found in heights.values() for seed in found)
    expected = f"barrier >= {limit:g}{unit} from one start at least"
    sentence = "The line from a state in the middle of training meets a barrier"
    check = Claim("ext04b", sentence, SOURCE, expected, needs_training=True)
    starts = f"starts: epochs {', '.join(f'{epoch:g}' for epoch in heights)}"
    return check.said(jobs[0], f"{name}, {channel}", [read(seed) for seed in seeds], starts)
