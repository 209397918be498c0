"""Around Hydra's launchers: what they need, and what they cannot do themselves."""

from __future__ import annotations

import functools
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from landscape.errors import InputError

log = logging.getLogger(__name__)

LOCAL = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
EXTRAS = {"hydra_ray_launcher": "ray", "hydra_submitit_launcher": "slurm", "hydra_joblib_launcher": "joblib"}
CALLERS_OWN = (HydraException, OmegaConfBaseException, InputError)  # wrong input, which Hydra reports itself


def is_parallel(target: str) -> bool:
    """Whether this launcher (its ``_target_``) runs jobs side by side, in other processes."""
    return target != LOCAL


def need(target: str, num_workers: int | None = None) -> None:
    """Refuse a launcher that is not installed, or whose programs are not, or that would have nobody to work.

    Args:
        target: ``hydra.launcher._target_``. num_workers: ``hydra.launcher.n_jobs``, -1 is one per core.
    Raises:
        InputError: names the extra to install, or the key.
    """
    if num_workers == 0:
        raise InputError("hydra.launcher.n_jobs=0 runs no job; give how many to run at a time, or -1 for one per core")
    package = target.split(".")[1] if target.startswith("hydra_plugins.") else None
    if package is None:
        return
    name = EXTRAS.get(package, package)
    try:
        missing = find_spec(f"hydra_plugins.{package}") is None
    except ModuleNotFoundError:
        missing = True
    if missing:
        extra = f"pip install 'landscape-walk[{name}]'" if name in ("ray", "slurm") else f"pip install {package}"
        raise InputError(f"compute={name} needs a package that is not installed; {extra}, or take compute=local")
    if target.endswith(".SlurmLauncher") and shutil.which("sbatch") is None:
        raise InputError(
            "compute=slurm found no sbatch on this machine; run it where SLURM's commands are, "
            "or take compute=local or compute=joblib"
        )


def guard(target: str, watch: Any) -> None:
    """Make this process's next launch one that leaves out finished jobs and outlives an engine's failure.

    Hydra hands a launcher to nobody, and takes none from outside its plugin packages: so its method is wrapped.

    Args:
        target: ``hydra.launcher._target_``.
        watch: a ``Launched``, asked and told; it replaces that of an earlier command.
    """
    found: Any = Plugins.instance().class_name_to_class.get(target)
    if found is None:  # Hydra says so itself
        return
    if not sys.stdout.isatty():
        os.environ.setdefault("RAY_COLOR_PREFIX", "0")  # else Ray colours what it says in files as well
    plain = getattr(found.launch, "__wrapped__", found.launch)

    @functools.wraps(plain)
    def launch(self: Any, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        wanted = [(watch.wanted(overrides), overrides) for overrides in job_overrides]
        todo = [(num, overrides) for num, overrides in wanted if num is not None]
        # Here one after another even within a batch, so that a folder that cannot be made stops no other job.
        batches = [todo] if is_parallel(target) else [[job] for job in todo]
        returns = []
        with watch.running() as look:
            # One after another in one process they would be no sooner done than the job without them.
            parts = watch.parts([overrides for _, overrides in todo]) if is_parallel(target) else []
            if parts:
                lives = _through(plain, self, watch, parts, todo[0][0])
                look()
                if not lives:
                    return []
            for batch in filter(None, batches):
                try:
                    got = plain(self, [overrides for _, overrides in batch], batch[0][0])
                except CALLERS_OWN:
                    raise
                except Exception as error:
                    if is_parallel(target):
                        watch.gave_up(error)
                    else:
                        watch.broke(batch[0][1], error)
                    continue
                returns += [_settled(watch, overrides, value) for (_, overrides), value in zip(batch, got, strict=True)]
        return returns

    found.launch = launch


def _through(plain: Any, launcher: Any, watch: Any, parts: Sequence[Sequence[str]], num: int) -> bool:
    """Run the parts of all jobs before the jobs; whether the engine lived. How each ended its own record says."""
    try:
        returns = plain(launcher, parts, num)
    except CALLERS_OWN:
        raise
    except Exception as error:
        watch.gave_up(error)
        return False
    for returned in returns:  # outside its own care: the job meets the same, and tells it
        if returned.status is JobStatus.FAILED:
            log.debug("a part failed: %r", returned._return_value)
    return True


def _settled(watch: Any, overrides: Sequence[str], returned: JobReturn) -> JobReturn:
    """A job's own exception, which the sweeper would raise in the middle of the others' results, is told instead."""
    error: Any = None
    if returned.status is JobStatus.FAILED:
        with suppress(BaseException):
            error = returned._return_value
    if isinstance(error, Exception) and not isinstance(error, CALLERS_OWN):
        watch.broke(overrides, error)
        returned.status, returned.return_value = JobStatus.COMPLETED, None
    return returned
