"""The nodes of a resolved config made, each fault as one sentence that names its key."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from torch import nn

from landscape.command.arguments import check_arguments, check_finite
from landscape.command.limits import note_cap
from landscape.data.dataset import Dataset
from landscape.endpoints import Ends
from landscape.errors import InputError

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
    try:
        return bool(getattr(get_object(endpoints["_target_"]), "brings_runs", False))
    except Exception:  # whatever it is instead: who makes it will say
        return False


def ends_from(endpoints: Any, module: nn.Module, again: Callable[[], nn.Module]) -> Ends:
    """Ends that need no training.

    Args:
        module: whose points they are.
        again: makes another such module from another seed, to tell what of it is drawn at random.
    """
    asks = "again" in inspect.signature(endpoints.load).parameters
    ends: Ends = endpoints.load(module, again=again) if asks else endpoints.load(module)
    return ends


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
    classes = dimensions["classes"]
    if classes and classes != whole.num_classes:
        raise InputError(
            f"dimensions.classes={classes} but data {whole.name} has {whole.num_classes} classes; set "
            f"dimensions.classes={whole.num_classes}"
        )
    limited = whole.limited(config["limits"]["examples"])
    note_cap(caps, "training examples", len(whole.train), len(limited.train))
    return limited


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
