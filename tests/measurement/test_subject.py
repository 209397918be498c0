"""A path gets what its constructor asks for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from landscape.measurement import Interpolation, OnPath
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule, Linear


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
    assert ends is not None
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
