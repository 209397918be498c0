"""Functions of outputs or module and batch as costs: J over unequal batches is a plain loop's over all examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from landscape.cost import CrossEntropy, FunctionCost, TorchLoss, from_torch
from landscape.cost.contract import WEIGHT
from landscape.errors import InputError
from tests.cost.loop import cut, measured, over
from tests.twin import normal

N, D, T, C = 26, 5, 6, 4
NET = nn.Sequential(nn.Linear(D, 7), nn.Tanh(), nn.Linear(7, C)).double()
nn.utils.vector_to_parameters(0.7 * normal(7 * D + 7 + C * 7 + C, seed=9), NET.parameters())
X, Y = normal(N, T, D, seed=1), (torch.arange(N * T) * 7 % C).view(N, T)
MASK = (torch.arange(N * T) * 5 % 7 > 2).view(N, T)
MASK[0] = False


def batches() -> list[tuple[Tensor, Tensor, dict[str, Tensor]]]:
    return [(x, y, {"x": x, "y": y, "mask": m}) for x, y, m in cut(X, Y, MASK)]


def entropy(outputs: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(outputs.movedim(-1, 1), y, reduction="none")


def values(outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return entropy(outputs, batch["y"])


def of_module(model: nn.Module, data: dict[str, Tensor]) -> Tensor:
    return entropy(model(data["x"]), data["y"]).mean(dim=1)


def weighed(outputs: Tensor, b: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    return entropy(outputs, b["y"]).masked_fill(~b["mask"], torch.nan), b["mask"]


def by_example(outputs: Tensor, b: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    each = entropy(outputs, b["y"]).masked_fill(~b["mask"], 0).sum(dim=1)
    return each / b["mask"].sum(dim=1).clamp(min=1), b["mask"].sum(dim=1)


def total(outputs: Tensor, examples: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    mask = examples["mask"]
    return entropy(outputs, examples["y"])[mask].mean(), mask.sum()


def channels(net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    outputs = net(batch["x"])
    wrong = outputs.argmax(dim=-1).ne(batch["y"])
    return {"objective": entropy(outputs, batch["y"]), "error": wrong, "weight": batch["mask"]}


class Method:
    def __call__(self, outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return values(outputs, batch)

    def loss(self, net: nn.Module, b: dict[str, Tensor], power: int = 1) -> Tensor:
        return of_module(net, b) ** power


class Loss(nn.Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
        self.register_buffer("scale", torch.ones(1, dtype=torch.float32))

    def forward(self, outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
        assert self.scale.dtype == outputs.dtype
        each = self.scale * values(outputs, batch)
        return each.mean() if self.reduction == "mean" else each


def extra(scale: float, outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return scale * values(outputs, batch)


with torch.no_grad():
    ALL = torch.stack([-NET(X[n, t]).log_softmax(0)[Y[n, t]] for n in range(N) for t in range(T)]).view(N, T)
MEAN, MASKED = float(ALL.mean()), float(ALL[MASK].mean())

COSTS: list[tuple[Any, float]] = [
    (values, MEAN),
    (of_module, MEAN),
    (lambda outputs, batch: values(outputs, batch).mean(dim=1), MEAN),
    (lambda net, anything: of_module(net, anything), MEAN),
    (Method(), MEAN),
    (Method().loss, MEAN),
    (Loss(), MEAN),
    (partial(extra, 1.0), MEAN),
    (partial(Method().loss, power=1), MEAN),
    (
        lambda outputs, batch, reduction="mean": (
            values(outputs, batch).mean() if reduction == "mean" else values(outputs, batch)
        ),
        MEAN,
    ),
    (weighed, MASKED),
    (by_example, MASKED),
    (total, MASKED),
    (channels, MASKED),
    (lambda outputs, batch: {"objective": values(outputs, batch), "weight": batch["mask"].double()}, MASKED),
    (lambda outputs, y: (entropy(outputs, y), y.ge(0)), MEAN),
]


@pytest.mark.parametrize(("loss", "right"), COSTS, ids=range(len(COSTS)))
def test_j_is_the_plain_mean_over_all_examples(loss: Any, right: float) -> None:
    assert over(loss, NET, batches())["objective"] == pytest.approx(right, rel=1e-12)


class Inputs(nn.Module):
    """What reads one entry of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.net = NET

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


@pytest.mark.parametrize("loss", [values, of_module, weighed, total, channels])
@pytest.mark.parametrize("is_loaded", [False, True])
def test_an_objective_measures_it(loss: Any, is_loaded: bool) -> None:
    data: Any = {"x": X, "y": Y, "mask": MASK}
    if is_loaded:
        data = DataLoader([{n: v[k] for n, v in data.items()} for k in range(N)], batch_size=8)
    found = measured(loss, data, net=Inputs().double())
    assert found["objective"] == pytest.approx(MEAN if loss in (values, of_module) else MASKED, rel=1e-12)
    assert found.keys() == ({"objective", "error"} if loss is channels else {"objective"})


def test_channels_are_weighed_alike() -> None:
    with torch.no_grad():
        wrong = NET(X).argmax(dim=-1).ne(Y)[MASK].double().mean()
        assert over(channels, NET, batches())["error"] == pytest.approx(float(wrong), rel=1e-12)


