"""Examples, data sets and small nets that streams of them are measured with."""

from __future__ import annotations

from collections import UserDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape.data.stream import Stream
from landscape.model import Dropout
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import normal

N, D, C = 37, 4, 3
X, Z, Y = normal(N, D, seed=1) + 0.2, normal(N, D, seed=2), torch.arange(N) * 7 % C


def pairs(size: int = N) -> list[tuple[Tensor, Tensor]]:
    """(x, y) in batches of this size; the last is what is left."""
    return [(X[i : i + size], Y[i : i + size]) for i in range(0, N, size)]


class Kept:
    """Keeps what it is told of each example's costs, [S, A, n] at a time."""

    def __init__(self) -> None:
        self.costs: list[Any] = []

    def add(self, costs: Any) -> None:
        self.costs.append(costs.copy())

    def forget(self) -> None:
        self.costs.clear()


class Net(nn.Module):
    """x [B, D] -> logits [B, C], with dropout before the last layer."""

    def __init__(self, include: float | None = None) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(D, 6), nn.Linear(6, C)
        self.drop = nn.Identity() if include is None else Dropout(include, 1 / include)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.hidden(x.to(self.head.weight.dtype)).tanh()))


class Both(nn.Module):
    """x, z [B, D] each -> logits [B, C]."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.head = nn.Linear(D, 5), nn.Linear(D, 5), nn.Linear(5, C)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.head(self.left(x).tanh() * self.right(z))


class Augmented(Dataset[Any]):
    """Examples that are moved a little, each time by another random number."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return X[index] + torch.rand(D) + float(np.random.rand()), int(Y[index])


class Hub(Dataset[Any]):
    """As a data set of Hugging Face: columns, and a format that says what rows come as."""

    def __init__(self, columns: Mapping[str, Tensor], kind: str | None = "torch") -> None:
        self.columns, self.format = columns, {"type": kind}

    def with_format(self, kind: str) -> Hub:
        return Hub(self.columns, kind)

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: Any) -> dict[str, Any]:
        rows = {name: column[index] for name, column in self.columns.items()}
        return rows if self.format["type"] else {name: row.tolist() for name, row in rows.items()}


def line(kind: Callable[[], nn.Module] = Net, seeds: int = 1) -> Linear:
    """Between two nets per seed."""
    ends = []
    for number in range(2 * seeds):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            net = kind()
        ends.append(1.5 * ParameterLayout.of(net).theta(net.double()))
    return Linear(torch.stack(ends[::2]), torch.stack(ends[1::2]))


