"""The training config checks itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landscape.errors import InputError
from landscape.training import Training


def test_seeds_follow_the_first() -> None:
    assert Training(num_seeds=3, first_seed=7).seeds == [7, 8, 9]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", ["", "abc", None, [3], {"a": 1}, 1.5, NAN, INF, True, -1])
@pytest.mark.parametrize("key", ["batch_size", "max_epochs", "num_seeds", "first_seed", "measure_batch_size"])
def test_what_is_no_count_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^training\.{key}=.* must (be a whole number|be at least|not be negative)"):
        Training(**{key: value})


@pytest.mark.parametrize("value", ["", "abc", [3], NAN, INF, -INF, True, -1])
@pytest.mark.parametrize("key", ["gradient_scale", "max_gradient_norm", "trajectory_gigabytes", "checkpoint_seconds"])
def test_what_is_no_measure_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^training\.{key}=.* must (be a number|be finite|be positive|not be)"):
        Training(**{key: value})


@pytest.mark.parametrize(
    "wrong",
    [
        *({key: 0} for key in ("batch_size", "max_epochs", "num_seeds", "measure_batch_size", "patience")),
        {"select": "middle"},
        {"dtype": "float16"},
        {"patience": 1.5},
        {"patience": "3"},
        {"snapshot_updates": INF},
        {"enforce_at_init": "yes"},
        {"tf32": 1},
        {"drop_last": None},
        {"vectorise": "auto"},
        {"validation": "noisy"},
        {"monitor": 3},
        {"monitor": ""},
        {"select": ["best"]},
        {"dtype": None},
        {"lr_schedule": 0.1},
        {"momentum_schedule": "ramp"},
        {"first_seed": 2**62},
    ],
    ids=str,
)
def test_other_values_are_refused_by_their_key(wrong: dict[str, Any]) -> None:
    ((key, _),) = wrong.items()
    with pytest.raises(InputError, match=rf"^training\.{key}="):
        Training(**wrong)


def test_numbers_of_numpy_are_numbers() -> None:
    assert Training(batch_size=np.int64(7), gradient_scale=np.float32(2)).batch_size == 7  # type: ignore[arg-type]