def test_a_number_for_the_whole_batch_is_known_as_one() -> None:
    for loss, is_one in ((total, True), (weighed, False)):
        cost = from_torch(loss)
        cost.channels(lambda x, draw: NET(x), X, {"y": Y, "mask": MASK})
        assert cost.is_of_batch is is_one


def test_weights_go_with_vmap_and_are_nan_where_nobody_can_look() -> None:
    cost, thetas = from_torch(weighed), torch.ones(2, 1, dtype=torch.float64)
    batch = {"y": Y, "mask": MASK}
    found = torch.func.vmap(lambda t: cost.channels(lambda x, draw: t * NET(x), X, batch))(thetas)
    alone = cost.channels(lambda x, draw: NET(x), X, batch)
    assert all(torch.equal(found[name][1], alone[name]) for name in alone)
    negative = from_torch(lambda outputs, batch: (values(outputs, batch), outputs[..., 0] * 0 - 1))
    lost = torch.func.vmap(lambda t: negative.channels(lambda x, draw: t * NET(x), X, batch)[WEIGHT])(thetas)
    assert lost.isnan().all()


def outputs_y(outputs: Tensor, labels: Tensor) -> Tensor:
    return outputs


KINDS: list[tuple[Any, type, bool]] = [
    (outputs_y, TorchLoss, False),
    (F.cross_entropy, TorchLoss, False),
    (nn.MSELoss(), TorchLoss, False),
    (lambda *given: given[0], TorchLoss, False),
    (values, FunctionCost, False),
    (of_module, FunctionCost, True),
    (CrossEntropy(), CrossEntropy, False),
]


@pytest.mark.parametrize(("loss", "kind", "calls"), KINDS, ids=range(len(KINDS)))
def test_what_a_loss_is_called_with_goes_by_the_names_of_its_arguments(loss: Any, kind: type, calls: bool) -> None:
    cost = from_torch(loss)
    assert type(cost) is kind and getattr(cost, "calls_module", False) is calls


class Bound(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(C, 1)

    def loss(self, outputs: Tensor, batch: Any) -> Tensor:
        return values(outputs, batch)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: lambda outputs, batch: values(outputs, batch).mean(), "one number for them all, and a mean of means"),
    (lambda: lambda outputs, y: entropy(outputs, y).mean(), "gives one number for them all"),
    (lambda: lambda outputs, batch: values(outputs, batch)[1:], r"values \[\d+, 6\] for a batch of"),
    (lambda: lambda outputs, batch: (values(outputs, batch), -batch["mask"].double()), "gives the weight -1; weights"),
    (lambda: lambda outputs, batch: (values(outputs, batch), batch["x"][..., 0] * torch.nan), "gives the weight nan"),
    (lambda: lambda outputs, batch: (values(outputs, batch), batch["mask"][:, 1:]), "one weight per value"),
    (lambda: lambda outputs, batch: (values(outputs, batch), 3), "one weight for them all"),
    (lambda: lambda outputs, batch: (values(outputs, batch).mean(), batch["mask"]), "how many examples or labels"),
    (lambda: lambda outputs, batch: (values(outputs, batch).mean(), -2), "gives the weight -2"),
    (lambda: lambda outputs, batch: {"loss": values(outputs, batch)}, "a dict of loss without 'objective'"),
    (lambda: lambda outputs, batch: {"objective": values(outputs, batch), "n": 3}, "as its channel n a int, no tensor"),
    (lambda: lambda outputs, batch: [1.0, 2.0, 3.0], "a list of 3, no tensor"),
    (lambda: lambda outputs, batch: None, "a NoneType, no tensor"),
    (lambda: Loss, "cost=Loss is a class"),
    (lambda: CrossEntropy, "cost=CrossEntropy is a class"),
    (lambda: Bound().loss, "is a method of a Bound"),
    (lambda: nn.Bilinear(C, C, 1), "parameters of its own"),
    (lambda: lambda outputs: outputs, "takes outputs; a loss takes"),
    (lambda: lambda net, x, y: net(x), "takes net, x, y"),
    (lambda: Loss(reduction="sum"), "reduction=sum"),
    (lambda: object(), "cost=object is no cost"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_cost_is_refused_with_the_reason(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        over(make(), NET, batches())


@pytest.mark.parametrize(
    ("batch", "key", "words"),
    [
        ((X[:2], Y[:2]), "y", r"cost=absent, whose batch is the tuple \(x, y\): tuple indices must be"),
        ({"x": X[:2], "z": Y[:2]}, "y", "cost=absent, whose batch is a dict of x, z: KeyError: 'y'"),
        ((X[:2], X[:2], Y[:2]), 3, "whose batch is a tuple of 3, the last of which is y: tuple index out of range"),
    ],
)
def test_what_a_loss_does_not_find_in_a_batch_is_said_with_what_a_batch_is(batch: Any, key: Any, words: str) -> None:
    def absent(outputs: Tensor, batch: Any) -> Tensor:
        return entropy(outputs, batch[key])

    with pytest.raises(TypeError, match=words):
        FunctionCost(absent).channels(lambda x, draw: NET(x), X[:2], batch)
