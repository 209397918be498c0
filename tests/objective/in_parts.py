"""Requests that are evaluated in parts, of every kind of data, cost and engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.data.stream import Stream
from landscape.objective import Objective
from landscape.objective.interim import Interim
from landscape.objective.request import Request, evaluated
from landscape.objective.share import Share, evaluate_share, merged
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from landscape.result.curve.noise import NoiseOfCosts
from tests.objective.loaded import Augmented
from tests.twin import C, D, maxout, normal

N, SIZE = 93, 11
ALPHAS = np.linspace(-0.3, 1.4, 9)
X = normal(N, D, seed=1) + 0.2
Y = (X @ normal(D, C, seed=99)).argmax(dim=1)
PARTLY = torch.where(torch.arange(N) % 3 == 0, -100, Y)


class Numbered(Dataset[Any]):
    """Examples that count how often they are asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.asked.append(index)
        return X[index], Y[index]


def weighted(outputs: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return F.cross_entropy(outputs, batch[1], reduction="none"), batch[0][:, 0].abs()


def whole(outputs: Tensor, y: Tensor) -> tuple[Tensor, int]:
    """One value for a batch."""
    return F.cross_entropy(outputs, y) + outputs.std(), len(y)


def relu(*widths: int) -> nn.Module:
    parts = [part for a, b in zip((D, *widths), widths, strict=False) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts, nn.Linear(widths[-1], C))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, C))


def loader(y: Tensor = Y, x: Tensor = X, **settings: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(x, y), **{"batch_size": 5, **settings})


def generated() -> Iterator[tuple[Tensor, Tensor]]:
    yield from zip(X.split(4), Y.split(4), strict=True)


def ragged() -> Iterator[tuple[Tensor, Tensor]]:
    for num in (7, 7, 3, 9, 9, 9, 6, 8):
        words = torch.randint(0, C, (6, num), generator=torch.Generator().manual_seed(num))
        yield words, words.flip(1)


