"""The loop against one that anybody would write in torch: modules, optimizers, costs and data as people have them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landscape.cost import CrossEntropy, from_torch
from landscape.data import Dataset, Split
from landscape.model import MLP
from landscape.parameters import ParameterLayout, beside
from landscape.store.store import load, save
from landscape.training import GroupRun, Training, build, groups_of
from tests.training.conftest import by_hand
from tests.training.test_seeds import batch_norm
from tests.twin import C, D, dataset
from tests.zoo_further import WORKS_TOO
from tests.zoo_training import RunningMean

STEPS = partial(torch.optim.SGD, lr=0.1)
SGD = partial(STEPS, momentum=0.9)
ADAM = partial(torch.optim.Adam, lr=0.02, betas=(0.8, 0.95), eps=1e-7)
LBFGS = partial(torch.optim.LBFGS, lr=0.3, max_iter=4, history_size=3)
WEIGHTED = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0, 0.5, 2.0, 3.0][:C], dtype=torch.float64))
SMOOTHED = nn.CrossEntropyLoss(label_smoothing=0.1)


class Own(nn.Module):
    """No norm bounds, no dropout layers, a scalar parameter, and one that gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.gain = nn.Linear(D, C), nn.Parameter(torch.tensor(1.5))
        self.idle = nn.Parameter(torch.ones(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [B, D] -> logits [B, C]."""
        return self.gain * self.linear(x)


def tanh(batch_norm: bool = False) -> nn.Module:
    return MLP(D, C, [6, 4], nn.Tanh(), init_ranges=[0.5, 0.6, 0.7], batch_norm=batch_norm)


def half_labelled() -> Dataset:
    data = dataset()
    y = data.train.y.clone()
    y[::2] = -100
    return Dataset("half", Split(data.train.x, y), data.valid, data.test, C)


class Case(NamedTuple):
    """What is trained, and how; ``loss`` is torch's own for the cost, with its mean over what has a label."""

    make: Any
    optimizer: Any = SGD
    cost: Any = CrossEntropy()
    loss: Any = F.cross_entropy
    data: Dataset = dataset()
    scale: float = 1.0
    close: float = 1e-9


NAMES = (
    *("recurrent", "complex", "whole parameter", "in place, module", "DataParallel", "distributed", "low-rank"),
    *("checkpointed", "sparse slopes", "routed", "as deep as weights say", "straight through", "with its slope"),
)
CASES = {
    **{name: Case(WORKS_TOO[name]) for name in NAMES},
    "running mean": Case(RunningMean),
    "own": Case(Own),
    "own, weights decay": Case(Own, partial(SGD, weight_decay=0.3)),
    "adam": Case(tanh, ADAM),
    "sgd, batch norm": Case(partial(tanh, True)),
    "adam, batch norm": Case(partial(tanh, True), ADAM),
    "lbfgs": Case(batch_norm, LBFGS, loss=lambda z, y: 2 * F.cross_entropy(z, y), scale=2.0, close=1e-6),
    "half labelled": Case(tanh, STEPS, data=half_labelled()),
    "half labelled, weighted": Case(tanh, STEPS, WEIGHTED, WEIGHTED, half_labelled()),
    "half labelled, smoothed": Case(tanh, STEPS, SMOOTHED, SMOOTHED, half_labelled()),
}


@pytest.mark.parametrize("name", CASES)
def test_trained_as_by_a_plain_loop(name: str, tmp_path: Path) -> None:
    make, optimizer, cost, loss, data, scale, close = CASES[name]
    before, few = data.train.x.clone(), data.train.first(8)
    numbers: dict[str, Any] = {"batch_size": 5, "max_epochs": 3, "select": "last", "gradient_scale": scale}
    training = Training(num_seeds=2, dtype="float64", **numbers)
    for seeds in groups_of([0, 1], build(make, 0).double(), from_torch(cost), (few.x, few.y), None, optimizer):
        folder = tmp_path / str(seeds[0])
        folder.mkdir()
        found = GroupRun(make, cost, data, optimizer, training, seeds, folder, torch.device("cpu")).run()
        save(found, folder, {})
        assert load(folder).layout == found.layout
        for s, seed in enumerate(seeds):
            start, net = (by_hand(make, optimizer, seed, n, loss=loss, data=data) for n in (0, 3))
            assert torch.equal(ParameterLayout.of(net).theta(start), found.theta_i[s])
            assert all(torch.equal(found.buffers_i[s][key], buffer) for key, buffer in beside(start).items())
            within: dict[str, float] = {"rtol": close, "atol": close / 100}
            torch.testing.assert_close(found.theta_f[s], ParameterLayout.of(net).theta(net), **within)
            assert (found.theta_f[s] - found.theta_i[s]).abs().max() > 0.01
            assert found.buffers[s].keys() == beside(net).keys()
            for key, buffer in beside(net).items():
                torch.testing.assert_close(found.buffers[s][key], buffer, **within)
            if data.name == "half":
                right = loss(net(data.train.x), data.train.y).item()
                curve = found.learning_curve.channels["train/objective"]
                assert curve[-1, s] == pytest.approx(right, rel=1e-9)
    assert torch.equal(data.train.x, before)
