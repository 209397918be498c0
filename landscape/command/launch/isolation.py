"""A job in a process of its own, so that its death is its own; and one process at a time in each job's folder."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

INTERRUPTED = 130
NAME = ".running"  # an empty file; what counts is the lock on it, which the system takes back from a dead process


def in_child(work: Callable[[], None]) -> str:
    """Do some work in a forked process; how it died in a word or two, or nothing if it ended by itself.

    A fork starts in milliseconds, because everything is imported already. The process that calls must not have used
    CUDA, nor run threads of its own: a worker that does nothing but wait for its jobs.

    Raises:
        KeyboardInterrupt: the work was interrupted.
    """
    parent = os.getppid()
    child = multiprocessing.get_context("fork").Process(target=_guarded, args=(work,))
    child.start()
    try:
        child.join()
    except KeyboardInterrupt:
        child.join(30)  # it was interrupted as well, and writes down how far it is
        raise
    if os.getppid() != parent:  # the launcher is gone: nobody hears of this, or of what else waits in joblib's queue
        os._exit(1)
    code = child.exitcode
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code is None or code == 0:
        return ""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _guarded(work: Callable[[], None]) -> None:
    # An engine's own handlers (submitit's resubmit the job) are for its process alone, which gets the signals as well.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in ("SIGUSR1", "SIGUSR2"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        work()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


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
