"""What a command says before it launches its jobs, and of each as it ends, with what is left of the sweep."""

from __future__ import annotations

import logging
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from landscape.command.collect import parts
from landscape.command.collect.record import NAME, JobRecord, is_done, one_line
from landscape.command.collect.standing import Job, Plan
from landscape.command.collect.tally import PartsTally, tally_of, tell
from landscape.command.launch import is_held
from landscape.errors import InputError
from landscape.figure.module import has_figure
from landscape.ground.files.text import plain
from landscape.objective.share import Share

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def watching(plan: Plan, sweep: Path, of_parts: PartsTally | None = None) -> Iterator[Callable[[], None]]:
    """Tell of each job and of each part as it ends, whatever process runs it, and on whatever machine.

    Yields what looks at once: for the records of parts, which a job that is soon done takes away.
    """
    of_parts = PartsTally(plan) if of_parts is None else of_parts
    open_jobs, seen = {entry.key: sweep / entry.folder for entry in plan.jobs}, dict[Path, int]()
    stop, one_at_a_time = threading.Event(), threading.Lock()

    def look() -> None:
        with one_at_a_time:
            _quietly(news)

    def news() -> None:
        for place, entry in list(of_parts.left.items()):
            record = news_of(place)
            if record is not None and record.status == "running":
                of_parts.running.add(place)
            elif record is not None:
                of_parts.end(place, entry, record)
        for key, folder in list(open_jobs.items()):
            record = news_of(folder)
            if record is None:
                continue
            if record.status == "running":
                tally_of(plan, sweep).begin(record)
            elif record.status in ("done", "failed", "cut"):
                del open_jobs[key]
                tell(record, plan, sweep)

    def news_of(folder: Path) -> JobRecord | None:
        try:
            changed = (folder / NAME).stat().st_mtime_ns
        except OSError:
            return None
        if seen.get(folder) == changed:
            return None
        seen[folder] = changed
        record = JobRecord.read(folder)
        return record if record is not None and record.command == plan.command else None

    def watch() -> None:
        while not stop.wait(SECONDS_BETWEEN_LOOKS):
            look()

    thread = threading.Thread(target=watch, daemon=True, name="progress")
    thread.start()
    try:
        yield look
    finally:
        stop.set()
        thread.join()
        look()


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

    def __init__(self, plan: Plan, sweep: Path, parallel: bool, shards: Mapping[str, int] | None = None) -> None:
        self.plan, self.sweep, self.parallel, self.shards = plan, sweep, parallel, shards or {}
        self.launched: set[str] = set()
        self.of_parts = PartsTally(plan)

    def wanted(self, overrides: Sequence[str]) -> int | None:
        """Finished jobs cost no place in a queue, nor does one that asks for the same as another."""
        entry = self.plan.entry_of(overrides)
        if entry is None or entry.key in self.launched:
            return None
        self.launched.add(entry.key)
        folder = self.sweep / entry.folder
        if self.plan.refresh or entry.again:
            parts.drop(folder)
            return entry.num
        if is_held(folder):
            return entry.num
        try:
            if not is_done(folder):
                return entry.num
        except InputError as error:
            log.warning("%s; running this job again", plain(error))
            return entry.num
        parts.drop(folder)
        record = JobRecord(entry.key, self.plan.command, entry.num, entry.overrides, "skipped")
        record.write(folder)
        how = "was done before" if has_figure(folder) else "was measured before and is drawn now"
        log.info("%s %s: %s (refresh=true starts over)", self.plan.label(record), how, folder)
        return None

    def parts(self, jobs: Sequence[Sequence[str]]) -> list[list[str]]:
        """The overrides of the parts that are not there yet, the first of every job before the second of any.

        So the trainings of all jobs come first: the other parts of a job wait for it.
        """
        found = list[tuple[int, Path, Job]]()
        for entry in filter(None, map(self.plan.entry_of, jobs)):
            num, folder = self.shards.get(entry.key, 0), self.sweep / entry.folder
            if not is_held(folder):  # else another process is at it, and needs none
                places = [(k, parts.place_of(folder, Share(k, num)), entry) for k in range(num)]
                found += [part for part in places if not parts.is_there(part[1])]
        found.sort(key=lambda part: part[0])
        self.of_parts.left |= {place: entry for _, place, entry in found}
        if found:
            entries = {entry.key: entry for *_, entry in found}
            total = sum(self.shards[key] for key in entries)
            before = f", {total - len(found)} of them before" * (total > len(found))
            jobs_of = f"{len(entries)} job{'s' * (len(entries) > 1)}"
            log.info("%s: measured in %d parts%s, then put together", jobs_of, total, before)
        return [
            [*entry.overrides, *parts.overrides_of(entry.folder, Share(k, self.shards[entry.key]))]
            for k, _, entry in found
        ]

    def running(self) -> AbstractContextManager[Callable[[], None]]:
        """Jobs of this process tell of themselves; of others' this process tells."""
        return watching(self.plan, self.sweep, self.of_parts) if self.parallel else nullcontext(lambda: None)

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
