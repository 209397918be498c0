"""Which engine serves a line, and what happens where one cannot."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import Adversarial, CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.objective.engine import choice
from landscape.objective.engine.graph import Unsuited, trace
from landscape.parameters import ParameterLayout
from landscape.path import Geometric
from tests.objective.engine.pair import assert_equal, both, ends, served
from tests.twin import C, D, maxout, normal, split
from tests.zoo import Net


@pytest.mark.parametrize(
    ("engine", "level"), [("auto", logging.INFO), ("prefix", logging.WARNING), ("events", logging.WARNING)]
)
def test_what_cannot_be_traced_is_done_by_points(
    engine: str, level: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control flow by value; the line says so once, and the values are those of the plain path, bit for bit."""
    monkeypatch.setattr(choice, "SMALL", 0.0)
    module = nn.Sequential(maxout(), Net(lambda m, x: x.tanh() if float(x.abs().max()) > 1e6 else x))
    caplog.set_level(logging.INFO)
    fast, plain = both(module, split(23, 1), engine=engine)
    assert all((fast.channels[n] == plain.channels[n]).all() for n in plain.channels)
    records = [r for r in caplog.records if f"objective.engine={engine}" in r.message]
    assert [r.levelno for r in records] == [level] and "tracing failed" in records[0].message


def test_a_curved_path_is_done_point_by_point(caplog: pytest.LogCaptureFixture) -> None:
    module = maxout()
    theta = ParameterLayout.of(module).theta(module).double()
    path = Geometric(torch.full_like(theta, 0.3)[None], (0.2 + theta.abs())[None])
    caplog.set_level(logging.INFO)
    fast, plain = both(module, split(23, 1), path, seeds=[3])
    assert (fast.replicates == plain.replicates).all() and "no straight line" in caplog.text


def test_the_adversarial_cost(caplog: pytest.LogCaptureFixture) -> None:
    """A gradient inside the cost is not traced: the plain path serves, and says so."""
    fast, plain = both(maxout(), split(23, 1), cost=Adversarial(0.3, 0.35))
    assert (fast.replicates == plain.replicates).all()
    assert "a gradient, is not written down" in caplog.text


def test_constants_of_a_module_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Tensors that are neither parameters nor buffers, and some made on the way."""

    def function(m: Any, x: Tensor) -> Tensor:
        return m.linear(x + m.shift[0]) * torch.arange(1, C + 1, dtype=x.dtype).tanh()

    caplog.set_level(logging.INFO)
    assert_equal(*both(Net(function, linear=nn.Linear(D, C), shift=[normal(D, seed=3)]), split(23, 1)))
    assert served(caplog)


def test_a_graph_that_fails_is_thrown_away(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("landscape.objective.engine.prefix.combine", fail)
    fast, plain = both(maxout(), split(23, 1))
    assert (fast.replicates == plain.replicates).all() and "on purpose" in caplog.text


def test_values_that_are_not_finite_come_from_the_plain_path(caplog: pytest.LogCaptureFixture) -> None:
    path = ends(maxout())
    path.theta_1[1, 4] = float("nan")
    caplog.set_level(logging.INFO)
    fast, plain = both(maxout(), split(23, 1), path)
    assert np.isnan(plain.channels["objective"]).any(axis=0).tolist() == [False, True]
    np.testing.assert_array_equal(fast.channels["objective"], plain.channels["objective"])
    assert "not finite" in caplog.text


class Fickle(nn.Linear):
    """Knows when it is traced: the kind of module whose graph is not what it computes."""

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        return super().forward(x) * (2 if isinstance(self.weight, torch._subclasses.FakeTensor) else 1)


def test_a_graph_that_disagrees_with_the_module_is_thrown_away(caplog: pytest.LogCaptureFixture) -> None:
    module = Fickle(D, C)
    caplog.set_level(logging.INFO)
    fast, plain = both(module, split(23, 1), ends(module, 1), seeds=[3])
    np.testing.assert_allclose(fast.channels["objective"], plain.channels["objective"], rtol=1e-14)
    assert "the traced graph gives" in caplog.text


def test_an_operator_that_writes_into_its_input_is_refused_or_rewritten() -> None:
    def forward(theta: Tensor, known: Any, state: Any) -> Any:
        h = known["x"] @ theta.view(D, C)
        h.relu_()
        return {"objective": h.sum(dim=1)}, None

    def careless(theta: Tensor, known: Any, state: Any) -> Any:
        known["x"].add_(1)
        return {"objective": (known["x"] @ theta.view(D, C)).sum(dim=1)}, None

    found = trace(forward, normal(D * C), {"x": normal(4, D)}, None)
    assert not any("relu_" in str(n.target) for n in found.module.graph.nodes)
    with pytest.raises(Unsuited, match="in place"):
        trace(careless, normal(D * C), {"x": normal(4, D)}, None)


def test_auto_takes_what_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide first layer is shared, a narrow one is not: the same bits as the engine that was taken."""
    monkeypatch.setattr(choice, "SMALL", 0.0)
    wide, narrow = nn.Sequential(nn.Linear(400, 6), nn.Tanh(), nn.Linear(6, C)), nn.Linear(3, C)
    for module, engine in ((wide, "prefix"), (narrow, "plain")):
        width = next(module.parameters()).shape[1]
        data = Split(normal(23, width, seed=1), split(23, 1).y)
        path = ends(module, 1)
        auto, forced = (both(module, data, path, engine=e, seeds=[3])[0] for e in ("auto", engine))
        assert (auto.channels["objective"] == forced.channels["objective"]).all()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match=r"objective\.engine=warp is unknown; use one of auto, plain, prefix, events"):
        Objective(maxout(), CrossEntropy(), split(5, 1), engine="warp")


def test_a_small_job_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing would take longer than the line."""
    monkeypatch.setattr("landscape.objective.engine.runners.trace", lambda *args: pytest.fail("traced"))
    fast, plain = both(maxout(), split(23, 1), engine="auto")
    assert (fast.replicates == plain.replicates).all()
