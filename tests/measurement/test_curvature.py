"""Curvature along paths and at points of training: what the operator says there, J of the house, and the labels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape.alphas import Adaptive
from landscape.cost import CrossEntropy
from landscape.data.stream import Stream
from landscape.errors import InputError
from landscape.measurement import Curvature, CurvatureOfTraining, Interpolation, OnPath, Trained
from landscape.objective import Objective
from landscape.objective.curvature import extremes, scatter_of
from landscape.objective.curvature.operator import Hessian
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.result.curve import Curve, Projection
from tests.measurement.conftest import ends_of, on_path, runs
from tests.twin import dataset, maxout, normal

FEW = np.array([0.0, 0.4, 1.0])


@pytest.fixture
def small() -> OnPath:
    """Two lines of a small maxout net."""
    net = partial(maxout, widths=[3])
    num = ParameterLayout.of(net()).num_parameters
    ends = ends_of(0.8 * normal(2, num, seed=1) + 0.2, 0.7 * normal(2, num, seed=2), [4, 7])
    objective: Any = partial(Objective, dtype="float32")
    return on_path(net(), CrossEntropy(), dataset(), ends=ends, alphas=FEW, objective=objective)


@pytest.mark.parametrize("mode", ["deterministic", pytest.param("stochastic", marks=pytest.mark.slow)])
def test_each_point_has_what_its_operator_says(small: OnPath, mode: str, tmp_path: Path) -> None:
    measurement = Curvature(modes=[mode], num=2, num_examples=17, density=mode == "stochastic")
    measurement.check(small)
    measured = measurement(small)
    curve = measured.curves[f"train/{mode}"]
    assert (curve.mode, curve.dtype, curve.num_examples) == (mode, "float64", 17)
    objective = small.objective_along(small.split("train").first(17), mode, dtype="float64")
    path = small.laid(objective.device, torch.float64)
    np.testing.assert_array_equal(curve.objective, objective.along(path, FEW).channels["objective"])
    told = slopes(objective, path, FEW, 2)
    length = (path.theta_1 - path.theta_0).norm(dim=1).numpy()
    metrics = curve.metrics
    np.testing.assert_allclose(metrics["line_curvature"], told["curvature"] / length**2, rtol=1e-9)
    np.testing.assert_allclose(-metrics["cosine"] * metrics["gradient_norm"], told["slope"] / length, rtol=1e-9)
    for a, s in ((0, 0), (1, 1)):
        hessian = Hessian(objective, path(float(FEW[a]))[s], s)
        high, low = extremes(hessian, 2, 1)
        named = [metrics[name][a, s] for name in ("lambda_max", "lambda_2", "lambda_min")]
        np.testing.assert_allclose(named, [*high.values, *low.values], rtol=1e-12)
        assert metrics["noise_scale"][a, s] == pytest.approx(scatter_of(hessian).noise_scale, rel=1e-12)
        assert metrics["trace"][a, s] == pytest.approx(np.trace(hessian.dense), rel=1e-12)
        assert metrics["lambda_max_error"][a, s] < 1e-12
    assert measured.numbers[f"train/{mode}/lambda_max"] == metrics["lambda_max"].max(axis=0).tolist()
    assert measured.numbers[f"train/{mode}/noise_scale_end"] == metrics["noise_scale"][-1].tolist()
    assert curve.spectrum.keys() == ({"eigenvalue", "density"} if mode == "stochastic" else set())
    curve.save(tmp_path / "curve.npz")
    assert Curve.load(tmp_path / "curve.npz") == curve
    one = curve.columns([1])
    assert one.metrics["trace"].shape == (3, 1) and "largest λ_max" in str(one) and "±" in str(one)


def test_points_of_training_are_those_of_a_line_through_them(small: OnPath, tmp_path: Path) -> None:
    """Of runs of different length, the last one's own; theta_f is among the points."""
    solutions = runs(tmp_path, ParameterLayout.of(small.module))
    fields = {name: getattr(small, name) for name in ("seeds", "device", "module", "cost", "dataset", "objective")}
    trained = Trained(**fields, optimizer=small.optimizer, solutions=solutions)
    measured = CurvatureOfTraining(num_points=2, trace=0, num=1)(trained)
    track = measured.projections["curvature"]
    assert track.epochs.tolist() == [0, 2, 3, 4] and measured.labels == ["3", "5"]
    assert np.isnan(track.metrics["lambda_max"]).tolist() == [[False, False]] * 3 + [[False, True]]
    objective = trained.objective_of(trained.split("train"), "deterministic", seeds=[5], dtype="float64")
    hessian = Hessian(objective, solutions.theta_f[1])
    assert track.objective is not None and track.objective[1, 1] == pytest.approx(hessian.value, rel=1e-13)
    assert track.metrics["lambda_max"][1, 1] == pytest.approx(extremes(hessian, 1, 0)[0].values[0], rel=1e-12)
    line = (solutions.theta_f.double() - solutions.theta_i.double())[1]
    cosine = float(-hessian.gradient @ line / hessian.gradient.norm() / line.norm())
    assert track.metrics["cosine"][1, 1] == pytest.approx(cosine, rel=1e-12)
    assert measured.numbers["train/deterministic/lambda_max_end"][1] == track.metrics["lambda_max"][2, 1]
    track.save(tmp_path / "track.npz")
    assert Projection.load(tmp_path / "track.npz") == track
    assert "lambda_max" in str(track.columns([0])) and "trace" not in track.metrics


