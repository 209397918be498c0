"""Examples as somebody has them, by the names of splits; and J over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from landscape.data.dataset import Dataset
from landscape.data.reading import as_data
from landscape.data.split import TARGETS, Split
from landscape.data.stream import Stream, together
from landscape.errors import InputError
from landscape.objective import Objective

NAMES = ("train", "valid", "test")


@dataclass(frozen=True)
class Given:
    """Examples by the names of splits; what was not given is stood for by the first that was."""

    train: Split | Stream
    valid: Split | Stream
    test: Split | Stream


def objective_of(net: nn.Module, cost: Any, data: Any, **settings: Any) -> Objective:
    """J of a net and a cost over examples: the one place where the face makes an ``Objective``."""
    return Objective(net, cost, data, **settings)


def examples_of(data: Any, num_examples: int | None) -> tuple[Given, list[str]]:
    """The examples, and which splits were given by name; none if data is one thing.

    Raises:
        InputError: what cannot be read, or a number of examples below one.
    """
    good = isinstance(num_examples, Integral) and not isinstance(num_examples, bool) and num_examples >= 1
    if num_examples is not None and not good:
        raise InputError(f"num_examples={num_examples!r} must be a whole number of at least 1, or None for all")
    num = None if num_examples is None else int(num_examples)
    names = _names_in(data)
    parts = {n: data[n] if isinstance(data, Mapping) else getattr(data, n) for n in names} or {"train": data}
    for part in parts.values():
        if isinstance(part, str | bytes | Path):
            raise InputError(
                f"data came as {part!r}; give the examples: (x, y), a DataLoader, a data set, or a dict of such by the "
                f"names {', '.join(NAMES)}"
            )
    splits = {name: as_data(part, num_examples=num) for name, part in parts.items()}
    first = next(iter(splits.values()))
    return Given(*(splits.get(name, first) for name in NAMES)), names


def check_kinds(data: Any, cost: Any) -> None:
    """Raise InputError where examples and cost came in each other's place, or examples as what holds none."""
    has_examples, is_function = _is_examples(cost), callable(data) and not _is_examples(data)
    if isinstance(data, nn.Module) or (has_examples and is_function and not isinstance(data, type)):
        swapped = "; data and cost are in each other's place" if has_examples else ""
        raise InputError(
            f"data came as {_kind(data)} and cost as {_kind(cost)}{swapped}: ls.measure(net, path, data=(x, y), "
            "cost=loss_fn)"
        )
    if has_examples:
        raise InputError(f"cost came as {_kind(cost)}, which holds examples; give a loss of torch's or a function")
    if isinstance(data, type):
        raise InputError(f"data came as the class {data.__name__}; give an object of it: {data.__name__}(...)")
    if isinstance(data, Mapping | list | tuple) and not len(data):
        raise InputError(f"data came as an empty {type(data).__name__}; give at least one example")


def _is_examples(value: Any) -> bool:
    """Whether something holds or yields examples for sure."""
    if isinstance(value, Mapping | list | tuple):
        parts = value.values() if isinstance(value, Mapping) else value
        return any(isinstance(part, Tensor | np.ndarray) or _is_examples(part) for part in parts)
    return isinstance(value, TorchDataset | DataLoader | Split | Stream | Tensor | np.ndarray)


def _kind(value: Any) -> str:
    return getattr(value, "__name__", type(value).__name__)


def held(data: Any) -> Split:
    """Examples in memory, also those of a loader.

    Raises:
        InputError: they cannot be held.
    """
    found = as_data(data)
    return together(list(found.batches())) if isinstance(found, Stream) else found


def _names_in(data: Any) -> list[str]:
    """Splits, not entries of a batch that happen to be called so."""
    if isinstance(data, Dataset):
        return list(NAMES)
    if not isinstance(data, Mapping) or any(isinstance(part, Tensor | np.ndarray) for part in data.values()):
        return []
    strange = [name for name in data if name not in NAMES]
    if not strange:
        return [name for name in NAMES if name in data]
    are_sets = any(not isinstance(part, Mapping | list | tuple) and _is_examples(part) for part in data.values())
    are_pairs = all(_is_pair(part) for part in data.values()) and not any(name in TARGETS for name in data)
    if are_sets or are_pairs or len(strange) < len(data):
        raise InputError(
            f"data has the name{'s' * (len(data) > 1)} {', '.join(map(str, data))}; examples by name are called "
            f"{', '.join(NAMES[:-1])} and {NAMES[-1]}: call {strange[0]!r} one of these, or give its examples alone"
        )
    return []


def _is_pair(value: Any) -> bool:
    """Inputs and targets, rather than an entry of a batch."""
    parts = list(value) if isinstance(value, list | tuple) else []
    return len(parts) > 1 and all(isinstance(part, Tensor | np.ndarray) for part in parts)
