"""Each of the paper's networks, small, a few steps on the CPU and on a GPU: the same walk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from landscape.cost import Adversarial, CrossEntropy, MultiPrediction
from landscape.data.digits import digits
from landscape.model import LSTM, MLP, MPDBM, ConvMaxout, MaxoutMLP
from landscape.objective import Objective
from landscape.training import GroupRun, Momentum, Training
from tests.training.conftest import text

# Masks and samples come from streams of their own device, so the networks are compared without them.
MODELS: dict[str, tuple[Callable[[], nn.Module], Any, float]] = {
    "maxout": (partial(MaxoutMLP, 64, 10, [20, 20], 3, 0.1, 1.5), CrossEntropy(), 0.1),
    "relu": (partial(MLP, 64, 10, [20, 20], nn.ReLU()), CrossEntropy(), 0.1),
    "sigmoid": (partial(MLP, 64, 10, [20, 20], nn.Sigmoid()), CrossEntropy(), 0.1),
    "adversarial": (partial(MaxoutMLP, 64, 10, [20, 20], 3, 0.1, 1.5), Adversarial(0.1), 0.1),
    "conv_maxout": (
        partial(
            ConvMaxout,
            [1, 8, 8],
            10,
            widths=[6, 6, 6, 20],
            pieces=[2, 2, 2, 3],
            kernels=[3, 3, 3],
            pads=[1, 1, 1],
            windows=[2, 2, 2],
            strides=[2, 2, 2],
            init_ranges=[0.3] * 5,
            max_norms=[2.0] * 5,
            lr_scales=[0.5] * 3 + [1, 1],
        ),
        CrossEntropy(),
        0.1,
    ),
    "lstm": (partial(LSTM, 9, 16, 2, 0.0, 0.2), CrossEntropy(), 0.5),
}


def trained(name: str, device: str, folder: Path) -> torch.Tensor:
    """theta_f after two epochs in float64, where the devices differ by rounding alone."""
    model, cost, lr = MODELS[name]
    data = text() if name == "lstm" else digits().limited(100)
    training = Training(batch_size=4 if name == "lstm" else 25, max_epochs=2, dtype="float64", select="last")
    folder.mkdir()
    run = GroupRun(
        model, cost, data, partial(Momentum, lr=lr, momentum=0.5), training, [3], folder, torch.device(device)
    )
    return run.run().theta_f


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_training_walks_the_same_way_on_both_devices(name: str, tmp_path: Path) -> None:
    on_cpu, on_gpu = (trained(name, device, tmp_path / device) for device in ("cpu", "cuda"))
    torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_the_walk_that_a_gpu_is_compared_with_moves(name: str, tmp_path: Path) -> None:
    """Here on the CPU alone: the small networks train, so that the comparison is not one of two starts."""
    model = MODELS[name][0]
    torch.manual_seed(0)
    first = trained(name, "cpu", tmp_path / "one")
    again = trained(name, "cpu", tmp_path / "two")
    assert torch.equal(first, again) and first.shape[1] == sum(p.numel() for p in model().parameters())


@pytest.mark.gpu
def test_a_boltzmann_machine_measures_the_same_on_both_devices() -> None:
    torch.manual_seed(0)
    module = MPDBM(64, 10, widths=(30, 20)).double()
    values = []
    for device in ("cpu", "cuda"):
        objective = Objective(module, MultiPrediction(), digits().limited(100).train, dtype="float64", device=device)
        values.append(objective.evaluate(objective.layout.theta(objective.module)[None])["objective"])
    torch.testing.assert_close(torch.from_numpy(values[1]), torch.from_numpy(values[0]), rtol=1e-10, atol=0)
