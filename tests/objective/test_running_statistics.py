"""Running statistics along a line, kept, interpolated or taken anew, and other buffers, which stay what they are."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear, Plane
from tests.twin import C, D, cross_entropy, normal, split
from tests.zoo import Net
from tests.zoo_training import RunningMean

TRAIN, VALID = split(23, seed=1), split(11, seed=2)
ALPHAS = np.array([-0.3, 0.0, 0.41, 1.0, 1.4])
WIDTHS = [6, 4]


def net(**changes: Any) -> MLP:
    return MLP(D, C, WIDTHS, nn.Tanh(), batch_norm=True, **changes).double()


LAYOUT = ParameterLayout.of(net())
LINE = Linear(*(0.5 * normal(2, LAYOUT.num_parameters, seed=s) + 0.1 for s in (3, 4)))
PLANE = Plane(LINE.theta_0, LINE.theta_1, 2 * LINE.theta_1, [0.0, 0.3], [0.5, 1.0])


def objective(treatment: str, module: nn.Module | None = None, **numbers: Any) -> Objective:
    numbers = {"split": VALID, "calibration": TRAIN, "seeds": [0, 1], "dtype": "float64", "batch_size": 9, **numbers}
    return Objective(module or net(), CrossEntropy(), running_statistics=treatment, **numbers)


def buffers(seed: int) -> list[dict[str, Tensor]]:
    """Of two rows: means anywhere, variances off one, a count."""
    rows = []
    for s in range(2):
        named: dict[str, Tensor] = {}
        for k, width in enumerate(WIDTHS):
            named[f"norms.{k}.running_mean"] = normal(width, seed=seed + 10 * s + k)
            named[f"norms.{k}.running_var"] = 2 + normal(width, seed=seed + 10 * s + k + 5).abs()
            named[f"norms.{k}.num_batches_tracked"] = torch.tensor(seed + s)
        rows.append(named)
    return rows


def twin(theta: Tensor, statistics: dict[str, Tensor] | None = None) -> float:
    """J on VALID, unit by unit; without given statistics those of TRAIN, layer by layer."""
    named = LAYOUT.unflatten(theta)
    seen, calibration = [x.tolist() for x in VALID.x], [x.tolist() for x in TRAIN.x]

    def affine(rows: list[list[float]], k: int) -> list[list[float]]:
        w = named[f"layers.{k}.weight"].tolist()
        b = named[f"layers.{k}.bias"].tolist() if k == 2 else [0.0] * len(w)  # the norm's shift is the others' bias
        return [
            [math.fsum(p * q for p, q in zip(u, row, strict=True)) + c for u, c in zip(w, b, strict=True)]
            for row in rows
        ]

    for k, width in enumerate(WIDTHS):
        seen, calibration = affine(seen, k), affine(calibration, k)
        for j in range(width):
            if statistics is None:
                column = [row[j] for row in calibration]
                mean = math.fsum(column) / len(column)
                var = math.fsum((v - mean) ** 2 for v in column) / len(column)
            else:
                mean, var = (statistics[f"norms.{k}.running_{part}"][j].item() for part in ("mean", "var"))
            gain, shift = named[f"norms.{k}.weight"][j].item(), named[f"norms.{k}.bias"][j].item()
            for rows in (seen, calibration):
                for row in rows:
                    row[j] = math.tanh((row[j] - mean) / math.sqrt(var + 1e-5) * gain + shift)
    costs = [
        cross_entropy(torch.tensor(z, dtype=torch.float64), int(y)).item()
        for z, y in zip(affine(seen, 2), VALID.y, strict=True)
    ]
    return math.fsum(costs) / len(costs)


@pytest.mark.parametrize("batch_size", [1, 9, 23])
def test_recalibrated_statistics_are_exact_layer_by_layer(batch_size: int) -> None:
    values = objective("recalibrate", batch_size=batch_size, buffers=buffers(7)).along(LINE, ALPHAS)
    for a, alpha in enumerate(ALPHAS):
        for s in range(2):
            expected = twin(LINE(float(alpha))[s])
            assert values.channels["objective"][a, s] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("batch_size", [4, 23])
def test_recalibrating_is_a_full_batch_in_training_mode(batch_size: int) -> None:
    """Images too: the statistics of a channel run over its positions."""
    module = nn.Sequential(
        nn.Unflatten(1, (1, 7)),
        nn.Conv1d(1, 3, 2),
        nn.BatchNorm1d(3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(18, 8),
        nn.BatchNorm1d(8, affine=False),
        nn.ReLU(),
        nn.Linear(8, C),
    ).double()
    theta = ParameterLayout.of(module).theta(module)[None]
    whole = copy.deepcopy(module).train()(TRAIN.x)
    expected = nn.functional.cross_entropy(whole, TRAIN.y).item()
    numbers: dict[str, Any] = {"split": TRAIN, "seeds": [0], "batch_size": batch_size}
    assert objective("recalibrate", module, **numbers)(theta).item() == pytest.approx(expected, rel=1e-12)
    order = torch.randperm(23, generator=torch.Generator().manual_seed(0))
    shuffled = Split(TRAIN.x[order], TRAIN.y[order])
    again = objective("recalibrate", module, **{**numbers, "calibration": shuffled})(theta).item()
    assert again == pytest.approx(expected, rel=1e-12)
    kept = objective("keep", module, **numbers)(theta).item()
    assert abs(kept - expected) > 0.001


def test_interpolated_statistics_are_linear_between_the_ends() -> None:
    start, end = buffers(7), buffers(40)
    alphas = ALPHAS[1:4]
    along = objective("interpolate", buffers=end, buffers_0=start).along(LINE, alphas).channels["objective"]
    for s in range(2):
        for a, alpha in enumerate(alphas):
            mixed = {n: (1 - alpha) * start[s][n] + alpha * end[s][n] for n in end[s] if "running" in n}
            assert along[a, s] == pytest.approx(twin(LINE(float(alpha))[s], mixed), rel=1e-11)
    for a, rows in ((0, start), (2, end)):  # the ends are the ends' own, bit for bit
        kept = objective("keep", buffers=rows).along(LINE, alphas[a : a + 1]).channels["objective"][0]
        assert np.array_equal(kept, along[a])


def test_interpolation_beyond_an_end_may_leave_no_variance() -> None:
    start, end = buffers(7), buffers(40)
    for row in start:
        row["norms.0.running_var"] = torch.full((6,), 9.0, dtype=torch.float64)
    curve = objective("interpolate", buffers=end, buffers_0=start).along(LINE, np.array([1.0, 3.0])).channels
    assert np.isfinite(curve["objective"][0]).all() and np.isnan(curve["objective"][1]).all()


def test_a_point_has_the_statistics_of_the_end() -> None:
    end = buffers(40)
    theta = LINE(0.41)
    point = objective("interpolate", buffers=end)(theta)
    assert torch.equal(point, objective("keep", buffers=end)(theta))


def test_without_statistics_every_treatment_is_none_at_all() -> None:
    module = MLP(D, C, WIDTHS, nn.Tanh()).double()
    layout = ParameterLayout.of(module)
    line = Linear(*(0.5 * normal(2, layout.num_parameters, seed=s) for s in (3, 4)))
    curves = [
        objective(treatment, module).along(line, ALPHAS).channels["objective"]  # type: ignore[arg-type]
        for treatment in (None, "keep", "interpolate", "recalibrate")
    ]
    assert all(np.array_equal(curves[0], curve) for curve in curves[1:])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: objective("interpolate", buffers=buffers(7)).along(LINE, ALPHAS), "at both ends.*use recalibrate"),
        (
            lambda: objective("interpolate", buffers=buffers(7), buffers_0=buffers(8)).along(PLANE, PLANE.points),
            "two ends of a line, and this is a plane; use keep or recalibrate",
        ),
        (lambda: objective("recalibrate", calibration=None)(LINE(0.3)), r"Objective\(calibration="),
        (
            lambda: objective("recalibrate", RunningMean().double()),
            "knows the batch norm of torch, but model=RunningMean also has mean",
        ),
        (lambda: objective("recalibrate", calibration=Split(TRAIN.x, TRAIN.y, None, True)), "sampled anew"),
        (lambda: objective("recalibrate", calibration=Split(TRAIN.x[:22], TRAIN.y[:22], 11)), "sequences"),
    ],
    ids=["one end", "plane", "no data", "not torch's", "resampled", "sequences"],
)
def test_what_cannot_be_had_is_refused(make: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        make()


def test_a_norm_that_runs_twice_has_no_one_pair_of_statistics() -> None:
    module = Net(
        lambda m, x: m.last(m.norm(m.first(m.norm(x)))),
        first=nn.Linear(D, D),
        last=nn.Linear(D, C),
        norm=nn.BatchNorm1d(D),
    ).double()
    with pytest.raises(InputError, match="norm runs twice"):
        objective("recalibrate", module, seeds=[0])(point(module))


def point(module: nn.Module) -> Tensor:
    """Its own [1, P]."""
    return ParameterLayout.of(module).theta(module)[None].double()


def _constant(m: Any, x: Tensor) -> Tensor:
    m.passes += 1
    return m.last((m.norm(m.first(x)[:, m.order] * m.scale) + m.mask).softmax(dim=1))


def constant() -> Net:
    """Batch norm among buffers that are no statistics: a mask with infinities, a table of whole numbers, a counter."""
    return (
        Net(
            _constant,
            first=nn.Linear(D, 6),
            norm=nn.BatchNorm1d(6),
            last=nn.Linear(6, C),
            passes=torch.tensor(0),
            mask=torch.tensor([0.0, -torch.inf, 0.0, 0.0, -torch.inf, 0.0]),
            order=torch.tensor([3, 1, 0, 2, 5, 4]),
            scale=torch.tensor([1.0, 2.0, 0.5, 0.7, 1.0, 3.0]),
        )
        .double()
        .eval()
    )


def of_constant(seed: int) -> dict[str, Tensor]:
    """Its buffers after some training."""
    mean, var, count = normal(6, seed=seed), 1 + normal(6, seed=seed + 1).abs(), torch.tensor(seed)
    moved = {"norm.running_mean": mean, "norm.running_var": var, "norm.num_batches_tracked": count, "passes": count}
    return dict(constant().named_buffers()) | moved


@pytest.mark.parametrize("treatment", ["keep", "interpolate", "recalibrate"])
@pytest.mark.parametrize("batch_size", [9, 23])
def test_constants_stay_what_they_are(treatment: str, batch_size: int) -> None:
    module, start, end = constant(), of_constant(3), of_constant(30)
    line = Linear(point(module), point(module) + normal(1, point(module).shape[1], seed=8))
    numbers: dict[str, Any] = {"buffers_0": [start], "buffers": [end], "batch_size": batch_size, "seeds": [0]}
    along = objective(treatment, module, **numbers).along(line, ALPHAS).channels["objective"][:, 0]
    for a, alpha in enumerate(ALPHAS):
        net, named = copy.deepcopy(module), dict(end)
        if treatment == "interpolate":
            for key in ("norm.running_mean", "norm.running_var"):
                named[key] = (1 - alpha) * start[key] + alpha * end[key]
        net.load_state_dict({**named, **ParameterLayout.of(net).unflatten(line(float(alpha))[0])})
        if treatment == "recalibrate":
            recalibrate(net, net.first(TRAIN.x)[:, net.order] * net.scale)
        expected = nn.functional.cross_entropy(net(VALID.x), VALID.y).item()
        assert along[a] == pytest.approx(expected, rel=1e-11)
    assert end["passes"] == 30 and start["passes"] == 3


def recalibrate(net: Any, inputs: Tensor) -> None:
    """By hand, of one norm."""
    net.norm.running_mean, net.norm.running_var = inputs.mean(0).detach(), inputs.var(0, unbiased=False).detach()


@pytest.mark.parametrize("name", ["mask", "order"])
def test_constants_that_differ_between_the_ends_are_refused_unless_kept(name: str) -> None:
    module, start, end = constant(), of_constant(3), of_constant(30)
    end[name] = end[name].roll(1)
    line = Linear(point(module), 2 * point(module))
    numbers: dict[str, Any] = {"buffers_0": [start], "buffers": [end], "seeds": [0]}
    assert np.isfinite(objective("keep", module, **numbers).along(line, ALPHAS).channels["objective"]).all()
    for treatment in ("interpolate", "recalibrate"):
        with pytest.raises(InputError, match=rf"model=Net has other {name} at one end.*statistics=keep"):
            objective(treatment, module, **numbers).along(line, ALPHAS)


def test_a_module_without_statistics_needs_no_word_about_its_constants() -> None:
    module = Net(lambda m, x: m.last(x), last=nn.Linear(D, C), table=torch.ones(3))
    for treatment in (None, "interpolate", "recalibrate"):
        found = objective(treatment, module, seeds=[0], calibration=None)  # type: ignore[arg-type]
        assert not found.statistics.moves and np.isfinite(found(point(module)).item())


def _writing(m: Any, x: Tensor) -> Tensor:
    x -= 0.3
    m.first.weight.data.mul_(0.9)
    return m.last(m.norm(m.first(x)))


def test_calibration_is_not_written_to_nor_are_the_weights() -> None:
    module = Net(_writing, first=nn.Linear(D, 6), norm=nn.BatchNorm1d(6), last=nn.Linear(6, C)).double()
    theta, before = point(module), TRAIN.x.clone()
    values = [objective("recalibrate", module, batch_size=size, seeds=[0])(theta).item() for size in (4, 23)]
    net = copy.deepcopy(module)
    recalibrate(net, nn.functional.linear(TRAIN.x - 0.3, 0.9 * net.first.weight, net.first.bias))
    expected = nn.functional.cross_entropy(net.eval()(VALID.x.clone()), VALID.y).item()
    assert values == pytest.approx([expected] * 2, rel=1e-11)
    assert torch.equal(TRAIN.x, before)
