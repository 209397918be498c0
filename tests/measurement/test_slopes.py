"""Slopes as channels of a curve, and grids that the curve itself asks for."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.alphas import Adaptive, fractions
from landscape.cost import Adversarial
from landscape.errors import InputError
from landscape.measurement import GaussLength, Interpolation, OnPath
from landscape.model import MLP
from landscape.path import BiasSchedule
from landscape.result.curve import hidden_rise, largest_rise
from tests.measurement.conftest import ALPHAS, SEEDS, ends_of, second_of
from tests.twin import C, D, maxout, normal


def test_slopes_are_channels_beside_an_unchanged_curve(subject: OnPath) -> None:
    plain = Interpolation(["train"])(subject)
    measured = Interpolation(["train"], slopes=2)(subject)
    for name, curve in measured.curves.items():
        assert np.array_equal(curve.objective, plain.curves[name].objective)
        assert set(curve.metrics) - set(plain.curves[name].metrics) == {"slope", "curvature"}
        near = np.sort(np.concatenate([ALPHAS - 1e-5, ALPHAS + 1e-5]))
        moved = Interpolation(["train"])(replace(subject, alphas=near)).curves[name].objective
        told = (moved[1::2] - moved[::2]) / 2e-5
        np.testing.assert_allclose(curve.metrics["slope"], told, rtol=1e-5, atol=1e-6)
        added = {f"{name}/hidden_rise", f"{name}/turning_points"}
        assert {key for key in measured.numbers if key.startswith(name)} == {
            *added,
            *(key for key in plain.numbers if key.startswith(name)),
        }
        for s in range(2):
            line = ALPHAS, curve.objective[:, s], curve.metrics["slope"][:, s]
            assert measured.numbers[f"{name}/hidden_rise"][s] == hidden_rise(*line) > 0


@pytest.mark.slow
def test_an_adaptive_grid_is_as_good_as_a_fine_one(subject: OnPath, caplog: pytest.LogCaptureFixture) -> None:
    """Every extremum of 400 points is among the turning points of the placed ones; all channels are measured there."""
    smooth = replace(subject, module=MLP(D, C, [12], nn.Tanh()), adaptive=Adaptive(fractions(8, 4), 1e-4))
    num = sum(p.numel() for p in smooth.module.parameters())
    points = 3.0 * normal(2, num, seed=1), 3.0 * normal(2, num, seed=2) + 0.3
    smooth = replace(smooth, alphas=fractions(8, 4), ends=ends_of(*points, SEEDS))
    with caplog.at_level(logging.INFO):
        measured = Interpolation(["train"])(smooth)
    curve = measured.curves["train/deterministic"]
    num = len(curve.alphas)
    assert 15 <= num < 200 and np.isin(fractions(8, 4), curve.alphas).all() and set(curve.metrics) == {"error", "slope"}
    assert f"train deterministic: {num} points placed, 8 to start with" in caplog.text
    assert measured.numbers["train/deterministic/num_points"] == [num, num]
    assert measured.numbers["train/deterministic/widest_gap"] == [pytest.approx(np.diff(curve.alphas).max())] * 2
    fine = np.linspace(0, 1.75, 400)
    truth = Interpolation(["train"])(replace(smooth, adaptive=None, alphas=fine)).curves["train/deterministic"]
    for s in range(2):
        values = truth.objective[:, s]
        inside = (fine >= 0) & (fine <= 1)
        extrema = int((np.diff(np.sign(np.diff(values[inside]))) != 0).sum())
        assert measured.numbers["train/deterministic/turning_points"][s] == extrema
        assert measured.numbers["train/deterministic/local_error"][s] <= 1e-4 * np.ptp(values)
        rise = largest_rise(curve.alphas, curve.objective[:, s])
        rise += measured.numbers["train/deterministic/hidden_rise"][s]
        assert rise == pytest.approx(largest_rise(fine, values), abs=2e-4 * np.ptp(values))
    assert extrema > 0  # seed 7's line has some


def test_a_line_that_is_not_finite_has_no_say(subject: OnPath, caplog: pytest.LogCaptureFixture) -> None:
    theta_1 = subject.ends.theta_1.clone()
    theta_1[0] = math.inf
    adaptive = Adaptive(ALPHAS, 1e-2)
    broken = replace(subject, adaptive=adaptive, ends=replace(subject.ends, theta_1=theta_1))
    with caplog.at_level(logging.INFO):
        measured = Interpolation(["train"], ["deterministic"])(broken)
    alone = replace(subject, adaptive=adaptive, ends=second_of(subject.ends))
    other = Interpolation(["train"], ["deterministic"])(alone)
    assert "1 lines that are not finite have no say" in caplog.text
    curve, expected = (m.curves["train/deterministic"] for m in (measured, other))
    assert np.array_equal(curve.alphas, expected.alphas)
    np.testing.assert_allclose(curve.metrics["slope"][:, 1], expected.metrics["slope"][:, 0], rtol=1e-12)
    assert math.isnan(measured.numbers["train/deterministic/local_error"][0])
    assert math.isnan(measured.numbers["train/deterministic/turning_points"][0])


def test_a_tolerance_that_does_not_hold_is_said(subject: OnPath, caplog: pytest.LogCaptureFixture) -> None:
    tight = replace(subject, adaptive=Adaptive(ALPHAS, 1e-9, max_points=20))
    curve = Interpolation(["valid"], ["stochastic"])(tight).curves["valid/stochastic"]
    assert (
        len(curve.alphas) == 20 and "alphas.tolerance=1e-09 does not hold everywhere; raise alphas.max" in caplog.text
    )


class Hidden(nn.Module):
    """Half of what J depends on is kept from differentiation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(D, 6), nn.Linear(6, C)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        h = torch.tanh(self.first(x))
        return self.last(h) + Zero.apply(self.last(h))


