"""J at every point of a grid on a plane, and what it owes to rounding and to its examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape.cost.contract import is_of_batch
from landscape.endpoints.fit import COUNTERS
from landscape.measurement.asked import evaluations_of
from landscape.measurement.bounds import bounds_of
from landscape.measurement.rounding import rounding_floor
from landscape.measurement.stages import OnPath
from landscape.objective.interim import Interim
from landscape.objective.module.watch import is_same
from landscape.objective.objective import Objective
from landscape.objective.request import Request
from landscape.objective.sums import Evaluation
from landscape.path import LaidPlane
from landscape.result.curve import Surface
from landscape.result.curve.apart import Apart
from landscape.result.curve.surface import FRAME

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Laid:
    """A grid on a plane.

    Args:
        plane: what it lies on.
        first, second: a [A] and b [B].
        buffers: of the points that the plane was laid through, by their names, a dict per row.
        kept: the name of that whose running statistics hold on all of the plane.
    """

    plane: LaidPlane
    first: Array
    second: Array
    buffers: Mapping[str, Sequence[dict[str, Tensor]]] = field(default_factory=dict)
    kept: str = ""

    def stage(self, on_path: OnPath) -> OnPath:
        """The same network on the numbered points of the grid, which are its alphas."""
        grid = self.plane.on(self.first, self.second)
        corner, along, _ = grid.anchors
        ends = replace(on_path.ends, theta_0=corner, theta_1=along, theta_2=None)

        def path(theta_0: Tensor, theta_1: Tensor) -> Any:
            return grid.to(theta_0.device, theta_0.dtype)

        return on_path.on(ends=ends, path=path, alphas=grid.points, adaptive=None)

    @property
    def nearest(self) -> int:
        """Number of the grid's point that is nearest to the first point of the plane."""
        corner = zip((self.first, self.second), self.plane.corners[0], strict=True)
        one, two = (int(np.argmin(np.abs(axis - np.ravel(at)[0]))) for axis, at in corner)
        return one * len(self.second) + two

    def statistics(self, objective: Objective) -> str | None:
        """The point whose running statistics hold on all of the plane, if others have others.

        Raises:
            InputError: points that differ in more than weights and statistics, unless it was said whose are kept.
        """
        statistics, rows = objective.statistics, range(len(objective.seeds))
        given = {name: own for name, own in self.buffers.items() if own}
        if self.kept not in given:
            return None
        if statistics.treatment != "keep":
            for own, s in product(given.values(), rows):
                statistics.check_constants(*(statistics.of(b, s) for b in (own, given[self.kept])))
        if statistics.recalibrates:
            return None
        is_one = all(is_alike(_plain(own[s]), _plain(given[self.kept][s])) for own, s in product(given.values(), rows))
        return None if is_one else self.kept


def surfaces_on(on_path: OnPath, laid: Laid, split: str, modes: Sequence[str], noise: bool) -> list[Surface]:
    """The objective of one split on a grid, in each mode; all modes share one pass over a stream.

    Args:
        on_path: what is measured.
        laid: where.
        split: its name.
        modes: of the objective.
        noise: also the rounding floor, and standard errors of the differences from the first point of the plane.
    """
    stage = laid.stage(on_path)
    requests, kept = requests_on(stage, laid, split, modes, noise)
    evaluations = evaluations_of(requests, split, on_path.shares)
    return [
        _surface(stage, laid, request, evaluation, split, whose)
        for request, evaluation, whose in zip(requests, evaluations, kept, strict=True)
    ]


def requests_on(
    stage: OnPath, laid: Laid, split: str, modes: Sequence[str], noise: bool
) -> tuple[list[Request], list[str | None]]:
    """What is asked on a grid, and in each mode the point whose running statistics hold, if others have others.

    Args:
        stage: on the grid; this and the others as of ``surfaces_on``.
    """
    requests, kept = list[Request](), list[str | None]()
    for mode in modes:
        objective = stage.objective_along(stage.split(split), mode)
        kept.append(laid.statistics(objective))
        has_noise = noise and not is_of_batch(objective.cost)
        listener = Apart(laid.nearest) if has_noise and objective.is_streamed else None
        file = stage.interim(f"{split}-{objective.mode}") if objective.is_streamed else None
        interim = None if file is None else Interim(file)
        grid = stage.laid(objective.device, objective.dtype)
        own: dict[str, Any] = {"noise": listener, "interim": interim, "axes": (laid.first, laid.second)}
        requests.append(Request(objective, grid, stage.alphas, keep_costs=has_noise, **own))
    return requests, kept


def _surface(
    stage: OnPath, laid: Laid, request: Request, evaluation: Evaluation, split: str, kept: str | None
) -> Surface:
    """What was evaluated, with its noise."""
    objective, plane, listener = request.objective, laid.plane, request.noise
    # Classification error is a channel of the net as it is used, without dropout (paper.md 0.2).
    channels = {n: v for n, v in evaluation.channels.items() if not (objective.is_random and n.endswith("error"))}
    values = channels.pop("objective")

    def wide(array: Array) -> Array:
        return array.reshape(len(laid.first), len(laid.second), array.shape[-1])

    noise = {}
    if request.keep_costs and evaluation.sample is not None:
        noise["errors"] = wide(evaluation.sample.errors_from(laid.nearest))
    elif request.keep_costs:
        apart, scale = (listener, evaluation.scale) if isinstance(listener, Apart) else (Apart(laid.nearest), 1.0)
        if evaluation.costs is not None:  # scaled already; what is told piece by piece is not
            apart.add(evaluation.costs)
        noise["errors"] = wide(apart.errors() * scale)
    if request.keep_costs:
        noise["floor"] = rounding_floor(stage, objective, stage.alphas, values, evaluation)
    noise |= {n: v if n == "passes" else wide(v) for n, v in bounds_of(evaluation, channels).items()}
    return Surface(
        laid.first,
        laid.second,
        objective=wide(values),
        metrics={name: wide(array) for name, array in channels.items()},
        corners=plane.corners,
        names=[mark.name for mark in plane.marks],
        frame=dict(zip(FRAME, plane.lengths, strict=True)) if plane.has_lengths else {},
        split=split,
        mode=objective.mode,
        dtype=str(objective.dtype).removeprefix("torch."),
        num_examples=evaluation.num_examples,
        noise=noise,
        statistics=kept,
        first_name=plane.direction_names[0],
        second_name=plane.direction_names[1],
    )


def _plain(buffers: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without those that count batches."""
    return {name: buffer for name, buffer in buffers.items() if name.rpartition(".")[2] not in COUNTERS}


def is_alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether buffers are the same."""
    return one.keys() == other.keys() and all(is_same(tensor, other[name]) for name, tensor in one.items())
