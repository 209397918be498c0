"""Planes: that which holds most of a training run, the straight line and the direction in which it strayed furthest;
or the one through three given points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.corners import frame_of, plane_of, projection_of
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.subject import Measured, Subject
from landscape.measurement.work import Pass, Work
from landscape.path import Linear
from landscape.store.trajectory import project, project_second

NO_PLANE = (
    "measurement=plane needs the training run that its line belongs to, endpoints=init_to_solution, or the third "
    "corner of a plane through given points, endpoints.third=FILE beside endpoints.start and endpoints.end"
)


class TrajectoryPlane(Interpolation):
    """J along the line from theta_i to theta_f, and J at every saved point of training, placed beside the line.

    A point theta_t has the coordinates x_t = c_t . d along the line, c_t = theta_t - theta_i, and z_t along d_2, the
    unit direction of the largest residual. What the plane of d and d_2 leaves out is ``plane_distance``.

    Of three given points, ``endpoints=checkpoints endpoints.third=FILE``, J along the line of the first two, and J on a
    grid in the plane of all three: theta_0 + a (theta_1 - theta_0) + b (theta_2 - theta_0), a and b in ``alphas``.

    Args:
        splits: of ``train``, ``valid``, ``test``; the points are measured on the first. modes, noise: as of
            interpolation; the points are measured in the first; without masks both modes are the same.

    Raises:
        InputError: endpoints that are neither from a run's start to its solution nor three points.

    Source: paper, figure 7 right (galatea ``FindBasis2``).
    """

    def __init__(
        self, splits: Sequence[str] = ("train",), modes: Sequence[str] = ("stochastic",), noise: bool = True
    ) -> None:
        super().__init__(splits, modes, noise=noise)

    def check(self, subject: Subject) -> None:
        """Raise InputError for running statistics that nobody knows off the line, before anything is trained."""
        super().check(subject)
        assert subject.objective is not None and subject.dataset is not None
        objective = subject.objective(subject.module, subject.cost, subject.dataset.train.first(1), mode=self.modes[0])
        if objective.statistics.interpolates:
            raise InputError(
                "measurement=plane looks beside the line, where objective.running_statistics=interpolate "
                "knows no statistics; use recalibrate, or keep"
            )

    def check_ends(self, ends_of: Any) -> None:
        """Raise InputError for endpoints without a plane, before anything is trained."""
        own = ends_of.needs_solutions and getattr(ends_of, "starts_training", True)
        if not own and not getattr(ends_of, "has_third", False):
            raise InputError(NO_PLANE)

    def __call__(self, subject: Subject) -> Measured:
        """Subject -> curves as of interpolation, and ``{"trajectory": Projection}`` with objective and second axis.

        Of three points ``{"plane": Projection}`` instead, a row per point of the grid.
        """
        solutions = subject.solutions
        ends = subject.ends
        if ends is not None and ends.theta_2 is not None:
            return self._of_corners(subject, ends)
        own = solutions is not None and ends is not None and torch.equal(ends.theta_0, solutions.theta_i)
        if solutions is None or not own:
            raise InputError(NO_PLANE)
        measured = super().__call__(subject)
        start, end = solutions.theta_i.double().numpy(), solutions.theta_f.double().numpy()
        flat = project(solutions.trajectories, start, end, solutions.best_epoch)
        second, distance = project_second(solutions.trajectories, start, end, flat)
        values = self._objective(subject, flat.projection.shape[0])
        numbers = dict(measured.numbers) | {
            "length": flat.length.tolist(),
            "max_residual": np.fmax.reduce(flat.residual_norm, axis=0).tolist(),
            "max_plane_distance": np.fmax.reduce(distance, axis=0).tolist(),
        }
        trajectory = replace(flat, second_projection=second, objective=values)
        return replace(measured, projections={"trajectory": trajectory}, numbers=numbers)

    def work(self, subject: Subject) -> Work:
        """The passes of the line, and one point per saved point of training."""
        solutions, split = subject.solutions, subject.split(self.splits[0])
        passes = super().work(subject).passes
        if subject.ends is not None and subject.ends.theta_2 is not None and subject.alphas is not None:
            num_points = len(subject.alphas) ** 2
            return Work((*passes, Pass(self.splits[0], self.modes[0], len(split), num_points, 1)))
        if solutions is None or subject.objective is None:
            return Work(passes)
        first = subject.objective(
            subject.module, subject.cost, split.first(1), mode=self.modes[0], buffers=solutions.buffers[:1]
        )
        points = (
            Pass(self.splits[0], self.modes[0], len(split), len(run.epochs), 1, first.num_replicates)
            for run in solutions.trajectories
        )
        return Work((*passes, *points), unknown="reading the trajectory")

    def _of_corners(self, subject: Subject, ends: Ends) -> Measured:
        """J along the line of the first two corners, and on the plane of all three."""
        assert subject.objective is not None and subject.alphas is not None
        if not isinstance(subject.lay(ends.theta_0, ends.theta_1), Linear):
            raise InputError("measurement=plane of three points is flat; use path=linear")
        _, shift, height = frame_of(ends)
        measured = super().__call__(subject)
        split, mode = self.splits[0], self.modes[0]
        objective = subject.objective(
            subject.module, subject.cost, subject.split(split), mode=mode, seeds=ends.seeds, buffers=ends.buffers
        )
        plane = plane_of(ends, subject.alphas, objective)
        found = projection_of(ends, plane, objective, f"{split} {mode} plane")
        assert found.objective is not None
        numbers = dict(measured.numbers) | {
            "length": found.length.tolist(),
            "plane/third_along": [shift],
            "plane/third_beside": [height],
        }
        values = found.objective[:, 0]
        if np.isfinite(values).any():
            low = int(np.nanargmin(values))
            place = plane.weights(float(low))
            numbers |= {
                "plane/lowest": [float(values[low])],
                "plane/lowest_a": [place[1]],
                "plane/lowest_b": [place[2]],
            }
        return replace(measured, projections={"plane": found}, numbers=numbers)

    def _objective(self, subject: Subject, num_rows: int) -> np.ndarray:
        """J(theta_t) of every saved point [T, S], NaN after a run's last."""
        solutions, split = subject.solutions, subject.split(self.splits[0])
        assert solutions is not None and subject.objective is not None
        values = np.full((num_rows, len(solutions.seeds)), np.nan)
        for s, run in enumerate(solutions.trajectories):
            objective = subject.objective(
                subject.module,
                subject.cost,
                split,
                mode=self.modes[0],
                seeds=[solutions.seeds[s]],
                buffers=solutions.buffers[s : s + 1],
            )
            rows = np.arange(len(run.epochs))
            total = objective.num_batches * len(rows)
            with progress_of(f"points of training, seed {solutions.seeds[s]}", total) as progress:
                found = objective.along(run.theta, rows.astype(np.float64), progress)
            values[rows, s] = found.channels["objective"][:, 0]
        return values
