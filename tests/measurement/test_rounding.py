"""The rounding floor against the true error of J over the whole split, for nets of every kind and both precisions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Dataset, Split
from landscape.data.digits import digits
from landscape.measurement import Interpolation, OnPath, rounding
from landscape.measurement.rounding import NUM_EXAMPLES, NUM_POINTS, OtherOrder, some_of
from landscape.model import LSTM, MaxoutMLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from landscape.result.curve import Array, Curve
from landscape.result.curve.noise import mean_error, steepest
from tests.measurement.conftest import ends_of, on_path
from tests.objective.engine.pair import served

START = np.array([0.0, 1e-7, 1e-6, 1e-5, 1e-4, 3e-4])
WHOLE, DENSE = np.linspace(0, 2, 9), np.linspace(0, 1, 2 * NUM_POINTS)
NUM = 3 * NUM_EXAMPLES


def random(*shape: int, seed: int = 5) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def toy(classes: int = 10, num_streams: int | None = None) -> Dataset:
    """Examples sorted by their label: the first ones do not stand for all."""
    if num_streams is not None:
        words = torch.randint(classes, (NUM, 6), generator=torch.Generator().manual_seed(1))
        split = Split(words[:, :5], words[:, 1:], num_streams)
    else:
        x, y = random(NUM, 20), torch.arange(NUM) * classes // NUM
        split = Split(x + 0.3 * random(classes, 20, seed=6)[y], y)
    return Dataset("toy", split, split, split, classes)


def layers(
    activation: type[nn.Module], classes: int = 10, inputs: int = 20, norm: bool = False, width: int = 20
) -> nn.Sequential:
    """Two hidden layers, and perhaps batch norm."""
    sizes = (inputs, width, width)
    hidden = [[nn.Linear(a, b), *[nn.BatchNorm1d(b)] * norm, activation()] for a, b in pairwise(sizes)]
    return nn.Sequential(*(layer for block in hidden for layer in block), nn.Linear(width, classes))


def both_ends(
    make: Callable[[], nn.Module], data: Dataset, zero_last: bool = False, logits: float = 1.0
) -> list[nn.Module]:
    """A net as it is made, with a last layer of zeros if asked, and after a short training, with logits this large."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pair = [make(), make()]
    if zero_last:
        for parameter in list(pair[0].parameters())[-2:]:
            nn.init.zeros_(parameter)
    pair[1].load_state_dict(pair[0].state_dict())
    step = torch.optim.SGD(pair[1].parameters(), lr=0.1, momentum=0.9)
    for k in range(60):
        rows = torch.arange(k, len(data.train), 60)
        step.zero_grad()
        found = pair[1](data.train.x[rows])
        F.cross_entropy(found.flatten(0, -2), data.train.y[rows].flatten()).backward()
        step.step()
    with torch.no_grad():
        for parameter in list(pair[1].parameters())[-2:]:
            parameter.mul_(logits)
    return [net.eval() for net in pair]


def measured(pair: list[nn.Module], data: Dataset, alphas: Array, mode: str = "deterministic", **numbers: Any) -> Curve:
    """J on the training split with its noise."""
    layout = ParameterLayout.of(pair[0])
    theta_0, theta_1 = (layout.theta(net)[None] for net in pair)
    buffers: list[Any] = [[dict(net.named_buffers())] if numbers.get("running_statistics") else [{}] for net in pair]
    line = ends_of(theta_0, theta_1, buffers=buffers[1], buffers_0=buffers[0])
    objective: Any = partial(Objective, **numbers)
    subject = on_path(pair[0], CrossEntropy(), data, ends=line, alphas=alphas, objective=objective)
    return Interpolation(["train"], [mode])(subject).curves[f"train/{mode}"]


def in_float64(pair: list[nn.Module], data: Dataset, alphas: Array, mode: str, **numbers: Any) -> Array:
    """J over the whole split in float64, [A], from the ends as they were stored."""
    layout = ParameterLayout.of(pair[0])
    line = Linear(*(layout.theta(net)[None].double() for net in pair))
    if numbers.get("running_statistics"):
        numbers |= {name: [dict(net.named_buffers())] for name, net in zip(("buffers_0", "buffers"), pair, strict=True)}
    numbers |= {"dtype": "float64", "engine": "plain"}
    objective = Objective(pair[0], CrossEntropy(), data.train, mode, **numbers)
    return objective.along(line, alphas).channels["objective"][:, 0]


