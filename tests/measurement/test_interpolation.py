"""The objective along a path against the twin at every point of it, and what it owes to its examples."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from landscape.cost import Adversarial, SquaredError
from landscape.data.teacher import teacher
from landscape.errors import InputError
from landscape.ground.provenance import conf_dir
from landscape.measurement import Interpolation, OnPath
from landscape.measurement.interpolation import numbers_of
from landscape.model import DeepLinear
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Linear
from tests import twin
from tests.measurement.conftest import ALPHAS, SEEDS, ends_of, on_path, second_of
from tests.twin import maxout, measured_masks


@pytest.mark.parametrize("split", ["train", "valid"])
def test_curves_equal_the_twin(subject: OnPath, split: str) -> None:
    measured = Interpolation(splits=[split])(subject)
    assert set(measured.curves) == {f"{split}/stochastic", f"{split}/deterministic"} and measured.labels == ["4", "7"]
    noisy, plain = measured.curves[f"{split}/stochastic"], measured.curves[f"{split}/deterministic"]
    data, ends = getattr(subject.dataset, split), subject.ends
    assert noisy.replicates.shape == (2, 6, 2)
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


class Mine:
    """A user's own path: two ends, nothing more."""

    def __init__(self, theta_0: Tensor, theta_1: Tensor, bend: float = 0.0, **rest: Any) -> None:
        assert not rest
        self.theta_0, self.theta_1, self.bend = theta_0, theta_1, bend

    def __call__(self, alpha: float) -> Tensor:
        """alpha -> theta [S, P]."""
        return self.theta_0 + (alpha + self.bend * alpha * (1 - alpha)) * (self.theta_1 - self.theta_0)


def test_only_a_path_that_names_layout_gets_it(subject: OnPath) -> None:
    ends = subject.ends
    assert isinstance(subject.lay(ends.theta_0, ends.theta_1), Linear)
    bent = replace(subject, path=partial(Mine, bend=0.5)).lay(ends.theta_0, ends.theta_1)
    assert isinstance(bent, Mine) and bent.bend == 0.5
    laid = replace(subject, path=partial(BiasSchedule, power=2)).lay(ends.theta_0, ends.theta_1)
    assert isinstance(laid, BiasSchedule) and laid.power == 2
    assert laid.layout == ParameterLayout.of(subject.module)


def test_interpolation_follows_the_path(subject: OnPath) -> None:
    straight = Interpolation(["train"], ["deterministic"])(subject).curves["train/deterministic"]
    one = replace(subject, path=partial(BiasSchedule, power=1))
    same = Interpolation(["train"], ["deterministic"])(one).curves["train/deterministic"]
    assert np.array_equal(same.objective, straight.objective)
    bent = Interpolation(["train"], ["deterministic"])(replace(subject, path=partial(BiasSchedule, power=None)))
    other = bent.curves["train/deterministic"].objective
    ends = np.isin(straight.alphas, (0.0, 1.0))
    assert np.array_equal(other[ends], straight.objective[ends])
    assert np.abs(other - straight.objective)[~ends].min() > 1e-6


def test_the_errors_are_those_of_the_examples(subject: OnPath) -> None:
    """A split of one example at a time is the slow twin."""
    measured = Interpolation(["valid"], ["deterministic"])(subject)
    curve, split = measured.curves["valid/deterministic"], subject.split("valid")
    each = []
    for n in range(len(split)):
        one = replace(split, x=split.x[n : n + 1], y=split.y[n : n + 1])
        alone = replace(subject, dataset=replace(subject.dataset, valid=one))
        plain = Interpolation(["valid"], ["deterministic"], noise=False)(alone)
        each.append(plain.curves["valid/deterministic"].objective)
    costs = np.stack(each, axis=2)  # [A, S, N]
    for s in range(2):
        for a, b in ((1, 4), (2, 3), (5, 0)):
            error = (costs[b, s] - costs[a, s]).std(ddof=1) / math.sqrt(len(split))
            assert curve.noise["errors"][a, b, s] == pytest.approx(error, rel=1e-5)
    assert (curve.noise["low"] <= curve.noise["high"]).all() and (curve.noise["low"][1] == 0).all()  # alpha = 0
    rises, errors = (measured.numbers[f"valid/deterministic/{name}"] for name in ("largest_rise", "rise_error"))
    assert all((rise > 0) == (error > 0) for rise, error in zip(rises, errors, strict=True)) and max(rises) > 0


