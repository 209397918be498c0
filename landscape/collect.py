"""After the jobs of one command: which are done, which failed, the figure of all of them, and the verdicts.

Each job leaves a small ``job.json`` in its folder from its first moment, so that a job killed outright is seen.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from landscape.closing import close
from landscape.errors import InputError
from landscape.figure.module import figure_module
from landscape.figure.module import save as save_figure
from landscape.figure.style import judged
from landscape.figure.table import verdict_table
from landscape.progress import console
from landscape.report.tables import write_tables
from landscape.result import Result

log = logging.getLogger(__name__)

MAX_VERDICTS = 80
"""Verdicts printed one by one; of more, how often each claim holds."""


class Exit(SystemExit):
    """Our own exit status, told apart from Hydra's."""


@dataclass
class JobRecord:
    """Where one job of one command stands.

    Args:
        key: its folder's name. command: stamp of the command that ran it last. num: its number in that command.
        status: ``"running"``, ``"done"``, ``"skipped"`` (was done before), ``"failed"`` or ``"cut"``.
        exit_code: 1 for a fault while running, 2 for wrong input. error: one line. started: seconds since 1970.
    """

    key: str
    command: str
    num: int
    overrides: list[str]
    status: str = "running"
    error: str = ""
    exit_code: int = 0
    started: float = 0.0
    seconds: float = 0.0

    def write(self, folder: Path) -> None:
        """``job.json``, by rename."""
        write_json(folder / "job.json", asdict(self))

    def end(self, folder: Path, status: str, error: str = "", exit_code: int = 0) -> None:
        """Note how it ended."""
        self.status, self.error, self.exit_code = status, error, exit_code
        self.seconds = time.time() - self.started
        self.write(folder)


def write_json(file: Path, value: Any) -> None:
    """Strict JSON by temporary file and rename."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False))
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


class Collect(Callback):
    """Hydra callback: ends every command, single run or sweep, in the same way."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Fix the command's stamp: reading it here puts it into the cache that Hydra hands to every job.

        Refuse an outputs folder that cannot be written, before Hydra stumbles over it with a traceback.
        """
        OmegaConf.select(config, "command")
        folder = Path(config.hydra.sweep.dir)
        if not re.fullmatch(r"\w[\w.-]*", config.name):
            print(f"name={config.name} names a folder below outputs/: use letters, digits, '_', '-' and '.'",
                  file=sys.stderr)  # fmt: skip
            raise Exit(2)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            print(f"outputs={config.outputs} cannot be written ({error}); set outputs=... or LANDSCAPE_OUTPUTS to a "
                  "writable folder", file=sys.stderr)  # fmt: skip
            raise Exit(2) from error

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Collect and leave; only SystemExit passes through Hydra's callbacks."""
        try:
            status = collect(Path(config.hydra.sweep.dir), config.command, bool(config.strict), config.tracker)
        except Exception as error:  # Hydra would turn it into a warning and status 0
            if os.environ.get("HYDRA_FULL_ERROR"):
                traceback.print_exc()
            print(f"the results could not be collected: {one_line(error)}", file=sys.stderr)
            raise Exit(1) from error
        raise Exit(status)


def records_of(folder: Path, command: str) -> list[JobRecord]:
    """The jobs of one command below a sweep's folder, in their order."""
    found = []
    for file in sorted(folder.glob("*/job.json")):
        try:
            record = JobRecord(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s cannot be read (%s); left out", file, error)
            continue
        if record.command == command:
            found.append(record)
    return sorted(found, key=lambda record: record.num)


def collect(folder: Path, command: str, strict: bool, tracker: Any = None) -> int:
    """Draw, judge, print and write ``sweep.json``; returns the exit status of the contract.

    Args:
        tracker: config of the tracker that gets the closing run; None: the one that the first result names.
    """
    screen = console()
    records = records_of(folder, command)
    jobs, figure, summary = dict[str, Result](), None, None
    for record in records:
        if record.status == "running":
            record.end(folder / record.key, "cut", "ended without a word: killed, or its machine went down", 1)
        if record.status in ("done", "skipped"):
            try:
                jobs[record.key] = Result.load(folder / record.key)
            except InputError as error:
                record.end(folder / record.key, "failed", str(error), 1)
    verdicts, results = [], list(jobs.values())
    if results:
        module = figure_module(results[0].figure)
        try:
            verdicts = module.judge(results)
            figure = save_figure(module, results, folder)
        except Exception as error:  # the results are whole; a drawing that fails must not hide them
            log.error("the figure could not be drawn: %s", error, exc_info=bool(os.environ.get("HYDRA_FULL_ERROR")))
        try:
            summary = write_tables(folder, [folder / key for key in jobs], results, verdicts)
        except Exception as error:  # nor must a table
            log.error("sweep.csv could not be written: %s", error, exc_info=bool(os.environ.get("HYDRA_FULL_ERROR")))
    write_json(
        folder / "sweep.json",
        {"command": command, "jobs": [asdict(r) for r in records], "verdicts": [v.as_dict() for v in verdicts]},
    )
    failed = [r for r in records if r.exit_code]
    if len(verdicts) <= MAX_VERDICTS and verdicts:
        screen.print(verdict_table(verdicts))
    if summary is not None:
        screen.print(summary)
    if len(verdicts) > MAX_VERDICTS:
        screen.print(f"{judged(verdicts)}; each of the {len(verdicts)} in {folder / 'sweep.json'}")
    done, skipped = (sum(r.status == s for r in records) for s in ("done", "skipped"))
    screen.print(f"{done} jobs done, {skipped} done before, {len(failed)} failed; results in {folder}")
    for record in failed:
        print(f"failed: job {record.num} [{' '.join(record.overrides)}]: {record.error}\n"
              f"        log: {folder / record.key / 'run.log'}")  # fmt: skip
    if figure is not None:
        print(f"figure: {figure}")
    if summary is not None:
        print(f"table: {folder / 'sweep.csv'}")
    if jobs:
        close(folder, jobs, len(failed), verdicts, figure, tracker or results[0].config.get("tracker"))
    if failed:
        return 2 if all(r.exit_code == 2 for r in failed) else 1
    if not records or (results and (figure is None or summary is None)):
        return 1
    return 1 if strict and any(v.holds is False for v in verdicts) else 0


def one_line(error: BaseException) -> str:
    """A fault as one line that names what to do where that is known."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno == 28:
        return (
            f"the disk is full ({error.filename or 'while writing'}); free some space or set outputs=... to another "
            "disk: the same command goes on from the last checkpoint"
        )
    if type(error).__name__ == "OutOfMemoryError":  # torch's; its own message says what was needed and what there was
        first = " ".join(str(error).split(" If reserved but unallocated")[0].split())
        return (
            f"{first} Lower training.batch_size, training.measure_batch_size or objective.batch_size; the same command "
            "goes on from the last checkpoint"
        )
    if "CUDA error" in str(error) or type(error).__name__ == "AcceleratorError":
        return (
            f"the device was lost or failed ({str(error).splitlines()[0]}); the same command goes on from the last "
            "checkpoint"
        )
    if isinstance(error, MissingMandatoryValue) and error.full_key:
        return f"{error.full_key} has no value; give it on the command line, {error.full_key}=..."
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