def in_long_double(pair: list[nn.Module], split: Split, alphas: Array, unit: Callable[[Any], Any]) -> Array:
    """J of a perceptron over the whole split, [A], in numbers of more digits than float64 has."""
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("here long double is float64")
    starts, stops = ([p.detach().numpy().astype(np.longdouble) for p in net.parameters()] for net in pair)
    values = []
    for alpha in alphas.astype(np.longdouble):
        weights = [(1 - alpha) * p + alpha * q for p, q in zip(starts, stops, strict=True)]
        h = split.x.numpy().reshape(len(split), -1).astype(np.longdouble)
        for k in range(0, len(weights), 2):
            h = (unit(h) if k else h) @ weights[k].T + weights[k + 1]
        h -= h.max(axis=1, keepdims=True)
        values.append((np.log(np.exp(h).sum(axis=1)) - h[np.arange(len(h)), split.y.numpy()]).mean())
    return np.array(values)


MAXOUT: Any = partial(MaxoutMLP, 20, 10, widths=[12, 12], pieces=3, init_range=0.3, max_norm=2.0)
NORM = partial(layers, nn.ReLU, norm=True)
WIDE = partial(layers, nn.Sigmoid, 133)
CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any], dict[str, Any]]] = {
    "sigmoid": (partial(layers, nn.Sigmoid), {}, {}),
    "relu": (partial(layers, nn.ReLU), {}, {}),
    "relu, prefix": (partial(layers, nn.ReLU), {}, {"engine": "prefix"}),
    "relu, events": (partial(layers, nn.ReLU), {}, {"engine": "events"}),
    "maxout": (partial(MAXOUT, include=(0.8, 0.5, 0.5), scale=(1.0, 2.0, 2.0)), {}, {}),
    "maxout, masks": (partial(MAXOUT, include=(0.8, 0.5, 0.5), scale=(1.0, 2.0, 2.0)), {}, {"mode": "stochastic"}),
    "torch dropout": (lambda: nn.Sequential(nn.Dropout(0.3), *layers(nn.ReLU)), {}, {"mode": "stochastic"}),
    "batch norm, kept": (NORM, {}, {"running_statistics": "keep"}),
    "batch norm, interpolated": (NORM, {}, {"running_statistics": "interpolate"}),
    "batch norm, recalibrated": (NORM, {}, {"running_statistics": "recalibrate"}),
    "lstm": (partial(LSTM, 15, 8, drop=0.0, init_range=0.4), {"classes": 15, "num_streams": 30}, {}),
    "wide softmax at zero": (WIDE, {"classes": 133, "zero_last": True}, {}),
    "large logits": (partial(layers, nn.ReLU), {"logits": 300.0}, {}),
    "digits, sigmoid": (partial(layers, nn.Sigmoid, inputs=64), {"data": digits}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_floor_is_at_least_the_error_of_float32(name: str) -> None:
    make, words, numbers = CASES[name]
    data = words["data"]() if "data" in words else toy(words.get("classes", 10), words.get("num_streams"))
    pair = both_ends(make, data, **{key: words[key] for key in ("zero_last", "logits") if key in words})
    numbers = {"mode": "deterministic"} | numbers
    if numbers.get("running_statistics") == "recalibrate":
        numbers["calibration"] = data.train
    for alphas in (WHOLE, DENSE) if name in ("sigmoid", "relu", "wide softmax at zero") else (WHOLE,):
        curve = measured(pair, data, alphas, **numbers)
        exact = in_float64(pair, data, alphas, **{key: v for key, v in numbers.items() if key != "engine"})
        off = np.abs(curve.objective[:, 0] - exact)
        error, [floor] = off[np.isfinite(off)].max(), curve.noise["floor"]
        assert error <= floor <= 100 * error  # and no more than is needed to be sure


@pytest.mark.parametrize(
    ("activation", "unit", "words"),
    [
        (nn.Sigmoid, lambda h: 1 / (1 + np.exp(-h)), {}),
        (nn.ReLU, lambda h: np.maximum(h, 0), {"engine": "prefix"}),
        (nn.ReLU, lambda h: np.maximum(h, 0), {"engine": "events"}),
        (nn.ReLU, lambda h: np.maximum(h, 0), {"logits": 300.0}),
        (nn.Sigmoid, lambda h: 1 / (1 + np.exp(-h)), {"classes": 133}),
    ],
)
def test_the_floor_is_at_least_the_error_of_float64(
    activation: type[nn.Module], unit: Callable[[Any], Any], words: dict[str, Any]
) -> None:
    classes = words.get("classes", 10)
    data = toy(classes)
    pair = both_ends(partial(layers, activation, classes), data, classes == 133, words.get("logits", 1.0))
    pair = [net.double() for net in pair]
    curve = measured(pair, data, WHOLE, dtype="float64", engine=words.get("engine", "auto"))
    error = float(np.abs(curve.objective[:, 0] - in_long_double(pair, data.train, WHOLE, unit)).max())
    assert error <= curve.noise["floor"][0] <= 100 * error


def test_a_fall_below_what_float32_resolves_is_no_rise_above_the_noise() -> None:
    """A softmax at zero gives every example the same ln C, whose rounding no order of sums shows."""
    data = toy(133)
    pair = both_ends(WIDE, data, zero_last=True)
    rise = steepest(measured(pair, data, START), 0, 0.0, 1.0)
    exact = in_float64(pair, data, START, "deterministic")
    assert (np.diff(exact) < 0).all()
    assert rise is not None and not rise.is_larger


class Single(nn.Module):
    """A net that can be evaluated in one precision alone."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers(nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits."""
        logits: Tensor = self.inner(x @ torch.eye(20))
        return logits


def test_a_module_of_one_precision_has_a_floor_from_another_order(caplog: pytest.LogCaptureFixture) -> None:
    data = toy()
    with caplog.at_level(logging.WARNING):
        curve = measured(both_ends(Single, data), data, WHOLE)
    assert curve.noise["floor"][0] > 0
    assert "cannot be evaluated in the other precision" in caplog.text


def test_what_all_examples_share_does_not_average_out() -> None:
    shared, apart = np.full((1, 100), 3e-8), 1e-8 * np.where(np.arange(100) % 2, 1.0, -1.0)[None]
    assert mean_error(shared, 10**6) == pytest.approx(3e-8)
    assert mean_error(apart, 10**6) == pytest.approx(4 * 1e-8 / 10, rel=0.02)
    assert mean_error(apart, 100) == pytest.approx(0.0, abs=1e-20)  # these are all there are


def test_the_few_come_from_all_over_the_split() -> None:
    split = toy().train
    few, rows = some_of(split)
    assert len(few) == NUM_EXAMPLES and (rows[0], rows[-1]) == (0, NUM - 1)
    assert torch.equal(few.y, split.y[torch.from_numpy(rows)]) and set(few.y.tolist()) == set(range(10))
    texts = some_of(toy(15, num_streams=30).train)[0]
    assert len(texts) == NUM_EXAMPLES and texts.num_streams == 30


OPERATIONS = {
    "mm": lambda a: a[0] @ a[1],
    "addmm": lambda a: F.linear(a[0], a[1], a[2, 0]),
    "bmm": lambda a: torch.einsum("bij,bkj->bik", a, a),
    "baddbmm": lambda a: torch.baddbmm(a, a, a),
    "mv": lambda a: a[0] @ a[1, 0],
    "dot": lambda a: a[0, 0] @ a[1, 0],
    "conv2d": lambda a: F.conv2d(a[None], a[:, :5, :5].expand(2, 3, 5, 5), stride=2, padding=1),
    "groups": lambda a: F.conv1d(a[0].reshape(1, 12, -1), a[1].reshape(6, -1)[:, :54].reshape(6, 6, 9), groups=2),
    "sum": lambda a: a.sum(),
    "sums": lambda a: a.sum((0, -1)),
    "mean": lambda a: a.mean(dim=1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_order_changes_rounding_alone(name: str) -> None:
    a = torch.randn(3, 72, 72, generator=torch.Generator().manual_seed(1))
    expected = OPERATIONS[name](a)
    with OtherOrder():
        found = OPERATIONS[name](a)
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("engine", "dtype"), [("plain", "float32"), ("plain", "float64"), ("prefix", "float64"), ("events", "float32")]
)
def test_the_floor_is_that_of_the_precision(
    subject: OnPath, engine: str, dtype: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Relative to J, of a few nats here."""
    least, most = {"float32": (1e-10, 1e-6), "float64": (1e-18, 2e-15)}[dtype]
    exact = replace(subject, objective=partial(subject.objective, dtype=dtype, engine=engine))
    curve = Interpolation(["train"], ["stochastic"])(exact).curves["train/stochastic"]
    relative = curve.noise["floor"] / curve.objective.max(axis=0)
    assert relative.shape == (2,) and (least < relative).all() and (relative < most).all()
    assert served(caplog)


def test_few_examples_stand_for_many(subject: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = replace(subject, objective=partial(subject.objective, dtype="float32"))
    whole = Interpolation(["train"])(subject).curves["train/stochastic"]
    monkeypatch.setattr(rounding, "NUM_EXAMPLES", 10)
    monkeypatch.setattr(rounding, "NUM_POINTS", 3)
    assert rounding.points_of(6).tolist() == [0, 2, 5]
    few = Interpolation(["train"])(subject).curves["train/stochastic"]
    assert np.array_equal(few.objective, whole.objective)
    assert (few.noise["floor"] > 0).all() and (few.noise["floor"] < 1e-5).all()
    assert not np.array_equal(few.noise["floor"], whole.noise["floor"])
