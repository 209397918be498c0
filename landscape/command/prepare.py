"""From a resolved config to what a measurement needs: data, module, trained networks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import nn

from landscape.command.arguments import check_arguments, check_finite
from landscape.command.config import version
from landscape.command.limits import note_cap
from landscape.cost.labels import check_counts, scales
from landscape.data.dataset import Dataset, Split
from landscape.endpoints import NoiseToSolution, OtherInitToSolution, ZeroToSolution
from landscape.errors import InputError
from landscape.ground.precision import converted
from landscape.ground.provenance import outside
from landscape.ground.settings import uses_of
from landscape.measurement import Subject
from landscape.objective.fitting import check_split
from landscape.objective.module.template import unwrapped
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.store.solutions import Solutions, joined
from landscape.store.store import Entry, Store
from landscape.training import GroupRun, Training, build, groups_of
from landscape.training.frozen import frozen_in
from landscape.training.trainer import LATER
from landscape.training.trial import check_training

log = logging.getLogger(__name__)

_datasets: dict[str, Dataset] = {}  # the last data set of this process: the jobs of a sweep share it


def make(config: Any, key: str) -> Any:
    """Instantiate the node at ``key``; a wrong argument becomes one InputError that names the key."""
    if not (isinstance(config, Mapping) and isinstance(config.get("_target_"), str)):
        raise InputError(
            f"{key} has no _target_, the class or function that makes it; choose one by {key}=NAME "
            "(python -m landscape --help lists them)"
        )
    check_arguments(config, key)
    try:
        made = instantiate(config)
        if key != "alphas":  # there the points are checked, not what they are made of
            check_finite(config, key)
        return made
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = " ".join(str(cause or error).splitlines()[:2])
        raise InputError(
            f"{key} cannot be made: {reason}; look at the keys under {key} (python -m landscape --cfg job -p {key})"
            + (", or take tracker=none" if key == "tracker" else "")
        ) from error


def device_of(name: str) -> torch.device:
    """``auto``, or any device that torch has here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device={name} is not available here ({reason}); use device=auto or device=cpu") from error
    return device


def dataset_of(config: dict[str, Any], caps: list[str]) -> Dataset:
    """The data set of a config under its cap on examples."""
    _check_dimensions(config["dimensions"])
    key = json.dumps(config["data"], sort_keys=True)
    if key not in _datasets:
        _datasets.clear()
        found = make(config["data"], "data")
        if not isinstance(found, Dataset):
            raise InputError(
                f"data._target_={config['data'].get('_target_')} gives a {type(found).__name__}, not a "
                "landscape.data.Dataset(name, train, valid, test, num_classes)"
            )
        _datasets[key] = found
    whole = _datasets[key]
    classes = config["dimensions"]["classes"]
    if classes and classes != whole.num_classes:  # 0: nobody was told
        raise InputError(
            f"dimensions.classes={classes} but data {whole.name} has {whole.num_classes} classes; set "
            f"dimensions.classes={whole.num_classes}"
        )
    limited = whole.limited(config["limits"]["examples"])
    note_cap(caps, "training examples", len(whole.train), len(limited.train))
    return limited


def _check_dimensions(dimensions: Mapping[str, Any]) -> None:
    """Raise InputError for sizes that none can be; null or 0: nobody was told."""
    for key in ("inputs", "classes"):
        if dimensions[key] < 0:
            raise InputError(f"dimensions.{key}={dimensions[key]} must be at least 1")
    image = dimensions.get("image")
    if image is not None and (len(image) != 3 or min(image) < 1):
        raise InputError(f"dimensions.image={image} must be [C, H, W], three whole numbers of at least 1, or null")


def check_named(objective: Objective, split: Split, name: str) -> None:
    """``check_split``, and labels that count, of a split that goes by this name."""
    try:
        check_split(objective, split)
        check_counts(scales(objective.cost, split.y), len(split))
    except InputError as error:
        raise InputError(f"the {name} split: {error}") from None


