"""Any optimizer: who trains beside it changes a seed's result by rounding at most, or it is refused in time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.training import Momentum, groups_of
from landscape.training.optimizer import ELEMENTWISE, is_elementwise
from tests.training.conftest import PLAIN, Train
from tests.training.test_resume import goes_on
from tests.training.test_seeds import EXAMPLE, same
from tests.twin import C, D


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.ReLU(), nn.Linear(6, C))


def matrices() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6, bias=False), nn.ReLU(), nn.Linear(6, C, bias=False))


class Whole(optim.SGD):
    """Descends by the gradient of length 1: what one number does depends on all others."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        params = [p for group in self.param_groups for p in group["params"]]
        norm = torch.sqrt(sum(p.grad.square().sum() for p in params))  # type: ignore[arg-type]
        for p in params:
            p.grad = p.grad / norm
        super().step()


class Noisy(optim.SGD):
    """Adds noise from torch's global generator."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        for p in (p for group in self.param_groups for p in group["params"]):
            p.grad = p.grad + 0.1 * torch.randn_like(p)
        super().step()


class Asks(optim.SGD):
    """Insists on a closure that its signature lets one leave out."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update."""
        assert closure is not None, "needs a closure"
        with torch.enable_grad():
            closure()
        super().step()


def decay_of_matrices_alone(groups: list[dict[str, Any]]) -> optim.Optimizer:
    """The usual function: weights decay, biases do not, told apart by their axes."""
    params = [p for group in groups for p in group["params"]]
    parts = [{"params": [p for p in params if (p.ndim >= 2) == is_matrix]} for is_matrix in (True, False)]
    parts[0]["weight_decay"], parts[1]["weight_decay"] = 0.5, 0.0  # type: ignore[assignment]
    return optim.AdamW(parts, lr=0.02)


MIXING: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "Adafactor": (plain, partial(optim.Adafactor, lr=0.05)),
    "Muon": (matrices, partial(optim.Muon, lr=0.05)),
    "own class": (plain, partial(Whole, lr=0.05)),
    "own groups": (plain, decay_of_matrices_alone),
    "centered": (plain, partial(optim.RMSprop, lr=0.01, centered=True)),
}
DRAWING: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "LBFGS": (plain, partial(optim.LBFGS, lr=0.3, max_iter=4)),
    "LBFGS with a line search": (plain, partial(optim.LBFGS, max_iter=3, line_search_fn="strong_wolfe")),
    "noise of its own": (plain, partial(Noisy, lr=0.05)),
    "closure": (plain, partial(Asks, lr=0.05)),
}


@pytest.mark.parametrize("name", [*MIXING, *DRAWING])
def test_seeds_train_one_after_the_other_unless_the_optimizer_is_known_to_be_elementwise(
    train: Train, name: str
) -> None:
    model, optimizer = {**MIXING, **DRAWING}[name]
    groups = groups_of([0, 3], model(), CrossEntropy(), EXAMPLE, True, optimizer, model())
    assert groups == [[0], [3]] and not is_elementwise(optimizer)
    alone = train([3], model=model, optimizer=optimizer, **PLAIN)
    assert alone.status == ["max_epochs"] and not torch.equal(alone.theta_f, alone.theta_i)
    if name in MIXING:  # and beside another all the same, by an optimizer of its own
        same(train([0, 3], model=model, optimizer=optimizer, **PLAIN), 1, alone, 0)
    else:
        with pytest.raises(InputError, match=r"optimizer=.* each seed must train alone"):
            train([0, 3], model=model, optimizer=optimizer, **PLAIN)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * bool(k % 2)) for k, kind in enumerate(ELEMENTWISE)],
    ids=lambda kind: kind.__name__,
)
def test_elementwise_optimizers_train_stacked_to_what_a_seed_becomes_alone(train: Train, kind: Any) -> None:
    optimizer = partial(kind, lr=0.01)
    assert groups_of([0, 3], plain(), CrossEntropy(), EXAMPLE, None, optimizer) == [[0, 3]]
    together = train([0, 3], model=plain, optimizer=optimizer, **PLAIN)
    same(together, 1, train([3], model=plain, optimizer=optimizer, **PLAIN), 0)
    in_float32 = {"model": plain, "optimizer": optimizer, **PLAIN, "dtype": "float32"}
    beside, alone = train([0, 3], **in_float32).theta_f[1], train([3], **in_float32).theta_f[0]
    assert (beside - alone).norm() < 1e-5 * alone.norm()


