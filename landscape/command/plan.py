"""The jobs of one command before any of them runs: their overrides, their configs and the folders they will fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict


@dataclass(frozen=True)
class PlannedJob:
    """One job to come.

    Args:
        num: its number in this command, from 0. key: the name of its folder. overrides: as on the command line, one
            value per swept key. config: composed, unresolved, with its ``hydra`` node.
    """

    num: int
    key: str
    overrides: list[str]
    config: DictConfig

    @property
    def folder(self) -> Path:
        """Where this job writes."""
        return Path(self.config.hydra.sweep.dir) / self.key


def overrides_of(config: DictConfig) -> list[list[str]]:
    """One list of overrides per job, in Hydra's order: the experiment's own sweep, then the command line's.

    Args:
        config: what ``Callback.on_multirun_start`` is given.
    """
    params = config.hydra.sweeper.params or {}
    lines = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    parsed = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader()).parse_overrides(lines)
    return [list(job) for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]


_last: tuple[str, list[PlannedJob]] = ("", [])  # composing a hundred jobs takes seconds, and two rooms ask for them


def jobs_of(config: DictConfig) -> list[PlannedJob]:
    """Every job of the command, composed as its launcher will compose it; raises what ``planned`` raises."""
    global _last
    if _last[0] != config.command:
        _last = (config.command, list(planned(config)))
    return _last[1]


def planned(config: DictConfig) -> Iterator[PlannedJob]:
    """One job after the other, composed when it is asked for: composing hundreds takes a while.

    Raises:
        ConfigCompositionException, OverrideParseException: as Hydra itself would a moment later.
    """
    if _last[0] == config.command:
        yield from _last[1]
        return
    if config.hydra.mode == RunMode.RUN:  # composed already
        with open_dict(config):
            config.hydra.job.id, config.hydra.job.num = "0", 0
        yield PlannedJob(0, Path(config.hydra.run.dir).name, list(config.hydra.overrides.task), config)
        return
    loader = GlobalHydra.instance().config_loader()
    for num, overrides in enumerate(overrides_of(config)):
        job = loader.load_sweep_config(config, overrides)
        OmegaConf.copy_cache(config, job)  # the command's stamp, so that every job carries the same
        with open_dict(job):
            job.hydra.job.id, job.hydra.job.num = str(num), num
        yield PlannedJob(num, str(job.hydra.sweep.subdir), overrides, job)
