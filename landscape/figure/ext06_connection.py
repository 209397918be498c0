"""Extension 6: the same two solutions joined by a line, by a line after matching their units, and by trained curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, Evidence, Told
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, above, counted, covers, short_of
from landscape.result.curve import end_barrier
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SHARE = 0.1
"""Of the line's barrier another way may keep; and of ln C that a barrier has, as for figure 5."""
ERROR = 0.01
"""By which the error on validation may exceed that of the worse end."""
WORDS = {"linear": "line", "bezier": "Bézier curve", "polygon": "polygon"}
BENT = ("bezier", "polygon")
OWN = ("path", "endpoints", "vary.")
NONE = 1e-4
"""Nats, where a way that does not climb is drawn."""


@dataclass(frozen=True)
class Way:
    """How a job goes from one solution to the other.

    Args:
        path: the choice.
        align: what was matched first, or nothing.
        job: its result.
    """

    path: str
    align: str
    job: Result

    @property
    def name(self) -> str:
        """``Bézier curve, units matched``."""
        return WORDS[self.path] + ", units matched" * bool(self.align)

    def column(self, label: str, split: str = "train") -> Column | None:
        """J without dropout between one pair of solutions; None where it cannot be used."""
        curve = self.job.curves.get(f"{split}/deterministic")
        if curve is None or not covers(curve, 0, 1):
            return None
        names = self.job.seed_names(curve.objective.shape[1])
        usable, _ = self.job.usable(curve.objective)
        return next((Column(self.job, curve, s) for s in usable if names[s] == label), None)

    @property
    def labels(self) -> list[str]:
        """The pairs of seeds."""
        curve = self.job.curves.get("train/deterministic")
        return [] if curve is None else self.job.seed_names(curve.objective.shape[1])


def ways_of(results: Sequence[Result]) -> dict[str, list[Way]]:
    """The ways of each net, the straight line first; settings that are no way tell nets apart."""
    plain = [[o for o in naming.plain_overrides(r) if not o.lstrip("+").startswith(OWN)] for r in results]
    found: dict[str, dict[tuple[str, str], Way]] = {}
    for result, overrides in zip(results, plain, strict=True):
        path = result.choices.get("path", "linear")
        align = (result.config.get("endpoints") or {}).get("align") or ""
        if path in WORDS and result.choices.get("endpoints") == "between_solutions":
            others = [o for o in overrides if not all(o in other for other in plain)]
            name = ", ".join([naming.recipe(result), *others])
            found.setdefault(name, {}).setdefault((path, str(align)), Way(path, str(align), result))
    order = {
        name: sorted(ways.values(), key=lambda way: (bool(way.align), naming.rank(way.path, WORDS)))
        for name, ways in found.items()
    }
    return {name: ways for name, ways in order.items() if any(way.labels for way in ways)}


def barrier(column: Column) -> float:
    """How far J climbs above the higher end between the two solutions."""
    return end_barrier(*column.line)


def line_of(ways: Sequence[Way]) -> Way | None:
    """The straight line between the solutions as they were trained."""
    return next((way for way in ways if way.path == "linear" and not way.align), None)


def least(result: Result) -> float:
    """What counts as a barrier, in nats."""
    return SHARE * math.log(naming.num_classes(result))


def _counts(evidence: Evidence[Column]) -> str:
    return f"end barrier >= {SHARE:g} ln {evidence.num_classes} = {least(evidence.result):.3f}"


