"""What a forecast says of the memory and the passes of a measurement to come."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.command.forecast import calibration
from landscape.command.forecast.calibration import Calibration, Line
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.objective.slope import slope_passes
from landscape.parameters import ParameterLayout
from landscape.path import Linear


@pytest.mark.parametrize(
    ("num", "width", "order", "negligible"),
    [(3000, 300, 0, 0.0), (40, 300, 0, 0.0), (3000, 20_000, 0, 0.0), (3000, 300, 2, 0.0), (3000, 300, 0, 1e9)],
)
def test_a_pass_is_counted_as_large_as_it_will_be(
    num: int, width: int, order: int, negligible: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the whole split, though no more than a few hundred examples are looked at, and however short it is timed."""
    monkeypatch.setattr(calibration, "NEGLIGIBLE", negligible)
    module = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Linear(width, 5))
    theta = ParameterLayout.of(module).theta(module)[None]
    split = Split(torch.rand(num, 20), torch.zeros(num, dtype=torch.long))

    def make(data: Split, **rows: Any) -> Objective:
        return Objective(module, CrossEntropy(), data, memory="1GiB", **rows)

    line = Line(make, theta, 2 * theta, partial(Linear), [0], order=order)
    found = Calibration(torch.device("cpu"), 0.2)
    assert found.of_pass("key", line, split, np.linspace(0, 1, 4)) > 0
    passes = slope_passes(make(split), order) if order else make(split).passes
    assert (passes.whole == num) == (width == 300 and not order)
    assert found.measuring_bytes == pytest.approx(passes.foot.of(passes.whole), rel=0.1)


def test_the_largest_of_splits_that_are_timed_once_counts() -> None:
    module = nn.Linear(20, 5)
    theta = ParameterLayout.of(module).theta(module)[None]
    line = Line(
        lambda data, **rows: Objective(module, CrossEntropy(), data, memory="1GiB", **rows),
        theta, 2 * theta, partial(Linear), [0],
    )  # fmt: skip
    found, counted = Calibration(torch.device("cpu"), 0.2), []
    for num in (40, 4000):
        split = Split(torch.rand(num, 20), torch.zeros(num, dtype=torch.long))
        found.of_pass("key", line, split, np.linspace(0, 1, 4))
        counted.append(found.measuring_bytes)
    assert counted[1] > 10 * counted[0]
