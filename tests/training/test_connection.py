"""Bends against ten plain lines, alone and among others, falling costs, and a killed training that goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from landscape.cost import CrossEntropy
from landscape.ground.streams import CURVE, stream_seed
from landscape.model import MLP, Dropout
from landscape.parameters import ParameterLayout, beside
from landscape.path import BezierConnection, PolygonConnection
from landscape.store.bends import Bends
from landscape.training.connection import ConnectionRun
from tests.twin import ORDER, C, D, dataset, normal, stream

SMALL = {"epochs": 3, "lr": 0.05, "momentum": 0.8}


def relu(**more: Any) -> nn.Module:
    return MLP(D, C, [6], nn.ReLU(), init_ranges=[0.5, 0.6], **more).double()


def torch_dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, C)).double()


def masks() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 6), nn.Tanh(), Dropout(0.7, 1.4), nn.Linear(6, C)).double()


def trained(connection: Any, seeds: list[int], make: Callable[[], nn.Module] = relu, **more: Any) -> Bends:
    return run_of(connection, seeds, make, **more).run()


def run_of(connection: Any, seeds: list[int], make: Callable[[], nn.Module] = relu, **more: Any) -> ConnectionRun:
    """The ends of a seed are its own, whoever trains beside it."""
    torch.manual_seed(0)
    module = make()
    size = ParameterLayout.of(module).num_parameters
    start, end = (torch.cat([normal(1, size, seed=seed + far) for seed in seeds]) for far in (10, 50))
    numbers = {"device": torch.device("cpu"), "dtype": torch.float64, "batch_size": 7, **more}
    own = [beside(module)] * len(seeds)
    return ConnectionRun(connection, module, CrossEntropy(), dataset().train, start, end, seeds, own, **numbers)


def by_hand(connection: Any, seed: int) -> Tensor:
    """The loop that anybody would write: autograd through the curve itself."""
    module, train = relu().train(), dataset().train
    layout = ParameterLayout.of(module)
    start, end = (normal(1, layout.num_parameters, seed=seed + far)[0] for far in (10, 50))
    own = stream_seed(seed, CURVE)
    order, draws = stream(own, ORDER), stream(own, CURVE)
    bends = [
        (start + (k + 1) / (connection.num_bends + 1) * (end - start)).requires_grad_()
        for k in range(connection.num_bends)
    ]
    steps = torch.optim.SGD(bends, lr=connection.lr, momentum=connection.momentum)
    for epoch in range(connection.epochs):
        for group in steps.param_groups:
            group["lr"] = connection.lr * connection.lr_factor(epoch + 1)
        for index in torch.randperm(len(train), generator=order).split(7):
            t = float(torch.rand((), generator=draws, dtype=torch.float64))
            points = [start, *bends, end]
            if isinstance(connection, PolygonConnection):
                piece = int(t * (len(points) - 1))
                inside = t * (len(points) - 1) - piece
                points = [(1 - inside) * points[piece] + inside * points[piece + 1]]
            while len(points) > 1:
                points = [(1 - t) * a + t * b for a, b in pairwise(points)]
            steps.zero_grad(set_to_none=False)  # a bend of another piece keeps its momentum
            F.cross_entropy(
                functional_call(module, layout.unflatten(points[0]), train.x[index]), train.y[index]
            ).backward()
            steps.step()
    return torch.stack(bends).detach()


@pytest.mark.parametrize(
    "connection", [BezierConnection(1, **SMALL), BezierConnection(3, **SMALL), PolygonConnection(2, **SMALL)]
)
def test_bends_are_those_of_a_plain_loop(connection: Any) -> None:
    for seed in (0, 3):
        found = trained(connection, [seed]).theta
        torch.testing.assert_close(found[:, 0], by_hand(connection, seed), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("make", [relu, masks, partial(relu, batch_norm=True)])
def test_a_curve_alone_is_a_curve_among_others(make: Callable[[], nn.Module]) -> None:
    connection = BezierConnection(2, **SMALL)
    together = trained(connection, [4, 0, 2], make)
    for s, seed in enumerate([4, 0, 2]):
        alone = trained(connection, [seed], make)
        torch.testing.assert_close(alone.theta[:, 0], together.theta[:, s], rtol=1e-11, atol=1e-12)
    assert not torch.equal(together.theta[:, 0], together.theta[:, 1])


def test_the_cost_along_the_curve_falls_and_the_spacing_changes_nothing() -> None:
    long = BezierConnection(1, epochs=40, lr=0.1)
    costs = trained(long, [1]).costs[:, 0]
    assert costs[-5:].mean() < 0.7 * costs[0]
    even = BezierConnection(1, spacing="arc_length", epochs=40, lr=0.1)
    assert torch.equal(trained(even, [1]).theta, trained(long, [1]).theta)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("make", [relu, masks, torch_dropout, partial(relu, batch_norm=True)])
def test_a_killed_training_goes_on_to_the_same_bits(
    make: Callable[[], nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any update, twice; and a checkpoint that is not whole costs the training, not the curve."""
    connection, file = BezierConnection(2, epochs=5, lr=0.05), tmp_path / "checkpoint.pt"
    whole, kept = trained(connection, [3], make), {"file": file, "seconds": 0.0, "question": "same"}
    update = ConnectionRun._update
    for last in (3, 9):
        left = [last]

        def dies(self: ConnectionRun, known: Any, left: list[int] = left) -> Tensor:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return update(self, known)

        with monkeypatch.context() as patch:
            patch.setattr(ConnectionRun, "_update", dies)
            with pytest.raises(Killed):
                trained(connection, [3], make, **kept)
    assert file.exists()
    resumed = run_of(connection, [3], make, **kept)
    again = resumed.run()
    assert torch.equal(again.theta, whole.theta) and (again.costs == whole.costs).all()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    assert torch.equal(trained(connection, [3], make, **kept).theta, whole.theta)
    assert torch.equal(trained(connection, [3], make, **kept | {"question": "another"}).theta, whole.theta)


def test_frozen_parameters_stay_on_the_line_and_scales_are_rates() -> None:
    def frozen() -> nn.Module:
        module = relu()
        next(iter(module.parameters())).requires_grad_(False)
        return module

    run = run_of(BezierConnection(1, **SMALL), [0], frozen)
    before, num = run.curve.bends.clone(), run.layout.sizes[0]
    found = run.run().theta
    assert torch.equal(found[..., :num], before[..., :num]) and not torch.equal(found[..., num:], before[..., num:])
