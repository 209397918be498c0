"""A pass over a stream that was cut goes on from its last block of data, to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape.cost import CrossEntropy
from landscape.objective import Objective
from landscape.objective.interim import Interim
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from landscape.result.curve.noise import NoiseOfCosts
from tests.twin import C, D, maxout, normal

ALPHAS = np.linspace(-0.1, 1.1, 7)
X = normal(205, D, seed=1)
Y = (X @ normal(D, C, seed=99)).argmax(dim=1)
PARTLY = torch.where(torch.arange(205) % 3 == 0, -100, Y)
SIZE = 20


class Cut(Exception):
    """What stops a pass."""


def weighted(outputs: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return F.cross_entropy(outputs, batch[1], reduction="none"), batch[0][:, 0].abs()


def loader(y: Tensor, shuffle: bool = False) -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, y), batch_size=SIZE, shuffle=shuffle)


def ragged() -> Iterator[tuple[Tensor, Tensor]]:
    for num in (7, 3, 9, 6, 8):
        words = torch.randint(0, C, (6, num), generator=torch.Generator().manual_seed(num))
        yield words, words.flip(1)


CASES: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "labels": (nn.Linear(D, C), nn.CrossEntropyLoss(), loader(Y), {}),
    "partly labelled, shuffled": (nn.Linear(D, C), CrossEntropy(), loader(PARTLY, True), {}),
    "weights": (nn.Linear(D, C), weighted, loader(Y), {}),
    "events": (
        nn.Sequential(nn.Linear(D, 9), nn.ReLU(), nn.Linear(9, C)),
        CrossEntropy(),
        loader(Y),
        {"engine": "events"},
    ),
    "masks": (maxout(), CrossEntropy(), loader(Y), {"mode": "stochastic", "num_replicates": 2, "seeds": [3, 4]}),
    "ragged": (nn.Sequential(nn.Embedding(C, 4), nn.Linear(4, C)), CrossEntropy(), ragged, {}),
}


class Measured:
    """One pass, which may be cut after some blocks."""

    def __init__(self, name: str, file: Path, source: Any = None, factor: float = 0.3) -> None:
        module, cost, data, settings = CASES[name]
        self.file = file
        settings = {"dtype": "float64", "batch_size": SIZE, **settings}
        self.objective = Objective(module, cost, source or data, **settings)
        start = ParameterLayout.of(module).theta(module).double().expand(len(settings.get("seeds", [0])), -1)
        self.path = Linear(start, start + factor * normal(*start.shape, seed=5))

    def __call__(self, stop_after: int | None = None) -> dict[str, np.ndarray]:
        noise, interim, kept = NoiseOfCosts(ALPHAS), Interim(self.file, seconds=0), 0
        keep = interim.keep

        def counted() -> None:
            nonlocal kept
            keep()
            kept += 1
            if kept == stop_after:
                raise Cut

        interim.keep = counted  # type: ignore[method-assign]
        found = self.objective.along(self.path, ALPHAS, keep_costs=True, noise=noise, interim=interim)
        self.num_blocks = kept
        return found.channels | {f"noise {n}": v for n, v in noise.measured(found.scale).items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize("name", CASES)
def test_what_was_cut_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    measured = Measured(name, tmp_path / "interim.npz")
    whole = measured()
    num = measured.num_blocks
    assert num > 3 and not measured.file.exists()
    for stops in ((1,), (num - 1,), (1, 2)):
        for stop in stops:
            with pytest.raises(Cut):
                measured(stop)
            assert measured.file.exists()
        assert same(measured(), whole) and measured.num_blocks == num - sum(stops) and not measured.file.exists()


OTHERS: dict[str, tuple[Any, str]] = {
    "other examples": (lambda f: Measured("labels", f, loader(torch.roll(Y, 1))), "another"),
    "a late other example": (
        lambda f: Measured("labels", f, loader(Y.index_fill(0, torch.tensor(30), 0))),
        "other examples",
    ),
    "fewer examples": (
        lambda f: Measured("labels", f, DataLoader(TensorDataset(X[:20], Y[:20]), batch_size=20)),
        "other",
    ),
    "another point": (lambda f: Measured("labels", f, factor=0.31), "another measurement"),
    "another cost": (lambda f: Measured("weights", f), "another measurement"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_of_anything_else_it_starts_anew(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make, words = OTHERS[name]
    file = tmp_path / "interim.npz"
    with pytest.raises(Cut):
        Measured("labels", file)(3)
    before = make(tmp_path / "fresh.npz")()
    caplog.clear()
    assert same(make(file)(), before) and words in caplog.text


@pytest.mark.parametrize(
    "damage", [lambda b: b[:100], lambda b: b[:-40] + bytes(40), lambda b: b"no zip", lambda b: b""]
)
def test_a_damaged_file_is_named_and_set_aside(damage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    measured = Measured("labels", tmp_path / "interim.npz")
    whole = measured()
    with pytest.raises(Cut):
        measured(3)
    measured.file.write_bytes(damage(measured.file.read_bytes()))
    assert same(measured(), whole) and "interim.npz is damaged" in caplog.text
