"""Figure 8: an LSTM language model, J along the line from start to solution; without dropout first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import Check, Claim, along, judge_job
from landscape.figure.claims import flat_by
from landscape.figure.decided import within_error
from landscape.figure.part_lines import Lines, lines_of
from landscape.figure.reading import SLACK, Column, Reading, above, counted, covers
from landscape.result.curve import Curve, argmin_alpha, local_minima, relative_rise, value_at
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

BOTH, MODES = "train valid", "deterministic stochastic"
START_LIMIT, RISE_LIMIT, FLAT_LIMIT, ARGMIN_LIMIT = 0.02, 1e-3, 0.05, 2 / 9  # the reproduction notes' own, Fig. 8
PUBLISHED, MAX_PERPLEXITY = "lstm_large", 85  # 82.2 on validation in Zaremba et al. 2014
MOST_EPOCHS = 15
"""Epochs of which a footer tells every perplexity; of more every other, or every third."""


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Per net J along the line, with its parts where they were measured, and J during training."""
    lines = lines_of(results)
    width = 3 if any(line.parts for line in lines) else 2
    figure, grid = style.new(len(lines), width, width=1.0 + 4.2 * width, height=0.8 + 3.4 * len(lines))
    notes: list[str] = []
    for line, row in zip(lines, grid, strict=True):
        drawn = _along(row[0], line.whole)
        panel.label_line(row[0], f"{line.name}: J per token along the line", drawn)
        notes += drawn.notes
        if width == 3:
            notes += _parts(row[1], line)
        notes += _learning(row[-1], line)
    title = f"Fig. 8: {naming.recipes(results)}{caption.on_data(results)}"
    return caption.finish(figure, results, title, notes, verdicts=judge(results))


def _parts(axes: Axes, line: Lines) -> list[str]:
    """J up to the solution, of all parameters and of some alone from the same start, on the training split."""
    drawn = panel.Drawn()
    for k, (word, result) in enumerate([("all parameters", line.whole), *line.parts]):
        curve = result.curves.get("train/deterministic")
        if curve is None or not covers(curve, 0, 1):
            continue
        rows = (curve.alphas >= -SLACK) & (curve.alphas <= 1 + SLACK)
        look = {**panel.job_look(k), "marker": "o", "markersize": 3.0, "label": word}
        drawn += panel.band(axes, result, curve.alphas[rows], curve.objective[rows], **look)
    if drawn.num_seeds:
        axes.axvline(1 / 9, color=style.GREY, linewidth=0.8, linestyle=":", label="α = 1/9")
    panel.label_line(axes, "whose J the line loses: training, no dropout", drawn)
    return list(drawn.notes)


def _learning(axes: Axes, line: Lines) -> list[str]:
    """J during training with an axis of perplexities beside it, and the perplexities on validation for the footer."""
    result = line.whole
    drawn = panel.draw_learning(axes, result)
    has_masks = "train/stochastic" in result.curves
    plain = (result.config.get("training") or {}).get("validation") == "deterministic"
    for curve in axes.lines if has_masks else ():
        word = str(curve.get_label())
        if word in style.SPLIT_WORD.values():
            is_plain = plain and word == style.SPLIT_WORD["valid"]
            curve.set_label(f"{word}, {'no' if is_plain else 'with'} dropout")
    panel.label_learning(axes, f"{line.name}: J per token during training", drawn)
    if not drawn.num_seeds:
        return list(drawn.notes)
    low, high = axes.get_ylim()
    beside = axes.secondary_yaxis("right", functions=(lambda v: v, lambda v: v))
    places = [p for m in (1, 2, 5) for k in range(12) if low <= math.log(p := m * 10.0**k) <= high]
    beside.set_yticks([math.log(p) for p in places], labels=[f"{p:,.0f}" for p in places])
    beside.set_ylabel("perplexity exp J")
    return [*drawn.notes, _perplexities(line)]


def _perplexities(line: Lines) -> str:
    """``validation perplexity after epoch 1, 2, ...``, of the median of the seeds."""
    history = line.whole.learning_curve
    values = None if history is None else history.channels.get("valid/objective")
    columns = [] if values is None else line.whole.usable(values, ragged=True)[0]
    if history is None or values is None or not columns:
        return ""
    rows = np.flatnonzero(np.isfinite(values[:, columns]).all(axis=1) & (history.epochs > 0))
    rows = rows[:: max(1, math.ceil(len(rows) / MOST_EPOCHS))]
    told = [f"{history.epochs[k]:g}: {_exp(float(np.median(values[k, columns]))):.4g}" for k in rows]
    return f"{line.name}: validation perplexity by epoch {', '.join(told)}" if told else ""


def _along(axes: Axes, result: Result) -> panel.Drawn:
    """Deterministic curves with the perplexity at the solution in their labels, thin ones with masks beside them."""
    curves, beside = [], []
    for split, word in style.SPLIT_WORD.items():
        if (curve := result.curves.get(f"{split}/deterministic")) is not None:
            columns, _ = result.usable(curve.objective)
            known = columns and covers(curve, 1, 1)
            curves.append((curve, word + f" (perplexity {_perplexity(curve, columns)} at α = 1)" if known else word))
        if (curve := result.curves.get(f"{split}/stochastic")) is not None:
            beside.append((curve, f"{word}, with dropout"))
    return panel.draw_curves(axes, result, curves, beside)