def cost_of(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(net(x.double()), y, reduction="none").detach()


def cost_of_two(net: nn.Module, x: Tensor, z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(net(x.double(), z.double()), y, reduction="none").detach()


class Rows(Dataset[Any]):
    """A map-style data set of numbered examples."""

    def __init__(self, make: Callable[[int], Any], num: int = N) -> None:
        self.make, self.num = make, num

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


class Ones(IterableDataset[Any]):
    """Examples one by one."""

    def __iter__(self) -> Iterator[Any]:
        return iter([(X[i], Y[i]) for i in range(N)])


class Encoding(UserDict[str, Any]):
    """As a tokenizer's ``BatchEncoding``: a dict that can be moved."""

    def to(self, device: Any) -> Encoding:
        return Encoding({key: value.to(device) for key, value in self.data.items()})


class Moved:
    """An object of tensors that can be moved, as of torch_geometric."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def to(self, device: Any) -> Moved:
        return Moved(self.x.to(device), self.y.to(device))


Pair = namedtuple("Pair", "x y")
SET = TensorDataset(X, Y)
loaded = partial(DataLoader, batch_size=7)
LABELLED = {"x": X, "labels": Y}
PARTS = {
    "pairs": (pairs(), cost_of),
    "the first 30": ([(X[:30], Y[:30])], cost_of),
    "what fills batches": ([(X[:35], Y[:35])], cost_of),
    "two inputs": ([(X, Z, Y)], cost_of_two),
}
KINDS: dict[str, tuple[Callable[[], Any], str, dict[str, Any]]] = {
    "tensors": (lambda: (X, Y), "pairs", {}),
    "arrays": (lambda: (X.numpy(), Y.numpy()), "pairs", {}),
    "a dict": (lambda: LABELLED, "pairs", {}),
    "a dict with more than forward takes": (lambda: {**LABELLED, "weight": X[:, 0], "number": Y}, "pairs", {}),
    "two inputs": (lambda: (X, Z, Y), "two inputs", {}),
    "nested": (
        lambda: ({"x": X, "more": {"z": [Z, Y]}}, Y),
        "two inputs",
        {"call": lambda m, b: m(b["x"], b["more"]["z"][0])},
    ),
    "a map-style data set": (lambda: Rows(lambda i: (X[i], int(Y[i]))), "pairs", {}),
    "a map-style data set of dicts": (lambda: Rows(lambda i: {"x": X[i].numpy(), "label": int(Y[i])}), "pairs", {}),
    "a loader": (lambda: loaded(SET), "pairs", {}),
    "a loader with a batch of one at its end": (lambda: DataLoader(SET, batch_size=N - 1), "pairs", {}),
    "a loader that shuffles": (lambda: loaded(SET, shuffle=True), "pairs", {}),
    "a loader with workers": (lambda: loaded(SET, shuffle=True, num_workers=2), "pairs", {}),
    "a loader that drops": (lambda: loaded(SET, drop_last=True), "what fills batches", {}),
    "a loader of single examples": (lambda: DataLoader(SET, batch_size=1), "pairs", {}),
    "a loader with a generator of its own": (
        lambda: loaded(SET, shuffle=True, generator=torch.Generator().manual_seed(3)),
        "pairs",
        {},
    ),
    "a loader over what has no length": (lambda: loaded(Ones()), "pairs", {}),
    "an iterable data set": (lambda: Ones(), "pairs", {}),
    "a loader of dicts": (lambda: loaded(Rows(lambda i: {"x": X[i], "y": Y[i]})), "pairs", {}),
    "a loader of three": (lambda: loaded(TensorDataset(X, Z, Y)), "two inputs", {}),
    "a loader of inputs within inputs": (lambda: loaded(Rows(lambda i: ((X[i], Z[i]), Y[i]))), "two inputs", {}),
    "a function": (lambda: lambda: iter(pairs(7)), "pairs", {}),
    "a generator function": (lambda: lambda: (batch for batch in pairs(7)), "pairs", {}),
    "a list of batches": (lambda: pairs(7), "pairs", {}),
    "a list of unequal batches": (lambda: [*pairs(7)[:2], (X[14:15], Y[14:15]), (X[15:], Y[15:])], "pairs", {}),
    "a batch encoding": (lambda: [Encoding(x=x, labels=y) for x, y in pairs(7)], "pairs", {}),
    "an object that can be moved": (lambda: [Moved(x, y) for x, y in pairs(7)], "pairs", {"call": lambda m, b: m(b.x)}),
    "a named tuple": (lambda: [Pair(x, y) for x, y in pairs(7)], "pairs", {}),
    "a loader of named tuples": (lambda: loaded(Rows(lambda i: Pair(X[i], Y[i]))), "pairs", {}),
    "names of files beside tensors": (lambda: loaded(Rows(lambda i: (X[i], Y[i], f"{i}.png"))), "pairs", {}),
    "a data set with a format": (lambda: Hub({"x": X, "label": Y}), "pairs", {}),
    "a loader over a data set with a format": (lambda: loaded(Hub({"x": X, "label": Y})), "pairs", {}),
    "with names of files": (lambda: loaded(Rows(lambda i: {"x": X[i], "y": Y[i], "file": f"{i}.png"})), "pairs", {}),
    "the first so many of a loader": (lambda: Stream(loaded(SET), num_examples=30), "the first 30", {}),
    "the first so many of a function": (lambda: Stream(lambda: iter(pairs(7)), num_examples=30), "the first 30", {}),
}
