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

MODES = ("stochastic", "deterministic")


def bumped(make: Any, at: float, height: float, width: float = 0.08) -> Any:
    """The plain descent with a bump of this height."""
    return lambda a: make.descent(a) + height * np.exp(-(((a - at) / width) ** 2))


def test_every_claim_holds_on_the_plain_descent(make: Any) -> None:
    job = make.result("maxout", seeds=3)
    checks = [
        claims.starts_uniform(),
        claims.monotone(),
        claims.one_minimum_at_solution(),
        claims.flat_at_start(),
        claims.CONCAVE_THEN_CONVEX,
        claims.COARSE_SEARCH_SUFFICES,
        claims.LEARNS_EARLY,
        claims.FEW_TEST_ERRORS,
    ]
    verdicts = [verdict for check in checks for verdict in judge_job([check], job, "maxout")]
    assert [v for v in verdicts if v.holds is not True] == []
    assert len(verdicts) == 3 * 4 + 3 * 2 + 2  # both splits and modes, then training in both modes, then one each
    assert all("in 3 of 3 seeds" in v.measured for v in verdicts)


def test_starts_uniform_reads_the_number_of_classes(make: Any) -> None:
    job = make.result("maxout")
    fewer = replace(job, config={"dimensions": {"classes": 7}})
    assert {v.holds for v in judge_job([claims.starts_uniform()], job, "maxout")} == {True}
    assert {v.holds for v in judge_job([claims.starts_uniform()], fewer, "maxout")} == {False}
    verdict = judge_job([claims.starts_uniform()], fewer, "maxout")[0]
    assert verdict.measured.startswith("J(0) = 2.302585, off by 0.36")
    assert verdict.expected == "|J(0) - ln 7| <= 0.005"


@pytest.mark.parametrize(("off", "holds"), [(0.004, True), (0.006, False)])
def test_starts_uniform_has_its_limit(make: Any, off: float, holds: bool) -> None:
    job = make.swap(make.result("maxout"), lambda a: make.descent(a) + off, "train/stochastic")
    assert make.pick(judge_job([claims.starts_uniform()], job, "m"), "1a", "train", "stochastic").holds is holds


@pytest.mark.parametrize(
    ("split", "mode", "rise", "holds", "calibrated"),
    [
        ("train", "stochastic", 0.003, True, None),
        ("train", "stochastic", 0.008, False, None),
        ("train", "deterministic", 0.003, False, None),
        ("valid", "stochastic", 0.008, False, True),
        ("valid", "stochastic", 0.05, False, False),
        ("valid", "deterministic", 0.00002, True, True),
    ],
)
def test_monotone_is_judged_by_tau_not_by_the_calibrated_bound(
    make: Any, split: str, mode: str, rise: float, holds: bool, calibrated: bool | None
) -> None:
    def shape(a: Array) -> Array:
        # Falls in a straight line to 1/2 and is level after it, but for one step up of known size at 8/9.
        return 2.0 - 3 * np.minimum(a, 0.5) + 1.5 * rise / (1 + rise) * (a > 0.85)

    job = make.swap(make.result("maxout"), shape, f"{split}/{mode}")
    verdict = make.pick(judge_job([claims.monotone()], job, "m"), "1b", split, mode)
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert bool(verdict.calibrated) is (split == "valid")


def test_a_climbing_line_breaks_every_claim_on_its_drop(make: Any) -> None:
    job = make.swap(make.result("maxout"), lambda a: 3.0 + a, "train/stochastic")
    for check in (
        claims.monotone(),
        claims.one_minimum_at_solution(),
        claims.flat_at_start(),
        claims.CONCAVE_THEN_CONVEX,
    ):
        verdict = next(v for v in judge_job([check], job, "m") if v.subject == "m, train, stochastic")
        assert verdict.holds is False
        assert verdict.measured == "no drop: J(0) - J(1) = -1 nats"


