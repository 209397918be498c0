"""J is in nats where the cost is a negative log likelihood, and in no unit elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landscape.figure import naming, sweep
from landscape.figure.sweep.number import headline
from landscape.result import Result

from .conftest import CROSS_ENTROPY, noisy

MSE = {"_target_": "torch.nn.MSELoss"}


def job(cost: Any, *overrides: str) -> Result:
    numbers: dict[str, float | list[float]] = {
        "train/deterministic/largest_rise": [0.1],
        "train/deterministic/hidden_rise": [np.nan],
        "test_error": [0.2],
    }
    return noisy("digits", config={"cost": cost}, numbers=numbers, overrides=list(overrides))


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        (CROSS_ENTROPY, "nats"),
        ({"_target_": "torch.nn.CrossEntropyLoss"}, "nats"),
        ({"_target_": "torch.nn.modules.loss.BCEWithLogitsLoss"}, "nats"),
        ({"_target_": "torch.nn.functional.cross_entropy", "_partial_": True}, "nats"),
        ({"_target_": "hydra.utils.get_method", "path": "torch.nn.functional.nll_loss"}, "nats"),
        ({"_target_": "landscape.cost.SquaredError"}, ""),
        ({"_target_": "landscape.cost.Output"}, ""),
        ({"_target_": "mine.CrossEntropy"}, ""),
        (MSE, ""),
        (None, ""),
    ],
)
def test_the_cost_says_the_unit(cost: Any, told: str) -> None:
    found = job(cost)
    assert naming.unit_of([found]) == told
    figure, word = sweep.draw([found]), f" [{told}]" if told else ""
    assert [axes.get_ylabel() for axes in figure.axes] == [f"J(θ(α)){word}", f"J(θ){word}"]
    assert headline([found])[0].title.endswith(f"training{word}")
    assert any("nats" in verdict.measured for verdict in sweep.judge([found])) is bool(told)


def test_a_panel_of_several_costs_says_so() -> None:
    figure = sweep.draw([job(CROSS_ENTROPY, "cost=a"), job(MSE, "cost=b")])
    assert figure.axes[0].get_ylabel() == "J(θ(α)) [costs differ]"
