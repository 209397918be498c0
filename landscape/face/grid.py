"""J on the grid of a plane, and what it owes to rounding and to its examples."""

from __future__ import annotations

import numpy as np

from landscape.face.stage import Laid
from landscape.ground.progress import progress_of
from landscape.measurement.rounding import rounding_floor
from landscape.measurement.stages import OnPath
from landscape.result.curve import Surface
from landscape.result.curve.surface import FRAME, errors_to


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
    plane = stage.laid(objective.device, objective.dtype)
    points, shape = plane.points, tuple(map(len, here.grid))
    with progress_of(f"{split} {objective.mode}", objective.num_batches * len(points)) as progress:
        evaluation = objective.along(plane, points, progress, keep_costs=noise and not objective.is_streamed)
    channels = {
        name: v for name, v in evaluation.channels.items() if not (objective.is_random and name.endswith("error"))
    }
    values = channels.pop("objective")

    def wide(array: np.ndarray) -> np.ndarray:
        return array.reshape(*shape, array.shape[-1])

    found = {}
    if evaluation.costs is not None:
        first, second = (int(np.argmin(np.abs(axis - at))) for axis, at in zip(here.grid, here.corners[0], strict=True))
        found["errors"] = wide(errors_to(evaluation.costs, first * shape[1] + second))
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
    )
