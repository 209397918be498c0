"""Arrays that take long to compute, kept in a folder for the next run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from landscape.ground.files.temporary import replacing
from theory import npz

log = logging.getLogger(__name__)
Arrays = Mapping[str, NDArray[Any]]


def computed_once(path: Path, compute: Callable[[], Arrays]) -> Arrays:
    """The arrays in ``path``, an npz, or else what ``compute`` gives, which is then written there.

    Jobs side by side compute once: the others wait. A damaged file is computed again. A folder that cannot be
    written costs the time again at every run, and nothing else.

    Args:
        path: its name must say all that the arrays depend on.
    """
    found = _load(path)
    if found is not None:
        return found
    with _locked(path) as is_writable:
        found = _load(path)  # another job's, meanwhile
        if found is None:
            found = compute()
            if is_writable:
                _save(path, found)
    return found


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Alone with this file; False if there is no writing there."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        _warn(path, error)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _load(path: Path) -> Arrays | None:
    """None if the file is missing or no good."""
    if not path.is_file():
        return None
    try:
        return npz.read(path)
    except (OSError, ValueError) as error:
        log.warning("%s is damaged (%s); computing it again", path, error)
        return None


def _save(path: Path, arrays: Arrays) -> None:
    """By temporary file and rename; a disk that is full is a warning, not the end of the run."""
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        _warn(path, error)


def _warn(path: Path, error: OSError) -> None:
    log.warning(
        "cannot keep %s (%s), so the next run computes it again; "
        "set data.cache to a folder with room that you may write",
        path,
        error.strerror or error,
    )
