"""``job.json``: where one job stands, from its first moment, so that a job killed outright is seen."""

from __future__ import annotations

import logging
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from landscape.errors import InputError
from landscape.ground.files import document, temporary
from landscape.ground.files.place import is_inside
from landscape.ground.files.text import plain
from landscape.result.saved import Result

log = logging.getLogger(__name__)

NAME = "job.json"
STATUSES = ("running", "done", "skipped", "failed", "cut", "missing")
CUT = "ended without a word: killed, or its machine went down; the same command goes on from the last checkpoint"
UNDRAWN = "interrupted after it was measured; the same command draws its figure"


@dataclass
class JobRecord:
    """Where one job of one command stands.

    Args:
        key: its folder's name. command: stamp of the command that ran it last. num: its number in that command.
        status: ``"running"``, ``"done"``, ``"skipped"`` (was done before), ``"failed"``, ``"cut"``, or, in a list of
            the jobs of a command, ``"missing"`` (has not begun).
        exit_code: 1 for a fault while running, 2 for wrong input. error: one line. started: seconds since 1970.
        pid, host: the process that runs it, and where; what to kill if this one job is to end.
    """

    key: str
    command: str
    num: int
    overrides: list[str]
    status: str = "running"
    error: str = ""
    exit_code: int = 0
    started: float = 0.0
    seconds: float = 0.0
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)

    def __post_init__(self) -> None:
        """Make fit for the terminal what may be of any origin."""
        self.error, self.host = plain(self.error), plain(self.host)

    def write(self, folder: Path) -> None:
        """``job.json``, by rename."""
        write_json(folder / NAME, asdict(self))

    def end(self, folder: Path, status: str, error: str = "", exit_code: int = 0) -> None:
        """Note how it ended."""
        self.status, self.error, self.exit_code = status, plain(error), exit_code
        self.seconds = time.time() - self.started
        self.write(folder)

    @classmethod
    def read(cls, folder: Path) -> JobRecord | None:
        """The record of a job's folder, or None where there is none.

        Raises:
            InputError: there is one that cannot be read, or is damaged.
        """
        try:
            record = document.as_a(cls, document.read(folder / NAME))
            if record.status not in STATUSES:
                raise ValueError(f"status is {record.status!r}, none of {', '.join(STATUSES)}")
            return record
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{folder / NAME} cannot be read ({error}); the job stands as its result says") from error


def write_json(file: Path, value: Any) -> None:
    """Strict JSON with its digest, by temporary file and rename."""
    temporary.write_text(file, document.text_of(value))


def is_done(folder: Path) -> bool:
    """Whether a job's folder holds a finished result, whole.

    Raises:
        InputError: it holds a result that is damaged.
    """
    return (folder / "result.json").exists() and Result.load(folder).status == "done"


def is_whole(folder: Path) -> bool:
    """Whether a job's folder holds a finished result that can be read."""
    try:
        return is_done(folder)
    except InputError:
        return False


def records_of(folder: Path, command: str) -> list[tuple[Path, JobRecord]]:
    """The jobs of one command below a sweep's folder, in their order, with their folders."""
    found = []
    for file in sorted(folder.glob(f"*/{NAME}")):
        try:
            record = JobRecord.read(file.parent)
        except InputError as error:
            log.warning("%s", plain(error))
            continue
        if record is not None and record.command == command and is_inside(folder, file.parent):
            record.key = file.parent.name
            found.append((file.parent, record))
    return sorted(found, key=lambda job: job[1].num)
