"""Squared error against plain sums, and the cost that is the model's own output."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from landscape.cost import Output, SquaredError
from landscape.errors import InputError
from landscape.model import DeepLinear, Masks
from landscape.training.gradient import Gradient
from landscape.training.groups import groups_of
from tests.twin import C, D, normal

N = 11


def predicting(outputs: Tensor) -> Any:
    draws: list[int] = []

    def predict(x: Tensor, draw: int) -> Tensor:
        draws.append(draw)
        return outputs

    predict.draws = draws  # type: ignore[attr-defined]
    return predict


def plain(outputs: Tensor, wanted: list[list[float]]) -> list[float]:
    rows = zip(outputs.tolist(), wanted, strict=True)
    return [sum((a - b) ** 2 for a, b in zip(row, want, strict=True)) for row, want in rows]


def test_targets_without_a_half_summed_over_outputs() -> None:
    f, y = normal(N, C, seed=1), 0.7 * normal(N, C, seed=2) + 0.3
    predict = predicting(f)
    cost, channels = SquaredError()(predict, f, y), SquaredError().channels(predict, f, y)
    assert cost.tolist() == pytest.approx(plain(f, y.tolist()), rel=1e-14)
    assert set(channels) == {"objective"} and torch.equal(channels["objective"], cost)
    assert predict.draws == [0, 0] and SquaredError.num_draws == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_labels_are_compared_as_unit_vectors(dtype: torch.dtype) -> None:
    f, y = normal(N, C, seed=1).to(dtype), torch.arange(N) % C
    predict = predicting(f)
    units = [[float(c == label) for c in range(C)] for label in y.tolist()]
    cost, channels = SquaredError()(predict, f, y), SquaredError().channels(predict, f, y)
    assert cost.dtype == dtype and torch.equal(channels["objective"], cost)
    assert cost.tolist() == pytest.approx(plain(f, units), rel=1e-14 if dtype == torch.float64 else 1e-6)
    wrong = [float(max(range(C), key=row.__getitem__) != t) for row, t in zip(f.tolist(), y.tolist(), strict=True)]
    assert channels["error"].tolist() == wrong and 0 < sum(wrong) < N and channels["error"].dtype == dtype


@pytest.mark.parametrize("shape", [(N, 1), (N,), (1, C), (N, C + 1)])
def test_targets_that_would_be_broadcast_are_refused(shape: tuple[int, ...]) -> None:
    f = normal(N, C, seed=1)
    for act in (SquaredError(), SquaredError().channels):
        with pytest.raises(ValueError, match="do not match outputs"):
            act(predicting(f), f, normal(*shape, seed=2))


@pytest.mark.parametrize(
    ("outputs", "y", "words"),
    [
        ((N,), (N,), r"return \[B, 1\]"),
        ((N, 1), (N,), r"y\[:, None\]"),
    ],
)
def test_one_number_per_example_needs_its_axis(outputs: Any, y: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        SquaredError().check_targets(normal(*outputs), normal(*y))


def test_a_label_that_is_no_output_is_refused() -> None:
    for label in (C, -1):
        with pytest.raises(RuntimeError, match="out of bounds"):
            SquaredError()(predicting(normal(2, C)), normal(2, C), torch.tensor([0, label]))


@pytest.mark.parametrize("labelled", [False, True])
def test_seeds_train_together_as_each_alone(labelled: bool) -> None:
    """The unit vectors of labels are made under vmap too; and the slope is 2 (f - y) x."""
    module, x = DeepLinear(D, C, depth=1, init_std=None).double(), normal(2, N, D, seed=3) + 0.2
    y = torch.stack([torch.arange(N) % C, (2 * torch.arange(N)) % C]) if labelled else normal(2, N, C, seed=4)
    assert groups_of([0, 1], module, SquaredError(), (x[0], y[0]), None) == [[0, 1]]
    theta = {"layers.0.weight": normal(2, C, D, seed=5)}
    masks = Masks(module, x[0, :1])
    together, *_ = Gradient(module, SquaredError(), masks, vectorised=True)(theta, {"x": x, "y": y}, None)
    for s in range(2):
        alone, *_ = Gradient(module, SquaredError(), masks, vectorised=False)(
            {k: v[s : s + 1] for k, v in theta.items()}, {"x": x[s : s + 1], "y": y[s : s + 1]}, None
        )
        wanted = torch.eye(C, dtype=torch.float64)[y[s]] if labelled else y[s]
        by_hand = 2 * (x[s] @ theta["layers.0.weight"][s].T - wanted).T @ x[s] / N
        torch.testing.assert_close(alone["layers.0.weight"][0], by_hand, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(together["layers.0.weight"][s], by_hand, rtol=1e-13, atol=1e-13)


def test_the_output_is_the_cost() -> None:
    value, predict = normal(N, seed=1), predicting(normal(N, seed=1))
    labels = torch.zeros(N, dtype=torch.int64)
    assert torch.equal(Output()(predict, value, labels), value)
    channels = Output().channels(predict, value, labels)
    assert set(channels) == {"objective"} and torch.equal(channels["objective"], value)
    assert predict.draws == [0, 0] and Output.num_draws == 1
