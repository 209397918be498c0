"""The jobs of one command to come, counted and timed."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from landscape.command.collect import one_line
from landscape.command.collect.current import is_current
from landscape.command.forecast.job import JobForecast, job_of
from landscape.command.forecast.timing import SHARE, Timing
from landscape.command.plan import PlannedJob, overrides_of, planned
from landscape.command.prepare import device_of
from landscape.errors import InputError
from landscape.ground.precision import tf32

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

SECONDS, LEAST = 18.0, 0.25
"""For as long, or for its share of the command if that is more, a forecast looks at jobs: where it is all that is asked
for, and ahead of a run. A job that is not looked at counts as the mean of the others."""


@dataclass
class Forecast:
    """What a command will do.

    Args:
        num_jobs: of the command.
        workers: jobs at a time.
        device: computed on.
        scale: full, reduced, smoke.
        num_done: jobs done before.
        jobs: looked at, in their order.
        peak_bytes: of one job; None: not known.
        free_bytes: of the disk.
        seconds_taken: by the forecast itself.
    """

    num_jobs: int
    workers: int
    device: str
    scale: str
    num_done: int = 0
    jobs: list[JobForecast] = field(default_factory=list)
    peak_bytes: int | None = None
    free_bytes: int = 0
    seconds_taken: float = 0.0

    @property
    def known(self) -> list[JobForecast]:
        """Jobs that are forecast."""
        return [job for job in self.jobs if not job.fault]

    @property
    def num_unseen(self) -> int:
        """Jobs that were not looked at."""
        return self.num_jobs - self.num_done - len(self.jobs)

    @property
    def num_solutions(self) -> int:
        """Groups of seeds that the jobs looked at need."""
        return len({group.key for job in self.jobs for group in job.groups})

    @property
    def num_trained(self) -> int:
        """Of these, in the store already."""
        return len({group.key for job in self.jobs for group in job.groups if group.standing == "trained"})

    def _of_all(self, known: float) -> float:
        """A job that was not looked at counts as the mean of the others."""
        return known * (1 + self.num_unseen / len(self.known)) if self.known else known

    @property
    def seconds(self) -> float:
        """Of all jobs together."""
        return self._of_all(sum(job.seconds for job in self.known))

    @property
    def seconds_passing(self) -> float:
        """On the clock: no less than the longest job.

        Parts of all jobs come before the jobs, and wait for the training of theirs.
        """
        longest = [self.seconds / self.workers, *(job.seconds_on(self.workers) for job in self.known)]
        in_parts = [job for job in self.known if job.num_parts > 1]
        if in_parts:
            before = max(job.seconds - job.seconds_measuring for job in in_parts)
            longest.append(before + self._of_all(sum(job.seconds_measuring for job in in_parts)) / self.workers)
        return max(longest)

    @property
    def num_bytes(self) -> int:
        """Of disk that trained solutions, their trajectories and curves will take."""
        return round(self._of_all(sum(group.num_bytes for job in self.known for group in (*job.groups, *job.curves))))

    @property
    def num_untimed(self) -> int:
        """Jobs that were looked at and count as roughly as their first few examples tell."""
        return sum(not job.is_timed for job in self.known)

    @property
    def may_stop(self) -> bool:
        """Whether the counts are upper bounds."""
        return any(job.may_stop for job in self.jobs)


def forecast(
    config: DictConfig, is_thorough: bool = True, timing: Timing | None = None, seen: set[str] | None = None
) -> Forecast:
    """Look at every job of a command; the wrong input of a job is noted with it.

    Args:
        config: what ``Callback.on_multirun_start`` is given.
        is_thorough: the forecast is all that is asked for; else it takes no more than its share of the command.
        timing: of commands that come before this one, which knows some times already. seen: keys of the solutions that
            they train; this command's are added.

    Raises:
        InputError: a wrong device or number of threads.
    """
    device = device_of(config.device)
    ahead = Forecast(len(overrides_of(config)), workers_of(config), _name(device, config.threads), config.limits.scale)
    with _alone(device, config.threads):
        before, seen = peak_bytes(device), set() if seen is None else seen
        timing = timing or Timing(device, is_thorough)
        timing.begin()
        num_known, seconds = 0, 0.0
        for job in _jobs(config):
            num_left = ahead.num_jobs - ahead.num_done - len(ahead.jobs)
            if not config.refresh and is_current(job.folder, job.config):
                ahead.num_done += 1
            elif num_known and timing.spent > max(SECONDS if is_thorough else LEAST, SHARE * timing.expected):
                continue  # the rest is still asked whether it is done
            else:
                looked = _look(job, timing, seen, num_left)
                ahead.jobs.append(looked)
                num_known, seconds = num_known + (not looked.fault), seconds + looked.seconds
                timing.expected = seconds * (1 + (num_left - 1) / max(1, num_known))
        peak = peak_bytes(device)
    copied = max((job.num_copied_bytes for job in ahead.jobs), default=0)
    if peak is not None and before is not None:  # what was timed may have been shorter than what is to come
        ahead.peak_bytes = max(peak, before + round(timing.measuring_bytes)) + copied
    ahead.free_bytes = free_bytes(Path(config.outputs))
    ahead.seconds_taken = timing.spent
    return ahead


def workers_of(config: DictConfig) -> int:
    """Jobs that the launcher runs at a time, from its ``n_jobs`` or ``array_parallelism``, or what Ray has room for.

    1 where it has none of them, as with a Ray that runs elsewhere.
    """
    launcher = config.hydra.launcher
    ray = launcher.get("ray")
    if ray is not None and ray.init.get("address") is None:
        num_cores, needed = ray.init.get("num_cpus") or os.cpu_count() or 1, ray.remote.get("num_cpus") or 1
        gpus = ray.remote.get("num_gpus") or 0
        fit = [num_cores / needed, *([torch.cuda.device_count() / gpus] if gpus else [])]
        return max(1, int(min(fit)))
    num = launcher.get("n_jobs") or launcher.get("array_parallelism") or 1
    return int(num) if num > 0 else max(1, (os.cpu_count() or 1) + 1 + int(num))  # joblib: -1 is all cores


def _jobs(config: DictConfig) -> Iterator[PlannedJob]:
    """The plan; a command without a sweep is composed already, which saves the quick start a third of a second."""
    overrides = overrides_of(config)
    if len(overrides) == 1 and not config.hydra.sweeper.params:
        yield PlannedJob(0, str(config.hydra.sweep.subdir), overrides[0], config)
    else:
        yield from planned(config)


def _look(job: PlannedJob, timing: Timing, seen: set[str], num_left: int) -> JobForecast:
    try:
        own = OmegaConf.masked_copy(job.config, [str(key) for key in job.config if key != "hydra"])
        config: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
        return job_of(config, job.num, job.overrides, timing, seen, num_left)
    except Exception as error:
        cause = error.__cause__ if isinstance(error.__cause__, InputError) else error
        is_wrong_input = isinstance(cause, InputError | OmegaConfBaseException)
        return JobForecast(job.num, job.overrides, fault=one_line(cause), is_wrong_input=is_wrong_input)


def _name(device: torch.device, threads: int | None) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    num = threads or torch.get_num_threads()
    return f"cpu, {num} thread{'s' * (num > 1)}"


@contextmanager
def _alone(device: torch.device, threads: int | None) -> Iterator[None]:
    """Leave no trace: threads, random numbers and the GPU's memory are as before."""
    before = torch.get_num_threads()
    if threads is not None and threads >= 1:
        torch.set_num_threads(threads)
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    try:
        with torch.random.fork_rng(devices=[device] if on_gpu else []), tf32(False):
            yield
    finally:
        torch.set_num_threads(before)
        if on_gpu:
            gc.collect()
            torch.cuda.empty_cache()


def peak_bytes(device: torch.device) -> int | None:
    """The most that this process has held so far: on the GPU, or in memory; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def free_bytes(folder: Path) -> int:
    """What the disk under a folder has left; the folder need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
