"""Figures 9 and 10: lines of the two-weight net from formulas; what breaks each claim, and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig09_deep_linear as fig09
from landscape.figure import fig10_deep_linear_barriers as fig10
from landscape.result.curve import Curve
from landscape.result.curve.null import share_decreasing, share_without_second_minimum
from landscape.result.saved import Result
from theory.deep_linear import scalar

from . import conftest as make
from .conftest import failing, labels, nothing_is_cut_off, pick, with_a_lost_seed

WHOLE = np.linspace(0, 2, 201)


def two_weights(starts: Any, ends: Any, alphas: Any = WHOLE, kind: str = "init_to_solution", **ends_config: Any) -> Any:
    """Lines of (1 - w_1 w_2)² with their extrema by roots: of p = 1, and where p' = 0."""
    starts, ends = np.atleast_2d(starts).astype(float), np.atleast_2d(ends).astype(float)
    columns, numbers = [], dict[str, Any]()
    found = []
    for u, t in zip(starts, ends, strict=True):
        p = np.poly1d([np.prod(t - u), u[0] * (t - u)[1] + u[1] * (t - u)[0], u.prod()])
        columns.append((1 - p(alphas)) ** 2)
        points = [(float(a), 1.0) for a in np.roots((p - 1).c) if np.isreal(a)]
        points += [(float(a), float((1 - p(a)) * p.c[0] < 0)) for a in np.roots(p.deriv().c)]
        found.append(sorted((a, (1 - p(a)) ** 2, m) for a, m in points if alphas[0] < a < alphas[-1]))
    for k in range(max(map(len, found))):
        for j, key in enumerate(("alpha", "objective", "is_minimum")):
            numbers[f"train/extremum_{k}_{key}"] = [row[k][j] if k < len(row) else np.nan for row in found]
    tops = [[a for a, _, low in row if not low and 0 < a < 1] for row in found]
    lows = [[a for a, _, low in row if low and 0 < a < 1 - 1e-9] for row in found]
    numbers |= {
        "train/proven_num_maxima": [float(len(row)) for row in tops],
        "train/proven_decreasing": [float(not a and not b) for a, b in zip(tops, lows, strict=True)],
        "train/theory_deviation": [1e-15] * len(starts),
        "train/num_minima": [float(sum(low for _, _, low in row)) for row in found],
        "train/num_maxima": [float(sum(not low for _, _, low in row)) for row in found],
    }
    seen = Curve(alphas, np.stack(columns, axis=1), dtype="float64")
    return make.result(
        choices={"recipe": "deep_linear", "endpoints": kind},
        config={"model": {"depth": 2, "width": 1}, "endpoints": ends_config},
        curves={"train/deterministic": seen, "train/theory": replace(seen, source="theory")},
        numbers=numbers,
        statements=[f"train, line {s}: Proven." for s in range(len(starts))],
        seeds=len(starts),
    )


def small_starts(*sums: float) -> Result:
    starts = np.array([[z / 2 + 0.002, z / 2 - 0.002] for z in sums])
    return two_weights(starts, np.ones_like(starts))


def test_a_larger_start_misses_nine_and_the_note_says_how_often() -> None:
    verdict = pick(fig09.judge([small_starts(0.001, 0.018)]), "9e")
    assert verdict.holds is False and "in 1 of 2 seeds" in verdict.measured
    assert float(verdict.measured.split()[2]) == pytest.approx(9 - 12 * 0.018, abs=0.01)
    z = np.random.default_rng(0).normal(size=(100_000, 2)).sum(axis=1)
    assert (np.abs(12 * z * 0.01) > 0.2).mean() == pytest.approx(0.24, abs=0.005) and "24 %" in verdict.note


@pytest.mark.parametrize(
    ("job", "checks"),
    [
        (small_starts(0.001, 0.015, 0.01), set()),
        (small_starts(0.5), {"9a", "9b", "9c", "9e"}),
        (small_starts(-0.05), {"9a", "9b", "9e", "9-proof"}),  # uphill at first: the wrong branch
        (two_weights((0.001, 0.001), (1.01, 1.0)), {"9d", "9e", "9-proof"}),
    ],
)
def test_what_breaks_figure_9(job: Result, checks: set[str]) -> None:
    assert failing(fig09.judge([job])) == checks
    job.numbers["train/theory_deviation"] = [1e-9] * len(job.seeds)
    assert failing(fig09.judge([job])) == checks | {"9-theory"}


def test_figure_9_reads_the_slope_off_the_polynomial() -> None:
    measured = pick(fig09.judge([small_starts(0.01)]), "9b").measured
    a = np.array([0.007, 0.003])
    assert float(measured.split()[-1]) == pytest.approx(-2 * (1 - a.prod()) * (a.sum() - 2 * a.prod()), rel=0.01)


