"""``job.json``: where one job stands from its first moment, so that a killed one is seen; and a fault as one line."""

from __future__ import annotations

import errno
import logging
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from omegaconf.errors import MissingMandatoryValue

from landscape.errors import InputError
from landscape.ground.files import document, temporary
from landscape.ground.files.place import is_inside
from landscape.ground.files.text import plain
from landscape.result.saved import Result

log = logging.getLogger(__name__)

NAME = "job.json"
STATUSES = ("running", "done", "skipped", "failed", "cut", "missing")
RESUMES = "the same command goes on from the last checkpoint"
RESTARTS = "the same command begins this job anew, or goes on with what is known of its streamed curve"
"""What becomes of a job that trains, and of one that only measures points that are there."""
CUT = f"ended without a word: killed, or its machine went down; {RESUMES} of its training"
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


def gone(folder: Path) -> str:
    """What happened to a job or sweep whose folder is not there any more."""
    return f"{folder} was removed while this command ran, with what it held; the same command starts over"


def one_line(error: BaseException, again: str = RESUMES) -> str:
    """A fault as one line that names what to do where that is known.

    Args:
        again: what the same command does with the job.
    """
    if isinstance(error, InputError):
        return str(error)
    full = _full_disk(error)
    if full is not None:
        return (
            f"the disk is full ({full.filename or 'while writing'}); free some space or set outputs=... to another "
            f"disk: {again}"
        )
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if isinstance(name, str) and name and not Path(name).parent.is_dir():
        return gone(Path(name).parent)
    if type(error).__name__ == "OutOfMemoryError":  # torch's; its own message says what was needed and what there was
        first = " ".join(str(error).split(" If reserved but unallocated")[0].split())
        return f"{first} Lower training.batch_size, training.measure_batch_size or objective.batch_size; {again}"
    if "CUDA error" in str(error) or type(error).__name__ == "AcceleratorError":
        return f"the device was lost or failed ({str(error).splitlines()[0]}); {again}"
    if isinstance(error, MissingMandatoryValue) and error.full_key:
        return f"{error.full_key} has no value; give it on the command line, {error.full_key}=..."
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _full_disk(error: BaseException | None) -> OSError | None:
    """The system's word for it in the history of a fault: torch.save hides it behind one of its own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return error
        error = error.__cause__ or error.__context__
    return None
