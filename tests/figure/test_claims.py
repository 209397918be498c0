"""Each claim holds on a curve made to satisfy it and fails on one made to break it alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.figure import claims
from landscape.figure.checks import judge_job
from landscape.figure.module import figure_module
from landscape.result.curve import Array

from . import conftest as make
from .conftest import descent, failing


def bumped(at: float, height: float, width: float = 0.08) -> Any:
    """The plain descent with a bump of this height."""
    return lambda a: descent(a) + height * np.exp(-(((a - at) / width) ** 2))


def stepped(rise: float) -> Any:
    """Falls in a straight line to 1/2 and is level after it, but for one step up of known size at 8/9."""
    return lambda a: 2.0 - 3 * np.minimum(a, 0.5) + 1.5 * rise / (1 + rise) * (a > 0.85)


def lowest(ninth: int) -> Any:
    return lambda a: 0.1 + (a - ninth / 9) ** 2


def early(share: float) -> Any:
    """This share of the drop is gone at one ninth."""
    return lambda a: 3.0 - 2.0 * np.where(a < 0.05, 0, np.where(a < 0.15, share, np.minimum(a, 1)))


def narrow(a: Array) -> Array:
    return 2.0 - a - 0.9 * np.exp(-(((a - 1) / 0.03) ** 2))


UNIFORM, MONOTONE, MINIMUM = claims.starts_uniform(), claims.monotone(), claims.one_minimum_at_solution()
FLAT, BENDS, SEARCH = claims.flat_at_start(), claims.CONCAVE_THEN_CONVEX, claims.COARSE_SEARCH_SUFFICES


@pytest.mark.parametrize(
    ("check", "shape", "on", "holds", "calibrated", "text"),
    [
        (UNIFORM, lambda a: descent(a) + 0.004, "train stochastic", True, None, "J(0) = 2.306585, off by 0.004"),
        (UNIFORM, lambda a: descent(a) + 0.006, "train stochastic", False, None, "J(0) = 2.308585, off by 0.006"),
        # Judged by tau, not by the calibrated bound.
        (MONOTONE, stepped(0.003), "train stochastic", True, None, "rise 0.003 of the drop, tau 0.005"),
        (MONOTONE, stepped(0.008), "train stochastic", False, None, "rise 0.008"),
        (MONOTONE, stepped(0.003), "train deterministic", False, None, "rise 0.003 of the drop, tau 0.0001"),
        (MONOTONE, stepped(0.008), "valid stochastic", False, True, "rise 0.008"),
        (MONOTONE, stepped(0.05), "valid stochastic", False, False, "rise 0.05"),
        (MONOTONE, stepped(0.00002), "valid deterministic", True, True, "rise 2e-05"),
        (MINIMUM, lowest(8), "train stochastic", True, None, "argmin at 0.889"),
        (MINIMUM, lowest(11), "train stochastic", False, None, "argmin at 1.222"),
        (MINIMUM, lowest(11), "train deterministic", False, True, "argmin at 1.222"),
        (MINIMUM, lowest(14), "train deterministic", False, False, "argmin at 1.556"),
        (MINIMUM, lowest(7), "valid stochastic", False, True, "argmin at 0.778"),
        (MINIMUM, lowest(11), "valid deterministic", False, False, "argmin at 1.222"),
        (MINIMUM, bumped(0.5, 1.2), "train stochastic", False, None, "argmin at 1.000, 2 minima"),
        (
            MINIMUM,
            lambda a: descent(a) - 0.1 * (a > 2.1),
            "valid stochastic",
            False,
            False,
            "argmin at 1.000, 1 minimum, fall after it 0.03 of the drop",
        ),
        (FLAT, early(0.019), "train stochastic", True, True, "0.0190 of the drop by α = 1/9"),
        (FLAT, early(0.03), "train stochastic", False, True, "0.0300"),
        (FLAT, early(0.07), "train stochastic", False, False, "0.0700"),
        (
            BENDS,
            lambda a: 2.3 - 2 / (1 + np.exp((0.8 - a) / 0.06)),
            "train stochastic",
            False,
            None,
            "1 change: convex",
        ),
        (BENDS, bumped(0.75, 0.5), "train stochastic", False, None, "3 changes"),
        (BENDS, lambda a: 2.3 * (1 - a) ** 2, "train stochastic", False, None, "0 changes"),
        (SEARCH, narrow, "train stochastic", False, None, "best at 0.889, excess 0.53"),
    ],
)
def test_each_claim_has_its_limit(check: Any, shape: Any, on: str, holds: bool, calibrated: Any, text: str) -> None:
    job = make.swap(make.result("maxout"), shape, on.replace(" ", "/"))
    verdict = make.pick(judge_job([check], job, "m"), check.claim.id, *on.split())
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert verdict.measured.startswith(text)


def test_starts_uniform_reads_the_number_of_classes() -> None:
    fewer = replace(make.result("maxout"), config={"dimensions": {"classes": 7}})
    verdicts = judge_job([UNIFORM], fewer, "maxout")
    assert failing(verdicts) == {"1a"} and verdicts[0].expected == "|J(0) - ln 7| <= 0.005"
    verdicts = judge_job([UNIFORM], replace(fewer, config={"dimensions": {"classes": 0}}), "mine")
    assert {verdict.holds for verdict in verdicts} == {None} and verdicts[0].expected == "|J(0) - ln C| <= 0.005"


@pytest.mark.parametrize(("share", "calibrated"), [(0.07, True), (0.1, False)])
def test_a_relu_net_has_more_room_at_its_start(share: float, calibrated: bool) -> None:
    job = make.swap(make.result("relu_dropout"), early(share), "train/stochastic")
    verdict = make.pick(judge_job([FLAT], job, "m"), "1d", "stochastic")
    assert (verdict.holds, verdict.calibrated_holds) == (False, calibrated)


def test_a_climbing_line_breaks_every_claim_on_its_drop() -> None:
    job = make.swap(make.result("maxout"), lambda a: 3.0 + a, "train/stochastic")
    for check in (MONOTONE, MINIMUM, FLAT, BENDS):
        verdict = next(v for v in judge_job([check], job, "m") if v.subject == "m, train, stochastic")
        assert verdict.holds is False
        assert verdict.measured == "no drop: J(0) - J(1) = -1 nats"


def test_grids_that_lack_what_a_claim_reads_say_so() -> None:
    def on(alphas: Array, check: Any, shape: Any = make.descent) -> Any:
        job = make.swap(make.result("maxout"), shape, "train/stochastic", alphas=alphas)
        return judge_job([check], job, "m")

    assert make.pick(on(np.linspace(0, 2, 11), FLAT), "1d", "stochastic").note == "α = 1/9 was interpolated"
    dense = make.pick(on(np.arange(300) / 199, BENDS), "1e", "stochastic")
    assert dense.holds is None and "too dense" in dense.note
    fine = on(np.arange(101) / 100, SEARCH, narrow)  # that search is not coarse
    assert [v.subject for v in fine] == ["m, train, deterministic"]


def test_late_and_short_learning() -> None:
    job = make.result("maxout", seeds=2)
    slow = make.history(2)
    slow.channels["train/objective"][5] = 1.2
    assert judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=slow), "m")[0].holds is False
    short = judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=make.history(last=6, best=6)), "m")[0]
    assert short.holds is None and short.measured == "6 epochs in all"
    assert judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=None), "m") == []


def test_test_errors_are_judged_at_full_scale_only() -> None:
    job = make.result("maxout", seeds=2, numbers={"num_test_errors": [100.0, 140.0]})
    verdict = judge_job([claims.FEW_TEST_ERRORS], job, "m")[0]
    assert verdict.holds is False
    assert verdict.measured == "140 test errors (worst; in 1 of 2 seeds)"
    reduced = judge_job([claims.FEW_TEST_ERRORS], replace(job, scale="reduced"), "m")[0]
    assert reduced.holds is None and "140" in reduced.measured and reduced.note
    assert judge_job([claims.FEW_TEST_ERRORS], make.result("digits"), "digits") == []


def test_curves_that_do_not_reach_the_claim_give_no_verdict() -> None:
    curves = {"train/deterministic": make.curve(alphas=np.linspace(0.99, 1, 20), mode="deterministic")}
    job = make.result("relu", curves=curves)
    for check in (UNIFORM, MONOTONE, MINIMUM, FLAT):
        assert judge_job([check], job, "relu") == []
    inside = make.result("relu", curves={"train/deterministic": make.curve(alphas=np.linspace(0, 1, 20))})
    assert judge_job([MINIMUM], inside, "relu") == []
    assert len(judge_job([MONOTONE], inside, "relu")) == 1


FEW = {
    "ends": [0.0, 1.0],
    "three": [0.0, 0.5, 1.0],
    **{"start": [0.0], "solution": [1.0], "ends and beyond": [0.0, 1.0, 2.0]},
    **{"outside": [1.5, 2.0, 3.0], "inside": [0.2, 0.4, 0.6]},
}
FIGURES = sorted(file.stem for file in Path(claims.__file__).parent.glob("fig*_*.py"))


@pytest.mark.parametrize("figure", [*FIGURES, "sweep"])
@pytest.mark.parametrize("alphas", FEW)
def test_few_samples_leave_claims_out_or_unjudged_and_break_nothing(figure: str, alphas: str) -> None:
    at = np.array(FEW[alphas])
    for shape in (make.descent, lambda a: 1e308 * np.sign(a - 0.5), lambda a: np.where(a > 0.3, np.nan, 1.0)):
        curves = make.curves(shape, at)
        found = figure_module(f"landscape.figure.{figure}").judge([replace(make.result("maxout"), curves=curves)])
        assert all(v.holds is None for v in found if v.check == "1e" and alphas != "three")
