"""No tracking: everything worth keeping is in the job's own folder anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landscape.result import Result
from landscape.tracker import RunInfo


class NullTracker:
    """A tracker that records nothing and opens nothing."""

    def start(self, run: RunInfo) -> None:
        """Do nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Do nothing."""

    def record(self, result: Result, figure: Path | None = None, solutions: Sequence[Path] = ()) -> None:
        """Do nothing."""

    def finish(self, exit_code: int = 0) -> None:
        """Do nothing."""