def test_a_seed_alone_has_the_noise_it_has_among_others(subject: OnPath) -> None:
    together = Interpolation(["train"])(subject).curves
    alone = Interpolation(["train"])(replace(subject, ends=second_of(subject.ends))).curves
    for name, curve in alone.items():
        assert curve.noise.keys() == {"floor", "errors", "low", "high"}
        for key, values in curve.noise.items():
            assert np.array_equal(values, together[name].noise[key][..., 1:])


def test_without_noise_nothing_is_kept(subject: OnPath) -> None:
    plain, noisy = (Interpolation(["train"], noise=noise)(subject) for noise in (False, True))
    assert not any(curve.noise for curve in plain.curves.values())
    assert set(noisy.numbers) - set(plain.numbers) == {
        f"train/{mode}/{name}" for mode in ("stochastic", "deterministic") for name in ("rise_error", "rounding_floor")
    }
    for name, curve in plain.curves.items():
        assert np.array_equal(curve.objective, noisy.curves[name].objective)
    still = replace(subject, module=maxout(dropout=False))
    num = len(Interpolation(["train"], noise=False).work(still).passes)
    assert len(Interpolation(["train"]).work(still).passes) == num + 1
    with pytest.raises(InputError, match=r"measurement\.noise=3 must be true or false"):
        Interpolation(noise=3)  # type: ignore[arg-type]


FOLDER = Path(conf_dir()) / "measurement"
ALONG = [file.stem for file in sorted(FOLDER.glob("*.yaml")) if "slopes" in OmegaConf.load(file)]


@pytest.mark.parametrize("name", ALONG)
def test_slopes_and_noise_are_keys_of_each_and_its_curves_those_of_interpolation(name: str) -> None:
    assert {"interpolation", "closed_form", "gauss_length", "plane"} == set(ALONG)
    third = torch.tensor([[0.3, 1.6]], dtype=torch.float64)
    points = (torch.tensor([point], dtype=torch.float64) for point in ([0.2, -0.4], [1.3, 0.9]))
    ends = ends_of(*points, theta_2=third if name == "plane" else None)
    subject = on_path(
        DeepLinear(1, 1, depth=2),
        SquaredError(),
        teacher(),
        ends=ends,
        alphas=np.linspace(0, 1, 7),
        objective=lambda *given, **more: Objective(*given, dtype="float64", **more),
    )
    config: Any = OmegaConf.load(FOLDER / f"{name}.yaml")
    OmegaConf.set_struct(config, True)  # as Hydra does: a key that the file lacks is refused
    config.splits, config.slopes, config.noise = ["train"], 2, False
    if "modes" in config:
        config.modes = ["deterministic"]
    if name == "gauss_length":  # needs one row of several outputs: its curve alone is looked at
        config.num_examples = 5
    measurement = instantiate(config)
    measurement.check(subject)
    seen = measurement(subject).curves["train/deterministic"]
    plain = Interpolation(["train"], ["deterministic"], slopes=2, noise=False)(subject).curves["train/deterministic"]
    assert seen.metrics.keys() == plain.metrics.keys() == {"slope", "curvature"} and not seen.noise
    for key, values in plain.metrics.items():
        np.testing.assert_array_equal(seen.metrics[key], values)
    config.slopes, config.noise = 0, True
    loud = instantiate(config)(replace(subject, alphas=subject.alphas[::2])).curves["train/deterministic"]
    assert "slope" not in loud.metrics and {"floor", "errors"} <= loud.noise.keys()
