"""No tracking: everything worth keeping is in the job's own folder anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landscape.result.saved import Result
from landscape.tracker import Closing, RunInfo, SolutionFiles


class NullTracker:
    """A tracker that records nothing and opens nothing."""

    watches = False

    def start(self, run: RunInfo) -> None:
        """Do nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Do nothing."""

    def record(self, result: Result, figure: Path | None = None, solutions: Sequence[SolutionFiles] = ()) -> None:
        """Do nothing."""

    def conclude(self, closing: Closing) -> None:
        """Do nothing."""

    def finish(self, exit_code: int = 0) -> None:
        """Do nothing."""
