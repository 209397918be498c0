"""The closing run of a sweep: its figure, table, rates and means, for the tracker that watched its jobs."""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from landscape.figure.module import figure_of
from landscape.figure.publish import command_of
from landscape.report.section import Section
from landscape.report.summary import Mean, Rate, means, rates
from landscape.report.sweep import Row, rows
from landscape.report.tables import Cells, columns_of, sweep_table
from landscape.result.saved import Result
from landscape.result.verdict import Verdict
from landscape.tracker import Closing, RunInfo, Table, Tracker

log = logging.getLogger(__name__)


def close(
    folder: Path,
    jobs: Mapping[str, Result],
    num_failed: int,
    verdicts: Sequence[Verdict],
    figure: Path | None,
    tracker: Any,
    own: Collection[str] = (),
) -> None:
    """Tell the tracker what the sweep in ``folder`` came to; whatever goes wrong is one warning.

    Args:
        jobs: the finished results by the key of their job, of one figure. tracker: config of the command's tracker, or
            None; never a result's, for making one runs what it names. own: modules of the user's that may judge.
    """
    if tracker is None:
        return
    watcher: Tracker | None = None
    try:
        watcher = instantiate(tracker)
        assert watcher is not None
        if not watcher.watches:
            return
        results = list(jobs.values())
        module = figure_of(results, own)
        section = Section(folder, [folder / key for key in jobs], results, [], module, list(verdicts))
        closing = closing_of(rows(section), len(jobs), num_failed, verdicts, figure)
        watcher.start(closing_run(folder, jobs))
        watcher.conclude(closing)
    except Exception as error:  # the results are on disk; a summary of them must not cost the command's own status
        log.warning("the closing run of the tracker could not be written: %s: %s", type(error).__name__, error)
    finally:
        if watcher is not None:
            watcher.finish()


def closing_run(folder: Path, jobs: Mapping[str, Result]) -> RunInfo:
    """The closing run beside its jobs: in their group, with one id as long as the sweep's folder stays where it is."""
    results = list(jobs.values())
    first, command = results[0], command_of(results)
    scale = Section(folder, [], results, []).tags[0]
    config = {"name": first.name, "limits": {"scale": scale}, "command": command, "jobs": list(jobs)}
    return RunInfo(
        id=f"summary-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}",
        name=f"{first.name}, all jobs",
        group=first.name,
        job_type="summary",
        tags=[scale, "summary"],
        config=config,
        folder=folder,
    )


def closing_of(
    table: Sequence[Row], num_done: int, num_failed: int, verdicts: Sequence[Verdict], figure: Path | None
) -> Closing:
    """The rows of a sweep as tables and single values: rates over all rows, means where there is one setting."""
    whole, found = rates(table), means(table)
    several = len({row.setting for row in table}) > 1
    values: dict[str, str | float] = {"jobs/done": num_done, "jobs/failed": num_failed, "rows": len(table)}
    for rate in whole:
        key = f"rate/{_key(rate.check, rate.on)}"
        values |= {key: rate.holds / rate.judged, f"{key}/low": rate.low, f"{key}/high": rate.high}
        values |= {f"{key}/holds": rate.holds, f"{key}/judged": rate.judged}
    for mean in found if not several else []:
        key = f"mean/{_key(mean.number)}"
        finite = {key: mean.mean, f"{key}/standard_error": mean.error}
        values |= {name: value for name, value in finite.items() if math.isfinite(value)}
    by_setting = [*whole, *(rates(table, each_setting=True) if several else [])]
    tables = {
        "rows": _plain(sweep_table([table])),
        "rates": _plain([_of_rate(rate) for rate in by_setting]),
        "means": _plain([_of_mean(mean) for mean in found]),
    }
    return Closing(figure, tables, values, verdicts)


def _key(*parts: str) -> str:
    """A name that W&B takes as one key: a dot would open a level."""
    return re.sub(r"[^\w/ ,=-]", "_", " ".join(part for part in parts if part))


def _of_rate(rate: Rate) -> Cells:
    setting: Cells = {f"set:{key}": value for key, value in rate.setting or ()}
    told: Cells = {"over": "all settings" if rate.setting is None else "one setting", "check": rate.check}
    return {
        **told,
        "on": rate.on,
        **setting,
        "rate": rate.holds / rate.judged,
        "low": rate.low,
        "high": rate.high,
        "holds": rate.holds,
        "judged": rate.judged,
        "in words": str(rate),
    }


def _of_mean(mean: Mean) -> Cells:
    setting: Cells = {f"set:{key}": value for key, value in mean.setting}
    return {**setting, "number": mean.number, "mean": mean.mean, "standard error": mean.error, "count": mean.count}


def _plain(table: Sequence[Cells]) -> Table:
    """Under every column one kind of cell, and None where a row has none or no finite one."""
    names = columns_of(table)
    cells = [[row.get(name) for name in names] for row in table]
    return Table(names, [[None if isinstance(v, float) and not math.isfinite(v) else v for v in row] for row in cells])
