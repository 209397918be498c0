"""A rich progress bar in the shape that pooch drives."""

from __future__ import annotations

from types import TracebackType

import rich
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class DownloadBar:
    """Bytes received of one file; silent when the output is not a terminal.

    pooch sets ``total``, calls ``update`` with chunk sizes, and ends with ``reset``, ``update(total)``, ``close``.

    Args:
        name: the file, shown before the bar.
        console: where to draw; None means rich's own, which keeps log lines and bar apart.
    """

    def __init__(self, name: str, console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = console or rich.get_console()
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.progress.add_task(name, total=None)

    def __enter__(self) -> DownloadBar:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.progress.disable:  # stopping a bar that never showed would print an empty line
            self.progress.stop()

    @property
    def total(self) -> float | None:
        """Bytes to come; None until a mirror has said so."""
        return self.progress.tasks[0].total

    @total.setter
    def total(self, num_bytes: int) -> None:
        self.progress.update(self.task, total=num_bytes or None)  # pooch says 0 where the mirror says nothing

    def update(self, num_bytes: int) -> None:
        """Count bytes that arrived."""
        self.progress.advance(self.task, num_bytes)

    def reset(self) -> None:
        """Back to nothing received."""
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        """Nothing to do: leaving the context ends the bar."""
