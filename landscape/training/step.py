"""One step of training: the gradient shortened, momentum with lr inside the velocity, weights kept within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from landscape.errors import InputError


@torch.no_grad()
def project_max_norm(theta: Mapping[str, Tensor], max_norms: Mapping[str, float]) -> None:
    """w <- w clip(|w|, 0, c)/max(|w|, 1e-7) for the incoming weights w of each unit, in place.

    Args:
        theta: {name: [S, out, ...]}; the norm runs over everything after ``out``.
        max_norms: {name: c}; other parameters, and the velocity, are left as they are.

    Source: pylearn2 ``MaxL2FilterNorm`` and ``max_col_norm``.
    """
    for name, bound in max_norms.items():
        weight = theta[name]
        rows = weight.view(weight.shape[0] * weight.shape[1], -1)  # [S*out, in]; reshape might copy and lose the change
        norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        rows.mul_(norm.clamp(max=bound) / norm.clamp(min=1e-7))


def clip(gradients: dict[str, Tensor], scale: float, max_norm: float | None) -> dict[str, Tensor]:
    """The gradients times ``scale``, then shortened to ``max_norm``, each seed by its own norm over all parameters.

    Args:
        gradients: {name: [S, *shape]}; two names may share one tensor, so nothing is written into them.

    Source: Zaremba, Sutskever & Vinyals (arXiv 1409.2329), section 4.
    """
    if scale == 1 and max_norm is None:
        return gradients
    factor = torch.full((len(next(iter(gradients.values()))),), scale, dtype=torch.float64)
    if max_norm is not None:
        squares = torch.stack([g.reshape(len(g), -1).abs().square().sum(dim=1) for g in gradients.values()])
        norm = scale * squares.sum(dim=0).sqrt()  # [S]
        factor = scale * (max_norm / norm.clamp(min=1e-30)).clamp(max=1.0)
    return {name: g * factor.to(g).view(-1, *[1] * (g.dim() - 1)) for name, g in gradients.items()}


class Momentum(torch.optim.Optimizer):
    """v <- momentum v - lr grad; theta <- theta + v, from v = 0.

    ``torch.optim.SGD`` keeps lr outside its buffer; under a decaying lr the two are different algorithms.

    Args:
        params: tensors or groups.
        lr: learning rate, positive.
        momentum: in [0, 1).

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
