"""Trained solutions, kept under the hash of all that decided them, and reused by every experiment that agrees.

One folder per group of seeds: ``solution.npz``, ``trajectory.npy`` and ``meta.json``. ``meta.json`` is written
last, so a folder that has it is whole; until then ``checkpoint.pt`` says where training stands.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from landscape.curve import LearningCurve
from landscape.errors import InputError
from landscape.parameters import ParameterLayout
from landscape.solutions import Solutions
from landscape.trajectory import Trajectory

log = logging.getLogger(__name__)

FORMAT = 1
"""Part of every key: raise it when training or this layout changes meaning."""


@dataclass(frozen=True)
class Entry:
    """Where the solutions of one group of seeds lie, and whether this job trained them or found them there."""

    folder: Path
    trained: bool


class CorruptEntry(Exception):
    """An entry that claims to be whole and is not."""


def key_of(description: dict[str, Any]) -> str:
    """The name of an entry: a hash of its description and of the store's format."""
    text = json.dumps({"format": FORMAT, **description}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Store:
    """store.get(description, train) -> Solutions, trained at most once.

    Args:
        folder: where entries live, usually ``outputs/solutions``.
        refresh: None reuses; the stamp of a command moves entries aside that this command did not begin, and
            trains again, once for all jobs of the command.

    Attributes:
        entries: what ``get`` returned so far, in order.
    """

    def __init__(self, folder: Path, refresh: str | None = None) -> None:
        self.folder, self.refresh = folder, refresh
        self.entries: list[Entry] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"outputs={folder.parent} cannot be written ({error}); set outputs=... or "
                             "LANDSCAPE_OUTPUTS to a writable folder") from error  # fmt: skip

    def get(self, description: dict[str, Any], train: Callable[[Path], Solutions]) -> tuple[Solutions, Path]:
        """The solutions of this description, from disk or by ``train(folder)``; and their folder.

        A second process that wants the same entry waits for the first. An entry that fails its checksum is moved
        to ``<key>.corrupt-N``, named in the log, and trained again.
        """
        key = key_of(description)
        entry = self.folder / key
        lock = FileLock(self.folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("another process is training solutions %s; waiting for it", key)
            lock.acquire()
        try:
            if self.refresh is not None and entry.exists() and _stamp(entry) != self.refresh:
                _move_aside(entry, "replaced")
            if (entry / "meta.json").exists():
                try:
                    solutions = load(entry)
                except CorruptEntry as error:
                    log.warning("solutions %s are corrupt (%s); moved to %s, training again",
                                key, error, _move_aside(entry, "corrupt").name)  # fmt: skip
                else:
                    log.info("solutions %s were trained before; reusing them", key)
                    self.entries.append(Entry(entry, trained=False))
                    return solutions, entry
            entry.mkdir(exist_ok=True)
            if self.refresh is not None:
                (entry / "refreshed_by").write_text(self.refresh)
            if (entry / "checkpoint.pt").exists():
                log.info("solutions %s were cut in mid-training; going on from the checkpoint", key)
            solutions = train(entry)
            save(solutions, entry, description)
            self.entries.append(Entry(entry, trained=True))
            return load(entry), entry
        finally:
            lock.release()


def _stamp(entry: Path) -> str:
    """The command that began this entry under ``refresh=true``, or nothing."""
    file = entry / "refreshed_by"
    return file.read_text() if file.exists() else ""


def _move_aside(entry: Path, why: str) -> Path:
    number = 1
    while (target := entry.with_name(f"{entry.name}.{why}-{number}")).exists():
        number += 1
    entry.rename(target)
    return target


def save(solutions: Solutions, entry: Path, description: dict[str, Any]) -> None:
    """Write an entry; ``meta.json`` comes last, by rename, then the checkpoint goes."""
    arrays = {
        "theta_i": solutions.theta_i.numpy(),
        "theta_f": solutions.theta_f.numpy(),
        "epochs": solutions.learning_curve.epochs,
        "best_epoch": solutions.learning_curve.best_epoch,
        **{f"channel/{n}": v for n, v in solutions.learning_curve.channels.items()},
        **_named("buffer", solutions.buffers),
        **_named("buffer_i", solutions.buffers_i),
    }
    temporary = entry / ".solution.npz"
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        os.replace(temporary, entry / "solution.npz")
    finally:
        temporary.unlink(missing_ok=True)
    longest = max(solutions.trajectories, key=lambda run: len(run.epochs))
    meta = {
        "format": FORMAT,
        "description": description,
        "seeds": solutions.seeds,
        "names": solutions.layout.names,
        "shapes": solutions.layout.shapes,
        "complex_names": solutions.layout.complex_names,
        "status": solutions.status,
        "num_epochs": solutions.num_epochs,
        "snapshot_epochs": longest.epochs.tolist(),
        "snapshot_steps": longest.steps.tolist(),
        "solution_sha256": _sha256(entry / "solution.npz"),
        "trajectory_bytes": longest.file.stat().st_size,
        "trajectory_sha256": _sha256(longest.file),
    }
    temporary = entry / ".meta.json"
    try:
        temporary.write_text(json.dumps(meta, indent=1, default=str, allow_nan=False))
        os.replace(temporary, entry / "meta.json")
    finally:
        temporary.unlink(missing_ok=True)
    (entry / "checkpoint.pt").unlink(missing_ok=True)


def load(entry: Path) -> Solutions:
    """Read an entry.

    Raises:
        CorruptEntry: naming the file and the fault.
    """
    try:
        meta = json.loads((entry / "meta.json").read_text())
        if meta["solution_sha256"] != _sha256(entry / "solution.npz"):
            raise CorruptEntry("solution.npz does not have its recorded checksum")
        trajectory = entry / "trajectory.npy"
        if trajectory.stat().st_size != meta["trajectory_bytes"]:
            raise CorruptEntry("trajectory.npy does not have its recorded size")
        if meta.get("trajectory_sha256", wanted := _sha256(trajectory)) != wanted:
            raise CorruptEntry("trajectory.npy does not have its recorded checksum")
        with np.load(entry / "solution.npz") as stored:
            arrays = dict(stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptEntry(str(error)) from error
    epochs, steps = np.array(meta["snapshot_epochs"], dtype=np.float64), np.array(meta["snapshot_steps"])
    seeds: list[int] = meta["seeds"]
    buffers, buffers_i = (_per_seed(group, arrays, len(seeds)) for group in ("buffer", "buffer_i"))
    return Solutions(
        layout=ParameterLayout(
            tuple(meta["names"]), tuple(tuple(shape) for shape in meta["shapes"]), tuple(meta.get("complex_names", ()))
        ),
        seeds=seeds,
        theta_i=torch.from_numpy(arrays["theta_i"]),
        theta_f=torch.from_numpy(arrays["theta_f"]),
        learning_curve=LearningCurve(
            epochs=arrays["epochs"],
            channels={n.removeprefix("channel/"): v for n, v in arrays.items() if n.startswith("channel/")},
            best_epoch=arrays["best_epoch"],
        ),
        trajectories=[
            Trajectory(trajectory, s, epochs[epochs <= last], steps[epochs <= last])
            for s, last in enumerate(meta["num_epochs"])
        ],
        status=meta["status"],
        num_epochs=meta["num_epochs"],
        buffers=buffers,
        # An entry of a time when only those of theta_f were kept has none.
        buffers_i=buffers_i if any(buffers_i) or not any(buffers) else [],
    )


def _named(group: str, buffers: list[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    """{"buffer/0/name": values, ...}, one number per seed."""
    return {f"{group}/{s}/{n}": b.numpy() for s, named in enumerate(buffers) for n, b in named.items()}


def _per_seed(group: str, arrays: dict[str, Any], num_seeds: int) -> list[dict[str, Tensor]]:
    """What ``_named`` named, back per seed."""
    return [
        {n.split("/", 2)[2]: torch.from_numpy(v) for n, v in arrays.items() if n.startswith(f"{group}/{s}/")}
        for s in range(num_seeds)
    ]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
