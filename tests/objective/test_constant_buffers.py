"""Buffers that are no statistics: the same along the whole line, whatever is done with those that are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import C, D, normal, split

TRAIN, VALID = split(23, seed=1), split(11, seed=2)
ALPHAS = np.array([-0.3, 0.0, 0.41, 1.0, 1.4])


def objective(treatment: str, module: nn.Module, **numbers: Any) -> Objective:
    numbers = {"calibration": TRAIN, "dtype": "float64", "batch_size": 9, **numbers}
    return Objective(module, CrossEntropy(), VALID, running_statistics=treatment, **numbers)


class Constant(nn.Module):
    """Batch norm among buffers that are no statistics: a mask with infinities, a table of whole numbers, a counter."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(D, 6), nn.BatchNorm1d(6), nn.Linear(6, C)
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf, 0.0, 0.0, -torch.inf, 0.0]))
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 0.5, torch.nan, 1.0, 3.0]).nan_to_num(0.7))
        self.register_buffer("order", torch.tensor([3, 1, 0, 2, 5, 4]))
        self.register_buffer("passes", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        self.passes += 1
        h = self.norm(self.first(x)[:, self.order] * self.scale)
        return self.last((h + self.mask).softmax(dim=1))


def of_constant(seed: int) -> dict[str, Tensor]:
    """Its buffers after some training."""
    named = dict(Constant().double().named_buffers())
    return named | {
        "norm.running_mean": normal(6, seed=seed),
        "norm.running_var": 1 + normal(6, seed=seed + 1).abs(),
        "norm.num_batches_tracked": torch.tensor(seed),
        "passes": torch.tensor(seed),
    }


@pytest.mark.parametrize("treatment", ["keep", "interpolate", "recalibrate"])
@pytest.mark.parametrize("batch_size", [9, 23])
def test_constants_stay_what_they_are(treatment: str, batch_size: int) -> None:
    module = Constant().double().eval()
    theta = ParameterLayout.of(module).theta(module)
    line = Linear(theta[None], theta[None] + normal(1, len(theta), seed=8))
    start, end = of_constant(3), of_constant(30)
    numbers: dict[str, Any] = {"buffers_0": [start], "buffers": [end], "batch_size": batch_size}
    along = objective(treatment, module, **numbers).along(line, ALPHAS).channels["objective"][:, 0]
    for a, alpha in enumerate(ALPHAS):
        net = copy.deepcopy(module)
        named = dict(end)
        if treatment == "interpolate":
            for key in ("norm.running_mean", "norm.running_var"):
                named[key] = (1 - alpha) * start[key] + alpha * end[key]
        net.load_state_dict({**named, **ParameterLayout.of(net).unflatten(line(float(alpha))[0])})
        if treatment == "recalibrate":
            inputs = net.first(TRAIN.x)[:, net.order] * net.scale
            net.norm.running_mean, net.norm.running_var = (
                inputs.mean(0).detach(),
                inputs.var(0, unbiased=False).detach(),
            )
        expected = nn.functional.cross_entropy(net(VALID.x), VALID.y).item()
        assert along[a] == pytest.approx(expected, rel=1e-11)
    assert end["passes"] == 30 and start["passes"] == 3


@pytest.mark.parametrize("name", ["mask", "order"])
def test_constants_that_differ_between_the_ends_are_refused_unless_kept(name: str) -> None:
    module = Constant().double().eval()
    start, end = of_constant(3), of_constant(30)
    end[name] = end[name].roll(1)
    theta = ParameterLayout.of(module).theta(module)[None]
    line = Linear(theta, 2 * theta)
    numbers: dict[str, Any] = {"buffers_0": [start], "buffers": [end]}
    assert np.isfinite(objective("keep", module, **numbers).along(line, ALPHAS).channels["objective"]).all()
    for treatment in ("interpolate", "recalibrate"):
        with pytest.raises(InputError, match=rf"model=Constant has other {name} at one end.*statistics=keep"):
            objective(treatment, module, **numbers).along(line, ALPHAS)


def test_a_module_without_statistics_needs_no_word_about_its_constants() -> None:
    module = nn.Sequential(nn.Linear(D, C))
    module.register_buffer("table", torch.ones(3))
    theta = ParameterLayout.of(module).theta(module)[None].double()
    for treatment in (None, "interpolate", "recalibrate"):
        found = Objective(module, CrossEntropy(), VALID, running_statistics=treatment, dtype="float64")
        assert not found.statistics.moves and np.isfinite(found(theta).item())


def test_calibration_is_not_written_to_nor_are_the_weights() -> None:
    class Writing(nn.Module):
        """Writes into its input, and into its weights."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(D, 6), nn.BatchNorm1d(6), nn.Linear(6, C)

        def forward(self, x: Tensor) -> Tensor:
            x -= 0.3
            self.first.weight.data.mul_(0.9)
            return self.last(self.norm(self.first(x)))

    module = Writing().double()
    theta, before = ParameterLayout.of(module).theta(module)[None], TRAIN.x.clone()
    values = [objective("recalibrate", module, batch_size=size)(theta).item() for size in (4, 23)]
    net = copy.deepcopy(module)
    inputs = nn.functional.linear(TRAIN.x - 0.3, 0.9 * net.first.weight, net.first.bias)
    net.norm.running_mean, net.norm.running_var = inputs.mean(0).detach(), inputs.var(0, unbiased=False).detach()
    expected = nn.functional.cross_entropy(net.eval()(VALID.x.clone()), VALID.y).item()
    assert values == pytest.approx([expected] * 2, rel=1e-11)
    assert torch.equal(TRAIN.x, before)
