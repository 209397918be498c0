"""The gradient of the minibatch cost for S networks: one after the other, or all in one vectorised call."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from landscape.model.dropout import Masks

log = logging.getLogger(__name__)

VECTORISE_BELOW = 200_000
"""Parameters per network under which vmap over seeds won on a CPU (digits net 2 to 4 times; a 2.4 M net lost)."""


class Gradient:
    """gradient(theta, x, y, masks) -> {name: [S, *shape]}, of the mean cost of each network's own minibatch.

    Args:
        module: the template; in training mode. cost: see ``landscape.cost``. masks: its dropout layers.
        vectorised: one ``torch.func.vmap`` over S; False: S must be 1 and plain autograd is used.
    """

    def __init__(self, module: nn.Module, cost: Any, masks: Masks, vectorised: bool) -> None:
        self.module, self.cost, self.masks, self.vectorised = module, cost, masks, vectorised
        self._batched = torch.func.vmap(torch.func.grad(self._mean_cost), in_dims=(0, 0, 0, 0))
        self._batched_plain = torch.func.vmap(torch.func.grad(self._mean_cost), in_dims=(0, 0, 0, None))

    def _mean_cost(self, theta: dict[str, Tensor], x: Tensor, y: Tensor, masks: Tensor | None) -> Tensor:
        def predict(inputs: Tensor, draw: int) -> Tensor:
            with self.masks.bind(masks, draw):
                return functional_call(self.module, theta, (inputs,))  # type: ignore[no-any-return]

        cost: Tensor = self.cost(predict, x, y)
        return cost.mean()

    def __call__(self, theta: dict[str, Tensor], x: Tensor, y: Tensor, masks: Tensor | None) -> dict[str, Tensor]:
        """theta {name: [S, *shape]}, x [S, B, ...], y [S, B], masks [S, draws, B, F] or None."""
        if self.vectorised:
            batched = self._batched_plain if masks is None else self._batched
            return dict(batched({k: v.detach() for k, v in theta.items()}, x, y, masks))
        leaves = {name: value[0].detach().requires_grad_() for name, value in theta.items()}
        cost = self._mean_cost(leaves, x[0], y[0], None if masks is None else masks[0])
        gradients = torch.autograd.grad(cost, list(leaves.values()), allow_unused=True)
        return {
            name: (torch.zeros_like(leaf) if g is None else g)[None]
            for (name, leaf), g in zip(leaves.items(), gradients, strict=True)
        }


def groups_of(
    seeds: Sequence[int], module: nn.Module, cost: Any, example: tuple[Tensor, Tensor], vectorise: bool | None
) -> list[list[int]]:
    """Which seeds train together: all in one group, or each alone.

    Args:
        seeds: all that are wanted. module: one of the networks.
        example: (x [B, ...], y [B]), a few examples to try a vectorised call on.
        vectorise: True or False to force; None to choose by size and device.
    """
    alone = [[seed] for seed in seeds]
    num_parameters = sum(p.numel() for p in module.parameters())
    on_cpu = all(p.device.type == "cpu" for p in module.parameters())
    if vectorise is False or len(seeds) == 1:
        return alone
    if vectorise is None and on_cpu and num_parameters > VECTORISE_BELOW:
        log.info("training %d seeds one after the other: %d parameters are too many for vmap to pay on a CPU",
                 len(seeds), num_parameters)  # fmt: skip
        return alone
    x, y = example
    masks = Masks(module, x[:1], cost.num_draws)
    drawn = masks.draw(len(x), torch.Generator(device=x.device).manual_seed(0))[None] if len(masks) else None
    theta = {name: p.detach()[None] for name, p in module.named_parameters()}
    was_training = module.training
    try:
        if any(b.is_floating_point() for b in module.buffers()):
            raise RuntimeError("it has running statistics, which would be shared between the seeds")
        Gradient(module.train(), cost, masks, vectorised=True)(theta, x[None], y[None], drawn)
    except RuntimeError as error:
        log.info("training %d seeds one after the other: %s cannot be vectorised (%s)",
                 len(seeds), type(module).__name__, str(error).splitlines()[0])  # fmt: skip
        return alone
    finally:
        module.train(was_training)
    return [list(seeds)]
