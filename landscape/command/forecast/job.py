"""What one job to come will do: counted from its config, timed by a calibration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.command.arguments import check_arguments
from landscape.command.forecast.calibration import Calibration, Line, stay
from landscape.command.forecast.group import GroupForecast, group_of, seconds_of_group
from landscape.command.forecast.memory import copied_bytes
from landscape.command.prepare import device_of
from landscape.command.recipe import Recipe
from landscape.endpoints import Ends
from landscape.measurement import Network, OnPath, Pass, Steps
from landscape.parameters import ParameterLayout, beside
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory
from landscape.training import Training, build

TIMED = ("batch_size", "gradient_scale", "max_gradient_norm", "dtype", "vectorise", "tf32", "measure_batch_size")
"""Numbers of ``training`` that the time of an update or of the monitor depends on."""


@dataclass
class JobForecast:
    """One job to come.

    Args:
        num, overrides: as planned.
        groups: of seeds that train together. passes: over the data, of the measurement and of the test split.
        steps: of a measurement that goes its own way. unknown: what of it is not counted.
        seconds: of all that is counted. num_copied_bytes: the data once more, in another precision or on the device.
        fault: why there is no forecast, one line. is_wrong_input: whether that is the user's to mend.
    """

    num: int
    overrides: list[str]
    groups: list[GroupForecast] = field(default_factory=list)
    passes: tuple[Pass, ...] = ()
    steps: Steps | None = None
    unknown: str = ""
    seconds: float = 0.0
    num_copied_bytes: int = 0
    fault: str = ""
    is_wrong_input: bool = False

    @property
    def num_trained(self) -> int:
        """Examples that the updates will go through, at most."""
        return sum(group.num_trained for group in self.groups)

    @property
    def num_evaluated(self) -> int:
        """Examples that the monitor and the measurement will evaluate, at most."""
        own = sum(part.num_evaluations for part in self.passes) + (self.steps.num_evaluations if self.steps else 0)
        return own + sum(group.num_monitored for group in self.groups)

    @property
    def may_stop(self) -> bool:
        """Whether the counts are upper bounds."""
        return any(group.may_stop for group in self.groups) or (self.steps is not None and self.steps.may_stop)


def job_of(
    config: dict[str, Any], num: int, overrides: list[str], calibration: Calibration, seen: set[str]
) -> JobForecast:
    """Count and time one resolved config.

    Args:
        seen: keys of the solutions that an earlier job of the command trains; this job's are added.

    Raises:
        InputError: as the job itself would.
    """
    check_arguments(config)
    recipe = Recipe(config, device_of(config["device"]))
    recipe.check()
    config, training, measurement = recipe.config, recipe.training, recipe.measurement
    found, solutions = JobForecast(num, overrides), None
    if recipe.trains:
        found.groups = _trained(recipe, calibration, seen)
        found.seconds += sum(group.seconds for group in found.groups)
        solutions = _stand_in(recipe, found.groups)
    subject = recipe.subject(solutions)
    if not hasattr(measurement, "work"):
        found.unknown = f"measurement {type(measurement).__name__}"
    else:
        work = measurement.work(subject)
        found.passes, found.steps, found.unknown = work.passes, work.steps, work.unknown
    if isinstance(subject, Network):
        if solutions is not None:  # the errors on the test examples
            last = Pass("test", "deterministic", len(subject.dataset.test), 1, len(training.seeds))
            found.passes = (*found.passes, last)
        found.num_copied_bytes = _copied(config, subject, training, found)
        found.seconds += sum(_seconds_of_pass(config, part, subject, solutions, calibration) for part in found.passes)
    if found.steps is not None:
        optimizer = _without_sizes(config["optimizer"])
        key = _key(config, "model", "data", "cost", "measurement", optimizer=optimizer, rows=found.steps.num_rows)
        found.seconds += calibration.of_steps(f"steps {key}", found.steps, subject)
    return found


def _trained(recipe: Recipe, calibration: Calibration, seen: set[str]) -> list[GroupForecast]:
    """Each group of seeds: in the store, trained by an earlier job, or to be trained and so timed."""
    config, network, training, groups = recipe.config, recipe.network, recipe.training, []
    for seeds, description in recipe.groups():
        group = group_of(seeds, description, recipe.store_folder, config["refresh"], training, network, seen)
        if group.num_epochs > 0:
            timed = {name: config["training"][name] for name in TIMED}
            optimizer = _without_sizes(config["optimizer"])
            key = _key(config, "model", "data", "cost", optimizer=optimizer, training=timed, rows=len(seeds))
            group.seconds = seconds_of_group(group, key, recipe.model, network, training, calibration)
        groups.append(group)
    return groups


@dataclass(frozen=True)
class _Unwalked(Trajectory):
    """A trajectory to come: its epochs are known, and every point of it is one and the same."""

    point: Tensor

    def theta(self, row: float) -> Tensor:
        """The point as theta [1, P]."""
        return self.point[None].float()


def _stand_in(recipe: Recipe, groups: list[GroupForecast]) -> Solutions:
    """What training would return, as far as a measurement's time depends on it: two points far apart, untrained."""
    module, training = recipe.network.module, recipe.training
    dtype = getattr(torch, training.dtype)
    layout, num_rows = ParameterLayout.of(module), len(training.seeds)
    # The start of a seed that is not in the run; a module that always starts at one point is moved a little.
    other = layout.theta(build(recipe.model, training.seeds[-1] + 1)).to(dtype)
    other = other + 0.01 * torch.randn(other.shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    start = layout.theta(module).to(dtype)
    theta_i, theta_f = (point.expand(num_rows, -1) for point in (start, other))
    buffers = beside(module)
    nowhere = Path("not-trained-yet")
    snapshots = [group.snapshots for group in groups for _ in group.seeds]
    # The last epoch is the best: whatever an endpoint asks for lies before it, if it can at all.
    curve = LearningCurve(np.zeros(1), {}, np.full(num_rows, float(training.max_epochs)))
    runs: list[Trajectory] = [
        _Unwalked(nowhere, s, epochs, np.zeros(len(epochs), dtype=np.int64), other)
        for s, epochs in enumerate(snapshots)
    ]
    epochs = [training.max_epochs] * num_rows
    return Solutions(
        layout, training.seeds, theta_i, theta_f, curve, runs, ["max_epochs"] * num_rows, epochs, [buffers] * num_rows
    )


def _seconds_of_pass(
    config: dict[str, Any], part: Pass, network: Network, solutions: Solutions | None, calibration: Calibration
) -> float:
    """Seconds of one pass of the measurement on ends that stand in for those to come."""
    split = getattr(network.dataset, part.split).first(part.num_examples)
    on_path = network if isinstance(network, OnPath) else None
    ends = None if on_path is None else on_path.ends
    if ends is None or (solutions is not None and part.num_rows > len(ends.seeds)):
        assert solutions is not None
        ends = Ends(solutions.theta_i, solutions.theta_f, [], solutions.seeds, solutions.buffers, [])
    rows = slice(part.num_rows)
    make = partial(network.objective_of, mode=part.mode)
    lay = on_path.lay if on_path is not None and part.num_points > 1 else stay
    line = Line(make, ends.theta_0[rows], ends.theta_1[rows], lay, ends.seeds[rows], ends.buffers[rows], part.order)
    alphas = on_path.alphas if on_path is not None and len(on_path.alphas) == part.num_points else None
    if alphas is None:
        alphas = np.linspace(0.0, 1.0, part.num_points)
    key = _key(
        config,
        "model",
        "data",
        "cost",
        "objective",
        "path",
        mode=part.mode,
        rows=part.num_rows,
        points=part.num_points,
        order=part.order,
        streams=split.num_streams,
    )
    return calibration.of_pass(f"pass {key}", line, split, alphas)


def _copied(config: dict[str, Any], network: Network, training: Training, found: JobForecast) -> int:
    """Bytes of the data that training holds in copies, the updates' and the monitor's, or a measurement does."""
    dataset = network.dataset
    measured = getattr(torch, config["objective"].get("dtype", "float32"))
    most = max(
        (copied_bytes(getattr(dataset, part.split), network.device, measured) for part in found.passes), default=0
    )
    if any(group.num_epochs for group in found.groups):
        own = getattr(torch, training.dtype)
        most = max(most, 2 * sum(copied_bytes(split, network.device, own) for split in (dataset.train, dataset.valid)))
    return most


def _without_sizes(config: Any) -> Any:
    """Of each number only whether it is zero: no rate or momentum makes an update faster, but none at all may."""
    if isinstance(config, dict):
        return {key: _without_sizes(value) for key, value in config.items()}
    return bool(config) if isinstance(config, int | float) else config


def _key(config: dict[str, Any], *names: str, **others: Any) -> str:
    """All that a time depends on, as text."""
    return json.dumps([{name: config[name] for name in names}, others], sort_keys=True, default=str)
