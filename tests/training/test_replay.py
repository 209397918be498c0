"""A gradient that was written down is autograd's, bit for bit; what cannot be written down, or is another, is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from landscape.cost import Adversarial
from landscape.model import MLP, Dropout
from landscape.training import Momentum, replay
from landscape.training.optimizer import ELEMENTWISE
from landscape.training.replay import Replays
from tests.training.conftest import Train
from tests.training.test_resume import same_bits
from tests.training.test_seeds import batch_norm, torch_dropout
from tests.twin import C, D

PLAIN: dict[str, Any] = {"lr_schedule": None, "momentum_schedule": None, "max_epochs": 4, "dtype": "float32"}


def relu() -> nn.Module:
    return MLP(D, C, [9, 6], nn.ReLU(), zero_last=False)


def conv() -> nn.Module:
    shaped, conv = nn.Unflatten(1, (1, D)), nn.Conv1d(1, 4, 3)
    return nn.Sequential(shaped, conv, nn.Tanh(), Dropout(0.7, 1.4), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(8, C))


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was written down, from the third step of a shape on."""
    found, written = list[Any](), Replays._written
    monkeypatch.setattr(replay, "AFTER", 3)

    def noted(self: Replays, *given: Any) -> Any:
        found.append(written(self, *given))
        return found[-1]

    monkeypatch.setattr(Replays, "_written", noted)
    return found


CASES: dict[str, dict[str, Any]] = {
    "maxout": {"dtype": "float64", "max_epochs": 4},
    "relu": {"model": relu, **PLAIN},
    "convolutions": {"model": conv, **PLAIN},
    "gradients shortened": {"model": relu, **PLAIN, "gradient_scale": 2.0, "max_gradient_norm": 0.5},
    "adversarial": {"cost": Adversarial(0.3, 0.35), "max_epochs": 4},
}
SLOW = ("convolutions", "gradients shortened", "adversarial")
UNWRITTEN = {"torch dropout": {"model": torch_dropout}, "batch norm": {"model": batch_norm}}


@pytest.mark.parametrize("seeds", [[5], [5, 1, 8]], ids=["alone", "together"])
@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case in SLOW)) for case in CASES])
def test_training_comes_to_the_same_bits(
    train: Train, lists: list[Any], monkeypatch: pytest.MonkeyPatch, seeds: list[int], case: str
) -> None:
    """Of whole and of last, shorter minibatches."""
    by_lists = train(seeds, **CASES[case])
    assert len(lists) == 2 and None not in lists
    monkeypatch.setattr(replay, "AFTER", 10**9)
    same_bits(by_lists, train(seeds, **CASES[case]))
    assert len(lists) == 2


@pytest.mark.slow
@pytest.mark.parametrize("make", ELEMENTWISE, ids=lambda make: make.__name__)
def test_every_optimizer_of_stacked_seeds_comes_to_the_same_bits(
    train: Train, lists: list[Any], monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    """Slopes may lie in memory in another order, and what goes over them element by element must not care."""
    momentum = {"momentum": 0.9} if make in (Momentum, optim.SGD, optim.RMSprop) else {}
    numbers: dict[str, Any] = {"model": relu, "optimizer": partial(make, lr=0.01, **momentum), **PLAIN}
    by_lists = train([5, 1, 8], **numbers)
    assert None not in lists
    monkeypatch.setattr(replay, "AFTER", 10**9)
    same_bits(by_lists, train([5, 1, 8], **numbers))


@pytest.mark.parametrize("case", UNWRITTEN)
def test_what_draws_or_remembers_is_left_to_autograd(train: Train, lists: list[Any], case: str) -> None:
    numbers: dict[str, Any] = {**UNWRITTEN[case], "max_epochs": 4}
    before = train([5], **numbers)
    assert not any(lists)
    torch.manual_seed(77)  # nor does the attempt draw
    same_bits(before, train([5], **numbers))


def leaves() -> dict[str, Tensor]:
    return {"w": torch.rand(3, dtype=torch.float64).requires_grad_()}


def by(slope: Callable[[Tensor], Tensor]) -> tuple[Replays, list[Tensor]]:
    """A gradient by a function of x, and what it was called with."""
    called: list[Tensor] = []

    def by_autograd(leaves: Any, known: Any, masks: Any) -> tuple[list[str], list[Tensor]]:
        called.append(known["x"])
        return ["w"], [known["x"][0], torch.ones(3), slope(known["x"])]

    return Replays(by_autograd), called


def counting(num: Iterator[int], x: Tensor) -> Tensor:
    return x[0] * next(num)


@pytest.mark.parametrize(
    ("slope", "serves"),
    [
        (lambda x: 2 * x[0], True),
        (lambda x: 2 * x[0] if x[0, 0] < 100 else x[0], False),
        (lambda x: x[0] * torch.rand(3), False),
        (lambda x: x[0].clone().add_(1), False),
        (lambda x: torch.zeros(3), False),
        (lambda x: x[x > 0][:3] + 1, False),
        (partial(counting, iter(range(99))), False),
        (lambda x: x[0] * float(x.detach().numpy().sum()), False),
    ],
    ids=["new", "branch", "chance", "in place", "constant", "chosen", "counting", "behind"],
)
def test_only_a_list_that_agrees_serves(
    monkeypatch: pytest.MonkeyPatch, slope: Callable[[Tensor], Tensor], serves: bool
) -> None:
    monkeypatch.setattr(replay, "AFTER", 3)
    replays, called = by(slope)
    own = leaves()
    for k in range(8):
        x = torch.full((1, 3), 1.0 + k)
        names, (costs, _, found) = replays(own, {"x": x}, None)
        assert names == ["w"] and torch.equal(costs, x[0])
        if serves:
            assert torch.equal(found, 2 * x[0])
    assert len(called) == (4 if serves else 8) + 1  # the attempt to write it down
    if serves:
        replays(leaves(), {"x": x}, None)  # of other tensors: begins anew
        assert not replays.lists


def test_few_lists_are_kept_and_of_small_nets_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "AFTER", 1)
    replays, _ = by(lambda x: x[0] + 1)
    own = leaves()
    for num in range(9):
        replays(own, {"x": torch.rand(1, 3, num + 1)[..., 0], "y": torch.rand(1, num)}, None)
    assert len(replays.lists) == replay.MOST_LISTS
    monkeypatch.setattr(replay, "MOST_PARAMETERS", 2)
    replays(own := leaves(), {"x": torch.rand(1, 3)}, None)
    assert not replays.lists


@pytest.mark.slow
def test_the_cost_that_an_optimizer_asks_for_is_that_of_the_list(
    train: Train, lists: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: dict[str, Any] = {"model": relu, "optimizer": partial(optim.LBFGS, lr=0.1, max_iter=3), **PLAIN}
    by_lists = train([5], **numbers)
    assert lists and None not in lists
    monkeypatch.setattr(replay, "AFTER", 10**9)
    same_bits(by_lists, train([5], **numbers))
