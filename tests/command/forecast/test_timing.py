"""What a forecast times, how seldom, and what it says of the memory of a measurement to come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.command.forecast import timing
from landscape.command.forecast.timing import Timing
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.measurement import Measured, Seeds, Steps
from landscape.objective import Objective
from landscape.objective.slope import slope_passes
from landscape.parameters import ParameterLayout
from landscape.path import Linear

CPU = torch.device("cpu")


def split_of(num: int) -> Split:
    return Split(torch.rand(num, 20), torch.zeros(num, dtype=torch.long))


@pytest.mark.parametrize(
    ("sizes", "width", "order"), [((40, 3000), 300, 0), ((40, 3000), 20_000, 0), ((3000,), 300, 2)]
)
def test_a_pass_is_counted_as_large_as_it_will_be(sizes: tuple[int, ...], width: int, order: int) -> None:
    """The largest of all splits, though no more than a few examples are looked at and the kind is timed once."""
    module = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Linear(width, 5))
    theta = ParameterLayout.of(module).theta(module)[None]

    def objective(split: Split) -> Objective:
        return Objective(module, CrossEntropy(), split, memory="1GiB")

    ahead = Timing(CPU, is_thorough=True)
    for num in sizes:
        split, alphas = split_of(num), np.linspace(0, 1, 4)
        pass_ = ahead.of_pass("key", objective, lambda _: Linear(theta, 2 * theta), split, alphas, 1e-4, order)
        passes = slope_passes(objective(split), order) if order else objective(split).passes
        assert ahead.measuring_bytes == pytest.approx(passes.foot.of(passes.whole), rel=0.1)
        assert pass_ == pytest.approx(4 * num * ahead.known["pass key"]) and pass_ > 0


@pytest.mark.parametrize(
    ("expected", "is_thorough", "is_timed"), [(0.0, False, False), (0.0, True, True), (1e9, False, True)]
)
def test_a_kind_is_timed_where_its_share_of_the_command_allows(
    expected: float, is_thorough: bool, is_timed: bool
) -> None:
    ahead, calls = Timing(CPU, is_thorough), list[int]()

    def objective(split: Split) -> Any:
        calls.append(len(split))
        return Objective(nn.Linear(20, 5), CrossEntropy(), split)

    ahead.expected = expected
    theta = torch.zeros(1, 105)
    for _ in range(2):
        seconds = ahead.of_pass("key", objective, lambda _: Linear(theta, theta + 1), split_of(6400), np.zeros(1), 1.0)
    assert bool(calls) == is_timed and ahead.num_rough == 2 * (not is_timed)
    assert calls in ([], [timing.MOST, timing.FEW_EXAMPLES]) and (seconds == 6400.0) == (not is_timed)


def test_steps_are_timed_on_as_few_as_tell_and_a_first_long_call_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, calls = [0.0], list[int]()

    class Clock:
        perf_counter = staticmethod(lambda: now[0])

    def shorter(num: int) -> Any:
        def measure(subject: Seeds) -> Measured:
            calls.append(num)
            now[0] += 0.01 * num + 4.5 * (len(calls) == 1)  # the first loads a library
            return Measured()

        return measure

    monkeypatch.setattr(timing, "time", Clock)
    subject = Seeds(seeds=[0], device=CPU)
    assert Timing(CPU, False).of_steps("key", Steps(2000, 1, 1, shorter), subject) == pytest.approx(20.0)
    assert calls == [10, 10]
    now[0], calls[:] = 0.0, []
    monkeypatch.setattr(timing, "PATIENCE", 1.0)
    assert Timing(CPU, False).of_steps("key", Steps(4, 1, 1, shorter), subject) > 4
    assert calls == [4]
