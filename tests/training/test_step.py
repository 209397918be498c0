"""One step of training: momentum with lr inside the velocity, and bounds on weights."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from landscape.errors import InputError
from landscape.training import Momentum
from landscape.training.step import project_max_norm
from tests.twin import normal

LRS = [0.3, 0.1, 0.02, 0.005]
MOMENTA = [0.5, 0.6, 0.9, 0.7]


def walk(optimizer: torch.optim.Optimizer, theta: list[torch.Tensor], lrs: list[float], momenta: list[float]) -> None:
    """Steps on sum theta^4, gradient 4 theta^3."""
    for lr, momentum in zip(lrs, momenta, strict=True):
        optimizer.param_groups[0].update(lr=lr, momentum=momentum)
        for p in theta:
            p.grad = 4 * p.detach() ** 3
        optimizer.step()


def test_steps_equal_the_hand_recursion_under_changing_numbers() -> None:
    start = 0.5 * normal(6, seed=2)
    theta = [start[:4].clone(), start[4:].clone()]
    walk(Momentum(theta, lr=1.0), theta, LRS, MOMENTA)
    plain, velocity = start.tolist(), [0.0] * 6
    for lr, momentum in zip(LRS, MOMENTA, strict=True):
        velocity = [momentum * v - lr * 4 * t**3 for v, t in zip(velocity, plain, strict=True)]
        plain = [t + v for t, v in zip(plain, velocity, strict=True)]
    assert torch.cat(theta).tolist() == pytest.approx(plain, rel=1e-13)


def test_torch_sgd_is_the_same_under_a_constant_lr_and_another_under_a_decaying_one() -> None:
    start = 0.5 * normal(6, seed=2)

    def end(kind: type[torch.optim.Optimizer], lrs: list[float]) -> torch.Tensor:
        theta = [start.clone()]
        walk(kind(theta, lr=1.0, momentum=0.9), theta, lrs, [0.9] * 4)  # type: ignore[call-arg]
        return theta[0]

    torch.testing.assert_close(end(Momentum, [0.1] * 4), end(torch.optim.SGD, [0.1] * 4), rtol=1e-13, atol=0)
    ours, theirs = end(Momentum, LRS), end(torch.optim.SGD, LRS)
    assert (ours - theirs).abs().max() > 0.01
    # By hand for two steps: the old gradient keeps the old lr here, and gets the new one there.
    g_0 = 4 * start**3
    after = start - 0.3 * g_0
    g_1 = 4 * after**3
    two, sgd = [start.clone()], [start.clone()]
    walk(Momentum(two, lr=1.0), two, LRS[:2], [0.0, 0.6])
    walk(torch.optim.SGD(sgd, lr=1.0), sgd, LRS[:2], [0.6, 0.6])
    torch.testing.assert_close(two[0], after - 0.6 * 0.3 * g_0 - 0.1 * g_1)
    torch.testing.assert_close(sgd[0], after - 0.6 * 0.1 * g_0 - 0.1 * g_1)


def test_only_what_has_a_gradient_moves_and_the_state_survives_saving() -> None:
    theta = [normal(3, seed=1), normal(2, seed=3)]
    kept = theta[1].clone()
    optimizer = Momentum(theta, lr=0.1, momentum=0.9)
    theta[0].grad = torch.ones(3, dtype=torch.float64)
    optimizer.step()
    assert torch.equal(theta[1], kept)
    again = [p.clone() for p in theta]
    resumed = Momentum(again, lr=0.5)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # as from a file: loading alone shares the tensors
    again[0].grad = theta[0].grad.clone()
    optimizer.step()
    resumed.step()
    assert torch.equal(again[0], theta[0]) and resumed.param_groups[0]["lr"] == 0.1
    with pytest.raises(ValueError, match="no closure"):
        optimizer.step(lambda: 0.0)


@pytest.mark.parametrize(
    "numbers", [{"lr": 0.0}, {"lr": -1.0}, {"lr": 1.0, "momentum": 1.0}, {"lr": 1.0, "momentum": -0.1}]
)
def test_numbers_out_of_range_are_refused_by_their_key(numbers: dict[str, float]) -> None:
    key, value = list(numbers.items())[-1]
    with pytest.raises(InputError, match=rf"optimizer\.{key}={value}"):
        Momentum([torch.zeros(1)], **numbers)


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
