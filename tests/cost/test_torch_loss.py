"""Torch's own losses as costs: J over the whole data is what the loss says of all examples at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from landscape.cost import CrossEntropy, from_torch
from landscape.errors import InputError
from tests.cost.test_labels import NEXT, TOKENS, C, D, N, X, Y, measured, without
from tests.twin import normal

WEIGHT = torch.tensor([1.0, 2.0, 5.0, 10.0])
SOFT = torch.softmax(normal(N, C, seed=5), dim=1)
HALF = without(Y)
LOG = nn.Sequential(nn.Linear(D, C), nn.LogSoftmax(dim=1)).double()


class Focal(nn.Module):
    """A loss made as torch's are."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        each = F.cross_entropy(outputs, y, reduction="none")
        each = (1 - (-each).exp()).square() * each
        return each.mean() if self.reduction == "mean" else each


class Sorted(Focal):
    """A mean that is none of its examples: only the larger half counts."""

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        each = F.cross_entropy(outputs, y, reduction="none")
        return each.topk(len(each) // 2).values.mean() if self.reduction == "mean" else each


LOSSES: list[tuple[Any, Tensor]] = [
    (nn.CrossEntropyLoss(), Y),
    (nn.CrossEntropyLoss(label_smoothing=0.1), Y),
    (nn.CrossEntropyLoss(weight=WEIGHT), HALF),
    (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.2, ignore_index=1), Y),
    (nn.CrossEntropyLoss(weight=WEIGHT), SOFT),
    (F.cross_entropy, HALF),
    (partial(F.cross_entropy, weight=WEIGHT, ignore_index=2), Y),
    (nn.MultiMarginLoss(), Y),
    (nn.BCEWithLogitsLoss(pos_weight=WEIGHT), F.one_hot(Y, C).double()),
    (nn.MSELoss(), SOFT),
    (F.smooth_l1_loss, SOFT),
    (nn.BCEWithLogitsLoss(), F.one_hot(Y, C).bool()),
    (Focal(), Y),
]


@pytest.mark.parametrize(("loss", "y"), LOSSES, ids=range(len(LOSSES)))
@pytest.mark.parametrize("batch_size", [None, 4])
def test_j_is_the_loss_of_all_at_once(loss: Any, y: Tensor, batch_size: int | None) -> None:
    net = nn.Linear(D, C).double()
    whole = loss.double() if isinstance(loss, nn.Module) else loss
    if isinstance(loss, partial):
        whole = partial(loss.func, **{k: v.double() if k == "weight" else v for k, v in loss.keywords.items()})
    found = measured(loss, X, y, net, batch_size=batch_size)
    y = y.double() if y.dtype == torch.bool else y
    assert found["objective"] == pytest.approx(whole(net(X), y).item(), rel=1e-12)
    if "error" in found and not y.is_floating_point():
        plain = measured(CrossEntropy(whole_ignore(loss)), X, y, net)
        assert found["error"] == pytest.approx(plain["error"], rel=1e-12)


