"""How far a job has come when its measurement is taken: seeds alone, a network, a trained one, one on a path."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.alphas import Adaptive
from landscape.data.dataset import Dataset, Split
from landscape.data.stream import Stream, limited
from landscape.endpoints import Ends, point_of
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.objective.curvature import leading_directions
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import plane_kind
from landscape.store.principal import Principal, principal
from landscape.store.solutions import Runs

log = logging.getLogger(__name__)

NUM_TRIED = 64
"""Examples on which module, data and cost are tried together."""


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The first stage: nothing is made yet.

    Args:
        seeds: [S].
        device: where to compute.
    """

    seeds: list[int]
    device: torch.device


@dataclass(frozen=True, kw_only=True)
class Network(Seeds):
    """A module that nobody has trained, its data and its cost.

    Args:
        module: the template.
        cost: with the data, what J is made of.
        dataset: all its splits.
        objective: ``Objective`` with its own numbers bound (dtype, batch size, replicates, device, ...).
        optimizer: (tensors) -> optimizer.
        num_examples: measure on the first so many examples of each split; None: all.
        interim: name of a curve -> the file that keeps the sums of a stream until they are done; None: nothing is kept.
    """

    module: nn.Module
    cost: Any
    dataset: Dataset
    objective: Callable[..., Objective]
    optimizer: Callable[..., torch.optim.Optimizer]
    num_examples: int | None = None
    interim: Callable[[str], Path | None] = lambda name: None

    def split(self, name: str) -> Any:
        """The examples of one split that are measured on, a ``Split`` or a ``Stream``."""
        if name not in self._splits:
            self._splits[name] = limited(getattr(self.dataset, name), self.num_examples)
        return self._splits[name]

    def check_held(self, names: Iterable[str], measurement: str) -> None:
        """Raise InputError where a measurement needs all examples of these splits at once, and one is a stream."""
        streams = [name for name in names if isinstance(self.split(name), Stream)]
        if streams:
            raise InputError(
                f"measurement={measurement} needs all examples at once, and {', '.join(streams)} of data "
                f"{getattr(self.dataset, 'name', 'given')} is a stream; give tensors or a map-style data set, or use "
                "measurement=interpolation"
            )

    @cached_property
    def _splits(self) -> dict[str, Any]:
        return {}

    @cached_property
    def trial(self) -> Objective:
        """J over a few examples: all other objectives are made from this one, and so the module is watched once."""
        few = self.dataset.valid.first(NUM_TRIED)
        return self.objective(self.module, self.cost, few)

    @cached_property
    def _trials(self) -> dict[str, Objective]:
        return {}

    def trial_in(self, mode: str) -> Objective:
        """The trial in this mode, made once: what it says of a mode holds for every split."""
        if mode not in self._trials:
            self._trials[mode] = self.trial.on(mode=mode)
        return self._trials[mode]

    def objective_of(self, split: Split, mode: str, **numbers: Any) -> Objective:
        """J over the examples of a split."""
        return self.trial.on(split, mode=mode, **numbers)

    def at(self, stage: type[Network], **more: Any) -> Any:
        """This network at a later stage, with what that adds."""
        later = stage(**{entry.name: getattr(self, entry.name) for entry in fields(self)} | more)
        later.__dict__.update(trial=self.trial, _trials=self._trials, _splits=self._splits)
        return later


@dataclass(frozen=True, kw_only=True)
class Trained(Network):
    """The network of every seed, trained here or, as ``endpoints=run`` finds it, elsewhere."""

    solutions: Runs


