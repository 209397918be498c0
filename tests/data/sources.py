"""A few examples, and sources of them that tests read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

N = 23
X, Y = torch.arange(3.0 * N).view(N, 3), torch.arange(N) % 5
PAIRS = TensorDataset(X, Y)


class Items(Dataset[Any]):
    """A map-style data set that makes each example by a function."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


class OneByOne(IterableDataset[Any]):
    """Examples without numbers."""

    def __iter__(self) -> Iterator[Any]:
        return iter(PAIRS)
