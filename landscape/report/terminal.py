"""A sweep in the terminal: means per setting, and in how many runs each claim holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from landscape.figure import caption
from landscape.figure.style import SPLIT_WORD
from landscape.figure.sweep import copies
from landscape.figure.sweep.number import Number, headline
from landscape.figure.sweep.rate import SPLITS, are_monotone, say_open
from landscape.ground.files.text import plain
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
    for split in SPLITS:
        fell = [item for result in results for item in are_monotone(result, split)]
        if fell:
            rate = Rate(None, "", "", sum(fell), len(fell), *wilson(sum(fell), len(fell)))
            parts.append(Text(f"J on [0, 1], {SPLIT_WORD[split]}: monotone in {rate}"))
    notes = [caption.stated_error(results), say_open(results), said]
    return Group(*parts, *(Text(note) for note in notes if note))


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(Text(plain(head)), overflow="fold")
    return table


def _means(numbers: Sequence[Number], rows: Sequence[Row]) -> RenderableType:
    """A line per setting: its keys, how many runs, mean ± standard error of each number."""
    groups = by_setting(rows)
    keys = [key for key, _ in next(iter(groups))]
    table = _table(*keys, "runs", *(number.title for number in numbers))
    by = {(mean.setting, mean.number): mean for mean in means(rows)}
    for setting, group in list(groups.items())[:MAX_SETTINGS]:
        cells = [_mean(by, setting, number) for number in numbers]
        table.add_row(*(Text(plain(value)) for _, value in setting), str(len(group)), *cells)
    notes = ["mean ± standard error over the runs of a setting"] if len(rows) > len(groups) else []
    if len(groups) > MAX_SETTINGS:
        notes.append(f"{len(groups) - MAX_SETTINGS} more settings are in sweep_summary.csv")
    return Group(table, *(Text(note, style="dim") for note in notes))


def _mean(by: Mapping[tuple[Setting, str], Mean], setting: Setting, number: Number) -> str:
    """``0.012 ± 0.003``; the number of a line between two solutions has one value per end, and no mean."""
    mean = by.get((setting, number.key))
    if mean is None or not mean.count:
        return "–"
    text = f"{number.factor * mean.mean:.3g}"
    return text if math.isnan(mean.error) else f"{text} ± {number.factor * mean.error:.2g}"


def _rates(found: Sequence[Rate], claims: Mapping[str, str]) -> Table:
    """A line per claim and curve: in how many of all runs it holds, with Wilson's 95 % interval."""
    table = _table("check", "claim", "on", "holds in, with Wilson's 95 % interval")
    for k, rate in enumerate(found):
        again = k > 0 and found[k - 1].check == rate.check
        claim = "" if again else claims.get(rate.check, "")
        table.add_row(*(Text(plain(said)) for said in (rate.check, claim, rate.on, rate)))
    return table
