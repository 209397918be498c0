"""One group of seeds that trains together: where it stands in the store, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.command.connect import asked, folder_of, rows_together
from landscape.command.recipe import Recipe
from landscape.measurement import Network, OnPath, Pass
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Connection
from landscape.store.store import key_of
from landscape.store.trajectory import snapshot_interval
from landscape.training import Training
from landscape.training.checkpoint import epoch_of


@dataclass
class GroupForecast:
    """What a group of seeds will do.

    Args:
        seeds: [S].
        key: of its entry in the store.
        standing: ``"new"``, ``"cut"`` (goes on from a checkpoint), ``"trained"``, or ``"shared"`` with an earlier job.
        num_epochs: still to train, at most.
        num_updates: per epoch.
        num_examples: N of the training split.
        monitor: the passes of one call of the monitor.
        num_monitorings: calls of it.
        may_stop: whether training may stop early.
        snapshots: epochs kept on disk [T].
        num_bytes: of the entry.
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

    @property
    def num_trained(self) -> int:
        """Examples that the updates go through."""
        return self.num_epochs * self.num_examples * len(self.seeds)

    @property
    def num_monitored(self) -> int:
        """Examples that the monitor evaluates."""
        return self.num_monitorings * sum(part.num_evaluations for part in self.monitor)


def group_of(seeds: list[int], description: dict[str, Any], recipe: Recipe, seen: set[str]) -> GroupForecast:
    """Count one group.

    Args:
        seeds: of the group.
        description: by which the store knows it.
        recipe: of the job.
        seen: keys that an earlier job trains; this one is added.
    """
    training, network, key = recipe.training, recipe.network, key_of(description)
    num_examples, size = len(network.dataset.train), training.batch_size
    num_updates = -(-(num_examples - training.drop_last * (num_examples % size)) // size)
    num_values = len(seeds) * ParameterLayout.of(network.module).num_parameters
    interval = snapshot_interval(training.max_epochs, 4 * num_values, training.trajectory_gigabytes * 1e9)
    group = GroupForecast(seeds, key, snapshots=snapshot_epochs(training, interval, num_updates))
    entry, refresh = recipe.store_folder / key, recipe.config["refresh"]
    if key in seen:
        group.standing = "shared"
        return group
    group.standing, done = standing_of(entry, refresh)
    if group.standing != "trained":
        group.num_epochs = training.max_epochs - (done or 0)
        group.num_monitorings = group.num_epochs + (done is None)  # a new run is measured at its start too
        group.num_updates, group.num_examples = num_updates, num_examples
        parts = [("train", "stochastic"), ("valid", "deterministic")]
        if training.validation == "stochastic" and monitor_of(network, training, "stochastic").is_random:
            parts.insert(1, ("valid", "stochastic"))
        group.monitor = tuple(
            Pass(name, mode, len(getattr(network.dataset, name)), 1, len(seeds)) for name, mode in parts
        )
        group.may_stop = training.patience is not None
        itemsize = getattr(torch, training.dtype).itemsize
        group.num_bytes = 4 * num_values * len(group.snapshots) + 2 * itemsize * num_values
    seen.add(key)
    return group


def standing_of(entry: Path, refresh: bool) -> tuple[str, int | None]:
    """Whether an entry is new, cut or trained, and the epochs that its checkpoint knows; None without one."""
    if (entry / "meta.json").exists() and not refresh:
        return "trained", None
    done = None if refresh else epoch_of(entry / "checkpoint.pt")
    return ("new" if done is None else "cut"), done


def curves_of(recipe: Recipe, stage: OnPath, may_be_kept: bool, seen: set[str]) -> list[GroupForecast]:
    """Count the training of bends, of a path that has any; an update of them is timed as one of the recipe's nets.

    Args:
        stage: its ends may be stand-ins.
        may_be_kept: nothing is trained before, so that the curves may lie in the store; then the count is the most.
        seen: keys that an earlier job trains; these are added.
    """
    connection = stage.path
    if not isinstance(connection, Connection):
        return []
    training, num = recipe.training, len(stage.dataset.train)
    size = training.batch_size if connection.batch_size is None else connection.batch_size
    itemsize, num_values = getattr(torch, training.dtype).itemsize, ParameterLayout.of(stage.module).num_parameters
    found = []
    for rows in rows_together(recipe, stage, connection):
        key = key_of(asked(recipe, stage, connection, rows)[0])
        group = GroupForecast([stage.ends.seeds[s] for s in rows], key, may_stop=may_be_kept)
        entry = folder_of(recipe) / key
        group.standing, done = ("shared", None) if key in seen else standing_of(entry, recipe.config["refresh"])
        group.num_epochs = 0 if group.standing in ("trained", "shared") else connection.epochs - (done or 0)
        seen.add(key)
        group.num_examples = num
        group.num_updates = -(-(num - training.drop_last * (num % size)) // size)
        group.num_bytes = connection.num_bends * len(rows) * num_values * itemsize
        found.append(group)
    return found


def snapshot_epochs(training: Training, interval: int, num_updates: int) -> NDArray[np.float64]:
    """The epochs [T] whose points are kept if training goes on to its end.

    Args:
        training: its numbers.
        interval: see ``landscape.store.trajectory.snapshot_interval``.
        num_updates: per epoch.
    """
    epochs = np.arange(training.max_epochs + 1, dtype=np.float64)
    epochs = epochs[(epochs <= 20) | (epochs % interval == 0)]
    every = training.snapshot_updates
    within = np.arange(every, num_updates, every) / num_updates if every is not None else np.zeros(0)
    return np.sort(np.concatenate([epochs, within]))


def monitor_of(network: Network, training: Training, mode: str, **others: Any) -> Objective:
    """One objective of ``landscape.training.monitor.Monitor``.

    Args:
        network: what is trained.
        training: its numbers.
        mode: of the objective.
        others: of its arguments, such as ``split`` and ``seeds``.
    """
    numbers: dict[str, Any] = {"batch_size": training.measure_batch_size, "num_replicates": 1, "memory": None}
    numbers |= {"alphas_at_once": None, "running_statistics": "keep", "dtype": training.dtype, "engine": "auto"}
    return network.trial.on(mode=mode, **numbers | others)
