"""One job: train if the measurement needs solutions, lay the path, measure and judge."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import torch
from numpy.typing import NDArray

from landscape import __version__
from landscape.command.collect.current import entry_of
from landscape.command.collect.parts import folder_of
from landscape.command.connect import connected
from landscape.command.limits import scale_of
from landscape.command.prepare import NAME_IT
from landscape.command.recipe import Recipe
from landscape.data.own import sentences
from landscape.data.stream import shown_of
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.figure.module import figure_module
from landscape.figure.sweep.number import chosen
from landscape.ground.provenance import is_ours
from landscape.ground.settings import named
from landscape.measurement import Network, OnPath, Seeds, Trained, measured_by
from landscape.objective.share import Share
from landscape.result.saved import Result
from landscape.store.solutions import Solutions
from landscape.store.store import Entry
from landscape.tracker import RunInfo, Tracker

log = logging.getLogger(__name__)


def run(
    config: dict[str, Any],
    name: str,
    choices: dict[str, str],
    overrides: list[str],
    tracker: Tracker,
    device: torch.device,
    folder: Path | None = None,
) -> tuple[Result, list[Entry]]:
    """Train, measure and judge one resolved config; returns the result and where its solutions lie.

    Args:
        folder: keeps what is known of a streamed measurement until it is done.
    """
    started = time.monotonic()
    recipe, figure = _recipe_of(config, device, folder), figure_module(config["figure"])
    config = recipe.config
    recipe.check()
    if issubclass(recipe.stage, Network) and not is_ours(config["data"]):
        for sentence in sentences(recipe.dataset, NAME_IT):
            log.info("%s", sentence)
    begun = time.monotonic()
    subject, solutions, entries, of_curves = _subject_of(recipe, tracker.epoch)
    trained = time.monotonic() - begun
    ends = (config["endpoints"] or {}).get("_target_", "")
    if issubclass(recipe.stage, Trained) and not recipe.finds and not ends.endswith(".InitToSolution"):
        log.warning("this measurement looks at whole trainings and makes no use of endpoints (%s)", ends)
    if folder is not None and isinstance(subject, OnPath) and folder_of(folder).is_dir():
        subject = subject.on(shares=folder_of(folder))
    measured = measured_by(recipe.measurement, subject)
    numbers = measured.numbers | getattr(getattr(subject, "ends", None), "numbers", {})
    numbers |= _numbers_of_runs(subject, solutions) if isinstance(subject, Network) and solutions else {}
    numbers |= of_curves
    result = Result(
        name=name,
        figure=config["figure"],
        scale=scale_of(config["limits"], recipe.caps),
        choices=choices,
        overrides=overrides,
        caps=recipe.caps,
        config=config,
        curves=measured.curves,
        projections=measured.projections,
        surfaces=measured.surfaces,
        components=measured.components,
        learning_curve=None if solutions is None else solutions.learning_curve,
        numbers={k: list(v) for k, v in numbers.items()},
        statements=measured.statements,
        seeds=measured.labels,
        training_status=_status(solutions, getattr(subject, "ends", None)),
        versions=_versions(subject, config),
        device=device_name(device),
        seconds=time.monotonic() - started,
        seconds_training=trained if solutions is not None else 0.0,
    )
    result.verdicts.extend(figure.judge([result]))
    return result, entries


def run_part(config: dict[str, Any], share: Share, device: torch.device, folder: Path) -> list[Entry]:
    """Measure one part of a job's examples; its sums go to the job's folder of them.

    Whichever part comes first trains what is to be trained, the others wait for it at the store.

    Args:
        folder: of the part.

    Returns:
        Where the solutions of the job lie.
    """
    recipe = _recipe_of(config, device, folder)
    recipe.check()
    subject, _, entries, _ = _subject_of(recipe, lambda row: None)
    recipe.measurement.share(subject, share, folder.parent)
    return entries


def _recipe_of(config: dict[str, Any], device: torch.device, folder: Path | None) -> Recipe:
    recipe = Recipe.of(config, device)
    recipe.folder = folder
    if config["threads"] is not None:  # else as many as torch takes by itself
        torch.set_num_threads(config["threads"])
    return recipe


def _subject_of(
    recipe: Recipe, on_epoch: Callable[[dict[str, float]], None]
) -> tuple[Seeds, Solutions | None, list[Entry], dict[str, list[float]]]:
    """What is measured, the runs and the entries that it came from, and the numbers of its curves."""
    solutions, entries = recipe.solve(on_epoch) if recipe.trains else (None, [])
    subject = recipe.subject(solutions)
    curves = connected(recipe, subject) if isinstance(subject, OnPath) else None
    if curves is None:
        return subject, solutions, entries, {}
    return curves.stage, solutions, entries, curves.numbers


def _status(solutions: Solutions | None, ends: Ends | None) -> list[str]:
    """One status per column of the result: a line is as good as the worse of its runs."""
    if solutions is None:
        return []
    if ends is None or len(ends.labels) == len(solutions.seeds):
        return list(solutions.status)
    return ["diverged" if bad else "trained" for bad in ends.diverged]


def _numbers_of_runs(network: Network, solutions: Solutions) -> dict[str, list[float]]:
    """Epochs, norms and test errors of the trained networks, one per seed."""
    own = {"seeds": solutions.seeds, "buffers": solutions.buffers}
    test = network.objective_of(network.dataset.test, "deterministic", **own)
    theta = solutions.theta_f.to(test.device, test.dtype)
    found = test.along(lambda _: theta, np.ones(1))  # one pass
    values = {name: channel[0] for name, channel in found.channels.items()}
    numbers: dict[str, NDArray[np.float64]] = {
        "best_epoch": np.array(solutions.best_epoch, dtype=float),
        "num_epochs": np.array(solutions.num_epochs, dtype=float),
        "norm_theta_i": solutions.theta_i.double().norm(dim=1).numpy(),
        "norm_theta_f": solutions.theta_f.double().norm(dim=1).numpy(),
        "length": (solutions.theta_f.double() - solutions.theta_i.double()).norm(dim=1).numpy(),
    }
    for name, value in values.items():
        numbers[f"test_{name}"] = value
    if "error" in values and _is_of_labels(network.dataset.test):  # of a text the error is a share of its words
        scale = found.scale if test.is_streamed else test.scales.get("error", 1.0)
        num_labelled = found.num_examples / scale
        numbers["num_test_errors"] = np.round(values["error"] * num_labelled)
    return {name: np.asarray(v).tolist() for name, v in numbers.items()}


def _is_of_labels(split: Any) -> bool:
    """Whether each example has one label, so that errors can be counted."""
    y = shown_of(split).y
    return isinstance(y, torch.Tensor) and y.dim() == 1


def device_name(device: torch.device) -> str:
    """The GPU's own name, or the CPU's and how many threads are at work."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    num = torch.get_num_threads()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        processor = next(named, platform.machine())
    except OSError:
        processor = platform.processor() or platform.machine()
    return f"{processor}, {num} thread{'s' * (num > 1)}"


def _versions(subject: Seeds, config: dict[str, Any]) -> dict[str, str]:
    """What this result was computed with, and which copy of the data it was, where that is not said by its name."""
    dataset = subject.dataset if isinstance(subject, Network) else None
    return {
        "landscape": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "hydra": hydra.__version__,
        **({"data": f"{dataset.name} ({dataset.copy})"} if dataset is not None and dataset.copy else {}),
        **entry_of(config, dataset),
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
