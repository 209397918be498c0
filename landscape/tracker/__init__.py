"""Trackers watch a job from start to result; the run never depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from landscape.result import Result

__all__ = ["RunInfo", "Tracker"]


@dataclass(frozen=True)
class RunInfo:
    """What identifies one job to a tracker.

    Args:
        id: the key of the job's resolved config; the same job always has the same id.
        name: short name for people, for example ``"recipe=maxout"``.
        group: the experiment, ``"fig01_maxout"``; all jobs of one sweep share it.
        job_type: the measurement, ``"interpolation"``.
        tags: free labels, for example the scale and the recipe.
        config: the resolved config as plain containers.
        folder: top of the sweep; the one ``wandb/`` folder lies in it and the job folders lie beside that.
    """

    id: str
    name: str
    group: str
    job_type: str
    tags: list[str]
    config: dict[str, Any]
    folder: Path


class Tracker(Protocol):
    """Called once per job in this order: ``start``, any number of ``epoch``, at most one ``record``, ``finish``."""

    def start(self, run: RunInfo) -> None:
        """Open the run; raises ``InputError`` when the tracker's own settings are wrong."""

    def epoch(self, row: dict[str, float]) -> None:
        """Show one live row of training, ``{"epoch": 3, "seed0/train/objective": 0.2}``; never raises."""

    def record(self, result: Result, figure: Path | None = None, solutions: Sequence[Path] = ()) -> None:
        """Store the finished job, its figure, and the files or folders of its trained solutions; never raises."""

    def finish(self, exit_code: int = 0) -> None:
        """Close the run, 0 for success; never raises and may be called twice."""
