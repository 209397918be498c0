"""Mean and standard error of each number, and each claim's rate with a Wilson interval, over jobs and seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from landscape.figure.track import CHECKS
from landscape.report.sweep import Row, counted
from landscape.result.curve.noise import wilson
from landscape.result.verdict import Verdict

OFF_THE_LINE = {check.claim.id for check in CHECKS}
Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Mean:
    """A number over the seeds of one setting; ``error`` is its standard error, NaN from a single value."""

    setting: Setting
    number: str
    count: int
    mean: float
    error: float


@dataclass(frozen=True)
class Rate:
    """In how many of the judged runs a claim holds; ``setting`` is None over the whole sweep."""

    setting: Setting | None
    check: str
    on: str
    holds: int
    judged: int
    low: float
    high: float

    def __str__(self) -> str:
        share = 100 * self.holds / self.judged
        interval = f"{100 * self.low:.0f}, {100 * self.high:.0f}"
        return f"{self.holds} of {self.judged} runs: {share:.0f} % [{interval}]"


def by_setting(rows: Iterable[Row]) -> dict[Setting, list[Row]]:
    """The rows of each setting of a sweep, in the order of its jobs."""
    groups: dict[Setting, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.setting, []).append(row)
    return groups


def means(rows: Sequence[Row]) -> list[Mean]:
    """Every number over the seeds of each setting; values that are not finite are not counted."""
    found = []
    for setting, group in by_setting(counted(rows)).items():
        for number in dict.fromkeys(key for row in group for key in row.numbers):
            values = np.array([row.numbers.get(number, math.nan) for row in group])
            values = values[np.isfinite(values)]
            count = len(values)
            error = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
            found.append(Mean(setting, number, count, float(values.mean()) if count else math.nan, error))
    return found


def failures_first(found: Iterable[Rate], verdicts: Sequence[Verdict]) -> list[Rate]:
    """Claims that do not hold in every run first, and identities last; else as they came."""
    identities = {verdict.check for verdict in verdicts if verdict.identity}
    return sorted(found, key=lambda rate: (rate.holds == rate.judged) + (rate.check in identities))


def rates(rows: Sequence[Row], each_setting: bool = False) -> list[Rate]:
    """Each claim's rate over all rows, or over those of each setting; a claim that was never judged is left out.

    Points off the line that several rows have count once.
    """
    rows = counted(rows)
    groups: Sequence[tuple[Setting | None, Sequence[Row]]] = [(None, rows)]
    if each_setting:
        groups = [*by_setting(rows).items()]
    found = []
    for setting, group in groups:
        for check, on in dict.fromkeys(key for row in group for key in row.holds):
            rows_of = {(check in OFF_THE_LINE and row.track) or k: row for k, row in enumerate(group)}
            judged = [row.holds[check, on] for row in rows_of.values() if row.holds.get((check, on)) is not None]
            if judged:
                holds = sum(item is True for item in judged)
                found.append(Rate(setting, check, on, holds, len(judged), *wilson(holds, len(judged))))
    return found
