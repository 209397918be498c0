"""Training on what has a label: each update is that of torch's own mean over the minibatch."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.errors import InputError
from landscape.model import MLP, Masks
from landscape.training.gradient import Gradient
from landscape.training.groups import check_training
from tests.training.conftest import Train, by_hand
from tests.twin import C, D, dataset

EPOCHS, BATCH, SEED = 3, 4, 6
WEIGHT = torch.tensor([1.0, 4.0, 0.5, 2.0, 3.0][:C], dtype=torch.float64)
COSTS = {
    "plain": (CrossEntropy(), nn.CrossEntropyLoss()),
    "weighted": (nn.CrossEntropyLoss(weight=WEIGHT), nn.CrossEntropyLoss(weight=WEIGHT)),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss(label_smoothing=0.1)),
}


def net() -> nn.Module:
    return MLP(D, C, [6], nn.Tanh(), init_ranges=[0.5, 0.6])


def half_labelled() -> Dataset:
    data = dataset()
    y = data.train.y.clone()
    y[::2] = -100
    return Dataset("half", Split(data.train.x, y), data.valid, data.test, C)


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("seeds", [[SEED], [SEED, 2]])
def test_it_is_torch_s_mean_in_every_minibatch(train: Train, name: str, seeds: list[int]) -> None:
    cost, loss = COSTS[name]
    data = half_labelled()
    result = train(
        seeds,
        model=net,
        cost=cost,
        data=data,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        momentum_schedule=None,
        lr_schedule=None,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        select="last",
    )
    module = by_hand(net, partial(torch.optim.SGD, lr=0.1), SEED, EPOCHS, BATCH, loss, data)
    torch.testing.assert_close(result.theta_f[0], result.layout.theta(module), rtol=1e-9, atol=1e-11)
    right = loss(module(data.train.x), data.train.y).item()
    assert result.learning_curve.channels["train/objective"][-1, 0] == pytest.approx(right, rel=1e-9)


def test_a_minibatch_without_labels_moves_nothing() -> None:
    module, data = net().double(), half_labelled().train
    x, y = data.x[None, ::2], data.y[None, ::2]
    theta = {name: p.detach()[None] for name, p in module.named_parameters()}
    gradient = Gradient(module, CrossEntropy(), Masks(module, x[0, :1]), False, CrossEntropy().counts)
    slopes, *_ = gradient(theta, x, y, None)
    assert all(torch.equal(slope, torch.zeros_like(slope)) for slope in slopes.values())


class Auxiliary(nn.Module):
    """Returns something else in training."""

    def __init__(self, extra: Any) -> None:
        super().__init__()
        self.head, self.extra = nn.Linear(D, C), extra

    def forward(self, x: torch.Tensor) -> Any:
        return self.extra(self.head(x)) if self.training else self.head(x)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (lambda z: (z, 2 * z), r"tuple of 0 .* none is called logits.*\+cost\.output=NAME"),
        (lambda z: z[:, :2], "does not fit data and cost CrossEntropy in training mode"),
    ],
)
def test_a_module_that_differs_in_training_is_refused_before(extra: Any, words: str) -> None:
    few = dataset().train.first(8).to(dtype=torch.float32)
    module = Auxiliary(extra).eval()
    with pytest.raises(InputError, match=words):
        check_training(module, CrossEntropy(), few.x, few.y)
    assert not module.training
    check_training(Auxiliary(lambda z: (z, 2 * z)), CrossEntropy(output=0), few.x, few.y)
