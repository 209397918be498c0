"""One job as Hydra's launchers call it: in its folder, on its device, and with an end that is written down."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from landscape.command.arguments import check_arguments
from landscape.command.collect import UNDRAWN, JobRecord, Plan, gone, is_whole, one_line, parts, tell
from landscape.command.collect.checks import searches
from landscape.command.collect.current import is_current
from landscape.command.collect.record import RESTARTS, RESUMES
from landscape.command.config import register
from landscape.command.job import run, run_info, run_part, value_of
from landscape.command.launch import hold, in_child, is_parallel
from landscape.command.launch.gpu import lend
from landscape.command.prepare import brings_points, make, trains_bends
from landscape.errors import InputError
from landscape.figure.module import figure_module
from landscape.figure.module import save as save_figure
from landscape.ground.precision import tf32
from landscape.ground.progress import hush
from landscape.objective.share import Share
from landscape.result.saved import Result
from landscape.tracker import SolutionFiles

register()  # a launcher's worker imports this module, and no other of the command, to unpickle its job


def job(cfg: DictConfig) -> Any:
    """One job of the sweep. A fault ends this job, is written into its folder, and never stops the others.

    Returns:
        What ``optimize`` names, or the monitored value, for a sweeper that searches; None where there is no result.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    share = parts.share_of(folder)
    if not cfg.isolated:
        _alone(cfg)
    elif death := in_child(partial(_alone, cfg)):
        record = JobRecord.read(folder)
        if record is not None:
            record.end(folder, "cut", f"{death}; {_again(cfg) if share is None else parts.LOST}", 1)
    if share is not None:
        return None
    wanted = cfg.optimize is not None or searches(HydraConfig.get().sweeper)
    return value_of(Result.load(folder), cfg.optimize) if wanted and is_whole(folder) else None


def _alone(cfg: DictConfig) -> None:
    """The job, or the part of one, while no other process works in its folder."""
    context = HydraConfig.get()
    folder = Path(context.runtime.output_dir)
    share = parts.share_of(folder)
    own = folder if share is None else folder.parent.parent
    plan = Plan.of_command(own.parent, cfg.command)
    numbers = {} if plan is None else plan.numbers
    num = numbers.get(own.name)  # an engine numbers only the jobs that are left to do
    num = int(context.job.num) if num is None else num
    if is_parallel(context.launcher._target_):
        if share is None:
            hush(f"job {num + 1}: ")
        else:  # what it warns of, the job comes to as well
            hush(f"job {num + 1}, {share}: ", logging.ERROR)
    record = JobRecord(folder.name, cfg.command, num, list(context.overrides.task))
    with hold(folder):
        if share is None:
            _job(cfg, record, plan)
        else:
            _part(cfg, record, share)


