"""A sweep as rows: one per job and seed, with the swept keys, the numbers, and each claim judged on that seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from landscape.figure import naming
from landscape.figure.sweep.copies import fresh
from landscape.figure.sweep.keys import is_seed, leaves
from landscape.figure.sweep.keys import swept as swept
from landscape.ground.settings import uses_of
from landscape.report.section import Section
from landscape.result.saved import Result


@dataclass(frozen=True)
class Row:
    """One seed of one job.

    Args:
        swept: key -> value, of the keys that tell this sweep's jobs apart. numbers: NaN where not available.
        holds: ``(check, on)`` -> True, False or None, not judged; ``on`` is the verdict's subject less the job's name,
            empty where rows differ only in it.
        is_copy: an earlier job has this run, so it does not count again.
        track: its points off the line; jobs that measure else on one training, or one found run, have the same.
    """

    name: str
    scale: str
    job: str
    seed: str
    swept: dict[str, str]
    seconds: float
    device: str
    training: str
    numbers: dict[str, float]
    holds: dict[tuple[str, str], bool | None]
    is_copy: bool = False
    track: bytes = b""

    @property
    def setting(self) -> tuple[tuple[str, str], ...]:
        """The swept keys that are not seeds."""
        return tuple((key, value) for key, value in self.swept.items() if not is_seed(key))

    def count(self, holds: bool | None) -> int:
        """How many of this row's verdicts are so."""
        return sum(item is holds for item in self.holds.values())


def rows(section: Section) -> list[Row]:
    """Every seed of every job, judged alone: a claim that needs several jobs is not judged here."""
    found = []
    told = zip(section.places, section.results, swept(section.results), fresh(section.results), strict=True)
    for place, result, keys, new in told:
        for column in range(result.num_columns):
            alone = result.columns([column])
            name = naming.names([alone])[0]
            verdicts = section.module.judge([alone]) if section.module and not section.fault else []
            on = {(v.check, v.subject.removeprefix(name).lstrip(", ")): v.holds for v in verdicts}
            status = ", ".join(dict.fromkeys(alone.training_status))
            about = (result.name, result.scale, place.name, alone.seeds[0], keys, result.seconds, result.device, status)
            found.append(Row(*about, plain_numbers(alone), on, column not in new, _track(alone)))
    return _pooled(found)


def _track(result: Result) -> bytes:
    """What tells the points off the line of one column from others; empty where there are none."""
    found = result.projections.get("trajectory")
    if found is None:
        return b""
    parts = (found.epochs, found.projection, found.residual_norm, found.parameter_norm, found.length)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).digest()


def counted(rows: Iterable[Row]) -> list[Row]:
    """Each run once: the rows that are no copies."""
    return [row for row in rows if not row.is_copy]


def _pooled(rows: Sequence[Row]) -> list[Row]:
    """A check that comes once in each row, under a subject that names the row's own setting, becomes one claim.

    So "12a on lr = 0.1" and "12a on lr = 1" count together; the setting stands in the swept keys.
    """
    merged = set()
    for check in {check for row in rows for check, _ in row.holds}:
        subjects = [[on for other, on in row.holds if other == check] for row in rows]
        if max(map(len, subjects)) == 1 and len({on for found in subjects for on in found}) > 1:
            merged.add(check)
    return [
        replace(
            row, holds={(check, "" if check in merged else rest): item for (check, rest), item in row.holds.items()}
        )
        for row in rows
    ]


def flat(config: dict[str, Any]) -> dict[str, str]:
    """A resolved config as dotted keys, less those that say where and when it ran."""
    named = (item for key, value in config.items() for item in leaves(key, value).items())
    return {name: text for name, text in named if uses_of(name).result}


def plain_numbers(alone: Result) -> dict[str, float]:
    """The numbers of one seed's result, one value each; several, as for the two ends of a line, are numbered."""
    found: dict[str, float] = {}
    for key, value in alone.numbers.items():
        if not isinstance(value, list):
            found[key] = float(value)
        elif len(value) == 1:
            found[key] = float(value[0])
        else:
            found |= {f"{key}[{k}]": float(item) for k, item in enumerate(value)}
    return found