@pytest.mark.parametrize(
    ("lowest", "split", "mode", "holds", "calibrated"),
    [
        (8, "train", "stochastic", True, None),
        (11, "train", "stochastic", False, None),
        (11, "train", "deterministic", False, True),
        (14, "train", "deterministic", False, False),
        (7, "valid", "stochastic", False, True),
        (11, "valid", "deterministic", False, False),
    ],
)
def test_the_minimum_must_lie_at_the_solution(
    make: Any, lowest: int, split: str, mode: str, holds: bool, calibrated: bool | None
) -> None:
    job = make.swap(make.result("maxout"), lambda a: 0.1 + (a - lowest / 9) ** 2, f"{split}/{mode}")
    verdict = make.pick(judge_job([claims.one_minimum_at_solution()], job, "m"), "1c", split, mode)
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert f"argmin at {lowest / 9:.3f}" in verdict.measured


def test_a_second_minimum_and_a_fall_after_the_first_are_seen(make: Any) -> None:
    job = make.swap(make.result("maxout"), bumped(make, 0.5, 1.2), "train/stochastic")
    job = make.swap(job, lambda a: make.descent(a) - 0.1 * (a > 2.1), "valid/stochastic")
    verdicts = judge_job([claims.one_minimum_at_solution()], job, "m")
    second = make.pick(verdicts, "1c", "train", "stochastic")
    assert second.holds is False and "2 minima" in second.measured
    falling = make.pick(verdicts, "1c", "valid", "stochastic")
    assert falling.holds is False and falling.calibrated_holds is False
    assert "argmin at 1.000, 1 minimum, fall after it 0.03 of the drop" in falling.measured


@pytest.mark.parametrize(
    ("recipe", "share", "holds", "calibrated"),
    [
        ("maxout", 0.019, True, True),
        ("maxout", 0.03, False, True),
        ("maxout", 0.07, False, False),
        ("relu_dropout", 0.07, False, True),
        ("relu_dropout", 0.1, False, False),
    ],
)
def test_flat_at_start_is_judged_by_the_first_threshold(
    make: Any, recipe: str, share: float, holds: bool, calibrated: bool
) -> None:
    def shape(a: Array) -> Array:
        return 3.0 - 2.0 * np.where(a < 0.05, 0, np.where(a < 0.15, share, np.minimum(a, 1)))

    job = make.swap(make.result(recipe), shape, "train/stochastic")
    verdict = make.pick(judge_job([claims.flat_at_start()], job, recipe), "1d", "train", "stochastic")
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert verdict.measured == f"{share:.4f} of the drop by α = 1/9"


def test_flat_at_start_says_when_the_grid_lacks_its_point(make: Any) -> None:
    job = make.swap(make.result("maxout"), make.descent, "train/stochastic", alphas=np.linspace(0, 2, 11))
    assert (
        make.pick(judge_job([claims.flat_at_start()], job, "m"), "1d", "stochastic").note == "α = 1/9 was interpolated"
    )


@pytest.mark.parametrize(
    ("name", "holds", "text"),
    [("late", False, "1 change: convex from 0.8"), ("twice", False, "3 changes"), ("convex", False, "0 changes")],
)
def test_bends_in_the_wrong_places_are_seen(make: Any, name: str, holds: bool, text: str) -> None:
    shapes = {
        "late": lambda a: 2.3 - 2 / (1 + np.exp(-(a - 0.8) / 0.06)),
        "twice": bumped(make, 0.75, 0.5),
        "convex": lambda a: 2.3 * (1 - a) ** 2,
    }
    job = make.swap(make.result("maxout"), shapes[name], "train/stochastic")
    verdict = make.pick(judge_job([claims.CONCAVE_THEN_CONVEX], job, "m"), "1e", "stochastic")
    assert verdict.holds is holds
    assert verdict.measured.startswith(text)


def test_bends_below_tau_are_not_judged(make: Any) -> None:
    job = make.swap(make.result("maxout"), make.descent, "train/stochastic", alphas=np.arange(300) / 199)
    verdict = make.pick(judge_job([claims.CONCAVE_THEN_CONVEX], job, "m"), "1e", "stochastic")
    assert verdict.holds is None and "too dense" in verdict.note


