"""One group of seeds that trains together: where it stands in the store, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.command.forecast.calibration import Calibration, Line, stay
from landscape.measurement import Network, Pass
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.store.store import key_of
from landscape.store.trajectory import snapshot_interval
from landscape.training import Training
from landscape.training.checkpoint import epoch_of


@dataclass
class GroupForecast:
    """What a group of seeds will do.

    Args:
        seeds: [S]. key: of its entry in the store.
        standing: ``"new"``, ``"cut"`` (goes on from a checkpoint), ``"trained"``, or ``"shared"`` with an earlier job.
        num_epochs: still to train, at most. num_updates: per epoch. num_examples: N of the training split.
        monitor: the passes of one call of the monitor. num_monitorings: calls of it.
        may_stop: whether training may stop early. snapshots: epochs kept on disk [T]. num_bytes: of the entry.
        seconds: of training and monitoring.
    """

    seeds: list[int]
    key: str
    standing: str = "new"
    num_epochs: int = 0
    num_updates: int = 0
    num_examples: int = 0
    monitor: tuple[Pass, ...] = ()
    num_monitorings: int = 0
    may_stop: bool = False
    snapshots: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    num_bytes: int = 0
    seconds: float = 0.0

    @property
    def num_trained(self) -> int:
        """Examples that the updates go through."""
        return self.num_epochs * self.num_examples * len(self.seeds)

    @property
    def num_monitored(self) -> int:
        """Examples that the monitor evaluates."""
        return self.num_monitorings * sum(part.num_evaluations for part in self.monitor)


def group_of(
    seeds: list[int],
    description: dict[str, Any],
    store: Path,
    refresh: bool,
    training: Training,
    network: Network,
    seen: set[str],
) -> GroupForecast:
    """Count one group.

    Args:
        description: by which the store knows it. store: its folder. refresh: train again whatever is there.
        seen: keys that an earlier job trains; this one is added.
    """
    num_examples, key = len(network.dataset.train), key_of(description)
    num_updates = -(-(num_examples - training.drop_last * (num_examples % training.batch_size)) // training.batch_size)
    num_values = len(seeds) * ParameterLayout.of(network.module).num_parameters
    interval = snapshot_interval(training.max_epochs, 4 * num_values, training.trajectory_gigabytes * 1e9)
    snapshots = snapshot_epochs(training, interval, num_updates)
    group = GroupForecast(seeds, key, snapshots=snapshots)
    entry = store / key
    if key in seen:
        group.standing = "shared"
    elif (entry / "meta.json").exists() and not refresh:
        group.standing = "trained"
    else:
        done = None if refresh else epoch_of(entry / "checkpoint.pt")
        group.standing = "new" if done is None else "cut"
        group.num_epochs = training.max_epochs - (done or 0)
        group.num_monitorings = group.num_epochs + (done is None)  # a new run is measured at its start too
        group.num_updates, group.num_examples = num_updates, num_examples
        group.monitor = monitor_passes(network, training, len(seeds))
        group.may_stop = training.patience is not None
        itemsize = torch.finfo(getattr(torch, training.dtype)).bits // 8
        group.num_bytes = 4 * num_values * len(snapshots) + 2 * itemsize * num_values
    seen.add(key)
    return group


def snapshot_epochs(training: Training, interval: int, num_updates: int) -> NDArray[np.float64]:
    """The epochs [T] whose points are kept if training goes on to its end.

    Args:
        interval: see ``landscape.store.trajectory.snapshot_interval``. num_updates: per epoch.
    """
    epochs = np.arange(training.max_epochs + 1, dtype=np.float64)
    epochs = epochs[(epochs <= 20) | (epochs % interval == 0)]
    every = training.snapshot_updates
    within = np.arange(every, num_updates, every) / num_updates if every is not None else np.zeros(0)
    return np.sort(np.concatenate([epochs, within]))


def monitor_passes(network: Network, training: Training, num_rows: int) -> tuple[Pass, ...]:
    """What ``landscape.training.monitor.Monitor`` evaluates in one call."""
    dataset = network.dataset
    noisy = Objective(
        network.module,
        network.cost,
        dataset.train.first(1),
        mode="stochastic",
        dtype=training.dtype,
        device=network.device,
        running_statistics="keep",
    )
    parts = [("train", "stochastic"), ("valid", "deterministic")]
    if noisy.is_random and training.validation == "stochastic":
        parts.insert(1, ("valid", "stochastic"))
    return tuple(Pass(name, mode, len(getattr(dataset, name)), 1, num_rows) for name, mode in parts)


def seconds_of_group(
    group: GroupForecast, key: str, model: Any, network: Network, training: Training, calibration: Calibration
) -> float:
    """Seconds of all updates and of the monitor.

    Args:
        key: all that the time of an update depends on.
    """
    dataset = network.dataset
    repeats = group.num_epochs * group.num_updates
    update = calibration.of_update(
        f"update {key}", model, network.cost, dataset, network.optimizer, training, group.seeds, repeats
    )
    seconds = repeats * update
    layout = ParameterLayout.of(network.module)
    theta = layout.theta(network.module).expand(len(group.seeds), layout.num_parameters)
    for part in group.monitor:

        def objective(split: Any, mode: str = part.mode, **rows: Any) -> Objective:
            return Objective(
                network.module,
                network.cost,
                split,
                mode,
                dtype=training.dtype,
                device=network.device,
                batch_size=training.measure_batch_size,
                running_statistics="keep",
                **rows,
            )

        split = getattr(dataset, part.split)
        line = Line(objective, theta, theta, stay, group.seeds)
        name = f"monitor {part.mode} {split.num_streams} {key}"
        num = group.num_monitorings
        seconds += num * calibration.of_pass(name, line, split, np.zeros(1), repeats=num)
    return seconds
