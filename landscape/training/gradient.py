"""The gradient of the cost of a minibatch for S networks: one by one, or in one vectorised call."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from landscape.cost.contract import WEIGHT, Predict, calls_module, may_weigh
from landscape.errors import InputError
from landscape.model.contract import is_stateful
from landscape.model.dropout import Masks
from landscape.objective.forward import BatchForm, Known, inputs_and_targets, num_of
from landscape.objective.module.borrowed import Borrowed
from landscape.objective.module.call import call_of
from landscape.objective.module.safe import is_safe
from landscape.training.replay import Replays


class Gradient:
    """gradient(theta, known, masks) -> {name: [S, *shape]}, of the mean cost of each network's own minibatch.

    The mean is by weight where the cost weighs examples, over what they weigh in the minibatch.

    Running statistics go in and come out like a state: each network has its own, and the module's stay as they are.

    Args:
        module: the template; in training mode.
        cost: see ``landscape.cost``.
        masks: its dropout layers.
        vectorised: one ``torch.func.vmap`` over S; False: S must be 1 and plain autograd is used.
        counts: of the cost, where not every example counts once: the mean is over what counts in the minibatch, and the
            gradient zero where nothing does.
        form: how the tensors of a minibatch hang together, and how the module is called with them; None: x and y.

    Attributes:
        frozen: names of parameters without a gradient.
    """

    def __init__(
        self,
        module: nn.Module,
        cost: Any,
        masks: Masks,
        vectorised: bool,
        counts: Any = None,
        form: BatchForm | None = None,
    ) -> None:
        self.module, self.cost, self.masks, self.vectorised = module, cost, masks, vectorised
        self.form = BatchForm() if form is None else form
        self.frozen = frozen_in(module)
        self._last = (torch.zeros(0), torch.zeros(0))
        self.borrowed = Borrowed(module)
        self.counts, self.may_weigh = counts, counts is None and may_weigh(cost)
        self._call = partial(call_of(module, cost, self.form), module)
        # Forwards under vmap, backwards by plain autograd over what that recorded: with torch.func.grad inside, an
        # update of 32 small nets takes a fifth longer.
        self._batched = torch.func.vmap(self._costs, in_dims=(0, 0, 0, 0, 0))
        self._batched_plain = torch.func.vmap(self._costs, in_dims=(0, 0, None, 0, 0))
        # torch.utils.checkpoint runs parts of a forward pass again on the way back: they must meet the same values.
        self.may_compute_again = not is_safe(module, cost)
        # Only what is known to keep nothing is the same list of operators at every step.
        self._replays = Replays(self._named)
        self._own: dict[str, tuple[Tensor, Tensor]] = {}
        self._shares: dict[torch.Size, Tensor] = {}
        if is_stateful(module) and cost.num_draws > 1:
            raise InputError(
                f"cost={type(cost).__name__} makes {cost.num_draws} passes per example, between which a "
                f"state cannot be carried; model={type(module).__name__} has one"
            )
        if is_stateful(module) and calls_module(cost):
            raise InputError(
                f"cost={type(cost).__name__} calls the module itself, and model={type(module).__name__} carries a "
                "state from batch to batch; give a cost (outputs, batch)"
            )

    def _costs(
        self,
        theta: dict[str, Tensor],
        known: Known,
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
                    return self._call(inputs)
                outputs, after = self.module((inputs, state))
                return outputs

        try:
            values = {**theta, **buffers}
            with self.borrowed.values(values):
                x, targets = inputs_and_targets(self.cost, self.form, known)
                cost = self._weighed(predict, x, targets) if self.may_weigh else self.cost(predict, x, targets)
            buffers = {name: values[name].detach() for name in buffers}  # a module may also put another in its place
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InputError(
                f"batch norm takes its variance over a minibatch, but training.batch_size leaves one of "
                f"{num_of(known)} example; choose another, or training.drop_last=true"
            ) from error
        return cost, (tuple(part.detach() for part in after), buffers)

    def _weighed(self, predict: Predict, x: Any, targets: Any) -> Tensor:
        """Cost times weight of each example, and its weight, [2, B]."""
        channels = self.cost.channels(predict, x, targets)
        values = channels["objective"]
        weight = channels.get(WEIGHT)
        return torch.stack(
            [values, torch.ones_like(values)] if weight is None else [values * weight, weight.to(values)]
        )

    def initial_state(self, known: Known) -> tuple[Tensor, ...]:
        """What a pass over sequences starts from, [S, B, ...] each; empty where no state is carried."""
        if not is_stateful(self.module) or self.form.x is not None:  # sequences are one tensor of inputs
            return ()
        parts = [tuple(self.module.initial_state(x)) for x in known["x"]]  # type: ignore[operator]
        return tuple(torch.stack(part) for part in zip(*parts, strict=True))

    def __call__(
        self,
        theta: dict[str, Tensor],
        known: Known,
        masks: Tensor | None,
        state: tuple[Tensor, ...] = (),
        buffers: dict[str, Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...], dict[str, Tensor]]:
        """The gradient by all that is read and not frozen, and the state and the buffers after the batch.

        Args:
            theta: {name: [S, *shape]}.
            known: the minibatch, {``x``: [S, B, ...], ``y``: [S, B]} or whatever names its form has.
            masks: [S, draws, B, F] or None.
            state: of a module that carries one from block to block of its sequences, [S, B, ...] each; else empty.
            buffers: {name: [S, *shape]}, such as running statistics; left as they are.
        """
        leaves = self._leaves(theta)
        if state or buffers or self.may_compute_again:
            return self._by_autograd(leaves, known, masks, state, buffers or {})
        names, (costs, shares, *slopes) = self._replays(leaves, known, masks)
        self._last = costs, shares
        return dict(zip(names, slopes, strict=True)), (), {}

    def _named(self, leaves: dict[str, Tensor], known: Known, masks: Tensor | None) -> tuple[list[str], list[Tensor]]:
        """Of what keeps nothing from one minibatch to the next, in the form of ``Replays``."""
        slopes, *_ = self._by_autograd(leaves, known, masks, (), {})
        return list(slopes), [*self._last, *slopes.values()]

    def _by_autograd(
        self,
        leaves: dict[str, Tensor],
        known: Known,
        masks: Tensor | None,
        state: tuple[Tensor, ...],
        buffers: dict[str, Tensor],
    ) -> tuple[dict[str, Tensor], tuple[Tensor, ...], dict[str, Tensor]]:
        if self.vectorised:
            batched = self._batched_plain if masks is None else self._batched
            costs, (state, buffers) = batched(leaves, known, masks, state, buffers)
            return self._slopes(costs, leaves, costs[0].numel(), known), state, buffers
        alone = tuple(part[0] for part in state)
        own = {name: buffer[0] for name, buffer in buffers.items()}
        one = {name: values[0] for name, values in known.items()}
        costs, (after, own) = self._costs(leaves, one, None if masks is None else masks[0], alone, own)
        with ExitStack() as held:
            if self.may_compute_again:
                held.enter_context(self.borrowed.values({**leaves, **own}))
                held.enter_context(self.masks.bind(None if masks is None else masks[0]))
            slopes = self._slopes(costs, leaves, costs.numel(), known)
        gradient = {name: g.unsqueeze(0) for name, g in slopes.items()}
        return gradient, tuple(part[None] for part in after), {name: buffer[None] for name, buffer in own.items()}

    def _leaves(self, theta: dict[str, Tensor]) -> dict[str, Tensor]:
        """What autograd differentiates by, on theta's own memory; kept, since theta is updated in place."""
        for name, value in theta.items():
            if name not in self._own or self._own[name][0] is not value:
                part = value if self.vectorised else value[0]
                self._own[name] = value, part.detach().requires_grad_(name not in self.frozen)
        return {name: self._own[name][1] for name in theta}

    def _slopes(self, costs: Tensor, leaves: dict[str, Tensor], num: int, known: Known) -> dict[str, Tensor]:
        """d (sum of costs / num) / d leaf of those that a cost reads; backwards through a mean would cost 40 us."""
        leaves = {name: leaf for name, leaf in leaves.items() if name not in self.frozen}
        shares: Tensor | None
        if self.may_weigh:
            costs, weights = costs.unbind(-2)
            shares = _shares(weights.detach().double().sum(-1, keepdim=True), costs)
        else:
            shares = self._shares.get(costs.shape) if self.counts is None else self._counted(costs, known)
        if shares is None:
            shares = self._shares[costs.shape] = torch.full_like(costs, 1 / num, requires_grad=False)
        self._last = costs.detach(), shares
        slopes = torch.autograd.grad([costs], list(leaves.values()), [shares], allow_unused=True)
        pairs = zip(leaves, slopes, strict=True)
        return {name: g.to_dense() if g.is_sparse else g for name, g in pairs if g is not None}

    @property
    def costs_there(self) -> Tensor:
        """What the last gradient was of: for each network [S] the mean over what counts in its minibatch."""
        costs, shares = self._last
        return (costs * shares).sum(-1).reshape(-1)

    @property
    def cost_there(self) -> Tensor:
        """The same summed over networks."""
        costs, shares = self._last
        return (costs * shares).sum()

    def _counted(self, costs: Tensor, known: Known) -> Tensor:
        """One over what counts in each network's minibatch, as the costs [S, B] or, of one network, [B]."""
        totals = torch.stack([self.counts(y)["objective"].double().sum() for y in self.form.targets(known)])
        return _shares(totals[:, None] if costs.dim() > 1 else totals, costs)


def _shares(totals: Tensor, costs: Tensor) -> Tensor:
    """One over what counts in a minibatch, for each of its costs; 0 where nothing does."""
    return torch.where(totals > 0, 1 / totals, 0.0).to(costs.dtype).expand_as(costs)


def frozen_in(module: nn.Module) -> frozenset[str]:
    """The names of the parameters that ``requires_grad_(False)`` keeps from being trained: they are part of the point.

    Raises:
        InputError: all of them.
    """
    named = dict(module.named_parameters())
    frozen = frozenset(name for name, p in named.items() if not p.requires_grad)
    if named and len(frozen) == len(named):
        raise InputError(
            f"model={type(module).__name__} has no parameter to train: requires_grad is False for all "
            f"{len(named)}; leave some of them free, or measure lines that need no training "
            "(endpoints=points)"
        )
    return frozen
