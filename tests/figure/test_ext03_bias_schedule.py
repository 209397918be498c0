"""Extension 3: whose plateau is longer, by how the biases go, by the size of the start and by depth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import ext03_bias_schedule as ext03
from landscape.result.curve import Array
from landscape.result.saved import Result

from . import conftest as make
from .conftest import labels, titles

ALPHAS = np.linspace(0, 1, 201)
SCHEDULE = {"_target_": "landscape.path.BiasSchedule"}
STRAIGHT, HOMOGENEOUS = {**SCHEDULE, "power": 1}, {**SCHEDULE, "power": None}


def held(length: float) -> Array:
    """1, then a straight fall to 0 of which a tenth is over at ``length``; one that ends early where that is < 0.1."""
    if length < 0.1:
        return np.clip(1 - ALPHAS / (10 * length), 0, 1)
    begin = (length - 0.1) / 0.9
    return np.clip((1 - ALPHAS) / (1 - begin), 0, 1)


def job(
    lengths: list[float], path: Any = STRAIGHT, bias: bool = True, depth: int = 2, scale: float = 1.0, *overrides: str
) -> Result:
    """Lines whose error stays up for ``lengths`` of the way, one per seed; J stays up for 0.1 more."""
    curve = make.curve(alphas=ALPHAS, seeds=len(lengths), mode="deterministic", dtype="float64")
    error = np.stack([0.9 * held(length) for length in lengths], axis=1)
    objective = np.stack([2.3 * held(length + 0.1) for length in lengths], axis=1)
    curves = {"train/deterministic": replace(curve, objective=objective, metrics={"error": error})}
    model = {"widths": [100] * depth, "init_scale": scale, "bias": bias}
    config = {"model": model, "path": path}
    made: Result = make.result("digits", curves=curves, config=config, seeds=len(lengths), overrides=list(overrides))
    return made


@pytest.mark.parametrize(
    ("homogeneous", "holds", "worst"),
    [([0.2, 0.31], True, "0.310"), ([0.2, 0.6], False, "0.600"), ([0.2, 0.495], False, "0.495")],
    ids=["shorter in both", "longer in one", "within the margin in one"],
)
def test_homogeneous_biases_must_shorten_every_seeds_plateau(homogeneous: Any, holds: bool, worst: str) -> None:
    (verdict,) = ext03.judge([job([0.4, 0.5]), job(homogeneous, HOMOGENEOUS)])
    assert (verdict.check, verdict.holds, verdict.note) == ("ext03a", holds, "")
    assert f"0.500 (straight biases) against {worst} (homogeneous biases)" in verdict.measured
    assert verdict.subject == "error, 2 hidden layers, init × 1"


def test_each_claim_can_hold_and_fail() -> None:
    def sweep(sign: int) -> list[Result]:
        return [
            job([0.5]),
            job([0.5 - 0.1 * sign], bias=False),
            job([0.5 - 0.1 * sign], HOMOGENEOUS),
            job([0.5 + 0.1 * sign], scale=0.25),
            job([0.5 + 0.2 * sign], depth=4),
        ]

    for sign in (1, -1):
        found = ext03.judge(sweep(sign))
        told = {(v.check, v.subject.split(", ")[0]): v.holds for v in found}
        both = [(f"ext03{letter}", channel) for letter in "cd" for channel in ("J", "error")]
        assert told == dict.fromkeys([("ext03a", "error"), ("ext03b", "error"), *both], sign == 1)
        assert len({(v.check, v.subject) for v in found}) == len(found)
    deeper = make.pick(ext03.judge(sweep(1)), "ext03d", "J", "straight biases", "init × 1")
    assert deeper.measured == "0.800 (4 hidden layers) against 0.600 (2 hidden layers)"


def test_only_jobs_that_differ_in_one_thing_are_compared() -> None:
    assert ext03.judge([job([0.5])]) == []
    assert ext03.judge([job([0.5]), job([0.2], HOMOGENEOUS, True, 4)]) == []
    slow = job([0.5], STRAIGHT, True, 2, 1.0, "optimizer.lr=0.01")
    assert ext03.judge([slow, job([0.2], HOMOGENEOUS, True, 2, 1.0, "optimizer.lr=0.1")]) == []
    (alike,) = ext03.judge([slow, job([0.2], HOMOGENEOUS, True, 2, 1.0, "optimizer.lr=0.01")])
    assert alike.holds is True and "optimizer" not in alike.subject


def test_what_cannot_be_told_is_not_judged() -> None:
    flat = job([0.5])
    curve = flat.curves["train/deterministic"]
    flat = replace(flat, curves={"train/deterministic": replace(curve, metrics={"error": 0 * curve.objective + 0.9})})
    (verdict,) = ext03.judge([flat, job([0.2], HOMOGENEOUS)])
    assert verdict.holds is None and "not positive" in verdict.note
    both = [job([0.5]), job([0.2], HOMOGENEOUS)]
    (verdict,) = ext03.judge([replace(item, scale="smoke") for item in both])
    assert verdict.holds is None
    (verdict,) = ext03.judge([job([0.05]), job([0.02], HOMOGENEOUS)])
    assert verdict.holds is None and "no plateau to compare" in verdict.note  # faster than an even fall


def test_a_column_per_net_and_a_dot_where_each_plateau_ends() -> None:
    jobs = [job([0.5, 0.6]), job([0.3, 0.4], HOMOGENEOUS), job([0.7, 0.8], depth=4)]
    figure = ext03.draw(jobs)
    assert titles(figure)[:2] == ["2 hidden layers, init × 1", "4 hidden layers, init × 1"]
    assert labels(figure) == ["straight biases", "homogeneous biases"]
    dots = [np.asarray(item.get_xdata()).item() for item in figure.axes[2].get_lines() if item.get_marker() == "o"]
    assert dots == pytest.approx([0.55, 0.35], abs=1e-3)
