"""Objectives that share a stream are answered in one pass over it, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

import landscape as ls
from landscape.cost import CrossEntropy
from landscape.data.stream import Stream
from landscape.objective import Objective
from landscape.objective.interim import Interim
from landscape.objective.request import Request, evaluated
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import C, D, maxout, normal

NET = maxout()
ALPHAS = np.linspace(0, 1, 5)
X = normal(90, D, seed=1)
Y = (X @ normal(D, C, seed=99)).argmax(dim=1)


class Passes:
    """A source of batches that counts how often somebody goes over it."""

    def __init__(self) -> None:
        self.num = 0

    def __call__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.num += 1
        for start in range(0, len(X), 25):
            yield X[start : start + 25], Y[start : start + 25]


def requests(stream: Stream, folder: Path | None = None) -> list[Request]:
    theta = ParameterLayout.of(NET).theta(NET).double()[None]
    path, found = Linear(theta, theta + 0.3 * normal(*theta.shape, seed=5)), []
    for mode in ("stochastic", "deterministic"):
        objective = Objective(NET, CrossEntropy(), stream, mode=mode, dtype="float64", batch_size=25)
        interim = None if folder is None else Interim(folder / mode, seconds=0)
        found.append(Request(objective, path, ALPHAS, interim=interim))
    return found


def test_one_pass_serves_all() -> None:
    source = Passes()
    stream = Stream(source)
    asked = requests(stream)
    before = source.num  # the first batch was looked at
    together = [answer.channels for answer in evaluated(asked)]
    assert source.num == before + 1
    for channels, request in zip(together, requests(stream), strict=True):
        alone = request.objective.along(request.path, ALPHAS).channels
        assert all(np.array_equal(channels[name], alone[name]) for name in alone)
    assert not np.array_equal(together[0]["objective"], together[1]["objective"])


@pytest.mark.parametrize("odd", [0, 1])
def test_who_was_kept_of_other_examples_goes_over_them_once_more(odd: int, tmp_path: Path) -> None:
    stream = Stream(Passes())
    expected = [answer.channels for answer in evaluated(requests(stream))]
    other = Stream(lambda: iter([(X[:25], Y[:25]), (X[25:50] + 1, Y[25:50]), (X[50:75], Y[50:75])]))
    asked = requests(other, tmp_path)
    asked[odd].interim, kept = Interim(tmp_path / "odd", seconds=0), asked[odd].interim
    assert asked[odd].interim is not None and kept is not None
    asked[odd].interim.end = lambda: None  # type: ignore[method-assign]
    evaluated([asked[odd]])
    assert (tmp_path / "odd").exists()
    asked = requests(stream, tmp_path)
    asked[odd].interim = Interim(tmp_path / "odd", seconds=0)
    found = [answer.channels for answer in evaluated(asked)]
    assert all(np.array_equal(a[n], b[n]) for a, b in zip(found, expected, strict=True) for n in a)
    assert not list(tmp_path.iterdir())


def test_slopes_are_of_the_examples_that_j_is_of() -> None:
    """Of a loader that cannot be repeated, whose own generator goes on from pass to pass."""
    rng = np.random.default_rng(1)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        rows = rng.permutation(90)[:40]
        for start in (0, 25):
            yield X[rows[start : start + 25]], Y[rows[start : start + 25]]

    net = nn.Linear(D, C)
    at = np.array([0.4 - 1e-4, 0.4, 0.4 + 1e-4])
    theta = ParameterLayout.of(net).theta(net).double()[None]
    line = Linear(theta, theta + normal(*theta.shape, seed=5))
    curve = ls.measure(net, line, batches, CrossEntropy(), alphas=at, slopes=2, dtype="float64", noise=False)
    values = curve.objective[:, 0]
    assert curve.metrics["slope"][1, 0] == pytest.approx((values[2] - values[0]) / 2e-4, rel=1e-6)
    assert curve.metrics["curvature"][1, 0] == pytest.approx((values[2] - 2 * values[1] + values[0]) / 1e-8, rel=1e-4)
