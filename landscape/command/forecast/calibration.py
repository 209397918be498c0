"""Seconds of one update and of one pass over the data, from a few real ones; each kind is timed once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.command.forecast.clock import seconds_at, seconds_of
from landscape.data.dataset import Dataset, Split
from landscape.ground.precision import tf32
from landscape.measurement import Seeds, Steps
from landscape.objective.memory.footprint import MOST as COUNTED
from landscape.objective.memory.passes import Passes
from landscape.objective.objective import Objective
from landscape.objective.slope import slope_passes, slopes
from landscape.training import GroupRun, Training

FEW_EXAMPLES, FEW_POINTS, FEW_STEPS = 32, 3, 4
QUICK = 2e8
"""Multiplications and additions that no one waits for: what takes no more is timed as large as it is at once."""
UPDATES = 2
"""Updates in one timed sample: the first batch of a pass also draws the order of the examples."""
MOST_SECONDS = 2.0
"""For one kind of update or pass."""
NEGLIGIBLE = 1.0
"""Seconds of all updates or passes of one kind under which a rough time will do."""


class OutOfTime(Exception):
    """The budget of all calibrations is spent."""


@dataclass(frozen=True)
class Line:
    """What ``Calibration.of_pass`` evaluates: rows of ends, and the path between them.

    Args:
        make: (split, row seeds, row buffers) -> Objective. theta_0, theta_1: [S, P]. path: (theta_0, theta_1) -> path.
        seeds, buffers: one per row; buffers None for those of the module. order: of the derivatives, 0 for J alone.
    """

    make: Callable[..., Objective]
    theta_0: Tensor
    theta_1: Tensor
    path: Callable[[Tensor, Tensor], Callable[[float], Tensor]]
    seeds: list[int]
    buffers: list[dict[str, Tensor]] | None = None
    order: int = 0

    def objective(self, split: Split) -> Objective:
        """Of every row, over ``split``."""
        return self.make(split, seeds=self.seeds, buffers=self.buffers)

    def sample(self, objective: Objective, alphas: NDArray[np.float64]) -> Callable[[], object]:
        """A call that evaluates it at ``alphas``."""
        ends = (end.to(objective.device, objective.dtype) for end in (self.theta_0, self.theta_1))
        path = self.path(*ends)
        if self.order:
            return lambda: slopes(objective, path, alphas, self.order)
        return lambda: objective.along(path, alphas)

    def passes(self, objective: Objective, num_examples: int) -> Passes:
        """Of ``num_examples``, counted on the few of this objective."""
        if self.order:
            return slope_passes(objective, self.order, num_examples)
        return objective.passes_for(num_examples)


def stay(theta_0: Tensor, theta_1: Tensor) -> Callable[[float], Tensor]:
    """A path that is nothing but its end, for one point."""
    return lambda alpha: theta_1


class Calibration:
    """Times, by a key that says all they depend on.

    Args:
        device: where the command computes. seconds: for all calibrations together; one that has begun is ended.
        is_patient: while true, a calibration that comes too late is made all the same, as short as can be.
    """

    def __init__(self, device: torch.device, seconds: float) -> None:
        self.device, self.left, self.is_patient = device, seconds, True
        self.known: dict[str, float] = {}
        self.passes: dict[str, Passes] = {}
        self.measuring_bytes = 0.0
        """The most that one pass of a measurement was found to take, so far."""

    def _timed(self, key: str, measure: Callable[[float], float]) -> float:
        if key not in self.known:
            if self.left <= 0 and not self.is_patient:
                raise OutOfTime
            start = time.perf_counter()
            self.known[key] = measure(min(MOST_SECONDS, max(self.left, 0.0) / 2))
            self.left -= time.perf_counter() - start
        return self.known[key]

    def of_update(
        self,
        key: str,
        model: Callable[[], torch.nn.Module],
        cost: Any,
        dataset: Dataset,
        optimizer: Any,
        training: Training,
        seeds: list[int],
        repeats: int,
    ) -> float:
        """Seconds of one update of a group of seeds at the recipe's batch size; ``repeats`` are to come."""
        streams = dataset.train.num_streams
        num = 1 if streams else UPDATES  # a window of a text is a large example

        def group(batch_size: int) -> GroupRun:
            few = replace(
                dataset,
                train=dataset.train.first(num * batch_size),
                valid=dataset.valid.first(1),
                test=dataset.test.first(1),
            )
            trial = replace(training, batch_size=batch_size, snapshot_updates=None)
            return GroupRun(model, cost, few, optimizer, trial, seeds, Path(), self.device)

        made = dict[int, GroupRun]()

        def sample(batch_size: int) -> Callable[[], object]:
            run = made.pop(batch_size, None) or group(batch_size)

            def epoch() -> None:
                with tf32(training.tf32):
                    run.one_epoch()

            return epoch

        def measure(budget: float) -> float:
            whole = group(training.batch_size)  # says what is wrong with it even if a smaller one will do here
            made[training.batch_size] = whole
            flops = 6.0 * training.batch_size * len(seeds) * whole.layout.num_parameters
            first = streams or (training.batch_size if flops <= QUICK else min(8, training.batch_size))
            enough = NEGLIGIBLE * num / repeats
            return seconds_at(training.batch_size, first, sample, self.device, budget, enough) / num

        return self._timed(key, measure)

    def of_pass(self, key: str, line: Line, split: Split, alphas: NDArray[np.float64], repeats: int = 1) -> float:
        """Seconds of one objective over the whole split at every alpha, for all rows of the line; ``repeats`` come."""
        num = len(alphas)

        def measure(budget: float) -> float:
            few = alphas[:: max(1, num // FEW_POINTS)][:FEW_POINTS]
            counted = line.objective(split.first(COUNTED))
            passes = self.passes[key] = line.passes(counted, len(split))
            flops = passes.foot.flops * len(few) * len(line.seeds)
            most = min(COUNTED, len(split))
            first = split.num_streams or max(min(FEW_EXAMPLES, most), min(most, int(QUICK / max(flops, 1.0))))
            call = line.sample(counted if first == most else line.objective(split.first(first)), few)
            per_point = seconds_of(call, self.device, budget / 8, most=1) / len(few)
            if per_point * num * repeats * len(split) / first <= NEGLIGIBLE:  # more examples at once are faster
                return per_point / first
            points = alphas if per_point * num <= budget / 8 else few
            size = 8 * passes.examples if split.num_streams else passes.examples  # several blocks of a text
            size = min(len(split), size)
            enough = NEGLIGIBLE / repeats * len(points) / num * size / len(split)

            def sample(num_examples: int) -> Callable[[], object]:
                return line.sample(line.objective(split.first(num_examples)), points)

            return seconds_at(size, first, sample, self.device, budget, enough) / size / len(points)

        seconds = self._timed(key, measure) * len(split) * num
        passes = self.passes[key]  # perhaps of another split
        self.measuring_bytes = max(self.measuring_bytes, passes.foot.of(min(passes.examples, len(split))))
        return seconds

    def of_steps(self, key: str, steps: Steps, subject: Seeds) -> float:
        """Seconds of all steps of a measurement that goes its own way, from shorter ones."""

        def measure(budget: float) -> float:
            def sample(num: int) -> Callable[[], object]:
                return lambda: steps.shorter(num)(subject)

            return seconds_at(steps.num_steps, FEW_STEPS, sample, self.device, budget, NEGLIGIBLE, warms_up=False)

        return self._timed(key, measure)
