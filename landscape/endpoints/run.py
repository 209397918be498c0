"""A run that was trained elsewhere and left a checkpoint per epoch: its ends, and all its points between."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from landscape.endpoints.ends import Ends
from landscape.endpoints.file import shown
from landscape.endpoints.fit import some
from landscape.endpoints.listing import names_in, paths_in
from landscape.endpoints.reader import Reader, check_missing, patterns_of
from landscape.endpoints.snapshots import Snapshots
from landscape.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """One run as points, see ``landscape.store.solutions.Runs``; nobody here trained it, so it has no learning curve.

    Args:
        theta_i, theta_f: its ends [1, P].
        trajectories: all its points, those before theta_i and after theta_f too.
        best_epoch: that of theta_f.
        buffers: those of theta_f.
        seeds: one, for dropout masks.
    """

    theta_i: Tensor
    theta_f: Tensor
    trajectories: list[Snapshots]
    best_epoch: list[float]
    buffers: list[dict[str, Tensor]]
    seeds: list[int]


class Run:
    """From the first saved point of a run to its last, and what lies between them: no training.

    Args:
        folder: where the checkpoints are; files or folders, each as of ``Checkpoints``.
        pattern: of their names, ``"epoch_*.pt"``; None: all checkpoints in the folder, which must be of one kind. They
            are taken in natural order, 2 before 10; links that lead out of the folder are refused.
        start, end: names of the two that are the ends; None for the first and the last. What lies before the start is
            left out; what comes after the end is part of the run.
        entry: which state dict, where several in a file fit.
        ignore: patterns of names in the files that the model lacks and that may be passed over.
        missing: ``"model"`` takes what all the files lack from the model as it is made.

    Epochs and steps are read off the names, see ``listing.numbers_of``. A point in the middle that is not finite is
    named, and a row of NaN; an end must be finite.
    """

    needs_solutions = False
    brings_runs = True

    def __init__(
        self,
        folder: str,
        pattern: str | None = None,
        start: str | None = None,
        end: str | None = None,
        entry: str | None = None,
        ignore: Sequence[str] = (),
        missing: str | None = None,
    ) -> None:
        if not isinstance(folder, str | Path) or not str(folder):
            raise InputError(f"endpoints.folder={folder} must be the name of a folder with a checkpoint per epoch")
        for key, value in {"pattern": pattern, "start": start, "end": end, "entry": entry}.items():
            if value is not None and (not isinstance(value, str) or not value):
                raise InputError(f"endpoints.{key}={value} must be a text, or null")
        self.folder, self.pattern, self.entry = str(folder), pattern, entry
        self.named = {"start": start, "end": end}
        self.ignore, self.missing = patterns_of(ignore, "endpoints."), check_missing(missing, "endpoints.")

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless there are two files or more, in an order, and the ends are among them."""
        self._ends(self._paths())

    def load(self, module: nn.Module, again: Callable[[], nn.Module] | None = None) -> Ends:
        """One line for this module's layout, with the run that it belongs to.

        Args:
            again: makes another such module from another seed, to tell what of it is drawn at random.
        """
        paths = self._paths()
        first, last = self._ends(paths)
        if first:
            log.info("endpoints.start: %d checkpoints before it are left out of the run", first)
            paths, first, last = paths[first:], 0, last - first
        reader = Reader(module, self.ignore, self.missing)
        run = Snapshots(paths, names_in(self.folder, paths), reader, self.entry, "endpoints.folder")
        reader.tell_of_no_use()
        reader.tell_lacking(run.lacking, again)
        start, end = (run.point(k, is_finite=True) for k in (first, last))
        theta_i, theta_f = start.theta[None], end.theta[None]
        if torch.equal(theta_i, theta_f):
            raise InputError(
                f"{run.names[first]} and {run.names[last]} of endpoints.folder={self.folder} hold the same parameters; "
                "a line needs two points, so name other ends: endpoints.start=NAME endpoints.end=NAME"
            )
        log.info(
            "%d checkpoints, from %s to %s; the line goes from %s to %s",
            len(paths),
            *(run.names[k] for k in (0, -1, first, last)),
        )
        found = Found(theta_i, theta_f, [run], [float(run.epochs[last])], [end.buffers], [0])
        return Ends(theta_i, theta_f, ["0"], [0], [end.buffers], [False], [start.buffers], runs=found)

    def _paths(self) -> list[str]:
        return paths_in(self.folder, self.pattern, "endpoints.folder", "endpoints.pattern")

    def _ends(self, paths: Sequence[str]) -> tuple[int, int]:
        """Which of the files the ends are."""
        names = names_in(self.folder, paths)
        found = {"start": 0, "end": len(names) - 1}
        for key, name in self.named.items():
            if name is None:
                continue
            own = name if name in names else os.path.relpath(name, self.folder)
            if own not in names:
                of = "" if self.pattern is None else f" of endpoints.pattern={self.pattern}"
                raise InputError(
                    f"endpoints.{key}={shown(name)} is none of the checkpoints in endpoints.folder={self.folder}{of}; "
                    f"these are {some(names)}"
                )
            found[key] = names.index(own)
        if found["start"] >= found["end"]:
            first, last = names[found["start"]], names[found["end"]]
            raise InputError(
                f"endpoints.start={first} does not come before endpoints.end={last} in the order of their names; "
                "exchange them, or name others"
            )
        return found["start"], found["end"]
