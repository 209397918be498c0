"""Extrapolation on a clock that only the calls move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import landscape.command.forecast.clock as clock

CPU = torch.device("cpu")


class Clock:
    """A call of size n takes what ``seconds(n)`` says, the very first one of all ``load`` more."""

    def __init__(self, seconds: Callable[[int], float], load: float = 0.0) -> None:
        self.now, self.seconds, self.load = 0.0, seconds, load
        self.calls = list[int]()

    def perf_counter(self) -> float:
        return self.now

    def sample(self, size: int) -> Callable[[], None]:
        def call() -> None:
            self.now += self.seconds(size) + (self.load if not self.calls else 0.0)
            self.calls.append(size)

        return call


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[float, Clock]]:
    """``at(seconds, size, first, budget)`` -> (what was said, the clock afterwards)."""

    def run(seconds: Callable[[int], float], size: int, first: int, budget: float, enough: float = 0.0,
            load: float = 0.0) -> tuple[float, Clock]:  # fmt: skip
        moved = Clock(seconds, load)
        monkeypatch.setattr(clock, "time", moved)
        return clock.seconds_at(size, first, moved.sample, CPU, budget, enough), moved

    return run


def affine(size: int) -> float:
    """A fixed part, and one per unit."""
    return 0.01 + 0.0003 * size


def test_what_fits_is_timed_at_its_own_size(at: Callable[..., tuple[float, Clock]]) -> None:
    said, moved = at(affine, size=500, first=32, budget=100.0)
    assert said == pytest.approx(affine(500)) and max(moved.calls) == 500


def test_what_does_not_fit_lies_on_the_line_through_two_sizes(at: Callable[..., tuple[float, Clock]]) -> None:
    said, moved = at(affine, size=100_000, first=32, budget=2.0)
    assert said == pytest.approx(affine(100_000)) and max(moved.calls) < 10_000
    assert moved.now < 2.5


def test_a_first_call_that_loads_a_library_does_not_count(at: Callable[..., tuple[float, Clock]]) -> None:
    said, _ = at(affine, size=100_000, first=4, budget=2.0, load=4.5)
    assert said == pytest.approx(affine(100_000))


def test_a_call_that_takes_long_is_made_once(at: Callable[..., tuple[float, Clock]]) -> None:
    said, moved = at(lambda size: 9.0 * size, size=3, first=1, budget=2.0)
    assert said == pytest.approx(27.0) and moved.calls == [1]


def test_what_is_short_enough_is_not_refined(at: Callable[..., tuple[float, Clock]]) -> None:
    said, moved = at(affine, size=64, first=32, budget=100.0, enough=0.1)
    assert set(moved.calls) == {32} and affine(64) < said < 0.1  # in proportion, so never less


def test_an_update_that_falls_out_of_line_never_gives_less_than_it_took(
    at: Callable[..., tuple[float, Clock]],
) -> None:
    said, _ = at(lambda size: 0.5 if size < 10 else 0.2, size=1000, first=8, budget=0.6)
    assert said >= 0.2
