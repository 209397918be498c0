"""``plan.json``: the jobs of a command as they were before the first ran; and how far each of them is."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from landscape.command.collect import parts
from landscape.command.collect.record import CUT, JobRecord, is_whole, write_json
from landscape.command.launch import is_held
from landscape.command.plan import PlannedJob
from landscape.errors import InputError
from landscape.ground.files import document
from landscape.ground.files.place import inside
from landscape.ground.files.text import plain

log = logging.getLogger(__name__)

NAME = "plan.json"


_named: set[Path] = set()  # folders whose damaged record this process has told of


@dataclass(frozen=True)
class Job:
    """One job of a plan.

    Args:
        num: from 0. key: the name of its folder. folder: relative to the sweep's. overrides: one per swept key. again:
            whether it is measured anew, because its data are not what they were when it was done.
    """

    num: int
    key: str
    folder: str
    overrides: list[str]
    again: bool = False


_read: dict[tuple[Path, str], Plan] = {}  # of this process's command


@dataclass(frozen=True)
class Plan:
    """All jobs of one command.

    Args:
        command: its stamp. refresh: whether finished jobs are to be done again. strict: whether an unheld verdict
            makes the exit status 1.
    """

    command: str
    refresh: bool
    strict: bool
    jobs: list[Job]

    @classmethod
    def of(
        cls,
        sweep: Path,
        command: str,
        refresh: bool,
        strict: bool,
        jobs: Sequence[PlannedJob],
        again: Callable[[PlannedJob], bool] = lambda job: False,
    ) -> Plan:
        """The plan of composed jobs; the same job asked for twice is one job."""
        entries = [Job(j.num, j.key, os.path.relpath(j.folder, sweep), j.overrides, again(j)) for j in jobs]
        return cls(command, refresh, strict, list({entry.folder: entry for entry in reversed(entries)}.values())[::-1])

    @classmethod
    def read(cls, sweep: Path) -> Plan:
        """The plan of the last command in a sweep's folder.

        Raises:
            InputError: no such folder, or no plan in it that can be read and whose jobs lie in this folder.
        """
        if not sweep.is_dir():
            raise InputError(f"{sweep} is no folder; give the folder of a sweep, such as outputs/quickstart/full")
        try:
            found = document.read(sweep / NAME)
            plan = document.as_a(cls, found | {"jobs": [document.as_a(Job, job) for job in found["jobs"]]})
            for entry in plan.jobs:
                inside(sweep, entry.folder)
            return plan
        except FileNotFoundError as error:
            raise InputError(
                f"{sweep} holds no {NAME}; give the folder of a sweep, such as outputs/quickstart/full, "
                "or run its command again: finished jobs are skipped"
            ) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{sweep / NAME} cannot be read ({error!r}); run the command again: it writes it "
                "anew, and skips what is done"
            ) from error

    @classmethod
    def of_command(cls, sweep: Path, command: str) -> Plan | None:
        """The plan of this command, read once by each process; None where a sweep's folder holds another, or none."""
        if _read.get((sweep, command)) is None:
            try:
                plan = cls.read(sweep)
            except InputError:  # a single job of the debugger's
                return None
            if plan.command != command:
                return None
            _read.clear()
            _read[sweep, command] = plan
        return _read[sweep, command]

    def write(self, sweep: Path) -> None:
        """``plan.json``, by rename."""
        write_json(sweep / NAME, asdict(self))

    def entry_of(self, overrides: Sequence[str]) -> Job | None:
        """The job with these overrides."""
        return self._by_overrides.get(tuple(overrides))

    def label(self, job: JobRecord) -> str:
        """``job 3 of 8 [optimizer.lr=0.1]``: its number from 1, and what tells it from the others, if there are any."""
        varied = " ".join(o for o in job.overrides if o not in self._common)
        return f"job {job.num + 1} of {len(self.jobs)}" + (f" [{varied}]" if varied else "")

    @cached_property
    def _by_overrides(self) -> dict[tuple[str, ...], Job]:
        return {tuple(entry.overrides): entry for entry in reversed(self.jobs)}

    @cached_property
    def _common(self) -> set[str]:
        """What all jobs were told; of a single one that is everything."""
        return set.intersection(*(set(entry.overrides) for entry in self.jobs)) if self.jobs else set()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each job by its key."""
        return {entry.key: entry.num for entry in self.jobs}

    def standing(self, sweep: Path) -> list[tuple[Path, JobRecord]]:
        """Every job's folder, and how it stands now, in the plan's order; ``"missing"`` is one that has not begun."""
        places = [(entry, Path(os.path.normpath(sweep / entry.folder))) for entry in self.jobs]
        return [(place, self._stands(entry, place)) for entry, place in places]

    def _stands(self, entry: Job, folder: Path) -> JobRecord:
        try:
            record = JobRecord.read(folder)
        except InputError as error:
            record = None
            if folder not in _named:
                _named.add(folder)
                log.warning("%s", plain(error))
        refresh = self.refresh or entry.again
        if record is not None and refresh and record.command != self.command:
            record = None
        if record is None:
            record = JobRecord(entry.key, self.command, entry.num, entry.overrides, pid=0, host="")
            done = not refresh and is_whole(folder)
            record.status, record.error = ("skipped", "") if done else ("missing", "has not begun")
        record.key, record.num, record.overrides = entry.key, entry.num, entry.overrides
        if record.status not in ("done", "skipped") and (busy := parts.running(folder)):
            record.status, record.error = "running", " and ".join(map(str, busy))
        elif record.status == "missing" and not refresh and (kept := parts.kept(folder)):
            # Of no command: its parts may be those of an earlier one, and it is still to be done in this one.
            record.status, record.error, record.command = "cut", f"{kept}; {parts.GOES_ON}", ""
        elif record.status == "running" and is_held(folder):
            record.error = f"process {record.pid} on {record.host}"
        elif record.status in ("running", "cut") and not refresh and is_whole(folder):
            # Between its last file and its last word, or while it draws, a job is done already.
            record.status, record.error, record.exit_code = "done", "", 0
        elif record.status == "running":
            record.status, record.error = "cut", CUT
        if record.status == "done" and record.command != self.command:
            record.status = "skipped"
        if record.status not in ("done", "skipped"):
            record.exit_code = record.exit_code or 1
        return record
