"""What is tried before training: one gradient of a few examples, and whether seeds may train in one vectorised call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.data.split import Split
from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.objective.forward import BatchForm, masks_of
from landscape.objective.module.call import Call
from landscape.parameters import ParameterLayout, beside
from landscape.training.gradient import Gradient, frozen_in
from landscape.training.optimizer import is_elementwise, name_of

log = logging.getLogger(__name__)

VECTORISE_BELOW = 200_000
"""Parameters per network under which vmap over seeds won on a CPU (digits net 2 to 4 times; a 2.4 M net lost)."""
Point = tuple[dict[str, Tensor], dict[str, Tensor]]
"""What theta is made of, and the buffers beside it."""
NEAR = 0.01
"""Part of a gradient by which two ways to the same one may differ."""


@dataclass(frozen=True)
class Trial:
    """A few examples and masks, on which gradients are tried.

    Args:
        few: the examples.
        form: how they hang together.
        masks: the module's dropout.
        drawn: masks of it, [draws, B, F].
    """

    few: Split
    form: BatchForm
    masks: Masks
    drawn: Tensor | None

    @classmethod
    def of(cls, module: nn.Module, cost: Any, few: Split, call: Call | None = None) -> Trial:
        """With the masks of a fixed seed."""
        form = BatchForm.of(few, call)
        masks = masks_of(module, cost, few, form)
        generator = torch.Generator(device=few.x.device).manual_seed(0)
        return cls(few, form, masks, masks.draw(len(few), generator) if len(masks) else None)

    def gradient(self, module: nn.Module, cost: Any, points: Sequence[Point]) -> list[Tensor]:
        """The gradient [P] at each point, by one vectorised call where there are several."""
        num = len(points)
        call = Gradient(module, cost, self.masks, num > 1, form=self.form)
        theta, buffers = (
            {name: torch.stack([point[part][name] for point in points]) for name in points[0][part]} for part in (0, 1)
        )
        # Stacked, they are copies: some modules write into what they are given.
        known = {name: torch.stack([leaf] * num) for name, leaf in self.few.leaves.items()}
        masks = None if self.drawn is None else torch.stack([self.drawn] * num)
        found, *_ = call(theta, known, masks, call.initial_state(known), buffers)
        return [torch.cat([slope[k].flatten() for slope in found.values()]) for k in range(num)]


def check_training(module: nn.Module, cost: Any, few: Split, call: Call | None = None) -> None:
    """Raise InputError if the module in training mode does not fit data and cost: it may return something else there.

    Args:
        module: one of the networks, which is left as it is.
        few: some training examples.
        call: (module, inputs) -> outputs, where the module is called in another way.
    """
    was_training, device = module.training, few.x.device
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            trial = Trial.of(module, cost, few, call)
            trial.gradient(module.train(), cost, [tensors_of(module)])
    except (torch.OutOfMemoryError, InputError):
        raise
    except (RuntimeError, IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"model={type(module).__name__} does not fit data and cost {type(cost).__name__} in training mode: it "
            f"failed with: {error}"
        ) from error
    finally:
        module.train(was_training)


def groups_of(
    seeds: Sequence[int],
    module: nn.Module,
    cost: Any,
    example: Any,
    vectorise: bool | None,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    other: nn.Module | None = None,
) -> list[list[int]]:
    """Which seeds train together: all in one group, or each alone, which is the same up to rounding.

    Args:
        seeds: all that are wanted.
        module: one of the networks.
        example: a few examples to try a vectorised call on, a ``Split`` or a batch that ``Split.of`` takes.
        vectorise: True or False to force; None to choose by size and device.
        optimizer: its maker; seeds are only stacked under one that works element by element.
        other: the network of another seed, which must be what ``module`` is with the other's parameters and buffers.

    Raises:
        InputError: ``other`` is not.
    """
    frozen, few = frozen_in(module), Split.of(example)
    if other is not None and frozen_in(other) != frozen:
        names = ", ".join(sorted(frozen ^ frozen_in(other))[:3])
        raise InputError(
            f"model={type(module).__name__} freezes other parameters under one seed than under another "
            f"({names}); freeze the same in all, or train one seed (training.num_seeds=1)"
        )
    if other is not None and _keep_other_things(module, other):
        _check_alike(module, other, cost, few)
    alone = [[seed] for seed in seeds]
    if vectorise is False or len(seeds) == 1:
        return alone
    why_not = _why_not_vectorised(module, cost, few, vectorise, optimizer, other)
    if why_not:
        log.info("training %d seeds one after the other: %s", len(seeds), why_not)
        return alone
    return [list(seeds)]


def _why_not_vectorised(
    module: nn.Module,
    cost: Any,
    few: Split,
    vectorise: bool | None,
    optimizer: Callable[..., torch.optim.Optimizer] | None,
    other: nn.Module | None,
) -> str:
    """Why seeds cannot or should not train in one vectorised call; empty where they may."""
    num_parameters = sum(p.numel() for p in module.parameters())
    on_cpu = all(p.device.type == "cpu" for p in module.parameters())
    if optimizer is not None and not is_elementwise(optimizer):
        return f"optimizer {name_of(optimizer)} is not known to work element by element"
    if vectorise is None and on_cpu and num_parameters > VECTORISE_BELOW:
        return f"{num_parameters} parameters are too many for vmap to pay on a CPU"
    was_training = module.training
    try:
        is_same = _is_same_vectorised(module.train(), cost, few, other)
    except RuntimeError as error:
        return f"{type(module).__name__} cannot be vectorised ({str(error).splitlines()[0]})"
    finally:
        module.train(was_training)
    return "" if is_same else f"{type(module).__name__} has other gradients when vectorised"


def _is_same_vectorised(module: nn.Module, cost: Any, few: Split, other: nn.Module | None) -> bool:
    """Whether two networks in one vectorised call get the gradients that each gets alone, to 1 %."""
    trial, both = Trial.of(module, cost, few), [tensors_of(m) for m in (module, other or module)]
    together = [g for _ in range(2) for g in trial.gradient(module, cost, both)]  # twice: it may remember the last call
    alone = [trial.gradient(module, cost, [one])[0] for one in both] * 2
    return all(
        not (a.isfinite().all() and b.isfinite().all()) or float((a - b).norm()) <= NEAR * float(b.norm())
        for a, b in zip(together, alone, strict=True)
    )


def tensors_of(module: nn.Module) -> Point:
    """What theta is made of, and what lies beside it."""
    named = dict(module.named_parameters())
    theta = {name: named[name].detach() for name in ParameterLayout.of(module).names}
    return theta, {name: buffer.detach() for name, buffer in beside(module).items()}


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


def _check_alike(module: nn.Module, other: nn.Module, cost: Any, few: Split) -> None:
    """Refuse networks that differ in more than parameters and buffers: there is one module that measures them all."""
    trials = {id(m): Trial.of(m, cost, few) for m in (module, other)}

    def gradient(through: nn.Module) -> Tensor:
        was_training = through.training
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return trials[id(through)].gradient(through.train(), cost, [tensors_of(other)])[0]
        finally:
            through.train(was_training)

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
