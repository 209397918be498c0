"""Labels that mean "not labelled" enter neither cost nor error nor what they are divided by; others are classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import Adversarial, CrossEntropy, SquaredError
from landscape.cost.labels import scales
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import normal

N, D, T, C = 26, 5, 6, 4
NET = nn.Sequential(nn.Linear(D, 7), nn.ReLU(), nn.Linear(7, C)).double()
nn.utils.vector_to_parameters(0.7 * normal(7 * D + 7 + C * 7 + C, seed=9), NET.parameters())
X = normal(N, D, seed=1)
Y = torch.arange(N) % C
TOKENS = normal(N, T, D, seed=2)
NEXT = (torch.arange(N * T) * 7 % C).view(N, T)
ENDS = [0.3 * normal(1, ParameterLayout.of(NET).num_parameters, seed=s) for s in (3, 4)]


def measured(cost: Any, x: Tensor, y: Tensor, net: nn.Module = NET, **settings: Any) -> dict[str, float]:
    objective = Objective(net, cost, Split(x, y), dtype="float64", **settings)
    return {name: values[0] for name, values in objective.evaluate(ParameterLayout.of(net).theta(net)[None]).items()}


def without(y: Tensor, label: int = -100) -> Tensor:
    """A third of the labels taken away, the first example's all."""
    gone = torch.arange(y.numel()).view(y.shape) % 3 == 1
    gone[0] = True
    return y.masked_fill(gone, label)


@pytest.mark.parametrize("engine", ["plain", "prefix", "events"])
@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize(("x", "y"), [(X, Y), (TOKENS, NEXT)], ids=["examples", "tokens"])
def test_j_is_torch_s_mean_over_what_has_a_label(x: Tensor, y: Tensor, batch_size: int | None, engine: str) -> None:
    y = without(y)
    path, alphas = Linear(*ENDS), np.linspace(0, 1, 7)
    settings: dict[str, Any] = {"dtype": "float64", "batch_size": batch_size, "engine": engine}
    found = Objective(NET, CrossEntropy(), Split(x, y), **settings).along(path, alphas, keep_costs=True)
    for a, alpha in enumerate(alphas):
        values = ParameterLayout.of(NET).unflatten(path(alpha)[0])
        logits = torch.func.functional_call(NET, values, (x,)).flatten(0, -2)
        labels = y.flatten()
        assert found.channels["objective"][a, 0] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-12)
        wrong = (logits.argmax(dim=1) != labels)[labels >= 0].double().mean().item()
        assert found.channels["error"][a, 0] == pytest.approx(wrong, rel=1e-12)
    assert found.costs is not None
    assert found.costs.mean(axis=2) == pytest.approx(found.channels["objective"].T, rel=1e-6)  # what noise reads


@pytest.mark.parametrize("cost", [CrossEntropy(), Adversarial(epsilon=0.1, weight=0.3)])
def test_examples_without_a_label_change_nothing(cost: Any) -> None:
    x, y = torch.cat([normal(9, D, seed=8), X]), torch.cat([torch.full((9,), -100), Y])
    assert measured(cost, x, y) == pytest.approx(measured(cost, X, Y), rel=1e-12)
    assert scales(cost, Y) == {} and len(scales(cost, y)) == len(measured(cost, X, Y))


def test_slopes_are_of_the_same_j() -> None:
    objective = Objective(NET, CrossEntropy(), Split(TOKENS, without(NEXT)), dtype="float64")
    path, step = Linear(*ENDS), 1e-5
    found = slopes(objective, path, np.array([0.4]))
    low, high = objective.along(path, np.array([0.4 - step, 0.4 + step])).channels["objective"][:, 0]
    assert found["slope"][0, 0] == pytest.approx((high - low) / (2 * step), rel=1e-6)
    assert found["objective"][0, 0] == pytest.approx((high + low) / 2, rel=1e-6)


def test_another_label_may_mean_it() -> None:
    for label in (-1, 0, 250):
        y = without(Y, label)
        right = F.cross_entropy(NET(X), y, ignore_index=label).item()
        assert measured(CrossEntropy(ignore_index=label), X, y)["objective"] == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.bool])
@pytest.mark.parametrize("cost", [CrossEntropy(), SquaredError()])
def test_labels_of_any_whole_type(cost: Any, kind: torch.dtype) -> None:
    y = Y.to(kind)
    assert measured(cost, X, y) == measured(cost, X, y.long())


def test_one_hot_rows_are_labels_and_probabilities_are_torch_s() -> None:
    assert measured(CrossEntropy(), X, F.one_hot(Y, C).double()) == pytest.approx(measured(CrossEntropy(), X, Y))
    soft = torch.softmax(normal(N, C, seed=5), dim=1)
    found = measured(CrossEntropy(), X, soft)
    assert found["objective"] == pytest.approx(F.cross_entropy(NET(X), soft).item(), rel=1e-12)


def test_where_the_classes_are_is_never_guessed() -> None:
    x, y = normal(N, C, D, seed=6), (torch.arange(N * C) * 5 % C).view(N, C)  # as many tokens as classes
    with pytest.raises(InputError, match=r"\+cost\.classes=last or \+cost\.classes=first"):
        measured(CrossEntropy(), x, y)
    last = measured(CrossEntropy(classes="last"), x, y)["objective"]
    first = measured(CrossEntropy(classes="first"), x, y)["objective"]
    assert last == pytest.approx(F.cross_entropy(NET(x).flatten(0, 1), y.flatten()).item(), rel=1e-12)
    assert first == pytest.approx(F.cross_entropy(NET(x), y).item(), rel=1e-12) and abs(first - last) > 1e-3
    image, pixels = nn.Conv2d(2, C, 1).double(), without((torch.arange(N * 15) % C).view(N, 3, 5))
    x = normal(N, 2, 3, 5, seed=7)
    found = measured(CrossEntropy(classes="first"), x, pixels, image)["objective"]
    assert found == pytest.approx(F.cross_entropy(image(x), pixels).item(), rel=1e-12)


LAST = N - 1
REFUSED = [
    (CrossEntropy(), Y.index_fill(0, torch.tensor([LAST]), C), f"example {LAST} of the data has the label {C}"),
    (CrossEntropy(), Y.index_fill(0, torch.tensor([LAST]), -1), "has the label -1"),
    (Adversarial(), Y.index_fill(0, torch.tensor([LAST]), -1), "has the label -1"),
    (SquaredError(), without(Y), "example 0 of the data has the label -100"),
    (CrossEntropy(), torch.full_like(Y, -100), f"none of the {N} examples"),
    (CrossEntropy(), Y.double(), r"whole numbers \(y\.long\(\)\)"),
    (CrossEntropy(), F.one_hot(Y, C), "one row of C per label"),
    (CrossEntropy(), 3 * F.one_hot(Y, C).double(), r"targets outside \[0, 1\]"),
    (CrossEntropy(), Y[:, None], "one row of C per label"),
    (SquaredError(), F.one_hot(Y, C), r"y\.float\(\)"),
    (SquaredError(), X[:, :1], "do not match outputs"),
    (CrossEntropy(classes="first"), Y.view(N, 1), "one row of C per label"),
]


@pytest.mark.parametrize(("cost", "y", "words"), REFUSED, ids=range(len(REFUSED)))
def test_labels_that_do_not_fit_are_refused_before_any_work(cost: Any, y: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        measured(cost, X, y)
