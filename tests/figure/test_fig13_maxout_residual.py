"""Figure 13: an arc off the line, and what counts as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig13_maxout_residual as fig13

from . import conftest as make


def job(seeds: int = 1, **shape: Any) -> Any:
    tracks = {"trajectory": make.track(seeds, **shape)}
    return make.result(seeds=seeds, curves={}, learning_curve=None, projections=tracks)


def judged(made: Any, check: str) -> Any:
    return make.pick(fig13.judge([made]), check, "trajectory")


def test_one_track_with_its_solution_and_the_null_arc() -> None:
    figure = fig13.draw([job()])
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


def test_each_seed_is_a_track_of_its_own() -> None:
    made = replace(job(3), training_status=["stopped", "diverged", "stopped"])
    (axes,) = fig13.draw([made]).axes
    tracks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_label() for line in tracks] == ["maxout, seed 0", "maxout, seed 2"]
    assert len(fig13.draw([make.result()]).axes) == 1 and fig13.judge([make.result()]) == []  # no trajectory


EPOCHS = np.arange(41)[:, None]


def leaning(drift: float) -> Any:
    return lambda t: {"projection": np.where(EPOCHS > 30, 34.4 * (1 + drift * (EPOCHS - 30) / 10), t.projection)}


def off(field: str, epoch: int) -> Any:
    return lambda t: {field: getattr(t, field) + 0.01 * (epoch == EPOCHS)}


def of_norm(rho: float) -> Any:
    """The largest residual is this much of the largest norm."""
    return lambda t: {"residual_norm": t.residual_norm * (rho * t.parameter_norm.max() / t.residual_norm.max())}


@pytest.mark.parametrize(
    ("check", "change", "holds", "calibrated", "text"),
    [
        ("13a-ends", off("projection", 0), False, None, "0.00029 L"),
        ("13a-ends", off("projection", 30), False, None, "0.00029 L"),
        ("13a-ends", off("residual_norm", 30), False, None, "0.00029 L"),
        ("13a-tail", leaning(0.015), True, True, "1.5 %"),  # judged by two percent
        ("13a-tail", leaning(0.05), False, True, "5.0 %"),
        ("13a-tail", leaning(0.2), False, False, "20.0 %"),
        ("13a-tail", lambda t: {"residual_norm": np.where(EPOCHS > 30, 2.0 - EPOCHS / 40, 0.0)}, False, False, "goes"),
        ("13b", lambda t: {"residual_norm": t.residual_norm * (1 - 0.2 * (EPOCHS == 5))}, False, None, "2 maxima"),
        ("13c", of_norm(0.333), True, True, "ρ = 0.333"),  # judged by a third
        ("13c", of_norm(0.3515), False, True, "ρ = 0.35"),
        ("13c", of_norm(0.444), False, False, "ρ = 0.444"),
        # Most of the norm is no work of training.
        ("13c", lambda t: {"parameter_norm": t.parameter_norm + 300.0}, None, None, "at the start"),
        ("13c", lambda t: {"parameter_norm": np.full_like(t.parameter_norm, 60.0)}, None, None, "at the start"),
    ],
)
def test_what_a_track_must_show(check: str, change: Any, holds: Any, calibrated: Any, text: str) -> None:
    track = job().projections["trajectory"]
    verdict = judged(replace(job(), projections={"trajectory": replace(track, **change(track))}), check)
    assert (verdict.holds, verdict.calibrated_holds) == (holds, calibrated) and text in verdict.measured


@pytest.mark.parametrize("bulge", [0.2, 0.6])
def test_a_flat_or_a_steep_arc_breaks_13b(bulge: float) -> None:
    assert judged(job(bulge=bulge), "13b").holds is False


def test_too_few_points_are_not_judged() -> None:
    assert judged(job(last=9, best=3), "13b").holds is None
    assert judged(job(last=33), "13a-tail").holds is None
    track = replace(job().projections["trajectory"], best_epoch=np.array([30.5]))  # that one was not saved
    verdicts = fig13.judge([replace(job(), projections={"trajectory": track})])
    assert [v.holds for v in verdicts] == [None, None, None, True, None, None]


def test_a_run_that_was_found_has_no_best_epoch_and_no_training_before_it() -> None:
    made = replace(job(), training_status=[])
    track = made.projections["trajectory"]
    heavy = replace(track, parameter_norm=track.parameter_norm + 300.0)
    jobs = [made, replace(made, projections={"trajectory": heavy}), replace(job(last=9, best=3), training_status=[])]
    for one in jobs:
        text = " ".join(map(str, fig13.judge([one])))
        assert "end of the line" in text and not any(w in text for w in ("best epoch", "θ_f", "solution", "training"))
    assert "end of the line, (L, 0)" in [line.get_label() for line in fig13.draw([made]).axes[0].lines]


@pytest.mark.parametrize("status", [[], ["stopped"]])
def test_two_points_lie_on_their_line_which_says_nothing(status: list[str]) -> None:
    verdict = judged(replace(job(last=1, best=1), training_status=status), "13c")
    assert verdict.holds is verdict.calibrated_holds is None and "two points always lie" in verdict.note


def test_what_is_only_reported_is_computed() -> None:
    made = job()
    track = made.projections["trajectory"]
    share = track.projection[1:, 0] / np.hypot(track.projection[1:, 0], track.residual_norm[1:, 0])
    first = int(np.flatnonzero(share < 2 / 3)[-1]) + 2
    assert f"from epoch {first} on" in judged(made, "13c-epochs").measured
    x, r = track.projection[1:30, 0] / 34.4, track.residual_norm[1:30, 0] / 34.4
    assert f"mean {(x * (1 - x) - r**2).mean():.3f}" in judged(made, "13-thales").measured


def test_a_seed_that_stopped_early_is_judged_up_to_its_end() -> None:
    made = job(2)
    track = made.projections["trajectory"]
    for values in (track.projection, track.residual_norm, track.parameter_norm):
        values[36:, 1] = np.nan
    assert [v.holds for v in fig13.judge([made])][:4] == [True] * 4
    assert "in 2 of 2 seeds" in judged(made, "13c").measured


def test_13c_says_what_is_the_tail_s() -> None:
    made = job(last=120, best=30, bulge=0.2)
    track = made.projections["trajectory"]
    text = judged(made, "13c").measured
    until = float(track.residual_norm[:31].max() / track.parameter_norm.max())
    assert f"up to θ_f {until:.3f}, so ρ is that of the tail" in text


def test_13c_tells_every_seed_its_ratio_up_to_the_solution_and_in_all() -> None:
    made = job(3, last=120, best=30, bulge=0.2)
    track = made.projections["trajectory"]
    rows = [(track.residual_norm[:n].max(axis=0) / np.nanmax(track.parameter_norm, axis=0)) for n in (121, 31)]
    told = ", ".join(f"{whole:.3f} ({until:.3f} up to θ_f)" for whole, until in zip(*rows, strict=True))
    assert judged(made, "13c").measured.endswith(f"of 3 seeds); each: {told}")
    assert "(worst of 3 seeds)" in judged(made, "13c-epochs").measured
