"""What a run says of choices that had no effect, and of training that led nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import TINY, Ran


@pytest.mark.slow
def test_a_measurement_of_whole_trainings_says_that_endpoints_do_not_matter(cli: Callable[..., Ran]) -> None:
    ran = cli(*TINY[:3], *TINY[4:], "measurement=residual", "endpoints=random_to_solution")
    assert ran.status == 0, ran.out
    assert "no use of endpoints (landscape.endpoints.RandomToSolution)" in " ".join(ran.out.split())
    plain = cli(*TINY[:3], *TINY[4:], "measurement=residual")
    assert "no use of endpoints" not in " ".join(plain.out.split())


def test_a_seed_that_found_no_better_point_is_named(cli: Callable[..., Ran]) -> None:
    ran = cli(*TINY, "optimizer.lr=1e-300")  # in float32 no step at all
    assert ran.status == 0, ran.out
    assert "seed 0: no epoch had a lower valid/error than the start" in " ".join(ran.out.split())
