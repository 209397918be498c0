"""Examples as somebody has them, by the names of splits; and J over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from landscape.data.dataset import Dataset
from landscape.data.reading import as_data
from landscape.data.split import Split
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
    return [name for name in NAMES if name in data] if data and set(data) <= set(NAMES) else []
