"""The training config checks itself."""

from __future__ import annotations

from typing import Any

import pytest

from landscape.errors import InputError
from landscape.training import Training


def test_seeds_follow_the_first() -> None:
    assert Training(num_seeds=3, first_seed=7).seeds == [7, 8, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0}, {"max_epochs": 0}, {"num_seeds": 0}, {"measure_batch_size": 0}, {"patience": 0},
        {"select": "middle"}, {"dtype": "float16"}, {"first_seed": -1},
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused_by_their_key(wrong: dict[str, Any]) -> None:
    ((key, value),) = wrong.items()
    with pytest.raises(InputError, match=rf"training\.{key}={value}"):
        Training(**wrong)
