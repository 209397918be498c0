"""An exact identity of cross-entropy along any path: an evaluator that departs from it is wrong.

With logits z(alpha), the chord c(alpha) = (1 - alpha) z(0) + alpha z(1) and LSE = log sum exp, every example has
J(alpha) - (1 - alpha) J(0) - alpha J(1) = D - Q - E_y, where E = z - c is how far the logits leave their chord,
D = LSE(z) - LSE(c), and Q = (1 - alpha) LSE(z(0)) + alpha LSE(z(1)) - LSE(c), which is not negative on [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from landscape.data import Split
from landscape.measurement import Interpolation, OnPath
from landscape.model import MLP
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Linear
from landscape.result.curve import chord_barrier
from tests.measurement.conftest import ALPHAS
from tests.twin import C, D, logits, measured_masks, normal, unpacked


def lse(z: list[float]) -> float:
    """log sum exp by the largest, one number after the other."""
    top = max(z)
    return top + math.log(math.fsum(math.exp(v - top) for v in z))


def attributed(start: list[float], here: list[float], end: list[float], y: int, alpha: float) -> tuple[float, float]:
    """D - Q - E_y and Q of one example."""
    chord = [(1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True)]
    gap = (1 - alpha) * lse(start) + alpha * lse(end) - lse(chord)
    return lse(here) - lse(chord) - gap - (here[y] - chord[y]), gap


def above_chord(values: np.ndarray, a: int) -> float:
    """J(alpha) - (1 - alpha) J(0) - alpha J(1) of one measured column."""
    alpha, (zero, one) = ALPHAS[a], np.flatnonzero(np.isin(ALPHAS, (0.0, 1.0)))
    return float(values[a] - (1 - alpha) * values[zero] - alpha * values[one])


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_the_measured_curve_obeys_it_with_the_twins_logits(subject: OnPath, mode: str) -> None:
    """Masks are common to all alphas, so it holds under dropout too, replicate by replicate."""
    found = Interpolation(["valid"], [mode])(subject).curves[f"valid/{mode}"]
    data, ends = subject.dataset.valid, subject.ends
    for s, seed in enumerate(ends.seeds):
        masks = [measured_masks(seed, len(data), replicate=k) for k in range(2)] if mode == "stochastic" else [None]
        for a, alpha in enumerate(ALPHAS.tolist()):
            theta = (1 - alpha) * ends.theta_0[s] + alpha * ends.theta_1[s]
            nets = [unpacked(point) for point in (ends.theta_0[s], theta, ends.theta_1[s])]
            for k, drawn in enumerate(masks):
                total = []
                for n in range(len(data)):
                    z = [logits(net, data.x[n], None if drawn is None else drawn[n][0]).tolist() for net in nets]
                    value, gap = attributed(z[0], z[1], z[2], int(data.y[n]), alpha)
                    total.append(value)
                    assert gap >= -1e-12 or not 0 <= alpha <= 1
                curve = found.objective[:, s] if found.replicates is None else found.replicates[k, :, s]
                assert above_chord(curve, a) == pytest.approx(math.fsum(total) / len(data), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("path", [Linear, partial(BiasSchedule, power=None)], ids=["linear", "bias_schedule"])
def test_it_holds_on_every_path_and_catches_a_lost_example(subject: OnPath, path: object) -> None:
    module = MLP(D, C, [9, 8], nn.ReLU())
    layout = ParameterLayout.of(module)
    points = [0.9 * normal(2, layout.num_parameters, seed=s) + 0.1 for s in (5, 6)]
    ends = replace(subject.ends, theta_0=points[0], theta_1=points[1])
    there = replace(subject, module=module, ends=ends, path=path)  # type: ignore[arg-type]
    found = Interpolation(["valid"], ["deterministic"])(there).curves["valid/deterministic"].objective
    data, line = subject.dataset.valid, there.lay(*points)

    def expected(split: Split, a: int, s: int) -> float:
        alpha = float(ALPHAS[a])
        nets = [layout.unflatten(line(at)[s]) for at in (0.0, alpha, 1.0)]
        z = [functional_call(module.double(), net, (split.x,)).tolist() for net in nets]
        parts = [attributed(z[0][n], z[1][n], z[2][n], int(split.y[n]), alpha)[0] for n in range(len(split))]
        return math.fsum(parts) / len(split)

    for a in range(len(ALPHAS)):
        for s in range(2):
            assert above_chord(found[:, s], a) == pytest.approx(expected(data, a, s), rel=1e-9, abs=1e-12)
    lost = expected(data.first(len(data) - 1), 3, 0)
    assert abs(above_chord(found[:, 0], 3) - lost) > 1e-4


@pytest.mark.parametrize("path", [Linear, partial(BiasSchedule, power=None)], ids=["linear", "bias_schedule"])
def test_the_reported_barrier_is_the_identitys(subject: OnPath, path: object) -> None:
    """Two nets that are one up to the order of their units, right about every label: a barrier that is no 0."""
    module = MLP(D, C, [9, 8], nn.ReLU()).double()
    layout = ParameterLayout.of(module)
    start = layout.unflatten(0.9 * normal(1, layout.num_parameters, seed=5)[0] + 0.1)
    first, second = torch.arange(9).roll(4), torch.arange(8).roll(3)
    end = {
        "layers.0.weight": start["layers.0.weight"][first],
        "layers.0.bias": start["layers.0.bias"][first],
        "layers.1.weight": start["layers.1.weight"][second][:, first],
        "layers.1.bias": start["layers.1.bias"][second],
        "layers.2.weight": start["layers.2.weight"][:, second],
        "layers.2.bias": start["layers.2.bias"],
    }
    x = subject.dataset.valid.x
    y = functional_call(module, start, (x,)).argmax(1)
    data = replace(subject.dataset, valid=replace(subject.dataset.valid, y=y))
    points = [layout.flatten(net)[None].repeat(2, 1) for net in (start, end)]
    ends = replace(subject.ends, theta_0=points[0], theta_1=points[1])
    there = replace(subject, module=module, ends=ends, path=path, dataset=data)  # type: ignore[arg-type]
    curve = Interpolation(["valid"], ["deterministic"])(there).curves["valid/deterministic"]
    line, values = there.lay(*points), []
    for alpha in (float(a) for a in ALPHAS if 0 <= a <= 1):
        nets = [layout.unflatten(line(at)[0]) for at in (0.0, alpha, 1.0)]
        z = [functional_call(module, net, (x,)).tolist() for net in nets]
        parts = [attributed(z[0][n], z[1][n], z[2][n], int(y[n]), alpha)[0] for n in range(len(y))]
        values.append(math.fsum(parts) / len(y))
    assert max(values) > 0.05
    for s in range(2):
        assert chord_barrier(curve.alphas, curve.objective[:, s]) == pytest.approx(max(values), rel=1e-9)


def test_logits_on_their_chord_have_no_barrier() -> None:
    """A net that is linear in theta: E = D = 0, and only -Q <= 0 is left: J is convex along the line."""
    random = torch.Generator().manual_seed(0)
    start, end = torch.randn(2, 6, generator=random, dtype=torch.float64).tolist()
    for alpha in (0.2, 0.7):
        here = [(1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True)]
        value, gap = attributed(start, here, end, 2, alpha)
        assert gap > 0.01 and value == pytest.approx(-gap, rel=1e-12)
