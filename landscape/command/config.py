"""The shape of the root config, so that a wrong type or an unknown key is refused before anything runs."""

from __future__ import annotations

import hashlib
import json
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationValidationError, OmegaConfBaseException

from landscape.command.arguments import is_known, wanted
from landscape.command.choices import make_known
from landscape.command.limits import CPU
from landscape.errors import Exit, InputError
from landscape.ground.provenance import conf_dir as conf_dir
from landscape.ground.provenance import outside
from landscape.ground.settings import HERE, NUMBERS_SINCE, uses_of, without_later
from landscape.training.trainer import Training

FORECASTS = ("auto", "only", "off")
"""Values of ``forecast``."""
GRID = "standard"
"""The grid of endpoints that come without one of their own name: ``alphas`` follows ``endpoints``."""


def _schema(name: str, *entries: tuple[str, Any, Any]) -> Any:
    """A dataclass of these (key, type, default)."""
    schema = make_dataclass(name, [(key, kind, field(default=value)) for key, kind, value in entries])
    schema.__module__ = __name__  # by which a launcher's worker finds it again
    return schema


def _caps(name: str, *first: tuple[str, Any, Any], **least: int) -> Any:
    """Caps; null is no cap."""
    keys = ("epochs", "examples", "measured_examples", "alphas", "seeds", "width")
    return _schema(name, *first, *((key, int | None, least.get(key)) for key in keys))


LimitsSchema: Any = _caps("LimitsSchema", ("scale", str, "full"))
ReducedSchema: Any = _caps("ReducedSchema", epochs=20)
"""What ``limits=reduced`` means for a recipe or an experiment."""
CpuSchema: Any = _caps("CpuSchema", ("instead", str | None, None))
"""What ``limits=cpu`` means: nothing is capped, but of a recipe that would take a CPU days. ``instead`` is what a
recipe that stands in for another has less than that one: it is told like a cap."""
SmokeSchema: Any = _caps("SmokeSchema", epochs=2, examples=500, measured_examples=500, alphas=12, seeds=2, width=32)
"""What ``limits=smoke`` means; a recipe whose examples are large lowers it."""


@dataclass
class DimensionsSchema:
    """Set by the data group, read by the model group."""

    inputs: int = 0
    image: list[int] | None = None
    classes: int = 0


def _schema_of(kind: Any, target: str) -> Any:
    """The fields of a dataclass as a schema for its node; what no yaml holds, such as a schedule, may be anything."""
    hints = typing.get_type_hints(kind)
    plain = {f.name: hints[f.name] if is_known(hints[f.name]) else Any for f in fields(kind)}
    own = [(f.name, plain[f.name], f.default) for f in fields(kind)]
    return _schema(f"{kind.__name__}Schema", ("_target_", str, target), *own)


TrainingSchema: Any = _schema_of(Training, "landscape.training.Training")


@dataclass
class Config:
    """The root. Groups whose keys depend on the choice are Any; so is ``vary``, what a sweep changes together."""

    name: str = "quickstart"
    figure: str = "landscape.figure.sweep"
    model: Any = None
    data: Any = None
    dimensions: DimensionsSchema = field(default_factory=DimensionsSchema)
    cost: Any = None
    optimizer: Any = None
    training: TrainingSchema = field(default_factory=TrainingSchema)
    endpoints: Any = None
    path: Any = None
    alphas: Any = None
    objective: Any = None
    measurement: Any = None
    vary: Any = None
    limits: LimitsSchema = field(default_factory=LimitsSchema)
    reduced: ReducedSchema = field(default_factory=ReducedSchema)
    cpu: CpuSchema = field(default_factory=CpuSchema)
    smoke: SmokeSchema = field(default_factory=SmokeSchema)
    tracker: Any = None
    device: str = "auto"
    threads: int | None = None
    isolated: bool = False  # set by the compute group: each job in a forked process of its own
    jobs_per_gpu: int = 1
    outputs: str = "outputs"
    refresh: bool = False
    strict: bool = False
    forecast: str = "auto"
    optimize: Any = None  # what each job returns to a sweeper that searches: a number's name, or a list of them
    command: str = ""


