"""The real MNIST, where LANDSCAPE_DATA has it."""

from __future__ import annotations

import os

import pytest
import torch

from landscape.data.mnist import mnist

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not os.environ.get("LANDSCAPE_DATA"), reason="LANDSCAPE_DATA is not set"),
]


def test_real_mnist() -> None:
    data = mnist(cache=os.devnull)  # so that nothing could be fetched instead
    assert [tuple(s.x.shape) for s in (data.train, data.valid, data.test)] == [
        (n, 784) for n in (50_000, 10_000, 10_000)
    ]
    assert data.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    # Counts published for the 60,000 and 10,000 examples.
    both = torch.cat([data.train.y, data.valid.y]).bincount().tolist()
    assert both == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.test.y.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.x.min() == 0 and data.train.x.max() == 1
    # Known mean and standard deviation of the 60,000: 0.1307 and 0.3081.
    pixels = torch.cat([data.train.x, data.valid.x])
    assert pixels.double().mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert pixels.double().std().item() == pytest.approx(0.3081, abs=5e-5)
    assert len(data.limited(1_000).train) == 1_000
