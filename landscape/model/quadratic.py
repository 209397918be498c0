"""A convex quadratic with a known solution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landscape.errors import InputError


class Quadratic(nn.Module):
    """J(theta) = 1/2 Σ h_i (theta_i - theta*_i)², from theta = 0; the output is J, once per example.

    The curvatures h are log-uniform on [low, high] and the solution theta* is N(0, I), both drawn once: the problem
    is the same for every training seed.

    Args:
        dimension: P.
        low, high: the range of the curvatures, positive; high/low is the condition number.
        seed: of curvatures and solution.

    Raises:
        InputError: a number out of range.

    Source: paper, figure 12 (which gives the dimension alone); the rest is this project's choice.
    """

    def __init__(self, dimension: int = 100_000, low: float = 0.01, high: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        if dimension < 1:
            raise InputError(f"model.dimension={dimension} must be at least 1")
        if not 0 < low <= high < float("inf"):
            raise InputError(f"model.low={low} and model.high={high} must satisfy 0 < low <= high")
        generator = torch.Generator().manual_seed(seed)
        uniform = torch.rand(dimension, generator=generator, dtype=torch.float64)
        solution = torch.randn(dimension, generator=generator, dtype=torch.float64)
        # No buffers: they are what the problem is, not running statistics, and keep their float64.
        self.constants = {"curvature": low * (high / low) ** uniform, "solution": solution}
        self.theta = nn.Parameter(torch.zeros(dimension))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, ...] -> J repeated [B]; what x holds does not matter."""
        curvature, solution = (
            self.constants[name].to(self.theta.device, self.theta.dtype) for name in ("curvature", "solution")
        )
        return (0.5 * (curvature * (self.theta - solution).square()).sum()).expand(len(x))
