"""Planes: that which holds most of a training run, the straight line and the direction in which it strayed furthest;
or the one through three given points."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.data.stream import num_of
from landscape.endpoints import ThreeSolutions
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Pass, Work
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.stages import OnPath
from landscape.path import CornersPlane, Linear
from landscape.result.curve import Projection
from landscape.store.solutions import Runs
from landscape.store.trajectory import project, project_second

log = logging.getLogger(__name__)

NO_PLANE = (
    "measurement=plane needs the training run that its line belongs to, endpoints=init_to_solution or run, or the "
    "third corner of a plane through given points, endpoints.third=FILE beside endpoints.start and endpoints.end"
)


class TrajectoryPlane:
    """J along the line from theta_i to theta_f, and J at every saved point of training, placed beside the line.

    A point theta_t has the coordinates x_t = c_t . d along the line, c_t = theta_t - theta_i, and z_t along d_2, the
    unit direction of the largest residual. What the plane of d and d_2 leaves out is ``plane_distance``.

    Of three given points, ``endpoints=checkpoints endpoints.third=FILE``, J along the line of the first two, and J on a
    grid in the plane of all three: theta_0 + a (theta_1 - theta_0) + b (theta_2 - theta_0), a and b in ``alphas``.

    Args:
        splits: of ``train``, ``valid``, ``test``; the points are measured on the first.
        modes: as of interpolation; the points are measured in the first; without masks both modes are the same.
        noise: as of interpolation, of the line.
        slopes: as of interpolation, of the line.

    Raises:
        InputError: endpoints that are neither from a run's start to its solution nor three points.

    Source: paper, figure 7 right (galatea ``FindBasis2``).
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train",),
        modes: Sequence[str] = ("stochastic",),
        noise: bool = True,
        slopes: int = 0,
    ) -> None:
        self.curves = Interpolation(splits, modes, slopes, noise)
        self.first_split, self.first_mode = self.curves.splits[0], self.curves.modes[0]

    def check(self, on_path: OnPath) -> None:
        """Raise InputError for running statistics that nobody knows off the line, before anything is trained."""
        self.curves.check(on_path)
        if on_path.trial_in(self.first_mode).statistics.interpolates:
            raise InputError(
                "measurement=plane looks beside the line, where objective.running_statistics=interpolate "
                "knows no statistics; use recalibrate, or keep"
            )

    def check_ends(self, ends_of: Any) -> None:
        """Raise InputError for endpoints without a plane, before anything is trained."""
        own = ends_of.needs_solutions and getattr(ends_of, "starts_training", True)
        own = own or getattr(ends_of, "brings_runs", False)
        if not own and not getattr(ends_of, "has_third", False):
            raise InputError(NO_PLANE)
        if isinstance(ends_of, ThreeSolutions):
            raise InputError(
                "measurement=plane takes three checkpoints; of three solutions use measurement=surface "
                "path=corners_plane"
            )

    def __call__(self, on_path: OnPath) -> Measured:
        """On a line -> curves as of interpolation, and ``{"trajectory": Projection}`` with objective and second axis.

        Of three points ``{"plane": Projection}`` instead, a row per point of the grid.
        """
        solutions, ends = on_path.solutions, on_path.ends
        if ends.theta_2 is not None:
            return self._of_corners(on_path)
        if solutions is None or not torch.equal(ends.theta_0, solutions.theta_i):
            raise InputError(NO_PLANE)
        measured = self.curves(on_path)
        start, end = solutions.theta_i.double().numpy(), solutions.theta_f.double().numpy()
        flat = project(solutions.trajectories, start, end, solutions.best_epoch)
        second, distance = project_second(solutions.trajectories, start, end, flat)
        known = np.isfinite(flat.parameter_norm)
        values = objective_of_points(on_path, solutions, self.first_split, self.first_mode, known)
        numbers = measured.numbers | {
            "length": flat.length.tolist(),
            "max_residual": np.fmax.reduce(flat.residual_norm, axis=0).tolist(),
            "max_plane_distance": np.fmax.reduce(distance, axis=0).tolist(),
        }
        trajectory = replace(flat, second_projection=second, objective=values)
        return replace(measured, projections={"trajectory": trajectory}, numbers=numbers)

    def work(self, on_path: OnPath) -> Work:
        """The passes of the line, and one point per saved point of training or of the grid."""
        solutions, line = on_path.solutions, self.curves.work(on_path)
        nums, unknown = [], line.unknown
        if on_path.ends.theta_2 is not None:
            nums = [len(on_path.alphas) ** 2]
        elif solutions is not None:
            nums = [len(run.epochs) for run in solutions.trajectories]
            unknown = " and ".join(filter(None, (unknown, "reading the trajectory")))
        num_examples = num_of(on_path.split(self.first_split))
        num_replicates = on_path.trial_in(self.first_mode).num_replicates
        points = [Pass(self.first_split, self.first_mode, num_examples, num, 1, num_replicates) for num in nums]
        return Work((*line.passes, *points), unknown=unknown)

    def _of_corners(self, on_path: OnPath) -> Measured:
        """J along the line of the first two corners, and on the plane of all three."""
        ends = on_path.ends
        if not isinstance(on_path.lay(ends.theta_0, ends.theta_1), Linear):
            raise InputError("measurement=plane of three points is flat; use path=linear")
        names = [f"endpoints.{name}" for name in ends.names]
        laid = CornersPlane(ends.theta_0, ends.theta_1, ends.theta_2, names, axes="sides")
        length, shift, height = (float(part[0]) for part in laid.lengths)
        measured = self.curves(on_path)
        objective = on_path.objective_along(on_path.split(self.first_split), self.first_mode)
        ends.cast(objective.device, objective.dtype)  # refuses what is too large for it
        plane = laid.on(on_path.alphas, on_path.alphas).to(objective.device, objective.dtype)
        points, what = plane.points, f"{self.first_split} {self.first_mode} plane"
        with progress_of(what, objective.num_batches * len(points)) as progress:
            values = objective.along(plane, points, progress).channels["objective"]
        a, b = (part.ravel() for part in np.meshgrid(on_path.alphas, on_path.alphas, indexing="ij"))
        norms = np.array([float(torch.linalg.vector_norm(plane(float(k))[0].double())) for k in points])
        found = Projection(
            steps=points,
            epochs=points,
            projection=(a * length + b * shift)[:, None],
            residual_norm=np.abs(b * height)[:, None],
            parameter_norm=norms[:, None],
            length=np.array([length]),
            best_epoch=np.full(1, np.nan),
            second_projection=(b * height)[:, None],
            objective=values,
        )
        numbers = {"length": [length], "plane/third_along": [shift], "plane/third_beside": [height]}
        if np.isfinite(values).any():
            low = int(np.nanargmin(values[:, 0]))
            lowest = {"": float(values[low, 0]), "_a": float(a[low]), "_b": float(b[low])}
            numbers |= {f"plane/lowest{key}": [value] for key, value in lowest.items()}
        return replace(measured, projections={"plane": found}, numbers=measured.numbers | numbers)


def objective_of_points(
    on_path: OnPath, solutions: Runs, split_name: str, mode: str, known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """J(theta_t) of every saved point of each run that is finite [T, S], else NaN.

    Args:
        on_path: what is measured.
        solutions: the runs.
        split_name: where J is taken.
        mode: of the objective.
        known: which points [T, S].
    """
    split, values = on_path.split(split_name), np.full(known.shape, np.nan)
    log.info("%s: J at each saved point of training, for the run that is drawn", split_name)
    for s, run in enumerate(solutions.trajectories):
        own = {"seeds": solutions.seeds[s : s + 1], "buffers": solutions.buffers[s : s + 1]}
        objective = on_path.objective_of(split, mode, **own)
        rows = np.flatnonzero(known[: len(run.epochs), s])
        with progress_of(
            f"points of training, seed {solutions.seeds[s]}", objective.num_batches * len(rows)
        ) as progress:
            num = run.held or max(len(rows), 1)
            for first in range(0, len(rows), num):
                here, before = rows[first : first + num], first * objective.num_batches

                def reached(done: int, before: int = before) -> None:
                    progress(before + done)

                found = objective.along(run.theta, here.astype(np.float64), reached)
                values[here, s] = found.channels["objective"][:, 0]
    return values
