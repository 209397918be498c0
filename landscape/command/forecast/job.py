"""What one job to come will do, counted from its recipe and timed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from landscape.command.arguments import check_arguments
from landscape.command.forecast.group import GroupForecast, curves_of, group_of, monitor_of
from landscape.command.forecast.stand_in import stand_in
from landscape.command.forecast.timing import UPDATE_PASSES, Timing, grid, laid, stay
from landscape.command.limits import scale_of
from landscape.command.prepare import device_of
from landscape.command.recipe import Recipe, handed_on
from landscape.data.dataset import Split
from landscape.data.stream import num_of
from landscape.data.tree import leaves_of
from landscape.endpoints import Ends
from landscape.measurement import Network, OnPath, Pass, Seeds, Steps, Work, work_of
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import plane_kind
from landscape.store.solutions import Solutions

SHORT = 60.0
"""Seconds: a command that is surely shorter is not timed."""
SAFETY = 4.0
"""By so much the rough count may be wrong before a command is no longer surely short."""
TIMED = ("batch_size", "gradient_scale", "max_gradient_norm", "dtype", "vectorise", "tf32", "measure_batch_size")
"""Numbers of ``training`` that the time of an update or of the monitor depends on."""


@dataclass
class JobForecast:
    """One job to come.

    Args:
        num: in its command.
        overrides: as planned.
        groups: of seeds that train together.
        curves: of lines whose bends train together.
        passes: over the data, of the measurement and of the test split.
        steps: of a measurement that goes its own way.
        unknown: what of it is not counted.
        num_parts: in which a launcher of several workers has it measured.
        seconds: of all that is counted.
        seconds_measuring: of these, what its parts share.
        seconds_of_part: the longest of them; whole batches are as fine as they can be cut.
        is_timed: whether ``seconds`` comes from real pieces of each kind, not from the first few examples alone.
        num_copied_bytes: the data once more, in another precision or on the device.
        fault: why there is no forecast, one line.
        is_wrong_input: whether that is the user's to mend.
        scale: what its result will call it.
        caps: of this scale, those that bite.
        has_tolerance: J of most points will be estimated, and told is what all of them in full would take.
    """

    num: int
    overrides: list[str]
    groups: list[GroupForecast] = field(default_factory=list)
    curves: list[GroupForecast] = field(default_factory=list)
    passes: tuple[Pass, ...] = ()
    steps: Steps | None = None
    unknown: str = ""
    num_parts: int = 1
    seconds: float = 0.0
    seconds_measuring: float = 0.0
    seconds_of_part: float = 0.0
    is_timed: bool = False
    num_copied_bytes: int = 0
    fault: str = ""
    is_wrong_input: bool = False
    has_tolerance: bool = False
    scale: str = ""
    caps: tuple[str, ...] = ()

    @property
    def num_trained(self) -> int:
        """Examples that the updates will go through, at most."""
        return sum(group.num_trained for group in (*self.groups, *self.curves))

    @property
    def num_evaluated(self) -> int:
        """Examples that the monitor and the measurement will evaluate, at most."""
        own = sum(part.num_evaluations for part in self.passes) + (self.steps.num_evaluations if self.steps else 0)
        return own + sum(group.num_monitored for group in self.groups)

    @property
    def may_stop(self) -> bool:
        """Whether the counts are upper bounds."""
        may_stop = any(group.may_stop for group in (*self.groups, *self.curves))
        return may_stop or self.has_tolerance or (self.steps is not None and self.steps.may_stop)

    def seconds_on(self, workers: int) -> float:
        """On the clock where so many processes take its parts; all else of it is done by one."""
        return self.seconds - self.seconds_measuring + max(self.seconds_measuring / workers, self.seconds_of_part)

    @property
    def num_passed(self) -> float:
        """Examples that go forward through the network, those of an update counted as so many as take its time."""
        passes = sum(part.num_evaluations * (1 + 2 * part.order) for part in self.passes)
        monitored = sum(group.num_monitored for group in self.groups)
        return passes + UPDATE_PASSES * self.num_trained + monitored


def job_of(
    config: dict[str, Any], num: int, overrides: list[str], timing: Timing, seen: set[str], num_jobs: int = 1
) -> JobForecast:
    """Count one resolved config, and time it if the command is not surely short.

    Args:
        config: of the job.
        num: in its command.
        overrides: as planned.
        timing: of the command.
        seen: keys of the solutions that an earlier job of the command trains; this job's are added.
        num_jobs: to come, this one included.

    Raises:
        InputError: as the job itself would.
    """
    check_arguments(config)
    recipe = Recipe.of(config, device_of(config["device"]))
    recipe.check()
    job, solutions, measurement = JobForecast(num, overrides), None, recipe.measurement
    job.caps, job.scale = tuple(recipe.caps), scale_of(recipe.config["limits"], recipe.caps)
    job.num_parts = getattr(measurement, "shards", None) or 1
    job.has_tolerance = (recipe.config["objective"] or {}).get("tolerance") is not None
    if recipe.trains:
        job.groups = [group_of(seeds, description, recipe, seen) for seeds, description in recipe.groups()]
        solutions = stand_in(recipe, job.groups)
    subject = recipe.subject(solutions, aligns=False)
    if isinstance(subject, OnPath):
        job.curves = curves_of(recipe, subject, all(group.standing == "trained" for group in job.groups), seen)
    work = work_of(measurement, subject) or Work(unknown=f"measurement {type(measurement).__name__}")
    job.passes, job.steps, job.unknown = work.passes, work.steps, work.unknown
    if isinstance(subject, Network):
        if solutions is not None:  # the errors on the test examples
            last = Pass("test", "deterministic", num_of(subject.dataset.test), 1, len(recipe.training.seeds))
            job.passes = (*job.passes, last)
        job.unknown = " and ".join(filter(None, (job.unknown, _unknown_of(subject, job.passes))))
        job.num_copied_bytes = _copied(recipe, job)
    _time(job, recipe, subject, solutions, timing, num_jobs)
    handed_on[:] = [recipe]
    return job


def _unknown_of(network: Network, passes: Sequence[Pass]) -> str:
    """What nobody knows of streams before they are read."""
    names = list(dict.fromkeys(part.split for part in passes if part.split in network.dataset.streams))
    uncounted = [name for name in names if num_of(network.split(name)) is None]
    words = f"reading {' and '.join(names)}, streamed" if names else ""
    return words + f"; how many examples {' and '.join(uncounted)} has is not known" * bool(uncounted)


def _time(
    job: JobForecast, recipe: Recipe, subject: Seeds, solutions: Solutions | None, timing: Timing, num_jobs: int
) -> None:
    """Set what the job takes: roughly where the whole command is surely short, else from a piece of each kind."""
    num_rough = timing.num_rough
    if job.steps is not None:
        optimizer = _without_sizes(recipe.config["optimizer"])
        named = ("model", "data", "cost", "measurement")
        key = _key(recipe.config, *named, optimizer=optimizer, rows=job.steps.num_rows)
        job.seconds += timing.of_steps(key, job.steps, subject)
    if isinstance(subject, Network) and job.num_passed:
        first = timing.of_first(subject)
        roughly = first * job.num_passed
        timing.expected = max(timing.expected, num_jobs * (job.seconds + roughly))
        if not timing.is_thorough and SAFETY * timing.expected < SHORT:
            job.seconds += roughly
            job.seconds_measuring = first * sum(part.num_evaluations * (1 + 2 * part.order) for part in job.passes)
            job.seconds_of_part = job.seconds_measuring / job.num_parts
            return
        trained = [group for group in (*job.groups, *job.curves) if group.num_epochs]
        job.seconds += sum(_seconds_of_group(group, recipe, timing, first) for group in trained)
        for part in job.passes:
            seconds, num_batches = _seconds_of_pass(part, recipe, subject, solutions, timing, first)
            job.seconds_measuring += seconds
            job.seconds_of_part += seconds * -(-num_batches // job.num_parts) / num_batches
        job.seconds += job.seconds_measuring
    job.is_timed = timing.num_rough == num_rough


def _seconds_of_group(group: GroupForecast, recipe: Recipe, timing: Timing, first: float) -> float:
    """Seconds of all updates and of the monitor."""
    config, network, training, num_rows = recipe.config, recipe.network, recipe.training, len(group.seeds)
    timed = {name: config["training"][name] for name in TIMED}
    optimizer = _without_sizes(config["optimizer"])
    key = _key(config, "model", "data", "cost", optimizer=optimizer, training=timed, rows=num_rows)
    update = timing.of_update(key, network, recipe.model, training, group.seeds, first)
    seconds, num = group.num_epochs * group.num_updates * update, group.num_monitorings
    theta = ParameterLayout.of(network.module).theta(network.module).expand(num_rows, -1)
    for part in group.monitor:

        def objective(split: Split, mode: str = part.mode) -> Objective:
            return monitor_of(network, training, mode, split=split, seeds=group.seeds)

        split: Split = getattr(network.dataset, part.split)
        name = f"monitor {part.mode} {split.num_streams} {key}"
        point = partial(laid, stay, theta, theta)
        seconds += num * timing.of_pass(name, objective, point, split, np.zeros(1), first * num_rows, num=num)
    return seconds


def _seconds_of_pass(
    part: Pass, recipe: Recipe, network: Network, solutions: Solutions | None, timing: Timing, first: float
) -> tuple[float, int]:
    """Seconds of one pass of the measurement on ends that stand in for those to come, and its batches."""
    if part.num_examples is None:
        return 0.0, 1
    split: Split = getattr(network.dataset, part.split).first(part.num_examples)
    on_path = network if isinstance(network, OnPath) else None
    ends = None if on_path is None else on_path.ends
    if ends is None or (solutions is not None and part.num_rows > len(ends.seeds)):
        assert solutions is not None
        ends = Ends(solutions.theta_i, solutions.theta_f, [], solutions.seeds, solutions.buffers, [])
    rows, alphas = slice(part.num_rows), np.linspace(0.0, 1.0, part.num_points)
    if on_path is not None and len(on_path.alphas) == part.num_points:
        alphas = on_path.alphas
    numbers = {"mode": part.mode, "rows": part.num_rows, "points": part.num_points, "order": part.order}
    key = _key(recipe.config, "model", "data", "cost", "objective", "path", streams=split.num_streams, **numbers)
    own: dict[str, Any] = {"mode": part.mode, "seeds": ends.seeds[rows], "buffers": ends.buffers[rows]}
    lay = on_path.lay if on_path is not None and part.num_points > 1 else stay
    if on_path is not None and plane_kind(on_path.path) is not None:
        lay, alphas = partial(grid, part.num_points), np.arange(float(part.num_points))
    path = partial(laid, lay, ends.theta_0[rows], ends.theta_1[rows])
    each = first * part.num_rows * part.num_replicates
    seconds = timing.of_pass(
        key, partial(network.objective_of, **own), path, split, alphas, each, part.order, of=part.num_examples
    )
    at_once = timing.passes[key].examples if key in timing.passes else 1  # not timed, so not long
    return seconds, -(-part.num_examples // at_once)


def _copied(recipe: Recipe, job: JobForecast) -> int:
    """Bytes of the data that training holds in copies, the updates' and the monitor's, or a measurement does."""
    dataset, device = recipe.network.dataset, recipe.device
    measured = getattr(torch, recipe.config["objective"].get("dtype", "float32"))
    held = [split for part in job.passes if isinstance(split := getattr(dataset, part.split), Split)]
    most = max((_copied_bytes(split, device, measured) for split in held), default=0)
    if any(group.num_epochs for group in job.groups):
        own = getattr(torch, recipe.training.dtype)
        most = max(most, 2 * sum(_copied_bytes(split, device, own) for split in (dataset.train, dataset.valid)))
    return most


def _copied_bytes(split: Split, device: torch.device, dtype: torch.dtype) -> int:
    """What ``split.to(device, dtype)`` adds; nothing where the examples are there already."""
    total = 0
    for x in leaves_of(split.x, "x").values():
        is_number = x.is_floating_point()
        if x.device.type != device.type or (is_number and x.dtype != dtype):
            total += x.numel() * (dtype.itemsize if is_number else x.element_size())
    return total


def _without_sizes(config: Any) -> Any:
    """Of each number only whether it is zero: no rate or momentum makes an update faster, but none at all may."""
    if isinstance(config, dict):
        return {key: _without_sizes(value) for key, value in config.items()}
    return bool(config) if isinstance(config, int | float) else config


def _key(config: dict[str, Any], *names: str, **others: Any) -> str:
    """All that a time depends on, as text."""
    return json.dumps([{name: config[name] for name in names}, others], sort_keys=True, default=str)
