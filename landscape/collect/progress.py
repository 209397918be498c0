"""One line per finished job, with what is left of the sweep."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from landscape.collect.record import JobRecord
from landscape.collect.standing import Plan
from landscape.progress import spoken

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


def ended_line(record: JobRecord, plan: Plan, standing: Sequence[JobRecord]) -> str:
    """``job 3 of 8 [optimizer.lr=0.1] done in 12 s; 5 left, about 1 min``.

    The time left is that of this command's jobs so far, shared by those that run side by side.
    """
    how = {"done": f"done in {spoken(record.seconds)}", "skipped": "was done before"}.get(
        record.status, f"{record.status} after {spoken(record.seconds)}: {record.error}"
    )
    left = sum(r.status in ("running", "missing") or (r.command != plan.command and r.status != "skipped")
               for r in standing if r.key != record.key)  # fmt: skip
    took = [r.seconds for r in standing if r.command == plan.command and r.status == "done"]
    rest = ""
    if left:
        running = sum(r.status == "running" for r in standing if r.key != record.key)
        # This job's place is free for the next one.
        side_by_side = min(left, running + 1)
        rest = f"; {left} left" + (f", about {spoken(sum(took) / len(took) * left / side_by_side)}" if took else "")
    return f"{plan.label(record)} {how}{rest}"


def tell(record: JobRecord, plan: Plan, sweep: Path) -> None:
    """Log how a job ended."""
    level = logging.INFO if record.status in ("done", "skipped") else logging.ERROR
    log.log(level, "%s", ended_line(record, plan, [other for _, other in plan.standing(sweep)]))


@contextmanager
def watching(plan: Plan, sweep: Path) -> Iterator[None]:
    """Tell of each job as it ends, whatever process runs it, and on whatever machine."""
    told: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        records = [JobRecord.read(sweep / entry.folder) for entry in plan.jobs if entry.key not in told]
        for record in records:
            if record and record.command == plan.command and record.status in ("done", "failed", "cut"):
                told.add(record.key)
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
