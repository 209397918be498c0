"""What is tried before training: one gradient of a few examples, and whether seeds may train in one vectorised call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.contract import is_stateful
from landscape.model.dropout import Masks
from landscape.parameters import ParameterLayout, beside
from landscape.training.gradient import Gradient, frozen_in
from landscape.training.optimizer import is_elementwise, name_of

log = logging.getLogger(__name__)

VECTORISE_BELOW = 200_000
"""Parameters per network under which vmap over seeds won on a CPU (digits net 2 to 4 times; a 2.4 M net lost)."""
NEAR = 0.01
"""Part of a gradient by which two ways to the same one may differ."""


def check_training(module: nn.Module, cost: Any, x: Tensor, y: Tensor) -> None:
    """Raise InputError if the module in training mode does not fit data and cost: it may return something else there.

    Args:
        module: one of the networks, which is left as it is.
        x, y: a few training examples.
    """
    was_training = module.training
    devices = [x.device] if x.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            masks = Masks(module, x[:1], cost.num_draws)
            drawn = masks.draw(len(x), torch.Generator(device=x.device).manual_seed(0))[None] if len(masks) else None
            gradient = Gradient(module.train(), cost, masks, vectorised=False)
            state = gradient.initial_state(x[None]) if is_stateful(module) else ()
            theta, buffers = ({n: t.detach()[None] for n, t in part.items()} for part in tensors_of(module))
            # Some modules write into what they are given.
            gradient(theta, x.clone()[None], y.clone()[None], drawn, state, buffers)
    except (torch.OutOfMemoryError, InputError):
        raise
    except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
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
    example: tuple[Tensor, Tensor],
    vectorise: bool | None,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    other: nn.Module | None = None,
) -> list[list[int]]:
    """Which seeds train together: all in one group, or each alone, which is the same up to rounding.

    Args:
        seeds: all that are wanted.
        module: one of the networks.
        example: (x [B, ...], y [B]), a few examples to try a vectorised call on.
        vectorise: True or False to force; None to choose by size and device.
        optimizer: its maker; seeds are only stacked under one that works element by element.
        other: the network of another seed, which must be what ``module`` is with the other's parameters and buffers.

    Raises:
        InputError: ``other`` is not.
    """
    frozen = frozen_in(module)
    if other is not None and frozen_in(other) != frozen:
        names = ", ".join(sorted(frozen ^ frozen_in(other))[:3])
        raise InputError(
            f"model={type(module).__name__} freezes other parameters under one seed than under another "
            f"({names}); freeze the same in all, or train one seed (training.num_seeds=1)"
        )
    if other is not None and _keep_other_things(module, other):
        _check_alike(module, other, cost, example)
    alone = [[seed] for seed in seeds]
    if vectorise is False or len(seeds) == 1:
        return alone
    why_not = _why_not_vectorised(module, cost, example, vectorise, optimizer, other)
    if why_not:
        log.info("training %d seeds one after the other: %s", len(seeds), why_not)
        return alone
    return [list(seeds)]


def _why_not_vectorised(
    module: nn.Module,
    cost: Any,
    example: tuple[Tensor, Tensor],
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
        is_same = _is_same_vectorised(module.train(), cost, example, other)
    except RuntimeError as error:
        return f"{type(module).__name__} cannot be vectorised ({str(error).splitlines()[0]})"
    finally:
        module.train(was_training)
    return "" if is_same else f"{type(module).__name__} has other gradients when vectorised"


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
        state = call.initial_state(xs) if is_stateful(module) else ()
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
                state = call.initial_state(x[None]) if is_stateful(through) else ()
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