def test_a_smoke_training_short_of_a_solution_is_not_judged() -> None:
    short = replace(two_weights((0.01, 0.02), (0.03, 0.04), np.linspace(0, 2, 13)), scale="smoke")
    told = {v.check: v.holds for v in fig09.judge([short])}
    assert told == {"9a": True, "9b": None, "9c": None, "9d": None, "9e": None, "9-theory": True, "9-proof": True}
    assert {"9c", "9d", "9e"} <= failing(fig09.judge([replace(short, scale="full")]))
    random = replace(short, choices={"endpoints": "large_random"})
    assert pick(fig10.judge([random]), "10c").holds is None


def test_figure_9_draws_measurement_theory_and_limit_once_each() -> None:
    figure = fig09.draw([small_starts(*np.linspace(0.001, 0.02, 8))])
    assert len(figure.axes) == 3
    assert labels(figure)[:4] == ["measured", "exact", "exact minimum", "start → 0: (1 - α²)²"]
    assert labels(figure)[4:] == ["its inflection, α = 1/√3", "exact, each seed", "J(2) = 9 ± 0.2"]
    assert "proven strictly decreasing on [0, 1]: 8 of 8 lines" in figure._supxlabel.get_text()
    nothing_is_cut_off(figure)
    assert "\nProven." in fig09.draw([small_starts(0.001)])._supxlabel.get_text()


def same_branch(height: float = 0.0, joined: float = 0.0, start: Any = (2.0, 0.5), end: Any = (0.5, 2.0)) -> Result:
    """(2, 1/2) to (1/2, 2); ``height`` is added to J, ``joined`` to the curve of solutions."""
    made = two_weights(start, end, np.linspace(-0.3, 1.3, 161), "same_branch", start=start, end=end)
    a = np.linspace(0, 1, 101)
    weights = np.exp((1 - a) * np.log(start)[:, None] + a * np.log(end)[:, None])
    curves = {key: replace(curve, objective=curve.objective + height) for key, curve in made.curves.items()}
    curves["train/geometric"] = Curve(a, ((1 - weights.prod(axis=0)) ** 2 + joined)[:, None], dtype="float64")
    return replace(made, curves=curves)


def large_start(start: Any = (-6.0, 0.5)) -> Result:
    return two_weights(start, (1.0, 1.0), kind="large_start", start=list(start), end=[1.0, 1.0])


def large_random(num: int = 64, sigma: float = 30.0) -> Result:
    """Starts of this scale, said to be of 30."""
    starts = sigma * np.random.default_rng(1).normal(size=(num, 2))
    return two_weights(starts, np.ones_like(starts), np.linspace(0, 1, 401), "large_random", scale=30.0)


def test_the_left_panel_wants_one_barrier_of_a_known_height() -> None:
    for start, size in (((2.0, 0.5), 1.5), ((4.0, 0.25), 3.75)):
        verdicts = fig10.judge([same_branch(start=start, end=start[::-1])])
        assert len(verdicts) == 5 and all(v.holds for v in verdicts)
        height = f"{size**4 / 16:.8g}"
        barrier = pick(verdicts, "10a-barrier")
        assert f"J(0.5) = {height}" in barrier.measured and height in barrier.expected
        assert pick(verdicts, "10a").claim.endswith(f"{size**4:g} α² (1 - α)²")
    assert failing(fig10.judge([same_branch(height=2e-12)])) >= {"10a"}
    assert failing(fig10.judge([same_branch(joined=2e-12)])) == {"10a-connected"}
    none = same_branch()
    none.numbers.update({"train/extremum_1_is_minimum": [1.0], "train/proven_num_maxima": [0.0]})
    assert failing(fig10.judge([none])) == {"10a-barrier", "10a-proof"}
    assert {v.check for v in fig10.judge([same_branch(end=[0.5, 1.9])])} == {"10a-proof", "10-theory"}  # no solution


def test_the_large_start_has_its_second_zero_outside() -> None:
    verdicts = fig10.judge([large_start()])
    assert all(v.holds for v in verdicts) and len(verdicts) == 5
    assert "-1.14286" in pick(verdicts, "10b-second").measured and "16" in pick(verdicts, "10b-start").measured
    crossing = fig10.judge([large_start((-6.0, -1.0))])  # A = 14, second zero at 5/14
    assert failing(crossing) == {"10b", "10b-second", "10b-proof"}
    assert "0.357143" in pick(crossing, "10b-second").measured


