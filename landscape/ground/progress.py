"""A bar at a terminal, a line now and then everywhere else."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # rich draws one of Python's random numbers as it is imported: only where a bar is drawn
    from rich.console import Console
    from rich.progress import Progress

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
SECONDS_BETWEEN_DRAWINGS = 0.2

WIDTH = 100
"""Columns that a table or a sentence printed as an answer takes at most, on whatever screen."""
FEWEST_COLUMNS = 60
"""In less, rich would print letters below each other, and with COLUMNS=0 nothing at all."""

_bars = True
_told: ContextVar[bool] = ContextVar("told", default=True)
"""Whether the work in this context tells how far it is at all."""


class _Trimmed:
    """Standard output, whatever it is at the time, without the spaces that a table leaves at the ends of its lines."""

    def write(self, text: str) -> int:
        sys.stdout.write(re.sub(r" +(?=\n|$)", "", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def terminal() -> Console:
    """Standard output for bars and log lines: as wide as the terminal is."""
    from rich.console import Console

    screen = Console()
    return screen if screen.width >= FEWEST_COLUMNS else Console(width=FEWEST_COLUMNS)


def console() -> Console:
    """Standard output for tables and sentences, at most ``WIDTH`` columns wide.

    In a file or a pipe it is as wide as ``COLUMNS`` says, without colours and without spaces at the ends of lines.
    """
    from rich.console import Console

    screen = terminal()
    if screen.is_terminal or screen.is_jupyter:
        return screen if screen.width <= WIDTH else Console(width=WIDTH)
    width = screen.width if os.environ.get("COLUMNS", "").isdigit() else WIDTH
    return Console(width=min(width, WIDTH), no_color=True, file=cast(Any, _Trimmed()))


def log_handler() -> logging.Handler:
    """Coloured lines that get along with a progress bar at a terminal, plain unwrapped lines elsewhere.

    From then on a line that cannot be written, as into run.log on a full disk, is lost without a word: logging's own
    is a traceback for each.
    """
    from rich.logging import RichHandler

    logging.raiseExceptions = bool(os.environ.get("HYDRA_FULL_ERROR"))
    if (screen := terminal()).is_terminal:
        return RichHandler(console=screen, show_path=False, omit_repeated_times=False, log_time_format="%H:%M:%S")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    return handler


def hush(prefix: str, level: int = logging.WARNING) -> None:
    """For a job that runs beside others: no bar, and at the terminal warnings or worse alone, each with a prefix."""
    from rich.logging import RichHandler

    global _bars
    _bars = False
    for handler in logging.getLogger().handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setLevel(level)
            form = "" if isinstance(handler, RichHandler) else "%(asctime)s %(levelname)-7s "
            handler.setFormatter(logging.Formatter(f"{form}{prefix}%(message)s", "%H:%M:%S"))


@contextmanager
def bars(shown: bool) -> Iterator[None]:
    """Inside the block long work tells how far it is, or is silent: no bar, no line."""
    token = _told.set(shown)
    try:
        yield
    finally:
        _told.reset(token)


class Reporter:
    """Told how far some long work is, tells the user; see ``progress_of``."""

    def __init__(self, description: str, total: int, before: int, bar: Progress | None) -> None:
        self.description, self.total, self.before, self.bar = description, total, before, bar
        self.task = bar.add_task(description, total=total, completed=before, note="") if bar else None
        self.start = self.last = time.monotonic()

    def __call__(self, done: int, note: str = "") -> None:
        """``done`` of ``total`` units are finished."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, note=note)
            return
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES and done > self.before:
            self.last = now
            left = _left(now - self.start, self.before, done, self.total)
            times = f"{now - self.start:.0f} s so far, at most {left:.0f} s to go"
            log.info("%s: %d of %d, %s%s", self.description, done, self.total, times, f" ({note})" if note else "")


def _left(seconds: float, before: int, done: int, total: int) -> float:
    """Seconds to go, at the rate of the units that were done in these seconds: not of those that were there before."""
    return seconds / (done - before) * (total - done)


class _InNotebook:
    """A bar of the browser's own in one output of a cell, which is emptied at the end: no widgets are needed."""

    def __init__(self, description: str, total: int, before: int) -> None:
        from IPython.display import HTML, display  # there in every notebook

        self.description, self.total, self.before = description, total, before
        self.start, self.last = time.monotonic(), 0.0
        self.made: Any = HTML
        self.handle: Any = display(HTML(self._bar(before, "")), display_id=True)

    def __call__(self, done: int, note: str = "") -> None:
        """``done`` of ``total`` units are finished."""
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_DRAWINGS:
            self.last = now
            self.handle.update(self.made(self._bar(done, note)))

    def _bar(self, done: int, note: str) -> str:
        left = ""
        if done > self.before:
            left = f", {_left(time.monotonic() - self.start, self.before, done, self.total):.0f} s left"
        text = escape(f" {self.description} {done}/{self.total}{left} {note}".rstrip())
        return f'<progress value="{done}" max="{self.total}"></progress>{text}'

    def close(self) -> None:
        """Leave nothing behind."""
        self.handle.update(self.made(""))


@contextmanager
def progress_of(description: str, total: int, before: int = 0) -> Iterator[Any]:
    """A progress bar in a notebook, or a terminal that is this job's alone; else a log line every 30 seconds.

    Args:
        total: units of the whole work.
        before: how many of them were done by an earlier run, in a time that nobody knows here.
    """
    if not _told.get():
        yield lambda done, note="": None
        return
    from rich import progress as rich
    from rich.console import Console

    screen = terminal()
    if _bars and Console().is_jupyter:
        bar = _InNotebook(description, total, before)
        try:
            yield bar
        finally:
            bar.close()
        return
    if not screen.is_terminal or not _bars:
        yield Reporter(description, total, before, None)
        return
    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[note]}"),
    )
    with rich.Progress(*columns, console=screen, transient=True) as live:
        yield Reporter(description, total, before, live)
