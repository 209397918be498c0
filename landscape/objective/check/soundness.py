"""Whether an objective is a function of theta and of each example alone: seen on a few examples, when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape.cost.contract import WEIGHT, is_of_batch
from landscape.data.split import Split
from landscape.errors import InputError
from landscape.model.contract import has_example
from landscape.objective.batch import Batches, Buffers
from landscape.objective.check.conduct import FEW
from landscape.objective.check.fitting import check_extremes, check_finite, fitting, showing_targets
from landscape.objective.check.kept import check_keeps_nothing, check_memory
from landscape.objective.forward import ForwardPass, Known, cut, num_of
from landscape.objective.module.watch import Watch, changes

ALONE = {torch.float32: 1e-3, torch.float64: 1e-8}
"""Relative to the size of the costs: more than rounding does to them when other examples leave the batch."""


SOME = 32
"""Examples that show what a module makes of them: the work of one point, of few examples, and not of several."""


def check(batches: Batches, original: nn.Module, buffers: Buffers) -> frozenset[str]:
    """What a forward pass writes into, by name: ``x``, ``y``, ``theta``, ``buffer NAME``.

    Args:
        batches: of the objective; its pass copies from here on what is written into.
        original: the module that the template is a copy of.
        buffers: of the first row.

    Raises:
        InputError: an output of the wrong shape; a cost that is not a function of theta, or of the example alone.
    """
    split = batches.split
    check_finite(batches, split, buffers)
    if not batches.forward.is_safe:
        check_memory(original)
    written = _written(batches, original, buffers)
    forward = batches.forward = batches.forward.but(written=written)
    module, cost = forward.module, type(forward.cost).__name__
    batch, name = batches.few(SOME, buffers), forward.name
    few = num_of(batch.known[0, 0])
    with fitting(module, forward.cost, split.x), forward.masks.watched() as idle:
        first, second = (batch.channels(forward.off_start(), keeps_theta=False)[0] for _ in range(2))
    if idle and has_example(module):  # its training pass takes more than x, and was not made
        raise InputError(
            f"cost {cost} leaves {len(idle)} of the {len(forward.masks)} mask layers of "
            f"model={name} unused: it is not the cost that this model is made for, and its masks would change "
            "nothing; choose another cost (cost=multi_prediction for model=mpdbm) or another model"
        )
    if "objective" not in first:
        raise InputError(
            f"cost {cost} has the channels {', '.join(first) or 'none'}, and "
            "needs one called objective, J of each example"
        )
    if first["objective"].is_complex():
        raise InputError(
            f"model={name} with cost {cost} gives a complex cost, and J is a "
            "real number; take its real part, absolute value or square"
        )
    _check_weights(name, cost, first.get(WEIGHT), few)
    forward = batches.forward = forward.but(weighs=WEIGHT in first)
    shape = tuple(first["objective"].shape)
    if shape != (few,):
        raise InputError(
            f"model={name} with cost {cost} gives a cost of shape {shape}, not one value per "
            f"example ({few},); it must map x [B, ...] to logits [B, C]"
        )
    _check_repeats(name, first, second)
    if not forward.is_safe:
        with fitting(module, forward.cost, split.x):
            check_keeps_nothing(batches, original, buffers)
    if few > 1 and split.num_streams is None and not is_of_batch(forward.cost):
        _check_alone(forward, batch.known[0, 0], None if batch.drawing else second["objective"])
    if gains_innermost(forward, split):
        batches.forward = _innermost(forward, batch.known[0, 0], second)
    if split.num_streams is None:  # blocks of sequences cost too much for every objective
        check_extremes(batches, split, buffers)
    return written


def gains_innermost(forward: ForwardPass, split: Split) -> bool:
    """Whether a module is quicker where the channels of images lie innermost in memory.

    On a CPU torch pools such images by vectors, and normalises them by batch at once; by group it does not.
    """
    if not isinstance(split.x, Tensor) or split.x.dim() != 4 or forward.device.type != "cpu":
        return False
    kinds = {type(part) for part in forward.module.modules()}
    is_slow = any(issubclass(kind, nn.GroupNorm | nn.modules.instancenorm._InstanceNorm) for kind in kinds)
    return forward.dtype == torch.float32 and nn.Conv2d in kinds and not is_slow


def _innermost(forward: ForwardPass, known: Known, values: Mapping[str, Tensor]) -> ForwardPass:
    """The pass with channels innermost, where the module takes images so and they cost what they do otherwise."""
    other = forward.but(is_innermost=True)
    try:
        with torch.no_grad():
            found, _ = other.on_copies(forward.off_start(), cut(known, 0, FEW), None, keeps_theta=False)
    except torch.OutOfMemoryError:
        raise
    except Exception:  # whatever a module does not allow, such as a view of what lies otherwise
        return forward
    for name, value in found.items():
        expected = values[name][: len(value)].double()
        slack = ALONE[forward.dtype] * max(float(expected.abs().nan_to_num(0.0, 0.0, 0.0).mean()), 1e-30)
        if name == "objective" and not float((value.double() - expected).abs().nan_to_num(0.0).max()) <= slack:
            return forward
    return other


def _check_weights(name: str, cost: str, weights: Tensor | None, few: int) -> None:
    """Raise InputError unless the weights of a cost are numbers of 0 or more, one per example."""
    if weights is None:
        return
    if tuple(weights.shape) != (few,) or not bool((weights.isfinite() & (weights >= 0)).all()):
        raise InputError(
            f"model={name} with cost {cost} gives weights of shape {tuple(weights.shape)}, "
            f"{weights.flatten()[:4].tolist()} to begin with; they must be ({few},) finite numbers of 0 or more, "
            "one per example"
        )


def _written(batches: Batches, original: nn.Module, buffers: Buffers) -> frozenset[str]:
    """One pass in evaluation mode, watched."""
    forward = batches.forward
    known, theta = batches.few(FEW, {n: b.clone() for n, b in buffers.items()}).known[0, 0], forward.off_start()
    weights: dict[str, Tensor] = {
        f"weight {n}": p for n, p in forward.module.named_parameters() if n in forward.layout.names
    }
    weights |= {f"weight {n} of the module that was given": p.detach() for n, p in original.named_parameters()}
    watch = Watch({**weights, **known, "theta": theta}, forward.module)
    with (
        fitting(forward.module, forward.cost, batches.split.x),
        torch.no_grad(),
        changes(forward.module) as changed,
        watch.running(),
    ):
        values, _ = showing_targets(forward, batches.split, goes_on=True)(theta, known, None)
        if watch.drawing:  # perhaps for nothing that J depends on, perhaps seldom
            for _ in range(8):
                _check_repeats(forward.name, values, forward(theta, known, None)[0])
    stale = sorted(name for name in watch.read if name.startswith("weight "))
    if stale:
        raise InputError(
            f"model={forward.name} reads {stale[0]} otherwise than by that name (a list, a closure "
            "or a bound function holds it too), so that a path would not move what its forward reads; let forward "
            "read its registered parameters"
        )
    return frozenset({*watch.written, *(f"buffer {name}" for name in changed)})


def _check_repeats(name: str, first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    if any(not torch.equal(first[n].nan_to_num(), second[n].nan_to_num()) for n in first):
        raise InputError(
            f"model={name} gives two different costs at one theta; remove the randomness "
            "that evaluation mode leaves on, or use landscape.model.Dropout, whose masks can be fixed"
        )


def _check_alone(forward: ForwardPass, known: Known, costs: Tensor | None) -> None:
    """Half of the examples must cost alone what they do beside all: also without first and last.

    Args:
        costs: [B] beside all, if they are known.
    """
    num = num_of(known)
    half = num // 2
    first = (num - half + 1) // 2
    part = cut(known, first, half)

    def cost(given: Known) -> Tensor:
        return forward.on_copies(forward.off_start(), given, None, keeps_theta=False)[0]["objective"].double()

    with torch.no_grad():
        beside = (cost(known) if costs is None else costs.double())[first : first + half]
        try:
            alone = cost(part)
        except (RuntimeError, ValueError):  # batch norm without statistics takes two examples at least
            alone = torch.full_like(beside, math.inf)
    size = float(beside.abs().nan_to_num(0.0, 0.0, 0.0).mean())
    apart, slack = (alone - beside).abs().nan_to_num(0.0), ALONE[forward.dtype] * max(size, 1e-30)
    if float(apart.mean()) <= slack or int((apart > slack).sum()) < min(2, half):  # one may stand at a jump
        return
    norms = [n for n, m in forward.module.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is None]
    advice = (
        "use batch norm with track_running_stats=True and objective.running_statistics=recalibrate, or a norm within "
        "the example such as layer or group norm"
        if norms
        else "look in model and cost for what mixes examples (a mean, a softmax or a product over the first axis) or "
        "goes by their place in the batch"
    )
    why = f" ({', '.join(norms[:3])} normalises by the batch at hand)" if norms else ""
    raise InputError(
        f"model={forward.name} with cost {type(forward.cost).__name__} gives an example another "
        f"cost where other examples are beside it{why}, so that J would depend on objective.batch_size; {advice}"
    )
