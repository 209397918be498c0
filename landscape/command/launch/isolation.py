"""A job in a process of its own, so that its death is its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130


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
