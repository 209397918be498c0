"""Cross-entropy of a few classes against torch's own, and where it takes its place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landscape.objective.engine.graph import cross_entropy, trace
from landscape.objective.engine.prefix import Prefix
from landscape.parameters import ParameterLayout
from tests.twin import normal


def test_equal_to_torch_and_blind_to_the_same_labels() -> None:
    """Far from zero, and with the label that torch leaves out."""
    logits, y = 30 * normal(50, 7, seed=1), torch.arange(50) % 7
    y[3] = -100
    ours = cross_entropy(logits, y)
    torch.testing.assert_close(ours, F.cross_entropy(logits, y, reduction="none"), rtol=1e-13, atol=0)
    assert ours[3] == 0


@pytest.mark.parametrize(
    ("classes", "dtype", "numbers", "takes_over"),
    [
        (10, torch.float32, {}, True),
        (10, torch.float64, {}, False),
        (40, torch.float32, {}, False),
        (10, torch.float32, {"label_smoothing": 0.1}, False),
        (10, torch.float32, {"reduction": "mean"}, False),
    ],
)
def test_it_takes_the_place_of_torchs_where_that_is_slow(
    classes: int, dtype: torch.dtype, numbers: dict[str, Any], takes_over: bool
) -> None:
    module = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, classes)).to(dtype)
    layout = ParameterLayout.of(module)

    def forward(theta: Tensor, known: Any, state: Any) -> Any:
        logits = torch.func.functional_call(module, layout.unflatten(theta), (known["x"],))
        cost = F.cross_entropy(logits, known["y"], **{"reduction": "none", **numbers})
        return {"objective": cost.expand(8)}, None

    theta, known = layout.theta(module), {"x": torch.randn(8, 5, dtype=dtype), "y": torch.arange(8)}
    prefix = Prefix(trace(forward, theta, known, None))
    assert (cross_entropy in {node.target for node in prefix._moving.graph.nodes}) == takes_over
    ((channels, _),) = prefix([theta, theta], known, [(0.0, 1.0)], None)
    torch.testing.assert_close(channels["objective"], forward(theta, known, None)[0]["objective"])
