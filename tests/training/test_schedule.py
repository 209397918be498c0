"""Schedules against numbers that the authors' own files hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from landscape.errors import InputError
from landscape.training.schedule import DelayedDecay, ExponentialDecay, LinearDecay, LinearRamp

# Of mnist_pi_continued.yaml, whose update 121,501 is the first after 243 epochs of 500, and of galatea's continuation
# of the MP-DBM: the published number, the only place that has it and how closely; the next one is ten times further.
CONTINUED: list[tuple[Callable[[int], float], range, float, int, float]] = [
    (
        lambda u: 0.1 * ExponentialDecay(1.000004, floor=1e-5)(0, u),
        range(121_400, 121_600),
        0.0615082606673,
        121_501,
        3e-8,
    ),
    (lambda e: LinearRamp(0.5, 0.7, 250)(e, 0), range(200, 260), 0.694376766682, 243, 1e-6),
    (lambda e: 15.146493 * LinearDecay(0.020379, 868)(e, 0), range(300, 500), 8.58230304718, 384, 1.7e-5),
]


@pytest.mark.parametrize(
    ("schedule", "places", "published", "place", "close"), CONTINUED, ids=["lr", "momentum", "dbm"]
)
def test_a_continuation_begins_where_the_first_run_ended(
    schedule: Callable[[int], float], places: range, published: float, place: int, close: float
) -> None:
    assert min(places, key=lambda k: abs(schedule(k) - published)) == place
    assert schedule(place) == pytest.approx(published, abs=close)


def test_linear_ramp_at_named_epochs() -> None:
    schedule = LinearRamp(0.5, 0.7, 251)
    assert [schedule(e, 0) for e in (0, 1, 126, 251, 252, 9999)] == pytest.approx([0.5, 0.5, 0.6, 0.7, 0.7, 0.7])
    assert schedule(7, 1) == schedule(7, 10**6)
    assert LinearRamp(0.5, 0.7, 1)(1, 0) == 0.7


def test_linear_decay_at_named_epochs() -> None:
    schedule = LinearDecay(final=0.2, epochs=40)
    assert [schedule(e, 0) for e in (0, 1, 20, 39)] == pytest.approx([1.0, 0.98, 0.6, 0.22])
    assert schedule(40, 0) == schedule(1000, 0) == 0.2
    assert schedule(7, 1) == schedule(7, 10**6)


def test_exponential_decay_divides_at_each_update_down_to_the_floor() -> None:
    schedule = ExponentialDecay(1.5, floor=0.1)
    factor = 1.0
    for update in range(1, 20):
        assert schedule(1, update) == pytest.approx(max(factor, 0.1), rel=1e-14)
        factor /= 1.5
    assert schedule(1, 10**7) == 0.1 and ExponentialDecay(1.0)(1, 10**7) == 1.0


def test_delayed_decay_is_the_loop_of_the_released_code() -> None:
    """main.lua divides lr by 1.15 at the end of every epoch after its max_epoch of 14: 15 epochs at the full rate."""
    schedule, lr = DelayedDecay(1.15, after=15), 1.0
    for epoch in range(1, 56):
        assert schedule(epoch, 1) == schedule(epoch, 10**6) == pytest.approx(lr, rel=1e-13)
        if epoch > 14:
            lr /= 1.15
    assert schedule(15, 0) == 1.0 and schedule(16, 0) == pytest.approx(1 / 1.15)
    assert schedule(55, 0) == pytest.approx(0.0037, abs=5e-5)  # the last rate of the large net


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LinearRamp(0.5, 1.0, 10), r"training\.momentum_schedule"),
        (lambda: LinearRamp(0.5, 0.7, 0), r"training\.momentum_schedule"),
        (lambda: LinearDecay(1.5, 10), r"training\.lr_schedule"),
        (lambda: LinearDecay(0.5, 0), r"training\.lr_schedule"),
        (lambda: ExponentialDecay(0.9), r"training\.lr_schedule\.divisor=0\.9"),
        (lambda: ExponentialDecay(1.1, -0.1), r"training\.lr_schedule\.floor=-0\.1 must lie in \[0, 1\]"),
        (lambda: ExponentialDecay(1.1, 1.5), r"training\.lr_schedule\.floor=1\.5 must lie in \[0, 1\]"),
        (lambda: DelayedDecay(0.9, 3), r"training\.lr_schedule .* divisor=0\.9"),
        (lambda: DelayedDecay(1.1, -1), r"training\.lr_schedule .* after=-1"),
    ],
)
def test_numbers_out_of_range_are_refused(make: object, text: str) -> None:
    with pytest.raises(InputError, match=text):
        make()  # type: ignore[operator]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [NAN, INF, "", "soon", None, [1], True], ids=str)
@pytest.mark.parametrize(
    ("kind", "numbers", "key"),
    [
        (LinearRamp, {"start": 0.5, "end": 0.6, "epochs": 3}, "momentum"),
        (LinearDecay, {"final": 0.5, "epochs": 3}, "lr"),
        (ExponentialDecay, {"divisor": 1.1, "floor": 0.1}, "lr"),
        (DelayedDecay, {"divisor": 1.1, "after": 2}, "lr"),
    ],
)
def test_what_is_no_number_is_refused_by_its_key(
    kind: type, numbers: dict[str, float], key: str, value: object
) -> None:
    for name in numbers:
        with pytest.raises(InputError, match=rf"^training\.{key}_schedule\.{name}=.* must be (a number|finite)"):
            kind(**{**numbers, name: value})
