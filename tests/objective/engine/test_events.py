"""Event-driven evaluation against one forward pass per point, in float64, and its parts against slow plain twins."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from landscape.cost import Adversarial, CrossEntropy, SquaredError
from landscape.data import Split
from landscape.model import MLP, Dropout, MaxoutMLP
from landscape.objective import Objective
from landscape.objective.engine import choice, scratch
from landscape.objective.engine.events import events, vectors
from landscape.objective.engine.events.piecewise import RELU
from landscape.objective.engine.events.relu import bucket_relu
from landscape.objective.engine.events.structure import find
from landscape.objective.engine.events.switches import bucket
from landscape.objective.engine.graph import trace
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.objective.engine import pair
from tests.objective.engine.pair import assert_equal, ends, served
from tests.twin import C, D, normal, split

# Not uniform, not sorted, past both ends, with one point twice.
ALPHAS = np.array([0.31, -0.7, 0.0, 0.05, 0.051, 0.052, 0.5, 0.5, 0.93, 1.0, 1.8])
INCLUDE, SCALE = (0.8, 0.6, 0.5), (1.1, 1.7, 2.0)


def both(
    module: nn.Module, path: Any = None, alphas: Any = ALPHAS, data: Any = None, **numbers: Any
) -> tuple[Any, Any]:
    """By events and by the plain path, in batches that do not divide."""
    path, data = ends(module, size=0.5) if path is None else path, split(57, 1) if data is None else data
    return pair.both(module, data, path, alphas, "events", **{"batch_size": 40, **numbers})


class Custom(nn.Module):
    """D -> 12 -> 20 -> C with given activations, written as somebody else might."""

    def __init__(
        self, first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor], width: int, out: int
    ) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(D, 12), nn.Linear(width, 20), nn.Linear(out, C)
        self.first, self.second = first, second
        self.dropout = Dropout(0.7, 1.3)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        return self.c(self.second(self.b(self.dropout(self.first(self.a(x))))))


NETS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: MLP(D, C, [13, 21], nn.ReLU()),
    "relu with masks": lambda: MLP(D, C, [13, 21], nn.ReLU(), include=INCLUDE, scale=SCALE),
    "one hidden layer": lambda: MLP(D, C, [13], nn.ReLU(), include=INCLUDE[:2], scale=SCALE[:2]),
    "three hidden layers": lambda: MLP(D, C, [13, 40, 11], nn.ReLU(), include=(*INCLUDE, 0.9), scale=(*SCALE, 1.0)),
    "wide second layer": lambda: MLP(D, 40, [13, 21], nn.ReLU()),
    "maxout": lambda: MaxoutMLP(D, C, [9, 17], 5, 0.4),
    "maxout with masks": lambda: MaxoutMLP(D, C, [9, 17], 3, 0.4, include=INCLUDE, scale=SCALE),
    "one piece": lambda: MaxoutMLP(D, C, [9, 17], 1, 0.4, include=INCLUDE, scale=SCALE),
    "tanh behind": lambda: Custom(F.relu, torch.tanh, 12, 20),
    "leaky": lambda: Custom(lambda z: F.leaky_relu(z, 0.2), F.leaky_relu, 12, 20),
    "absolute value": lambda: Custom(torch.abs, F.relu, 12, 20),
    "clamped": lambda: Custom(lambda z: z.clamp(min=0), F.relu, 12, 20),
    "maximum of halves": lambda: Custom(lambda z: torch.maximum(z[:, :6], z[:, 6:]), lambda z: z.relu() * 2.0, 6, 20),
    "max over an axis": lambda: Custom(lambda z: z.view(-1, 4, 3).max(1).values, lambda z: z[:, 3:].relu(), 3, 17),
    "turned": lambda: Custom(lambda z: z.view(-1, 3, 4).amax(1).relu(), lambda z: z.view(-1, 4, 5).amax(2), 4, 4),
}


@pytest.mark.parametrize("mode", ["stochastic", "deterministic"])
@pytest.mark.parametrize("name", NETS)
def test_equal_to_one_pass_per_point(name: str, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    caplog.set_level(logging.INFO)
    assert_equal(*both(NETS[name](), mode=mode))
    assert served(caplog)


@pytest.mark.parametrize("name", ["relu with masks", pytest.param("maxout", marks=pytest.mark.slow)])
def test_float32_keeps_its_precision(name: str) -> None:
    """Far below 1e-5, on a grid that leaves [0, 1] and on one near an end."""
    torch.manual_seed(0)
    module = NETS[name]()
    for alphas in (ALPHAS, np.linspace(-1, 2, 151), 1 - np.geomspace(1e-9, 1e-3, 20)):
        path, numbers = ends(module, 1, size=0.5), {"seeds": [3], "num_replicates": 1}
        fast = both(module, path, alphas, dtype="float32", **numbers)[0]
        exact = both(module, path, alphas, **numbers)[1]
        np.testing.assert_allclose(fast.channels["objective"], exact.channels["objective"], rtol=2e-6)


BLOCKS = ("three hidden layers", 1), ("maxout with masks", 10_000), ("one hidden layer", 1)
SELDOM = ("three hidden layers", 10_000), ("maxout with masks", 1), ("one hidden layer", 10_000)


@pytest.mark.parametrize(("name", "chunk"), [*BLOCKS, *(pytest.param(*row, marks=pytest.mark.slow) for row in SELDOM)])
def test_blocks_and_threads_change_nothing(name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples and points in other portions, on two threads."""
    torch.manual_seed(0)
    module, numbers = NETS[name](), {"alphas": np.linspace(-0.7, 1.8, 37), "num_replicates": 1}
    whole = both(module, **numbers)[0]
    for where, name, value in (
        (choice, "ROWS", 16),
        (choice, "FEW_ROWS", 32),
        (events, "FEW_ROWS", 12),
        (scratch, "LEAST", 0),
        (events, "CHUNK_BYTES", chunk),
        (events, "SUMS_BYTES", chunk),
        (events, "STRETCH", 16),
    ):
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    found, plain = both(module, **numbers)
    assert_equal(found, plain)
    assert_equal(found, whole)


