"""Eigenvalues of the Hessian of J, and the noise of its gradient, at saved points of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Work
from landscape.measurement.curvature import SPLITS, chosen, numbers_at_ends
from landscape.measurement.interpolation import MODES
from landscape.measurement.point_curvature import PointCurvature
from landscape.measurement.stages import Network, Trained
from landscape.objective.objective import Objective
from landscape.result.curve import Projection
from landscape.store.solutions import Runs
from landscape.store.trajectory import project


class CurvatureOfTraining:
    """What ``Curvature`` measures along a path, at points that training passed through; the line is that to theta_f.

    Args:
        split: of ``train``, ``valid``, ``test``.
        mode: ``deterministic`` or ``stochastic``.
        num_points: saved points of each run, evenly over its course, and theta_f; None: all.
        num, num_lowest, trace, density, noise, tolerance, num_examples, dtype: as of ``Curvature``.

    Raises:
        InputError: a number out of range.
    """

    stage = Trained

    def __init__(
        self,
        split: str = "train",
        mode: str = "deterministic",
        num_points: int | None = 9,
        num: int = 3,
        num_lowest: int = 1,
        trace: int = 120,
        density: bool = False,
        noise: bool = True,
        tolerance: float = 1e-6,
        num_examples: int | None = None,
        dtype: str = "float64",
    ) -> None:
        [self.split], [self.mode] = chosen("split", [split], SPLITS), chosen("mode", [mode], MODES)
        if num_points is not None and (
            isinstance(num_points, bool) or not isinstance(num_points, int) or num_points < 2
        ):
            raise InputError(f"measurement.num_points={num_points!r} must be a whole number of at least 2, or null")
        self.num_points = num_points
        self.point = PointCurvature(num, num_lowest, trace, density, noise, tolerance, num_examples, dtype)

    def check(self, network: Network) -> None:
        """Raise InputError for what has no curvature that can be measured, before anything is trained."""
        self.point.check(network, [self.split], [self.mode], "measurement=curvature_of_training")

    def work(self, trained: Trained) -> Work:
        """The products with the Hessian of J."""
        runs = trained.solutions
        num = max(len(run.epochs) for run in runs.trajectories)
        num = num if self.num_points is None else min(num, self.num_points + 1)
        return self.point.work(trained, self.split, self.mode, num, len(runs.seeds))

    def __call__(self, trained: Trained) -> Measured:
        """Trained networks -> projections ``{"curvature": ...}``: J and the metrics at some points of each run."""
        runs = trained.solutions
        start, end = runs.theta_i.double().numpy(), runs.theta_f.double().numpy()
        track = project(runs.trajectories, start, end, runs.best_epoch)
        track = rows_of(track, self._rows(runs, track))
        examples = self.point.examples(trained, self.split)
        objectives = [
            trained.objective_of(examples, self.mode, seeds=[seed], buffers=[buffers], dtype=self.point.dtype)
            for seed, buffers in zip(runs.seeds, runs.buffers, strict=True)
        ]
        direction = runs.theta_f.double() - runs.theta_i.double()
        # Of each run the number of its saved point in each of the rows; runs may be of different length.
        places = [[int(np.searchsorted(run.epochs, epoch)) for epoch in track.epochs] for run in runs.trajectories]

        def at(t: int, s: int) -> tuple[Objective, int, Tensor, Tensor | None]:
            return objectives[s], 0, runs.trajectories[s].theta(places[s][t])[0].double(), direction[s]

        values = np.full(track.projection.shape, np.nan)
        points = [(t, s) for t, s in np.ndindex(*values.shape) if np.isfinite(track.parameter_norm[t, s])]
        with progress_of(f"{self.split} {self.mode} curvature of training", len(points)) as progress:
            for t, s in points:
                values[t, s] = float(objectives[s](at(t, s)[2][None])[0])
            metrics, spectrum = self.point.walk(points, at, values, progress)
        name = f"{self.split}/{self.mode}"
        numbers = {"length": track.length.tolist(), **numbers_at_ends(name, track.epochs, metrics)}
        found = replace(track, objective=values, metrics=metrics, spectrum=spectrum)
        return Measured(projections={"curvature": found}, numbers=numbers, labels=[str(seed) for seed in runs.seeds])

    def _rows(self, runs: Runs, track: Projection) -> NDArray[np.int64]:
        """Numbers of the saved points that are measured."""
        num = len(track.epochs)
        if self.num_points is None or self.num_points >= num:
            return np.arange(num)
        best = [int(np.searchsorted(track.epochs, epoch)) for epoch in runs.best_epoch]
        last = max(1, int(np.flatnonzero(np.isfinite(track.parameter_norm).any(axis=1)).max(initial=1)))
        evenly = np.linspace(0, last, self.num_points).round().astype(int)
        return np.unique([*evenly, *(row for row in best if row < num)])


def rows_of(track: Projection, rows: NDArray[np.int64]) -> Projection:
    """Some points of a run."""
    tall = ("steps", "epochs", "projection", "residual_norm", "parameter_norm")
    return replace(track, **{name: getattr(track, name)[rows] for name in tall})
