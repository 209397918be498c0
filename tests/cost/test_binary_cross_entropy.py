"""Two classes at each place: J is torch's own over all data at once, as a loop over the places has it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from landscape.cost import BinaryCrossEntropy
from landscape.errors import InputError
from tests.cost.test_labels import measured, without
from tests.twin import normal

N, H, W = 11, 3, 4
IMAGES = normal(N, 2, H, W, seed=1)
LABELS = (torch.arange(N * H * W) * 5 % 7 > 3).long().view(N, 1, H, W)
SOFT = torch.sigmoid(normal(N, 1, H, W, seed=2))
LOGITS = nn.Conv2d(2, 1, 1).double()
nn.utils.vector_to_parameters(torch.tensor([1.5, -0.8, 0.3], dtype=torch.float64), LOGITS.parameters())
SHARES = nn.Sequential(LOGITS, nn.Sigmoid())


def loop(y: Tensor, weight: float = 1.0, is_sum: bool = False) -> tuple[float, float]:
    """J and the share of wrong places, place by place."""
    costs, wrong, num = [], [], 0
    for n in range(N):
        pixels = [(h, w) for h in range(H) for w in range(W) if y[n, 0, h, w] != -100]
        num += 1 if pixels else 0
        for h, w in pixels:
            p, t = SHARES(IMAGES[n])[0, h, w].item(), float(y[n, 0, h, w])
            costs.append(-weight * t * math.log(p) - (1 - t) * math.log(1 - p))
            wrong.append((p > 0.5) != (t > 0.5))
    return sum(costs) / (num if is_sum else len(costs)), sum(wrong) / len(wrong)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("weight", [1.0, 2.5])
@pytest.mark.parametrize("is_sum", [False, True])
@pytest.mark.parametrize("y", [LABELS, LABELS.bool(), LABELS.double(), SOFT, without(LABELS), without(SOFT)])
@pytest.mark.parametrize("probabilities", [False, True])
def test_j_is_a_loop_s(y: Tensor, probabilities: bool, is_sum: bool, weight: float, batch_size: int | None) -> None:
    cost = BinaryCrossEntropy(probabilities, None if weight == 1 else weight, "sum" if is_sum else "mean")
    found = measured(cost, IMAGES, y, SHARES if probabilities else LOGITS, batch_size=batch_size)
    right, share = loop(y, weight, is_sum)
    assert found["objective"] == pytest.approx(right, rel=1e-12)
    assert ("error" in found) == (not y.is_floating_point())
    if "error" in found:
        assert found["error"] == pytest.approx(share, rel=1e-12)


@given(st.integers(0, 999), st.integers(2, 9), st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_it_is_torch_s_own_over_all_data(seed: int, num: int, batch_size: int) -> None:
    x, y = normal(num, 5, seed=seed), (normal(num, 3, seed=seed + 1) > 0).double()
    weight = normal(3, seed=seed + 2).exp()
    net = nn.Linear(5, 3).double()
    found = measured(BinaryCrossEntropy(pos_weight=weight.tolist()), x, y, net, batch_size=batch_size)
    assert found["objective"] == pytest.approx(nn.BCEWithLogitsLoss(pos_weight=weight)(net(x), y).item(), rel=1e-12)
    shares = nn.Sequential(net, nn.Sigmoid())
    found = measured(BinaryCrossEntropy(probabilities=True), x, y, shares, batch_size=batch_size)
    assert found["objective"] == pytest.approx(nn.BCELoss()(shares(x), y).item(), rel=1e-12)


def test_certain_outputs_cost_what_torch_says_and_have_a_slope() -> None:
    outputs = torch.tensor([[0.0, 1.0, 0.25, 1.0, 0.0]], requires_grad=True)
    y = torch.tensor([[1, 0, 1, 1, 0]])
    value = BinaryCrossEntropy(probabilities=True).of(outputs, y)
    assert value.item() == pytest.approx(nn.BCELoss()(outputs, y.float()).item(), rel=1e-6)
    (slope,) = torch.autograd.grad(value.sum(), outputs)
    assert slope.isfinite().all() and slope[0, 2] == pytest.approx(-4 / 5)
    assert BinaryCrossEntropy(probabilities=True).of(torch.full((1, 2), math.nan), torch.ones(1, 2)).isnan().all()


REFUSED: list[tuple[Callable[[], Any], Tensor, str]] = [
    (lambda: BinaryCrossEntropy(), LABELS * 255, "has the label 255"),
    (lambda: BinaryCrossEntropy(), LABELS.masked_fill(LABELS == 0, -1), "has the label -1"),
    (lambda: BinaryCrossEntropy(ignore_index=None), without(LABELS), "has the label -100"),
    (lambda: BinaryCrossEntropy(), SOFT * 3, "neither 0 nor 1 nor a probability"),
    (lambda: BinaryCrossEntropy(), LABELS[:, 0], r"y\[:, None\]"),
    (lambda: BinaryCrossEntropy(), LABELS[..., :-1], "one output per label"),
    (lambda: BinaryCrossEntropy(), torch.full_like(LABELS, -100), "none of the 11 examples"),
    (lambda: BinaryCrossEntropy(probabilities=True), LABELS, "cost.probabilities=false"),
    (lambda: BinaryCrossEntropy(reduction="none"), LABELS, "cost.reduction=none must be mean or sum"),
    (lambda: BinaryCrossEntropy(pos_weight=-1), LABELS, "cost.pos_weight=-1 must be a positive"),
    (lambda: BinaryCrossEntropy(ignore_index=0), LABELS, "one of the two classes"),
]


@pytest.mark.parametrize(("make", "y", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused(make: Callable[[], Any], y: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        measured(make(), IMAGES, y, LOGITS)


def test_another_label_may_mean_that_there_is_none() -> None:
    void = without(LABELS, 255).to(torch.uint8)
    found = measured(BinaryCrossEntropy(ignore_index=255), IMAGES, void, LOGITS)
    assert found["objective"] == pytest.approx(loop(without(LABELS))[0], rel=1e-12)