@dataclass(frozen=True, kw_only=True)
class OnPath(Network):
    """A network on S paths at once.

    Args:
        ends: of the paths.
        alphas: [A], positions on them.
        path: (theta_0, theta_1) -> path, with an argument ``layout`` too if it names one; see ``lay``.
        solutions: the runs that the ends belong to; None where nobody knows them.
        adaptive: how to refine ``alphas``, or None.
        shares: the folder of what parts of the examples came to, see ``Interpolation.share``; None: there is none.
    """

    ends: Ends
    alphas: NDArray[np.float64]
    path: Callable[..., Any]
    solutions: Runs | None = None
    adaptive: Adaptive | None = None
    shares: Path | None = None

    def lay(self, theta_0: Tensor, theta_1: Tensor, **instead: Any) -> Any:
        """The path between two points [S, P], or the plane that is laid by them.

        A path whose constructor names ``layout`` learns what the P values are. A plane is told what it names of
        ``module``, ``seeds`` of the rows, ``theta_2`` and the ``names`` of all three points; of ``principal``, which
        makes the axes of each row's run, ``leading``, which makes the leading eigenvectors of the Hessian at each end,
        and ``read``, which reads a point as somebody gives it.

        Args:
            theta_0, theta_1: the ends.
            instead: of what a plane is told.
        """
        try:
            asked = inspect.signature(self.path).parameters
        except (TypeError, ValueError):  # built-in callables have no signature
            return self.path(theta_0, theta_1)
        known: dict[str, Callable[[], Any]] = {"layout": lambda: ParameterLayout.of(self.module)}
        if plane_kind(self.path) is not None:
            known |= {
                "module": lambda: self.module,
                "seeds": lambda: self.ends.seeds,
                "theta_2": lambda: self.ends.theta_2,
                "names": lambda: self.ends.names,
                "leading": lambda: self._leading,
                "principal": lambda: None if self.solutions is None else self._principal,
                "read": lambda: lambda source, key: point_of(source, self.module, name=key)[0],
            }
        told = {name: instead[name] if name in instead else make() for name, make in known.items() if name in asked}
        return self.path(theta_0, theta_1, **told)

    def _leading(self) -> list[tuple[NDArray[np.float64], Tensor, NDArray[np.float64]]]:
        """Eigenvalues, eigenvectors and residuals of J over the training data at the end of each row, in float64."""
        objective = self.objective_along(self.split("train"), "deterministic", dtype="float64")
        rows = range(len(self.ends.seeds))
        with progress_of("eigenvectors of the Hessian", len(rows)) as progress:
            found = []
            for s in rows:
                found.append(leading_directions(objective, self.ends.theta_1[s].double(), 2, s))
                progress(s + 1)
        return found

    def _principal(self) -> list[tuple[Principal | None, NDArray[np.float64]]]:
        """The principal axes of each row's run about its end, and the epochs of its points.

        Raises:
            InputError: no run has any.
        """
        assert self.solutions is not None
        found, faults = list[tuple[Principal | None, NDArray[np.float64]]](), dict[int, InputError]()
        for seed, run, theta in zip(self.solutions.seeds, self.solutions.trajectories, self.ends.theta_1, strict=True):
            try:
                found.append((principal(run, theta), run.epochs))
            except InputError as error:
                found.append((None, run.epochs))
                faults[seed] = error
        if len(faults) == len(found):
            raise next(iter(faults.values()))
        for seed, fault in faults.items():
            log.warning("seed %d has no plane of its run, and NaN on it: %s", seed, fault)
        return found

    def on(self, **changes: Any) -> OnPath:
        """The same network on another path or at other positions: fields of this stage alone."""
        own = {name: getattr(self, name) for name in ("ends", "alphas", "path", "solutions", "adaptive", "shares")}
        stage: OnPath = self.at(OnPath, **own | changes)
        return stage

    def laid(self, device: torch.device, dtype: torch.dtype) -> Any:
        """The path between the ends, in the precision in which points on it are mixed."""
        return self.lay(*self.ends.cast(device, dtype))

    def objective_along(self, split: Split, mode: str, **numbers: Any) -> Objective:
        """J over the examples of a split, one row per path."""
        ends = self.ends
        own = {"seeds": ends.seeds, "buffers": ends.buffers, "buffers_0": ends.buffers_0}
        return self.objective_of(split, mode, **own | numbers)


STAGES: dict[str, type[Seeds]] = {"nothing": Seeds, "model": Network, "solutions": Trained, "path": OnPath}
"""What a measurement of the first edition says that it ``needs``."""


def stage_of(measurement: Any) -> type[Seeds]:
    """The stage at which a measurement is taken."""
    stage = getattr(measurement, "stage", None) or STAGES.get(str(getattr(measurement, "needs", "")))
    if not (isinstance(stage, type) and issubclass(stage, Seeds)):
        raise InputError(
            f"measurement._target_ makes a {type(measurement).__name__}, which names no stage at which it is taken; "
            "give it stage = OnPath, Trained, Network or Seeds of landscape.measurement"
        )
    return stage
