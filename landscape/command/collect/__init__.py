"""Before and after the jobs of one command: the plan, what is done, what failed, the figure and the verdicts of all."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from landscape.command.closing import close
from landscape.command.collect.checks import check_command, check_job, check_writable
from landscape.command.collect.faults import gone, one_line
from landscape.command.collect.launched import Launched, outlook
from landscape.command.collect.progress import tell
from landscape.command.collect.record import UNDRAWN, JobRecord, is_whole, records_of, write_json
from landscape.command.collect.standing import Plan
from landscape.command.launch import guard, is_parallel
from landscape.command.plan import jobs_of
from landscape.errors import Exit, InputError
from landscape.figure.caption import judged
from landscape.figure.module import figure_of, has_figure
from landscape.figure.module import save as save_figure
from landscape.figure.table import verdict_table
from landscape.ground.files import temporary
from landscape.ground.files.text import plain
from landscape.ground.progress import console
from landscape.report.tables import write_tables
from landscape.result.saved import Result

__all__ = ["UNDRAWN", "Collect", "Exit", "JobRecord", "Plan", "collect", "gone", "is_whole", "one_line", "tell"]

log = logging.getLogger(__name__)


NAMED = {
    "done": "done",
    "skipped": "done before",
    "failed": "failed",
    "cut": "cut",
    "running": "still running",
    "missing": "missing",
}
MAX_VERDICTS = 80
"""Verdicts printed one by one; of more, how often each claim holds."""
DERIVED = ("sweep.csv", "sweep_summary.csv", "figure.png", "figure.pdf")
"""Made of the jobs' results, and to be made again from them by landscape.report and landscape.figure."""
ALWAYS_TOLD = ("done", "done before", "failed")


class Collect(Callback):
    """Hydra callback: begins and ends every command, single run or sweep, in the same way."""

    plan: Plan | None = None
    figures: Collection[str] = ()
    """The modules that the command's own config names; a result may name another."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Fix the command's stamp: reading it here puts it into the cache that Hydra hands to every job.

        Refuse settings of the command that cannot work, before Hydra stumbles over them with a traceback. Write the
        plan and say what is left to do.
        """
        OmegaConf.select(config, "command")
        self._begin(config, Path(config.hydra.sweep.dir))

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """The same for ``hydra.mode=RUN``: one job in this process, whatever ``compute`` says."""
        OmegaConf.select(config, "command")
        self._begin(config, Path(config.hydra.run.dir).parent)

    def _begin(self, config: DictConfig, folder: Path) -> None:
        try:
            check_command(config)
            if config.forecast == "only":
                return
            check_writable(folder, config.outputs)
            self._plan(config, folder)
        except InputError as error:
            print(error, file=sys.stderr)
            raise Exit(2) from error

    def _plan(self, config: DictConfig, folder: Path) -> None:
        try:
            jobs = jobs_of(config)
            plan = Plan.of(folder, config.command, bool(config.refresh), bool(config.strict), jobs)
            for job in jobs:
                check_job(job.config)
        except InputError:
            raise
        except Exception as error:  # Hydra composes the same jobs a moment later, and says what is wrong with them
            log.debug("no plan: %r", error)
            return
        if not jobs:
            raise InputError("there is no job: a key is swept over no value; give it one or more")
        try:
            plan.write(folder)
        except OSError as error:
            print(f"the plan could not be written: {one_line(error)}", file=sys.stderr)
            raise Exit(1) from error
        self.plan, self.figures = plan, {str(job.config.figure) for job in jobs}
        target = config.hydra.launcher._target_
        guard(target, Launched(plan, folder, is_parallel(target)))
        if len(plan.jobs) < len(jobs):
            print(
                f"{len(jobs) - len(plan.jobs)} of {len(jobs)} jobs have the settings of an earlier one: each runs once"
            )
        for line in outlook(plan, folder):
            print(plain(line))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Collect and leave; only SystemExit passes through Hydra's callbacks."""
        self._end(config, Path(config.hydra.sweep.dir))

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """The same for ``hydra.mode=RUN``."""
        self._end(config, Path(config.hydra.run.dir).parent)

    def _end(self, config: DictConfig, folder: Path) -> None:
        try:
            figures = self.figures or {str(config.figure)}
            status = collect(folder, self.plan, config.command, bool(config.strict), config.tracker, figures)
        except Exception as error:  # Hydra would turn it into a warning and status 0
            if not folder.is_dir():
                print(gone(folder), file=sys.stderr)
                raise Exit(1) from error
            if os.environ.get("HYDRA_FULL_ERROR"):
                traceback.print_exc()
            print(f"the results could not be collected: {one_line(error)}", file=sys.stderr)
            raise Exit(1) from error
        raise Exit(status)


