"""Rates of monotone runs: which runs count, how they are grouped, and when a claim is decided."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import ext01_monotonicity as ext01
from landscape.figure.monotone_runs import Rate, Run, halves, once, rate, runs_of
from landscape.result.curve import Curve
from landscape.result.curve.noise import wilson
from landscape.result.saved import Result

from . import conftest as make

ALPHAS = np.arange(50) / 49


def job(
    rises: list[float],
    optimizer: str = "torch.optim.SGD",
    lr: float = 0.1,
    norm: bool = False,
    depth: int = 2,
    treatment: str = "keep",
    end: float = 0.01,
    gauss: float = 1.0,
    length: float = 5.0,
    **changes: Any,
) -> Result:
    """Lines that fall from ln 10 to ``end`` and climb once, by the given amount, on the way."""
    down = np.linspace(math.log(10), end, 50)[:, None] + np.zeros(len(rises))
    down[20:] += rises + down[19] - down[20]  # a step up by each rise ...
    down[21:] -= (down[49] - end) * np.linspace(0, 1, 29)[:, None]  # ... made good by the end
    num = len(rises)
    config = {
        "model": {"batch_norm": norm, "widths": [100] * depth, "activation": {"_target_": "torch.nn.ReLU"}},
        "optimizer": {"_target_": optimizer, "lr": lr},
        "objective": {"running_statistics": treatment},
    }
    numbers = {"length": [length] * num, "norm_theta_i": [10.0] * num, "train/gauss_length": [gauss] * num}
    result = make.result("fully_connected", seeds=num, config=config, overrides=[f"optimizer.lr={lr}"], numbers=numbers)
    return replace(result, curves={"train/deterministic": Curve(ALPHAS, down)}, **changes)


def test_a_run_is_read_off_its_own_column() -> None:
    runs = runs_of([job([0.0, 0.3], "torch.optim.Adam", 0.02, True, 5, "recalibrate", gauss=2.0, length=7.0)])
    assert [run.rises for run in runs] == [False, True] and runs[1].rise == pytest.approx(0.3)
    assert runs[0] == Run("Adam", 0.02, "recalibrate", 5, "ReLU", 0.0, runs[0].end, 0.7, 2.0)
    assert runs[0].end == pytest.approx(0.01)


def test_the_thresholds_are_the_original_s() -> None:
    """A rise of exactly 1e-3 is none; a run that ends above 0.1 is not counted, nor one that diverged."""
    run = Run("SGD", 0.1, "", 2, "ReLU", 1e-3, 0.1, 1.0, 1.0)
    assert not run.rises and run.is_counted
    assert replace(run, rise=1.001e-3).rises and not replace(run, end=0.1001).is_counted
    lost = job([0.3, 0.3, 0.0], training_status=["diverged", "max_epochs", "max_epochs"])
    assert rate("x", runs_of([lost])) == Rate("x", 1, 2)
    assert rate("x", runs_of([job([0.3, 0.0], end=0.2)])) == Rate("x", 0, 0)


def test_a_rate_has_wilson_s_interval() -> None:
    item = rate("Adam", runs_of([job([0.3, 0.0, 0.0, 0.2, 0.0])]))
    assert item.interval == wilson(2, 5)
    low, high = (f"{100 * end:.0f}" for end in wilson(2, 5))
    assert str(item) == f"Adam: 2 of 5, 40 % [{low}, {high}]"
    assert Rate("x", 0, 0).interval == (0, 1) and str(Rate("x", 0, 0)) == "x: no run counted"


def test_each_network_counts_once() -> None:
    treated = [job([0.0], norm=True, treatment=t) for t in ("keep", "recalibrate", "interpolate")]
    runs = runs_of([job([0.0]), *treated])
    assert [run.treatment for run in once(runs)] == ["", "recalibrate"]
    assert [run.treatment for run in once(runs_of(treated[:1]))] == ["keep"]
    levels = dict(ext01.factors(runs))
    assert [r.counted for r in levels["optimizer"]] == [2] and len(levels["norm"]) == 4


def test_halves_split_at_the_median_of_the_counted() -> None:
    runs = runs_of([job([0.0], length=way) for way in (1.0, 2.0, 3.0, 4.0)] + [job([0.0], length=99.0, end=0.5)])
    short, long, middle = halves(runs, lambda run: run.distance)
    assert [r.distance for r in short] == [0.1, 0.2] and [r.distance for r in long] == [0.3, 0.4]
    assert middle == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("more", "less", "holds"),
    [((30, 40), (2, 40), True), ((2, 40), (30, 40), False), ((9, 40), (5, 40), None), ((0, 0), (5, 40), None)],
)
def test_a_claim_is_decided_where_intervals_lie_apart(more: Any, less: Any, holds: bool | None) -> None:
    verdict = ext01.compare(ext01.ADAM, job([0.0]), "on", Rate("more", *more), Rate("less", *less))
    assert verdict.holds is holds
    assert (holds is None) == verdict.note.startswith("not ")
    assert f"{more[0]} of {more[1]}" in verdict.measured or not more[1]


def sweep(adam: float, norm: float) -> list[Result]:
    """SGD never rises; Adam's and batch norm's 20 runs by so much; the rising runs are also the long, turning ones."""
    return [
        job([0.0] * 20, lr=0.01, length=2.0, gauss=0.5),
        job([adam] * 20, "torch.optim.Adam", 0.1, length=20.0, gauss=3.0),
        job([norm] * 20, lr=0.01, norm=True, treatment="recalibrate", length=3.0, gauss=0.6),
        job([0.2] * 20, lr=0.01, norm=True, treatment="keep", length=3.0, gauss=0.6),
    ]


def test_the_claims_of_a_sweep() -> None:
    found = ext01.judge(sweep(adam=0.2, norm=0.0))
    names = ("sgd", "adam", "lr", "distance", "gauss")
    others = {v.check: v.holds for v in found if v.check != "ext01-batch-norm"}
    assert others == dict.fromkeys((f"ext01-{name}" for name in names), True)
    norm = {v.subject: v.holds for v in found if v.check == "ext01-batch-norm"}
    # Here the runs without batch norm rise in half, by Adam: with exact statistics less often, with kept ones more.
    assert norm == {"running statistics: recalibrate": False, "running statistics: keep": True}
    level = ext01.judge(sweep(adam=0.0, norm=0.0))
    assert {v.holds for v in level if v.check in ("ext01-adam", "ext01-lr", "ext01-gauss")} == {None}


def test_one_job_is_judged_seed_by_seed() -> None:
    (verdict,) = ext01.judge([job([0.0, 0.3])])
    assert (verdict.check, verdict.holds) == ("ext01-run", False) and "0.3" in verdict.measured
    assert ext01.judge([job([0.0, 0.0])])[0].holds is True
    (unclear,) = ext01.judge([job([0.0], end=0.4)])
    assert unclear.holds is None and "J(1) = 0.4" in unclear.measured


@pytest.mark.parametrize("end", [0.01, 0.5], ids=["counted", "none counted"])
def test_the_figure_shows_every_level_and_both_relations(end: float) -> None:
    jobs = [replace(item, curves=job([0.2] * 20, end=end).curves) for item in sweep(0.2, 0.0)]
    rates, distance, gauss = ext01.draw(jobs).axes
    factors = "Adam|SGD|lr 0.01|lr 0.1|no batch norm|batch norm, kept|batch norm, recalibrated|2 hidden layers|ReLU"
    assert [tick.get_text() for tick in rates.get_yticklabels()] == factors.split("|")
    assert "%" in rates.get_xlabel() and "rad" in gauss.get_xlabel() and "theta_i" in distance.get_xlabel()
    shown = sum(len(item.get_xdata()) for item in distance.lines[:-1])
    assert shown == (80 if end < 0.1 else 0)


def test_the_figure_of_one_job_is_its_line() -> None:
    (axes,) = ext01.draw([job([0.0, 0.3])]).axes
    assert axes.get_xlabel() == "α" and len(axes.lines[0].get_xdata()) == 50