def wanted_of(key: str) -> str:
    """What the schema wants of a key, in words; empty where it says nothing."""
    kind: Any = Config
    for part in key.split("."):
        kind = typing.get_type_hints(kind).get(part, Any) if is_dataclass(kind) else Any
    return "" if kind is Any or is_dataclass(kind) else wanted(kind)


def job_key(*, _root_: DictConfig) -> str:
    """The name of a job's folder: a hash of everything in its resolved config that can change a number."""
    kept = OmegaConf.masked_copy(_root_, [str(k) for k in _root_ if uses_of(str(k)) is not HERE])
    try:
        resolved: Any = OmegaConf.to_container(kept, resolve=True)
    except InterpolationValidationError as error:  # the first place where a value meets the type of whoever reads it
        key, reason = error.full_key, str(error.msg).splitlines()[0]
        print(f"{key} cannot take what it is given: {reason}; give a value of that type", file=sys.stderr)
        raise Exit(2) from error
    config: dict[str, Any] = {k: v for k, v in resolved.items() if uses_of(k).result}
    for group in ("objective", "measurement"):
        if isinstance(config.get(group), dict):
            config[group] = {k: v for k, v in config[group].items() if uses_of(f"{group}.{k}").result}
    config = without_later(config)
    named = outside(config)
    text = json.dumps([NUMBERS_SINCE, config, *([named] if named else [])], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def of_scale(choices: Any, on_cpu: Any = None, *, _root_: DictConfig) -> Any:
    """The choice of the running scale: what stands for it among the choices, else ``on_cpu`` at cpu, else the full one.

    Args:
        choices: by scale. What they are may be part of a job's key (``vary``), which another name for cpu among them
            would change.
        on_cpu: the choice at ``limits=cpu``; None: as at full scale.
    """
    scale = _root_.limits.scale
    if scale in choices:
        return choices[scale]
    return choices["full"] if scale != CPU or on_cpu is None else on_cpu


def gpu_share(*, _root_: DictConfig) -> float:
    """The share of a GPU that Ray is to keep for each job, by the keys ``device`` and ``jobs_per_gpu``."""
    import torch  # not for a --help

    return 1 / _root_.jobs_per_gpu if _root_.device != "cpu" and torch.cuda.is_available() else 0


def names_in(folders: Sequence[Path], group: str, deep: bool = False) -> set[str]:
    """The options of a group by the files in these config folders; none where there is no such group.

    Args:
        folders: each as ``conf/``.
        group: its name; one with a dot is a key, and no group.
        deep: also those in folders of the group, as ``mine/wide``.
    """
    places = [folder / group for folder in folders] if "." not in group else []
    files = [(place, file) for place in places for file in (place.rglob if deep else place.glob)("*.yaml")]
    return {file.relative_to(place).with_suffix("").as_posix() for place, file in files}


def register_grids(folders: Sequence[Path]) -> None:
    """Make ``alphas/NAME`` known, the paper's coarse grid, for every ``endpoints/NAME`` that has no grid of its own."""
    for name in names_in(folders, "endpoints", deep=True) - names_in(folders, "alphas", deep=True):
        group, _, last = f"alphas/{name}".rpartition("/")
        node = {"defaults": [f"/alphas/{GRID}@_here_", "_self_"]}
        ConfigStore.instance().store(group=group, name=last, node=node)


def register() -> None:
    """Make resolvers, schemas and grids known to Hydra; safe to call twice."""
    OmegaConf.register_new_resolver("job_key", job_key, replace=True)
    OmegaConf.register_new_resolver("of_scale", of_scale, replace=True)
    OmegaConf.register_new_resolver("gpu_share", gpu_share, replace=True)
    make_known([Path(conf_dir())])
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    store.store(group="limits", name="schema", node=LimitsSchema)
    store.store(group="training", name="schema", node=TrainingSchema)
    register_grids([Path(conf_dir())])


def composed(overrides: Sequence[str]) -> DictConfig:
    """The root config under these overrides, as the command line would compose it, but for ``hydra``.

    Raises:
        InputError: they do not fit.
    """
    register()
    try:
        with initialize_config_dir(conf_dir(), version_base="1.3", job_name="landscape"):
            return compose("config", list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(" ".join(str(error).split("Config search path")[0].split())) from error