class Words(Dataset[Any]):
    """Sentences of several lengths."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        words = torch.arange(4 + 3 * (index in (11, 12, 13, 30))) * (index + 1) % C
        return words, words.flip(0)


def same_length(batch: list[Any]) -> Any:
    num = max(len(words) for words, _ in batch)
    columns = zip(*batch, strict=True)
    return tuple(torch.stack([F.pad(part, (0, num - len(part))) for part in column]) for column in columns)


HUGE = X.clone()
HUGE[40] = 1.7e308  # one example that overflows at some of the points
RANDOM = {"mode": "stochastic", "num_replicates": 2, "seeds": [3, 4]}
AS_BUFFERS: dict[str, Any] = {
    "buffers": [{n: b + 0.5 if b.is_floating_point() else b for n, b in normed().named_buffers()}],
    "buffers_0": [{n: b + 1.5 if b.is_floating_point() else b for n, b in normed().named_buffers()}],
}

CASES: dict[str, tuple[Callable[[], nn.Module], Any, Callable[[], Any], dict[str, Any]]] = {
    "held": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: (X, Y), {}),
    "loader": (lambda: nn.Linear(D, C), CrossEntropy(), loader, {}),
    "events": (lambda: relu(9, 6), CrossEntropy(), lambda: (X, Y), {"engine": "events"}),
    "masks": (maxout, CrossEntropy(), lambda: (X, Y), RANDOM),
    "recalibrated": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "recalibrate"}),
    "float32": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"dtype": "float32", "engine": "prefix"}),
    "plain": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"engine": "plain", "dtype": "float32"}),
    "auto": (lambda: relu(9, 6), CrossEntropy(), lambda: (X, Y), {"dtype": "float32", "seeds": [0, 1]}),
    "points together": (lambda: relu(9), CrossEntropy(), lambda: (X, Y), {"engine": "plain", "alphas_at_once": 4}),
    "overflow": (lambda: relu(9), CrossEntropy(), lambda: (HUGE, Y), {"engine": "prefix"}),
    "weights": (lambda: nn.Linear(D, C), weighted, lambda: (X, Y), {}),
    "labels": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: (X, PARTLY), {}),
    "of a batch": (lambda: nn.Linear(D, C), whole, lambda: (X, Y), {}),
    "torch's dropout": (
        lambda: nn.Sequential(nn.Linear(D, 8), nn.Dropout(0.4), nn.Linear(8, C)),
        CrossEntropy(),
        lambda: (X, Y),
        RANDOM,
    ),
    "kept": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "keep", **AS_BUFFERS}),
    "interpolated": (normed, CrossEntropy(), lambda: (X, Y), {"running_statistics": "interpolate", **AS_BUFFERS}),
    "generated": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: generated, {}),
    "ragged": (lambda: nn.Sequential(nn.Embedding(C, 4), nn.Linear(4, C)), CrossEntropy(), lambda: ragged, {}),
    "collated": (
        lambda: nn.Sequential(nn.Embedding(C, 4), nn.Linear(4, C)),
        CrossEntropy(),
        lambda: DataLoader(Words(), batch_size=3, collate_fn=same_length),
        {},
    ),
    "shuffled": (lambda: relu(9), CrossEntropy(), lambda: loader(shuffle=True, drop_last=True), {"engine": "events"}),
    "own order": (
        lambda: nn.Linear(D, C),
        CrossEntropy(),
        lambda: DataLoader(TensorDataset(X, Y), batch_sampler=BatchSampler(range(N), 4, False)),
        {},
    ),
    "with replacement": (
        lambda: nn.Linear(D, C),
        CrossEntropy(),
        lambda: loader(sampler=RandomSampler(range(N), True, 50, generator=torch.Generator().manual_seed(3))),  # type: ignore[arg-type]
        {},
    ),
    "limited": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: Stream(loader(), num_examples=47), {}),
    "workers": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: loader(num_workers=2, shuffle=True), {}),
    "augmented": (
        lambda: nn.Linear(4, 3),
        CrossEntropy(),
        lambda: DataLoader(Augmented(), batch_size=4, shuffle=True),
        {},
    ),
    "labels in a loader": (lambda: nn.Linear(D, C), CrossEntropy(), lambda: loader(PARTLY), {"dtype": "float32"}),
    "weights in a loader": (lambda: nn.Linear(D, C), weighted, loader, {}),
    "masks in a loader": (maxout, CrossEntropy(), loader, RANDOM),
    "recalibrated in a loader": (normed, CrossEntropy(), loader, {"running_statistics": "recalibrate"}),
}


class Question:
    """One request of a case, as often as it is asked."""

    def __init__(self, name: str, folder: Path, data: Any = None, factor: float = 0.3, interim: bool = False) -> None:
        module, cost, make, settings = CASES[name]
        self.folder, self.net, self.cost, self.data = folder, module(), cost, make() if data is None else data
        self.settings = {"dtype": "float64", "batch_size": SIZE, **settings}
        if settings.get("running_statistics") == "recalibrate":
            self.settings["calibration"] = Split(X, Y)
        torch.manual_seed(5)
        for part in self.net.parameters():
            nn.init.normal_(part, std=0.4)
        start = ParameterLayout.of(self.net).theta(self.net).detach().double()
        start = start.expand(len(settings.get("seeds", [0])), -1).clone()
        self.ends, self.interim = (start, start + factor * normal(*start.shape, seed=5)), interim

    def request(self) -> Request:
        objective = Objective(self.net, self.cost, self.data, **self.settings)
        noise = NoiseOfCosts(ALPHAS) if objective.is_streamed else None
        interim = Interim(self.folder.parent / "interim.npz") if self.interim else None
        keeps = self.cost is not whole
        self.asked = Request(
            objective, Linear(*self.ends), ALPHAS, keep_costs=keeps, noise=noise if keeps else None, interim=interim
        )
        return self.asked

    def whole(self) -> dict[str, Any]:
        return self.values(evaluated([self.request()])[0])

    def share(self, number: int, of: int) -> list[Any]:
        pieces: list[Any] = []
        evaluate_share([self.request()], Share(number, of), self.folder, ["curve"], pieces.append)
        return pieces

    def merged(self) -> dict[str, Any]:
        return self.values(merged([self.request()], self.folder, ["curve"], lambda piece: None)[0])

    def values(self, found: Any) -> dict[str, Any]:
        values = {**found.channels, "replicates": found.replicates, "scale": found.scale, "num": found.num_examples}
        if found.costs is not None:
            values["costs"] = found.costs
        if isinstance(self.asked.noise, NoiseOfCosts):
            values |= {f"noise {n}": v for n, v in self.asked.noise.measured(found.scale).items()}
        return values


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[n], other[n], equal_nan=True) for n in one)
