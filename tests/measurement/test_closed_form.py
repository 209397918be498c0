"""Measured curves beside exact ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy, Output, SquaredError
from landscape.data import Dataset, Split
from landscape.data.digits import digits
from landscape.data.none import none
from landscape.data.teacher import teacher
from landscape.errors import InputError
from landscape.measurement import ClosedForm, OnPath
from landscape.measurement.family import family_of
from landscape.model import MLP, DeepLinear, Quadratic
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Geometric, Linear
from tests.measurement.conftest import ends_of, on_path
from tests.twin import dataset, normal

ALPHAS = np.array([-0.4, 0.0, 0.21, 0.5, 0.83, 1.0, 1.7])


def subject(
    module: nn.Module,
    cost: Any,
    data: Dataset,
    points: tuple[Tensor, Tensor] | None = None,
    dtype: str = "float64",
    **changes: Any,
) -> OnPath:
    """Two lines between random points unless others are given."""
    if points is None:
        num = ParameterLayout.of(module).num_parameters
        points = 0.5 * normal(2, num, seed=1) + 0.1, 0.6 * normal(2, num, seed=2) - 0.2
    objective: Any = partial(Objective, dtype=dtype, batch_size=9)
    parts = {"alphas": ALPHAS, "path": Linear, "ends": ends_of(*points), "objective": objective, **changes}
    return on_path(module, cost, data, **parts)


def scalar(start: Sequence[float], end: Sequence[float], alphas: np.ndarray = ALPHAS, **changes: Any) -> OnPath:
    """The paper's two weights."""
    points = torch.tensor([start], dtype=torch.float64), torch.tensor([end], dtype=torch.float64)
    module = DeepLinear(1, 1, depth=len(start))
    return subject(module, SquaredError(), teacher(), points, **{"alphas": alphas, **changes})


def off_origin(data: Dataset) -> Dataset:
    """The same data moved, so that first moments matter."""
    train, valid, test = (Split(s.x + 0.7, s.y - 0.4) for s in (data.train, data.valid, data.test))
    return Dataset(data.name, train, valid, test, data.num_classes)


MATRIX: dict[str, Any] = {
    "inputs": 6,
    "outputs": 4,
    "strengths": [3.0, 2.0, 0.5],
    "num_train": 25,
    "num_valid": 14,
    "noise": 0.3,
}


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_measured_equals_theory_for_random_deep_linear_nets(depth: int) -> None:
    data = off_origin(teacher(**MATRIX))
    net = DeepLinear(6, 4, depth=depth, width=5)
    measured = ClosedForm(["train", "valid"], certificate=depth <= 2)(subject(net, SquaredError(), data))
    for name, num in (("train", 25), ("valid", 14)):
        seen, theory = measured.curves[f"{name}/deterministic"], measured.curves[f"{name}/theory"]
        assert (theory.source, theory.dtype, theory.split, theory.num_examples) == ("theory", "float64", name, num)
        np.testing.assert_allclose(seen.objective, theory.objective, rtol=1e-11)
        assert len(measured.numbers[f"{name}/theory_deviation"]) == 2
        assert max(measured.numbers[f"{name}/theory_deviation"]) < 1e-12
    assert measured.labels == ["0", "1"]
    assert len(measured.statements) == (4 if depth <= 2 else 0)  # two lines on two splits


@pytest.mark.parametrize("depth", [1, 3])
def test_labels_are_unit_vectors_and_only_what_is_measured_counts(depth: int) -> None:
    net = DeepLinear(64, 10, depth=depth, width=7, init_std=None)
    seen = subject(net, SquaredError(), digits().limited(90), num_examples=37)
    measured = ClosedForm(certificate=False)(seen)
    assert measured.curves["train/theory"].num_examples == 37
    assert max(measured.numbers["train/theory_deviation"]) < 1e-12
    assert "error" in measured.curves["train/deterministic"].metrics
    whole = ClosedForm(certificate=False)(replace(seen, num_examples=None)).curves["train/theory"]
    assert np.abs(whole.objective / measured.curves["train/theory"].objective - 1).min() > 1e-6


