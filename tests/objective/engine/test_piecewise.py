"""Activations of few kinks by events: the functions themselves, when units pass their kinks, and whole networks."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.fx import Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.model import Dropout
from landscape.objective import Objective
from landscape.objective.engine.events.piecewise import IDENTITY, JOINED, Piecewise, function_of
from landscape.objective.engine.events.switches import bucket_cuts
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.objective.engine import pair
from tests.objective.engine.pair import Plane, assert_equal, ends, served
from tests.twin import C, D, normal, split

Activation = Callable[[Tensor], Tensor]

# In inputs of deviation 1 each of their kinks is passed.
JOINT: dict[str, Activation] = {
    "relu": F.relu,
    "leaky relu": nn.LeakyReLU(0.2),
    "in place": nn.LeakyReLU(0.2, inplace=True),
    "leaky relu, steeper than 1": nn.LeakyReLU(1.7),
    "leaky relu, falling": nn.LeakyReLU(-0.3),
    "relu6": lambda z: F.relu6(9 * z - 1),
    "ReLU6": nn.ReLU6(),
    "hardtanh": F.hardtanh,
    "hardtanh of other bounds": nn.Hardtanh(-0.2, 0.7),
    "clamp": lambda z: z.clamp(-0.5, 0.25),
    "clamp from below": lambda z: z.clamp(min=-0.4),
    "clamp from above": lambda z: torch.clip(z, max=0.6),
    "bounds the wrong way round": lambda z: z.clamp(0.5, -0.5),
    "absolute value": torch.abs,
    "hardsigmoid": lambda z: F.hardsigmoid(4 * z),
    "softshrink": nn.Softshrink(0.2),
    "threshold at its value": nn.Threshold(0.1, 0.1),
    "numbers before and behind": lambda z: 1 - F.relu6(2 * z + 1) / 6,
    "one after the other": lambda z: F.leaky_relu(F.hardtanh(z), -0.3) + 0.5,
    "three kinks": lambda z: torch.abs(F.hardtanh(z) - 0.25),
}
JUMPING: dict[str, Activation] = {
    "hardshrink": nn.Hardshrink(0.5),
    "threshold": nn.Threshold(0.25, -0.5),
    "hardshrink, turned and bent": lambda z: F.leaky_relu(F.hardshrink(0.25 - z)),
}


@pytest.mark.parametrize("name", [*JOINT, *JUMPING])
def test_a_chain_of_operators_is_the_function_that_it_applies(name: str) -> None:
    """At strewn points, at every kink, and beside each of them."""
    apply = {**JOINT, **JUMPING}[name]
    graph = make_fx(torch.func.functionalize(lambda z: apply(z + 0), remove="mutations"), None, "fake", True)(
        torch.ones(3)
    ).graph
    function: Piecewise | None = IDENTITY
    for node in graph.nodes:
        if isinstance(node, Node) and node.op == "call_function":
            step = function_of(node)
            assert step is not None and function is not None
            function = function.then(step)
    assert function is not None and list(function.cuts) == sorted(function.cuts)
    cuts = np.array([*function.cuts, -0.0])
    x = np.concatenate([3 * normal(50).numpy(), cuts, cuts - 1e-9, cuts + 1e-9])
    expected = apply(torch.tensor(x)).numpy()
    np.testing.assert_allclose([function(value) for value in x], expected, rtol=1e-14, atol=1e-15)
    if (ramp := function.ramp()) is not None:
        a, c, low, high, d, *steps = ramp.tolist()
        by_form = a * x + c * np.minimum(high, np.maximum(low, x)) + d
        by_form += sum(jump * (x > at) for at, jump in (steps[:2], steps[2:]))
        np.testing.assert_allclose(by_form, expected, rtol=1e-14, atol=1e-15)
    assert (ramp is None) == (name in ("one after the other", "three kinks", "hardshrink, turned and bent"))
    assert function.is_joined == (name in JOINT)


@settings(max_examples=60)
@given(
    st.lists(st.integers(-2, 2), min_size=2, max_size=2),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3, unique=True),
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(1, 2)), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([1, 2, 3, 5]),
)
def test_events_add_up_to_the_function_at_every_grid_point(
    values: list[int], cuts: list[int], lines: list[tuple[int, int, int]], is_joined: bool, num_points: int
) -> None:
    """Whole numbers, quarters of the line: units start and stop on kinks and jumps and pass them on grid points."""
    places = sorted(cuts)[: len(lines) - 1]
    slopes, offsets = [float(s) for s, _, _ in lines], [float(o) for _, o, _ in lines]
    for k, at in enumerate(places):
        if is_joined:
            offsets[k + 1] = slopes[k] * at + offsets[k] - slopes[k + 1] * at
    sides = tuple(JOINED if is_joined else side for _, _, side in lines[1:])
    function = Piecewise(tuple(zip(slopes, offsets, strict=True)), tuple(map(float, places)), sides)
    begin, end = (np.full((1, 1), float(v)) for v in (values if num_points > 1 else values[:1] * 2))
    grid = np.linspace(0, 1, num_points)
    unit, first, last = np.zeros((1, len(lines)), np.int32), np.zeros((1, len(lines))), np.zeros((1, len(lines)))
    tiles, start = np.zeros((1, 2), np.int64), np.zeros((1, num_points + 1), np.int64)
    bends = np.array(function.lines), np.array(function.cuts), np.array(function.sides, np.int64)
    bucket_cuts(begin, end, np.full((1, 1), 0.5), *bends, grid, 0, 1, unit, first, last, tiles, start)
    for i, t in enumerate(grid):
        to = start[0, i + 1]
        found = (1 - t) * first[0, :to].sum() + t * last[0, :to].sum()
        assert found == 0.5 * function((1 - t) * begin[0, 0] + t * end[0, 0])


class Net(nn.Module):
    """D -> units -> units -> outputs by two activations, with dropout before and behind each."""

    def __init__(self, first: Activation, second: Activation, outputs: int = C, units: int = 20) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(D, units), nn.Linear(units, units), nn.Linear(units, outputs)
        self.first, self.second = first, second
        self.dropout = nn.ModuleList([Dropout(0.8, 1.1), Dropout(0.7, 1.3), Dropout(0.6, 1.7)])

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, outputs]."""
        hidden = self.dropout[1](self.first(self.a(self.dropout[0](x))))
        return self.c(self.dropout[2](self.second(self.b(hidden))))


