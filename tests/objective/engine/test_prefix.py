"""The shared affine prefix against one forward pass per point: every model of the house, and layers that it lacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from landscape.command.config import conf_dir, register
from landscape.command.limits import apply_limits
from landscape.cost import CrossEntropy, MultiPrediction, Output
from landscape.data import Split
from landscape.objective import Objective
from landscape.objective.engine.graph import Kind, trace
from landscape.objective.engine.prefix import Prefix
from landscape.objective.engine.quicker import cross_entropy
from landscape.parameters import ParameterLayout
from tests.objective.engine.pair import ALPHAS, Plane, assert_equal, both, ends, served
from tests.twin import C, D, maxout, normal, split

MODELS = sorted(file.stem for file in (Path(__file__).parents[3] / "conf/model").glob("*.yaml"))


@pytest.fixture(scope="module", autouse=True)
def _hydra() -> Iterator[None]:
    register()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        yield


def small(name: str) -> tuple[nn.Module, Split, Any]:
    """conf/model/<name>.yaml with at most 6 units per layer, examples that fit it, and a cost."""
    sizes = ["dimensions.inputs=192", "dimensions.classes=5", "dimensions.image=[3,8,8]", "limits.width=6"]
    sizes += ["model.num_sweeps=2"] if name.startswith("mpdbm") else []
    config = OmegaConf.to_container(compose("config", overrides=[f"model={name}", *sizes]), resolve=True)
    assert isinstance(config, dict)
    torch.manual_seed(0)
    module = instantiate(apply_limits(config)[0]["model"])()
    if name.startswith("lstm"):
        tokens = torch.randint(5, (12, 4), generator=torch.Generator().manual_seed(0))
        return module, Split(tokens[:, :3], tokens[:, 1:], num_streams=4), CrossEntropy()
    x = 0.7 * normal(23, 192, seed=1) + 0.3
    y = x[:, :5].argmax(dim=1)
    if name.startswith("mpdbm"):
        return module, Split(x.clamp(0, 1), y), MultiPrediction()
    return module, Split(x, y), Output() if name == "quadratic" else CrossEntropy()


@pytest.mark.parametrize("mode", ["stochastic", pytest.param("deterministic", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_of_the_house(name: str, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    module, data, cost = small(name)
    caplog.set_level(logging.INFO)
    assert_equal(*both(module, data, mode=mode, cost=cost))
    assert served(caplog)
    if mode == "stochastic":
        return
    fast, plain = both(module, data, mode=mode, cost=cost, dtype="float32")
    np.testing.assert_allclose(fast.channels["objective"], plain.channels["objective"], rtol=2e-5)


class Branches(nn.Module):
    """Layers that the house's models lack: normalisation, attention, tied weights, pooling, constants of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.AvgPool2d(2),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.GroupNorm(2, 4),
            nn.MaxPool2d(2),
        )
        self.tied = nn.Linear(4, 4)
        self.attention = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        self.last = nn.Linear(4, C)
        self.positions = normal(4, 4, seed=2)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 64] -> logits [B, C]."""
        h = self.conv(x.view(-1, 1, 8, 8)).flatten(2).transpose(1, 2)
        h = h + self.tied.weight @ self.tied.weight.T + self.positions.to(h.dtype)
        return self.last(self.tied(self.attention(self.tied(h))).mean(dim=1))


def test_other_layers(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(1)
    module = Branches()
    nn.init.normal_(module.conv[2].running_mean)
    x = normal(23, 64, seed=3)
    caplog.set_level(logging.INFO)
    assert_equal(*both(module, Split(x, x[:, :C].argmax(dim=1))))
    assert served(caplog)


OPERATIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Kind]] = {
    # (w [C, D], x [B, D]) -> [B, ...]: what comes out, and what the engine may make of it.
    "linear": (lambda w, x: F.linear(x, w), Kind.AFFINE),
    "linear of a sum": (lambda w, x: F.linear(x, w + 1) - x[:, :1] * w.sum(), Kind.AFFINE),
    "views": (lambda w, x: (x @ w.t()).view(-1, C, 1).expand(-1, C, 2).reshape(-1, 2 * C)[:, 1:], Kind.AFFINE),
    "where": (lambda w, x: torch.where(x[:, :C] > 0, x @ w.t(), w[0, 0]), Kind.AFFINE),
    "concatenated": (lambda w, x: torch.cat([x @ w.t(), x], dim=1) / 3, Kind.AFFINE),
    "product with itself": (lambda w, x: (x @ w.t()) * w[0, :C], Kind.MOVING),
    "quotient": (lambda w, x: x[:, :C] / (w[0, :C] + 5), Kind.MOVING),
    "both factors": (lambda w, x: x @ w.t() @ w, Kind.MOVING),
    "condition": (lambda w, x: torch.where(w[:, 0] > 0, x @ w.t(), 2.0), Kind.MOVING),
    "rounded": (lambda w, x: (x @ w.t()).round(), Kind.MOVING),
    "cast": (lambda w, x: (x @ w.t()).half().to(x.dtype), Kind.MOVING),
    "whole numbers": (lambda w, x: (x @ w.t()).long() + x[:, :C], Kind.MOVING),
    "maximum": (lambda w, x: (x @ w.t()).amax(dim=1, keepdim=True) + x, Kind.MOVING),
    "positions by value": (lambda w, x: x.gather(1, (x @ w.t()).argsort(dim=1))[:, :1], Kind.MOVING),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_affine_is_called_so_and_nothing_else(name: str) -> None:
    """The kind is checked by the definition: f(Σ w_n theta_n) = Σ w_n f(theta_n)."""
    function, kind = OPERATIONS[name]
    x = normal(4, D, seed=1)

    def forward(theta: Tensor, known: Any, state: Any) -> Any:
        return {"objective": function(theta.view(C, D), known["x"]).flatten(1).sum(dim=1)}, None

    found = trace(forward, normal(C * D), {"x": x}, None)
    assert found.kinds[found.outputs[0]] is kind
    a, b = normal(C * D, seed=2), normal(C * D, seed=3)
    mixed, first, second = (forward(v, {"x": x}, None)[0]["objective"] for v in (1.7 * a - 0.7 * b, a, b))
    is_affine = torch.allclose(mixed, 1.7 * first - 0.7 * second, rtol=1e-12)
    assert is_affine is (kind is Kind.AFFINE)


def test_a_plane(caplog: pytest.LogCaptureFixture) -> None:
    points = [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.2, 0.5, 0.3), (-0.6, 0.9, 0.7), (1.1, -0.4, 0.3)]
    caplog.set_level(logging.INFO)
    assert_equal(*both(maxout(), split(23, 1), Plane(maxout(), points), np.arange(5.0)))
    assert served(caplog)


def test_the_first_layer_is_paid_once_per_anchor() -> None:
    """Products with the first layer's weights, counted: not one per point."""
    module = maxout()
    with FlopCounterMode(display=False) as counter:
        Objective(module, CrossEntropy(), split(9, 1), engine="prefix", batch_size=9).along(ends(module, 1), ALPHAS)
    with FlopCounterMode(display=False) as plain:
        Objective(module, CrossEntropy(), split(9, 1), engine="plain", batch_size=9).along(ends(module, 1), ALPHAS)
    first = 2 * 9 * D * 12  # 6 units of 2 pieces
    # Tracing and the check against the plain path are one pass each.
    assert plain.get_total_flops() - counter.get_total_flops() == first * (len(ALPHAS) - 2) - 2 * pass_flops(9)


def pass_flops(num: int) -> int:
    """One forward pass of ``maxout()``."""
    return 2 * num * (D * 12 + 6 * C)


class Raw:
    """A cost that hands on affine values as they are: what one point gave must not be overwritten by the next."""

    num_draws = 1

    def __call__(self, predict: Any, x: Tensor, y: Tensor) -> Tensor:
        return predict(x, 0)[:, 0]

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        logits = predict(x, 0)
        return {"objective": logits[:, 0], "other": logits[:, 1], "square": logits[:, 2] ** 2}


def test_values_that_leave_the_affine_part_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    assert_equal(*both(nn.Linear(D, C), split(23, 1), cost=Raw()))
    assert served(caplog)


def test_cross_entropy_of_few_classes_is_torchs_and_blind_to_the_same_labels() -> None:
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
def test_cross_entropy_takes_the_place_of_torchs_where_that_is_slow(
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
