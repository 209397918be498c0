"""A GPU for each job: two jobs of one machine never share one unless asked to, whoever started them."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from landscape.command.prepare import device_of
from landscape.errors import InputError

log = logging.getLogger(__name__)

# Of one machine and one user, and the same for all launchers: some give each job a TMPDIR of its own.
LOCKS = Path("/tmp" if os.name == "posix" else tempfile.gettempdir()) / f"landscape-gpu-{getattr(os, 'getuid', int)()}"
SECONDS_BETWEEN_TRIES = 0.5


def uuids() -> list[str]:
    """The GPUs that this process may use, in torch's order: the same GPU has the same name for all processes."""
    return [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]


@contextmanager
def lend(name: str, jobs_per_gpu: int) -> Iterator[torch.device]:
    """The device of a job for as long as it runs; a GPU is held by a lock that the system takes back from the dead.

    Args:
        name: the key ``device``: ``auto`` and ``cuda`` take the GPU with the fewest jobs, ``cuda:1`` that one.
        jobs_per_gpu: how many jobs may use one GPU at a time; where all are taken, this one waits.

    Raises:
        InputError: no such device, or a number of jobs below 1.
    """
    if jobs_per_gpu < 1:
        raise InputError(f"jobs_per_gpu={jobs_per_gpu} must be at least 1")
    device = device_of(name)
    if device.type != "cuda":
        yield device
        return
    found = uuids()
    wanted = list(enumerate(found)) if device.index is None else [(device.index, found[device.index])]
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    # The first place on every GPU before the second on any.
    places = [(i, FileLock(LOCKS / f"{uuid}.{place}")) for place in range(jobs_per_gpu) for i, uuid in wanted]
    index, lock = _first_free(places, f"{len(wanted)} GPU{'s' * (len(wanted) > 1)}")
    try:
        yield torch.device("cuda", index)
    finally:
        lock.release()


def _first_free(places: list[tuple[int, FileLock]], named: str) -> tuple[int, FileLock]:
    waiting = False
    while True:
        for index, lock in places:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return index, lock
        if not waiting:
            waiting = True
            log.info("%s: all taken by other jobs; waiting (a larger jobs_per_gpu would share them)", named)
        time.sleep(SECONDS_BETWEEN_TRIES)