LINE = np.array([0.31, -0.7, 0.0, 0.05, 0.051, 0.5, 0.5, 0.93, 1.0, 1.8])
PLANE = [(1 - a - b, a, b) for a in (-0.4, 0.3, 1.0) for b in (-0.5, 0.1, 0.8)]
NAMES = list(JOINT) + list(JUMPING)
PAIRS = [(name, NAMES[(7 * n + 5) % len(NAMES)]) for n, name in enumerate(NAMES)] + [(n, n) for n in NAMES]
WHERE = ("line", "plane"), ("deterministic", "wide")
"""Taken in turns; since the names are odd in number, each is the first somewhere with all four."""


@pytest.mark.parametrize(
    ("first", "second", "where"), [(*pair, where) for n, pair in enumerate(PAIRS) for where in WHERE[n % 2]]
)
def test_equal_to_one_pass_per_point(first: str, second: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    caplog.set_level(logging.INFO)
    both = {**JOINT, **JUMPING}
    module = Net(both[first], both[second], 40 if where == "wide" else C).eval()
    path, alphas = (Plane(module, PLANE), np.arange(9.0)) if where == "plane" else (ends(module, size=0.5), LINE)
    mode = "deterministic" if where == "deterministic" else "stochastic"
    assert_equal(*pair.both(module, split(57, 1), path, alphas, "events", batch_size=40, mode=mode))
    assert served(caplog)


@pytest.mark.parametrize(
    ("first", "second"), [("leaky relu", "hardtanh"), ("relu6", "leaky relu"), ("hardtanh", "relu6")]
)
def test_float32_keeps_its_precision(first: str, second: str) -> None:
    torch.manual_seed(0)
    module = Net(JOINT[first], JOINT[second]).eval()
    found = [
        Objective(module, CrossEntropy(), split(57, 1), dtype=dtype, engine=engine).along(
            ends(module, 1, size=0.5), np.linspace(-0.5, 1.5, 101)
        )
        for dtype, engine in (("float32", "events"), ("float64", "plain"))
    ]
    np.testing.assert_allclose(found[0].channels["objective"], found[1].channels["objective"], rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["hardshrink", *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES if n != "hardshrink")]
)
@pytest.mark.parametrize("layer", ["a", "b"])
def test_units_that_lie_on_a_kink(name: str, layer: str) -> None:
    """Without weights: units stay on a kink or a jump, leave it, come to it, and pass it on a grid point."""
    kinks = [-1.0, 1.0, 0.0, -0.0, 0.5, -0.5, 0.25]
    chosen = torch.tensor([(a, b) for a in kinks for b in kinks], dtype=torch.float64)
    activation = {**JOINT, **JUMPING}[name]
    activations = (activation, F.relu) if layer == "a" else (F.relu, activation)
    module = Net(*activations, units=len(chosen)).eval()
    layout, both = ParameterLayout.of(module), []
    for end in range(2):
        named = {n: normal(1, *p.shape, seed=end) for n, p in module.named_parameters()}
        named |= {f"{layer}.weight": torch.zeros_like(named[f"{layer}.weight"])}
        named |= {f"{layer}.bias": chosen[None, :, end]}
        both.append(layout.flatten(named))
    data = Split(normal(7, D), torch.arange(7) % C)
    assert_equal(*pair.both(module, data, Linear(*both), np.linspace(0, 1, 5), "events", seeds=[0]))


def test_what_is_not_finite_is_not_lost_where_a_function_is_flat(caplog: pytest.LogCaptureFixture) -> None:
    """Beyond 1 a hardtanh is 1, whatever came."""
    torch.manual_seed(0)
    module = Net(F.hardtanh, F.hardtanh).eval()
    for value in (float("nan"), float("inf")):
        path = ends(module, size=0.5)
        path.theta_1[1, 3] = value
        caplog.set_level(logging.INFO)
        fast, plain = pair.both(module, split(57, 1), path, LINE, "events")
        np.testing.assert_array_equal(fast.channels["objective"], plain.channels["objective"])
        assert "not finite" in caplog.text
