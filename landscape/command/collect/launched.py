"""What a command says before it launches its jobs, and of each as it ends, with what is left of the sweep."""

from __future__ import annotations

import logging
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from landscape.command.collect.record import NAME, JobRecord, is_done, one_line
from landscape.command.collect.standing import Plan
from landscape.command.launch import is_held
from landscape.errors import InputError
from landscape.figure.module import has_figure
from landscape.ground.files.text import plain
from landscape.ground.words import spoken

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


class Launched:
    """What happens while a plan's jobs are launched, as ``landscape.command.launch.guard`` asks and tells."""

    def __init__(self, plan: Plan, sweep: Path, parallel: bool) -> None:
        self.plan, self.sweep, self.parallel = plan, sweep, parallel
        self.launched: set[str] = set()

    def wanted(self, overrides: Sequence[str]) -> int | None:
        """Finished jobs cost no place in a queue, nor does one that asks for the same as another."""
        entry = self.plan.entry_of(overrides)
        if entry is None or entry.key in self.launched:
            return None
        self.launched.add(entry.key)
        folder = self.sweep / entry.folder
        if self.plan.refresh or entry.again or is_held(folder):
            return entry.num
        try:
            if not is_done(folder):
                return entry.num
        except InputError as error:
            log.warning("%s; running this job again", plain(error))
            return entry.num
        record = JobRecord(entry.key, self.plan.command, entry.num, entry.overrides, "skipped")
        record.write(folder)
        how = "was done before" if has_figure(folder) else "was measured before and is drawn now"
        log.info("%s %s: %s (refresh=true starts over)", self.plan.label(record), how, folder)
        return None

    def running(self) -> AbstractContextManager[None]:
        """Jobs of this process tell of themselves; of others' this process tells."""
        return watching(self.plan, self.sweep) if self.parallel else nullcontext()

    def broke(self, overrides: Sequence[str], error: BaseException) -> None:
        """Write down what the job could not: it ended outside its own care."""
        entry = self.plan.entry_of(overrides)
        if entry is None:
            log.error("job [%s] failed: %s", " ".join(overrides), one_line(error))
            return
        record = JobRecord(entry.key, self.plan.command, entry.num, entry.overrides, "failed", one_line(error), 1)
        log.error("%s failed: %s", self.plan.label(record), record.error)
        with suppress(OSError):
            record.write(self.sweep / entry.folder)

    def gave_up(self, error: BaseException) -> None:
        """Wait for what still runs; the list at the end has the rest."""
        reason = textwrap.shorten(plain(one_line(error)), 200, placeholder=" ...")  # joblib's is a page
        log.error("the compute engine gave up (%s); the same command goes on with what is left", reason)
        settle(self.plan, self.sweep)


def outlook(plan: Plan, folder: Path) -> list[str]:
    """What this command will skip, go on with and try again; nothing where all jobs are new."""
    records = [record for _, record in plan.standing(folder)]
    kinds = {
        "skipped": "done before",
        "running": "being run by another process",
        "cut": "cut and goes on",
        "failed": "failed and is tried again",
        "missing": "new",
    }
    by_kind = {kind: [r for r in records if ("skipped" if r.status == "done" else r.status) == kind] for kind in kinds}
    if len(by_kind["missing"]) == len(records):
        return []
    counts = ", ".join(f"{len(by_kind[kind])} {text}" for kind, text in kinds.items() if by_kind[kind])
    named = [f"  {kinds[kind]}: {plan.label(r)}" for kind in ("running", "cut", "failed") for r in by_kind[kind]]
    return [f"of {len(records)} job{'s' * (len(records) != 1)}: {counts}", *named]
