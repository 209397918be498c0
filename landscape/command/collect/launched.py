"""What a command says before it launches its jobs, and does while they run."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from landscape.command.collect.faults import one_line
from landscape.command.collect.progress import settle, watching
from landscape.command.collect.record import JobRecord, is_done
from landscape.command.collect.standing import Plan
from landscape.command.launch import is_held
from landscape.errors import InputError
from landscape.figure.module import has_figure
from landscape.ground.files.text import plain

log = logging.getLogger(__name__)


class Launched:
    """What happens while a plan's jobs are launched; see ``landscape.command.launch.engine.Watch``."""

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
        if self.plan.refresh or is_held(folder):
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
        """Write down what the job could not."""
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