@given(st.integers(0, 999), st.integers(2, 12), st.integers(1, 5), st.sampled_from([-100, 2]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_unequal_batches_change_nothing(seed: int, num: int, batch_size: int, ignored: int, has_weight: bool) -> None:
    y = torch.randint(C, (num,), generator=torch.Generator().manual_seed(seed))
    y[0], y[-1] = ignored, 1
    weight = normal(C, seed=seed).exp() if has_weight else None
    loss, net, x = (
        nn.CrossEntropyLoss(weight, ignore_index=ignored),
        nn.Linear(D, C).double(),
        normal(num, D, seed=seed),
    )
    found = measured(loss, x, y, net, batch_size=batch_size)
    assert found["objective"] == pytest.approx(loss(net(x), y).item(), rel=1e-12)


def whole_ignore(loss: Any) -> int:
    """The label that a loss leaves out."""
    return int(loss.keywords["ignore_index"] if isinstance(loss, partial) else getattr(loss, "ignore_index", -100))


@pytest.mark.parametrize("loss", [nn.NLLLoss(weight=WEIGHT), F.nll_loss, nn.KLDivLoss(reduction="batchmean")])
def test_losses_of_log_probabilities(loss: Any) -> None:
    y = SOFT if isinstance(loss, nn.KLDivLoss) else HALF
    whole = loss.double() if isinstance(loss, nn.Module) else loss
    assert measured(loss, X, y, LOG)["objective"] == pytest.approx(whole(LOG(X), y).item(), rel=1e-12)


def test_classes_lie_where_torch_has_them() -> None:
    net = nn.Sequential(nn.Conv1d(D, C, 1)).double()
    x, y = TOKENS.transpose(1, 2).contiguous(), without(NEXT)
    loss = nn.CrossEntropyLoss(weight=WEIGHT.double())
    assert measured(loss, x, y, net)["objective"] == pytest.approx(loss(net(x), y).item(), rel=1e-12)


def test_values_that_torch_leaves_alone_are_averaged_over_what_has_a_label() -> None:
    net = nn.Linear(D, C).double()
    found = measured(nn.CrossEntropyLoss(reduction="none"), X, HALF, net)
    assert found == pytest.approx(measured(CrossEntropy(), X, HALF, net), rel=1e-12)


def scalar(outputs: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(outputs, y)


def per_example(outputs: Tensor, y: Tensor) -> Tensor:
    return (outputs[:, 0] - y).square()


def test_a_function_may_give_one_value_per_example() -> None:
    net = nn.Linear(D, C).double()
    right = per_example(net(X), Y).mean().item()
    assert measured(per_example, X, Y, net)["objective"] == pytest.approx(right, rel=1e-12)


LATE = torch.arange(400) * C // 400  # sorted: the first hundred have one label


class Balanced(Focal):
    """A mean by class weights that is a module's own."""

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(outputs, y, weight=WEIGHT.double(), reduction=self.reduction)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (lambda o, y, reduction="mean": F.cross_entropy(o, y, weight=WEIGHT.double(), reduction=reduction), LATE),
        (lambda o, y, reduction="mean": F.cross_entropy(o, y, ignore_index=3, reduction=reduction), LATE),
        (
            lambda o, y, reduction="mean": F.cross_entropy(o, y, ignore_index=3, reduction=reduction),
            torch.where(torch.arange(400) == 333, 3, 0),
        ),
        (Balanced(), LATE),
    ],
    ids=["weights", "left out", "one left out", "module"],
)
def test_a_mean_of_its_own_is_seen_wherever_its_labels_lie(loss: Any, y: Tensor) -> None:
    with pytest.raises(InputError, match="as the mean of its values for each"):
        measured(loss, normal(400, D, seed=8), y, nn.Linear(D, C).double())


def test_labels_in_order_change_nothing_of_a_plain_mean() -> None:
    net, x = nn.Linear(D, C).double(), normal(400, D, seed=8)
    assert measured(Focal(), x, LATE, net)["objective"] == pytest.approx(Focal()(net(x), LATE).item(), rel=1e-12)


def heads(outputs: Tensor, y: Tensor) -> Tensor:
    return F.gaussian_nll_loss(outputs[:, :1], y, outputs[:, 1:].exp(), reduction="none")


@pytest.mark.parametrize("loss", [heads, lambda outputs, y: heads(outputs, y)[:, 0]])
def test_a_function_may_take_more_outputs_than_targets(loss: Any) -> None:
    net, y = nn.Linear(D, 2).double(), normal(N, 1, seed=4)
    assert measured(loss, X, y, net)["objective"] == pytest.approx(heads(net(X), y).mean().item(), rel=1e-12)


def test_a_function_that_mixes_examples_is_refused() -> None:
    with pytest.raises(InputError, match="look in model and cost for what mixes examples"):
        measured(lambda outputs, y: (outputs - y).square().mean(1), X, normal(N, seed=4), nn.Linear(D, 1).double())


def test_a_cost_stays_itself() -> None:
    cost = CrossEntropy()
    assert from_torch(cost) is cost


REFUSED: list[tuple[Callable[[], Any], Tensor, str]] = [
    (lambda: scalar, Y, "cost=scalar gives one number for them all"),
    (lambda: Sorted(), Y, "as the mean of its values for each"),
    (lambda: nn.CrossEntropyLoss(reduction="sum"), Y, "reduction=sum; J is a mean"),
    (lambda: partial(F.mse_loss, reduction="sum"), SOFT, "reduction=sum"),
    (lambda: nn.CrossEntropyLoss, Y, "is a class; give an object"),
    (lambda: nn.MSELoss(), Y.double(), r"targets \(\d+,\) do not match outputs \(\d+, 4\)"),
    (lambda: nn.CrossEntropyLoss(), Y + 1, "has the label 4"),
    (lambda: nn.CrossEntropyLoss(), Y.double(), r"y\.long\(\)"),
    (lambda: nn.CrossEntropyLoss(weight=torch.ones(C - 1)), Y, "does not fit data and cost TorchLoss"),
    (lambda: Focal(), HALF, "labels below 0"),
    (lambda: nn.CTCLoss(), Y, "input_lengths"),
    (lambda: nn.BCEWithLogitsLoss(), without(SOFT), "has the label -100, .*; cost=binary_cross_entropy"),
    (lambda: nn.MultiLabelSoftMarginLoss(), without(SOFT), "has the label -100"),
    (lambda: nn.SoftMarginLoss(), without(SOFT.sign()), "labels below 0 mean not labelled"),
    (lambda: nn.L1Loss(), without(F.one_hot(Y, C)), "labels below 0 mean not labelled"),
    (lambda: F.binary_cross_entropy, 2 * F.one_hot(Y, C).double(), "has the label 2"),
    (lambda: "cross_entropy", Y, "cost=str is no cost: a cost has channels"),
    (lambda: nn.Sequential(nn.Linear(C, 1)), Y, "parameters of its own"),
]


@pytest.mark.parametrize(("make", "y", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_no_mean_can_stand_for_is_refused(make: Callable[[], Any], y: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        measured(make(), X, y, nn.Linear(D, C).double())
