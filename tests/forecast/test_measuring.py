"""What a forecast says of the memory and the passes of a measurement to come."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.forecast import calibration
from landscape.forecast.calibration import Calibration, Line
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear


@pytest.mark.parametrize("num", [3000, 40])
def test_a_pass_is_counted_as_large_as_it_will_be(num: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the whole split, though no more than a few hundred examples are looked at."""
    monkeypatch.setattr(calibration, "NEGLIGIBLE", 0.0)
    module = nn.Sequential(nn.Linear(20, 300), nn.ReLU(), nn.Linear(300, 5))
    theta = ParameterLayout.of(module).theta(module)[None]
    split = Split(torch.rand(num, 20), torch.zeros(num, dtype=torch.long))

    def make(data: Split, **rows: Any) -> Objective:
        return Objective(module, CrossEntropy(), data, memory="1GiB", **rows)

    line = Line(make, theta, 2 * theta, partial(Linear), [0])
    found = Calibration(torch.device("cpu"), 0.2)
    assert found.of_pass("key", line, split, np.linspace(0, 1, 4)) > 0
    passes = make(split).passes
    assert passes.whole == num
    assert found.measuring_bytes == pytest.approx(passes.foot.of(num), rel=0.1)
