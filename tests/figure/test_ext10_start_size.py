"""Extension 10: who climbs over its start, by the start's size, the weights' range and what moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import ext10_start_size as ext10
from landscape.result.curve import Array
from landscape.result.saved import Result

from . import conftest as make
from .test_garbage import KINDS, LINES

ALPHAS = np.arange(13) / 12
START, LINE = "landscape.endpoints.ScaledStart", "landscape.path.PartialLine"


def job(
    *heights: float,
    times: float = 1,
    of_start: float = 1,
    only: Any = None,
    without: Any = None,
    falls: bool = True,
    spread: float = 1e-3,
    values: Array | None = None,
    **changes: Any,
) -> Result:
    """Lines that climb so high over their starts at the middle, one per seed, under four masks."""
    bump = np.sin(np.pi * ALPHAS) ** 2  # of height 1, then what falls to the solution
    columns = [2.3 + h * bump - falls * np.maximum(ALPHAS - 0.5, 0) * 2 for h in heights]
    objective = np.stack(columns, axis=1) if values is None else np.stack([values] * len(heights), axis=1)
    tilts = spread * np.array([-1.5, -0.5, 0.5, 1.5])[:, None, None]
    replicates = objective + tilts * ALPHAS[None, :, None]
    curve = replace(make.curve(alphas=ALPHAS, seeds=len(heights)), objective=objective, replicates=replicates)
    config = {
        "model": {"init_scale": times},
        "endpoints": {"_target_": START, "scale": of_start},
        "path": {"_target_": LINE, "only": only, "without": without},
    }
    line = f"vary.line={{times:{times},scale:{of_start},only:{only},without:{without}}}"
    made: Result = make.result(
        "conv_maxout",
        curves={"train/stochastic": curve},
        config=config,
        seeds=len(heights),
        overrides=["recipe=conv_maxout", line, *changes.pop("overrides", [])],
        **changes,
    )
    return make.choose(made, endpoints="scaled_start")


def sweep(sign: int, **changes: Any) -> list[Result]:
    """Nine lines of two seeds: as the guess has it (sign 1), or the other way round."""

    def level(steps: float) -> tuple[float, float]:
        return 0.05 + 0.012 * sign * steps, 0.06 + 0.012 * sign * steps

    starts = [job(*level(-steps), of_start=part, **changes) for steps, part in ((0, 1), (1, 0.5), (2, 0.25), (3, 0))]
    nets = [job(*level(steps), times=times, **changes) for steps, times in ((1, 2), (2, 4))]
    nets.append(job(*((-0.1, -0.1) if sign > 0 else level(-1)), times=0.5, **changes))
    biases = job(*((0.2, 0.3) if sign < 0 else (-0.2, -0.1)), only=["*.bias"], falls=False, **changes)
    weights = job(*((-0.1, -0.1) if sign < 0 else (0.05, 0.05)), without=["*.bias"], **changes)
    return [*nets, biases, *starts, weights]


@pytest.mark.parametrize("sign", [1, -1])
def test_each_claim_holds_one_way_and_fails_the_other(sign: int) -> None:
    found = ext10.judge(sweep(sign))
    assert [v.check for v in found] == ["ext10a"] * 3 + ["ext10b"] * 3 + ["ext10c", "ext10d", "ext10e", "ext10"]
    for verdict in found:
        assert verdict.holds is ((verdict.check in ("ext10d", "ext10e")) is (sign < 0)), verdict
        assert "of 2 seeds" in verdict.measured
    assert [v.subject.split(", ")[1] for v in found[:6]] == [
        *("from 0.5 against 1 of θ_i", "from 0.25 against 1 of θ_i", "from 0 against 1 of θ_i"),
        *("1 against 0.5 times the range", "2 against 1 times the range", "4 against 2 times the range"),
    ]
    told = {True: "6 of 6 parts hold, 0 do not", False: "0 of 6 parts hold, 6 do not"}[sign > 0]
    assert found[-1].measured.startswith(told)


def test_a_difference_within_the_masks_noise_is_not_called() -> None:
    """Heights at one alpha under the same masks: what all masks share cancels, what tells them apart does not."""
    own, other = job(0.05), job(0.049, of_start=0.5)
    verdict = make.pick(ext10.judge([own, other]), "ext10a")
    assert verdict.holds is True and "0.05 against 0.049 nats" in verdict.measured
    opposite = replace(
        other.curves["train/stochastic"], replicates=other.curves["train/stochastic"].replicates[::-1].copy()
    )
    verdict = make.pick(ext10.judge([own, replace(other, curves={"train/stochastic": opposite})]), "ext10a")
    assert verdict.holds is None and "too close to call" in verdict.note  # the masks' noise adds up


def test_without_a_barrier_nothing_is_explained() -> None:
    flat = [
        job(-0.1),
        job(-0.2, of_start=0.5),
        job(-0.2, times=0.5),
        job(0.2, only=["*.bias"], falls=False),
        job(-0.1, without=["*.bias"]),
    ]
    verdicts = ext10.judge(flat)
    assert {v.check for v in verdicts} == {"ext10a", "ext10b", "ext10c", "ext10d", "ext10e", "ext10"}
    assert all(v.holds is None and v.note for v in verdicts)
    still = job(0, 0, times=0.5, falls=False)  # it never left its start
    verdict = make.pick(ext10.judge([job(0.05, 0.06), still]), "ext10c")
    assert verdict.holds is None and "has not learnt" in verdict.note
    ends_higher = job(0.3, 0.3, without=["*.bias"], falls=False)
    assert make.pick(ext10.judge([job(0.05, 0.06), ends_higher]), "ext10e").holds is False
    assert ext10.judge(flat[1:]) == []  # without figure 6's own line there is nothing to compare with
    assert all(v.holds is None for v in ext10.judge(sweep(1, scale="smoke")))


@pytest.mark.parametrize("kind", sorted(set(KINDS) & set(LINES) - {"noise"}))
def test_no_claim_holds_of_garbage(kind: str) -> None:
    values = LINES[kind](ALPHAS)
    lines = [job(0, 0, values=values, times=t) for t in (0.5, 1, 2)]
    lines += [job(0, 0, values=values, of_start=0), job(0, 0, values=values, only=["*.bias"])]
    lines.append(job(0, 0, values=values, without=["*.bias"]))
    assert not [v for v in ext10.judge(lines) if v.holds]
    assert ext10.draw(lines).axes


def test_panels_show_the_lines_by_what_tells_them_apart() -> None:
    figure = ext10.draw(sweep(1))
    left, middle, right, last = figure.axes
    words = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in (left, middle, right)]
    assert words[0] == ["from 1 θ_i", "from 0.5 θ_i", "from 0.25 θ_i", "from 0 θ_i"]
    assert words[1] == [f"{times} × range" for times in ("0.5", "1", "2", "4")]
    assert words[2] == ["all", "biases alone", "weights alone"]
    assert len(last.get_xticks()) == 9
    assert len({axes.get_ylim() for axes in (left, middle, right)}) == 1
    other = replace(sweep(1)[0], config={"endpoints": {"_target_": "landscape.endpoints.BetweenSolutions"}})
    assert ext10.draw([other]).axes and ext10.judge([other]) == []
