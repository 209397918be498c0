"""The parts in which a job is measured, ``measurement.shards`` of them: where each runs, and how far they are.

A part is a task of the job's launcher in a folder of its own inside the job's, ``shards/part-2-of-4``, and by that name
it knows what it is. Plan, store, tracker, report and table know jobs alone: a part has a record, a log and a lock, and
leaves the sums of its examples in ``shards``. The job takes them from there and removes the folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from landscape.command.collect.record import JobRecord
from landscape.command.launch import is_held
from landscape.errors import InputError
from landscape.ground.files import temporary
from landscape.objective.share import Share

FOLDER = "shards"
TRAINED = "trained"
"""In the folder of a part: the entries of the store that it filled, for the tracker to call them the job's."""
LOST = "the job measures what is missing"
GOES_ON = "the same command measures what is missing"
"""What becomes of a part that died, and of a job whose parts nobody merged."""
_NAMED = re.compile(r"part-(\d+)-of-(\d+)")


def folder_of(job: Path) -> Path:
    """Where the sums of a job's parts are until its result is saved."""
    return job / FOLDER


def place_of(job: Path, share: Share) -> Path:
    """The folder in which one part runs."""
    return job / FOLDER / f"part-{share.number + 1}-of-{share.of}"


def share_of(folder: Path) -> Share | None:
    """Which part runs in this folder; None where it is a job's own."""
    named = _NAMED.fullmatch(folder.name) if folder.parent.name == FOLDER else None
    with suppress(ValueError):  # part 5 of 4
        return Share(int(named[1]) - 1, int(named[2])) if named else None
    return None


def num_of(config: Any) -> int:
    """How many parts a composed job wants; 0 where it is measured in one, or where its own check says what is wrong."""
    measurement = config.measurement
    num = measurement.get("shards") if hasattr(measurement, "get") else None
    return num if isinstance(num, int) and num > 1 else 0


def overrides_of(job: str, share: Share) -> list[str]:
    """What makes a job's overrides those of its part; all else of the two configs is the same.

    Args:
        job: its folder, relative to the sweep's; named by a hash, so that nothing in it need be escaped.
    """
    return [f"hydra.sweep.subdir='{place_of(Path(job), share)}'", "hydra.output_subdir=null"]


def record_of(place: Path) -> JobRecord | None:
    """How a part stands; None where it has not begun, or its record is damaged: it is run again."""
    try:
        return JobRecord.read(place)
    except InputError:
        return None


def is_there(place: Path) -> bool:
    """Whether a part's sums are kept already."""
    record = record_of(place)
    return record is not None and record.status == "done"


def begun(job: Path) -> Iterator[tuple[Share, Path]]:
    """The parts of a job that have a folder."""
    if not folder_of(job).is_dir():
        return
    for place in sorted(folder_of(job).iterdir()):
        share = share_of(place)
        if share is not None and place.is_dir() and not place.is_symlink():
            yield share, place


def running(job: Path) -> list[Share]:
    """The parts that some process measures now."""
    return [share for share, place in begun(job) if is_held(place)]


def kept(job: Path) -> str:
    """``2 of 4 parts are measured``, of several ways to cut a job that which is furthest; nothing where it has none."""
    found: dict[int, int] = {}
    for share, place in begun(job):
        found[share.of] = found.get(share.of, 0) + is_there(place)
    of = max(found, key=lambda of: found[of] / of, default=0)
    return f"{found[of]} of {of} parts are measured" if of else ""


def refused(job: Path, command: str) -> str:
    """Why a part of this command called the input wrong, or nothing: then so will the job, and no other need try."""
    records = [record_of(place) for _, place in begun(job)]
    told = [r.error for r in records if r is not None and r.command == command and r.exit_code == 2]
    return told[0] if told else ""


def note_trained(place: Path, keys: list[str]) -> None:
    """Write down the entries of the store that a part filled."""
    if keys:
        temporary.write_text(place / TRAINED, "\n".join(keys))


def trained_in(job: Path) -> set[str]:
    """The entries of the store that the parts of a job filled."""
    files = [place / TRAINED for _, place in begun(job)]
    return {key for file in files if file.is_file() for key in file.read_text("utf-8", "replace").split()}


def drop(job: Path) -> None:
    """Remove what the parts of a job left, unless one of them is still at it."""
    if folder_of(job).is_dir() and not running(job):
        shutil.rmtree(folder_of(job), ignore_errors=True)