def test_a_coarse_search_can_miss_a_narrow_solution(make: Any) -> None:
    def narrow(a: Array) -> Array:
        return 2.0 - a - 0.9 * np.exp(-(((a - 1) / 0.03) ** 2))

    verdict = make.pick(
        judge_job([claims.COARSE_SEARCH_SUFFICES], make.swap(make.result(), narrow, "train/stochastic"), "m"),
        "1f",
        "stochastic",
    )
    assert verdict.holds is False
    assert verdict.measured.startswith("best at 0.889, excess 0.53")
    fine = make.swap(make.result(), narrow, "train/stochastic", alphas=np.arange(101) / 100)
    assert [v.subject for v in judge_job([claims.COARSE_SEARCH_SUFFICES], fine, "m")] == ["m, train, deterministic"]


def test_late_and_short_learning(make: Any) -> None:
    job = make.result("maxout", seeds=2)
    slow = make.history(2)
    slow.channels["train/objective"][5] = 1.2
    assert judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=slow), "m")[0].holds is False
    short = judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=make.history(last=6, best=6)), "m")[0]
    assert short.holds is None and short.measured == "6 epochs in all"
    assert judge_job([claims.LEARNS_EARLY], replace(job, learning_curve=None), "m") == []


def test_test_errors_are_judged_at_full_scale_only(make: Any) -> None:
    job = make.result("maxout", seeds=2, numbers={"num_test_errors": [100.0, 140.0]})
    verdict = judge_job([claims.FEW_TEST_ERRORS], job, "m")[0]
    assert verdict.holds is False
    assert verdict.measured == "140 test errors (worst; in 1 of 2 seeds)"
    reduced = judge_job([claims.FEW_TEST_ERRORS], replace(job, scale="reduced"), "m")[0]
    assert reduced.holds is None and "140" in reduced.measured and reduced.note
    assert judge_job([claims.FEW_TEST_ERRORS], make.result("digits"), "digits") == []


def test_curves_that_do_not_reach_the_claim_give_no_verdict(make: Any) -> None:
    curves = {"train/deterministic": make.curve(alphas=np.linspace(0.99, 1, 20), mode="deterministic")}
    job = make.result("relu", curves=curves)
    for check in (claims.starts_uniform(), claims.monotone(), claims.one_minimum_at_solution(), claims.flat_at_start()):
        assert judge_job([check], job, "relu") == []
    inside = make.result("relu", curves={"train/deterministic": make.curve(alphas=np.linspace(0, 1, 20))})
    assert judge_job([claims.one_minimum_at_solution()], inside, "relu") == []
    assert len(judge_job([claims.monotone()], inside, "relu")) == 1


FEW = {
    "start": [0.0],
    "solution": [1.0],
    "ends": [0.0, 1.0],
    "ends and beyond": [0.0, 1.0, 2.0],
    "three": [0.0, 0.5, 1.0],
    "outside": [1.5, 2.0, 3.0],
    "inside": [0.2, 0.4, 0.6],
}
FIGURES = sorted(file.stem for file in Path(claims.__file__).parent.glob("fig*_*.py"))


@pytest.mark.parametrize("figure", [*FIGURES, "sweep"])
@pytest.mark.parametrize("alphas", FEW)
def test_few_samples_leave_claims_out_or_unjudged_and_break_nothing(make: Any, figure: str, alphas: str) -> None:
    at = np.array(FEW[alphas])
    for shape in (make.descent, lambda a: 1e308 * np.sign(a - 0.5), lambda a: np.where(a > 0.3, np.nan, 1.0)):
        curves = {
            f"{split}/{mode}": make.curve(shape, at, split=split, mode=mode)
            for split in ("train", "valid")
            for mode in MODES
        }
        found = figure_module(f"landscape.figure.{figure}").judge([replace(make.result("maxout"), curves=curves)])
        assert all(v.holds is None for v in found if v.check == "1e" and alphas != "three")
