"""The objective along a line against the twin at every point of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.cost import Adversarial
from landscape.errors import InputError
from landscape.measurement import Interpolation, OnPath
from landscape.measurement.interpolation import numbers_of
from tests import twin
from tests.measurement.conftest import ALPHAS, SEEDS
from tests.twin import maxout, measured_masks


@pytest.mark.parametrize("split", ["train", "valid"])
def test_curves_equal_the_twin(subject: OnPath, split: str) -> None:
    measured = Interpolation(splits=[split])(subject)
    assert set(measured.curves) == {f"{split}/stochastic", f"{split}/deterministic"} and measured.labels == ["4", "7"]
    noisy, plain = measured.curves[f"{split}/stochastic"], measured.curves[f"{split}/deterministic"]
    data, ends = getattr(subject.dataset, split), subject.ends
    assert ends is not None and noisy.replicates is not None and noisy.replicates.shape == (2, 6, 2)
    for s, seed in enumerate(SEEDS):
        masks = [measured_masks(seed, len(data), replicate=k) for k in range(2)]
        for a, alpha in enumerate(ALPHAS.tolist()):
            theta = (1 - alpha) * ends.theta_0[s] + alpha * ends.theta_1[s]
            assert plain.objective[a, s] == pytest.approx(twin.objective(theta, data), rel=1e-12)
            assert plain.metrics["error"][a, s] == pytest.approx(twin.error(theta, data), abs=1e-15)
            values = [twin.objective(theta, data, m) for m in masks]
            assert noisy.replicates[:, a, s].tolist() == pytest.approx(values, rel=1e-12)
            assert noisy.objective[a, s] == pytest.approx(sum(values) / 2, rel=1e-12)


def test_curves_say_what_they_are(subject: OnPath) -> None:
    measured = Interpolation(splits=["test", "train"])(replace(subject, num_examples=11))
    assert list(measured.curves) == ["test/stochastic", "test/deterministic", "train/stochastic", "train/deterministic"]
    for name, curve in measured.curves.items():
        assert f"{curve.split}/{curve.mode}" == name
        assert (curve.dtype, curve.source, curve.num_examples) == ("float64", "measured", 11)
        assert np.array_equal(curve.alphas, ALPHAS)
        assert (curve.replicates is not None) == (curve.mode == "stochastic")
    first = replace(subject.dataset, train=subject.dataset.train.first(11))
    same = Interpolation(splits=["train"])(replace(subject, dataset=first))
    assert np.array_equal(measured.curves["train/stochastic"].objective, same.curves["train/stochastic"].objective)


def test_headline_numbers_are_those_of_each_line(subject: OnPath) -> None:
    measured = Interpolation(splits=["train"])(subject)
    for name, curve in measured.curves.items():
        for s in range(2):
            values = curve.objective[:, s].tolist()
            assert measured.numbers[f"{name}/argmin_alpha"][s] == ALPHAS[values.index(min(values))]
            assert measured.numbers[f"{name}/drop"][s] == values[1] - values[4]
            rise = max(values[b] - values[a] for a in range(1, 5) for b in range(a, 5))
            assert measured.numbers[f"{name}/largest_rise"][s] == rise
    curve = replace(curve, alphas=ALPHAS[2:], objective=curve.objective[2:])  # no alpha = 0: no drop to state
    assert set(numbers_of("x", curve)) == {"x/argmin_alpha", "x/rounding_floor"}


def test_a_net_without_randomness_is_measured_once(subject: OnPath) -> None:
    plain = replace(subject, module=maxout(dropout=False))
    assert list(Interpolation(splits=["train"])(plain).curves) == ["train/deterministic"]
    only = Interpolation(splits=["train"], modes=["stochastic"])(plain).curves  # asked for alone: given
    assert list(only) == ["train/stochastic"] and only["train/stochastic"].replicates is None
    both = Interpolation(splits=["train"])(subject).curves
    assert np.array_equal(only["train/stochastic"].objective, both["train/deterministic"].objective)


def test_further_channels_become_metrics(subject: OnPath) -> None:
    curve = Interpolation(["valid"], ["deterministic"])(replace(subject, cost=Adversarial(0.3, 0.35))).curves
    metrics = curve["valid/deterministic"].metrics
    assert set(metrics) == {"clean_objective", "error", "adversarial_error"}
    plain = Interpolation(["valid"], ["deterministic"])(subject).curves["valid/deterministic"]
    np.testing.assert_allclose(metrics["clean_objective"], plain.objective, rtol=1e-13)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"splits": ["train", "holdout"]}, r"measurement\.splits=\['train', 'holdout'\] .* train, valid, test"),
        ({"splits": []}, r"measurement\.splits=\[\]"),
        ({"modes": ["noisy"]}, r"measurement\.modes=\['noisy'\] .* stochastic, deterministic"),
    ],
)
def test_unknown_names_are_refused(numbers: dict[str, list[str]], text: str) -> None:
    with pytest.raises(InputError, match=text):
        Interpolation(**numbers)
