"""What a cost is, what it may say of itself, and the one tensor of a model's outputs that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor

from landscape.errors import InputError

WEIGHT = "weight"
"""The channel [B] that says how much each example counts: J = sum w v / sum w over the whole of the data. The cost
returns v and w; w must not depend on theta."""

Predict = Callable[[Any, int], Any]
"""predict(x, draw) -> outputs; ``draw`` numbers the independent dropout masks that one example gets."""


class Cost(Protocol):
    """What a recipe minimises, per example."""

    num_draws: int
    """Independent passes per example."""

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> Mapping[str, Tensor]:
        """``{"objective": [B], ...}``; one that ends in ``error`` is reported only as measured without dropout."""


class ChecksTargets(Cost, Protocol):
    """A cost that refuses labels before any work."""

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError unless all targets fit the outputs for a few examples."""


class Counts(Cost, Protocol):
    """A cost whose examples count more or less."""

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """{channel: how much of each example counts [B]}: its mean is the sum of values over the sum of counts."""


def checks_targets(cost: Any) -> TypeGuard[ChecksTargets]:
    """Whether a cost looks at targets."""
    return hasattr(cost, "check_targets")


def has_counts(cost: Any) -> TypeGuard[Counts]:
    """Whether a cost says how much of each example counts."""
    return hasattr(cost, "counts")


def takes_batch(cost: Any) -> bool:
    """Whether a cost gets the whole batch, as it came, in place of its targets."""
    return bool(getattr(cost, "takes_batch", False))


def calls_module(cost: Any) -> bool:
    """Whether a cost calls the module itself: ``cost.call(module, batch)`` is then what ``predict(batch, 0)`` gives."""
    return bool(getattr(cost, "calls_module", False))


def may_weigh(cost: Any) -> bool:
    """Whether a cost may have a channel ``weight``; those of the house say so, of another's it is not known."""
    return bool(getattr(cost, "may_weigh", not type(cost).__module__.startswith("landscape.")))


def is_of_batch(cost: Any) -> bool:
    """Whether a cost gave one value for all examples of a batch, so that noise per example is not known."""
    return bool(getattr(cost, "is_of_batch", False))


def derived_of(cost: Any) -> Mapping[str, tuple[str, Callable[[Any], Any]]]:
    """{name: (channel, function)}: numbers that are functions of a channel's mean, as a perplexity is."""
    found: Mapping[str, tuple[str, Callable[[Any], Any]]] = getattr(cost, "derived", {})
    return found


def wants_of(cost: Any) -> str:
    """What a cost asks of a model, in words."""
    return str(getattr(cost, "wants", "it must map x [B, ...] to logits [B, C]"))


def jumps_of(cost: Any) -> str:
    """Why a cost has no slope along a path; empty where it has one."""
    return str(getattr(cost, "jumps", ""))


def tensor_of(outputs: Any, name: str | int | None = None, has_name: bool = True) -> Tensor:
    """The tensor itself; of a dict, named tuple, tuple or list the entry ``logits``, else the only tensor among them.

    Args:
        name: of the entry to take instead: a key, an attribute or a position. A model that returns one tensor when it
            is evaluated and several when it is trained may have a name all the same.
        has_name: the cost takes one.

    Raises:
        InputError: there is no such entry, several tensors and none called ``logits``, or no tensor at all.
    """
    if isinstance(outputs, Tensor):
        return wide(outputs)
    entries = _entries(outputs)
    wanted = "logits" if name is None else name
    if wanted in entries and isinstance(entries[wanted], Tensor):
        return wide(entries[wanted])
    tensors = {id(v): v for v in entries.values() if isinstance(v, Tensor)}  # a named tuple's go by two names
    if name is None and len(tensors) == 1:
        return wide(next(iter(tensors.values())))
    if not entries:
        raise InputError(
            f"the model returns a {type(outputs).__name__}; a cost reads one tensor, or a dict or tuple "
            "that holds it: let forward return the logits"
        )
    entry = wanted if name is None else f"cost.output={name}"
    if isinstance(entries.get(wanted), Mapping | tuple | list):
        of = f"{type(entries[wanted]).__name__} of {', '.join(map(str, _entries(entries[wanted]))) or 'nothing'}"
        raise InputError(
            f"the model returns a {type(outputs).__name__} whose {entry} is itself a {of}, and a cost "
            "reads one tensor; let forward return that tensor beside the others"
        )
    kinds = ", ".join(f"{key} ({_kind(value)})" for key, value in entries.items())
    missing = "none is called logits" if name is None else f"none is cost.output={name}"
    name_it = ", or name the tensor that the cost is to read by +cost.output=NAME (a key or a position; in "
    name_it += "Python CrossEntropy(output=NAME))"
    how = f"{name_it}; the others then enter no cost" if has_name else ""
    raise InputError(
        f"the model returns a {type(outputs).__name__} of {kinds}, and {missing}; let forward return the "
        f"logits alone{how}"
    )


def wide(outputs: Tensor) -> Tensor:
    """In float32 at least, as under autocast: in half precision the cost of an example has two or three digits."""
    return outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs


def check_name(name: object) -> None:
    """Raise InputError unless ``cost.output`` is a key, a position or None."""
    if name is not None and (isinstance(name, bool) or not isinstance(name, str | int)):
        raise InputError(f"cost.output={name!r} must be the key or the position of a model's output, or null")


def _entries(outputs: Any) -> dict[str | int, Any]:
    if isinstance(outputs, Mapping):
        return {key: value for key, value in outputs.items() if isinstance(key, str | int)}
    if isinstance(outputs, tuple | list):
        entries: dict[str | int, Any] = dict(enumerate(outputs))
        entries.update(zip(getattr(outputs, "_fields", ()), outputs, strict=False))
        return entries
    return {key: value for key, value in getattr(outputs, "__dict__", {}).items() if isinstance(value, Tensor)}


def _kind(value: Any) -> str:
    return f"[{', '.join(map(str, value.shape))}]" if isinstance(value, Tensor) else type(value).__name__