class Zero(torch.autograd.Function):
    """The identity, with derivative zero."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.shape = inputs[0].shape

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return torch.zeros_like(tangent)


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
@pytest.mark.parametrize("module", [maxout(), MLP(D, C, [5, 4], nn.ReLU()), MLP(D, C, [6], nn.Tanh())])
def test_slopes_that_hold_pass_the_comparison(subject: OnPath, module: nn.Module, mode: str) -> None:
    for order in (1, 2):
        Interpolation(modes=[mode], slopes=order).check(replace(subject, module=module))


def test_a_derivative_that_misses_a_part_is_refused_before_training(subject: OnPath) -> None:
    with pytest.raises(InputError, match=r"measurement\.slopes=1: along the path the slope .* misses .*model=Hidden"):
        Interpolation(slopes=1).check(replace(subject, module=Hidden()))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cost": Adversarial(), "adaptive": Adaptive(ALPHAS)}, "Adversarial has no slope along a path"),
        ({"path": lambda a, b: lambda alpha: a}, r"path=function has no velocity\(alpha\)"),
        ({"path": lambda a, b, layout: BiasSchedule(a, b, layout, 0.5)}, r"path\.power=0\.5 gives .* at alpha=0"),
    ],
    ids=["jumps", "no velocity", "corner"],
)
def test_what_has_no_slope_is_refused_before_training(subject: OnPath, change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        Interpolation(modes=["deterministic"], slopes=1).check(replace(subject, **change))


def test_numbers_out_of_range_are_refused(subject: OnPath) -> None:
    with pytest.raises(InputError, match=r"measurement\.slopes=3 must be 0 \(none\), 1"):
        Interpolation(slopes=3)
    for numbers, text in (
        ({"tolerance": 0.0}, r"alphas\.tolerance=0\.0 must be positive and finite; 0\.001 is usual"),
        ({"max_points": 5}, r"alphas\.max_points=5 must be at least the 6 points of alphas\.start"),
        ({"start": np.array([0.5])}, "and those two or more"),
        ({"start": np.array([0.5, 0.5])}, "alphas must increase strictly"),
    ):
        with pytest.raises(InputError, match=text):
            Adaptive(**{"start": ALPHAS, **numbers})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"measurement=gauss_length .* use alphas=unit_200"):
        GaussLength().check(replace(subject, adaptive=Adaptive(ALPHAS)))


def test_a_cap_leaves_points_to_place() -> None:
    capped = Adaptive(fractions(20, 9), max_points=400).capped(12)
    assert capped.max_points == 12 and len(capped.start) <= 8 and {0.0, 1.0} <= set(capped.start.tolist())
    assert Adaptive(fractions(20, 9)).capped(None).max_points == 400


def test_work_counts_slopes(subject: OnPath) -> None:
    passes = Interpolation(["train"], ["deterministic"], slopes=2, noise=False).work(subject).passes
    assert [(part.order, part.num_points) for part in passes] == [(0, 6), (2, 6)]
    adaptive = Interpolation(["train"], ["deterministic"], noise=False).work(
        replace(subject, adaptive=Adaptive(ALPHAS))
    )
    assert [(part.order, part.num_points) for part in adaptive.passes] == [(0, 11), (1, 11)]
    assert "alphas=adaptive" in adaptive.unknown
