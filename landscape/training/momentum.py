"""Momentum with the learning rate inside the velocity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from landscape.errors import InputError


class Momentum(torch.optim.Optimizer):
    """v <- momentum v - lr grad; theta <- theta + v, from v = 0.

    ``torch.optim.SGD`` keeps lr outside its buffer; under a decaying lr the two are different algorithms.

    Args:
        params: tensors or groups. lr: learning rate, positive. momentum: in [0, 1).

    Source: pylearn2 ``learning_rule.Momentum``.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.0) -> None:
        if not lr > 0:
            raise InputError(f"optimizer.lr={lr} must be positive")
        if not 0 <= momentum < 1:
            raise InputError(f"optimizer.momentum={momentum} must lie in [0, 1)")
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every tensor that has a gradient."""
        if closure is not None:
            raise ValueError("Momentum takes no closure: the gradient is set by the loop")
        for group in self.param_groups:
            thetas = [p for p in group["params"] if p.grad is not None]
            velocities: list[Tensor] = []
            for p in thetas:
                state: dict[str, Any] = self.state[p]
                if not state:
                    state["velocity"] = torch.zeros_like(p)
                velocities.append(state["velocity"])
            if thetas:
                torch._foreach_mul_(velocities, group["momentum"])
                torch._foreach_add_(velocities, [p.grad for p in thetas], alpha=-group["lr"])
                torch._foreach_add_(thetas, velocities)
