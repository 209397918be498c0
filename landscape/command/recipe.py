"""The nodes of a resolved config, each made once; ``check`` refuses what it can before anything is trained."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landscape.alphas import Adaptive, checked, thinned
from landscape.command.alignment import aligned
from landscape.command.limits import apply_limits, note_cap
from landscape.command.prepare import brings_points, brings_runs, dataset_of, ends_from, grid_of, make, module_maker
from landscape.command.refusals import check_endpoints, check_path, check_plane, check_room, check_trainable, stand_in
from landscape.command.tolerance import check_tolerance
from landscape.cost import from_torch
from landscape.cost.labels import check_counts, scales
from landscape.data.dataset import Dataset
from landscape.data.stream import Stream, limited, num_of, shown_of
from landscape.data.tree import Tree
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.precision import converted
from landscape.ground.provenance import outside
from landscape.ground.settings import NUMBERS_SINCE, uses_of
from landscape.ground.words import chosen_as
from landscape.measurement import Network, OnPath, Seeds, Trained, stage_of, work_of
from landscape.objective.module.template import unwrapped
from landscape.store.solutions import Runs, Solutions, joined
from landscape.store.store import Entry, Store
from landscape.training import GroupRun, Training, build, groups_of
from landscape.training.gradient import frozen_in
from landscape.training.groups import check_training
from landscape.training.trainer import LATER

log = logging.getLogger(__name__)

handed_on: list[Recipe] = []
"""What was made and checked before a job in the same process, which the job need not make again; one at most."""


class Positions(NamedTuple):
    """Where to look along a path: alphas [A], and how to refine them, or None."""

    alphas: NDArray[np.float64]
    adaptive: Adaptive | None


def _node(key: str) -> Any:
    return cached_property(lambda recipe: make(recipe.config[key], key))


class Recipe:
    """Each node of a config is made when it is first asked for, and never again.

    Args:
        config: resolved; ``limits`` are applied here.
        device: where to compute.
    """

    measurement: Any = _node("measurement")
    training: Training = _node("training")
    optimizer: Callable[..., torch.optim.Optimizer] = _node("optimizer")
    endpoints: Any = _node("endpoints")
    path: Callable[..., Any] = _node("path")

    def __init__(self, config: dict[str, Any], device: torch.device) -> None:
        self._given = config
        self.config, self.caps = apply_limits(config)
        self.device, self._is_checked = device, False
        self.folder: Path | None = None

    @classmethod
    def of(cls, config: dict[str, Any], device: torch.device) -> Recipe:
        """The recipe of the same config that was handed on in this process, once; else a new one."""
        recipe = handed_on.pop() if handed_on else None
        if recipe is None or {**recipe._given, "command": config["command"]} != config or recipe.device != device:
            return cls(config, device)
        recipe.config["command"] = config["command"]  # the stamp of a command, made anew for each config
        return recipe

    @cached_property
    def stage(self) -> type[Seeds]:
        """How far the job must come before it is measured."""
        return stage_of(self.measurement)

    @cached_property
    def dataset(self) -> Dataset:
        """All splits, under the cap on examples."""
        return dataset_of(self.config, self.caps)

    @cached_property
    def cost(self) -> Any:
        """What J is the mean of."""
        return from_torch(make(self.config["cost"], "cost"))

    @cached_property
    def model(self) -> Callable[[], nn.Module]:
        """() -> a fresh module."""
        return module_maker(self.config)

    @cached_property
    def positions(self) -> Positions:
        """Where to look along a path, under the cap on alphas."""
        made, most = grid_of(self.config, self.path), self.config["limits"]["alphas"]
        adaptive = made.capped(most) if isinstance(made, Adaptive) else None
        wanted = checked(made.start if isinstance(made, Adaptive) else made)
        alphas = thinned(wanted, most) if adaptive is None else adaptive.start
        check_endpoints(self.endpoints, self.config["training"], self.caps)
        note_cap(self.caps, "alphas", len(wanted), len(alphas))
        if adaptive is not None:
            note_cap(self.caps, "alphas.max_points", made.max_points, adaptive.max_points)
        return Positions(alphas, adaptive)

    @property
    def trains(self) -> bool:
        """Whether the job needs trained networks."""
        on_path = issubclass(self.stage, OnPath)
        return bool(self.endpoints.needs_solutions) if on_path else issubclass(self.stage, Trained) and not self.finds

    @cached_property
    def finds(self) -> bool:
        """Whether a measurement of trained networks is given such as were trained elsewhere."""
        return issubclass(self.stage, Trained) and brings_runs(self.config["endpoints"])

    @cached_property
    def network(self) -> Network:
        """The module that nobody has trained, its data and its cost; they fit one another.

        A wrong objective, a module that does not fit, or too little memory must not cost a training first.

        Raises:
            InputError: they do not.
        """
        dataset, cost, model = self.dataset, self.cost, self.model
        num_examples = self.config["limits"]["measured_examples"]
        calibration = limited(dataset.train, num_examples)
        network = Network(
            seeds=self.training.seeds,
            device=self.device,
            module=build(model, self.training.first_seed),
            cost=cost,
            dataset=dataset,
            objective=partial(make(self.config["objective"], "objective"), device=self.device, calibration=calibration),
            optimizer=self.optimizer,
            num_examples=num_examples,
            interim=self.interim,
        )
        try:
            trial = network.trial
            for name in ("train", "valid", "test"):
                split = getattr(dataset, name)
                try:
                    trial.check_split(shown_of(split))
                    if not isinstance(split, Stream) and not isinstance(
                        split.y, Tree
                    ):  # what counts in all of it shows at the end of a pass
                        check_counts(scales(trial.cost, split.y), len(split))
                except InputError as error:
                    raise InputError(f"the {name} split: {error}") from None
        except TypeError as error:
            raise InputError(f"objective cannot be made: {error}; look at the keys under objective") from error
        return network

    def check(self) -> None:
        """Raise InputError for all that can be refused before anything is trained; asked again, do nothing."""
        if self._is_checked:
            return
        _ = self.measurement, self.training  # wrong numbers are told before data are read
        check_tolerance(self.measurement, self.config["objective"])
        if not issubclass(self.stage, Network):
            return
        if issubclass(self.stage, Trained) and not self.finds and brings_points(self.config["endpoints"]):
            raise InputError(
                f"measurement={chosen_as(type(self.measurement))} looks at whole trainings, and "
                f"endpoints={self.config['endpoints']['_target_']} gives points; use endpoints=run, a folder of "
                "checkpoints, or endpoints=init_to_solution, which trains"
            )
        if issubclass(self.stage, OnPath):
            _ = self.positions
            check_plane(self.measurement, self.path, self.endpoints, self.config["training"], self.caps)
        elif self.finds:
            self.endpoints.check(self.config["training"]["num_seeds"])
        if self.trains:
            check_trainable(self.dataset, self.measurement, self.config["training"], self.caps)
        network, subject, passes = self.network, None, []
        if issubclass(self.stage, OnPath):
            subject = self.on_path(stand_in(network))
            if not getattr(self.endpoints, "knows_statistics", True) and network.trial.statistics.interpolates:
                raise InputError(
                    "objective.running_statistics=interpolate needs the statistics at both ends, and the start of "
                    f"endpoints={chosen_as(type(self.endpoints))} has none; use recalibrate or keep"
                )
            work = work_of(self.measurement, subject)
            passes = [] if work is None else list(work.passes)
        check_room(network, passes)
        if subject is not None:
            check_path(subject, self.endpoints, self.training.batch_size)
        if hasattr(self.measurement, "check"):
            self.measurement.check(network if subject is None else subject)
        if network.num_examples is not None:
            for split in ("train", "valid"):
                before, after = (num_of(data) for data in (getattr(self.dataset, split), network.split(split)))
                note_cap(self.caps, f"measured {split} examples", before, after)
        self._is_checked = True

    def subject(self, solutions: Solutions | None, aligns: bool = True) -> Seeds:
        """The stage at which the measurement is taken; ``aligns``: with its ends in one order, if that is wanted."""
        if not issubclass(self.stage, Network):
            return Seeds(seeds=self.training.seeds, device=self.device)
        if issubclass(self.stage, OnPath):
            ends = self.endpoints(solutions) if self.endpoints.needs_solutions else self.ends
            if aligns:
                ends = aligned(self.network, self.endpoints, ends, self.folder)
            return self.on_path(ends, ends.runs if solutions is None else solutions)
        runs = self.ends.runs if self.finds else solutions
        return self.network if runs is None else self.network.at(Trained, solutions=runs)

    def on_path(self, ends: Ends, solutions: Runs | None = None) -> OnPath:
        """The network between these ends."""
        alphas, adaptive = self.positions
        stage: OnPath = self.network.at(
            OnPath, ends=ends, alphas=alphas, adaptive=adaptive, path=self.path, solutions=solutions
        )
        return stage

    @cached_property
    def ends(self) -> Ends:
        """Those that need no training; the forecast reads them, and the job need not again."""
        return ends_from(self.endpoints, self.network.module, partial(build, self.model, self.training.first_seed + 1))

    def trained_on(self) -> dict[str, Any]:
        """By what the store knows a training, but for its seeds: the keys of the recipe, and the examples."""
        recipe = {key: value for key, value in self.config.items() if uses_of(key).recipe}
        recipe["training"] = {
            k: v
            for k, v in self.config["training"].items()
            if uses_of(f"training.{k}").recipe and (k, v) not in LATER.items()
        }
        named = outside(recipe)
        if named:
            recipe["outside"] = named
        recipe["examples"] = self.dataset.fingerprint
        return recipe

    def groups(self) -> list[tuple[list[int], dict[str, Any]]]:
        """The seeds that train together, and by what description the store knows each group."""
        training, cost, recipe = self.training, self.cost, self.trained_on()
        dtype: torch.dtype = getattr(torch, training.dtype)
        few = self.dataset.train.first(min(8, len(self.dataset.train))).to(self.device, dtype)
        template, *others = (
            converted(unwrapped(build(self.model, seed)), self.device, dtype) for seed in training.seeds[:2]
        )
        check_training(template, cost, few)
        frozen = sorted(frozen_in(template))
        if frozen:  # once they were trained all the same
            recipe["frozen"] = frozen
        groups = groups_of(training.seeds, template, cost, few, training.vectorise, self.optimizer, *others)
        return [(seeds, {**recipe, "seeds": seeds, "version": NUMBERS_SINCE}) for seeds in groups]

    def solve(self, on_epoch: Callable[[dict[str, float]], None]) -> tuple[Solutions, list[Entry]]:
        """The trained networks, from the store or by training, and the entries that hold them."""
        store = Store(self.store_folder, self.config["command"] if self.config["refresh"] else None)
        parts = []
        for seeds, description in self.groups():

            def train(folder: Path, seeds: list[int] = seeds) -> Solutions:
                numbers = (self.model, self.cost, self.dataset, self.optimizer, self.training)
                return GroupRun(*numbers, seeds, folder, self.device, on_epoch).run()

            part, _ = store.get(description, train)
            parts.append(part)
        solutions = joined(parts)
        for seed, status, best in zip(solutions.seeds, solutions.status, solutions.best_epoch, strict=True):
            if best == 0:
                log.warning(
                    "seed %d: no epoch had a lower %s than the start, which therefore is its solution: its line "
                    "is a point (train longer, or set training.select=last)",
                    seed,
                    self.training.monitor,
                )
            if status == "diverged":
                log.warning("seed %d diverged; its numbers are not judged (a lower optimizer.lr may help)", seed)
        return solutions, store.entries

    def interim(self, name: str) -> Path | None:
        """The file in the job's folder that keeps what is known of a streamed curve until it is done."""
        return None if self.folder is None else self.folder / f"{name}.interim.npz"

    @property
    def store_folder(self) -> Path:
        """Where solutions are kept."""
        return Path(self.config["outputs"]) / "solutions"
