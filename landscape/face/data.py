"""Examples as somebody has them, as the splits of a house data set; and J over them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from torch import Tensor, nn

from landscape.data.dataset import Dataset, Split
from landscape.data.reading import as_split
from landscape.errors import InputError
from landscape.objective import Objective

NAMES = ("train", "valid", "test")


def objective_of(net: nn.Module, cost: Any, data: Any, **settings: Any) -> Objective:
    """J of a net and a cost over examples: the one place where the face makes an ``Objective``."""
    return Objective(net, cost, data, **settings)


def examples_of(data: Any, num_examples: int | None) -> tuple[Dataset, list[str]]:
    """The examples as a data set of the house, and which of its splits were given by name; none if data is one thing.

    What was not given is stood for by the first that was.

    Raises:
        InputError: what cannot be read, or a number of examples below one.
    """
    if num_examples is not None and (
        isinstance(num_examples, bool) or not isinstance(num_examples, Integral) or num_examples < 1
    ):
        raise InputError(f"num_examples={num_examples!r} must be a whole number of at least 1, or None for all")
    names = _names_in(data)
    given = {name: data[name] if isinstance(data, Mapping) else getattr(data, name) for name in names} or {
        "train": data
    }
    splits = {name: _split(part, num_examples) for name, part in given.items()}
    first = next(iter(splits.values()))
    train, valid, test = (splits.get(name, first) for name in NAMES)
    return Dataset("data", train, valid, test, num_classes=0), names


def _names_in(data: Any) -> list[str]:
    if isinstance(data, Dataset):
        return list(NAMES)
    if isinstance(data, Mapping) and data and all(name in NAMES for name in data):
        return [name for name in NAMES if name in data]
    return []


def _split(part: Any, num_examples: int | None) -> Split:
    if isinstance(part, tuple | list) and len(part) == 2 and all(isinstance(p, Tensor | np.ndarray) for p in part):
        part = Split(*part)
    split = as_split(part)
    return split if num_examples is None else split.first(int(num_examples))
