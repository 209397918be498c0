"""How far training strays from the straight line; and a random walk: what is seen when nothing is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.ground.streams import WALK, stream
from landscape.measurement.contract import Measured, Steps, Work
from landscape.measurement.stages import Seeds, Trained
from landscape.objective.memory.budget import free_bytes, size
from landscape.result.curve import Projection
from landscape.store.trajectory import project

BLOCK_BYTES = 16e6
"""Size of the positions that are held at once: a whole walk in 100,000 dimensions would be 800 MB, and what glibc
maps anew at each allocation (from 32 MB on) costs more than the arithmetic."""


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


class RandomWalk:
    """theta_{t+1} = theta_t + N(0, I) from theta_0 = 0, seen from the line to its own point at ``solution_step``.

    The walk is drawn twice from the same stream, first for its direction, then for the projections: it is never held
    as a whole. Steps are float32 normal numbers, positions and lengths are float64.

    Args:
        dimension: P, at least 2. num_steps: steps walked. solution_step: T, the step taken as the solution.

    Source: paper, figure 11.
    """

    stage = Seeds

    def __init__(self, dimension: int = 1000, num_steps: int = 1000, solution_step: int = 900) -> None:
        for key, value in {"dimension": dimension, "num_steps": num_steps, "solution_step": solution_step}.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"measurement.{key}={value!r} must be a whole number")
        if dimension < 2:
            raise InputError(f"measurement.dimension={dimension} leaves no room for a residual; use 2 or more")
        if not 1 <= solution_step <= num_steps:
            raise InputError(
                f"measurement.solution_step={solution_step} must lie in 1 ... measurement.num_steps={num_steps}"
            )
        self.dimension, self.num_steps, self.solution_step = dimension, num_steps, solution_step

    def __call__(self, start: Seeds) -> Measured:
        """Seeds -> projections ``{"walk": ...}``, one walk per seed."""
        shape = (self.num_steps + 1, len(start.seeds))
        need, free = 8 * (3 * math.prod(shape) + 4 * self.dimension), free_bytes(torch.device("cpu"))
        if need > free:
            raise InputError(
                f"measurement.dimension={self.dimension} and measurement.num_steps={self.num_steps} need "
                f"{size(need)} of memory, {size(free)} are free; lower them, or training.num_seeds="
                f"{shape[1]}"
            )
        along, aside, norm = (np.zeros(shape) for _ in range(3))
        length = np.zeros(len(start.seeds))
        with progress_of(f"random walk in {self.dimension} dimensions", 2 * shape[1] * self.num_steps) as progress:
            done = 0
            for s, seed in enumerate(start.seeds):
                solution = torch.zeros(0)
                for first, positions in self._positions(seed, start.device):
                    if first <= self.solution_step < first + len(positions):
                        solution = positions[self.solution_step - first].clone()
                    progress(done := done + len(positions))
                length[s] = float(solution.norm())
                direction = solution / length[s]
                for first, positions in self._positions(seed, start.device):
                    rows = slice(first, first + len(positions))
                    norm[rows, s] = torch.linalg.vector_norm(positions, dim=1).cpu().numpy()
                    projection = positions @ direction  # [block]
                    along[rows, s] = projection.cpu().numpy()
                    # The norm of what is left, not a difference of squares, which would lose half the digits.
                    positions.addr_(projection, direction, alpha=-1)
                    aside[rows, s] = torch.linalg.vector_norm(positions, dim=1).cpu().numpy()
                    progress(done := done + len(positions))
        steps = np.arange(shape[0], dtype=np.float64)
        solution_step = np.full(shape[1], float(self.solution_step))
        walk = Projection(steps, steps, along, aside, norm, length, solution_step)
        upto = slice(0, self.solution_step + 1)
        return Measured(
            projections={"walk": walk},
            numbers={"length": length.tolist(), "max_residual": aside[upto].max(axis=0).tolist()},
            labels=[str(seed) for seed in start.seeds],
        )

    def work(self, start: Seeds) -> Work:
        """Steps alone; a shorter walk tells how long one takes."""
        return Work(steps=Steps(self.num_steps, len(start.seeds), 0, lambda num: RandomWalk(self.dimension, num, num)))

    def _positions(self, seed: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """(step of the first row, theta [block, P]) from step 1 on, in float64."""
        generator = stream(seed, WALK, device=device)
        block = max(1, int(BLOCK_BYTES // (8 * self.dimension)))
        last = torch.zeros(self.dimension, dtype=torch.float64, device=device)
        for first in range(1, self.num_steps + 1, block):
            count = min(block, self.num_steps + 1 - first)
            positions = torch.empty(count, self.dimension, dtype=torch.float64, device=device)
            for row in positions:  # one call per step: what is drawn must not depend on the block
                row.copy_(torch.randn(self.dimension, generator=generator, device=device))
            positions[0] += last
            positions.cumsum_(dim=0)
            last = positions[-1].clone()
            yield first, positions
