"""Wilson's interval against its definition; means and rates against counting by hand."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape.figure import sweep
from landscape.report.section import Section
from landscape.report.summary import Rate, means, rates
from landscape.report.sweep import Row, rows
from landscape.result.curve.noise import wilson
from tests.figure import conftest as make

Z = 1.959963984540054


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_ends_solve_the_score_equation(counts: tuple[int, int]) -> None:
    """At each end p of the interval the observed rate lies exactly z standard errors from p, or p is 0 or 1."""
    holds, judged = counts
    low, high = wilson(holds, judged)
    assert 0 <= low < high <= 1
    for p in (low, high):
        assert abs(holds / judged - p) == pytest.approx(Z * math.sqrt(p * (1 - p) / judged), abs=1e-9) or p in (0, 1)
    mirrored = wilson(judged - holds, judged)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-12)


def test_wilson_known_values() -> None:
    """Values published for other implementations: 58 of 64, and the two extremes."""
    assert wilson(58, 64) == pytest.approx((0.8102, 0.9563), abs=5e-5)
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=5e-6)
    assert wilson(10, 10)[1] == 1.0
    assert str(Rate(None, "1b", "train", 58, 64, *wilson(58, 64))) == "58 of 64 runs: 91 % [81, 96]"


@pytest.mark.parametrize(("holds", "judged", "level"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_wilson_refuses_nonsense(holds: int, judged: int, level: float) -> None:
    """Counts that cannot be, and a certainty no interval has."""
    with pytest.raises(ValueError, match="no interval"):
        wilson(holds, judged, level)


def row(lr: str, seed: str, value: float, holds: bool | None) -> Row:
    """One run with one number and one verdict; seeds are swept as jobs here."""
    swept = {"optimizer.lr": lr, "training.first_seed": seed}
    return Row("x", "full", f"{lr}-{seed}", seed, swept, 1.0, "cpu", "", {"error": value}, {("1b", "train"): holds})


def test_means_and_rates_over_seeds_of_each_setting() -> None:
    """Jobs that differ in the seed alone are one setting; NaN and unjudged runs are not counted."""
    values = [0.3, 0.5, 0.9, 0.4, math.nan]
    told = [True, False, None, True, True]
    rows = [row("0.1", str(k), v, h) for k, (v, h) in enumerate(zip(values, told, strict=True))]
    rows += [row("0.2", "0", 2.0, False)]
    first, second = means(rows)
    assert first.setting == (("optimizer.lr", "0.1"),) and first.count == 4
    assert first.mean == pytest.approx(statistics.mean(values[:4]))
    assert first.error == pytest.approx(statistics.stdev(values[:4]) / 2)
    assert (second.count, second.mean) == (1, 2.0) and math.isnan(second.error)
    assert [(r.holds, r.judged, r.setting) for r in rates(rows)] == [(3, 5, None)]
    assert [(r.holds, r.judged) for r in rates(rows, each_setting=True)] == [(3, 4), (0, 1)]


def test_points_off_the_line_that_two_jobs_have_count_once() -> None:
    """One run measured in two ways, and another: two tracks; what is read off the line counts in all three jobs."""
    told: dict[str, Any] = {
        "curves": {},
        "learning_curve": None,
        "choices": {"endpoints": "run"},
        "training_status": [],
    }
    ways = [("residual", 30.0), ("plane", 30.0), ("residual", 20.0)]
    results = [
        make.result(
            "my",
            projections={"trajectory": make.track(length=length)},
            overrides=[f"measurement={way}", f"endpoints.folder={length}"],
            **told,
        )
        for way, length in ways
    ]
    section = Section(Path("x"), [Path(str(k)) for k in range(3)], results, [], sweep)
    found = [replace(one, holds=one.holds | {("1b", "train"): True}) for one in rows(section)]
    assert {(r.check, r.judged) for r in rates(found)} == {("13a-ends", 2), ("13a-tail", 2), ("13c", 2), ("1b", 3)}
    assert {r.judged for r in rates(found, each_setting=True)} == {1}


def test_a_claim_never_judged_has_no_rate() -> None:
    """No rate rather than 0 of 0."""
    assert rates([row("0.1", "0", 1.0, None)]) == []
