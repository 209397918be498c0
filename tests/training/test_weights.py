"""Training by costs that weigh examples: each gradient is that of sum w v / sum w over the minibatch."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CausalLM, from_torch
from landscape.model import MLP, Masks
from landscape.training.gradient import Gradient
from tests import twin
from tests.training.conftest import Train, by_hand
from tests.twin import normal

D, C, B = 5, 4, 8
X, Y = normal(2, B, D, seed=1), torch.arange(2 * B).view(2, B) % C


def weights(y: Tensor) -> Tensor:
    return y * (y != 2)


def entropy(outputs: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(outputs, y, reduction="none")


class Foreign:
    """A cost with channels of its own."""

    num_draws = 1

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"objective": entropy(predict(x, 0), y), "weight": weights(y)}


COSTS = [
    Foreign(),
    lambda outputs, batch: (entropy(outputs, batch[1]), weights(batch[1])),
    lambda net, batch: (entropy(net(batch[0]), batch[1]), weights(batch[1])),
    lambda outputs, y: {"objective": entropy(outputs, y), "weight": weights(y)},
]


@pytest.mark.parametrize("cost", COSTS, ids=range(len(COSTS)))
@pytest.mark.parametrize("vectorised", [False, True])
def test_it_is_that_of_the_weighed_mean(cost: Any, vectorised: bool) -> None:
    nets = [MLP(D, C, [6], nn.Tanh(), init_ranges=[0.5, r]).double() for r in (0.6, 0.3)][: 1 + vectorised]
    theta = {
        n: torch.stack([dict(m.named_parameters())[n].detach() for m in nets]) for n, _ in nets[0].named_parameters()
    }
    gradient = Gradient(nets[0], from_torch(cost), Masks(nets[0], X[0, :1]), vectorised)
    found, *_ = gradient(theta, {"x": X[: len(nets)], "y": Y[: len(nets)]}, None)
    total = 0.0
    for s, net in enumerate(nets):
        w = weights(Y[s])
        value = (w * entropy(net(X[s]), Y[s])).sum() / w.sum()
        right = torch.autograd.grad(value, list(net.parameters()))
        total += value.item()
        for (name, _), slope in zip(net.named_parameters(), right, strict=True):
            torch.testing.assert_close(found[name][s], slope, rtol=1e-12, atol=1e-15)
    assert gradient.cost_there.item() == pytest.approx(total, rel=1e-12)


def test_tokens_count_alike() -> None:
    net = nn.Embedding(C, C).double()
    x = torch.arange(24).view(1, 4, 6) * 5 % C
    y = torch.where(torch.arange(24).view(1, 4, 6) % 7 < 3, -100, x)
    gradient = Gradient(net, CausalLM(), Masks(net, x[0, :1]), False)
    found, *_ = gradient({"weight": net.weight.detach()[None]}, {"x": x, "y": y}, None)
    value = F.cross_entropy(net(x[0])[:, :-1].flatten(0, 1), y[0, :, 1:].flatten())
    torch.testing.assert_close(found["weight"][0], *torch.autograd.grad(value, net.weight), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("cost", COSTS, ids=range(len(COSTS)))
@pytest.mark.parametrize("seeds", [[6], [6, 2]])
def test_a_training_is_torch_s_by_the_weights_of_classes(train: Train, cost: Any, seeds: list[int]) -> None:
    def net() -> nn.Module:
        return MLP(twin.D, twin.C, [6], nn.Tanh(), init_ranges=[0.5, 0.6])

    data, sgd = twin.dataset(), partial(torch.optim.SGD, lr=0.1)
    loss = nn.CrossEntropyLoss(weight=weights(torch.arange(twin.C)).double())
    result = train(
        seeds,
        model=net,
        cost=cost,
        data=data,
        optimizer=sgd,
        momentum_schedule=None,
        lr_schedule=None,
        max_epochs=3,
        batch_size=4,
        select="last",
        monitor="valid/objective",
    )
    module = by_hand(net, sgd, 6, 3, 4, loss, data)
    torch.testing.assert_close(result.theta_f[0], result.layout.theta(module), rtol=1e-9, atol=1e-11)
    right = loss(module(data.train.x), data.train.y).item()
    assert result.learning_curve.channels["train/objective"][-1, 0] == pytest.approx(right, rel=1e-9)
