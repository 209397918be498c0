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

from landscape.arguments import check_arguments, check_finite
from landscape.config import version
from landscape.data.dataset import Dataset
from landscape.errors import InputError
from landscape.limits import note_cap
from landscape.provenance import outside
from landscape.solutions import Solutions, joined
from landscape.store import Entry, Store
from landscape.training import GroupRun, Training, build, groups_of

log = logging.getLogger(__name__)

RECIPE_KEYS = ("model", "data", "cost", "optimizer")
# Numbers of `training` that do not change what one group of seeds becomes.
NOT_IN_RECIPE = ("num_seeds", "first_seed", "vectorise", "checkpoint_seconds", "measure_batch_size", "_target_")

_datasets: dict[str, Dataset] = {}  # the last data set of this process: the jobs of a sweep share it


def make(config: Any, key: str) -> Any:
    """Instantiate the node at ``key``; a wrong argument becomes one InputError that names the key."""
    if not (isinstance(config, Mapping) and isinstance(config.get("_target_"), str)):
        raise InputError(f"{key} has no _target_, the class or function that makes it; choose one by {key}=NAME "
                         "(python -m landscape --help lists them)")  # fmt: skip
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
    key = json.dumps(config["data"], sort_keys=True)
    if key not in _datasets:
        _datasets.clear()
        _datasets[key] = make(config["data"], "data")
    whole = _datasets[key]
    classes = config["dimensions"]["classes"]
    if classes and classes != whole.num_classes:  # 0: nobody was told
        raise InputError(f"dimensions.classes={classes} but data {whole.name} has {whole.num_classes} classes; set "
                         f"dimensions.classes={whole.num_classes}")  # fmt: skip
    limited = whole.limited(config["limits"]["examples"])
    note_cap(caps, "training examples", len(whole.train), len(limited.train))
    return limited


def solve(
    config: dict[str, Any], dataset: Dataset, model: Callable[[], nn.Module], cost: Any, device: torch.device,
    on_epoch: Callable[[dict[str, float]], None],
) -> tuple[Solutions, list[Entry]]:  # fmt: skip
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
            log.warning("seed %d: no epoch had a lower %s than the start, which therefore is its solution: its line "
                        "is a point (train longer, or set training.select=last)", seed, training.monitor)  # fmt: skip
        if status == "diverged":
            log.warning("seed %d diverged; its numbers are not judged (a lower optimizer.lr may help)", seed)
    return solutions, store.entries


def groups_of_recipe(
    config: dict[str, Any], dataset: Dataset, model: Callable[[], nn.Module], cost: Any, device: torch.device
) -> list[tuple[list[int], dict[str, Any]]]:
    """The seeds that train together, and by what description the store knows each group."""
    training: Training = make(config["training"], "training")
    recipe = {key: config[key] for key in RECIPE_KEYS}
    recipe["training"] = {k: v for k, v in config["training"].items() if k not in NOT_IN_RECIPE}
    named = outside(recipe)
    if named:
        recipe["outside"] = named
    recipe["examples"] = dataset.fingerprint
    few = dataset.train.first(min(8, len(dataset.train))).to(device, getattr(torch, training.dtype))
    template = build(model, training.seeds[0]).to(device=device, dtype=getattr(torch, training.dtype))
    groups = groups_of(training.seeds, template, cost, (few.x, few.y), training.vectorise)
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
            raise InputError(f"model._target_={config['model']['_target_']} makes a {type(module).__name__}, "
                             "not a torch.nn.Module")  # fmt: skip
        return module

    return model