def _part(cfg: DictConfig, record: JobRecord, share: Share) -> None:
    """Measure a part of a job. It has a record and a log, and is no job: its sums lie beside it, and no result."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    own, record.started = folder.parent.parent, time.time()
    if parts.is_there(folder):  # another process was at it
        return
    if parts.refused(own, cfg.command) or (not cfg.refresh and is_current(own, cfg)):
        record.end(folder, "skipped")
        return
    record.write(folder)
    try:
        with tf32(False), lend(cfg.device, cfg.jobs_per_gpu) as device:
            entries = run_part(_resolved(cfg), share, device, folder)
        parts.note_trained(folder, [entry.folder.name for entry in entries if entry.trained])
        record.end(folder, "done")
    except KeyboardInterrupt:
        record.end(folder, "cut", f"interrupted; {parts.LOST}", 1)
        raise
    except Exception as error:
        cause, code = _cause_of(error)
        _write_down(record, folder, parts.LOST, cause, code)


def _resolved(cfg: DictConfig) -> dict[str, Any]:
    config = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    assert isinstance(config, dict)
    check_arguments(config)
    return config  # type: ignore[return-value]


def _job(cfg: DictConfig, record: JobRecord, plan: Plan | None) -> None:
    context = HydraConfig.get()
    folder = Path(context.runtime.output_dir)
    overrides = record.overrides
    record.started = time.time()
    if not cfg.refresh and is_current(folder, cfg):
        record.end(folder, "skipped")
        parts.drop(folder)
        return
    record.write(folder)
    name = cfg.name
    tracker = None
    code, measured = 1, False
    try:
        config = _resolved(cfg)
        tracker = make(config["tracker"], "tracker")
        tracker.start(run_info(config, name, folder.name, overrides, folder.parent))
        if refusal := parts.refused(folder, cfg.command):
            raise InputError(refusal)
        choices = {k: v for k, v in context.runtime.choices.items() if isinstance(v, str) and "hydra" not in k}
        with tf32(False), lend(cfg.device, cfg.jobs_per_gpu) as device:
            result, entries = run(config, name, choices, overrides, tracker, device, folder)
        if cfg.optimize is not None:
            value_of(result, cfg.optimize)  # refuses an unknown number before the result counts as whole
        result.save(folder)
        measured = True
        figure = save_figure(figure_module(result.figure), [result], folder)
        # Not the trajectory: it can be gigabytes, and everything drawn from it is in the result.
        ours = {e.folder.name for e in entries if e.trained} | parts.trained_in(folder)
        solutions = [
            SolutionFiles(name, [e.folder / file for file in ("solution.npz", "meta.json")], name in ours)
            for e in entries
            for name in [e.folder.name]
        ]
        parts.drop(folder)
        tracker.record(result, figure, solutions)
        record.end(folder, "done")
        code = 0
    except KeyboardInterrupt:
        how = UNDRAWN if measured else f"interrupted; {_again(cfg)}"
        record.end(folder, "cut", how, 1)
        raise
    except Exception as error:
        cause, code = _cause_of(error)
        _report_failure(record, folder, cfg, cause, code)
    finally:
        if tracker is not None:
            tracker.finish(code)
        if plan is not None and not is_parallel(context.launcher._target_):  # else the launching process tells of all
            tell(record, plan, folder.parent)


def _again(cfg: DictConfig) -> str:
    """What the same command does with this job when it was cut."""
    return RESUMES if trains_bends(cfg.path) or not brings_points(cfg.endpoints) else RESTARTS


def _cause_of(error: Exception) -> tuple[BaseException, int]:
    """What to tell of a fault, and the exit status that goes with it."""
    cause = error.__cause__ if isinstance(error.__cause__, InputError) else error
    return cause, 2 if isinstance(cause, InputError | OmegaConfBaseException) else 1


def _write_down(record: JobRecord, folder: Path, again: str, error: BaseException, code: int) -> str | None:
    """Record and log how a job or a part of one failed; one line, or None where its folder is gone."""
    line = one_line(error, again)
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("HYDRA_FULL_ERROR"):
        print(trace, file=sys.stderr)
    if not folder.is_dir():  # to write there would make it again, empty
        record.status, record.error, record.exit_code = "failed", gone(folder), code
        record.seconds = time.time() - record.started
        return None
    # Each by itself: what a full disk does not take must not cost the rest, nor the line on the terminal.
    with suppress(OSError):
        record.end(folder, "failed", line, code)
    with suppress(OSError), (folder / "run.log").open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(f"{line}\n" + trace * (code != 2))  # of a wrong input the sentence is all there is to say
    return line


def _report_failure(record: JobRecord, folder: Path, cfg: DictConfig, error: BaseException, code: int) -> None:
    line = _write_down(record, folder, _again(cfg), error, code)
    if line is None:
        return
    with suppress(OSError):
        failed = Result(
            name=cfg.name,
            figure=cfg.figure,
            scale=cfg.limits.scale,
            choices={},
            config={},
            overrides=record.overrides,
            status="failed",
            error=line,
        )
        if not is_whole(folder):  # a finished measurement outlives a failed attempt to repeat it
            failed.save(folder)
