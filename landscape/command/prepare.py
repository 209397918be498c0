"""The nodes of a resolved config made, each fault as one sentence that names its key."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from torch import nn

from landscape.alphas import between_ends
from landscape.command.arguments import OF_ANOTHER, check_arguments, check_finite
from landscape.command.limits import note_cap
from landscape.data import own
from landscape.data.dataset import Dataset
from landscape.data.stream import num_of
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.provenance import is_ours
from landscape.path import Connection

log = logging.getLogger(__name__)

NAME_IT = "give it one, data.name=NAME, that changes with what is in it"
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


def brings_runs(endpoints: Any) -> bool:
    """Whether endpoints of this config find runs that were trained elsewhere, so that none need be trained."""
    return bool(getattr(_kind_of(endpoints), "brings_runs", False))


def brings_points(endpoints: Any) -> bool:
    """Whether endpoints of this config are points that need no training."""
    return not getattr(_kind_of(endpoints), "needs_solutions", True)


def trains_bends(path: Any) -> bool:
    """Whether a path of this config has bends to train."""
    kind = _kind_of(path)
    return isinstance(kind, type) and issubclass(kind, Connection)


def _kind_of(node: Any) -> Any:
    try:
        return get_object(node["_target_"])
    except Exception:  # whatever it is instead: who makes it will say
        return None


def ends_from(endpoints: Any, module: nn.Module, again: Callable[[], nn.Module]) -> Ends:
    """Ends that need no training.

    Args:
        module: whose points they are.
        again: makes another such module from another seed, to tell what of it is drawn at random.
    """
    asks = "again" in inspect.signature(endpoints.load).parameters
    ends: Ends = endpoints.load(module, again=again) if asks else endpoints.load(module)
    return ends


def grid_of(config: dict[str, Any], path: Any) -> Any:
    """The positions of a config; on a curve with trained bends those between its ends, unless each is given by name.

    Bends are trained on [0, 1] alone: beyond, J says nothing of the two ends, and is soon too large to be drawn.
    """
    made = make(config["alphas"], "alphas")
    if not isinstance(path, Connection) or str(config["alphas"]["_target_"]).endswith(".explicit"):
        return made
    kept = between_ends(made)
    if kept is not made:
        log.info("positions beyond the ends, where no curve is trained, are left out; alphas=explicit keeps its own")
    return kept


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
    dimensions = config["dimensions"]  # null or 0: nobody was told
    for key in ("inputs", "classes"):
        if dimensions[key] < 0:
            raise InputError(f"dimensions.{key}={dimensions[key]} must be at least 1")
    image = dimensions.get("image")
    if image is not None and (len(image) != 3 or min(image) < 1):
        raise InputError(f"dimensions.image={image} must be [C, H, W], three whole numbers of at least 1, or null")
    ours = is_ours(config["data"])
    # What another's function makes may change until the next command.
    key = json.dumps([config["data"], None if ours else config.get("command")], sort_keys=True)
    if key not in _datasets:
        _datasets.clear()
        _datasets[key] = make(config["data"], "data") if ours else _data_of_others(config["data"])
    whole = _datasets[key]
    classes = dimensions["classes"]
    if classes and whole.num_classes and classes != whole.num_classes:
        raise InputError(
            f"dimensions.classes={classes} but data {whole.name} has {whole.num_classes} classes; set "
            f"dimensions.classes={whole.num_classes}"
        )
    limited = whole.limited(config["limits"]["examples"])
    note_cap(caps, "training examples", num_of(whole.train), num_of(limited.train))
    return limited


def _data_of_others(config: Any) -> Dataset:
    """The data set that somebody's ``data._target_`` makes or stands for; ``data.name`` is its name."""
    target = config.get("_target_") if isinstance(config, Mapping) else None
    called, given, name = f"data._target_={target}", config, config.get("name") if isinstance(target, str) else None
    if name is not None:
        if not (isinstance(name, str) and name.strip()):
            raise InputError(f"data.name={name!r} must be a text that says which examples these are, or left out")
        if not _takes(str(target), "name"):
            given = {key: value for key, value in config.items() if key not in OF_ANOTHER["data"]}
    try:
        made = make(given, "data")
    except InputError as error:
        raise InputError(str(error) if str(error).startswith("data.") else f"{called}: {error}") from error.__cause__
    return own.dataset_of(made, name or str(target), name is not None, called)


def _takes(target: str, name: str) -> bool:
    """Whether a constructor has an argument of this name."""
    try:
        kinds = [p.kind for p in inspect.signature(get_object(target)).parameters.values() if p.name == name]
    except Exception:  # one in C: it is told what is set
        return True
    return bool(kinds)


def module_maker(config: dict[str, Any]) -> Callable[[], nn.Module]:
    """A function that makes a fresh module of ``model``; what goes wrong inside it names the key."""
    partial = make(config["model"], "model")

    def model() -> nn.Module:
        try:
            module = partial()
        except InputError:
            raise
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            unset = [f"dimensions.{key}" for key in ("inputs", "classes") if not config["dimensions"][key]]
            told = f", and at {' and '.join(unset)}, which a data yaml sets" if unset else ""
            raise InputError(f"model cannot be made: {error}; look at the keys under model{told}") from error
        if not isinstance(module, nn.Module):
            raise InputError(
                f"model._target_={config['model']['_target_']} makes a {type(module).__name__}, not a torch.nn.Module"
            )
        return module

    return model