def collect(
    folder: Path, plan: Plan | None, command: str, strict: bool, tracker: Any = None, figures: Collection[str] = ()
) -> int:
    """Draw, judge, print and write ``sweep.json``; returns the exit status of the contract.

    Args:
        tracker: config of the tracker that gets the closing run, or None. figures: modules of the user's own that may
            draw. Both are the command's: what a result names of either is not run.
    """
    screen = console()
    for place in (folder, *(path.parent for path in folder.glob("*/job.json"))):
        temporary.sweep(place)
    # A sweeper that makes up its jobs as it goes has no plan.
    jobs = records_of(folder, command) if plan is None else plan.standing(folder)
    records = [record for _, record in jobs]
    found, figure, summary, said = dict[str, Result](), None, None, ""
    places = list[Path]()
    for place, record in jobs:
        if record.status == "cut" and record.command == command:
            with suppress(OSError):
                record.write(place)
        if record.status in ("done", "skipped"):
            try:
                found[record.key] = Result.load(place)
                places.append(place)
            except InputError as error:
                record.end(place, "failed", str(error), 1)
    verdicts, results = [], list(found.values())
    if results:
        try:
            module = figure_of(results, figures)
            verdicts = module.judge(results)
            figure = save_figure(module, results, folder, num_lost=len(records) - len(results))
            for place, result in zip(places, results, strict=True):
                if not has_figure(place):  # it was killed while it drew
                    save_figure(figure_of([result], figures), [result], place)
        except Exception as error:  # the results are whole; a drawing that fails must not hide them
            figure = None
            said = _say_fault("the figure could not be drawn", error)
        try:
            summary = write_tables(folder, places, results, verdicts, figures)
        except Exception as error:  # nor must a table
            _say_fault("sweep.csv could not be written", error, said)
    if records and not results:  # what an earlier command drew of other jobs would pass for this one's
        for name in DERIVED:
            (folder / name).unlink(missing_ok=True)
    write_json(
        folder / "sweep.json",
        {"command": command, "jobs": [asdict(r) for r in records], "verdicts": [v.as_dict() for v in verdicts]},
    )
    failed = [r for r in records if r.exit_code]
    if 0 < len(verdicts) <= MAX_VERDICTS:
        screen.print(verdict_table(verdicts))
    if summary is not None:
        screen.print(summary)
    if len(verdicts) > MAX_VERDICTS:
        print(f"{judged(verdicts)}; each of the {len(verdicts)} in {folder / 'sweep.json'}")
    counts = {name: sum(r.status == status for r in records) for status, name in NAMED.items()}
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if n or name in ALWAYS_TOLD)
    print(f"{told}; results in {folder}".replace(" done", f" job{'s' * (counts['done'] != 1)} done", 1))
    for place, record in jobs:
        if record.exit_code:
            said = f"job {record.num + 1} [{' '.join(record.overrides)}]" if plan is None else plan.label(record)
            print(plain(f"{NAMED[record.status]}: {said}: {record.error}"))
            if (place / "run.log").exists():
                print(plain(f"        log: {place / 'run.log'}"))
    if figure is not None:
        print(f"figure: {figure}")
    if summary is not None:
        print(f"table: {folder / 'sweep.csv'}")
    if found:
        close(folder, found, len(failed), verdicts, figure, tracker, figures)
    if failed:
        return 2 if all(r.exit_code == 2 for r in failed) else 1
    if not records or (results and (figure is None or summary is None)):
        return 1
    return 1 if strict and any(v.holds is False for v in verdicts) else 0


def _say_fault(what: str, error: Exception, said: str = "") -> str:
    """Log it, unless the same was said a moment before: a full disk is one fault."""
    line = plain(one_line(error))
    if line != said:
        log.error("%s: %s", what, line, exc_info=bool(os.environ.get("HYDRA_FULL_ERROR")))
    return line
