"""The Gauss length of the outputs' path: exact where it is known, against second derivatives where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vmap

from landscape.cost import CrossEntropy, from_torch
from landscape.data import Dataset, Split
from landscape.errors import InputError
from landscape.measurement import GaussLength, OnPath
from landscape.model import MLP
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule
from tests.measurement.conftest import ALPHAS, ends_of, on_path
from tests.twin import C, D, dataset, normal
from theory.smooth import gauss_length

GRID = np.array([0.0, 0.21, 0.5, 0.83, 1.0])


def subject(module: nn.Module, theta_0: Tensor, theta_1: Tensor, alphas: Any = GRID, **numbers: Any) -> OnPath:
    def objective(*arguments: Any, **more: Any) -> Objective:
        return Objective(*arguments, **{"batch_size": 9, "dtype": "float32", **numbers, **more})

    ends = ends_of(theta_0, theta_1)
    return on_path(module, CrossEntropy(), dataset(), seeds=ends.seeds, ends=ends, alphas=alphas, objective=objective)


class Traced(nn.Module):
    """Outputs that run along a given curve of one parameter, at a size of each example's own."""

    def __init__(self, curve: Callable[[Tensor], list[Tensor]]) -> None:
        super().__init__()
        self.curve, self.at = curve, nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        along = torch.cat([*self.curve(self.at), 0 * self.at, 0 * self.at])  # [C]
        return (1 + x[:, :1].abs()) * along[None] + x[:, 1:2]


@pytest.mark.parametrize(
    ("curve", "ends", "angle", "close"),
    [
        (lambda at: [torch.cos(math.pi * at), torch.sin(math.pi * at), 0 * at], (0.0, 1.0), math.pi, 1e-4),
        (lambda at: [torch.cos(math.pi * at), torch.sin(math.pi * at), 0 * at], (-0.3, 0.45), 0.75 * math.pi, 1e-4),
        (lambda at: [at, 3 * torch.relu(at - 0.37), 1 + 0 * at], (0.0, 1.0), math.atan(3), 1e-6),
        (lambda at: [2 * at, 3 - at, 0 * at + 5], (0.0, 1.0), 0.0, 1e-6),
        (lambda at: [0 * at + 7, 0 * at, 0 * at], (0.0, 1.0), 0.0, 0.0),
    ],
    ids=["arc", "another arc", "corner", "affine", "still"],
)
def test_outputs_turn_by_the_angle_of_their_curve(curve: Any, ends: Any, angle: float, close: float) -> None:
    points = (torch.tensor([[value]], dtype=torch.float64) for value in ends)
    (found,) = GaussLength()(subject(Traced(curve), *points)).numbers["train/gauss_length"]
    assert found == pytest.approx(angle, rel=0, abs=close)


def test_outputs_that_are_affine_do_not_turn() -> None:
    module = nn.Linear(D, C)
    theta_0, theta_1 = (normal(2, D * C + C, seed=s) for s in (1, 2))
    assert max(GaussLength()(subject(module, theta_0, theta_1)).numbers["train/gauss_length"]) < 1e-6


def by_second_derivatives(module: nn.Module, theta_0: Tensor, theta_1: Tensor, x: Tensor, num: int) -> float:
    """The definition itself: the trapezoid of |dT/dalpha|, T the unit tangent, one example at a time."""
    layout, way = ParameterLayout.of(module), theta_1 - theta_0
    one = torch.ones((), dtype=torch.float64)
    lengths = []
    for row in x:

        def z(alpha: Tensor, row: Tensor = row) -> Tensor:
            return functional_call(module, layout.unflatten(theta_0 + alpha * way), (row[None],))[0]

        def unit(alpha: Tensor, z: Callable[[Tensor], Tensor] = z) -> Tensor:
            tangent = jvp(z, (alpha,), (one,))[1]
            return tangent / tangent.norm()

        def speed(alpha: Tensor, unit: Callable[[Tensor], Tensor] = unit) -> Tensor:
            return jvp(unit, (alpha,), (one,))[1].norm()

        speeds = vmap(speed)(torch.linspace(0, 1, num, dtype=torch.float64))
        lengths.append(np.trapezoid(speeds.numpy(), dx=1 / (num - 1)))
    return float(np.mean(lengths))


def test_a_smooth_net_has_the_integral_of_the_definition() -> None:
    module = MLP(D, C, [6, 4], nn.Tanh()).double().eval()
    num_parameters = ParameterLayout.of(module).num_parameters
    theta_0, theta_1 = (0.6 * normal(2, num_parameters, seed=s) + 0.1 for s in (5, 6))
    measure = GaussLength(num_examples=4)
    fine, coarse = (
        measure(subject(module, theta_0, theta_1, np.linspace(0, 1, n))).numbers["train/gauss_length"]
        for n in (101, 11)
    )
    for s in range(2):
        exact = by_second_derivatives(module, theta_0[s], theta_1[s], dataset().train.x[:4], 601)
        assert exact > 0.5
        assert fine[s] == pytest.approx(exact, rel=2e-3)
        assert coarse[s] < fine[s] and coarse[s] == pytest.approx(exact, rel=0.1)


