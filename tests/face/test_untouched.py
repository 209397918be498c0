"""The caller's module, examples and random numbers are what they were, whatever happens in the middle."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import landscape as ls
from tests.face.conftest import Trained, trained


class Restless(nn.Module):
    """Counts its calls in a buffer and in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen += 1
        return x


def state_of(net: nn.Module) -> list[Any]:
    """All that could be changed, as values that compare."""
    parts = [(name, m.training, getattr(m, "seen", None), *map(len, hooks_of(m))) for name, m in net.named_modules()]
    tensors = [
        (n, t.tolist(), t.data_ptr(), t._version, t.requires_grad, t.dtype, None if t.grad is None else t.grad.tolist())
        for n, t in [*net.named_parameters(), *net.named_buffers()]
    ]
    return [*parts, *tensors]


def hooks_of(module: nn.Module) -> list[Any]:
    return [v for n, v in sorted(module.__dict__.items()) if n.endswith("hooks")]


def world() -> list[Any]:
    """Random states and settings of the process."""
    numpy = np.random.get_state(legacy=False)
    assert isinstance(numpy, dict)
    return [
        torch.random.get_rng_state().tolist(),
        numpy["state"]["key"].tolist(),
        numpy["state"]["pos"],
        random.getstate(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.backends.cuda.matmul.allow_tf32,
    ]


class Stop(Exception):
    pass


def failing(error: type[BaseException], after: int) -> Callable[..., Tensor]:
    """A loss that fails in the middle."""
    calls = iter(range(after))

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        random.random(), np.random.rand(), torch.rand(1)
        if next(calls, None) is None:
            raise error("in the middle")
        return F.cross_entropy(outputs, y, reduction="none")

    return loss


@pytest.fixture
def restless() -> Iterator[Trained]:
    t = trained(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 3), Restless())
    t.net.train()
    t.net[0].eval()  # type: ignore[index, operator]
    t.net[3].weight.requires_grad_(False)  # type: ignore[index, union-attr, operator]
    t.net[1].register_forward_hook(lambda *_: None)  # type: ignore[index, union-attr, operator]
    yield t


@pytest.mark.parametrize("what", ["line", "plane", "run"])
@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_nothing_of_the_caller_is_touched(restless: Trained, what: str, mode: str) -> None:
    early = copy.deepcopy(restless.net)
    early.load_state_dict(restless.before)
    places = {
        "line": ls.line(early, restless.net),
        "plane": ls.plane(restless.net),
        "run": ls.trajectory([early, restless.net]),
    }
    x, y = restless.x.clone(), restless.y.clone()
    held = [state_of(restless.net), state_of(early), world()]
    told: dict[str, Any] = {} if what == "run" else {"alphas": 3}
    ls.measure(
        restless.net, places[what], restless.loader, nn.CrossEntropyLoss(), running_statistics="keep", mode=mode, **told
    )
    assert held == [state_of(restless.net), state_of(early), world()]
    assert torch.equal(x, restless.x) and torch.equal(y, restless.y)


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_nor_when_it_fails_in_the_middle(restless: Trained, error: type[BaseException]) -> None:
    """After so many calls of the loss, until it goes through: at each some other part of the work is cut."""
    held, num_cut = [state_of(restless.net), world()], 0
    for after in (*range(12), 20, 40, 10**6):
        with contextlib.suppress(error, ls.InputError):
            ls.measure(
                restless.net,
                ls.line(restless.before, restless.net),
                (restless.x, restless.y),
                failing(error, after),
                alphas=5,
                batch_size=13,
                running_statistics="keep",
            )
            num_cut -= 1
        num_cut += 1
        assert held == [state_of(restless.net), world()]
    assert num_cut >= 10


FRESH = """
import random, numpy, torch
from torch import nn
import matplotlib; matplotlib.use("Agg")
def world():
    return random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
net, x, y = nn.Linear(2, 1), torch.randn(5, 2), torch.randn(5, 1)
before = world()
import landscape as ls
line = ls.line(torch.zeros(3), torch.ones(3))
curve = ls.measure(net, line, (x, y), nn.MSELoss(), alphas=3)
curve.plot(); print(curve); curve.save("curve.npz"); ls.Curve.load("curve.npz")
assert world() == before
"""


@pytest.mark.slow
def test_the_first_use_in_a_process_draws_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FRESH],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=os.getcwd()),
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