@pytest.mark.parametrize("outputs", [1, 9, *(pytest.param(num, marks=pytest.mark.slow) for num in (32, 33))])
def test_few_outputs_in_little_memory(outputs: int, caplog: pytest.LogCaptureFixture) -> None:
    """One vector, two, the most that are few, one more; each example's cost, of examples that do not divide."""
    torch.manual_seed(0)
    module = MLP(D, outputs, [13], nn.ReLU(), include=INCLUDE[:2], scale=SCALE[:2])
    caplog.set_level(logging.INFO)
    numbers = {"cost": SquaredError(), "data": Split(normal(57, D, seed=1), normal(57, outputs, seed=2))}
    assert_equal(*both(module, **numbers))
    path, objectives = (
        ends(module, size=0.5),
        [
            Objective(
                module, numbers["cost"], numbers["data"], dtype="float64", seeds=[3, 8], engine=engine, memory=memory
            )
            # More outputs are laid out in chunks, which have a size of their own.
            for engine, memory in (("events", 500_000 if outputs <= 32 else 64_000_000), ("plain", None))
        ],
    )
    small, plain = (objective.along(path, ALPHAS, keep_costs=torch.float64) for objective in objectives)
    assert_equal(small, plain)
    assert small.costs is not None and plain.costs is not None
    np.testing.assert_allclose(small.costs, plain.costs, rtol=1e-12)
    assert served(caplog)


