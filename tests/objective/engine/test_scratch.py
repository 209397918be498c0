"""Values that are written over, against the same graph that makes each anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from landscape.objective.engine import scratch
from landscape.objective.engine.graph import part, trace
from tests.twin import normal

W, V = normal(8, 8, seed=1), normal(8, 8, seed=2)

GRAPHS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "a chain": lambda x, w: F.linear(F.relu(F.linear(F.gelu(F.linear(x, w)), V, V[0])), w),
    "read again later": lambda x, w: F.relu(h := F.linear(x, w)) + F.linear(torch.tanh(h), w) * h,
    "read through a view": lambda x, w: F.relu(h := x @ w) + h.t() @ w + h.view(2, 4, 8)[0].sum(),
    "turned against itself": lambda x, w: (h := F.linear(x, w)) * h.t() + F.linear(h, w).sigmoid() - h,
    "a part of it goes out": lambda x, w: F.leaky_relu(F.linear(x, w), 0.2)[:, :3],
    "softmax between": lambda x, w: F.linear(torch.softmax(F.linear(x, w), -1), w).relu().square(),
    "one for many rows": lambda x, w: F.linear(x, w)[:1] + F.linear(F.relu(F.linear(x, w)), V),
    "numbers": lambda x, w: F.hardtanh(F.linear(x.view(2, 4, 8), w) * 0.5 + 1, -0.3, 0.4).flatten(0, 1),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_equal_to_values_of_their_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what an earlier call gave is still there."""
    monkeypatch.setattr(scratch, "LEAST", 0)

    def forward(theta: Tensor, known: object, state: object) -> tuple[dict[str, Tensor], None]:
        values = GRAPHS[name](known["x"], theta.view(8, 8))  # type: ignore[index]
        return {"objective": values, "two": values[0]}, None

    def graph() -> torch.fx.GraphModule:
        traced = trace(forward, W.flatten(), {"x": normal(8, 8)}, None)
        return part(traced.module, [traced.theta, traced.known["x"]], traced.outputs)

    reusing, plain = scratch.Reusing(graph(), {}), graph()
    assert reusing.rooms
    inputs = [(normal(64, seed=10 + n), normal(8, 8, seed=20 + n)) for n in range(3)]
    found = [reusing(*given) for given in inputs]
    for ours, given in zip(found, inputs, strict=True):
        for a, b in zip(ours, plain(*given), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-14, atol=1e-14)


def test_a_chain_needs_one_place_per_layer_that_is_read() -> None:
    """The activation is written over its layer, and the layer before last makes room for the next."""
    graph = torch.fx.Graph()
    node = graph.placeholder("x")
    node.meta["val"] = torch.empty(1000, 100)
    weight = graph.placeholder("w")
    weight.meta["val"] = torch.empty(100, 100)
    for _ in range(5):
        for target, args in ((torch.ops.aten.linear.default, (weight,)), (torch.ops.aten.relu.default, ())):
            node = graph.call_function(target, (node, *args))
            node.meta["val"] = torch.empty(1000, 100)
    graph.output([node])
    module = torch.fx.GraphModule({}, graph)
    assert len(scratch.Reusing(module, {}).rooms) == 2
