"""The points that training passed through, on disk, and their shadow on the straight line."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.result.curve import Projection

STREAMED = 100_000_000
"""Numbers in a trajectory from which on a compiled pass is worth the second that its compilation may take."""


class TrajectoryWriter:
    """Append snapshots [S, P] to one ``.npy`` file of shape [T, S, P] that is readable after every append.

    NumPy pads the header of such a file so that the length of axis 0 can be rewritten in place; a resumed run
    cuts the file back to the rows that its checkpoint knows.

    Args:
        file: where the rows are written.
        shape: (S, P).
        num_rows: rows to keep of an existing file; 0 starts a new one.
        digest: what ``digest`` gave after those rows; None does not look.

    Raises:
        ValueError: the file holds fewer rows, or others.
    """

    def __init__(self, file: Path, shape: tuple[int, int], num_rows: int = 0, digest: str | None = None) -> None:
        self.file, self.shape, self.num_rows = file, shape, num_rows
        self._hash = hashlib.sha256()  # of the rows that were written, whatever the disk makes of them
        self._row_bytes = 4 * shape[0] * shape[1]
        header = self._header(num_rows)
        if num_rows == 0:
            file.unlink(missing_ok=True)  # a link would be written through, a pipe waited for
            file.write_bytes(header)
        else:
            size = len(header) + num_rows * self._row_bytes
            if not file.is_file() or file.stat().st_size < size:
                raise ValueError(f"{file} holds fewer than {num_rows} snapshots")
            with file.open("r+b") as stream:
                stream.write(header)
                stream.truncate(size)
            self._hash = self._hash_of_file()
            if digest is not None and digest != self.digest():
                raise ValueError(f"{file.name} does not hold the snapshots that were written")

    def digest(self) -> str:
        """SHA-256 of the rows so far."""
        return self._hash.hexdigest()

    def check(self) -> None:
        """Read the file again.

        Raises:
            ValueError: it does not hold what was appended.
        """
        header = self._header(self.num_rows)
        with self.file.open("rb") as stream:
            is_whole = stream.read(len(header)) == header
        if not is_whole or self._hash_of_file().digest() != self._hash.digest():
            raise ValueError(f"{self.file.name} does not hold the snapshots that were written")

    def _hash_of_file(self) -> Any:
        found = hashlib.sha256()
        with self.file.open("rb") as stream:
            stream.seek(len(self._header(self.num_rows)))
            while part := stream.read(1 << 20):
                found.update(part)
        return found

    def _header(self, num_rows: int) -> bytes:
        buffer = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            buffer, {"descr": "<f4", "fortran_order": False, "shape": (num_rows, *self.shape)}
        )
        return buffer.getvalue()

    def append(self, theta: Tensor) -> None:
        """Add theta [S, P] as float32."""
        data = theta.detach().cpu().float().numpy().tobytes()
        with self.file.open("r+b") as stream:
            stream.seek(len(self._header(self.num_rows)) + self.num_rows * self._row_bytes)
            stream.write(data)
            self._hash.update(data)
            self.num_rows += 1
            stream.seek(0)
            stream.write(self._header(self.num_rows))

    def sync(self) -> None:
        """Force what was appended onto the disk."""
        with self.file.open("rb+") as stream:
            os.fsync(stream.fileno())


class Course(Protocol):
    """The saved points of one run, wherever they lie."""

    @property
    def epochs(self) -> NDArray[np.float64]: ...
    @property
    def steps(self) -> NDArray[np.int64]: ...
    @property
    def held(self) -> int | None:
        """Points at once that cost no second reading; None: all."""

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        """theta_t [P], NaN where a point is not finite; the caller may write into it."""

    def rows(self) -> NDArray[np.float32] | None:
        """All of them [T, P], where they are one array on disk."""

    def theta(self, row: float) -> Tensor:
        """Number ``row`` as theta [1, P]."""


@dataclass(frozen=True)
class Trajectory:
    """Snapshots of one training run.

    Args:
        file: the ``.npy`` [T, S, P], float32.
        column: which S.
        steps: updates before each snapshot [T].
        epochs: of each snapshot [T], whole numbers but for those kept within the first epoch.
        thetas: the file's content as a memory map, which outlives the file's name; None opens it when asked.
    """

    file: Path
    column: int
    epochs: NDArray[np.float64]
    steps: NDArray[np.int64]
    thetas: NDArray[np.float32] | None = field(default=None, repr=False, compare=False, kw_only=True)

    @property
    def held(self) -> int | None:
        """A memory map holds whatever there is room for."""
        return None

    def _opened(self) -> NDArray[np.float32]:
        """[T, S, P]."""
        found: NDArray[np.float32] = np.load(self.file, mmap_mode="r") if self.thetas is None else self.thetas
        return found

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        """theta_t [P] in float64, one at a time from a memory map."""
        thetas = self._opened()
        for t in range(len(self.epochs)):
            yield thetas[t, self.column].astype(np.float64)

    def rows(self) -> NDArray[np.float32]:
        """The snapshots [T, P] as a memory map."""
        return self._opened()[: len(self.epochs), self.column]

    def theta(self, row: float) -> Tensor:
        """Snapshot number ``row`` as theta [1, P], float32: a path in steps, for ``Objective.along``."""
        return torch.from_numpy(np.array(self._opened()[int(row), self.column]))[None]


def snapshot_interval(max_epochs: int, row_bytes: int, budget: float) -> int:
    """k such that the first 20 epochs and every k-th after them fit into ``budget`` bytes.

    This is the stated rule for thinning a trajectory: 1 (every epoch) unless the file would be larger.
    """
    dense = 20
    rows = int(budget // max(row_bytes, 1)) - dense - 1  # whole rows
    if max_epochs <= dense or rows >= max_epochs - dense:
        return 1
    return int(np.ceil((max_epochs - dense) / max(rows, 1)))


def project(
    trajectories: Sequence[Course],
    theta_i: NDArray[np.float64],
    theta_f: NDArray[np.float64],
    best_epoch: Sequence[float],
    streamed: int = STREAMED,
) -> Projection:
    """Projection and residual of each run on the line from its theta_i to its theta_f, in float64.

    Each snapshot is read once. The residual is the norm of the difference, not the difference of squared norms,
    which would lose half the digits near the line; ``streaming.shadow`` says how large runs keep theirs.

    Args:
        trajectories: one per seed.
        theta_i, theta_f: [S, P].
        best_epoch: [S].
        streamed: numbers in a run from which on it goes through the compiled pass.

    Returns:
        Projection with T the longest run; shorter ones are padded with NaN. A seed with theta_f = theta_i has no
        direction and gives NaN.
    """
    longest = max(trajectories, key=lambda run: len(run.epochs))
    shape = (len(longest.epochs), len(trajectories))
    along, aside, norm = (np.full(shape, np.nan) for _ in range(3))
    length = np.linalg.norm(theta_f - theta_i, axis=1)
    for s, run in enumerate(trajectories):
        direction = (theta_f[s] - theta_i[s]) / length[s] if length[s] > 0 else np.full(theta_i.shape[1], np.nan)
        is_long = len(run.epochs) * len(direction) >= streamed and length[s] > 0
        if is_long and (rows := run.rows()) is not None:
            from landscape.store.streaming import shadow  # late: numba takes half a second to import

            here = (slice(len(run.epochs)), s)
            along[here], aside[here], norm[here] = shadow(rows, theta_i[s], direction, torch.get_num_threads())
            continue
        for t, theta in enumerate(run):
            norm[t, s] = np.linalg.norm(theta)
            theta -= theta_i[s]
            along[t, s] = theta @ direction
            theta -= along[t, s] * direction
            aside[t, s] = np.linalg.norm(theta)
    return Projection(
        steps=longest.steps.astype(np.float64),
        epochs=longest.epochs.astype(np.float64),
        projection=along,
        residual_norm=aside,
        parameter_norm=norm,
        length=length,
        best_epoch=np.asarray(best_epoch, dtype=np.float64),
    )


def project_second(
    trajectories: Sequence[Course], theta_i: NDArray[np.float64], theta_f: NDArray[np.float64], flat: Projection
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each run lies along the direction of its own largest residual, and how far from the plane it then is.

    Args:
        trajectories: one per seed.
        theta_i, theta_f: [S, P].
        flat: what ``project`` said of them.

    Returns:
        z and the distance from the plane of line and z, each [T, S]; NaN where ``flat`` has NaN, and where a run
        never left its line.
    """
    second, distance = (np.full_like(flat.projection, np.nan) for _ in range(2))
    for s, run in enumerate(trajectories):
        top = int(np.nanargmax(flat.residual_norm[:, s])) if np.isfinite(flat.residual_norm[:, s]).any() else 0
        if not flat.residual_norm[top, s] > 0:
            continue
        line = (theta_f[s] - theta_i[s]) / flat.length[s]

        def aside(theta: NDArray[np.float64], t: int, s: int = s, line: NDArray[np.float64] = line) -> Any:
            return theta - theta_i[s] - flat.projection[t, s] * line

        axis = aside(run.theta(top)[0].double().numpy(), top)
        axis /= np.linalg.norm(axis)
        for t, theta in enumerate(run):
            left = aside(theta, t)
            second[t, s] = left @ axis
            distance[t, s] = np.linalg.norm(left - second[t, s] * axis)
    return second, distance
