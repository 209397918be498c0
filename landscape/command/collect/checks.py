"""What a command's own settings must be, before any of its jobs runs."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from landscape.command.config import FORECASTS
from landscape.command.launch import need
from landscape.errors import InputError
from landscape.ground.files.text import plain

ROOM = 2**18
"""Bytes that the smallest job writes; a disk without them is refused before Hydra meets it with a traceback."""
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
SCALES = {"none": "full", "cpu": "cpu", "reduced": "reduced", "smoke": "smoke"}
"""The scale of each of our limits."""


def check_command(config: DictConfig) -> None:
    """Refuse a folder, a launcher or a sweeper that cannot work.

    Raises:
        InputError: naming the key and the value.
    """
    check_job(config)
    if not config.outputs:
        raise InputError("outputs is empty; set outputs=DIR or LANDSCAPE_OUTPUTS to a folder, or leave it out")
    if "${" in os.path.abspath(config.hydra.sweep.dir):
        raise InputError(
            f"outputs={config.outputs} lies in a folder with '${{' in its name, which Hydra takes for a "
            "reference; choose another folder"
        )
    if config.forecast not in FORECASTS:
        raise InputError(f"forecast={config.forecast} is unknown; use one of {', '.join(FORECASTS)}")
    if config.jobs_per_gpu < 1:
        raise InputError(f"jobs_per_gpu={config.jobs_per_gpu} must be at least 1")
    if searches(config.hydra.sweeper) and config.optimize is None and not _trains(config):
        raise InputError(
            "this sweeper searches, so it wants a number of each job, and nothing is trained here whose "
            "training.monitor it could take; name one of a result's numbers, for example "
            "optimize=largest_rise"
        )
    need(config.hydra.launcher._target_, config.hydra.launcher.get("n_jobs"))
    if str(config.hydra.mode or "").endswith("RUN") and not str(config.hydra.mode).endswith("MULTIRUN"):
        told = {item.lstrip("+~").partition("=")[0] for item in config.hydra.overrides.task}
        if swept := [key for key in config.hydra.sweeper.params or {} if key not in told]:
            raise InputError(
                f"hydra.mode=RUN runs one job, and this experiment sweeps {', '.join(swept)}; give one value "
                "of each, or leave hydra.mode out"
            )


def searches(sweeper: DictConfig) -> bool:
    """Whether a sweeper chooses its jobs by what earlier ones returned."""
    return bool(sweeper._target_ != BASIC)


def _trains(config: DictConfig) -> bool:
    told = [str((config[key] or {}).get("_target_", "")).rpartition(".")[2] for key in ("measurement", "endpoints")]
    return told[0] not in ("RandomWalk", "Descent") and told[1] not in ("Checkpoints", "Points")


def check_job(config: DictConfig) -> None:
    """Refuse what would name a folder outside outputs/, a scale that is not the one of its caps, or no number of parts.

    Raises:
        InputError: naming the key and the value.
    """
    if not re.fullmatch(r"\w[\w.-]{0,199}", config.name):
        raise InputError(
            f"name={config.name} names a folder below outputs/: use letters, digits, '_', '-' and '.', "
            "200 of them at most"
        )
    chosen, scale = str(config.hydra.runtime.choices.get("limits")), config.limits.scale
    own = chosen.rpartition("/")[2]
    allowed = [SCALES[chosen]] if chosen in SCALES else [*SCALES.values(), own]
    if scale not in allowed or not re.fullmatch(r"\w[\w.-]*", scale):
        raise InputError(
            f"limits.scale={scale} does not fit limits={chosen}, whose scale is {' or '.join(allowed)}; "
            "choose the scale by its caps, limits=none, cpu, reduced or smoke"
        )
    if config.threads is not None and config.threads < 1:
        raise InputError(f"threads={config.threads} must be at least 1, or null for torch's own choice")
    shards, slopes = (OmegaConf.select(config, f"measurement.{key}") for key in ("shards", "slopes"))
    if shards is not None:  # else each of its parts would say so
        from landscape.objective.share import check_shards  # late: it loads torch

        check_shards(shards, slopes or 0)


def check_writable(folder: Path, outputs: str) -> None:
    """Make the folder of a command.

    Raises:
        InputError: it cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(ROOM))
            probe.flush()
    except OSError as error:
        what = (
            f"has less than {ROOM // 1024} kB of room left; free some, or"
            if error.errno == errno.ENOSPC
            else f"cannot be written ({error});"
        )
        raise InputError(
            plain(f"outputs={outputs} {what} set outputs=... or LANDSCAPE_OUTPUTS to a writable folder")
        ) from error
