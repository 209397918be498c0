"""The forecast in front of a command: ``forecast=auto|only|off``."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from landscape.command.collect import Exit, one_line
from landscape.command.forecast.command import Forecast, forecast
from landscape.command.forecast.table import show, summary
from landscape.command.plan import overrides_of
from landscape.errors import InputError
from landscape.ground.progress import console

log = logging.getLogger(__name__)

LONG = 60.0
"""Seconds from which ``auto`` shows the table instead of a line."""
FEW_JOBS = 10
"""So many smoke runs are not worth a calibration."""


class Announce(Callback):
    """Hydra callback: says what a command will take before it begins."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Forecast as ``config.forecast`` says; ``only`` ends the command here."""
        mode = config.forecast
        if mode == "off" or (mode == "auto" and _is_tiny(config)):
            return
        try:
            found = forecast(config, mode == "only")
        except Exception as error:
            if os.environ.get("HYDRA_FULL_ERROR"):
                traceback.print_exc()
            if mode == "only":
                print(f"no forecast: {one_line(error)}", file=sys.stderr)
                wrong = isinstance(error, InputError | OmegaConfBaseException | HydraException)
                raise Exit(2 if wrong else 1) from error
            if not isinstance(error, InputError | OmegaConfBaseException | HydraException):
                log.warning("no forecast: %s", one_line(error))
            return  # what is wrong with the input the run says itself, a moment later
        if mode == "only":
            show(found, config, console())
            raise Exit(_status(found))
        if not found.jobs:
            return
        for job in found.jobs:
            if job.fault and not job.is_wrong_input:
                log.warning("no forecast of job %d: %s", job.num, job.fault)
        if found.seconds_passing >= LONG or found.num_bytes > found.free_bytes:
            show(found, config, console())
        else:
            console().print(summary(found))

    on_run_start = on_multirun_start


def _is_tiny(config: DictConfig) -> bool:
    try:
        return config.limits.scale == "smoke" and len(overrides_of(config)) <= FEW_JOBS
    except Exception:  # Hydra says a moment later what is wrong
        return False


def _status(found: Forecast) -> int:
    faults = [job for job in found.jobs if job.fault]
    if not faults:
        return 0
    return 2 if all(job.is_wrong_input for job in faults) else 1
