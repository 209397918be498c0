"""How far training strays from the straight line."""

from __future__ import annotations

import numpy as np

from landscape.measurement.contract import Measured, Work
from landscape.measurement.stages import Trained
from landscape.store.trajectory import project


class Residual:
    """Projection and residual norm of every saved point of every run.

    Source: paper, appendix B and figure 13.
    """

    stage = Trained

    def work(self, trained: Trained) -> Work:
        """No pass over the data."""
        return Work(unknown="reading the trajectory")

    def __call__(self, trained: Trained) -> Measured:
        """Trained networks -> projections ``{"trajectory": ...}``."""
        solutions = trained.solutions
        projection = project(
            solutions.trajectories,
            solutions.theta_i.double().numpy(),
            solutions.theta_f.double().numpy(),
            solutions.best_epoch,
        )
        # fmax passes over the NaN padding of shorter runs, and stays NaN for a run that never moved.
        numbers = {
            "length": projection.length.tolist(),
            "max_residual": np.fmax.reduce(projection.residual_norm, axis=0).tolist(),
            "max_parameter_norm": np.fmax.reduce(projection.parameter_norm, axis=0).tolist(),
        }
        return Measured(
            projections={"trajectory": projection}, numbers=numbers, labels=[str(s) for s in solutions.seeds]
        )
