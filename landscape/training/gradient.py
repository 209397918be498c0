"""The gradient of the minibatch cost for S networks: one after the other, or all in one vectorised call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.objective.module.borrowed import Borrowed
from landscape.parameters import ParameterLayout, beside
from landscape.training.frozen import frozen_in
from landscape.training.optimizer import is_elementwise, name_of

log = logging.getLogger(__name__)

VECTORISE_BELOW = 200_000
"""Parameters per network under which vmap over seeds won on a CPU (digits net 2 to 4 times; a 2.4 M net lost)."""
NEAR = 0.01
"""Part of a gradient by which two ways to the same one may differ."""


class Gradient:
    """gradient(theta, x, y, masks) -> {name: [S, *shape]}, of the mean cost of each network's own minibatch.

    Running statistics go in and come out like a state: each network has its own, and the module's stay as they are.

    Args:
        module: the template; in training mode. cost: see ``landscape.cost``. masks: its dropout layers.
        vectorised: one ``torch.func.vmap`` over S; False: S must be 1 and plain autograd is used.
        counts: of the cost, where not every example counts once: the mean is over what counts in the minibatch, and
            the gradient zero where nothing does.

    Attributes:
        frozen: names of parameters without a gradient.
    """

    def __init__(self, module: nn.Module, cost: Any, masks: Masks, vectorised: bool, counts: Any = None) -> None:
        self.module, self.cost, self.masks, self.vectorised = module, cost, masks, vectorised
        self.frozen = frozen_in(module)
        self._last = (torch.zeros(0), torch.zeros(0))
        self.borrowed = Borrowed(module)
        self.counts = counts
        # Forwards under vmap, backwards by plain autograd over what that recorded: with torch.func.grad inside, an
        # update of 32 small nets takes a fifth longer.
        self._batched = torch.func.vmap(self._costs, in_dims=(0, 0, 0, 0, 0, 0))
        self._batched_plain = torch.func.vmap(self._costs, in_dims=(0, 0, 0, None, 0, 0))
        self._own: dict[str, tuple[Tensor, Tensor]] = {}
        self._shares: dict[torch.Size, Tensor] = {}
        if hasattr(module, "initial_state") and cost.num_draws > 1:
            raise InputError(
                f"cost={type(cost).__name__} makes {cost.num_draws} passes per example, between which a "
                f"state cannot be carried; model={type(module).__name__} has one"
            )

    def _costs(
        self,
        theta: dict[str, Tensor],
        x: Tensor,
        y: Tensor,
        masks: Tensor | None,
        state: tuple[Tensor, ...],
        buffers: dict[str, Tensor],
    ) -> tuple[Tensor, tuple[tuple[Tensor, ...], dict[str, Tensor]]]:
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
            raise InputError(
                f"batch norm takes its variance over a minibatch, but training.batch_size leaves one of "
                f"{len(x)} example; choose another, or training.drop_last=true"
            ) from error
        return cost, (tuple(part.detach() for part in after), buffers)

    def initial_state(self, x: Tensor) -> tuple[Tensor, ...]:
        """What a pass over sequences starts from, [S, B, ...] each; x [S, B, ...]."""
        parts = [tuple(self.module.initial_state(batch)) for batch in x]  # type: ignore[operator]
        return tuple(torch.stack(part) for part in zip(*parts, strict=True))

    def __call__(
        self,
        theta: dict[str, Tensor],
        x: Tensor,
        y: Tensor,
        masks: Tensor | None,
        state: tuple[Tensor, ...] = (),
        buffers: dict[str, Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...], dict[str, Tensor]]:
        """The gradient by all that is not frozen, and the state and the buffers after the batch.

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
            return self._slopes(costs, leaves, costs[0].numel(), y), state, buffers
        alone = tuple(part[0] for part in state)
        own = {name: buffer[0] for name, buffer in buffers.items()}
        costs, (after, own) = self._costs(leaves, x[0], y[0], None if masks is None else masks[0], alone, own)
        gradient = {name: g.unsqueeze(0) for name, g in self._slopes(costs, leaves, costs.numel(), y).items()}
        return gradient, tuple(part[None] for part in after), {name: buffer[None] for name, buffer in own.items()}

    def _leaves(self, theta: dict[str, Tensor]) -> dict[str, Tensor]:
        """What autograd differentiates by, on theta's own memory; kept, since theta is updated in place."""
        for name, value in theta.items():
            if name not in self._own or self._own[name][0] is not value:
                part = value if self.vectorised else value[0]
                self._own[name] = value, part.detach().requires_grad_(name not in self.frozen)
        return {name: self._own[name][1] for name in theta}

    def _slopes(self, costs: Tensor, leaves: dict[str, Tensor], num: int, y: Tensor) -> dict[str, Tensor]:
        """d (sum of costs / num) / d leaf, zero where no cost reads it; backwards through a mean would cost 40 us."""
        leaves = {name: leaf for name, leaf in leaves.items() if name not in self.frozen}
        shares = self._shares.get(costs.shape) if self.counts is None else self._counted(costs, y)
        if shares is None:
            shares = self._shares[costs.shape] = torch.full_like(costs, 1 / num, requires_grad=False)
        self._last = costs.detach(), shares
        found = torch.autograd.grad([costs], list(leaves.values()), [shares], allow_unused=True)
        pairs = zip(leaves.items(), found, strict=True)
        return {name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in pairs}

    @property
    def cost_there(self) -> Tensor:
        """What the last gradient was of: the mean over what counts in the minibatch, summed over seeds."""
        costs, shares = self._last
        return (costs * shares).sum()

    def _counted(self, costs: Tensor, y: Tensor) -> Tensor:
        """One over what counts in each network's minibatch, as the costs [S, B] or, of one network, [B]."""
        totals = torch.stack([self.counts(part)["objective"].double().sum() for part in y])
        shares = torch.where(totals > 0, 1 / totals, 0.0).to(costs.dtype)
        return (shares[:, None] if costs.dim() > 1 else shares).expand_as(costs)


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
    seeds: Sequence[int],
    module: nn.Module,
    cost: Any,
    example: tuple[Tensor, Tensor],
    vectorise: bool | None,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    other: nn.Module | None = None,
) -> list[list[int]]:
    """Which seeds train together: all in one group, or each alone, which is the same up to rounding.

    Args:
        seeds: all that are wanted. module: one of the networks.
        example: (x [B, ...], y [B]), a few examples to try a vectorised call on.
        vectorise: True or False to force; None to choose by size and device.
        optimizer: its maker; seeds are only stacked under one that works element by element. other: the network of
            another seed, which must be what ``module`` is with the other's parameters and buffers.

    Raises:
        InputError: ``other`` is not.
    """
    frozen = frozen_in(module)
    alone = [[seed] for seed in seeds]
    if other is not None and frozen_in(other) != frozen:
        names = ", ".join(sorted(frozen ^ frozen_in(other))[:3])
        raise InputError(
            f"model={type(module).__name__} freezes other parameters under one seed than under another "
            f"({names}); freeze the same in all, or train one seed (training.num_seeds=1)"
        )
    if other is not None and _keep_other_things(module, other):
        _check_alike(module, other, cost, example)
    num_parameters = sum(p.numel() for p in module.parameters())
    on_cpu = all(p.device.type == "cpu" for p in module.parameters())
    if vectorise is False or len(seeds) == 1:
        return alone
    if optimizer is not None and not is_elementwise(optimizer):
        log.info(
            "training %d seeds one after the other: optimizer %s is not known to work element by element",
            len(seeds),
            name_of(optimizer),
        )
        return alone
    if vectorise is None and on_cpu and num_parameters > VECTORISE_BELOW:
        log.info(
            "training %d seeds one after the other: %d parameters are too many for vmap to pay on a CPU",
            len(seeds),
            num_parameters,
        )
        return alone
    was_training = module.training
    try:
        is_same = _is_same_vectorised(module.train(), cost, example, other)
    except RuntimeError as error:
        log.info(
            "training %d seeds one after the other: %s cannot be vectorised (%s)",
            len(seeds),
            type(module).__name__,
            str(error).splitlines()[0],
        )
        return alone
    finally:
        module.train(was_training)
    if not is_same:
        log.info(
            "training %d seeds one after the other: %s has other gradients when vectorised",
            len(seeds),
            type(module).__name__,
        )
        return alone
    return [list(seeds)]


