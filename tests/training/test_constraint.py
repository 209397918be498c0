"""Norm bounds by projection."""

from __future__ import annotations

import math

import pytest
import torch

from landscape.training import Momentum
from landscape.training.constraint import project_max_norm
from tests.twin import normal


def test_only_long_rows_of_named_weights_are_shortened() -> None:
    theta = {"w": normal(2, 4, 3, seed=1), "conv": normal(2, 3, 2, 2, 2, seed=2), "free": 9 * normal(2, 4, 3, seed=3)}
    theta["w"][1, 2] = 0.0
    theta["w"][0, 0] = torch.tensor([1e-9, 0.0, 0.0])
    before = {name: value.clone() for name, value in theta.items()}
    bounds = {"w": 1.3, "conv": 2.0}
    project_max_norm(theta, bounds)
    for name, bound in bounds.items():
        for s in range(2):
            for unit in range(theta[name].shape[1]):
                row = before[name][s, unit].flatten().tolist()
                norm = math.sqrt(math.fsum(v * v for v in row))
                factor = min(norm, bound) / max(norm, 1e-7)
                assert theta[name][s, unit].flatten().tolist() == pytest.approx([v * factor for v in row], rel=1e-14)
                if 1e-7 <= norm <= bound:
                    assert torch.equal(theta[name][s, unit], before[name][s, unit])  # bitwise where nothing is to do
    assert torch.equal(theta["free"], before["free"])
    assert (theta["w"].norm(dim=2) <= 1.3 * (1 + 1e-15)).all()
    assert not torch.equal(theta["w"], before["w"]) and not torch.equal(theta["conv"], before["conv"])


def test_the_velocity_is_left_as_it_is() -> None:
    theta = normal(1, 4, 3, seed=1)
    optimizer = Momentum([theta], lr=0.5, momentum=0.9)
    theta.grad = normal(1, 4, 3, seed=2)
    optimizer.step()
    velocity = optimizer.state[theta]["velocity"].clone()
    before = theta.clone()
    project_max_norm({"w": theta}, {"w": 0.2})
    assert not torch.equal(theta, before)
    assert torch.equal(optimizer.state[theta]["velocity"], velocity)
    torch.testing.assert_close(velocity, -0.5 * normal(1, 4, 3, seed=2))


def test_a_diverged_seed_does_not_touch_its_neighbours() -> None:
    theta = {"w": normal(3, 4, 3, seed=1)}
    alone = {"w": theta["w"][[0, 2]].clone()}
    theta["w"][1, 2, 0] = float("nan")
    project_max_norm(theta, {"w": 0.7})
    project_max_norm(alone, {"w": 0.7})
    assert torch.equal(theta["w"][[0, 2]], alone["w"]) and theta["w"][1, 2].isnan().all()
