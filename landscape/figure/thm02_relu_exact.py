"""Theorem 2: the exact curve of a ReLU net with squared error, and how far J is proven to fall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Claim, joined, judge_job
from landscape.figure.decided import within_error
from landscape.figure.exact import (
    SPLITS,
    draw_line,
    extrema,
    knows_extrema,
    mark_extrema,
    statement,
    theory_agrees,
    usable,
    values,
)
from landscape.figure.reading import Column, Reading, counted, covers
from landscape.result.curve import largest_rise
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

SHOWN = 25
"""Measured points that a panel shows, or a few more."""
UNITS = {"squared_error": "squared error", "cross_entropy": "nats"}


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per job: the grid's points, the exact curve where there is one, and the part that is proven to fall."""
    figure, grid = style.new(1, len(results), width=4.3 * len(results) + 1.9, height=3.7)
    notes = []
    for result, axes in zip(results, grid[0], strict=True):
        split = next((s for s in SPLITS if f"{s}/deterministic" in result.curves), "train")
        notes += _panel(axes, result, split)
        cost = result.choices.get("cost", "")
        title = style.wrapped(f"{cost.replace('_', ' ')}, {style.SPLIT_WORD.get(split, split)}")
        axes.set(title=title, xlabel="α", ylabel=f"J(θ(α)) [{UNITS.get(cost, 'cost')}]")
    style.legend_outside(figure)
    title = f"Theorem 2: {naming.recipes(results)}{caption.on_data(results)}, beyond any grid"
    return caption.finish(figure, results, title, notes, judge(results), ["cost"])


def _panel(axes: Axes, result: Result, split: str) -> list[str]:
    seen, exact = result.curves.get(f"{split}/deterministic"), result.curves.get(f"{split}/theory")
    if seen is None:
        return []
    columns, left_out = usable(result, split)
    if not columns:
        return [left_out]
    s = columns[0]
    every = max(1, len(seen.alphas) // SHOWN)
    label = f"measured, every {every}th of {len(seen.alphas)} points" if every > 1 else "measured"
    draw_line(axes, result, s, split, SHOWN, style.BLUE, label)
    if exact is not None:
        axes.plot(exact.alphas, exact.objective[:, s], color=style.BLUE, label="exact")
        mark_extrema(axes, result, s, style.ORANGE, split, markersize=7)
    until = values(result, "proven_until", split)
    if len(until):
        axes.axvspan(0, until[s], color=style.GREEN, alpha=0.12, linewidth=0, label="proven to fall")
    panel.mark_ends(axes, seen.alphas)
    cost = result.choices.get("cost", "").replace("_", " ")
    return [f"{cost}: {statement(text)}" for text in result.statements[:1]]


EXTREMA = Claim(
    "thm02-extrema",
    "J has no extremum on the way to the solution that is deeper than its rounding",
    "Fig. 4",
    "0 extrema in (0, 1)",
)
PROOF = Claim(
    "thm02-proof", "J falls all the way to the solution, proven with kinks and rounding", "Fig. 4", "proven on [0, 1]"
)


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Exact curve against grid, its extrema, and the proof, of every job and split."""
    pairs = zip(results, naming.names(results), strict=True)
    known = [(r, name, split) for r, name in pairs for split in SPLITS if f"{split}/deterministic" in r.curves]
    return [verdict for job in known for verdict in _judge(*job)]


def _judge(result: Result, name: str, split: str) -> list[Verdict]:
    columns, left_out = usable(result, split)
    about = f"{name}, {split}"
    agrees = theory_agrees("thm02-theory", "theory E5", "The measured curve is the exact one", split, split)
    found = judge_job([agrees], result, name)
    if found and len(values(result, "num_pieces", split)):
        found.append(EXTREMA.said(result, about, [_extrema(result, s, split) for s in columns], left_out))
    if all(len(values(result, f"proven_{key}", split)) for key in ("decreasing", "until")):
        note = joined(*result.statements[:1], left_out)
        found.append(PROOF.said(result, about, [_proof(result, s, split) for s in columns], note))
    return found


def _extrema(result: Result, s: int, split: str) -> Reading:
    num, depths = values(result, "num_pieces", split)[s], values(result, "extremum_depth", split)
    if not np.isfinite(num) or not knows_extrema(result, s, split):
        return Reading("the extrema are not known", None, note="this line has no exact curve")
    exact = result.curves.get(f"{split}/theory")
    if exact is not None and covers(exact, 0, 1) and (failed := Column(result, exact, s).no_drop()) is not None:
        return failed
    inside = [e for e in extrema(result, s, split) if 0 < e.alpha < 1]
    depth = f"{depths[s]:.1g}" if len(depths) > s else "8 times the rounding of the curve"
    text = f"{counted(len(inside), 'extremum')} deeper than {depth}, on {counted(int(num), 'piece')}"
    return Reading(text, not inside, len(inside))


def _proof(result: Result, s: int, split: str) -> Reading:
    """What is not proven is not refuted; a rise on the grid refutes it."""
    holds, end = (values(result, f"proven_{key}", split)[s] for key in ("decreasing", "until"))
    if not np.isfinite(end):
        return Reading("nothing was proven", None, note="this line has no proof")
    seed = Column(result, result.curves[f"{split}/deterministic"], s)
    rise, num = largest_rise(*seed.line), int(values(result, "num_slopes", split)[s])
    text = f"proven on [0, {end:.6g}] by {counted(num, 'slope')}; largest rise of the grid {rise:.2g}"
    told = True if holds == 1 else False if rise > seed.least_difference() else None
    return Reading(text, told, 1 - end, note="" if holds == 1 else "the proof stops there")
