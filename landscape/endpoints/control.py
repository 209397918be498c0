"""Starts that training never saw: what a line to a solution looks like whatever it comes from."""

from __future__ import annotations

import torch

from landscape.endpoints.ends import LARGEST, Ends, number, of_runs
from landscape.errors import InputError
from landscape.ground.streams import ENDPOINT, stream
from landscape.store.solutions import Solutions


class ZeroToSolution:
    """From theta = 0 to each run's best point, so that theta(alpha) = alpha theta_f on a straight line.

    Source: Tao, Li and Zhan 2024 (ICML, PMLR 235).
    """

    needs_solutions = True
    starts_training = False
    knows_statistics = False

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        return of_runs(solutions, torch.zeros_like(solutions.theta_f))


class NoiseToSolution:
    """From noise to each run's best point: every tensor normal, then scaled to its own norm in theta_i.

    A tensor that starts at zero, such as a bias, stays zero.

    Source: Tao, Li and Zhan 2024 (ICML, PMLR 235).
    """

    needs_solutions = True
    starts_training = False
    knows_statistics = False

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        layout, start = solutions.layout, solutions.theta_i
        noise = torch.stack(
            [torch.randn(start.shape[1], generator=stream(s, ENDPOINT), dtype=torch.float64) for s in solutions.seeds]
        )
        parts = zip(noise.split(layout.sizes, dim=1), start.double().split(layout.sizes, dim=1), strict=True)
        scaled = [part * (own.norm(dim=1) / part.norm(dim=1))[:, None] for part, own in parts]
        return of_runs(solutions, torch.cat(scaled, dim=1).to(start.dtype))


class OtherInitToSolution:
    """From the first point of the next seed to each run's best point; the last seed takes the first one's.

    Source: Lucas et al. 2021 (arXiv 2104.11044), figure 1.
    """

    needs_solutions = True
    starts_training = False

    def check(self, num_seeds: int) -> None:
        """Raise InputError unless there is another seed."""
        if num_seeds < 2:
            raise InputError(
                f"endpoints=other_init_to_solution needs another seed's start but training.num_seeds={num_seeds}; "
                "run with training.num_seeds=2"
            )

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        self.check(len(solutions.seeds))
        buffers = solutions.buffers_i[1:] + solutions.buffers_i[:1]
        return of_runs(solutions, solutions.theta_i.roll(-1, dims=0), buffers)


class ScaledStart:
    """From a multiple of each run's first point to its best point; a multiple of 0 is the origin.

    Args:
        scale: what theta_i is multiplied by.

    Source: ours, on the paper's guess (section 3, figure 6) that a net was started with weights that are too large.
    """

    needs_solutions = True
    starts_training = False
    knows_statistics = False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = number("endpoints.scale", scale)
        if not 0 <= self.scale <= LARGEST:
            raise InputError(f"endpoints.scale={scale} must be between 0 and {LARGEST:g}")

    def check(self, num_seeds: int) -> None:
        """Any number of seeds will do."""

    def __call__(self, solutions: Solutions) -> Ends:
        """Solutions -> S lines."""
        return of_runs(solutions, solutions.theta_i * self.scale)
