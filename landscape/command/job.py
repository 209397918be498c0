"""One job: train if the measurement needs solutions, lay the path, measure, judge, draw, record."""

from __future__ import annotations

import inspect
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landscape.alphas import Adaptive, checked, thinned
from landscape.command.config import version
from landscape.command.limits import apply_limits, note_cap
from landscape.command.prepare import check_named, check_path, dataset_of, make, module_maker, solve
from landscape.cost import from_torch
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.figure.module import figure_module
from landscape.figure.sweep.number import chosen
from landscape.ground.settings import named
from landscape.measurement import Measured, Subject
from landscape.measurement.placement import check_room
from landscape.result.saved import Result
from landscape.store.solutions import Solutions
from landscape.store.store import Entry
from landscape.tracker import RunInfo, Tracker
from landscape.training import build

log = logging.getLogger(__name__)


def run(
    config: dict[str, Any],
    name: str,
    choices: dict[str, str],
    overrides: list[str],
    tracker: Tracker,
    device: torch.device,
) -> tuple[Result, list[Entry]]:
    """Train, measure and judge one resolved config; returns the result and where its solutions lie."""
    started = time.monotonic()
    config, caps = apply_limits(config)
    figure = figure_module(config["figure"])
    if config["threads"] is not None:
        if config["threads"] < 1:
            raise InputError(f"threads={config['threads']} must be at least 1, or null for torch's own choice")
        torch.set_num_threads(config["threads"])
    measurement = make(config["measurement"], "measurement")
    subject, entries = Subject(make(config["training"], "training").seeds, device), list[Entry]()
    if measurement.needs != "nothing":
        subject, entries = subject_of(config, measurement, device, tracker, caps)
    ends = (config["endpoints"] or {}).get("_target_", "")
    if measurement.needs == "solutions" and not ends.endswith(".InitToSolution"):
        log.warning("this measurement looks at whole trainings and makes no use of endpoints (%s)", ends)
    measured: Measured = measurement(subject)
    solutions = subject.solutions
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
        statements=measured.statements,
        seeds=measured.labels,
        training_status=_status(solutions, subject.ends),
        versions=versions() | _data_version(subject),
        device=_device_name(device),
        seconds=time.monotonic() - started,
    )
    result.verdicts.extend(figure.judge([result]))
    return result, entries


def subject_of(
    config: dict[str, Any], measurement: Any, device: torch.device, tracker: Tracker, caps: list[str]
) -> tuple[Subject, list[Entry]]:
    """Data, module, and as far as the measurement needs them solutions and a line; and where the solutions lie."""
    subject, ends_of, model = untrained(config, measurement, device, caps)
    solutions, ends = None, None
    entries: list[Entry] = []
    if measurement.needs == "solutions" or (ends_of is not None and ends_of.needs_solutions):
        assert subject.dataset is not None
        solutions, entries = solve(config, subject.dataset, model, subject.cost, device, tracker.epoch)
    if ends_of is not None:
        ends = ends_of(solutions) if ends_of.needs_solutions else _loaded(ends_of, subject.module, model, config)
    return replace(subject, solutions=solutions, ends=ends), entries


def _loaded(ends_of: Any, module: nn.Module, model: Callable[[], nn.Module], config: dict[str, Any]) -> Ends:
    """Ends that need no training; those that ask for ``again`` can tell what of the module is drawn at random."""
    if "again" not in inspect.signature(ends_of.load).parameters:
        return cast(Ends, ends_of.load(module))
    return cast(Ends, ends_of.load(module, again=partial(build, model, config["training"]["first_seed"] + 1)))


def untrained(
    config: dict[str, Any], measurement: Any, device: torch.device, caps: list[str]
) -> tuple[Subject, Any, Callable[[], nn.Module]]:
    """All that is there before training, checked: the subject, the endpoints to come or None, the module's maker."""
    ends_of = alphas = adaptive = None
    if measurement.needs == "path":
        ends_of, alphas, adaptive = _line_of(config, caps)
        if hasattr(measurement, "check_ends"):
            measurement.check_ends(ends_of)
        elif getattr(ends_of, "has_third", False):
            raise InputError("endpoints.third is the third corner of a plane; use measurement=plane, or leave it out")
    dataset = dataset_of(config, caps)
    cost = from_torch(make(config["cost"], "cost"))
    model = module_maker(config)
    objective = make(config["objective"], "objective")
    template = build(model, config["training"]["first_seed"])
    measured_examples = config["limits"]["measured_examples"]
    calibration = dataset.train if measured_examples is None else dataset.train.first(measured_examples)
    objective = partial(objective, device=device, calibration=calibration)
    # A wrong objective, a module that does not fit, or too little memory must not cost a training first.
    try:
        tried = objective(template, cost, dataset.valid.first(min(64, len(dataset.valid))))
        for split in ("train", "valid", "test"):
            check_named(tried, getattr(dataset, split), split)
    except TypeError as error:
        raise InputError(f"objective cannot be made: {error}; look at the keys under objective") from error
    if not getattr(ends_of, "knows_statistics", True) and tried.statistics.interpolates:
        raise InputError(
            "objective.running_statistics=interpolate needs the statistics at both ends, and the start of endpoints="
            f"{type(ends_of).__name__} has none; use recalibrate or keep"
        )
    subject = Subject(
        make(config["training"], "training").seeds,
        device,
        template,
        cost,
        dataset,
        None,
        None,
        make(config["path"], "path"),
        alphas,
        objective,
        measured_examples,
        make(config["optimizer"], "optimizer"),
        adaptive,
    )
    check_room(subject, measurement)
    if hasattr(measurement, "check"):
        measurement.check(subject)
    if measurement.needs == "path":  # nor must a path that does not fit this module
        check_path(subject, ends_of)
    if measured_examples is not None:
        for split in ("train", "valid"):
            before = len(getattr(dataset, split))
            note_cap(caps, f"measured {split} examples", before, min(before, measured_examples))
    return subject, ends_of, model


