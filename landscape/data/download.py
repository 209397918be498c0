"""A data set's file, verified, from where it lies; into a cache it is downloaded first, from several mirrors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import pooch
import rich
from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from landscape.data.location import Location
from landscape.errors import InputError

log = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds without a byte; a silent mirror should not hold up the next
CHUNK = 1 << 16  # bytes per write; pooch's 1,024 spends its time in flushes


def obtain(place: Location, name: str, known_hash: str, mirrors: Sequence[str], read: Callable[[Path], T]) -> T:
    """``read`` applied to one official file, which is downloaded first if this is a cache without a good copy.

    Args:
        place: from ``locate``.
        name: the file's official name, which the mirrors serve.
        known_hash: of the file as served, ``"md5:..."``.
        mirrors: addresses that ``name`` is appended to, tried in turn.
        read: parses and verifies; raises a ValueError worded to follow the path if the file is no good.

    Raises:
        InputError: the file is no good, or no mirror could give a good one.
    """
    path = place.find(name)
    if not place.is_cache:
        return _read(place, place.folder / name if path is None else path, read)
    if path is not None:
        try:
            return read(path)  # without the lock, so a cache that others filled may be read-only
        except ValueError as error:
            log.warning("%s %s; downloading it again", path, error)
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(place.folder / ".lock"):
            return _refresh(place, name, known_hash, mirrors, read)
    except OSError as error:  # no space, no permission
        raise place.fault(
            f"cannot write {name} there ({error}); set data.cache to a folder with room that you may write"
        ) from error


def _refresh(place: Location, name: str, known_hash: str, mirrors: Sequence[str], read: Callable[[Path], T]) -> T:
    """Under the lock: what another job downloaded meanwhile, or else a download. A bad file does not stay."""
    path = place.find(name)
    if path is not None:
        try:
            return read(path)
        except ValueError:
            path.unlink()
    path = _fetch(place, name, known_hash, mirrors)
    try:
        return _read(place, path, read)
    except InputError:
        path.unlink()
        raise


def _read(place: Location, path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except ValueError as error:
        raise place.fault(f"{path} {error}") from error


def _fetch(place: Location, name: str, known_hash: str, mirrors: Sequence[str]) -> Path:
    """Download to a temporary file, verify, rename (all by pooch), from the first mirror that delivers."""
    pooch.get_logger().setLevel("WARNING")  # its own lines would double ours
    failures = []
    for mirror in mirrors:
        try:
            with DownloadBar(name) as bar:
                downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, timeout=TIMEOUT)
                pooch.retrieve(mirror + name, known_hash, fname=name, path=place.folder, downloader=downloader)
        except (ValueError, OSError) as error:
            if getattr(error, "errno", None) is not None:
                raise  # this machine's disk, not the mirror: errors of requests are OSErrors without a number
            failures.append(f"{mirror} ({_reason(error)})")
            log.warning("no %s from %s", name, failures[-1])
            log.debug("%s", error)  # the long story: addresses, host names, hashes
        else:
            path = place.folder / name
            log.info("downloaded %s, %.1f MB, from %s", name, path.stat().st_size / 1e6, mirror)
            return path
    raise place.fault(f"no mirror gave {name}: {', '.join(failures)}; run again when the network is up")


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    if isinstance(error, OSError):
        return type(error).__name__  # ConnectionError, ReadTimeout, ChunkedEncodingError
    return "not the official file: wrong hash"


class DownloadBar:
    """Bytes received of one file; silent when the output is not a terminal.

    pooch sets ``total``, calls ``update`` with chunk sizes, and ends with ``reset``, ``update(total)``, ``close``.

    Args:
        name: the file, shown before the bar.
        console: where to draw; None means rich's own, which keeps log lines and bar apart.
    """

    def __init__(self, name: str, console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = console or rich.get_console()
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.progress.add_task(name, total=None)

    def __enter__(self) -> DownloadBar:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.progress.disable:  # stopping a bar that never showed would print an empty line
            self.progress.stop()

    @property
    def total(self) -> float | None:
        """Bytes to come; None until a mirror has said so."""
        return self.progress.tasks[0].total

    @total.setter
    def total(self, num_bytes: int) -> None:
        self.progress.update(self.task, total=num_bytes or None)  # pooch says 0 where the mirror says nothing

    def update(self, num_bytes: int) -> None:
        """Count bytes that arrived."""
        self.progress.advance(self.task, num_bytes)

    def reset(self) -> None:
        """Back to nothing received."""
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        """Nothing to do: leaving the context ends the bar."""
