"""J on the grid of a plane, and what it owes to rounding and to its examples."""

from __future__ import annotations

import numpy as np

from landscape.cost.contract import is_of_batch
from landscape.endpoints.fit import COUNTERS
from landscape.face.run import is_alike
from landscape.face.stage import Laid
from landscape.ground.progress import progress_of
from landscape.measurement.rounding import rounding_floor
from landscape.measurement.stages import OnPath
from landscape.objective.interim import Interim
from landscape.objective.running_statistics import RunningStatistics
from landscape.result.curve import Surface
from landscape.result.curve.apart import Apart
from landscape.result.curve.surface import FRAME


def surface_on(here: Laid, stage: OnPath, split: str, mode: str, noise: bool) -> Surface:
    """The objective of one split on the grid of a plane.

    Args:
        here: the plane.
        stage: what is measured.
        split: its name.
        mode: of the objective.
        noise: also the rounding floor, and standard errors of the differences from the first corner.
    """
    assert here.grid is not None
    objective = stage.objective_along(stage.split(split), mode)
    kept = _kept(here, objective.statistics)
    plane = stage.laid(objective.device, objective.dtype)
    points, shape = plane.points, tuple(map(len, here.grid))
    first, second = (int(np.argmin(np.abs(axis - at))) for axis, at in zip(here.grid, here.corners[0], strict=True))
    noise = noise and not is_of_batch(objective.cost)
    apart = Apart(first * shape[1] + second)
    with progress_of(f"{split} {objective.mode}", objective.num_batches * len(points)) as progress:
        listener = apart if noise and objective.is_streamed else None
        file = stage.interim(f"{split}-{objective.mode}") if objective.is_streamed else None
        interim = None if file is None else Interim(file)
        evaluation = objective.along(plane, points, progress, keep_costs=noise, noise=listener, interim=interim)
    channels = {
        name: v for name, v in evaluation.channels.items() if not (objective.is_random and name.endswith("error"))
    }
    values = channels.pop("objective")

    def wide(array: np.ndarray) -> np.ndarray:
        return array.reshape(*shape, array.shape[-1])

    found = {}
    if noise:
        if evaluation.costs is not None:
            apart.add(evaluation.costs)
        # What was kept is scaled already, what was told piece by piece is not.
        found["errors"] = wide(apart.errors() * (1.0 if evaluation.costs is not None else evaluation.scale))
        found["floor"] = rounding_floor(stage, objective, points, values, evaluation)
    return Surface(
        *here.grid,
        objective=wide(values),
        metrics={name: wide(array) for name, array in channels.items()},
        corners=np.array(here.corners),
        names=here.names,
        frame={} if here.frame is None else {n: np.array([v]) for n, v in zip(FRAME, here.frame, strict=True)},
        split=split,
        mode=objective.mode,
        dtype=str(objective.dtype).removeprefix("torch."),
        num_examples=evaluation.num_examples,
        noise=found,
        statistics=kept,
    )


def _kept(here: Laid, statistics: RunningStatistics) -> str | None:
    """The point whose running statistics hold on all of the plane, if others have others.

    Raises:
        InputError: points that differ in more than weights and statistics, unless it was said whose are kept.
    """
    if statistics.treatment != "keep":
        for own in here.buffers.values():
            statistics.check_constants(*(statistics.of([b], 0) for b in (own, here.buffers[here.kept])))
    if statistics.recalibrates:
        return None
    plain = {
        name: {n: b for n, b in own.items() if n.rpartition(".")[2] not in COUNTERS}
        for name, own in here.buffers.items()
    }
    return None if all(is_alike(own, plain[here.kept]) for own in plain.values()) else here.kept
