"""The saved points of a run that was trained elsewhere, read one at a time.

They are not copied into the store: what is somebody else's stays where it is, in its own precision, and a run of large
networks takes no second place on the disk. In return each pass over the run reads each file once.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.endpoints.file import files_of
from landscape.endpoints.fit import some
from landscape.endpoints.listing import is_numbered, names_in, numbers_of, paths_in
from landscape.endpoints.point import read
from landscape.endpoints.reader import Point, Reader, check_missing, patterns_of
from landscape.errors import InputError
from landscape.ground.progress import progress_of

log = logging.getLogger(__name__)

HELD = 4
"""Points that are kept after they were read, for those who go over the data with a few at once."""
JUMP = 10
"""Times the usual distance between neighbours from which on one is named: a file of another run lies that far off."""


class Snapshots:
    """T points in the order of training; ``theta`` and iterating read them anew, a few are held.

    Args:
        sources: a path, module, state dict or flat tensor per point.
        names: what each is called.
        reader: of all of them.
        entry: which state dict, where several in a file fit.
        key: that names them, for messages.

    Attributes:
        held: points at once that cost no second reading.
        epochs, steps: [T], read off the names, see ``numbers_of``.
        is_finite: [T], whether all parameters of a point are numbers.

    Raises:
        InputError: one of them cannot be read, or does not fit; all are read once to know that.
    """

    held: int | None = HELD

    def __init__(
        self, sources: Sequence[Any], names: Sequence[str], reader: Reader, entry: str | None = None, key: str = "run"
    ) -> None:
        self.sources, self.names, self.reader, self.entry, self.key = list(sources), list(names), reader, entry, key
        self.epochs, self.steps = numbers_of(names)
        self.is_finite = np.ones(len(self.sources), dtype=bool)
        self.legs = np.full(len(self.sources), np.nan)
        self.lacking: dict[str, list[str]] = {}
        self._held: OrderedDict[int, Tensor] = OrderedDict()
        self._stamps = [_stamp(source) for source in self.sources]
        self._look()

    def _look(self) -> None:
        """Read every point once: what is wrong with one is said before anything is measured."""
        before, nowhere = None, []
        with progress_of("reading the run", len(self)) as progress:
            for k in range(len(self)):
                point = self.point(k)
                self.is_finite[k] = bool(point.theta.isfinite().all())
                if before is not None and self.is_finite[k - 1 : k + 1].all():
                    self.legs[k] = float(torch.linalg.vector_norm(point.theta.double() - before))
                before = point.theta.double()
                self.lacking[self._told(k)] = point.lacking
                nowhere += [] if point.unnamed is None else [point.unnamed]
                progress(k + 1)
        if len(nowhere) == len(self):
            raise nowhere[0]
        lost = [self.names[k] for k in np.flatnonzero(~self.is_finite)]
        if lost:
            log.warning(
                "%s: numbers that are not finite in %s; such points have no place off the line", self.key, some(lost)
            )
        self._tell_distances()
        if len(self) > 1 and not is_numbered(self.names):
            log.info("%s: no number in the names rises from file to file; points are numbered 0, 1, 2, ...", self.key)

    def _tell_distances(self) -> None:
        legs = self.legs[np.isfinite(self.legs)]
        same = [f"{self.names[k - 1]} and {self.names[k]}" for k in np.flatnonzero(self.legs == 0)]
        if same:
            log.warning("%s: %s are the same point", self.key, some(same))
        usual = float(np.median(legs[legs > 0])) if (legs > 0).any() else 0.0
        far = [k for k in np.flatnonzero(self.legs > JUMP * usual) if k > 1]  # the first steps may be long
        if far and usual > 0:
            told = [f"{self.names[k - 1]} to {self.names[k]} ({self.legs[k] / usual:.0f} times)" for k in far]
            log.warning(
                "%s: far longer ways than usual, from %s; are all of one run? endpoints.pattern chooses",
                self.key,
                some(told),
            )

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        """theta_t [P] in float64, one at a time; NaN throughout where a point is not finite."""
        for k in range(len(self)):
            theta = self._held[k] if k in self._held else self.point(k).theta
            whole = theta.double().numpy().copy()
            yield whole if self.is_finite[k] else np.full_like(whole, np.nan)

    def rows(self) -> None:
        """Nothing: the points do not lie in one file."""
        return

    def theta(self, row: float) -> Tensor:
        """Point number ``row`` as theta [1, P] in its own precision: a path in steps, for ``Objective.along``."""
        k = int(row)
        if k not in self._held:
            self._held[k] = self.point(k).theta
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(k)
        return self._held[k][None]

    def buffers(self, row: float) -> dict[str, Tensor]:
        """Those that belong to a point."""
        return self.point(int(row)).buffers

    def point(self, k: int, is_finite: bool = False) -> Point:
        """Read a point.

        Args:
            k: its number.
            is_finite: refuse numbers that are not.

        Raises:
            InputError: its file is another than when it was first read.
        """
        if _stamp(self.sources[k]) != self._stamps[k]:
            raise InputError(
                f"{self._told(k)} changed while the run was read; wait until its training is over, or copy the files"
            )
        name = self.key if isinstance(self.sources[k], str | os.PathLike) else f"{self.key}[{k}]"
        return read(self.sources[k], self.reader, name, self.entry, is_for_all=True, is_finite=is_finite)

    def _told(self, k: int) -> str:
        is_path = isinstance(self.sources[k], str | os.PathLike)
        return f"{self.key}={self.sources[k]}" if is_path else f"{self.key}[{k}]"


def trajectory_of(
    source: str | os.PathLike[str] | Iterable[Any],
    module: nn.Module,
    pattern: str | None = None,
    *,
    entry: str | None = None,
    ignore: Sequence[str] = (),
    missing: str | None = None,
    name: str = "trajectory",
) -> Snapshots:
    """The points of a run in the space of the module's parameters.

    Args:
        source: a folder of checkpoints, in the natural order of their names; or a list, each as ``point_of`` takes it.
        module: whose parameters make up theta; it is not touched.
        pattern: of the names in the folder, ``"epoch_*.pt"``.
        entry, ignore, missing: as of ``point_of``.
        name: of the argument, for messages.

    Returns:
        T points: ``len``, ``epochs`` and ``steps`` [T], ``theta(row)`` [1, P], ``buffers(row)``, and an iterator over
        theta [P] in float64 that reads one file at a time.

    Raises:
        InputError: fewer than two points, or one that does not fit.
    """
    reader = Reader(module, patterns_of(ignore), check_missing(missing), room="")
    if isinstance(source, str | os.PathLike):
        paths = paths_in(os.fspath(source), pattern, name, f"{name}: pattern")
        return Snapshots(paths, names_in(os.fspath(source), paths), reader, entry, name)
    if isinstance(source, nn.Module | Mapping) or not isinstance(source, Iterable):
        raise InputError(f"{name} is a {type(source).__name__}; give a folder of checkpoints, or a list of points")
    if pattern is not None:
        raise InputError(f"pattern={pattern} chooses files of a folder, and {name} is a {type(source).__name__}")
    sources = list(source)
    if len(sources) < 2:
        raise InputError(f"{name} has {len(sources)} points; a trajectory needs two")
    names = [str(s) if isinstance(s, str | os.PathLike) else str(k) for k, s in enumerate(sources)]
    return Snapshots(sources, names, reader, entry, name)


def _stamp(source: Any) -> Any:
    """What changes when a file is written anew; None for what is no file."""
    if not isinstance(source, str | os.PathLike):
        return None
    states = [(file, file.stat()) for file in files_of(os.fspath(source))]
    return [(str(file), state.st_size, state.st_mtime_ns, state.st_ino) for file, state in states]
