"""What is wrong with a late batch of a stream is refused, with the number of its example, as it would be in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CausalLM, CrossEntropy, MaskedLM, SquaredError
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.slope import slopes
from tests.objective.loaded import C, N, Net, X, Y, line
from tests.objective.test_any_module import assert_same, everything

LATE = 30
SIZE = 7


def spoilt(values: Tensor, value: float, row: int = LATE) -> Tensor:
    other = values.clone()
    other[row] = value
    return other


class Words(nn.Module):
    """Tokens [B, T] -> logits [B, T, 11]."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(11, 4), nn.Linear(4, 11)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.head(self.embedding(input_ids))


class Column(nn.Module):
    """x [B, D] -> [B, 1], in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(X.shape[1], 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).sigmoid()


def own(outputs: Tensor, batch: Any) -> Tensor:
    return F.cross_entropy(outputs, batch[1], reduction="none")


IDS = torch.arange(N * 5).view(N, 5) * 7 % 11
TEXT = {"input_ids": IDS, "labels": IDS}
FAULTS: dict[str, tuple[Callable[[], nn.Module], Any, Any, str]] = {
    "an input that is NaN": (Net, CrossEntropy(), (spoilt(X, float("nan")), Y), "example 30 of the data has values"),
    "an input that is infinite": (Net, nn.CrossEntropyLoss(), (spoilt(X, float("inf")), Y), "example 30 of the data"),
    "a target that is NaN": (Column, SquaredError(), (X, spoilt(X[:, :1], float("nan"))), "example 30 of the data"),
    "no class": (Net, CrossEntropy(), (X, spoilt(Y, C)), f"example 30 of the data has the label {C}"),
    "no class of torch's": (Net, nn.CrossEntropyLoss(), (X, spoilt(Y, C)), f"example 30 of the data has the label {C}"),
    "a class below 0": (Net, CrossEntropy(), (X, spoilt(spoilt(Y, -100, 2), -7)), "example 30 .* has the label -7"),
    "no class of a function's": (Net, own, (X, spoilt(Y, C)), f"at example 30 of the data: .*Target {C} is out"),
    "no probability": (Column, nn.BCELoss(), (X, spoilt(X[:, :1].sigmoid(), 1.5)), "example 30 .* has the label 1.5"),
    "no token": (
        Words,
        CausalLM(),
        {**TEXT, "input_ids": spoilt(IDS, 11)},
        "at example 30 of the data: .* index out of range",
    ),
    "no label": (Words, CausalLM(), {**TEXT, "labels": spoilt(IDS, 11)}, "example 30 of the data has the label 11"),
    "no masked label": (
        Words,
        MaskedLM(),
        {**TEXT, "labels": spoilt(IDS.masked_fill(IDS > 3, -100), -1)},
        "example 30 of the data has the label -1",
    ),
}


def batches(data: Any) -> list[Any]:
    def part(values: Any, i: int) -> Any:
        if isinstance(values, dict):
            return {name: value[i : i + SIZE] for name, value in values.items()}
        return tuple(value[i : i + SIZE] for value in values)

    return [part(data, i) for i in range(0, N, SIZE)]


@pytest.mark.parametrize("is_sloped", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_late_batch_has_its_number(fault: str, is_sloped: bool) -> None:
    kind, cost, data, words = FAULTS[fault]
    net = kind()
    before, path = everything(net), line(kind)
    objective = Objective(net, cost, batches(data), dtype="float64")
    world = torch.get_rng_state()
    for _ in range(2):  # once more it is no less of a fault
        with pytest.raises(InputError, match=words):
            if is_sloped:
                slopes(objective, path, np.linspace(0, 1, 3))
            objective.along(path, np.linspace(0, 1, 3))
    assert torch.equal(torch.get_rng_state(), world)
    assert_same(everything(net)[:3], before[:3])


def test_batches_of_another_width_are_refused() -> None:
    objective = Objective(Net(), CrossEntropy(), [(X, Y), (X[:, :2], Y)])
    with pytest.raises(InputError, match=r"from example 37 of the data on: model=Net does not fit .*x \[B, 2\]"):
        objective.along(line(), np.linspace(0, 1, 3))


class Mine(Exception):
    """Somebody's own."""


@pytest.mark.parametrize("fault", [Mine("why"), KeyboardInterrupt(), RuntimeError("why"), InputError("why")])
@pytest.mark.parametrize("engine", ["auto", "plain", "prefix"])
def test_an_exception_of_the_data_passes_and_all_is_as_it_was(fault: BaseException, engine: str) -> None:
    is_broken = True

    def read() -> Iterator[Any]:
        for number, batch in enumerate(batches((X, Y))):
            torch.rand(3), np.random.rand(3)
            if is_broken and number == 3:
                raise fault
            yield batch

    net = Net(include=0.5)
    before, path, alphas = everything(net), line(), np.linspace(0, 1, 5)
    objective = Objective(net, CrossEntropy(), Stream(read), mode="stochastic", engine=engine)
    with pytest.raises(type(fault)) as caught:
        objective.along(path, alphas)
    assert caught.value is fault
    assert_same(everything(net), before)
    is_broken = False
    found = objective.along(path, alphas).channels["objective"]  # nothing of the broken pass is left
    fresh = Objective(copy.deepcopy(net), CrossEntropy(), Stream(read), mode="stochastic", engine=engine)
    assert (found == fresh.along(path, alphas).channels["objective"]).all() and np.isfinite(found).all()


def test_what_is_new_in_a_late_batch_and_fits_is_measured() -> None:
    """Numbers beyond all earlier ones, a label for what has none, a shorter text, a text without any label."""
    ids = torch.arange(8).view(2, 4)
    data = [
        {"input_ids": ids, "labels": ids},
        {"input_ids": ids + 3, "labels": ids + 3},
        {"input_ids": ids[:, :3], "labels": torch.full((2, 3), -100)},
        {"input_ids": ids[:1, :2], "labels": ids[:1, :2].masked_fill(ids[:1, :2] == 0, -100)},
    ]
    path, right = line(Words), []
    for alpha in (0.0, 0.5, 1.0):
        net = Words().double()
        torch.nn.utils.vector_to_parameters(path(alpha)[0], net.parameters())
        logits = [net(batch["input_ids"])[:, :-1].flatten(0, 1) for batch in data]
        labels = [batch["labels"][:, 1:].flatten() for batch in data]
        right.append(F.cross_entropy(torch.cat(logits), torch.cat(labels)).item())
    for given in (data, data[2:3] + data[:2] + data[3:]):
        found = Objective(Words(), CausalLM(), given, dtype="float64").along(path, np.array([0.0, 0.5, 1.0]))
        np.testing.assert_allclose(found.channels["objective"][:, 0], right, rtol=1e-12)
