"""Figure 13: an arc off the line, and what counts as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig13_maxout_residual as fig13


def job(make: Any, seeds: int = 1, **shape: Any) -> Any:
    return make.result(
        seeds=seeds, curves={}, learning_curve=None, projections={"trajectory": make.track(seeds, **shape)}
    )


def judged(make: Any, made: Any, check: str) -> Any:
    return make.pick(fig13.judge([made]), check, "trajectory")


def test_one_track_with_its_solution_and_the_null_arc(make: Any) -> None:
    figure = fig13.draw([job(make)])
    (axes,) = figure.axes
    labels = [line.get_label() for line in axes.lines]
    assert labels == ["maxout", "solution θ_f, at (L, 0)", "random walk of the same length"]
    track, star, walk = axes.lines
    assert track.get_marker() == "o" and len(track.get_xdata()) == 41
    np.testing.assert_allclose((star.get_xdata()[0], star.get_ydata()[0]), (34.4, 0))
    x, r = walk.get_xdata(), walk.get_ydata()
    assert max(r[x < 34.3]) == pytest.approx(17.2, rel=1e-3)  # the half circle over L
    assert r[-1] == pytest.approx(34.4 * (10 / 30) ** 0.5, rel=1e-3)  # 10 epochs past a best epoch of 30
    assert axes.get_aspect() == 1.0
    assert [text.get_text() for text in axes.texts][:3] == ["1", "2", "3"]


def test_each_seed_is_a_track_of_its_own(make: Any) -> None:
    made = replace(job(make, 3), training_status=["stopped", "diverged", "stopped"])
    (axes,) = fig13.draw([made]).axes
    tracks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_label() for line in tracks] == ["maxout, seed 0", "maxout, seed 2"]
    assert len(fig13.draw([make.result()]).axes) == 1 and fig13.judge([make.result()]) == []  # no trajectory


@pytest.mark.parametrize("which", ["start", "best", "residual"])
def test_ends_off_their_place_break_13a(make: Any, which: str) -> None:
    made = job(make)
    track = made.projections["trajectory"]
    target = {"start": (track.projection, 0), "best": (track.projection, 30), "residual": (track.residual_norm, 30)}
    array, row = target[which]
    array[row, 0] += 0.01
    verdict = judged(make, made, "13a-ends")
    assert verdict.holds is False
    assert "0.00029 L" in verdict.measured


@pytest.mark.parametrize(
    ("drift", "holds", "calibrated"), [(0.015, True, True), (0.05, False, True), (0.2, False, False)]
)
def test_a_leaning_tail_is_judged_by_two_percent(make: Any, drift: float, holds: bool, calibrated: bool) -> None:
    made = job(make)
    track = made.projections["trajectory"]
    track.projection[31:, 0] = 34.4 * (1 + drift * np.linspace(0.1, 1, 10))
    verdict = judged(make, made, "13a-tail")
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert f"{100 * drift:.1f} %" in verdict.measured
    track.residual_norm[31:, 0] = track.residual_norm[31:, 0][::-1]
    assert judged(make, made, "13a-tail").holds is False  # it does not grow


def test_two_humps_or_a_flat_arc_break_13b(make: Any) -> None:
    made = job(make)
    made.projections["trajectory"].residual_norm[5, 0] *= 0.8
    verdict = judged(make, made, "13b")
    assert verdict.holds is False and "2 maxima" in verdict.measured
    assert judged(make, job(make, bulge=0.2), "13b").holds is False
    assert judged(make, job(make, bulge=0.6), "13b").holds is False


def test_too_few_points_are_not_judged(make: Any) -> None:
    assert judged(make, job(make, last=9, best=3), "13b").holds is None
    assert judged(make, job(make, last=33), "13a-tail").holds is None
    track = replace(job(make).projections["trajectory"], best_epoch=np.array([30.5]))  # that one was not saved
    verdicts = fig13.judge([replace(job(make), projections={"trajectory": track})])
    assert [v.holds for v in verdicts] == [None, None, None, True, None, None]


@pytest.mark.parametrize(
    ("scale", "holds", "calibrated"), [(0.9, True, True), (0.95, False, True), (1.2, False, False)]
)
def test_13c_is_judged_by_a_third(make: Any, scale: float, holds: bool, calibrated: bool) -> None:
    made = job(make)
    track = made.projections["trajectory"]
    track.residual_norm[:] *= scale * 0.37 * track.parameter_norm.max() / track.residual_norm.max()
    verdict = judged(make, made, "13c")
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated)
    assert f"ρ = {0.37 * scale:.3f}" in verdict.measured


def test_what_is_only_reported_is_computed(make: Any) -> None:
    made = job(make)
    track = made.projections["trajectory"]
    share = track.projection[1:, 0] / np.hypot(track.projection[1:, 0], track.residual_norm[1:, 0])
    first = int(np.flatnonzero(share < 2 / 3)[-1]) + 2
    assert f"from epoch {first} on" in judged(make, made, "13c-epochs").measured
    x, r = track.projection[1:30, 0] / 34.4, track.residual_norm[1:30, 0] / 34.4
    assert f"mean {(x * (1 - x) - r**2).mean():.3f}" in judged(make, made, "13-thales").measured


def test_a_seed_that_stopped_early_is_judged_up_to_its_end(make: Any) -> None:
    made = job(make, 2)
    track = made.projections["trajectory"]
    for values in (track.projection, track.residual_norm, track.parameter_norm):
        values[36:, 1] = np.nan
    assert [v.holds for v in fig13.judge([made])][:4] == [True] * 4
    assert "in 2 of 2 seeds" in judged(make, made, "13c").measured


def test_13c_says_what_is_the_tail_s_and_asks_for_a_norm_that_training_made(make: Any) -> None:
    made = job(make, last=120, best=30, bulge=0.2)
    track = made.projections["trajectory"]
    text = judged(make, made, "13c").measured
    until = float(track.residual_norm[:31].max() / track.parameter_norm.max())
    assert f"up to θ_f {until:.3f}, so ρ is that of the tail" in text
    for norm in (track.parameter_norm + 300.0, np.full_like(track.parameter_norm, 60.0)):
        still = replace(made, projections={"trajectory": replace(track, parameter_norm=norm)})
        verdict = judged(make, still, "13c")
        assert verdict.holds is None and "at the start" in verdict.measured
