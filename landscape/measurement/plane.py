"""The plane that holds most of a training run: the straight line, and the direction in which it strayed furthest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from landscape.errors import InputError
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.subject import Measured, Subject
from landscape.measurement.work import Pass, Work
from landscape.progress import report
from landscape.trajectory import project, project_second


class TrajectoryPlane(Interpolation):
    """J along the line from theta_i to theta_f, and J at every saved point of training, placed beside the line.

    A point theta_t has the coordinates x_t = c_t . d along the line, c_t = theta_t - theta_i, and z_t along d_2, the
    unit direction of the largest residual. What the plane of d and d_2 leaves out is ``plane_distance``.

    Args:
        splits: of ``train``, ``valid``, ``test``; the points are measured on the first. modes, noise: as of
            interpolation; the points are measured in the first; without masks both modes are the same.

    Raises:
        InputError: endpoints other than from a run's start to its solution.

    Source: paper, figure 7 right (galatea ``FindBasis2``).
    """

    def __init__(
        self, splits: Sequence[str] = ("train",), modes: Sequence[str] = ("stochastic",), noise: bool = True
    ) -> None:
        super().__init__(splits, modes, noise=noise)

    def __call__(self, subject: Subject) -> Measured:
        """Subject -> curves as of interpolation, and ``{"trajectory": Projection}`` with objective and second axis."""
        solutions = subject.solutions
        ends = subject.ends
        own = solutions is not None and ends is not None and torch.equal(ends.theta_0, solutions.theta_i)
        if solutions is None or not own:
            raise InputError("measurement=plane needs the training run that its line belongs to; use "
                             "endpoints=init_to_solution")  # fmt: skip
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

    def _objective(self, subject: Subject, num_rows: int) -> np.ndarray:
        """J(theta_t) of every saved point [T, S], NaN after a run's last."""
        solutions, split = subject.solutions, subject.split(self.splits[0])
        assert solutions is not None and subject.objective is not None
        values = np.full((num_rows, len(solutions.seeds)), np.nan)
        for s, run in enumerate(solutions.trajectories):
            objective = subject.objective(
                subject.module, subject.cost, split, mode=self.modes[0], seeds=[solutions.seeds[s]],
                buffers=solutions.buffers[s : s + 1],
            )  # fmt: skip
            rows = np.arange(len(run.epochs))
            total = objective.num_batches * len(rows)
            with report(f"points of training, seed {solutions.seeds[s]}", total) as progress:
                found = objective.along(run.theta, rows.astype(np.float64), progress)
            values[rows, s] = found.channels["objective"][:, 0]
        return values
