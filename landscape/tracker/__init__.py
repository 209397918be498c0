"""Trackers watch a job from start to result; the run never depends on them.

A ``Tracker`` is told what is in this file: a job, its result and solutions, and what a sweep came to. ``rows`` lays
these out as any tracker could log them, ``wandb`` logs them to W&B (pictures and artifacts by ``media``, within the
``environment`` that it needs), ``null`` to nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from landscape.result.saved import Result
from landscape.result.verdict import Verdict

__all__ = ["Closing", "RunInfo", "SolutionFiles", "Table", "Tracker"]

Cell = str | float | None


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


@dataclass(frozen=True)
class SolutionFiles:
    """Trained networks that a job measured.

    Args:
        key: what identifies them: equal keys are equal files.
        files: what is kept of them.
        trained: this job trained them; False: an earlier job did.
    """

    key: str
    files: Sequence[Path]
    trained: bool = True


@dataclass(frozen=True)
class Table:
    """Plain rows under named columns; a cell without a value is None."""

    columns: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Closing:
    """What the jobs of a sweep came to together.

    Args:
        figure: the drawing of all of them.
        tables: by name, ``"rates"``.
        values: single values, ``{"jobs/done": 8, "rate/1b train/low": 0.81}``; none of them NaN.
        verdicts: on all jobs together.
    """

    figure: Path | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    values: dict[str, str | float] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()


class Tracker(Protocol):
    """Called once per run in this order: ``start``, then ``finish``.

    Between them a job calls any number of ``epoch`` and at most one ``record``; the closing run of a sweep calls
    ``conclude``.
    """

    @property
    def watches(self) -> bool:
        """Whether anything that it is told is kept."""

    def start(self, run: RunInfo) -> None:
        """Open the run; raises ``InputError`` when the tracker's own settings are wrong."""

    def epoch(self, row: dict[str, float]) -> None:
        """Show one live row of training, ``{"epoch": 3, "seed0/train/objective": 0.2}``; never raises."""

    def record(self, result: Result, figure: Path | None = None, solutions: Sequence[SolutionFiles] = ()) -> None:
        """Store the finished job, its figure, and the trained solutions that it measured; never raises."""

    def conclude(self, closing: Closing) -> None:
        """Store what a whole sweep came to; never raises."""

    def finish(self, exit_code: int = 0) -> None:
        """Close the run, 0 for success; never raises and may be called twice."""