def test_dicts_turn_as_pairs_do_and_outputs_of_tokens_or_none_are_refused_before() -> None:
    module = MLP(D, C, [6], nn.Tanh()).eval()
    theta_0, theta_1 = (normal(1, ParameterLayout.of(module).num_parameters, seed=s) for s in (5, 6))
    pairs = subject(module, theta_0, theta_1)
    data = {n: Split.of({"x": s.x, "labels": s.y}) for n in ("train", "valid", "test") if (s := getattr(dataset(), n))}
    dicts = replace(pairs, dataset=Dataset("dicts", **data, num_classes=C))
    assert GaussLength()(dicts).numbers == GaussLength()(pairs).numbers

    def values(net: nn.Module, batch: Any) -> Tensor:
        return nn.functional.cross_entropy(net(batch["x"]), batch["labels"], reduction="none")

    with pytest.raises(InputError, match="needs the outputs of the model"):
        GaussLength().check(replace(dicts, cost=from_torch(values)))
    text = Split(normal(8, 3, D), torch.zeros(8, 3, dtype=torch.int64))
    with pytest.raises(InputError, match=r"outputs are \[B, C\], and model=Linear gives \(2, 3, 5\)"):
        ends = (normal(1, D * C + C, seed=s) for s in (5, 6))
        made = subject(nn.Linear(D, C), *ends)
        GaussLength().check(replace(made, dataset=Dataset("text", text, text, text, C)))


@pytest.mark.parametrize("treatment", ["keep", "interpolate", "recalibrate"])
def test_running_statistics_move_with_the_line(treatment: str) -> None:
    module = MLP(D, C, [6], nn.Tanh(), batch_norm=True).double().eval()
    layout, data = ParameterLayout.of(module), dataset()
    theta_0, theta_1 = (0.6 * normal(1, layout.num_parameters, seed=s) + 0.1 for s in (5, 6))
    ends = [
        {"norms.0.running_mean": normal(6, seed=s), "norms.0.running_var": 1 + normal(6, seed=s + 1).abs()}
        for s in (7, 9)
    ]
    alphas = np.linspace(0, 1, 101)
    numbers = {"running_statistics": treatment, "calibration": data.train}
    made = subject(module, theta_0, theta_1, alphas, **numbers)
    made = replace(made, ends=replace(made.ends, buffers=[ends[1]], buffers_0=[ends[0]]))
    (found,) = GaussLength(num_examples=None)(made).numbers["train/gauss_length"]
    points = []
    for alpha in alphas:
        values: dict[str, Tensor] = layout.unflatten((1 - alpha) * theta_0[0] + alpha * theta_1[0])
        if treatment == "recalibrate":  # which is a full batch in training mode
            points.append(functional_call(module.train(), values, (data.train.x,)).detach().numpy())
            continue
        share = 1.0 if treatment == "keep" else alpha
        values |= {n: (1 - share) * ends[0][n] + share * ends[1][n] for n in ends[0]}
        points.append(functional_call(module.eval(), values, (data.train.x,)).detach().numpy())
    polylines = [gauss_length.turning(path) for path in np.stack(points, axis=1)]
    assert found == pytest.approx(float(np.mean(polylines)), rel=0.03)  # polylines end half a step early
    assert found > 0.5


def test_it_is_an_interpolation_too(subject: OnPath) -> None:
    made = replace(subject, alphas=ALPHAS)
    measured = GaussLength(["train", "valid"])(made)
    assert set(measured.curves) == {"train/deterministic", "valid/deterministic"}
    assert {"train/deterministic/largest_rise", "train/gauss_length", "valid/gauss_length"} <= set(measured.numbers)
    first = replace(subject.dataset, train=subject.dataset.train.first(5))
    few = GaussLength(num_examples=5)(made).numbers["train/gauss_length"]
    assert (
        few
        == GaussLength()(replace(made, dataset=first)).numbers["train/gauss_length"]
        != measured.numbers["train/gauss_length"]
    )


def test_what_has_no_gauss_length_is_refused(subject: OnPath) -> None:
    with pytest.raises(InputError, match=r"measurement\.num_examples=0"):
        GaussLength(num_examples=0)
    with pytest.raises(InputError, match="alphas lack 0 or 1"):
        GaussLength().check(replace(subject, alphas=GRID[1:]))
    data = dataset()
    sampled = Dataset("toy", replace(data.train, is_resampled=True), data.valid, data.test, C)
    with pytest.raises(InputError, match="sampled anew"):
        GaussLength().check(replace(subject, dataset=sampled))


def test_a_path_that_asks_for_the_layout_gets_it() -> None:
    module = MLP(D, C, [6], nn.ReLU(), zero_last=False)
    num = ParameterLayout.of(module).num_parameters
    lines = subject(module, 0.5 * normal(1, num, seed=1), 0.5 * normal(1, num, seed=2))
    straight = GaussLength()(lines).numbers["train/gauss_length"]
    asked = GaussLength()(replace(lines, path=partial(BiasSchedule, power=1))).numbers["train/gauss_length"]
    assert asked == pytest.approx(straight, rel=1e-9)
    bent = GaussLength()(replace(lines, path=partial(BiasSchedule, power=3))).numbers["train/gauss_length"]
    assert bent != pytest.approx(straight, rel=1e-3)