def test_a_quadratic_is_a_parabola() -> None:
    net = Quadratic(50, 0.1, 2.0, seed=1)
    target = net.constants["solution"]
    points = torch.stack([torch.zeros(50).double(), target + 1]), torch.stack([target, target + 2])
    measured = ClosedForm()(subject(net, Output(), none(), points))
    assert max(measured.numbers["train/theory_deviation"]) < 1e-12
    # the first line ends at the solution; the second goes away from it, with its minimum at -1, outside
    assert measured.numbers["train/num_minima"] == [1.0, 0.0] and measured.numbers["train/num_maxima"] == [0.0, 0.0]
    places = measured.numbers["train/extremum_0_alpha"]
    assert places[0] == pytest.approx(1, abs=1e-12) and math.isnan(places[1])
    assert not measured.statements  # nothing to prove about a parabola


class Off(SquaredError):
    """A measurement that is wrong by a millionth."""

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """As they are, but for a millionth."""
        return {name: (1 + 1e-6) * value for name, value in super().channels(predict, x, y).items()}


def test_the_deviation_is_measured() -> None:
    net, data = DeepLinear(6, 4, depth=2, width=5), off_origin(teacher(**MATRIX))
    off = ClosedForm(certificate=False)(subject(net, Off(), data)).numbers["train/theory_deviation"]
    assert off == pytest.approx([1e-6] * 2, rel=1e-4)
    single = ClosedForm(certificate=False)(subject(net, SquaredError(), data, dtype="float32"))
    assert all(1e-9 < value < 1e-5 for value in single.numbers["train/theory_deviation"])


def test_the_paper_s_barrier_between_two_solutions() -> None:
    grid = np.linspace(-0.3, 1.3, 161)
    measured = ClosedForm()(scalar([2.0, 0.5], [0.5, 2.0], grid))
    numbers = measured.numbers
    kinds = [numbers[f"train/extremum_{k}_is_minimum"] for k in range(3)]
    assert numbers["train/num_minima"] == [2.0] and numbers["train/num_maxima"] == [1.0]
    assert kinds == [[1.0], [0.0], [1.0]]
    places = [numbers[f"train/extremum_{k}_alpha"][0] for k in range(3)]
    heights = [numbers[f"train/extremum_{k}_objective"][0] for k in range(3)]
    assert places == pytest.approx([0, 0.5, 1], abs=1e-9) and heights == pytest.approx([0, 81 / 256, 0], abs=1e-12)
    plain = (1 - (2 - 1.5 * grid) * (0.5 + 1.5 * grid)) ** 2
    np.testing.assert_allclose(measured.curves["train/theory"].objective[:, 0], plain, atol=1e-13)
    assert numbers["train/proven_num_maxima"] == [1.0] and numbers["train/proven_decreasing"] == [0.0]
    (statement,) = measured.statements
    assert statement.startswith("train, line 0: ")
    curve = measured.curves["train/geometric"]
    assert curve.alphas[0] >= 0 and curve.alphas[-1] <= 1 and len(curve.alphas) >= 99
    assert curve.objective.max() < 1e-29 and curve.source == "measured" and curve.dtype == "float64"


def test_from_a_small_start_it_is_proven_to_decrease() -> None:
    measured = ClosedForm()(scalar([0.01, 0.02], [1.0, 1.0], np.linspace(0, 1, 11)))
    assert measured.numbers["train/proven_decreasing"] == [1.0]
    assert measured.numbers["train/proven_num_maxima"] == [0.0]
    assert not {"train/proven_decreasing"} & set(ClosedForm(certificate=False)(scalar([0.01, 0.02], [1, 1])).numbers)