@pytest.mark.parametrize("name", ["LBFGS", "Muon", "Adafactor", "own groups", "noise of its own"])
def test_a_killed_run_goes_on_to_the_same_bits_under_any_optimizer(train: Train, tmp_path: Path, name: str) -> None:
    model, optimizer = {**MIXING, **DRAWING}[name]
    numbers = {**PLAIN, "model": model, "optimizer": optimizer, "checkpoint_seconds": 0.0, "dtype": "float32"}
    goes_on(train, tmp_path / "run", [3], (2,), numbers)


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (partial(optim.SparseAdam, lr=0.1), r"optimizer=SparseAdam cannot take a step on this model \(.*dense"),
        (partial(optim.Muon, lr=0.1), r"optimizer cannot be made: .*2D"),
        *(
            (partial(optim.Adam, **numbers), r"optimizer cannot be made: .* look at the keys under optimizer")
            for numbers in ({"lr": -1.0}, {"lr": 0.1, "betas": (0.9, 1.5)}, {"lr": 0.1, "momentum": 0.9})
        ),
        (partial(dict, lr=0.1), r"optimizer cannot be made|not a torch\.optim\.Optimizer"),
        ("sgd", "makes no optimizer; it needs a _target_"),
    ],
    ids=range(7),
)
def test_what_can_take_no_step_is_refused_before_training(train: Train, optimizer: Any, words: str) -> None:
    told: list[Any] = []
    with pytest.raises(InputError, match=words):
        train([0], model=plain, optimizer=optimizer, on_epoch=told.append, **PLAIN)
    assert told == []


@pytest.mark.parametrize("key", ["momentum_schedule", "lr_schedule"])
def test_a_schedule_of_what_an_optimizer_lacks_is_refused_before_training(train: Train, key: str) -> None:
    class NoRate(optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {})

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            """None."""

    told: list[Any] = []
    with pytest.raises(InputError, match=rf"training\.{key} is set but optimizer NoRate has no .*{key}=null"):
        train([0], optimizer=NoRate, on_epoch=told.append, **{**PLAIN, key: lambda epoch, update: 0.5})
    assert told == []


NAN, INF = float("nan"), float("inf")


WRONG: list[tuple[Any, str, Any]] = [
    *product([optim.SGD, optim.Adam, optim.LBFGS, Momentum], ["lr"], [INF, NAN, "", "fast", None, [0.1], True, 1e300]),
    *product([optim.SGD], ["momentum"], [NAN, 2, -1, "much"]),
    *product([optim.SGD], ["weight_decay"], [NAN, ""]),
    *product([optim.SGD], ["dampening"], [INF]),
    *product([optim.SGD], ["nesterov"], ["maybe", 1]),
    *product([optim.Adam], ["betas"], [0.9, "ab", [0.9], [0.9, NAN], [0.9, "x"], [0.9, 0.99, 0.999]]),
]


@pytest.mark.parametrize(("kind", "key", "value"), WRONG)
def test_a_number_of_an_optimizer_is_refused_by_its_key(train: Train, kind: Any, key: str, value: Any) -> None:
    said = f"{value} ?" if kind is optim.SGD and key != "lr" else ""
    with pytest.raises(InputError, match=rf"optimizer\.{key}[^ ]*={said}.*must"):
        train([0], optimizer=partial(kind, **{"lr": 0.1, key: value}), **PLAIN)
