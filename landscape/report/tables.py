"""``sweep.csv`` and its summary: plain tables for any other program."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import RenderableType

from landscape.errors import InputError
from landscape.figure.module import figure_of
from landscape.ground.files import temporary
from landscape.report.section import Section
from landscape.report.summary import means, rates
from landscape.report.sweep import Row, rows
from landscape.report.terminal import summary
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

Cells = dict[str, str | float | int]


def sweep_table(groups: Sequence[Sequence[Row]]) -> list[Cells]:
    """One row per job and seed of each sweep: where, swept keys, numbers, verdict counts, and each verdict."""
    table: list[Cells] = []
    for row in (row for group in groups for row in group):
        plain: Cells = {"name": row.name, "scale": row.scale, "job": row.job, "seed": row.seed}
        after: Cells = {"seconds": row.seconds, "device": row.device, "training": row.training}
        counts: Cells = {"holds": row.count(True), "fails": row.count(False), "not_judged": row.count(None)}
        verdicts: Cells = {f"verdict:{check} {on}".strip(): _WORDS[holds] for (check, on), holds in row.holds.items()}
        table.append({**plain, **_prefixed(row.swept), **after, **counts, **row.numbers, **verdicts})
    return table


def summary_table(groups: Sequence[Sequence[Row]]) -> list[Cells]:
    """Means and rates of each sweep; a rate over the whole sweep has no setting."""
    table: list[Cells] = []
    for group in (group for group in groups if group):
        plain: Cells = {"name": group[0].name, "scale": group[0].scale}
        for mean in means(group):
            told: Cells = {"kind": "number", "what": mean.number, "on": "", "count": mean.count}
            what: Cells = {**plain, **_prefixed(dict(mean.setting)), **told}
            table.append({**what, "value": mean.mean, "standard_error": mean.error})
        several = len({row.setting for row in group}) > 1
        for rate in [*rates(group), *(rates(group, each_setting=True) if several else [])]:
            told = {"kind": "rate", "what": rate.check, "on": rate.on, "count": rate.judged}
            share: Cells = {"value": rate.holds / rate.judged, "holds": rate.holds, "low": rate.low, "high": rate.high}
            table.append({**plain, **_prefixed(dict(rate.setting or ())), **told, **share})
    return table


def write_tables(
    folder: Path,
    places: Sequence[Path],
    results: Sequence[Result],
    verdicts: Sequence[Verdict],
    own: Collection[str] = (),
) -> RenderableType:
    """Write ``sweep.csv`` and ``sweep_summary.csv`` of one command's results into its folder.

    Args:
        places: the folder of each result. verdicts: on all of them together. own: modules of the user's that may judge.
    Returns:
        A summary for the terminal.
    """
    try:
        module = figure_of(results, own)
    except InputError:  # whoever draws has said so: rows without verdicts
        module = None
    section = Section(folder, list(places), list(results), [], module, list(verdicts))
    found = rows(section)
    write(sweep_table([found]), folder / "sweep.csv")
    write(summary_table([found]), folder / "sweep_summary.csv")
    return summary(results, found, verdicts)


_WORDS = {True: "true", False: "false", None: ""}
# Columns in this order before all others; swept keys come after "scale", or after "seed".
_FIRST = ("name", "scale", "job", "seed")


def _prefixed(values: Mapping[str, str]) -> Cells:
    """A swept key may bear the name of a number: "set:" keeps the two columns apart."""
    return {f"set:{key}": value for key, value in values.items()}


def columns_of(table: Sequence[Cells]) -> list[str]:
    """Every column of these rows: where, swept keys, numbers, verdicts."""
    names = list(dict.fromkeys(key for cells in table for key in cells))
    first = [name for name in _FIRST if name in names]
    swept = [name for name in names if name.startswith("set:")]
    verdicts = [name for name in names if name.startswith("verdict:")]
    middle = [name for name in names if name not in {*first, *swept, *verdicts}]
    return [*first, *swept, *middle, *verdicts]


def write(table: Sequence[Cells], path: Path) -> None:
    """A table as CSV, whole or not at all; a cell is empty where a row has no such column, or a NaN."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(table), restval="", lineterminator="\n")
    writer.writeheader()
    for cells in table:
        writer.writerow({key: "" if isinstance(v, float) and math.isnan(v) else v for key, v in cells.items()})
    temporary.write_text(path, text.getvalue())
