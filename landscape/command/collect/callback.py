"""The Hydra callback that begins and ends every command, single run or sweep, in the same way."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from landscape.command.collect import parts
from landscape.command.collect.checks import check_command, check_job, check_writable
from landscape.command.collect.current import is_current
from landscape.command.collect.launched import Launched, outlook
from landscape.command.collect.outcome import collect
from landscape.command.collect.record import gone, is_whole, one_line
from landscape.command.collect.standing import Plan
from landscape.command.launch import guard, is_parallel
from landscape.command.plan import PlannedJob, jobs_of
from landscape.errors import Exit, InputError
from landscape.ground.files.text import plain

log = logging.getLogger(__name__)


class Collect(Callback):
    """Before the jobs: refuse, plan, say what is left to do. After them: collect, and leave with the exit status."""

    plan: Plan | None = None
    figures: Collection[str] = ()
    """The modules that the command's own config names; a result may name another."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Fix the command's stamp: reading it here puts it into the cache that Hydra hands to every job.

        Refuse settings of the command that cannot work, before Hydra stumbles over them with a traceback. Write the
        plan and say what is left to do.
        """
        OmegaConf.select(config, "command")
        try:
            check_command(config)
            if config.forecast == "only":
                return
            check_writable(_folder(config), config.outputs)
            self._plan(config, _folder(config))
        except InputError as error:
            print(error, file=sys.stderr)
            raise Exit(2) from error

    on_run_start = on_multirun_start
    """The same for ``hydra.mode=RUN``: one job in this process, whatever ``compute`` says."""

    def _plan(self, config: DictConfig, folder: Path) -> None:
        try:
            jobs = jobs_of(config)
            again = (lambda job: False) if config.refresh else _is_of_other_data
            plan = Plan.of(folder, config.command, bool(config.refresh), bool(config.strict), jobs, again)
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
        shards = {job.key: parts.num_of(job.config) for job in jobs}
        guard(target, Launched(plan, folder, is_parallel(target), shards))
        if len(plan.jobs) < len(jobs):
            print(
                f"{len(jobs) - len(plan.jobs)} of {len(jobs)} jobs have the settings of an earlier one: each runs once"
            )
        for line in outlook(plan, folder):
            print(plain(line))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Collect and leave; only SystemExit passes through Hydra's callbacks."""
        folder = _folder(config)
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

    on_run_end = on_multirun_end


def _is_of_other_data(job: PlannedJob) -> bool:
    """Whether a finished job was measured on other examples than its config means now."""
    return is_whole(job.folder) and not is_current(job.folder, job.config)


def _folder(config: DictConfig) -> Path:
    """The folder of the command."""
    is_single = config.hydra.mode == RunMode.RUN
    return Path(config.hydra.run.dir).parent if is_single else Path(config.hydra.sweep.dir)
