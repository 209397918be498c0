"""What a function returned for a batch, as channels [B]: values, values with weights, or a dict of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from landscape.cost.contract import WEIGHT
from landscape.cost.labels import per_example
from landscape.errors import InputError

WANTED = (
    "return one value per example [B], or [B, ...] to be averaged over the further axes; (values, weights); or a dict "
    "with 'objective' in it and perhaps 'weight'"
)
DEEPEST = 8
"""Containers within containers that are looked through."""


class Values(NamedTuple):
    """Channels {name: [B]}, and whether they are those of the whole batch, the same for all its examples."""

    channels: dict[str, Tensor]
    is_of_batch: bool


def channels_of(given: Any, num: int | None, name: str) -> Values:
    """What a function called ``name`` gave for ``num`` examples, as channels.

    With weights w the value of an example is sum w v / sum w over its further axes, and the channel ``weight`` sum w.

    Raises:
        InputError: it is none of what a cost may give; weights are negative or not finite.
    """
    if isinstance(given, Mapping):
        if "objective" not in given:
            raise InputError(
                f"cost={name} gives a dict of {', '.join(map(str, given)) or 'nothing'} without 'objective', the value "
                f"of each example that J is the mean of; {WANTED}"
            )
        channels = {str(key): values for key, values in given.items() if key != WEIGHT}
        weight = given.get(WEIGHT)
    elif isinstance(given, tuple | list) and len(given) == 2:
        channels, weight = {"objective": given[0]}, given[1]
    else:
        channels, weight = {"objective": given}, None
    for key, values in channels.items():
        if not isinstance(values, Tensor):
            what = (
                f"{type(given).__name__} of {len(given)}" if values is given and isinstance(given, tuple | list) else ""
            )
            raise InputError(f"cost={name} gives {_of(key)}a {what or type(values).__name__}, no tensor; {WANTED}")
    like = channels["objective"]
    if like.dim() == 0:
        return _of_batch(channels, weight, num, name)
    if isinstance(weight, int | float) or (isinstance(weight, Tensor) and weight.dim() == 0):
        raise InputError(
            f"cost={name} gives values {_shape(like)} with one weight for them all; give the weight of each, [B]"
        )
    for key, values in channels.items():
        if values.dim() == 0 or (num is not None and len(values) != num):
            what = "one number" if values.dim() == 0 else f"values {_shape(values)}"
            raise InputError(f"cost={name} gives {_of(key)}{what} for a batch of {num or 'some'} examples; {WANTED}")
    if weight is None:
        return Values({key: per_example(_real(values, like), values.shape) for key, values in channels.items()}, False)
    return Values(_weighed(channels, _weights(weight, name, like), name), False)


def first_tensor(value: Any, depth: int = DEEPEST) -> Tensor | None:
    """The first tensor in containers; None if there is none."""
    if isinstance(value, Tensor) or not depth:
        return value if isinstance(value, Tensor) else None
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | tuple | list):
        parts = vars(value).values() if hasattr(value, "__dict__") and not isinstance(value, type) else ()
    found = (first_tensor(part, depth - 1) for part in parts)
    return next((tensor for tensor in found if tensor is not None), None)


def num_of(batch: Any) -> int | None:
    """B, the examples of a batch whose tensors share their first axis; None if it holds none."""
    tensor = first_tensor(batch)
    return None if tensor is None or tensor.dim() == 0 else len(tensor)


def _of_batch(channels: Mapping[str, Tensor], weight: Any, num: int | None, name: str) -> Values:
    """Numbers for all examples at once, spread over them so that sums over batches are right."""
    like = channels["objective"]
    stands_for = torch.as_tensor(weight) if isinstance(weight, int | float) and not isinstance(weight, bool) else weight
    if weight is None:
        raise InputError(
            f"cost={name} gives one number for them all, and a mean of means over batches that are not equal cannot be "
            "undone; return the value of each example [B] (reduction='none'), or (number, how many examples or labels "
            "it is the mean of)"
        )
    if not isinstance(stands_for, Tensor) or stands_for.dim() or any(values.dim() for values in channels.values()):
        found = _shape(weight) if isinstance(weight, Tensor) else type(weight).__name__
        raise InputError(
            f"cost={name} gives one number for them all with weights {found}; beside one number stands how many "
            f"examples or labels it is the mean of, a number too; else {WANTED}"
        )
    total = _weights(stands_for, name, like).to(like.device)
    spread = {key: torch.where(total > 0, _real(v, like), 0.0).expand(num or 1) for key, v in channels.items()}
    return Values({**spread, WEIGHT: (total / (num or 1)).expand(num or 1)}, True)


def _weighed(channels: Mapping[str, Tensor], weights: Tensor, name: str) -> dict[str, Tensor]:
    total = weights.flatten(1).sum(dim=1) if weights.dim() > 1 else weights
    found = {}
    for key, given in channels.items():
        values, w = (
            _real(given, channels["objective"]),
            weights if key == "objective" or given.dim() >= weights.dim() else total,
        )
        if values.shape[: w.dim()] != w.shape:
            raise InputError(
                f"cost={name} gives {_of(key)}values {_shape(values)} with weights {_shape(w)}; give one weight per "
                "value, or one per example [B]"
            )
        values = values.flatten(w.dim()).mean(dim=-1) if values.dim() > w.dim() else values
        counted = torch.where(w == 0, 0.0, values)  # what does not count may be anything, NaN too
        if w.dim() > 1:
            counted = (w * counted).flatten(1).sum(dim=1) / torch.where(total == 0, 1.0, total)
        found[key] = counted
    return {**found, WEIGHT: total}


def _weights(weight: Any, name: str, like: Tensor) -> Tensor:
    """Weights as numbers that are precise enough for counts; NaN where they are negative and nobody can look."""
    if not isinstance(weight, Tensor):
        raise InputError(f"cost={name} gives weights that are a {type(weight).__name__}, no tensor; {WANTED}")
    if weight.is_complex():
        raise InputError(f"cost={name} gives complex weights; give how much each example counts, 0 or more")
    weight = _real(weight, like).detach()
    is_right = (weight >= 0) & weight.isfinite()
    try:
        wrong = None if bool(is_right.all()) else float(weight[~is_right].flatten()[0])
    except RuntimeError:  # inside vmap or a trace, where values are not to be looked at
        wrong = None
    if wrong is not None:
        raise InputError(f"cost={name} gives the weight {wrong:g}; weights must be finite, and 0 or more")
    return torch.where(is_right, weight, torch.nan)


def _real(values: Tensor, like: Tensor) -> Tensor:
    """Truth values and whole numbers in the precision of the objective, which is float32 at least."""
    if values.is_floating_point() or values.is_complex():
        return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    return values.to(torch.promote_types(like.dtype, torch.float32))


def _of(key: str) -> str:
    return "" if key == "objective" else f"as its channel {key} "


def _shape(values: Tensor) -> str:
    return f"[{', '.join(map(str, values.shape))}]"
