"""Seconds of one update, of one pass over the data and of one step: a real one of each kind is timed, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.data.dataset import Split
from landscape.ground.precision import tf32
from landscape.measurement import Network, Seeds, Steps
from landscape.objective.memory.footprint import MOST
from landscape.objective.memory.passes import Passes
from landscape.objective.objective import Objective
from landscape.objective.slope import slope_passes, slopes
from landscape.path import Plane
from landscape.training import GroupRun, Training

SHARE = 0.02
"""Of what is forecast a forecast may take."""
SAMPLE = 200
"""A sample is this part of all that is to come of its kind: it is taken twice, so that all cost a hundredth."""
FEW_EXAMPLES, FEW_STEPS = 32, 4
"""In a sample, at least."""
THOROUGH_SECONDS = 0.25
"""So long a sample may be where the forecast is all that is asked for."""
PATIENCE = 5.0
"""Seconds of a first call from which on there is no second. A first call may load half of torch, so that it says
little; but one this long may well be the work itself."""
UPDATE_PASSES = 4.0
"""Forward passes that an update is worth until it is timed: one, one back twice as long, and the optimizer."""


class Timing:
    """Times of one command, by a key that says all they depend on.

    Until a kind is timed, it counts by what one pass over the few examples took on which every module is tried.

    Args:
        device: where the command computes.
        is_thorough: time every kind, whatever that costs; else those alone that ``SHARE`` of the command allows.
    """

    def __init__(self, device: torch.device, is_thorough: bool) -> None:
        self.device, self.is_thorough = device, is_thorough
        self.known: dict[str, float] = {}
        self.passes: dict[str, Passes] = {}
        self.num_rough = 0
        """Times that were asked for and not measured."""
        self.begin()

    def begin(self) -> None:
        """Begin with a command; what was timed for another before it is known."""
        self.start, self.expected = time.perf_counter(), 0.0
        """When the forecast began, and the seconds of the command as far as they are known."""
        self.measuring_bytes = 0.0
        """The most that one pass was found to hold."""

    @property
    def spent(self) -> float:
        """Seconds that the forecast has taken."""
        return time.perf_counter() - self.start

    def of_first(self, network: Network) -> float:
        """Seconds per example of one pass at one point, from the few examples on which the module was tried."""
        trial = network.trial
        theta = trial.forward.start.expand(len(trial.seeds), -1)
        return self._seconds(lambda: trial.evaluate(theta)) / len(trial.split) / len(trial.seeds)

    def of_update(
        self, key: str, network: Network, model: Any, training: Training, seeds: list[int], first: float
    ) -> float:
        """Seconds of one update of a group of seeds.

        Args:
            first: what ``of_first`` returns.
        """
        dataset, size = network.dataset, training.batch_size
        updates = 1 if dataset.train.num_streams else 2  # the first of a pass also draws the order of the examples
        roughly = UPDATE_PASSES * first * size * len(seeds)

        def measure() -> float:
            few = replace(
                dataset,
                train=dataset.train.first(updates * size) if size <= len(dataset.train) else dataset.train,
                valid=dataset.valid.first(1),
                test=dataset.test.first(1),
            )
            trial = replace(training, snapshot_updates=None)
            run = GroupRun(model, network.cost, few, network.optimizer, trial, seeds, Path(), self.device)
            with tf32(training.tf32):
                return self._seconds(run.one_epoch) / (len(few.train) / size)

        return self._once(f"update {key}", measure, roughly, 2 * updates * roughly)

    def of_pass(
        self,
        key: str,
        objective_of: Callable[[Split], Objective],
        path_of: Callable[[Objective], Any],
        split: Split,
        alphas: NDArray[np.float64],
        first: float,
        order: int = 0,
        num: int = 1,
        of: int | None = None,
    ) -> float:
        """Seconds of one objective over the whole split at every alpha, for all its rows; ``num`` are to come.

        Args:
            objective_of: split -> objective.
            path_of: objective -> path.
            first: what ``of_first`` returns, times rows and replicates.
            order: of the derivatives, 0 for J alone.
            of: N, of which ``split`` holds the first; None: it holds all.
        """
        each = first * len(alphas) * (1 + 2 * order)  # seconds of one example
        num_all = of or len(split)
        size = num_all * num / SAMPLE
        if self.is_thorough:
            size = max(size, THOROUGH_SECONDS / each)
        size = int(min(len(split), max(size, split.num_streams or FEW_EXAMPLES)))

        def measure() -> float:
            counted = objective_of(split.first(MOST))
            count = slope_passes(counted, order, num_all) if order else counted.passes_for(num_all)
            self.passes[key] = count
            objective = objective_of(split.first(min(size, count.examples)))  # one whole block tells as much
            path = path_of(objective)
            call = (
                (lambda: slopes(objective, path, alphas, order)) if order else (lambda: objective.along(path, alphas))
            )
            return self._seconds(call) / len(objective.split) / len(alphas)

        rate = self._once(f"pass {key}", measure, each / len(alphas), 2 * size * each)
        if key in self.passes:  # perhaps of another split
            count = self.passes[key]
            self.measuring_bytes = max(self.measuring_bytes, count.foot.of(min(count.examples, num_all)))
        return rate * num_all * len(alphas)

    def of_steps(self, key: str, steps: Steps, subject: Seeds) -> float:
        """Seconds of all steps of a measurement that goes its own way, from the same with fewer."""
        num = min(steps.num_steps, max(FEW_STEPS, steps.num_steps // SAMPLE))
        rate = self._once(f"steps {key}", lambda: self._seconds(lambda: steps.shorter(num)(subject)) / num, 0.0, 0.0)
        return rate * steps.num_steps

    def _once(self, key: str, measure: Callable[[], float], roughly: float, cost: float) -> float:
        """The known time; or that which is measured, where it is worth the cost; or the rough one."""
        if key in self.known:
            return self.known[key]
        if not self.is_thorough and self.spent + cost > SHARE * self.expected:
            self.num_rough += 1
            return roughly
        self.known[key] = measure()
        return self.known[key]

    def _seconds(self, call: Callable[[], object]) -> float:
        """Of a second call, since a first one warms up."""
        seconds = self._clocked(call)
        return seconds if seconds > PATIENCE else self._clocked(call)

    def _clocked(self, call: Callable[[], object]) -> float:
        start = time.perf_counter()
        call()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - start


def laid(lay: Any, theta_0: Tensor, theta_1: Tensor, objective: Objective) -> Any:
    """The path between two ends, where and how precisely the objective computes."""
    return lay(*(end.to(objective.device, objective.dtype) for end in (theta_0, theta_1)))


def grid(num: int, theta_0: Tensor, theta_1: Tensor) -> Plane:
    """So many numbered points of a plane, whose kind makes no difference to the time."""
    return Plane(theta_0, theta_1, theta_1.roll(1, dims=1), np.linspace(0.0, 1.0, num), [0.0])


def stay(theta_0: Tensor, theta_1: Tensor) -> Any:
    """A path that is nothing but its end, for one point."""
    return lambda alpha: theta_1
