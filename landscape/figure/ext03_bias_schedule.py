"""Extension 3: the straight line, and the line whose biases grow as the product of the weights below them does."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, fair
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, counted, covers
from landscape.result.curve import Curve, plateau_length, value_at
from landscape.result.curve.crossing import Position, plateau_end
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SOURCE = "Wang et al. 2023"
SHARE = 0.1  # of the drop from alpha = 0 to 1: a plateau ends where this much is gone; ours, they give no number
MARGIN = 0.01  # of the line: a smaller difference of two plateaus counts for neither side; ours, before the full run
OWN = ("vary.", "path", "model.bias", "model.widths", "model.init_scale")  # told by a Job itself
STRAIGHT, HOMOGENEOUS, NONE = "straight biases", "homogeneous biases", "no biases"


@dataclass(frozen=True)
class Job:
    """One job: how its biases go, its net, and the result.

    Args:
        biases: one of the words above, or the power. depth: hidden layers. scale: ``model.init_scale``.
        others: the overrides that tell it from another job besides.
    """

    biases: str
    depth: int
    scale: float
    others: str
    result: Result

    @property
    def net(self) -> str:
        """``4 hidden layers, init × 0.25``."""
        return ", ".join([self.depth_word, self.scale_word] + [self.others] * bool(self.others))

    @property
    def depth_word(self) -> str:
        """``4 hidden layers``."""
        return counted(self.depth, "hidden layer")

    @property
    def scale_word(self) -> str:
        """``init × 0.25``."""
        return f"init × {self.scale:g}"

    def curve(self) -> Curve | None:
        """J and the error on the training split, where they were measured from 0 to 1."""
        curve = self.result.curves.get("train/deterministic")
        return curve if curve is not None and "error" in curve.metrics and covers(curve, 0, 1) else None


def lines_of(results: Sequence[Result]) -> list[Job]:
    """Every job, the shallow and the widely started nets first."""
    plain = [[o for o in naming.plain_overrides(r) if not o.lstrip("+").startswith(OWN)] for r in results]
    found = []
    for result, overrides in zip(results, plain, strict=True):
        model = result.config.get("model") or {}
        others = ", ".join(o for o in overrides if not all(o in other for other in plain))
        depth, scale = len(model.get("widths") or ()), float(model.get("init_scale", 1.0))
        found.append(Job(_biases(result), depth, scale, others, result))
    order = [STRAIGHT, HOMOGENEOUS, NONE]
    rank = {word: k for k, word in enumerate([*order, *sorted({x.biases for x in found} - set(order))])}
    return sorted(found, key=lambda x: (x.others, x.depth, -x.scale, rank[x.biases]))


def _biases(result: Result) -> str:
    model, path = result.config.get("model") or {}, result.config.get("path") or {}
    if model.get("bias", True) is False:
        return NONE
    if not str(path.get("_target_", "")).endswith(".BiasSchedule"):
        return STRAIGHT
    power = path.get("power")
    return HOMOGENEOUS if power is None else STRAIGHT if power == 1 else f"biases α^{power:g}"


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J above, the error below, a dot where the plateau ends; a column per net, a colour per way of the biases."""
    lines = lines_of(results)
    nets, words = (list(dict.fromkeys(values)) for values in ((x.net for x in lines), (x.biases for x in lines)))
    figure, grid = style.new(2, len(nets), width=2.6 * len(nets) + 2.4, height=5.6)
    drawn = panel.Drawn()
    for item in lines:
        curve, column = item.curve(), nets.index(item.net)
        if curve is None:
            continue
        look = {**panel.job_look(words.index(item.biases)), "label": item.biases}
        for axes, name in ((grid[0][column], "objective"), (grid[1][column], "error")):
            values, bound = curve.objective if name == "objective" else curve.metrics[name], bound_of(curve, name)
            drawn += panel.band(axes, item.result, curve.alphas, values, bound=bound, **look)
            panel.mark_ends(axes, curve.alphas)
            _mark_plateau(axes, item.result, replace(curve, objective=values), look["color"])
    for column, title in enumerate(nets):
        for row, label in enumerate(("J(θ(α)) [nats]", "training error")):
            panel.label_line(grid[row][column], title * (row == 0), drawn, legend=False)
            grid[row][column].set(ylabel=label * (column == 0))
            grid[row][column].set_ylim(bottom=0.0)
    style.legend_outside(figure, drawn.legend_title)
    notes = [*drawn.notes, f"dots: where {SHARE:.0%} of the drop is gone, the end of the plateau; median of the seeds"]
    title = f"Ext. 3: biases and the plateau{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _mark_plateau(axes: Axes, result: Result, curve: Curve, color: str) -> None:
    """A dot on the median curve at the median length of the plateau."""
    columns, _ = result.usable(curve.objective)
    ends = [plateau_length(curve.alphas, curve.objective[:, s], SHARE) for s in columns]
    if ends and np.isfinite(ends).all():
        middle = np.median(curve.objective[:, columns], axis=1)
        at = float(np.median(ends))
        axes.plot([at], [value_at(curve.alphas, middle, at)], "o", color=color, markersize=4.5, zorder=5)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext03a to d: two jobs that differ in one thing; whose plateau is longer, seed by seed. A job alone: none."""
    lines = [x for x in lines_of(results) if x.curve() is not None]
    by_biases = [{x.biases: x for x in lines if x.net == net} for net in dict.fromkeys(x.net for x in lines)]
    straight = [x for x in lines if x.biases == STRAIGHT]
    by_scale = [sorted(group, key=lambda x: x.scale) for group in _groups(straight, lambda x: (x.depth, x.others))]
    by_depth = [sorted(group, key=lambda x: -x.depth) for group in _groups(straight, lambda x: (x.scale, x.others))]
    pairs = {
        "ext03a": [(x[STRAIGHT], x[HOMOGENEOUS]) for x in by_biases if {STRAIGHT, HOMOGENEOUS} <= set(x)],
        "ext03b": [(x[STRAIGHT], x[NONE]) for x in by_biases if {STRAIGHT, NONE} <= set(x)],
        "ext03c": [(x[0], x[-1]) for x in by_scale if x[0].scale < x[-1].scale],
        "ext03d": [(x[0], x[-1]) for x in by_depth if x[0].depth > x[-1].depth],
    }
    return [
        _longer(check, channel, *pair)
        for check in CHECKS
        for pair in pairs[check.id]
        for channel in (("error",) if check.id in ("ext03a", "ext03b") else ("J", "error"))
    ]


def _groups(lines: Sequence[Job], key: Callable[[Job], Hashable]) -> list[list[Job]]:
    """The lines with one value of the key each."""
    return [[x for x in lines if key(x) == value] for value in dict.fromkeys(map(key, lines))]


def _ends(line: Job, channel: str) -> dict[str, Position]:
    """Where the plateau of each usable seed ends, by the seed's name."""
    curve, result = line.curve(), line.result
    assert curve is not None
    values = curve.objective if channel == "J" else curve.metrics[channel]
    names, found = result.seed_names(values.shape[1]), {}
    for s in result.usable(values)[0]:
        # What J less J(0) may be off by, where it was measured; an error counts examples.
        noise = Column(result, curve, s).least_difference() if channel == "J" and curve.noise else 0.0
        found[names[s]] = plateau_end(curve.alphas, values[:, s], SHARE, noise)
    return found


