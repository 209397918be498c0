"""Files that are replaced whole or not at all, and the litter of writers that were killed while they wrote."""

from __future__ import annotations

import logging
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

OLD = 86_400.0
"""Seconds after which a temporary file is nobody's, whatever machine wrote it."""

_OURS = re.compile(r"\..+\.(?P<pid>\d+)@(?P<host>.*)")
_FIRST_EDITION = re.compile(
    r"\.(?:[\w-]+-(?P<drawn>\d+)\.(?:pdf|png|html)|[\w.-]+\.(?:json|html|csv)\.(?P<pid>\d+)|[0-9a-f]{32}\.(?:\w+\.)?tmp)"
)


def beside(path: Path) -> Path:
    """A free name for what is to become ``path``: in the same folder, hidden, of this process on this machine."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}@{_host()}")
    with suppress(OSError):  # whatever is there is no living process's; a link would be written through
        temporary.unlink()
    return temporary


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file to write; it becomes ``path`` if nothing goes wrong, and is gone in any case."""
    temporary = beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a file's text, in UTF-8; what UTF-8 cannot hold is shown by its code."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def sweep(folder: Path) -> None:
    """Remove the temporary files in a folder whose writers are dead; another machine's once they are a day old.

    A name of the first edition does not say the machine: its process is looked for here.
    """
    try:
        files = [entry for entry in os.scandir(folder) if entry.name.startswith(".")]
    except OSError:
        return
    for entry in files:
        if entry.is_file(follow_symlinks=False) and _is_litter(entry):
            with suppress(OSError):
                os.unlink(entry.path)
                log.debug("%s was left by a process that died; removed", entry.path)


def _is_litter(entry: os.DirEntry[str]) -> bool:
    found = _OURS.fullmatch(entry.name)
    first = None if found else _FIRST_EDITION.fullmatch(entry.name)
    if found is None and first is None:
        return False
    try:
        if time.time() - entry.stat(follow_symlinks=False).st_mtime > OLD:
            return True
    except OSError:  # its writer was quicker
        return False
    if found is not None:
        return found["host"] == _host() and not _is_alive(int(found["pid"]))
    pid = first and (first["drawn"] or first["pid"])
    return pid is not None and not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True


def _host() -> str:
    return re.sub(r"[^\w.-]", "-", platform.node())[:64]