def _is_same_vectorised(module: nn.Module, cost: Any, example: tuple[Tensor, Tensor], other: nn.Module | None) -> bool:
    """Whether two networks in one vectorised call get the gradients that each gets alone, to 1 %."""
    x, y = example
    masks = Masks(module, x[:1], cost.num_draws)
    drawn = masks.draw(len(x), torch.Generator(device=x.device).manual_seed(0)) if len(masks) else None
    named = [tensors_of(m) for m in (module, other or module)]

    def stacked(which: int, rows: Sequence[int]) -> dict[str, Tensor]:
        return {name: torch.stack([named[s][which][name].detach() for s in rows]) for name in named[0][which]}

    def gradient(rows: Sequence[int], vectorised: bool) -> list[Tensor]:
        num, call = len(rows), Gradient(module, cost, masks, vectorised)
        xs, ys = (torch.stack([values] * num) for values in (x, y))
        state = call.initial_state(xs) if hasattr(module, "initial_state") else ()
        many = None if drawn is None else torch.stack([drawn] * num)
        found = call(stacked(0, rows), xs, ys, many, state, stacked(1, rows))[0]
        return [torch.cat([g[k].flatten() for g in found.values()]) for k in range(num)]

    together = gradient((0, 1), True) + gradient((0, 1), True)  # twice, for a module that remembers the last call
    alone = [gradient((s,), False)[0] for s in range(2)] * 2
    return all(
        not (a.isfinite().all() and b.isfinite().all()) or float((a - b).norm()) <= NEAR * float(b.norm())
        for a, b in zip(together, alone, strict=True)
    )


