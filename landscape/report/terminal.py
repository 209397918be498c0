"""A sweep in the terminal: means per setting, and in how many runs each claim holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from landscape.figure import caption
from landscape.figure.style import SPLIT_WORD
from landscape.figure.sweep import copies
from landscape.figure.sweep.number import Number, headline
from landscape.figure.sweep.rate import SPLITS, are_monotone, say_open
from landscape.ground.columns import Claimed, Columns, hanging, text
from landscape.report.summary import Mean, Rate, Setting, by_setting, failures_first, means, rates
from landscape.report.sweep import Row, counted
from landscape.result.curve.noise import wilson
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

MAX_SETTINGS = 24
"""Settings shown; ``sweep_summary.csv`` has all of them."""


def summary(results: Sequence[Result], rows: Sequence[Row], verdicts: Sequence[Verdict]) -> RenderableType:
    """What all jobs of a command show together, short enough to be read at its end.

    Args:
        rows: of ``results``, one per job and seed. verdicts: on them; they have the sentence of each claim.
    """
    parts: list[RenderableType] = []
    said, rows, results = copies.note(results), counted(rows), copies.distinct(results)
    if numbers := headline(results):
        parts.append(_means(numbers, rows))
    if len(results) > 1 and (found := rates(rows)):
        parts.append(_rates(failures_first(found, verdicts), {v.check: v.claim for v in verdicts}))
    between = any(result.choices.get("endpoints") == "between_solutions" for result in results)
    but = ", lines between two solutions left out" if between else ""
    for split in SPLITS:
        fell = [item for result in results for item in are_monotone(result, split)]
        if fell:
            rate = Rate(None, "", "", sum(fell), len(fell), *wilson(sum(fell), len(fell)))
            parts.append(
                Text("\n" * (split == SPLITS[0]) + f"J on [0, 1], {SPLIT_WORD[split]}{but}: monotone in {rate}")
            )
    notes = [caption.stated_error(results), say_open(results), said]
    return Group(*parts, *(Text(note) for note in notes if note))


def _means(numbers: Sequence[Number], rows: Sequence[Row]) -> RenderableType:
    """A line per setting: its keys, how many runs, mean ± standard error of each number."""
    groups = by_setting(rows)
    keys = [key for key, _ in next(iter(groups))]
    by = {(mean.setting, mean.number): mean for mean in means(rows)}
    shown: RenderableType
    if len(groups) == 1:
        (setting,) = groups
        told = [*setting, ("runs", str(len(rows))), *((n.title, _mean(by, setting, n)) for n in numbers)]
        shown = hanging((name, text(value)) for name, value in told)
    else:
        cells = [
            [*(value for _, value in setting), str(len(group)), *(_mean(by, setting, number) for number in numbers)]
            for setting, group in list(groups.items())[:MAX_SETTINGS]
        ]
        shown = Columns([*keys, "runs", *(number.title for number in numbers)], cells, len(keys) + 1)
    notes = ["mean ± standard error over the runs of a setting"] if len(rows) > len(groups) else []
    if len(groups) > MAX_SETTINGS:
        notes.append(f"{len(groups) - MAX_SETTINGS} more settings are in sweep_summary.csv")
    return Group(Text(), shown, *(Text(note, style="dim") for note in notes))


def _mean(by: Mapping[tuple[Setting, str], Mean], setting: Setting, number: Number) -> str:
    """``0.012 ± 0.003``; the number of a line between two solutions has one value per end, and no mean."""
    mean = by.get((setting, number.key))
    if mean is None or not mean.count:
        return "–"
    text = f"{number.factor * mean.mean:.3g}"
    return text if math.isnan(mean.error) else f"{text} ± {number.factor * mean.error:.2g}"


def _rates(found: Sequence[Rate], claims: Mapping[str, str]) -> Group:
    """Of each claim in how many of all runs it holds, with Wilson's 95 % interval; what fails in some comes first."""
    rows: dict[str, list[tuple[str, RenderableType]]] = {}
    for rate in found:
        rows.setdefault(rate.check, []).append((rate.on, Text(str(rate))))
    longest = max(len(rate.on) for rate in found)
    head = Text("\neach run judged alone: in how many a claim holds, with Wilson's 95 % interval")
    return Group(head, *(Claimed(check, claims.get(check, ""), "", part, longest) for check, part in rows.items()))