SHRINKS: Told = f"end barrier <= {SHARE:g} of the line's"
LINE = Claim(
    "ext06a", "A barrier stands on the straight line between two solutions", "Fig. 5 left", _counts, needs_training=True
)
ROUND = Claim(
    "ext06b", "A trained curve goes round the barrier of the line", "Garipov 2018", SHRINKS, needs_training=True
)
APART = Claim(
    "ext06c",
    "The barrier belongs to the two solutions, which are different minima off the line as well",
    "Fig. 5 left",
    lambda e: f"on every way that was measured: {_counts(e)}",
    needs_training=True,
)
MATCHED = Claim(
    "ext06d", "Matching the hidden units takes the barrier off the line", "Ainsworth 2023", SHRINKS, needs_training=True
)
GOOD = Claim(
    "ext06e",
    "All along the curve the net is as good on validation",
    "Garipov 2018",
    f"error <= that of the worse end + {ERROR:g}",
    needs_training=True,
)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext06a of the line, ext06b and e of each curve, ext06d of the matched line, ext06c of all ways together."""
    return [verdict for name, ways in ways_of(results).items() for verdict in _judge(name, ways)]


def _judge(name: str, ways: Sequence[Way]) -> Iterator[Verdict]:
    line = line_of(ways)
    if line is None:
        return
    others = [way for way in ways if way is not line]

    def told(claim: Claim, way: Way, read: Callable[[str], Reading | None], about: str) -> Verdict:
        readings = [reading for label in way.labels if (reading := read(label)) is not None]
        return claim.said(way.job, f"{name}, {about}", readings)

    def height(label: str) -> float | None:
        column = line.column(label)
        return None if column is None else barrier(column)

    def read_line(label: str) -> Reading | None:
        found = height(label)
        return None if found is None else Reading(f"{found:.3g} nats", found >= least(line.job), -found)

    def shrinks(way: Way) -> Callable[[str], Reading | None]:
        def read(label: str) -> Reading | None:
            column, found = way.column(label), height(label)
            if column is None or found is None:
                return None
            own = barrier(column)
            text = f"{own:.3g} nats, the line's {found:.3g}"
            if found < least(line.job):
                return Reading(text, None, note="the line has no barrier to go round")
            share = own / found
            return Reading(f"{text}: {share:.2g} of it", own <= SHARE * found, share, miss=above(share, SHARE))

        return read

    def read_all(label: str) -> Reading | None:
        found = height(label)
        heights = {way.name: barrier(column) for way in others if (column := way.column(label)) is not None}
        if found is None or not heights:
            return None
        lowest = min(heights, key=lambda way: heights[way])
        text = f"{heights[lowest]:.3g} nats on the {lowest}, {found:.3g} on the line"
        if found < least(line.job):
            return Reading(text, None, note="the line has no barrier")
        high, bound = heights[lowest], least(line.job)
        return Reading(text, high >= bound, -high, miss=short_of(high, bound))

    yield told(LINE, line, read_line, "line")
    for way in others:
        if way.path in BENT:
            yield told(ROUND, way, shrinks(way), way.name)
        elif way.align:
            yield told(MATCHED, way, shrinks(way), way.name)
    if others:
        yield told(APART, line, read_all, "all ways")
    for way in others:
        if way.path in BENT:
            yield told(GOOD, way, lambda label, way=way: _read_error(way, label), way.name)  # type: ignore[misc]


def _read_error(way: Way, label: str) -> Reading | None:
    column = way.column(label, "valid")
    if column is None or "error" not in column.curve.metrics:
        return None
    errors = column.curve.metrics["error"][:, column.s]
    height = end_barrier(column.alphas, errors)
    return Reading(f"at most {height:.4f} above the worse end", height <= ERROR, height, miss=above(height, ERROR))


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J along each way, the error on validation, and how high each way climbs; a row per net."""
    groups = ways_of(results)
    rows = max(len(groups), 1)
    figure, grid = style.new(rows, 3, width=13.2, height=3.6 * rows + 0.6)
    drawn = panel.Drawn()
    for axes, (name, ways) in zip(grid, groups.items(), strict=False):
        for way in ways:
            look = _look(way)
            for place, split in ((axes[0], "train"), (axes[1], "valid")):
                curve = way.job.curves.get(f"{split}/deterministic")
                values = None if curve is None else curve.objective if split == "train" else curve.metrics.get("error")
                if curve is not None and values is not None:
                    bound = bound_of(curve, "objective" if split == "train" else "error")
                    drawn += panel.band(place, way.job, curve.alphas, values, bound=bound, **look)
                    panel.mark_ends(place, curve.alphas)
        _draw_barriers(axes[2], ways)
        axes[0].set_yscale("log")
        panel.label_line(axes[0], f"{name}: training J", drawn, legend=False)
        panel.label_line(axes[1], f"{name}: validation error", drawn, legend=False)
        axes[1].set(ylabel="error")
        axes[1].set_ylim(bottom=0.0)
    num = max(drawn.num_seeds, default=0)
    words = f"line: median of {counted(num, 'pair')},\nband: all" if drawn.legend_title is not None else None
    style.legend_outside(figure, words)
    lengths = [f"{way.name} {_length(way):.2f}" for ways in groups.values() for way in ways if _length(way)]
    notes = [*drawn.notes, f"a way that climbs less than {NONE:g} nats is drawn there"]
    if lengths:
        notes.append(f"lengths in units of the line between the same ends: {', '.join(lengths)}")
    title = f"Ext. 6: ways from one solution to another{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _look(way: Way) -> dict[str, Any]:
    colours = {"linear": style.GREY, "bezier": style.BLUE, "polygon": style.ORANGE}
    return {
        "color": colours[way.path],
        "linestyle": (0, (4, 1.5)) if way.align else "-",
        "label": way.name,
    }


def _length(way: Way) -> float:
    """In units of the line between the same ends, the mean of all pairs; 0 for a line."""
    own, line = way.job.values("curve/length"), way.job.values("curve/length_of_line")
    if "curve/length" not in way.job.numbers or len(own) != len(line):
        return 0.0
    return sum(a / b for a, b in zip(own, line, strict=True)) / len(own)


def _draw_barriers(axes: Axes, ways: Sequence[Way]) -> None:
    """A dot per pair of solutions on a logarithmic scale, and what counts as a barrier."""
    for k, way in enumerate(ways):
        heights = [barrier(column) for label in way.labels if (column := way.column(label)) is not None]
        look = {"color": _look(way)["color"], "marker": "o" if not way.align else "s", "linestyle": "none"}
        axes.plot([k] * len(heights), [max(height, NONE) for height in heights], markersize=5, **look)
    if ways:
        axes.axhline(least(ways[0].job), color=style.GREY, linewidth=0.8, linestyle=":", label="counts as a barrier")
    axes.set_yscale("log")
    axes.set_ylim(bottom=NONE / 1.5)
    short = [f"{WORDS[way.path].split()[0]}{',' * bool(way.align)}\n{'matched' * bool(way.align)}" for way in ways]
    axes.set_xticks(range(len(ways)), short)
    axes.set(title="how high each way climbs", ylabel="end barrier of J [nats]")