@pytest.mark.parametrize("vectors_of_a_block", [1, 2, 4])
def test_whatever_the_processor_holds_in_a_block(
    vectors_of_a_block: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Few outputs are one block where vectors are long, and several where they are short: all of them are summed."""
    monkeypatch.setattr(vectors, "VECTORS", vectors_of_a_block)
    torch.manual_seed(0)
    caplog.set_level(logging.INFO)
    assert_equal(*both(NETS["wide second layer"]()))
    assert served(caplog)


def test_other_costs_and_targets() -> None:
    torch.manual_seed(0)
    x = normal(57, D, seed=1)
    assert_equal(*both(NETS["relu"](), cost=SquaredError(), data=Split(x, normal(57, C, seed=2))))
    assert_equal(*both(NETS["relu"](), cost=SquaredError()))


def test_a_unit_that_switches_on_a_grid_point_and_one_that_never_moves() -> None:
    """z = alpha - 1/2 exactly, a unit of constant value, and one that is 0 on the whole line."""
    module = MLP(1, 2, [3, 4], nn.ReLU())
    torch.manual_seed(2)
    first, second = (
        {n: torch.randn(1, *p.shape, dtype=torch.float64) for n, p in module.named_parameters()} for _ in range(2)
    )
    for at, values in ((first, (-0.5, 0.7, 0.0)), (second, (0.5, 0.7, 0.0))):
        at["layers.0.weight"][:] = 0.0
        at["layers.0.bias"][0] = torch.tensor(values)
    layout = ParameterLayout.of(module)
    path = Linear(layout.flatten(first), layout.flatten(second))
    data = Split(normal(7, 1), torch.tensor([0, 1, 0, 1, 1, 0, 1]))
    assert_equal(*both(module, path, np.linspace(0, 1, 5), data, seeds=[0]))


def test_values_that_are_no_numbers_come_from_the_plain_path(caplog: pytest.LogCaptureFixture) -> None:
    module = NETS["relu"]()
    path = ends(module, size=0.5)
    path.theta_1[1, 3] = float("nan")  # behind a relu that could lose it
    caplog.set_level(logging.INFO)
    fast, plain = both(module, path)
    np.testing.assert_array_equal(fast.channels["objective"], plain.channels["objective"])
    assert np.isnan(plain.channels["objective"][:, 1]).any() and "not finite" in caplog.text


@pytest.mark.parametrize(
    ("module", "numbers", "reason"),
    [
        (lambda: MLP(D, C, [13, 21], nn.Sigmoid()), {}, "no linear layer reads a piecewise-linear one"),
        (lambda: nn.Linear(D, C), {}, "no linear layer reads a piecewise-linear one"),
        (lambda: NETS["relu"](), {"cost": Adversarial()}, "a gradient, is not written down"),
    ],
    ids=["sigmoid", "linear", "adversarial"],
)
def test_where_events_do_not_apply_something_else_serves(
    module: Any, numbers: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    caplog.set_level(logging.INFO)
    assert_equal(*both(module(), **numbers), rtol=1e-11)
    assert reason in caplog.text


def test_auto_takes_the_events_where_many_points_ask_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits as the engine that was taken."""
    monkeypatch.setattr(choice, "SMALL", 0.0)
    monkeypatch.setattr(choice, "LOADING", 0.0)
    torch.manual_seed(0)
    module = MLP(D, C, [200, 150], nn.ReLU())
    for num, engine in ((100, "events"), (5, "plain")):
        found = [
            Objective(module, CrossEntropy(), split(57, 1), engine=e).along(
                ends(module, 1, size=0.5), np.linspace(0, 1, num)
            )
            for e in ("auto", engine)
        ]
        assert (found[0].channels["objective"] == found[1].channels["objective"]).all()


def test_the_structure_is_found_with_its_activation_and_the_narrow_layer_behind_it() -> None:
    def structure(module: nn.Module) -> Any:
        layout = ParameterLayout.of(module.eval())

        def forward(theta: Tensor, known: Any, state: Any) -> Any:
            return {
                "objective": torch.func.functional_call(module, layout.unflatten(theta), (known["x"],)).sum(1)
            }, None

        return find(trace(forward, layout.theta(module), {"x": torch.randn(5, D)}, None))

    relu, wide, deep = (structure(NETS[n]()) for n in ("relu", "wide second layer", "three hidden layers"))
    assert relu.activation == RELU and relu.tail is not None and relu.hidden.has_zero and len(relu.hidden.pieces) == 1
    assert wide.activation == RELU and wide.tail is None and deep.activation == RELU and deep.tail is not None
    maxout = structure(NETS["maxout"]())
    assert maxout.group == 5 and maxout.tail is not None and len(maxout.hidden.pieces) == 5
    assert structure(MLP(D, C, [13, 21], nn.Tanh())) is None


@settings(max_examples=60)
@given(
    st.integers(1, 4),
    st.booleans(),
    st.integers(1, 9),
    st.lists(st.integers(-3, 3), min_size=8, max_size=8),
)
def test_events_add_up_to_the_maximum_at_every_grid_point(
    num_pieces: int, has_zero: bool, num_points: int, numbers: list[int]
) -> None:
    """Whole numbers, so that lines meet on grid points, in one point, or are the same line."""
    begin = np.array(numbers[:num_pieces], dtype=np.float64).reshape(1, 1, -1)
    end = np.array(numbers[4 : 4 + num_pieces], dtype=np.float64).reshape(1, 1, -1)
    if num_points == 1:
        end = begin  # as on a line of one point
    grid = np.linspace(0, 1, num_points)
    capacity = num_pieces + has_zero
    unit, first, last = np.zeros((1, capacity), np.int32), np.zeros((1, capacity)), np.zeros((1, capacity))
    tiles, start = np.zeros((1, 2), np.int64), np.zeros((1, num_points + 1), np.int64)
    bucket(begin, end, np.full((1, 1), 0.5), has_zero, grid, 0, 1, unit, first, last, tiles, start)
    if has_zero and num_pieces == 1:
        others = [np.zeros_like(array) for array in (unit, first, last, tiles, start)]
        bucket_relu(begin[:, :, 0], end[:, :, 0], np.full((1, 1), 0.5), grid, 0, 1, *others)
        for ours, theirs in zip(others, (unit, first, last, tiles, start), strict=True):
            np.testing.assert_array_equal(ours.ravel()[: start[0, -1]], theirs.ravel()[: start[0, -1]])
    assert tiles[0, 0] == 0 and tiles[0, 1] == start[0, 0] <= 1
    for i, t in enumerate(grid):
        to = start[0, i + 1]
        found = (1 - t) * first[0, :to].sum() + t * last[0, :to].sum()
        pieces = list((1 - t) * begin[0, 0] + t * end[0, 0]) + [0.0] * has_zero
        assert found == pytest.approx(0.5 * max(pieces), abs=1e-13)
