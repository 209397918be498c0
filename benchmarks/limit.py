"""The least products that an exact method must make on a line, and how near to their time it comes."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

SIZE = 1200


def peak() -> float:
    """Products (one multiplication and one addition) per second of a matrix product that fills the processor."""
    a, b, best = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE), float("inf")
    for _ in range(10):
        start = time.thread_time()
        a @ b
        best = min(best, time.thread_time() - start)
    return float(SIZE) ** 3 / best


def products_of(module: nn.Module) -> list[int]:
    """Products per example and point of each dense layer, from the sizes of its weights."""
    return [p.numel() for p in module.parameters() if p.dim() > 1]


def least_products(layers: list[int], num_alphas: int, num_served: int = 2) -> float:
    """Products per example: the first layers at both ends of the line, every further one at every point.

    Args:
        layers: products of each per point.
        num_served: layers that need no product per point: the first, whose values are affine, and of a network whose
            first activation is piecewise linear the second; of any other network 1.
    """
    return 2.0 * sum(layers[:num_served]) + float(num_alphas) * sum(layers[num_served:])


def limit_row(module: nn.Module, work: str, num_examples: int, num_alphas: int, ours: float, loop: float) -> list[Any]:
    """The row of that limit in a table of seconds: at the rate of a matrix product of this run.

    Args:
        work: what the rows are of. ours, loop: seconds of the events and of the preloaded loop.
    """
    seconds = num_examples * least_products(products_of(module), num_alphas) / peak()
    return [work, f"limit by products; events reach {seconds / ours:.0%} of it", seconds, loop / seconds, "-", "-"]
