"""The gradient of the minibatch cost for S networks: one after the other, or all in one vectorised call."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape.borrowed import Borrowed
from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.parameters import ParameterLayout, beside

log = logging.getLogger(__name__)

VECTORISE_BELOW = 200_000
"""Parameters per network under which vmap over seeds won on a CPU (digits net 2 to 4 times; a 2.4 M net lost)."""


class Gradient:
    """gradient(theta, x, y, masks) -> {name: [S, *shape]}, of the mean cost of each network's own minibatch.

    Running statistics go in and come out like a state: each network has its own, and the module's stay as they are.

    Args:
        module: the template; in training mode. cost: see ``landscape.cost``. masks: its dropout layers.
        vectorised: one ``torch.func.vmap`` over S; False: S must be 1 and plain autograd is used.
    """

    def __init__(self, module: nn.Module, cost: Any, masks: Masks, vectorised: bool) -> None:
        self.module, self.cost, self.masks, self.vectorised = module, cost, masks, vectorised
        self.borrowed = Borrowed(module)
        # Forwards under vmap, backwards by plain autograd over what that recorded: with torch.func.grad inside, an
        # update of 32 small nets takes a fifth longer.
        self._batched = torch.func.vmap(self._costs, in_dims=(0, 0, 0, 0, 0, 0))
        self._batched_plain = torch.func.vmap(self._costs, in_dims=(0, 0, 0, None, 0, 0))
        self._own: dict[str, tuple[Tensor, Tensor]] = {}
        self._shares: dict[torch.Size, Tensor] = {}
        if hasattr(module, "initial_state") and cost.num_draws > 1:
            raise InputError(f"cost={type(cost).__name__} makes {cost.num_draws} passes per example, between which a "
                             f"state cannot be carried; model={type(module).__name__} has one")  # fmt: skip

    def _costs(
        self, theta: dict[str, Tensor], x: Tensor, y: Tensor, masks: Tensor | None, state: tuple[Tensor, ...],
        buffers: dict[str, Tensor],
    ) -> tuple[Tensor, tuple[tuple[Tensor, ...], dict[str, Tensor]]]:  # fmt: skip
        after = state
        buffers = {name: buffer.clone() for name, buffer in buffers.items()}  # the module writes into these

        def predict(inputs: Any, draw: int) -> Any:
            nonlocal after
            with self.masks.bind(masks, draw):
                if not state:
                    return self.module(inputs)
                outputs, after = self.module((inputs, state))
                return outputs

        try:
            values = {**theta, **buffers}
            with self.borrowed.values(values):
                cost: Tensor = self.cost(predict, x, y)
            buffers = {name: values[name].detach() for name in buffers}  # a module may also put another in its place
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InputError(f"batch norm takes its variance over a minibatch, but training.batch_size leaves one of "
                             f"{len(x)} example; choose one that does not") from error  # fmt: skip
        return cost, (tuple(part.detach() for part in after), buffers)

    def initial_state(self, x: Tensor) -> tuple[Tensor, ...]:
        """What a pass over sequences starts from, [S, B, ...] each; x [S, B, ...]."""
        parts = [tuple(self.module.initial_state(batch)) for batch in x]  # type: ignore[operator]
        return tuple(torch.stack(part) for part in zip(*parts, strict=True))

    def __call__(
        self, theta: dict[str, Tensor], x: Tensor, y: Tensor, masks: Tensor | None, state: tuple[Tensor, ...] = (),
        buffers: dict[str, Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...], dict[str, Tensor]]:  # fmt: skip
        """The gradient, and the state and the buffers after the batch.

        Args:
            theta: {name: [S, *shape]}. x: [S, B, ...]. y: [S, B]. masks: [S, draws, B, F] or None.
            state: of a module that carries one from block to block of its sequences, [S, B, ...] each; else empty.
            buffers: {name: [S, *shape]}, such as running statistics; left as they are.
        """
        buffers = buffers or {}
        leaves = self._leaves(theta)
        if self.vectorised:
            batched = self._batched_plain if masks is None else self._batched
            costs, (state, buffers) = batched(leaves, x, y, masks, state, buffers)
            return self._slopes(costs, leaves, costs[0].numel()), state, buffers
        alone = tuple(part[0] for part in state)
        own = {name: buffer[0] for name, buffer in buffers.items()}
        costs, (after, own) = self._costs(leaves, x[0], y[0], None if masks is None else masks[0], alone, own)
        gradient = {name: g.unsqueeze(0) for name, g in self._slopes(costs, leaves, costs.numel()).items()}
        return gradient, tuple(part[None] for part in after), {name: buffer[None] for name, buffer in own.items()}

    def _leaves(self, theta: dict[str, Tensor]) -> dict[str, Tensor]:
        """What autograd differentiates by, on theta's own memory; kept, since theta is updated in place."""
        for name, value in theta.items():
            if name not in self._own or self._own[name][0] is not value:
                part = value if self.vectorised else value[0]
                self._own[name] = value, part.detach().requires_grad_()
        return {name: self._own[name][1] for name in theta}

    def _slopes(self, costs: Tensor, leaves: dict[str, Tensor], num: int) -> dict[str, Tensor]:
        """d (sum of costs / num) / d leaf, zero where no cost reads it; backwards through a mean would cost 40 us."""
        shares = self._shares.get(costs.shape)
        if shares is None:
            shares = self._shares[costs.shape] = torch.full_like(costs, 1 / num, requires_grad=False)
        found = torch.autograd.grad([costs], list(leaves.values()), [shares], allow_unused=True)
        pairs = zip(leaves.items(), found, strict=True)
        return {name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in pairs}


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
    named = dict(module.named_parameters())
    theta = {name: named[name].detach()[None] for name in ParameterLayout.of(module).names}
    buffers = {name: b.detach()[None] for name, b in beside(module).items()}
    was_training = module.training
    try:
        gradient = Gradient(module.train(), cost, masks, vectorised=True)
        state = gradient.initial_state(x[None]) if hasattr(module, "initial_state") else ()
        gradient(theta, x.clone()[None], y.clone()[None], drawn, state, buffers)  # some modules write into them
    except RuntimeError as error:
        log.info("training %d seeds one after the other: %s cannot be vectorised (%s)",
                 len(seeds), type(module).__name__, str(error).splitlines()[0])  # fmt: skip
        return alone
    finally:
        module.train(was_training)
    return [list(seeds)]
