"""Extension 5: the line between two solutions, the units of the second in the order of the first's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim
from landscape.figure.decided import within_error
from landscape.figure.reading import Column, Reading, covers
from landscape.result.curve import Curve, chord_barrier
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

WAYS = {
    None: "as trained",
    "weights": "matched by weights",
    "activations": "matched by activations",
    "random": "random order",
}
MATCHED = ("weights", "activations")
LOWEST = 1e-3  # a smaller share is drawn there
ADAM = "relu_adam"  # the recipe
SOURCE = "section 3"
LEAST = 0.02  # nats: a barrier below it is none
SHARE = 0.25  # of the barrier as trained: what may be left where the solutions differ by a broken symmetry alone
NULL = 0.5  # of it: what a random order must leave


def way(result: Result) -> str | None:
    """How the second end of a job's lines was aligned."""
    found: str | None = (result.config.get("endpoints") or {}).get("align")
    return found


def curve_of(result: Result) -> Curve | None:
    """J on the training split, without dropout, where it was measured on all of the line."""
    curve = result.curves.get("train/deterministic")
    return curve if curve is not None and covers(curve, 0, 1) else None


def nets(results: Sequence[Result]) -> dict[str, dict[str | None, Result]]:
    """The jobs of each net that differ in how they are aligned, by that; the one as trained first."""
    plain = [
        [o for o in naming.plain_overrides(r) if not o.lstrip("+").startswith("endpoints.align=")] for r in results
    ]
    found: dict[str, dict[str | None, Result]] = {}
    for result, overrides in zip(results, plain, strict=True):
        others = [o for o in overrides if not all(o in other for other in plain)]
        if curve_of(result) is not None and result.choices.get("endpoints", "between_solutions") == "between_solutions":
            jobs = found.setdefault(", ".join([naming.recipe(result), *others]), {})
            jobs.setdefault(way(result), result)
    return {name: {w: jobs[w] for w in WAYS if w in jobs} for name, jobs in found.items() if None in jobs}


def barriers(result: Result) -> dict[str, float]:
    """The chord barrier of each pair's line, by the name of the pair."""
    return {name: chord_barrier(*column.line) for name, column in _columns(result).items()}


def _columns(result: Result) -> dict[str, Column]:
    curve = curve_of(result)
    if curve is None:
        return {}
    names = result.seed_names(curve.objective.shape[1])
    return {names[s]: Column(result, curve, s) for s in result.usable(curve.objective)[0]}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """J along the lines of each net, a colour per way of aligning; below, what is left of each barrier."""
    groups = nets(results)
    num = max(len(groups), 1)
    figure, grid = style.new(2, num, width=3.2 * num + 2.2, height=5.4)
    drawn = panel.Drawn()
    for column, jobs in enumerate(groups.values()):
        for k, (how, label) in enumerate(WAYS.items()):
            curve = curve_of(jobs[how]) if how in jobs else None
            if curve is not None:
                look = {**panel.job_look(k), "label": label}
                drawn += panel.band(
                    grid[0][column], jobs[how], curve.alphas, curve.objective, bound=bound_of(curve), **look
                )
        panel.mark_ends(grid[0][column], np.array([0.0, 1.0]))
        _draw_shares(grid[1][column], jobs)
    for column, title in enumerate(groups or [""]):
        panel.label_line(grid[0][column], naming.read_out(title), drawn, legend=False)
        grid[0][column].set_yscale("log")
        style.round_ticks(grid[0][column].yaxis)
    style.legend_outside(figure, drawn.legend_title)
    notes = [
        *drawn.notes,
        "barrier: the highest J above the chord of the ends, below 0.001 drawn there; dots: the pairs of seeds",
    ]
    title = f"Ext. 5: two solutions and the order of their units{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _draw_shares(axes: Axes, jobs: dict[str | None, Result]) -> None:
    """The barrier under each way of aligning, in units of the one as trained."""
    before = barriers(jobs[None])
    for k, how in enumerate(WAYS):
        if how in jobs and how is not None:
            shares = [found / before[pair] for pair, found in barriers(jobs[how]).items() if before.get(pair, 0) > 0]
            color = panel.job_look(k)["color"]
            shares = [max(share, LOWEST) for share in shares]
            axes.plot([k] * len(shares), shares, color=color, linestyle="none", marker="o", markersize=5)
    axes.axhline(SHARE, color=style.GREY, linewidth=0.8, linestyle=":", label="at most, if one basin")
    axes.axhline(NULL, color=style.GREY, linewidth=0.8, linestyle="--", label="at least, in random order")
    ways = [str(how) for how in WAYS if how is not None]
    axes.set_xticks(range(1, len(WAYS)), ways)
    axes.set(xlim=(0.5, len(WAYS) - 0.5), ylabel="barrier / as trained")
    axes.set_yscale("log")
    axes.set_ylim(0.7 * LOWEST, max(2.0, axes.get_ylim()[1]))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """ext05a: matched, the barrier melts; ext05b: at random it stays; ext05c: J at the ends; ext05d: Adam's nets."""
    found = []
    for name, jobs in nets(results).items():
        matched = [how for how in MATCHED if how in jobs]
        if matched:
            found.append(_judge(MELTS, name, jobs, matched))
        if "random" in jobs:
            found.append(_judge(STAYS, name, jobs, ["random"]))
        if len(jobs) > 1:
            found.append(_ends_stay(name, jobs))
        if "weights" in jobs and naming.recipe(jobs[None]) == ADAM:
            found.append(_judge(CONNECTED, name, jobs, ["weights"]))
    return found


