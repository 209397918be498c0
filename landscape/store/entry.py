"""One entry of the store on disk: ``solution.npz``, ``trajectory.npy`` and ``meta.json``, each under a digest.

``meta.json`` is written last, so a folder that has it is whole; its ``digest`` is that of all else it says, and what it
says holds the digests of the two others. An entry of the first edition has none: it is read if its parts fit together.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.ground.files import document, temporary
from landscape.parameters import ParameterLayout
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory
from theory import npz

T = TypeVar("T")
FORMAT = 1
"""Part of every key: raise it when training or this layout changes meaning."""
STATUS = ("stopped", "max_epochs", "diverged")
BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, OverflowError)
"""What reading a broken entry may raise."""


class CorruptEntry(Exception):
    """An entry that claims to be whole and is not."""


def save(solutions: Solutions, entry: Path, description: dict[str, Any]) -> None:
    """Write an entry; ``meta.json`` comes last, by rename, then the checkpoint goes."""
    arrays = {
        "edition": np.array(2),  # which has a digest in meta.json
        "theta_i": solutions.theta_i.numpy(),
        "theta_f": solutions.theta_f.numpy(),
        "epochs": solutions.learning_curve.epochs,
        "best_epoch": solutions.learning_curve.best_epoch,
        **{f"channel/{n}": v for n, v in solutions.learning_curve.channels.items()},
        **_named("buffer", solutions.buffers),
        **_named("buffer_i", solutions.buffers_i),
    }
    with temporary.replacing(entry / "solution.npz") as place, place.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
    longest = max(solutions.trajectories, key=lambda run: len(run.epochs))
    meta = {
        "format": FORMAT,
        "description": plain(description),
        "seeds": solutions.seeds,
        "names": solutions.layout.names,
        "shapes": solutions.layout.shapes,
        "complex_names": solutions.layout.complex_names,
        "status": solutions.status,
        "num_epochs": solutions.num_epochs,
        "snapshot_epochs": longest.epochs.tolist(),
        "snapshot_steps": longest.steps.tolist(),
        "solution_sha256": sha256_of(entry / "solution.npz"),
        "trajectory_bytes": longest.file.stat().st_size,
        "trajectory_sha256": sha256_of(longest.file),
    }
    meta["digest"] = digest_of(meta)
    temporary.write_text(entry / "meta.json", json.dumps(meta, indent=1, default=str, allow_nan=False))
    (entry / "checkpoint.pt").unlink(missing_ok=True)


def load(entry: Path, description: dict[str, Any] | None = None) -> Solutions:
    """Read an entry, of this description if one is given; what it holds stays as it is if the folder is replaced.

    Raises:
        CorruptEntry: naming the file and the fault.
    """
    return read(_load, entry, description)


def read(load: Callable[[Path, Any], T], entry: Path, description: dict[str, Any] | None) -> T:
    """What ``load`` finds in an entry of any kind.

    Raises:
        CorruptEntry: it met a file that is broken.
    """
    try:
        return load(entry, description)
    except CorruptEntry:
        raise
    except BROKEN as error:
        raise CorruptEntry(f"{type(error).__name__}: {error}") from error


def _load(entry: Path, description: dict[str, Any] | None) -> Solutions:
    for name in ("meta.json", "solution.npz", "trajectory.npy"):  # a pipe would be waited for
        require((entry / name).is_file(), f"{name} is missing, or no regular file")
    try:
        _, meta = document.parsed(entry / "meta.json")
    except ValueError as error:
        raise CorruptEntry(f"meta.json: {error}") from error
    digest = meta.pop("digest", None)
    require(digest is None or digest == digest_of(meta), "meta.json does not have its recorded checksum")
    if description is not None:
        require(meta["description"] == plain(description), "meta.json describes another training")
    solution, trajectory = entry / "solution.npz", entry / "trajectory.npy"
    require(meta["solution_sha256"] == sha256_of(solution), "solution.npz does not have its recorded checksum")
    size = trajectory.stat().st_size
    require(size == meta["trajectory_bytes"], "trajectory.npy does not have its recorded size")
    if digest is not None or "trajectory_sha256" in meta:  # entries older than the first edition's last have none
        is_same = meta["trajectory_sha256"] == sha256_of(trajectory)
        require(is_same, "trajectory.npy does not have its recorded checksum")
    try:
        arrays = npz.read(solution, kinds="biufc")  # a module's own buffers may be complex
    except ValueError as error:
        raise CorruptEntry(f"solution.npz: {error}") from error
    require(digest is not None or "edition" not in arrays, "meta.json has lost its checksum")
    thetas = np.load(trajectory, mmap_mode="r")
    _check(meta, arrays, thetas)
    epochs, steps = np.array(meta["snapshot_epochs"], dtype=np.float64), np.array(meta["snapshot_steps"])
    seeds: list[int] = meta["seeds"]
    buffers, buffers_i = (_per_seed(group, arrays, len(seeds)) for group in ("buffer", "buffer_i"))
    return Solutions(
        layout=layout_of(meta),
        seeds=seeds,
        theta_i=torch.from_numpy(arrays["theta_i"]),
        theta_f=torch.from_numpy(arrays["theta_f"]),
        learning_curve=LearningCurve(
            epochs=arrays["epochs"],
            channels={n.removeprefix("channel/"): v for n, v in arrays.items() if n.startswith("channel/")},
            best_epoch=arrays["best_epoch"],
        ),
        trajectories=[
            Trajectory(trajectory, s, epochs[epochs <= last], steps[epochs <= last], thetas=thetas)
            for s, last in enumerate(meta["num_epochs"])
        ],
        status=meta["status"],
        num_epochs=meta["num_epochs"],
        buffers=buffers,
        # An entry of a time when only those of theta_f were kept has none.
        buffers_i=buffers_i if any(buffers_i) or not any(buffers) else [],
    )


def layout_of(meta: dict[str, Any]) -> ParameterLayout:
    """Names and shapes; complex parameters are named since there are any."""
    shapes = tuple(tuple(shape) for shape in meta["shapes"])
    return ParameterLayout(tuple(meta["names"]), shapes, tuple(meta.get("complex_names", ())))


def _check(meta: dict[str, Any], arrays: dict[str, Any], thetas: NDArray[np.float32]) -> None:
    """Refuse parts that do not fit together; of an entry without a digest this is all that can be said."""
    seeds, steps = meta["seeds"], meta["snapshot_steps"]
    num_seeds, num_rows = len(seeds), len(arrays["epochs"])
    require(all(isinstance(seed, int) for seed in seeds), "meta.json has seeds that are no numbers")
    require(len(set(seeds)) == num_seeds, "meta.json has one seed twice")
    told = meta["description"].get("seeds", seeds)
    require(seeds == told, f"meta.json has the seeds {seeds}, its description {told}")
    require(len(meta["names"]) == len(meta["shapes"]), "meta.json has not one shape per name")
    require(all(name.isprintable() for name in meta["names"]), "meta.json has names that cannot be printed")
    num_parameters = layout_of(meta).num_parameters
    for name in ("theta_i", "theta_f"):
        require(arrays[name].shape == (num_seeds, num_parameters), f"{name} does not fit the shapes of meta.json")
        require(arrays[name].dtype.kind == "f", f"{name} is of type {arrays[name].dtype}")
    require(thetas.dtype == np.float32, f"trajectory.npy is of type {thetas.dtype}")
    require(thetas.shape == (len(steps), num_seeds, num_parameters), "trajectory.npy does not fit meta.json")
    for name in ("snapshot_epochs", "snapshot_steps"):
        is_rising = bool((np.diff(np.array(meta[name], dtype=np.float64)) > 0).all())
        require(len(meta[name]) == len(steps) and is_rising and meta[name][0] == 0, f"meta.json has a broken {name}")
    require([word for word in meta["status"] if word in STATUS] == meta["status"], "meta.json has an unknown status")
    channels = [values for name, values in arrays.items() if name.startswith("channel/")]
    require(all(values.shape == (num_rows, num_seeds) for values in channels), "the learning curve has lost rows")
    require(not any(values.dtype.kind == "c" for values in channels), "the learning curve is of complex numbers")
    best = arrays["best_epoch"]
    is_seen = best.shape == (num_seeds,) and bool(((best >= 0) & (best < num_rows)).all())
    require(is_seen, "solution.npz has a best epoch that nothing was seen of")
    for name, row in (("status", meta["status"]), ("num_epochs", meta["num_epochs"])):
        require(len(row) == num_seeds, f"meta.json has not one {name} per seed")
    require(all(0 <= last < num_rows for last in meta["num_epochs"]), "meta.json has epochs that nothing was seen of")


def require(holds: bool, fault: str) -> None:
    """Raise CorruptEntry unless it holds."""
    if not holds:
        raise CorruptEntry(fault)


def plain(description: dict[str, Any]) -> Any:
    """A description as it comes back from its file; numbers that JSON has not are written out."""

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): known(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [known(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value if value is None or isinstance(value, str | int | float) else str(value)

    return known(description)


def digest_of(meta: dict[str, Any]) -> str:
    """Of what a file says, however it is laid out."""
    return hashlib.sha256(json.dumps(meta, sort_keys=True, default=str).encode()).hexdigest()


def _named(group: str, buffers: list[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    """{"buffer/0/name": values, ...}, one number per seed."""
    return {f"{group}/{s}/{n}": b.numpy() for s, named in enumerate(buffers) for n, b in named.items()}


def _per_seed(group: str, arrays: dict[str, Any], num_seeds: int) -> list[dict[str, Tensor]]:
    """What ``_named`` named, back per seed."""
    return [
        {n.split("/", 2)[2]: torch.from_numpy(v) for n, v in arrays.items() if n.startswith(f"{group}/{s}/")}
        for s in range(num_seeds)
    ]


def sha256_of(file: Path) -> str:
    """Of what a file holds."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