@pytest.mark.slow
def test_what_comes_in_batches_is_held(small: OnPath) -> None:
    train = small.dataset.train
    batches = [(train.x[k : k + 5], train.y[k : k + 5]) for k in range(0, 23, 5)]
    streamed = replace(small, dataset=replace(small.dataset, train=Stream(lambda: iter(batches))))
    measurement = Curvature(num=1, trace=0)
    with pytest.raises(InputError, match=r"set measurement\.num_examples"):
        measurement.check(streamed)  # nobody knows how many there are
    some = Curvature(num=1, trace=0, num_examples=23)
    some.check(streamed)
    one, other = (found.curves["train/deterministic"] for found in (some(streamed), measurement(small)))
    np.testing.assert_allclose(one.metrics["lambda_max"], other.metrics["lambda_max"], rtol=1e-12)


def test_a_point_that_is_lost_is_nan_and_the_others_are_not(small: OnPath) -> None:
    lost = replace(small.ends, theta_1=small.ends.theta_1 * torch.tensor([[1.0], [np.inf]]))
    curve = Curvature(num=1, trace=0)(replace(small, ends=lost)).curves["train/deterministic"]
    assert np.isfinite(curve.metrics["lambda_max"]).tolist() == [[True, True], [True, False], [True, False]]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"num": 0}, "measurement.num=0"),
        ({"num_lowest": -1}, "measurement.num_lowest=-1"),
        ({"num_lowest": 0, "density": True}, "measurement.num_lowest=1"),
        ({"trace": 5}, "measurement.trace=5 .* 12 or more"),
        ({"tolerance": 0}, "measurement.tolerance=0"),
        ({"dtype": "float16"}, "measurement.dtype=float16"),
        ({"num_examples": 0}, "measurement.num_examples=0"),
        ({"noise": 1}, "measurement.noise=1"),
        ({"splits": "train"}, "measurement.splits=train"),
    ],
)
def test_wrong_numbers_are_told_by_their_key(numbers: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Curvature(**numbers)


def test_an_adaptive_grid_is_refused(small: OnPath) -> None:
    with pytest.raises(InputError, match="alphas=standard"):
        Curvature().check(replace(small, adaptive=Adaptive(FEW)))


def test_labels_that_begin_late_are_no_hindrance(small: OnPath) -> None:
    train = small.dataset.train
    assert isinstance(train.y, torch.Tensor)
    late = replace(train, y=torch.where(torch.arange(23) < 9, -100, train.y))
    measurement = Curvature(num=1, num_lowest=0, trace=0)
    unlabelled = replace(small, dataset=replace(small.dataset, train=late), alphas=FEW[:1])
    measurement.check(unlabelled)
    rest = replace(train, x=train.x[9:], y=train.y[9:])
    labelled = replace(small, dataset=replace(small.dataset, train=rest), alphas=FEW[:1])
    one, other = (measurement(subject).curves["train/deterministic"].metrics for subject in (unlabelled, labelled))
    for name in ("lambda_max", "gradient_norm", "gradient_variance"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-10)
    along = Interpolation(["train"], slopes=2, noise=False)
    along.check(unlabelled)
    one, other = (along(subject).curves["train/deterministic"].metrics for subject in (unlabelled, labelled))
    for name in ("slope", "curvature"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5)


def test_a_forecast_multiplies_a_few_times(small: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as it says; the numbers of steps go by points, lines and what is asked for."""
    times: list[int] = []
    monkeypatch.setattr(Hessian, "times", lambda self, vector: times.append(len(vector)))
    steps = Curvature(trace=12, noise=False, num_examples=5).work(small).steps
    assert steps is not None and (steps.num_steps, steps.num_examples, steps.may_stop) == (6 * 312, 5, True)
    steps.shorter(3)(small)
    assert times == [ParameterLayout.of(small.module).num_parameters] * 3
