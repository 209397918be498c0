"""One process at a time works in a job's folder, and everybody can see whether one does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

NAME = ".running"  # an empty file; what counts is the lock on it, which the system takes back from a dead process


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other processes out of a job's folder; wait for the one that is in it, such as a lost launcher's job."""
    if (folder / NAME).is_symlink():  # opening a lock empties the file, wherever a link leads
        (folder / NAME).unlink()
    lock = FileLock(folder / NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another process is running this job; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether some living process works in a job's folder."""
    if not (folder / NAME).is_file() or (folder / NAME).is_symlink():  # nobody here makes a link or a pipe of it
        return False
    lock = FileLock(folder / NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
