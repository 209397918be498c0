"""One line per finished job, with what is left of the sweep."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from landscape.command.collect.record import NAME, JobRecord
from landscape.command.collect.standing import Plan
from landscape.ground.progress import spoken

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


class Tally:
    """How far the jobs of one command are: read once, then told of each job that begins or ends.

    Args:
        standing: how every job of the plan stands now.
    """

    def __init__(self, plan: Plan, standing: Sequence[JobRecord]) -> None:
        self.plan = plan
        self.left = {
            r.key
            for r in standing
            if r.status in ("running", "missing") or (r.command != plan.command and r.status != "skipped")
        }
        self.running = {r.key for r in standing if r.status == "running"}
        self.took = {r.key: r.seconds for r in standing if r.command == plan.command and r.status == "done"}
        self.seconds = sum(self.took.values())

    def begin(self, record: JobRecord) -> None:
        """One more job runs."""
        self.running.add(record.key)

    def end(self, record: JobRecord) -> str:
        """``job 3 of 8 [optimizer.lr=0.1] done in 12 s; 5 left, about 1 min``.

        The time left is that of this command's jobs so far, shared by those that run side by side.
        """
        self.left.discard(record.key)
        self.running.discard(record.key)
        if record.status == "done":
            self.seconds += record.seconds - self.took.get(record.key, 0.0)
            self.took[record.key] = record.seconds
        how = {"done": f"done in {spoken(record.seconds)}", "skipped": "was done before"}.get(
            record.status, f"{record.status} after {spoken(record.seconds)}: {record.error}"
        )
        rest, num = "", len(self.left)
        if num:
            side_by_side = min(num, len(self.running) + 1)  # this job's place is free for the next one
            time_left = self.seconds / max(len(self.took), 1) * num / side_by_side
            rest = f"; {num} left" + (f", about {spoken(time_left)}" if self.took else "")
        return f"{self.plan.label(record)} {how}{rest}"


_tallies: dict[tuple[Path, str], Tally] = {}  # of this process's command


def tally_of(plan: Plan, sweep: Path) -> Tally:
    """The tally of a command: its jobs' folders are read for the first job that ends and not again."""
    place = (sweep, plan.command)
    if place not in _tallies:
        _tallies.clear()
        _tallies[place] = Tally(plan, [record for _, record in plan.standing(sweep)])
    return _tallies[place]


def tell(record: JobRecord, plan: Plan, sweep: Path) -> None:
    """Log how a job ended."""
    level = logging.INFO if record.status in ("done", "skipped") else logging.ERROR
    log.log(level, "%s", tally_of(plan, sweep).end(record))


@contextmanager
def watching(plan: Plan, sweep: Path) -> Iterator[None]:
    """Tell of each job as it ends, whatever process runs it, and on whatever machine."""
    open_jobs, seen = {entry.key: sweep / entry.folder for entry in plan.jobs}, dict[str, int]()
    stop = threading.Event()

    def look() -> None:
        for key, folder in list(open_jobs.items()):
            try:
                changed = (folder / NAME).stat().st_mtime_ns
            except OSError:
                continue
            if seen.get(key) == changed:
                continue
            seen[key] = changed
            record = JobRecord.read(folder)
            if record is None or record.command != plan.command:
                continue
            if record.status == "running":
                tally_of(plan, sweep).begin(record)
            elif record.status in ("done", "failed", "cut"):
                del open_jobs[key]
                tell(record, plan, sweep)

    def watch() -> None:
        while not stop.wait(SECONDS_BETWEEN_LOOKS):
            _quietly(look)

    thread = threading.Thread(target=watch, daemon=True, name="progress")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _quietly(look)


def _quietly(look: Callable[[], None]) -> None:
    try:
        look()
    except Exception as error:  # a line less must not cost a sweep
        log.debug("progress: %r", error)


def settle(plan: Plan, sweep: Path, seconds: float = 5.0) -> None:
    """Wait until no job of the plan has been running for some seconds: an engine that gave up may have left some."""
    last, said = time.monotonic(), False
    while time.monotonic() - last < seconds:
        running = sum(record.status == "running" for _, record in plan.standing(sweep))
        if running:
            last = time.monotonic()
            if not said:
                said = True
                log.info("waiting for %d jobs that still run", running)
        time.sleep(SECONDS_BETWEEN_LOOKS)
