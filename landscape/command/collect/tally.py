"""Each job and each part of one in a line as it ends, with what is left of them and about how long that takes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from landscape.command.collect import parts
from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job, Plan
from landscape.ground.words import spoken

log = logging.getLogger(__name__)


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


class PartsTally:
    """How far the parts of the jobs of one command are.

    Attributes:
        left: folder of a part -> its job, of those that have not ended.
        running: folders of those that have begun.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.left: dict[Path, Job] = {}
        self.running: set[Path] = set()
        self._took: list[float] = []
        self._said: set[tuple[str, str]] = set()

    def end(self, place: Path, entry: Job, record: JobRecord) -> None:
        """Log ``job 1 of 2 [optimizer.lr=0.1], part 3 of 4 done in 12 s; 5 parts left, about 1 min``.

        What is wrong with the input the job says, and what else failed in all parts of a job is said of the first.
        """
        del self.left[place]
        self.running.discard(place)
        share = parts.share_of(place)
        told = (entry.key, record.error)
        if share is None or record.status == "skipped" or record.exit_code == 2:
            return
        if record.status == "failed" and told in self._said:
            return
        self._said.add(told)
        job = JobRecord(entry.key, self.plan.command, entry.num, entry.overrides)
        how = f"{record.status} after {spoken(record.seconds)}: {record.error}"
        if record.status == "done":
            self._took.append(record.seconds)
            how = f"done in {spoken(record.seconds)}"
        rest = f"; {len(self.left)} part{'s' * (len(self.left) != 1)} left" if self.left else ""
        if rest and self._took:
            side_by_side = min(len(self.left), len(self.running) + 1)  # this part's place is free for the next one
            rest += f", about {spoken(sum(self._took) / len(self._took) * len(self.left) / side_by_side)}"
        level = logging.INFO if record.status == "done" else logging.WARNING
        log.log(level, "%s, %s %s%s", self.plan.label(job), share, how, rest)
