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
from tests.measurement.conftest import ALPHAS
from tests.twin import C, D, normal


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


def test_logits_on_their_chord_have_no_barrier() -> None:
    """A net that is linear in theta: E = D = 0, and only -Q <= 0 is left: J is convex along the line."""
    random = torch.Generator().manual_seed(0)
    start, end = torch.randn(2, 6, generator=random, dtype=torch.float64).tolist()
    for alpha in (0.2, 0.7):
        here = [(1 - alpha) * a + alpha * b for a, b in zip(start, end, strict=True)]
        value, gap = attributed(start, here, end, 2, alpha)
        assert gap > 0.01 and value == pytest.approx(-gap, rel=1e-12)