def check_path(subject: Subject, ends_of: Any) -> None:
    """Lay the path between stand-ins for its ends, so that what it wants of module and start is told before training.

    Raises:
        InputError: it cannot be made, or not from such a start.
    """
    layout = ParameterLayout.of(subject.module)
    starts = [torch.ones(1, layout.num_parameters)]
    if isinstance(ends_of, ZeroToSolution):
        starts.append(torch.zeros_like(starts[0]))
    elif getattr(ends_of, "starts_training", False) or isinstance(ends_of, NoiseToSolution | OtherInitToSolution):
        starts.append(layout.theta(subject.module))  # zeros of theta_i are zeros of these two as well
    try:
        for start in starts:
            subject.lay(start, torch.where(start == 0, 1, 2 * start))
    except TypeError as error:
        raise InputError(f"path cannot be made: {error}; look at the keys under path") from error


def solve(
    config: dict[str, Any],
    dataset: Dataset,
    model: Callable[[], nn.Module],
    cost: Any,
    device: torch.device,
    on_epoch: Callable[[dict[str, float]], None],
) -> tuple[Solutions, list[Entry]]:
    """The trained networks of a config, from the store or by training, and the entries that hold them."""
    training: Training = make(config["training"], "training")
    optimizer = make(config["optimizer"], "optimizer")
    store = Store(Path(config["outputs"]) / "solutions", config["command"] if config["refresh"] else None)
    parts = []
    for seeds, description in groups_of_recipe(config, dataset, model, cost, device):

        def train(folder: Path, seeds: list[int] = seeds) -> Solutions:
            run = GroupRun(model, cost, dataset, optimizer, training, seeds, folder, device, on_epoch)
            return run.run()

        part, _ = store.get(description, train)
        parts.append(part)
    solutions = joined(parts)
    for seed, status, best in zip(solutions.seeds, solutions.status, solutions.best_epoch, strict=True):
        if best == 0:
            log.warning(
                "seed %d: no epoch had a lower %s than the start, which therefore is its solution: its line "
                "is a point (train longer, or set training.select=last)",
                seed,
                training.monitor,
            )
        if status == "diverged":
            log.warning("seed %d diverged; its numbers are not judged (a lower optimizer.lr may help)", seed)
    return solutions, store.entries


def groups_of_recipe(
    config: dict[str, Any], dataset: Dataset, model: Callable[[], nn.Module], cost: Any, device: torch.device
) -> list[tuple[list[int], dict[str, Any]]]:
    """The seeds that train together, and by what description the store knows each group."""
    training: Training = make(config["training"], "training")
    recipe = {key: value for key, value in config.items() if uses_of(key).recipe}
    recipe["training"] = {
        k: v for k, v in config["training"].items() if uses_of(f"training.{k}").recipe and (k, v) not in LATER.items()
    }
    named = outside(recipe)
    if named:
        recipe["outside"] = named
    recipe["examples"] = dataset.fingerprint
    dtype: torch.dtype = getattr(torch, training.dtype)
    few = dataset.train.first(min(8, len(dataset.train))).to(device, dtype)
    template, *others = (converted(unwrapped(build(model, seed)), device, dtype) for seed in training.seeds[:2])
    check_training(template, cost, few.x, few.y)
    frozen = sorted(frozen_in(template))
    if frozen:  # once they were trained all the same
        recipe["frozen"] = frozen
    groups = groups_of(
        training.seeds,
        template,
        cost,
        (few.x, few.y),
        training.vectorise,
        make(config["optimizer"], "optimizer"),
        *others,
    )
    return [(seeds, {**recipe, "seeds": seeds, "version": version()}) for seeds in groups]


def module_maker(config: dict[str, Any]) -> Callable[[], nn.Module]:
    """A function that makes a fresh module of ``model``; what goes wrong inside it names the key."""
    partial = make(config["model"], "model")

    def model() -> nn.Module:
        try:
            module = partial()
        except InputError:
            raise
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            raise InputError(f"model cannot be made: {error}; look at the keys under model") from error
        if not isinstance(module, nn.Module):
            raise InputError(
                f"model._target_={config['model']['_target_']} makes a {type(module).__name__}, not a torch.nn.Module"
            )
        return module

    return model
