"""The one tensor of a model's outputs that a cost reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from landscape.errors import InputError


def tensor_of(outputs: Any, name: str | int | None = None, has_name: bool = True) -> Tensor:
    """The tensor itself; of a dict, named tuple, tuple or list the entry ``logits``, else the only tensor among them.

    Args:
        name: of the entry to take instead: a key, an attribute or a position. A model that returns one tensor when it
            is evaluated and several when it is trained may have a name all the same. has_name: the cost takes one.

    Raises:
        InputError: there is no such entry, several tensors and none called ``logits``, or no tensor at all.
    """
    if isinstance(outputs, Tensor):
        return outputs
    entries = _entries(outputs)
    wanted = "logits" if name is None else name
    if wanted in entries and isinstance(entries[wanted], Tensor):
        found: Tensor = entries[wanted]
        return found
    tensors = {id(v): v for v in entries.values() if isinstance(v, Tensor)}  # a named tuple's go by two names
    if name is None and len(tensors) == 1:
        return next(iter(tensors.values()))
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