def _exp(value: float) -> float:
    """e^value, infinite where it overflows."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def _perplexity(curve: Curve, columns: Sequence[int]) -> str:
    values = [_exp(value_at(curve.alphas, curve.objective[:, s], 1.0)) for s in columns]
    return f"{np.median(values):.4g}"


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """8a start, 8b monotone, 8c flat at the start, 8d argmin, 8e one minimum, 8f perplexity, of every line.

    Where the line of the output's bias alone was measured, and that of all but it, 8c tells what each brings by
    alpha = 1/9: the bias learns how frequent each word is, and of the reduced net's drop it brings three fifths there.
    """
    found: list[Verdict] = []
    for line in lines_of(results):
        if not line.is_part:  # the paper speaks of none
            found += judge_job(checks_of(line), line.whole, line.name, by_curve=True)
            found += judge_job([AS_PUBLISHED], line.whole, line.name)
    return found


def _start(seed: Column) -> Reading:
    num, value = naming.num_classes(seed.result), seed.at(0.0)
    off = abs(value - math.log(num))
    return Reading(
        f"J(0) = {value:.5f}, ln {num:,} = {math.log(num):.5f}", off <= START_LIMIT, off, miss=above(off, START_LIMIT)
    )


def _falls(seed: Column) -> Reading:
    rise = relative_rise(*seed.line)
    return seed.weighed_rise(
        Reading(f"rise {rise:.2g} of the drop", rise <= RISE_LIMIT, rise, miss=above(rise, RISE_LIMIT))
    )


def _lowest(seed: Column) -> Reading:
    at = argmin_alpha(*seed.line)
    return Reading(f"argmin at {at:.3f}", abs(at - 1) <= ARGMIN_LIMIT + SLACK, abs(at - 1))


def _single(seed: Column) -> Reading:
    num = len(local_minima(*seed.line, seed.tau * seed.fall))
    text = f"{counted(num, 'minimum')}, at tau {seed.tau:.2g} of the drop"
    return Reading(text, num == 1, abs(num - 1))


def _as_good(seed: Column) -> Reading:
    is_fair = seed.result.scale == "full" and naming.recipe(seed.result) == PUBLISHED
    why = "" if is_fair else f"published for {PUBLISHED} at full scale, on the whole Penn Treebank"
    value = _exp(seed.at(1.0))
    return Reading(f"perplexity {value:.2f}", value <= MAX_PERPLEXITY if is_fair else None, value, note=why)


def _flat(line: Lines, seed: Column) -> Reading:
    if (failed := seed.no_drop()) is not None:
        return failed
    found = [(word, line.shares(part, seed.curve, seed.s, 1 / 9)) for word, part in line.parts]
    told = [f"{word} {share[0]:.3f} (of its own drop {share[1]:.3f})" for word, share in found if share is not None]
    reading = flat_by(*seed.line, FLAT_LIMIT)
    return replace(reading, measured="; ".join([reading.measured, ", ".join(told)] if told else [reading.measured]))


def checks_of(line: Lines) -> tuple[Check[Column], ...]:
    """8a to 8e of one line."""
    flat = Claim("8c", "The line is flat near the start", "Fig. 8", f"share <= {FLAT_LIMIT} at α = 1/9")
    return (
        *CHECKS[:2],
        flat.by(lambda seed: _flat(line, seed), along(BOTH, 0, 1, MODES), needs_training=True),
        *CHECKS[2:],
    )


CHECKS = (
    Claim(
        "8a",
        lambda e: f"The start guesses uniformly: J(0) = ln {e.num_classes:,}",
        "Fig. 8",
        lambda e: f"|J(0) - ln {e.num_classes:,}| <= {START_LIMIT}",
    ).by(_start, along(BOTH, 0, 0, MODES)),
    Claim("8b", "J falls monotonically from start to solution", "Fig. 8", f"rise <= {RISE_LIMIT:g} of the drop").by(
        lambda seed: seed.no_way_down() or _falls(seed), along(BOTH, 0, 1, MODES), needs_training=True
    ),
    Claim("8d", "The lowest point of the line is at the solution", "Fig. 8", "argmin within 2/9 of 1").by(
        lambda seed: seed.no_drop() or _lowest(seed), along(BOTH, 0, 1 + ARGMIN_LIMIT, MODES), needs_training=True
    ),
    Claim("8e", "The line has exactly one minimum", "Fig. 8", "1 minimum").by(
        lambda seed: seed.no_way_down() or _single(seed), along(BOTH, 0, 1 + 1 / 9, MODES), needs_training=True
    ),
)
AS_PUBLISHED = Claim(
    "8f", "The solution is as good as published", "Fig. 8", f"validation perplexity <= {MAX_PERPLEXITY}"
).by(_as_good, along("valid", 1, 1, "deterministic"))