def test_random_starts_refute_the_caption_and_keep_the_exact_shares() -> None:
    verdicts = fig10.judge([large_random(400)])
    sums = 30 * np.random.default_rng(1).normal(size=(400, 2))
    alone = int(((sums.sum(axis=1) < 2) == (sums.prod(axis=1) < 1)).sum())  # theory A1: the sign of kappa + 1
    assert pick(verdicts, "10c").holds is False and f"on {alone} of 400 lines" in pick(verdicts, "10c").measured
    share = pick(verdicts, "10c-share")
    assert share.holds is True and f"{alone} of 400" in share.measured and "0.5188" in share.claim
    assert pick(verdicts, "10c-decreasing").holds is True
    assert pick(fig10.judge([large_random(400, 1.0)]), "10c-share").holds is False  # not the scale it says
    assert pick(fig10.judge([large_random(8)]), "10c-share").holds is None
    assert pick(fig10.judge([large_random(4, 0.01)]), "10c").holds is True
    lost = pick(fig10.judge([replace(large_random(4), training_status=["diverged"] * 4)]), "10c")
    assert (lost.holds, lost.measured) == (None, "no usable line")
    unknown = large_random(4)
    for key in [key for key in unknown.numbers if "extremum" in key or "num_m" in key[-10:]]:
        del unknown.numbers[key]
    assert pick(fig10.judge([unknown]), "10c").holds is None


def test_a_rounded_solution_does_not_count_as_a_rise() -> None:
    job = large_random()
    proven, tops = (np.array(job.numbers[f"train/proven_{key}"]) for key in ("decreasing", "num_maxima"))
    job.numbers["train/proven_decreasing"] = [0.0] * 64  # each zero a rounding before the end, none with a maximum
    verdict = pick(fig10.judge([job]), "10c-decreasing")
    assert verdict.measured.startswith(f"{int(proven.sum())} of 64") and verdict.measured.endswith(": 0")
    job.numbers["train/proven_num_maxima"] = (tops + 1).tolist()
    assert pick(fig10.judge([job]), "10c-decreasing").measured.startswith("0 of 64")


def test_figure_10_has_a_panel_per_job_in_order() -> None:
    figure = fig10.draw([large_random(), same_branch(), large_start()])
    left, middle, right = figure.axes
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log", "log"]
    assert left.get_title(loc="left") == "between two solutions\n(2, 0.5) to (0.5, 2)"
    assert "(-6, 0.5)" in middle.get_title(loc="left") and "64 large random" in right.get_title(loc="left")
    assert right.get_ylabel() == "J(θ(α)) / J(θ(0))"
    lines = [line for line in right.lines if len(line.get_xdata()) == 401]
    assert len(lines) == 64 and all(line.get_ydata()[0] == 1 for line in lines)
    assert "along a curve of solutions" in labels(figure) and len(labels(figure)) == 9
    nothing_is_cut_off(figure)
    assert len(fig10.draw([large_start()]).axes) == 1


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 3.0, 30.0, 1000.0])
def test_shares_of_random_starts_are_those_of_theory(sigma: float) -> None:
    assert share_without_second_minimum(sigma) == pytest.approx(scalar.share_without_second_minimum(sigma), abs=1e-9)
    assert share_decreasing(sigma) == pytest.approx(scalar.share_decreasing(sigma), abs=1e-9)


def test_shares_of_random_starts_are_those_of_a_count() -> None:
    a = 2 * np.random.default_rng(2).normal(size=(2, 400_000))
    kappa = (1 - a[0]) * (1 - a[1]) / (1 - a[0] * a[1])
    assert (kappa >= -1).mean() == pytest.approx(share_without_second_minimum(2.0), abs=0.004)
    assert (np.abs(kappa) <= 1).mean() == pytest.approx(share_decreasing(2.0), abs=0.004)
    for share in (share_decreasing, share_without_second_minimum):
        with pytest.raises(ValueError, match="sigma=0"):
            share(0)


@pytest.mark.parametrize(
    ("module", "job", "about_all"),
    [(fig09, small_starts(0.001, 0.015, 0.01), "9-theory 9-proof"), (fig10, large_random(20), "10-theory 10c")],
)
def test_lines_that_cannot_be_used_are_left_out(module: Any, job: Result, about_all: str) -> None:
    lost = with_a_lost_seed(job)
    wanted, found = (module.judge([one]) for one in (job, lost))
    assert [(v.check, v.holds, v.measured) for v in found] == [(v.check, v.holds, v.measured) for v in wanted]
    assert all("seed lost left out" in pick(found, check).note for check in about_all.split())
    module.draw([lost])
    assert fig09.proven(with_a_lost_seed(small_starts(0.001, 0.015, 0.01)))[0].endswith("[0, 1]: 3 of 4 lines")
