"""Small training runs in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.store.solutions import Solutions
from landscape.training import GroupRun, Momentum, Training
from landscape.training.schedule import ExponentialDecay, LinearRamp
from tests.twin import INIT, ORDER, dataset, maxout, stream

Train = Callable[..., Solutions]
PLAIN: dict[str, Any] = {"momentum_schedule": None, "lr_schedule": None, "max_epochs": 3, "select": "last"}


def text() -> Dataset:
    """Windows of five of nine tokens of four sequences."""
    tokens = torch.randint(0, 9, (12, 6), generator=torch.Generator().manual_seed(0))
    split = Split(tokens[:, :-1], tokens[:, 1:], 4)
    return Dataset("tokens", split, split.first(8), split, 9)


READING: dict[str, Any] = {
    **PLAIN,
    "data": text(),
    "batch_size": 4,
    "max_epochs": 2,
    "monitor": "valid/objective",
    "optimizer": partial(Momentum, lr=0.5),
}


def by_hand(
    make: Any, optimizer: Any, seed: int, epochs: int, batch: int = 5, loss: Any = F.cross_entropy, data: Any = None
) -> nn.Module:
    """The module after the loop of any torch tutorial in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, INIT).initial_seed())
        module = make()
    for p in module.parameters():
        p.data = p.data.to(torch.complex128 if p.is_complex() else p.dtype)
    module, train, order = module.double().train(), (data or dataset()).train, stream(seed, ORDER)
    steps = optimizer([p for p in module.parameters() if p.requires_grad])
    for _ in range(epochs):
        for index in torch.randperm(len(train), generator=order).split(batch):

            def closure(index: Tensor = index) -> Tensor:
                steps.zero_grad()
                cost: Tensor = loss(module(train.x[index]), train.y[index])
                cost.backward()  # type: ignore[no-untyped-call]
                return cost

            if bool((train.y[index] >= 0).any()):  # torch's mean over nothing is NaN
                steps.step(closure)
    return module  # type: ignore[no-any-return]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """train(seeds, ...) -> Solutions; all that is not said is the maxout net with everything switched on."""
    count = iter(range(1000))

    def run(
        seeds: Sequence[int],
        model: Callable[[], nn.Module] = maxout,
        cost: Any = None,
        optimizer: Any = None,
        data: Dataset | None = None,
        folder: Path | None = None,
        on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
        **numbers: Any,
    ) -> Solutions:
        defaults: dict[str, Any] = {
            "batch_size": 5,
            "max_epochs": 6,
            "dtype": "float64",
            "measure_batch_size": 17,
            "lr_schedule": ExponentialDecay(1.01),
            "momentum_schedule": LinearRamp(0.5, 0.7, 5),
        }
        training = Training(**{**defaults, **numbers})
        folder = folder or tmp_path / str(next(count))
        folder.mkdir(exist_ok=True)
        cost, data, optimizer = cost or CrossEntropy(), data or dataset(), optimizer or partial(Momentum, lr=0.08)
        return GroupRun(model, cost, data, optimizer, training, seeds, folder, torch.device("cpu"), on_epoch).run()

    return run
