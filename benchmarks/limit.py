"""The least products that an exact method must make, and the time that they take at the rate of a matrix product.

What is affine in theta is computed at the ends of a line, or the three corners of a plane, everything else at every
point. A product is one multiplication with its addition.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

SIZE, ROUNDS, FEW = 1200, 20, 2
COLUMNS = ["limit, seconds", "of the limit"]


@cache
def peak() -> float:
    """Products per second of a matrix product that fills the processor; one measurement a process."""
    a, b, best = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE), float("inf")
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    for _ in range(ROUNDS):
        start = clock()
        a @ b
        best = min(best, clock() - start)
    return float(SIZE) ** 3 / best


@dataclass(frozen=True)
class Products:
    """Of one example.

    Args:
        ends: of the layers whose values are needed at the ends alone. points: of all others, at each point.
    """

    ends: float
    points: float

    def seconds(self, num_examples: int, num_points: float, num_ends: int = 2) -> float:
        """The limit, at the rate of this run."""
        return num_examples * (num_ends * self.ends + num_points * self.points) / peak()

    @property
    def share(self) -> float:
        """The part of a forward pass that is affine."""
        return self.ends / (self.ends + self.points)


def dense(module: nn.Module, num_served: int = 2) -> Products:
    """Of a multilayer perceptron, from the sizes of its weights.

    Args:
        num_served: layers that need no product per point: the first, whose values are affine, and of a network whose
            first activation is piecewise linear the second; of any other network 1.
    """
    layers = [float(p.numel()) for p in module.parameters() if p.dim() > 1]
    return Products(sum(layers[:num_served]), sum(layers[num_served:]))


def counted(module: nn.Module, x: Tensor) -> Products:
    """Of any module: matrix products, convolutions and attention of a forward pass; its first layer is affine.

    Counted in float64 with gradients, where torch has no single operator for a whole recurrent or encoder layer.

    Args:
        x: [B, ...]: a few examples.
    """
    own, inputs = copy.deepcopy(module).double().requires_grad_(True), list[Tensor]()
    x = x[:FEW].double() if x.is_floating_point() else x[:FEW]
    first = next(m for m in own.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.Embedding)))

    def count(run: Any) -> float:
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            run()
        return float(counter.get_total_flops()) / 2 / len(x)

    hook = first.register_forward_pre_hook(lambda _, given: inputs.append(given[0].detach()))
    whole = count(lambda: own(x))
    hook.remove()
    affine = count(lambda: first(inputs[0]))
    return Products(affine, whole - affine)


def beside(limit: float, seconds: float) -> list[float]:
    """The last two cells of a row."""
    return [limit, limit / seconds]