def _line_of(config: dict[str, Any], caps: list[str]) -> tuple[Any, NDArray[np.float64], Adaptive | None]:
    """The endpoints, the positions between them and how to refine these, capped; checked before anything is trained."""
    ends_of = make(config["endpoints"], "endpoints")
    made = make(config["alphas"], "alphas")
    adaptive = made.capped(config["limits"]["alphas"]) if isinstance(made, Adaptive) else None
    whole = checked(made.start if isinstance(made, Adaptive) else made)
    alphas = thinned(whole, config["limits"]["alphas"]) if adaptive is None else adaptive.start
    if hasattr(ends_of, "check_epochs"):
        ends_of.check_epochs(config["training"]["max_epochs"])
    try:
        ends_of.check(config["training"]["num_seeds"])
    except InputError as error:
        seeds = [cap for cap in caps if cap.startswith("training.num_seeds")] if ends_of.needs_solutions else []
        cap = next(iter(seeds), None)
        raise InputError(f"{error} (limits.seeds capped it: {cap}; raise limits.seeds)" if cap else error) from None
    note_cap(caps, "alphas", len(whole), len(alphas))
    if adaptive is not None:
        note_cap(caps, "alphas.max_points", made.max_points, adaptive.max_points)
    return ends_of, alphas, adaptive


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
    if solutions is None or subject.dataset is None or subject.objective is None:
        return {}
    test = subject.objective(
        subject.module,
        subject.cost,
        subject.dataset.test,
        mode="deterministic",
        seeds=solutions.seeds,
        buffers=solutions.buffers,
    )
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
    if "error" in values and subject.dataset.test.y.dim() == 1:  # of a text the error is a share of its words
        num_labelled = len(subject.dataset.test) / test.scales.get("error", 1.0)
        numbers["num_test_errors"] = np.round(values["error"] * num_labelled)
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


def value_of(result: Result, names: Any) -> float | list[float] | None:
    """What a sweeper that searches wants of a job: the mean of a number over the seeds that did not diverge.

    Args:
        names: one of ``Result.numbers`` or its last part, or a list of them; None: what ``training.monitor`` says of
            the solutions.
    Returns:
        None too where a seed's number is missing in all: the sweeper then takes the job for failed.
    Raises:
        InputError: the result has no such number.
    """
    if names is None:
        return _monitored(result)
    several = [names] if isinstance(names, str) else list(names)
    try:
        values = [number.values(result) / number.factor for number in chosen([result], several)]
    except InputError as error:
        raise InputError(f"optimize={names}: {error}") from None
    if len(values) != len(several) or not all(len(value) for value in values):
        return None
    means = [float(np.mean(value)) for value in values]
    return means[0] if isinstance(names, str) else means


def _monitored(result: Result) -> float | None:
    """The monitored channel at each seed's solution, in the mean."""
    curve, monitor = result.learning_curve, result.config["training"]["monitor"]
    if curve is None:
        raise InputError(
            "nothing was trained, so training.monitor has no value; name a number, such as optimize=length"
        )
    rows = np.searchsorted(curve.epochs, curve.best_epoch)
    values = curve.channels[monitor][rows, np.arange(len(rows))]
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else None


def _data_version(subject: Subject) -> dict[str, str]:
    """Which copy of the data it was, where that is not said by its name."""
    dataset = subject.dataset
    return {"data": f"{dataset.name} ({dataset.copy})"} if dataset is not None and dataset.copy else {}


def run_info(config: dict[str, Any], name: str, key: str, overrides: list[str], folder: Path) -> RunInfo:
    """How this job is called at the tracker."""
    varied = named(overrides)
    return RunInfo(
        id=key,
        name=" ".join([name, *varied]),
        group=name,
        job_type=str((config["measurement"] or {}).get("_target_")).rsplit(".", 1)[-1].lower(),
        tags=[config["limits"]["scale"], *varied],
        config={**config, "overrides": overrides},  # from the start: a run that fails has them too
        folder=folder,
    )