def _longer(check: Claim, channel: str, long: Job, short: Job) -> Verdict:
    """Whether the plateau of ``long`` is longer than that of ``short`` in every seed that both can show."""
    words = ["biases", "depth_word", "scale_word", "others"]
    mine, others = ([str(getattr(x, word)) for word in words] for x in (long, short))
    about = [word for word, other in zip(mine, others, strict=True) if word == other and word]
    differing = [(word, other) for word, other in zip(mine, others, strict=True) if word != other]
    more, less = (", ".join(side) for side in zip(*differing, strict=True))

    def read(first: Position, second: Position) -> Reading:
        text = f"{first.at:.3f} ({more}) against {second.at:.3f} ({less})"
        by = first.at - second.at
        # An even fall takes SHARE of the line.
        if max(first.high, second.high) < SHARE:
            return Reading(text, None, -by, note=f"an even fall would take {SHARE}: no plateau to compare")
        least, most = first.low - second.high, first.high - second.low
        if least < MARGIN <= most:
            why = "too close to call: less than what the grid and the noise resolve"
            return Reading(f"{text}, longer by {least:.3f} to {most:.3f}", None, -by, note=why)
        return Reading(text, bool(by >= MARGIN), -by)

    def judged(first: Position, second: Position) -> Reading:
        if np.isfinite(first.at - second.at):
            return fair(long.result, read(first, second))
        text = f"{first.at:.3f} ({more}) against {second.at:.3f} ({less})"
        return Reading(text, None, np.inf, note="no plateau where the drop is not positive")

    ends = _ends(long, channel), _ends(short, channel)
    readings = [judged(end, ends[1][seed]) for seed, end in ends[0].items() if seed in ends[1]]
    return check.said(long.result, ", ".join([channel, *about]), readings)


CHECKS = [
    Claim(id, sentence, SOURCE, f"longer by >= {MARGIN} of the line")
    for id, sentence in (
        ("ext03a", "Biases that go homogeneously with the weights shorten the plateau of the error"),
        ("ext03b", "The plateau of the error comes from the biases: without them it is shorter"),
        ("ext03c", "A smaller start makes the plateau longer"),
        ("ext03d", "More layers make the plateau longer"),
    )
]
