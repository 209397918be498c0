"""Durations in words."""

from __future__ import annotations

import pytest

from landscape.ground.words import spoken


@pytest.mark.parametrize(
    ("seconds", "rounded", "exact"),
    [
        (0.593, "0.6 s", "0.59 s"),
        (9.6, "9.6 s", "9.6 s"),
        (9.96, "10 s", "10 s"),
        (59.4, "59 s", "59 s"),
        (89, "89 s", "1 min 29 s"),
        (253, "4 min", "4 min 13 s"),
        (3600, "60 min", "1 h 0 min"),
        (7800, "2 h 10 min", "2 h 10 min"),
    ],
)
def test_times_are_spoken(seconds: float, rounded: str, exact: str) -> None:
    assert (spoken(seconds), spoken(seconds, exact=True)) == (rounded, exact)