@pytest.mark.parametrize("start", [[-6.0, 0.5], [0.0, 0.5]])
def test_ends_of_two_orthants_are_not_joined_by_the_geometric_curve(start: list[float]) -> None:
    measured = ClosedForm(certificate=False)(scalar(start, [1.0, 1.0]))
    assert "train/geometric" not in measured.curves and "train/theory" in measured.curves


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: subject(MLP(7, 5, [6, 6], nn.ReLU()), CrossEntropy(), dataset()),
            "no closed form for model=MLP with cost CrossEntropy.*measurement=interpolation",
        ),
        (lambda: subject(DeepLinear(7, 5), CrossEntropy(), dataset()), "model=DeepLinear with cost CrossEntropy"),
        (lambda: subject(Quadratic(5), SquaredError(), none()), "model=Quadratic with cost SquaredError"),
        (lambda: scalar([2.0, 0.5], [0.5, 2.0], path=Geometric), "closed_form knows J along straight lines"),
        (lambda: scalar([2.0, 0.5], [0.5, 2.0], path=partial(Geometric)), "path=linear"),
    ],
    ids=["relu", "cross-entropy", "quadratic", "geometric", "partial"],
)
def test_lines_without_a_closed_form_are_refused(make: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        ClosedForm()(make())


def three_lines(bad: float | None) -> OnPath:
    """Three lines of one net; the second ends where it starts, or (a number) at a point that holds it."""
    net = DeepLinear(6, 4, depth=2, width=5)
    num = ParameterLayout.of(net).num_parameters
    start, end = 0.5 * normal(3, num, seed=1) + 0.1, 0.6 * normal(3, num, seed=2) - 0.2
    if bad is None:
        end[1] = start[1]
    else:
        end[1, 3] = bad
    changes: dict[str, Any] = {"ends": ends_of(start, end)}
    return subject(net, SquaredError(), off_origin(teacher(**MATRIX)), **changes)


@pytest.mark.parametrize("bad", [None, math.nan, math.inf], ids=["one point", "nan", "infinite"])
def test_a_seed_without_a_line_leaves_its_column_empty_and_the_others_alone(
    bad: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    whole = three_lines(bad)
    measured = ClosedForm()(whole)
    warned = [r.levelname for r in caplog.records if "line 1" in r.message]
    kept = ends_of(whole.ends.theta_0[[0, 2]], whole.ends.theta_1[[0, 2]])
    alone = ClosedForm()(replace(whole, ends=kept))
    theory = measured.curves["train/theory"].objective
    assert np.isnan(theory[:, 1]).all() and np.isfinite(theory[:, [0, 2]]).all()
    np.testing.assert_array_equal(theory[:, [0, 2]], alone.curves["train/theory"].objective)
    for key in ("theory_deviation", "num_minima", "num_maxima", "proven_num_maxima", "proven_decreasing"):
        found = measured.numbers[f"train/{key}"]
        assert math.isnan(found[1]), key
        np.testing.assert_allclose(np.array(found)[[0, 2]], alone.numbers[f"train/{key}"], rtol=1e-9, atol=1e-14)
    assert len(measured.statements) == 2 and warned == ["WARNING"] * 2


def test_no_seed_with_a_line_leaves_a_measured_curve() -> None:
    measured = ClosedForm()(scalar([2.0, 0.5], [2.0, 0.5]))
    assert np.isnan(measured.curves["train/theory"].objective).all()
    assert np.ptp(measured.curves["train/deterministic"].objective) < 1e-29 and not measured.statements


def test_batch_norm_has_no_closed_form_here() -> None:
    """Its statistics bend the line's pieces: what is known of one hidden layer of ReLU does not hold."""
    data, relu = dataset(), partial(MLP, 7, 5, [6], nn.ReLU())
    assert family_of(relu(), CrossEntropy(), data.train) is not None
    with pytest.raises(InputError, match="no batch norm"):
        family_of(relu(batch_norm=True), CrossEntropy(), data.train)