MELTS = Claim(
    "ext05a",
    "Two solutions differ by how they broke the symmetry of the origin: matched, no barrier is left",
    SOURCE,
    f"the lower barrier of both matchings <= {SHARE:g} of it as trained",
    needs_training=True,
)
STAYS = Claim(
    "ext05b",
    "A random order of the units takes no barrier away",
    SOURCE,
    f"barrier >= {NULL:g} of it as trained",
    needs_training=True,
)
CONNECTED = Claim(
    "ext05d",
    "Matched by their weights, two nets trained by Adam have no barrier between them",
    "Ainsworth et al. 2023",
    f"barrier by weights <= {LEAST:g} nats",
    needs_training=True,
)
SAME = Claim(
    "ext05c", "The order of the units changes no J at the ends", SOURCE, "J(0), J(1) equal to rounding", identity=True
)


def _judge(claim: Claim, name: str, jobs: dict[str | None, Result], ways: Sequence[str | None]) -> Verdict:
    columns = _columns(jobs[None])
    after = {how: barriers(jobs[how]) for how in ways}
    pairs = [pair for pair in columns if all(pair in found for found in after.values())]

    def read(pair: str) -> Reading:
        before, left = barriers(jobs[None])[pair], {how: found[pair] for how, found in after.items()}
        text = f"{before:.3g} nats, then {', '.join(f'{height:.3g} by {how}' for how, height in left.items())}"
        if not before > max(LEAST, columns[pair].least_difference()):
            return Reading(text, None, note=f"a barrier below {LEAST:g} nats, or within the noise, is none")
        share = min(left.values()) / before
        if claim is MELTS:
            return Reading(text, share <= SHARE, share)
        if claim is STAYS:
            return Reading(text, share >= NULL, -share)
        return Reading(text, min(left.values()) <= LEAST, share)

    return claim.said(jobs[None], name, [read(pair) for pair in pairs])


def _ends_stay(name: str, jobs: dict[str | None, Result]) -> Verdict:
    """J at both ends as trained, and in every order."""
    columns, others = _columns(jobs[None]), [_columns(job) for how, job in jobs.items() if how is not None]

    def read(pair: str) -> Reading:
        ends = [(columns[pair].at(alpha), [other[pair].at(alpha) for other in others]) for alpha in (0.0, 1.0)]
        off = max(abs(value - own) for own, values in ends for value in values)
        limit = 20 * max(columns[pair].rounding, *(other[pair].rounding for other in others))
        return Reading(f"J at the ends moves by {off:.2g} nats", bool(np.isfinite(off)) and off <= limit, off)

    return SAME.said(jobs[None], name, [read(pair) for pair in columns if all(pair in other for other in others)])
