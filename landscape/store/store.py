"""Trained solutions and curves, kept under the hash of all that decided them, and reused by every job that agrees.

One folder per group of seeds, see ``entry``; until it is whole ``checkpoint.pt`` says where training stands.
Whoever reads or writes an entry holds its lock, which the system lets go when a process dies.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from filelock import FileLock, Timeout

from landscape.errors import InputError
from landscape.store import bends
from landscape.store.entry import FORMAT, CorruptEntry, load, save

T = TypeVar("T")
log = logging.getLogger(__name__)

LONGEST_STAMP = 1000
LITTER = (".checkpoint.pt.*", ".solution.npz*", ".bends.npz*", ".meta.json*")
"""What a writer leaves that was killed before it could rename its file."""


class Kind(NamedTuple):
    """What a store holds: how it is called, and how an entry is written and read."""

    noun: str
    save: Callable[[Any, Path, dict[str, Any]], None]
    load: Callable[[Path, dict[str, Any]], Any]


SOLUTIONS = Kind("solutions", save, load)
CURVES = Kind("curves", bends.save, bends.load)


@dataclass(frozen=True)
class Entry:
    """Where the solutions of one group of seeds lie, and whether this job trained them or found them there."""

    folder: Path
    trained: bool


def key_of(description: dict[str, Any]) -> str:
    """The name of an entry: a hash of its description and of the store's format."""
    text = json.dumps({"format": FORMAT, **description}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Store:
    """store.get(description, train) -> what ``train`` returns, ``Solutions`` or ``Bends``, trained at most once.

    Args:
        folder: where entries live, usually ``outputs/solutions``.
        refresh: None reuses; the stamp of a command trains again what this command did not begin, once for all jobs
            of the command. The old entry stays until the new one is whole and takes its place.
        kind: of what it holds.

    Attributes:
        entries: what ``get`` returned so far, in order.
    """

    def __init__(self, folder: Path, refresh: str | None = None, kind: Kind = SOLUTIONS) -> None:
        self.folder, self.refresh, self.kind = folder, refresh, kind
        self.entries: list[Entry] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"outputs={folder.parent} cannot be written ({error}); set outputs=... or "
                "LANDSCAPE_OUTPUTS to a writable folder"
            ) from error

    def get(self, description: dict[str, Any], train: Callable[[Path], T]) -> tuple[T, Path]:
        """What was trained by this description, from disk or by ``train(folder)``; and their folder.

        A second process that wants the same entry waits for the first. An entry that fails its checksum is moved
        to ``<key>.corrupt-N``, named in the log, and trained again. What was read stays as it is when another
        command replaces its entry.
        """
        key, noun = key_of(description), self.kind.noun
        entry = self.folder / key
        lock = FileLock(self.folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("another process is training %s %s; waiting for it", noun, key)
            lock.acquire()
        try:
            self._tidy(entry)
            is_old = self.refresh is not None and entry.exists() and _stamp(entry) != self.refresh
            if not is_old and (entry / "meta.json").exists():
                try:
                    found: T = self.kind.load(entry, description)
                except CorruptEntry as error:
                    log.warning(
                        "%s %s are corrupt (%s); moved to %s, training again",
                        noun,
                        key,
                        error,
                        _move_aside(entry).name,
                    )
                else:
                    log.info("%s %s were trained before; reusing them", noun, key)
                    self.entries.append(Entry(entry, trained=False))
                    return found, entry
            workplace = _new(entry) if is_old else entry
            workplace.mkdir(exist_ok=True)
            if self.refresh is not None:
                (workplace / "refreshed_by").write_text(self.refresh)
            if (workplace / "checkpoint.pt").exists():
                log.info("%s %s were cut in mid-training; going on from the checkpoint", noun, key)
            try:
                self.kind.save(train(workplace), workplace, description)
            except InputError:
                if not (workplace / "checkpoint.pt").exists():  # refused, so nothing was begun
                    shutil.rmtree(workplace, ignore_errors=True)
                raise
            if is_old:
                _swap(entry)
            self.entries.append(Entry(entry, trained=True))
            return self.kind.load(entry, description), entry
        finally:
            lock.release()

    def _tidy(self, entry: Path) -> None:
        """End what a killed process began: put a whole entry in its place, and sweep what is of no use to anyone."""
        new, old = _new(entry), _old(entry)
        if (new / "meta.json").exists():
            _swap(entry)
        elif new.exists() and (self.refresh is None or _stamp(new) != self.refresh):
            shutil.rmtree(new, ignore_errors=True)
        if old.exists() and not entry.exists():
            old.rename(entry)
        shutil.rmtree(old, ignore_errors=True)
        for folder in (entry, new):
            for pattern in LITTER:
                for file in folder.glob(pattern):
                    file.unlink(missing_ok=True)


def _new(entry: Path) -> Path:
    """Where an entry is trained again while the old one stays."""
    return entry.with_name(f"{entry.name}.new")


def _old(entry: Path) -> Path:
    """Where the old one is for the moment in which the new takes its place."""
    return entry.with_name(f"{entry.name}.old")


def _swap(entry: Path) -> None:
    """Put the new entry in the place of the old; ``Store._tidy`` ends it if this is cut."""
    if entry.exists():
        shutil.rmtree(_old(entry), ignore_errors=True)
        entry.rename(_old(entry))
    _new(entry).rename(entry)
    shutil.rmtree(_old(entry), ignore_errors=True)


def _stamp(entry: Path) -> str:
    """The command that began this entry under ``refresh=true``, or nothing."""
    file = entry / "refreshed_by"
    if not file.is_file():  # a pipe would be waited for
        return ""
    with file.open(errors="replace") as stream:
        return stream.read(LONGEST_STAMP)


def _move_aside(entry: Path) -> Path:
    number = 1
    while (target := entry.with_name(f"{entry.name}.corrupt-{number}")).exists():
        number += 1
    entry.rename(target)
    return target