def tensors_of(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What theta is made of, and what lies beside it."""
    named = dict(module.named_parameters())
    return {name: named[name].detach() for name in ParameterLayout.of(module).names}, beside(module)


def _keep_other_things(one: Any, other: Any) -> bool:
    """Whether two modules, or what they hold beside parameters and buffers, differ in numbers."""
    if isinstance(one, nn.Module):
        own = {"_parameters", "_buffers", "training"}
        named = [{k: v for k, v in vars(m).items() if k not in own} for m in (one, other)]
        return _keep_other_things(named[0], named[1])
    if type(one) is not type(other):
        return True
    if isinstance(one, dict):
        return one.keys() != other.keys() or any(_keep_other_things(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) != len(other) or any(_keep_other_things(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Tensor):
        return one.shape != other.shape or not torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return not np.array_equal(one, other)
    return isinstance(one, int | float) and bool(one != other)


def _check_alike(module: nn.Module, other: nn.Module, cost: Any, example: tuple[Tensor, Tensor]) -> None:
    """Refuse networks that differ in more than parameters and buffers: there is one module that measures them all."""
    x, y = example
    masks = Masks(module, x[:1], cost.num_draws)
    drawn = masks.draw(len(x), torch.Generator(device=x.device).manual_seed(0))[None] if len(masks) else None
    theta, buffers = ({name: t.detach()[None] for name, t in part.items()} for part in tensors_of(other))

    def gradient(through: nn.Module) -> Tensor:
        was_training = through.training
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                call = Gradient(
                    through.train(), cost, masks if through is module else Masks(other, x[:1], cost.num_draws), False
                )
                state = call.initial_state(x[None]) if hasattr(through, "initial_state") else ()
                found = call(theta, x.clone()[None], y.clone()[None], drawn, state, buffers)[0]
        finally:
            through.train(was_training)
        return torch.cat([g.flatten() for g in found.values()])

    here, again, there = gradient(module), gradient(module), gradient(other)
    if (
        torch.equal(here, again)
        and here.isfinite().all()
        and not float((here - there).norm()) <= NEAR * float(there.norm())
    ):
        raise InputError(
            f"model={type(module).__name__} holds numbers outside its parameters and buffers that are "
            "others under every seed; register them (register_buffer), so that each seed keeps its own, "
            "or train one seed (training.num_seeds=1)"
        )
