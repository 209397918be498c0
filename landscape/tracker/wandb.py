"""Weights & Biases, offline unless asked otherwise. Only this file and ``media.py`` import wandb."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import wandb

from landscape.errors import InputError
from landscape.result.saved import Result
from landscape.tracker import Closing, RunInfo, SolutionFiles, media, rows
from landscape.tracker.environment import Environment, home, need_server, variables

log = logging.getLogger(__name__)

Mode = Literal["offline", "online", "disabled"]
MODES = get_args(Mode)
MEANT: dict[str, Mode] = {
    **{mode: mode for mode in MODES},
    **{"dryrun": "offline", "run": "online"},
    **dict.fromkeys(("", "0", "false", "no"), "offline"),
    **dict.fromkeys(("1", "true", "yes"), "disabled"),
}
"""What WANDB_MODE may say, by old names too, and WANDB_DISABLED."""
LONGEST = 128
"""Characters of a name, a group, a job type or a project; a server refuses the run with a longer one."""
LONGEST_TAG = 64


class WandbTracker:
    """Logs each curve against its own axis, and keeps the run's files in the sweep's one ``wandb/`` folder.

    Once started, no failure of W&B or of the network reaches the job: the first is logged as a warning, the
    rest only as debug messages, and whatever could not be sent stays on disk for ``wandb sync``.

    Args:
        mode: ``"offline"`` (files only, no connection), ``"online"`` or ``"disabled"``; or what WANDB_DISABLED says.
        project: W&B project; empty means ``"landscape"``.
        entity: W&B user or team; None means the account's default.
        finish_timeout: seconds that all waiting for the network may cost at the end of a job; the start of an
            online run waits at most as long again.
        upload_solutions: store the trained solutions as an artifact (a copy of their files).

    Raises:
        InputError: the mode is unknown, the project no name for one, or the timeout not positive; at ``start``, online
            without a valid key.
    """

    def __init__(
        self,
        mode: str = "offline",
        project: str = "landscape",
        entity: str | None = None,
        finish_timeout: float = 60,
        upload_solutions: bool = True,
    ) -> None:
        if mode.lower() not in MEANT:
            raise InputError(
                f"tracker.mode={mode} is unknown (it comes from the command line or from WANDB_MODE); "
                f"use one of {', '.join(MODES)}, or tracker=none"
            )
        if len(project) > LONGEST or set(project) & set("/\\#?%:"):
            raise InputError(
                f"tracker.project={project} is no name for a project (it comes from the command line or from "
                f"WANDB_PROJECT); use at most {LONGEST} characters and none of / \\ # ? % :"
            )
        if not finish_timeout > 0:
            raise InputError(f"tracker.finish_timeout={finish_timeout} must be a positive number of seconds")
        self.mode = MEANT[mode.lower()]
        self.project = project or "landscape"
        self.entity = entity or None
        self.finish_timeout = finish_timeout
        self.upload_solutions = upload_solutions
        self._run: wandb.Run | None = None
        self._info: RunInfo | None = None
        self._environment = Environment()
        self._live: dict[float, set[str]] = {}
        self._left: list[media.Step] = []
        self._earlier: list[Path] = []
        self._warned = False

    @property
    def watches(self) -> bool:
        """False where ``tracker.mode=disabled``."""
        return self.mode != "disabled"

    def start(self, run: RunInfo) -> None:
        """Open the run; an online run that finds no network goes on offline.

        Raises:
            InputError: ``tracker.mode=online`` without an API key, or with one that the server refuses.
        """
        if self.mode == "disabled":
            return
        self._info, self._live, self._left, self._warned = run, {}, [], False
        self._earlier = sorted((home(run.folder) / "wandb").glob(f"offline-run-*-{run.id}"))
        self._environment.enter(variables(run.folder))
        # When W&B's own process dies, asyncio reports each message that it could not deliver; one warning says as much.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        try:
            mode = self.mode if self.mode == "offline" or self._answers() else "offline"
        except InputError:
            self._environment.leave()
            raise
        with self._guard("start"):
            self._run = self._open(run, mode)
        if self._run is None and mode == "online":
            with self._guard("start offline"):
                wandb.teardown()  # wandb's service still holds the run's id
                self._run = self._open(run, "offline")
        if self._run is not None and self._run.url:
            log.info("W&B: %s", self._run.url)

    def epoch(self, row: dict[str, float]) -> None:
        """Log one live row against ``learning/epoch``."""
        if self._run is None:
            return
        with self._guard("epoch"):
            live = rows.epoch_row(row)
            self._run.log(live)
            self._live.setdefault(live[rows.axis("learning")], set()).update(live)

    def record(self, result: Result, figure: Path | None = None, solutions: Sequence[SolutionFiles] = ()) -> None:
        """Log rows, summary, tables, figure and artifacts; the rows first, because they cannot wait for a network.

        A solution that this job trained is an output of its run, one that it found is an input.
        """
        if self._run is None or self._info is None:
            return
        run, info = self._run, self._info
        with self._guard("record"):
            self._log_rows(run, result)
            for name, value in rows.summary(result).items():
                run.summary[name] = value
            about = {"choices": result.choices, "overrides": result.overrides, "caps": result.caps}
            origin = {solution.key: "trained" if solution.trained else "reused" for solution in solutions}
            run.config["result"] = about | {"versions": result.versions, "solutions": origin}
        kept = solutions if self.upload_solutions else ()
        self._left = self._send(run, media.of_job(info, result, figure, kept))

    def conclude(self, closing: Closing) -> None:
        """Log the values, tables and figure of a whole sweep."""
        if self._run is None:
            return
        with self._guard("conclude"):
            self._run.summary.update(closing.values | rows.counts(closing.verdicts))
        self._left = self._send(self._run, media.of_sweep(closing))

    def finish(self, exit_code: int = 0) -> None:
        """Close the run and give the environment back as it was."""
        run, self._run = self._run, None
        if run is not None:
            with self._guard("finish"):
                run.finish(exit_code=exit_code)
        if self._info is not None and self._left:
            # wandb asks the server before it writes a table or an artifact, so without a network these are missing.
            # A second file of the same run takes them; `wandb sync` joins the files of one run id in time order.
            with self._guard("finish offline"):
                part = self._open(self._info, "offline")
                self._send(part, list(self._left))
                part.finish(exit_code=exit_code)
        if self._info is not None and not self._warned and exit_code == 0:
            # This run says all that its predecessors said; sent as well, they would double every row.
            for folder in self._earlier:
                shutil.rmtree(folder, ignore_errors=True)
        self._left, self._earlier = [], []
        self._environment.leave()

    def _answers(self) -> bool:
        """Whether the server is there; if so, it must accept the API key, which is never asked for at the terminal."""
        advice = "run `wandb login` once, set WANDB_API_KEY, or use tracker.mode=offline"
        try:
            found = wandb.login(prompt=False, verify=False)
            if found:
                seconds = min(10, self.finish_timeout)
                need_server(wandb.setup().settings.base_url, seconds)
                wandb.Api(timeout=math.ceil(seconds))  # verifies the key, which `login` does only for a new one
        except (wandb.errors.AuthenticationError, wandb.errors.UsageError) as error:
            raise InputError(f"tracker.mode=online: the W&B API key is not accepted ({error}); {advice}") from error
        except Exception as error:
            self._warn("start", error)
            return False
        if not found:
            raise InputError(f"tracker.mode=online needs a W&B API key and found none; {advice}")
        return True

    def _open(self, info: RunInfo, mode: Mode) -> wandb.Run:
        said = os.environ.get
        name = info.name.replace(info.group, said("WANDB_NAME") or info.group, 1)
        tags = [tag.strip() for tag in (said("WANDB_TAGS") or "").split(",")]
        run = wandb.init(
            mode=mode,
            project=self.project,
            entity=self.entity,
            dir=home(info.folder),
            id=info.id,
            name=within(name, LONGEST),
            group=within(said("WANDB_RUN_GROUP") or info.group, LONGEST),
            job_type=within(said("WANDB_JOB_TYPE") or info.job_type, LONGEST),
            tags=[within(tag, LONGEST_TAG) for tag in dict.fromkeys([*info.tags, *tags]) if tag],
            config=info.config,
            resume="allow",
            reinit="create_new",  # another run of this process, if any, is none of ours
            settings=wandb.Settings(
                console="off",
                silent=(said("WANDB_SILENT") or "true").lower() not in ("false", "0"),
                init_timeout=self.finish_timeout,
                finish_timeout=self.finish_timeout / 2,  # the other half is for tables and artifacts
                finish_timeout_raises=True,
            ),
        )
        for family in rows.AXES:
            run.define_metric(rows.axis(family), hidden=True)  # an axis is not worth a panel
            run.define_metric(f"{family}/*", step_metric=rows.axis(family))
        return run

    def _log_rows(self, run: wandb.Run, result: Result) -> None:
        for row in rows.curve_rows(result.curves, result.seeds):
            run.log(row)
        for row in rows.projection_rows(result.projections, result.seeds):
            run.log(row)
        if result.learning_curve is not None:
            step = rows.axis("learning")
            for row in rows.learning_rows(result.learning_curve, result.seeds):
                seen = self._live.get(row[step], set()) - {step}
                fresh = {key: value for key, value in row.items() if key not in seen}
                if len(fresh) > 1:
                    run.log(fresh)

    def _send(self, run: wandb.Run, steps: Sequence[media.Step]) -> list[media.Step]:
        """The steps that an online run could not do within half the timeout; what still waits stays in its thread."""
        left = list(steps)

        def work() -> None:
            for step in steps:
                with self._guard("tables and artifacts"):
                    step(run)
                    left.remove(step)

        if run.offline:
            work()
            return []
        thread = threading.Thread(target=work, daemon=True, name="tracker")
        thread.start()
        thread.join(self.finish_timeout / 2)
        if thread.is_alive():
            self._warn("tables and artifacts", TimeoutError("the server does not answer"))
        return left  # the same list, for a step may still end well before `finish` looks

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever a tracker may raise, the measurement matters more
            self._warn(doing, error)

    def _warn(self, doing: str, error: Exception) -> None:
        if self._warned:
            log.debug("W&B, %s: %r", doing, error)
            return
        self._warned = True
        folder = "" if self._info is None else home(self._info.folder) / "wandb"
        log.warning(
            "W&B failed at '%s' (%s: %s); the job goes on. What was written is in %s; "
            "`wandb sync --include-online` sends it later.",
            *(doing, type(error).__name__, error, folder),
        )


def within(text: str, most: int) -> str:
    """A text of at most so many characters: a longer one keeps both ends, and a hash between them tells it apart."""
    if len(text) <= most:
        return text
    mark = f"...{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}..."
    left = most - len(mark)
    return text[: left - left // 3] + mark + text[-(left // 3) :]
