"""Softmax cross-entropy per example."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from landscape.cost import CrossEntropy
from tests.twin import C, cross_entropy, normal


def test_cost_and_channels_equal_the_twin() -> None:
    z, y = 3 * normal(11, C, seed=1), torch.arange(11) % C
    draws = []

    def predict(x: Tensor, draw: int) -> Tensor:
        draws.append(draw)
        return z

    plain = [cross_entropy(row, int(label)).item() for row, label in zip(z, y, strict=True)]
    cost = CrossEntropy()(predict, torch.zeros(11, 2), y)
    channels = CrossEntropy().channels(predict, torch.zeros(11, 2), y)
    assert cost.tolist() == pytest.approx(plain, rel=1e-14) and torch.equal(channels["objective"], cost)
    wrong = [
        float(max(range(C), key=row.__getitem__) != label) for row, label in zip(z.tolist(), y.tolist(), strict=True)
    ]
    assert channels["error"].tolist() == wrong and 0 < sum(wrong) < 11
    assert draws == [0, 0] and CrossEntropy.num_draws == 1


def test_far_logits_stay_finite() -> None:
    z = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]], dtype=torch.float64)
    assert CrossEntropy()(lambda x, draw: z, z, torch.tensor([0, 0])).tolist() == [0.0, 1000.0]


def test_a_sequence_costs_the_mean_over_its_tokens() -> None:
    z, y = 3 * normal(4, 6, C, seed=1), (torch.arange(24) % C).view(4, 6)
    found = CrossEntropy().channels(lambda x, draw: z, z, y)
    assert torch.equal(found["objective"], CrossEntropy()(lambda x, draw: z, z, y))
    for n in range(4):
        costs = [cross_entropy(z[n, t], int(y[n, t])).item() for t in range(6)]
        wrong = [max(range(C), key=z[n, t].tolist().__getitem__) != int(y[n, t]) for t in range(6)]
        assert found["objective"][n].item() == pytest.approx(sum(costs) / 6, rel=1e-14)
        assert found["error"][n].item() == pytest.approx(sum(wrong) / 6, rel=1e-14)


@pytest.mark.parametrize(("shape", "labels"), [((5, C), (5, 2)), ((5, 2, C), (5,)), ((5, C, 2), (5, 2)), ((5,), (5,))])
def test_logits_that_do_not_fit_the_labels_are_refused(shape: tuple[int, ...], labels: tuple[int, ...]) -> None:
    z, y = torch.zeros(shape), torch.zeros(labels, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"one row of C per label"):
        CrossEntropy()(lambda x, draw: z, z, y)
