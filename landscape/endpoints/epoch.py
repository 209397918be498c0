"""Lines that start in the middle of training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from landscape.endpoints.ends import Ends, number, of_runs
from landscape.errors import InputError
from landscape.store.solutions import Solutions


class EpochToSolution:
    """From the point that each run had reached after ``epoch`` epochs to its theta_f.

    Args:
        epoch: of the start; a fraction only where ``training.snapshot_updates`` kept one, 0 is theta_i.

    Raises:
        InputError: no such snapshot, or not before theta_f. A run that diverged starts at its last snapshot up to
            ``epoch``; it is left out of every verdict.

    Source: Frankle 2020 (arXiv 2012.06898).
    """

    needs_solutions = True

    def __init__(self, epoch: float) -> None:
        self.epoch = number("endpoints.epoch", epoch)
        if not 0 <= self.epoch < float("inf"):
            raise InputError(f"endpoints.epoch={epoch} must be 0 or more, and finite")

    @property
    def starts_training(self) -> bool:
        """Whether the start is theta_i."""
        return self.epoch == 0

    @property
    def knows_statistics(self) -> bool:
        """Whether the running statistics of the start are kept, as they are of theta_i alone."""
        return self.epoch == 0

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def check_epochs(self, max_epochs: int) -> None:
        """Raise InputError unless a training of ``max_epochs`` epochs goes on after the start."""
        if self.epoch >= max_epochs:
            raise InputError(
                f"endpoints.epoch={self.epoch:g} does not lie before the end of training, "
                f"training.max_epochs={max_epochs}; lower it, or raise training.max_epochs"
            )

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        starts = [self._start(solutions, s) for s in range(len(solutions.seeds))]
        buffers = solutions.buffers_i if self.starts_training else []
        return of_runs(solutions, torch.cat([start.to(solutions.theta_f.dtype) for start in starts]), buffers)

    def _start(self, solutions: Solutions, s: int) -> Tensor:
        """The start of one line [1, P]."""
        if self.epoch == 0:
            return solutions.theta_i[s : s + 1]  # the snapshot of it is rounded to float32
        run, solution = solutions.trajectories[s], solutions.best_epoch[s]
        before = np.flatnonzero(run.epochs <= self.epoch + 1e-9)
        if solutions.status[s] != "diverged":
            if self.epoch >= solution:
                raise InputError(
                    f"endpoints.epoch={self.epoch:g} does not lie before the solution of seed {solutions.seeds[s]}, "
                    f"which is of epoch {solution}; lower it, or set training.select=last training.patience=null"
                )
            if abs(run.epochs[before[-1]] - self.epoch) > 1e-9:
                near = ", ".join(f"{epoch:g}" for epoch in run.epochs[before[-1] : before[-1] + 2])
                raise InputError(
                    f"endpoints.epoch={self.epoch:g} was not kept of seed {solutions.seeds[s]}; the nearest kept are "
                    f"{near} (training.trajectory_gigabytes and training.snapshot_updates decide what is kept)"
                )
        return run.theta(float(before[-1]))
