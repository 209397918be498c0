"""Whether an objective is a function of theta and of each example alone: seen on a few examples, when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape.errors import InputError
from landscape.objective.fitting import check_extremes, check_finite, fitting, targets_checked
from landscape.objective.module.conduct import FEW, changes, few_of, off_start
from landscape.objective.module.kept import check_keeps_nothing, check_memory
from landscape.objective.module.watch import Watch

if TYPE_CHECKING:
    from landscape.objective.objective import Objective

AXES = {"x": 0, "y": 0, "masks": 1}
"""Where the examples lie in what a batch brings besides theta."""
ALONE = {torch.float32: 1e-3, torch.float64: 1e-8}
"""Relative to the size of the costs: more than rounding does to them when other examples leave the batch."""


def check(objective: Objective, original: nn.Module) -> frozenset[str]:
    """What a forward pass writes into, by name: ``x``, ``y``, ``theta``, ``buffer NAME``.

    Args:
        original: the module that the objective's own is a copy of.

    Raises:
        InputError: an output of the wrong shape; a cost that is not a function of theta, or of the example alone.
    """
    check_finite(objective, objective.split)
    if not objective.is_safe:
        check_memory(original)
    written = _written(objective, original)
    objective.written = written
    x, y = few_of(objective, 64)
    few, theta = len(x), off_start(objective)
    masks = objective._masks(0, few, 1)
    name = type(objective.module).__name__
    own = objective.statistics.of(objective.buffers, 0)
    with fitting(objective), objective.masks.watched() as idle:
        first, _ = objective._channels(theta, x, y, 0, 0, 0, masks, None, own)
        second, _ = objective._channels(theta, x, y, 0, 0, 0, masks, None, own)
    if idle and hasattr(objective.module, "example"):  # its training pass takes more than x, and was not made
        raise InputError(
            f"cost {type(objective.cost).__name__} leaves {len(idle)} of the {len(objective.masks)} mask layers of "
            f"model={name} unused: it is not the cost that this model is made for, and its masks would change "
            "nothing; choose another cost (cost=multi_prediction for model=mpdbm) or another model"
        )
    if "objective" not in first:
        raise InputError(
            f"cost {type(objective.cost).__name__} has the channels {', '.join(first) or 'none'}, and "
            "needs one called objective, J of each example"
        )
    if first["objective"].is_complex():
        raise InputError(
            f"model={name} with cost {type(objective.cost).__name__} gives a complex cost, and J is a "
            "real number; take its real part, absolute value or square"
        )
    shape = tuple(first["objective"].shape)
    if shape != (few,):
        raise InputError(
            f"model={name} with cost {type(objective.cost).__name__} gives a cost of shape {shape}, not one value per "
            f"example ({few},); it must map x [B, ...] to logits [B, C]"
        )
    _check_repeats(objective, first, second)
    if not objective.is_safe:
        with fitting(objective):
            check_keeps_nothing(objective, original)
    if few > 1 and objective.split.num_streams is None:
        _check_alone(objective, theta, objective._known(x, y, own, None if masks is None else masks[0][0]))
    if objective.split.num_streams is None:  # blocks of sequences cost too much for every objective
        check_extremes(objective, objective.split)
    return written


def _written(objective: Objective, original: nn.Module) -> frozenset[str]:
    """One pass in evaluation mode, watched."""
    x, y = few_of(objective, FEW)
    masks = objective._masks(0, len(x), 1)
    own = {n: b.clone() for n, b in objective.statistics.of(objective.buffers, 0).items()}
    theta = off_start(objective)
    known = objective._known(x, y, own, None if masks is None else masks[0][0])
    weights: dict[str, Tensor] = {
        f"weight {n}": p for n, p in objective.module.named_parameters() if n in objective.layout.names
    }
    weights |= {f"weight {n} of the module that was given": p.detach() for n, p in original.named_parameters()}
    watch = Watch({**weights, **known, "theta": theta}, objective.module)
    with fitting(objective), torch.no_grad(), changes(objective.module) as changed, watch.running():
        with targets_checked(objective, objective.split.y, goes_on=True):
            values, _ = objective._forward(theta, known, None)
        if watch.drawing:  # perhaps for nothing that J depends on, perhaps seldom
            for _ in range(8):
                _check_repeats(objective, values, objective._forward(theta, known, None)[0])
    stale = sorted(name for name in watch.read if name.startswith("weight "))
    if stale:
        raise InputError(
            f"model={type(objective.module).__name__} reads {stale[0]} otherwise than by that name (a list, a closure "
            "or a bound function holds it too), so that a path would not move what its forward reads; let forward "
            "read its registered parameters"
        )
    return frozenset({*watch.written, *(f"buffer {name}" for name in changed)})


def _check_repeats(objective: Objective, first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    if any(not torch.equal(first[n].nan_to_num(), second[n].nan_to_num()) for n in first):
        raise InputError(
            f"model={type(objective.module).__name__} gives two different costs at one theta; remove the randomness "
            "that evaluation mode leaves on, or use landscape.model.Dropout, whose masks can be fixed"
        )


def _check_alone(objective: Objective, theta: Tensor, known: Mapping[str, Tensor]) -> None:
    """Half of the examples must cost without the others what they cost beside them."""
    half = len(known["x"]) // 2
    part = {n: v.narrow(AXES[n], 0, half) if n in AXES else v for n, v in known.items()}
    with torch.no_grad():
        beside = objective._apart(theta, known, None)[0]["objective"][:half].double()
        try:
            alone = objective._apart(theta, part, None)[0]["objective"].double()
        except (RuntimeError, ValueError):  # batch norm without statistics takes two examples at least
            alone = torch.full_like(beside, math.inf)
    size = float(beside.abs().nan_to_num(0.0, 0.0, 0.0).mean())
    apart, slack = (alone - beside).abs().nan_to_num(0.0), ALONE[objective.dtype] * max(size, 1e-30)
    if float(apart.mean()) <= slack or int((apart > slack).sum()) < min(2, half):  # one may stand at a jump
        return
    norms = [n for n, m in objective.module.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is None]
    advice = (
        "use batch norm with track_running_stats=True and objective.running_statistics=recalibrate, or a norm within "
        "the example such as layer or group norm"
        if norms
        else "look in model and cost for what mixes examples: a mean, a softmax or a product over the first axis"
    )
    why = f" ({', '.join(norms[:3])} normalises by the batch at hand)" if norms else ""
    raise InputError(
        f"model={type(objective.module).__name__} with cost {type(objective.cost).__name__} gives an example another "
        f"cost where other examples are beside it{why}, so that J would depend on objective.batch_size; {advice}"
    )
