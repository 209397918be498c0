"""Seeds to verdicts: the worst is shown, the lost are named, and one failure is enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.figure import claims, naming
from landscape.figure.checks import Claim, judge_job
from landscape.figure.reading import Reading

from . import conftest as make

CLAIM = Claim("9z", "A sentence", "Fig. 9", "<= 1", calibrated="<= 2")


@pytest.mark.parametrize(
    ("holds", "expected"), [([True, True], True), ([True, False], False), ([None, True], None), ([None, False], False)]
)
def test_a_claim_holds_if_it_holds_for_every_seed(holds: list[bool | None], expected: bool | None) -> None:
    found = CLAIM.said(make.result(), "x", [Reading(f"seed {k}", h, k, True) for k, h in enumerate(holds)])
    assert found.holds is expected
    assert found.calibrated_holds is True


def test_the_worst_seed_is_shown() -> None:
    readings = [Reading("a", True, 3.0), Reading("b", False, 1.0), Reading("c", False, 2.0), Reading("d", None, 9.0)]
    found = CLAIM.said(make.result(), "x", readings, "and more")
    assert found.measured == "c (worst; in 1 of 4 seeds, 1 not judged)"
    nan = CLAIM.said(make.result(), "x", [Reading("a", False, float("nan")), Reading("b", False, 5.0)])
    assert nan.measured.startswith("a ")


def test_without_a_calibrated_threshold_nothing_is_said_of_it() -> None:
    found = replace(CLAIM, calibrated="").said(make.result(), "x", [Reading("a", True, 0, True)])
    assert (found.calibrated, found.calibrated_holds) == ("", None)


def test_diverged_and_broken_seeds_are_left_out_and_named() -> None:
    job = make.result("maxout", seeds=3, training_status=["stopped", "diverged", "stopped"])
    curve = job.curves["train/stochastic"]
    curve.objective[3, 2] = np.nan
    curve.objective[:, 1] = 9.0  # would fail
    found = make.pick(judge_job([claims.monotone()], job, "m"), "1b", "train", "stochastic")
    assert found.holds is True
    assert "seed 1 left out: its training diverged" in found.note
    assert "seed 2 left out: it holds values that are not finite" in found.note
    assert "seeds" not in found.measured  # one is left
    gone = replace(job, training_status=["diverged"] * 3)
    found = make.pick(judge_job([claims.monotone()], gone, "m"), "1b", "train", "stochastic")
    assert found.holds is None and found.measured == "no usable seed"


def test_a_line_between_solutions_is_lost_with_either_end() -> None:
    job = make.result(seeds=3)
    job = replace(job, seeds=["0-1", "1-2", "0-2"], training_status=["stopped", "stopped", "diverged"])
    columns, note = job.usable(job.curves["train/stochastic"].objective)
    assert columns == [0]
    assert "seed 1-2" in note and "seed 0-2" in note
    of_lines = replace(job, seeds=["0-1", "2-3", "4-5"], training_status=["trained", "diverged", "trained"])
    assert of_lines.diverged(3) == [False, True, False]  # as a job of such lines says it


def test_an_early_end_is_no_fault_but_a_gap_is() -> None:
    values = np.ones((6, 3))
    values[4:, 0] = np.nan
    values[2, 1] = np.nan
    columns, note = make.result(seeds=3).usable(values, ragged=True)
    assert columns == [0, 2]
    assert "seed 1" in note
    assert make.result(seeds=3).usable(values)[0] == [2]


def test_names_hold_what_tells_jobs_apart() -> None:
    one = make.result("maxout", overrides=["recipe=maxout", "optimizer.lr=0.1", "training.max_epochs=3"])
    two = replace(one, overrides=["recipe=maxout", "optimizer.lr=0.2", "training.max_epochs=3"])
    other = make.result("sigmoid", overrides=["recipe=sigmoid", "optimizer.lr=0.1", "training.max_epochs=3"])
    assert naming.names([one]) == ["maxout"]
    assert naming.names([one, two]) == ["maxout, optimizer.lr=0.1", "maxout, optimizer.lr=0.2"]
    assert naming.names([one, two], brief=True) == ["optimizer.lr=0.1", "optimizer.lr=0.2"]
    assert naming.names([one, other]) == ["maxout", "sigmoid"]
    assert naming.names([one, make.choose(one, alphas="near_init")]) == [
        "maxout, init_to_solution",
        "maxout, near_init",
    ]
    assert naming.names([one, one]) == ["maxout (job 1)", "maxout (job 2)"]
