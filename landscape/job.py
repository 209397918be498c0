"""One job: train if the measurement needs solutions, lay the path, measure, judge, draw, record."""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from numpy.typing import NDArray
from torch import nn

from landscape.alphas import checked, thinned
from landscape.config import version
from landscape.data.dataset import Dataset
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.figure.module import figure_module
from landscape.limits import apply_limits, note_cap
from landscape.measurement import Measured, Subject
from landscape.provenance import outside
from landscape.result import Result
from landscape.solutions import Solutions, joined
from landscape.store import Store
from landscape.tracker import RunInfo, Tracker
from landscape.training import GroupRun, Training, build, groups_of

log = logging.getLogger(__name__)

RECIPE_KEYS = ("model", "data", "cost", "optimizer")
# Numbers of `training` that do not change what one group of seeds becomes.
NOT_IN_RECIPE = ("num_seeds", "first_seed", "vectorise", "checkpoint_seconds", "measure_batch_size", "_target_")

_datasets: dict[str, Dataset] = {}  # the last data set of this process: the jobs of a sweep share it


def make(config: Any, key: str) -> Any:
    """Instantiate the node at ``key``; a wrong argument becomes one InputError that names the key."""
    try:
        return instantiate(config)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = str(cause or error).splitlines()[0]
        raise InputError(
            f"{key} cannot be made: {reason}; look at the keys under {key} (python -m landscape --cfg job -p {key})"
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
    limited = whole.limited(config["limits"]["examples"])
    note_cap(caps, "training examples", len(whole.train), len(limited.train))
    return limited


def solve(
    config: dict[str, Any], dataset: Dataset, model: Callable[[], nn.Module], cost: Any, device: torch.device,
    on_epoch: Callable[[dict[str, float]], None],
) -> tuple[Solutions, list[Path]]:  # fmt: skip
    """The trained networks of a config, from the store or by training, and the folders that hold them."""
    training: Training = make(config["training"], "training")
    optimizer = make(config["optimizer"], "optimizer")
    store = Store(Path(config["outputs"]) / "solutions", config["command"] if config["refresh"] else None)
    recipe = {key: config[key] for key in RECIPE_KEYS}
    recipe["training"] = {k: v for k, v in config["training"].items() if k not in NOT_IN_RECIPE}
    named = outside(recipe)
    if named:
        recipe["outside"] = named
    recipe["examples"] = dataset.fingerprint
    few = dataset.train.first(min(8, len(dataset.train))).to(device, getattr(torch, training.dtype))
    template = build(model, training.seeds[0]).to(device=device, dtype=getattr(torch, training.dtype))
    groups = groups_of(training.seeds, template, cost, (few.x, few.y), training.vectorise)
    parts, folders = [], []
    for seeds in groups:

        def train(folder: Path, seeds: list[int] = seeds) -> Solutions:
            run = GroupRun(model, cost, dataset, optimizer, training, seeds, folder, device, on_epoch)
            return run.run()

        part, folder = store.get({**recipe, "seeds": seeds, "version": version()}, train)
        parts.append(part)
        folders.append(folder)
    solutions = joined(parts)
    for seed, status in zip(solutions.seeds, solutions.status, strict=True):
        if status == "diverged":
            log.warning("seed %d diverged; its numbers are not judged (a lower optimizer.lr may help)", seed)
    return solutions, folders


def run(
    config: dict[str, Any], name: str, choices: dict[str, str], overrides: list[str], tracker: Tracker
) -> tuple[Result, list[Path]]:
    """Train, measure and judge one resolved config; returns the result and the folders of its solutions."""
    started = time.monotonic()
    config, caps = apply_limits(config)
    figure = figure_module(config["figure"])
    if config["threads"] is not None:
        if config["threads"] < 1:
            raise InputError(f"threads={config['threads']} must be at least 1, or null for torch's own choice")
        torch.set_num_threads(config["threads"])
    device = device_of(config["device"])
    alphas, ends_of, measurement = (make(config[key], key) for key in ("alphas", "endpoints", "measurement"))
    alphas = thinned(checked(alphas), config["limits"]["alphas"])
    if measurement.needs_path:
        try:
            ends_of.check(config["training"]["num_seeds"])
        except InputError as error:
            cap = next((c for c in caps if c.startswith("training.num_seeds")), None)
            raise InputError(f"{error} (limits.seeds capped it: {cap}; raise limits.seeds)" if cap else error) from None
        whole = checked(make(config["alphas"], "alphas"))
        note_cap(caps, "alphas", len(whole), len(alphas))
    dataset = dataset_of(config, caps)
    cost = make(config["cost"], "cost")
    model_config = make(config["model"], "model")

    def model() -> nn.Module:
        try:
            module = model_config()
        except InputError:
            raise
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            raise InputError(f"model cannot be made: {error}; look at the keys under model") from error
        if not isinstance(module, nn.Module):
            raise InputError(f"model._target_={config['model']['_target_']} makes a {type(module).__name__}, "
                             "not a torch.nn.Module")  # fmt: skip
        return module

    objective = make(config["objective"], "objective")
    template = build(model, config["training"]["first_seed"])
    # A wrong objective or a module that does not fit must not cost a training first.
    try:
        partial(objective, device=device)(template, cost, dataset.valid.first(min(64, len(dataset.valid))))
    except TypeError as error:
        raise InputError(f"objective cannot be made: {error}; look at the keys under objective") from error
    solutions, ends = None, None
    folders: list[Path] = []
    if ends_of.needs_solutions or not measurement.needs_path:
        solutions, folders = solve(config, dataset, model, cost, device, tracker.epoch)
        if measurement.needs_path:
            ends = ends_of(solutions)
    else:
        ends = ends_of.load(template)
    measured_examples = config["limits"]["measured_examples"]
    if measured_examples is not None:
        for split in ("train", "valid"):
            before = len(getattr(dataset, split))
            note_cap(caps, f"measured {split} examples", before, min(before, measured_examples))
    subject = Subject(
        template, cost, dataset, solutions, ends, make(config["path"], "path"), alphas,
        partial(objective, device=device), measured_examples,
    )  # fmt: skip
    measured: Measured = measurement(subject)
    numbers = measured.numbers | _numbers_of_runs(subject)
    result = Result(
        name=name,
        figure=config["figure"],
        scale=config["limits"]["scale"],
        choices=choices,
        overrides=overrides,
        caps=caps,
        config=config,
        curves=measured.curves,
        projections=measured.projections,
        learning_curve=None if solutions is None else solutions.learning_curve,
        numbers={k: list(v) for k, v in numbers.items()},
        seeds=measured.labels,
        training_status=_status(solutions, ends),
        versions=versions(),
        device=_device_name(device),
        seconds=time.monotonic() - started,
    )
    result.verdicts.extend(figure.judge([result]))
    return result, folders


def _status(solutions: Solutions | None, ends: Ends | None) -> list[str]:
    """One status per column of the result: a line is as good as the worse of its runs."""
    if solutions is None:
        return []
    if ends is None or len(ends.labels) == len(solutions.seeds):
        return list(solutions.status)
    return ["diverged" if bad else "trained" for bad in ends.diverged]


def _numbers_of_runs(subject: Subject) -> dict[str, list[float]]:
    """Epochs, norms and test errors of the trained networks, one per seed."""
    solutions = subject.solutions
    if solutions is None:
        return {}
    test = subject.objective(
        subject.module, subject.cost, subject.dataset.test, mode="deterministic", seeds=solutions.seeds,
        buffers=solutions.buffers,
    )  # fmt: skip
    values = test.evaluate(solutions.theta_f.to(test.device, test.dtype))
    numbers: dict[str, NDArray[np.float64]] = {
        "best_epoch": np.array(solutions.best_epoch, dtype=float),
        "num_epochs": np.array(solutions.num_epochs, dtype=float),
        "norm_theta_i": solutions.theta_i.double().norm(dim=1).numpy(),
        "norm_theta_f": solutions.theta_f.double().norm(dim=1).numpy(),
        "length": (solutions.theta_f.double() - solutions.theta_i.double()).norm(dim=1).numpy(),
    }
    for name, value in values.items():
        numbers[f"test_{name}"] = value
    if "error" in values:
        numbers["num_test_errors"] = np.round(values["error"] * len(subject.dataset.test))
    return {name: np.asarray(v).tolist() for name, v in numbers.items()}


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    num = torch.get_num_threads()
    return f"{_processor()}, {num} thread{'s' * (num > 1)}"


def _processor() -> str:
    """The CPU's own name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions() -> dict[str, str]:
    """What this result was computed with."""
    return {
        "landscape": version(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "hydra": hydra.__version__,
    }


def run_info(config: dict[str, Any], name: str, key: str, overrides: list[str], folder: Path) -> RunInfo:
    """How this job is called at the tracker."""
    varied = [o for o in overrides if not o.startswith(("+experiment", "tracker", "limits", "device", "refresh"))]
    return RunInfo(
        id=key,
        name=" ".join([name, *varied]),
        group=name,
        job_type=config["measurement"]["_target_"].rsplit(".", 1)[-1].lower(),
        tags=[config["limits"]["scale"], *(o[:64] for o in varied)],  # W&B refuses a longer tag, and with it the run
        config=config,
        folder=folder,
    )
