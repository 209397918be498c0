"""J at the points that a training passed through, and how far each lies from the straight line."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.endpoints.fit import some
from landscape.endpoints.listing import numbers_of
from landscape.errors import InputError
from landscape.face.places import TrajectoryOf
from landscape.ground.progress import progress_of
from landscape.measurement.grid import is_alike
from landscape.measurement.stages import Network
from landscape.objective import Objective
from landscape.result.curve import Projection
from landscape.store.principal import Principal, principal
from landscape.store.trajectory import STREAMED, Trajectory, project

log = logging.getLogger(__name__)

ALIKE = (
    "; a state dict follows its module as that trains, and a module is read when it is measured: copy.deepcopy keeps "
    "an earlier one"
)
MOST_HELD = 256 * 2**20
"""Bytes of points; more lie in a file meanwhile."""


def projection_of(
    run: TrajectoryOf, network: dict[str, Any], mode: str, splits: Sequence[str], running_statistics: str | None
) -> dict[str, Projection]:
    """Projection, residual and J of every point, for each split.

    Args:
        run: the points.
        network: fields of a ``Network``.
        mode: of the objective.
        splits: their names.
        running_statistics: None: each point's own.

    Raises:
        InputError: statistics between two ends, or points that make no line.
    """
    if running_statistics == "interpolate":
        raise InputError(
            "running_statistics='interpolate' means nothing on a trajectory, each point of which has its own; leave it "
            "out, or use 'keep' or 'recalibrate'"
        )
    own = network["objective"]
    if running_statistics is None:  # which is none at all, unless it is said whose; here each point brings its own
        network = network | {"objective": lambda *what: own(*what, running_statistics="keep")}
    stage = Network(seeds=[0], **network)
    with tempfile.TemporaryDirectory(prefix="landscape-") as folder:
        points, buffers = read(run, stage.module, Path(folder))
        first, last = (points.theta(t).double().numpy() for t in (0, len(run) - 1))
        if np.array_equal(first, last):
            raise InputError(f"the first and the last point hold the same parameters{ALIKE}")
        most = STREAMED if points.theta(0).dtype == torch.float32 else sys.maxsize  # what is compiled is for float32
        place = project([points], first, last, [int(points.epochs[-1])], most)
        found = {}
        for name in splits:
            objective = stage.objective_of(stage.split(name), mode, buffers=[buffers[-1]])
            together = running_statistics is not None or all(is_alike(one, buffers[-1]) for one in buffers)
            values = _along(objective, points, name) if together else _each(objective, points, buffers, name)
            found[name] = replace(place, objective=values)
        return found


def axes_of(
    run: TrajectoryOf, net: nn.Module
) -> tuple[Tensor, dict[str, Tensor], tuple[Principal, NDArray[np.float64]]]:
    """The last point of a trajectory [P], its buffers, and the principal axes about it with the epochs of the points.

    Raises:
        InputError: fewer than three points, or all the same.
    """
    with tempfile.TemporaryDirectory(prefix="landscape-") as folder:
        points, buffers = read(run, net, Path(folder))
        last = points.theta(len(run) - 1)[0]
        return last, buffers[-1], (principal(points, last), points.epochs)


def read(run: TrajectoryOf, net: nn.Module, folder: Path) -> tuple[Trajectory, list[dict[str, Tensor]]]:
    """All points [T, 1, P], in memory or in a file, NaN where one between is not finite, and their buffers.

    Raises:
        InputError: a point that does not fit, or an end that is not finite.
    """
    buffers, lost, held = list[dict[str, Tensor]](), list[int](), None
    names = map(run.name, range(len(run)))
    for t, (theta, own) in enumerate(run.reading.points(run.points, names, net, is_run=True)):
        if held is None:
            shape, kind = (len(run), 1, len(theta)), np.dtype(str(theta.dtype).removeprefix("torch."))
            if np.prod(shape) * kind.itemsize <= MOST_HELD:
                held = np.empty(shape, kind)
            else:
                held = np.lib.format.open_memmap(folder / "points.npy", mode="w+", dtype=kind, shape=shape)
        if theta.element_size() > held.itemsize:  # points of several precisions
            held = held.astype(np.float64)
        is_finite = bool(theta.isfinite().all())
        held[t, 0] = theta.numpy() if is_finite else np.nan
        lost += [] if is_finite else [t]
        buffers.append(own)
    assert held is not None
    files = [Path(point).name if isinstance(point, str | Path) else str(t) for t, point in enumerate(run.points)]
    if lost:
        told = "source: numbers that are not finite in %s; such points have no J and no place off the line"
        log.warning(told, some([files[t] for t in lost]))
    return Trajectory(folder / "points.npy", 0, *numbers_of(files), thetas=held), buffers


def _along(objective: Objective, points: Trajectory, name: str) -> np.ndarray:
    """J at all points [T, 1] in one pass over the data."""
    rows = np.arange(float(len(points.epochs)))
    with progress_of(f"{name} {objective.mode}", objective.num_batches * len(rows)) as progress:
        return objective.along(points.theta, rows, progress).channels["objective"]


def _each(objective: Objective, points: Trajectory, buffers: Sequence[dict[str, Tensor]], name: str) -> np.ndarray:
    """J at all points [T, 1], at each with its own running statistics."""
    values = []
    with progress_of(f"{name} {objective.mode}", len(buffers)) as progress:
        for t, own in enumerate(buffers):
            values.append(objective.on(buffers=[own]).evaluate(points.theta(t))["objective"])
            progress(t + 1)
    return np.stack(values)
