"""Extension 7: what is said of conditioning and noise, where it holds and where it just does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import ext07_conditioning, sweep
from landscape.result.saved import Result

from . import conftest as make
from .conftest import CROSS_ENTROPY, labels, titles

ALPHAS = np.linspace(0, 1, 6)
FINE = {
    "lambda_max": 30.0,
    "lambda_2": 20.0,
    "lambda_min": -0.1,
    "lambda_max_error": 1e-7,
    "trace": 60.0,
    "peak_ratio": 400.0,
    "noise_scale": 200.0,
    "cosine": 0.4,
    "line_curvature": 0.1,
}
"""Where everything that the sentence says is so, lr 0.1 and batches of 50."""


def job(is_training: bool, seeds: int = 2, optimizer: str = "landscape.training.Momentum", **changed: float) -> Result:
    """One row of the figure; NaN after the second seed's last point of training."""
    config = {
        "cost": CROSS_ENTROPY,
        "optimizer": {"_target_": optimizer, "lr": 0.1, "momentum": 0.0},
        "training": {"batch_size": 50, "momentum_schedule": {"start": 0.5, "end": 0.7, "epochs": 10}},
    }
    values = FINE | changed
    made = make.result("digits", seeds=seeds, config=config)
    if not is_training:
        metrics = {name: np.full((len(ALPHAS), seeds), value) for name, value in values.items()}
        curve = replace(make.curve(alphas=ALPHAS, seeds=seeds, mode="deterministic"), metrics=metrics, num_examples=700)
        return replace(made, curves={"train/deterministic": curve}, overrides=["measurement=curvature"])
    track = make.track(seeds=seeds, last=8, best=6)
    metrics = {name: np.full(track.projection.shape, value) for name, value in values.items()}
    for array in metrics.values():
        array[7:, 1:] = np.nan
    track = replace(track, metrics=metrics)
    return replace(made, curves={}, projections={"curvature": track}, overrides=["measurement=curvature_of_training"])


def test_a_row_per_job_and_a_line_for_what_bounds_it() -> None:
    jobs = [job(False), job(True)]
    figure = ext07_conditioning.draw(jobs)
    assert [title.partition(",")[2].strip() for title in titles(figure)] == ["on the line"] * 4 + [
        "during training"
    ] * 4
    assert {"λ_max", "λ_min", "the next leading ones", "examples of a minibatch"} <= set(labels(figure))
    bound = next(line for line in figure.axes[4].get_lines() if line.get_label().startswith("2 (1 + μ)"))
    assert bound.get_ydata()[0] == pytest.approx(2 * 1.7 / 0.1)
    top = next(line for line in figure.axes[4].get_lines() if line.get_label() == "λ_max")
    np.testing.assert_allclose(top.get_ydata(), 30.0)
    assert "on the line, on 700 examples, eigenvalues are within 1e-07" in figure.get_supxlabel()
    assert "during training, on all training examples" in figure.get_supxlabel()
    capped = replace(jobs[1], caps=["measured train examples 1200 -> 400"])
    assert "during training, on 400 examples" in ext07_conditioning.draw([capped]).get_supxlabel()
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in figure.legends[0].get_lines()}
    assert len(looks) == len(figure.legends[0].get_lines())  # no two mean different things and look alike
    assert all(v.holds for v in ext07_conditioning.judge(jobs))
    assert {v.check for v in ext07_conditioning.judge(jobs)} == {"ext07", *(f"ext07{k}" for k in "abcdef")}
    make.nothing_is_cut_off(figure)


@pytest.mark.parametrize(
    ("changed", "check", "holds"),
    [
        ({"peak_ratio": 100.0}, "ext07a", True),
        ({"peak_ratio": 99.0}, "ext07a", False),
        ({"line_curvature": -3.0}, "ext07b", True),
        ({"line_curvature": -3.1}, "ext07b", False),
        ({"lambda_max": 17.0, "lambda_min": 0.0}, "ext07c", True),
        ({"lambda_max": 16.9, "lambda_min": 0.0}, "ext07c", False),
        ({"noise_scale": 50.1}, "ext07d", True),
        ({"noise_scale": 50.0}, "ext07d", False),
        ({"lambda_min": -3.0}, "ext07e", True),
        ({"lambda_min": -3.1}, "ext07e", False),
        ({"cosine": 0.01}, "ext07f", True),
        ({"cosine": 0.0}, "ext07f", False),
    ],
)
def test_each_threshold_is_where_it_is_said(changed: dict[str, float], check: str, holds: bool) -> None:
    verdicts = ext07_conditioning.judge([job(False, **changed), job(True, **changed)])
    assert {v.holds for v in verdicts if v.check == check} == {holds}
    others = {v.check for v in verdicts if v.holds is not True}
    assert others <= {check, "ext07"}
    sentence = make.pick(verdicts, "ext07")
    assert sentence.holds is (holds or check in ("ext07b", "ext07f"))


def test_without_a_bound_or_points_between_nothing_is_said() -> None:
    adam = ext07_conditioning.judge([job(True, optimizer="torch.optim.Adam")])
    assert {v.check for v in adam if v.holds is None} == {"ext07c", "ext07"}
    assert "no bound known" in make.pick(adam, "ext07c").measured
    ends = job(False)
    two = {key: curve.at(np.array([0.0, 1.0])) for key, curve in ends.curves.items()}
    assert {v.holds for v in ext07_conditioning.judge([replace(ends, curves=two)])} == {None}


def test_the_figure_of_anything_shows_curvature_too() -> None:
    """With all eigenvalues where their density was asked for."""
    one = job(False, seeds=1)
    places = np.tile(np.linspace(-1, 30, 50)[:, None, None], (1, len(ALPHAS), 1))
    spectrum: dict[str, Any] = {"eigenvalue": places, "density": np.exp(-np.abs(places))}
    curves = {key: replace(curve, spectrum=spectrum) for key, curve in one.curves.items()}
    figure = sweep.draw([replace(one, curves=curves)])
    wanted = ["ends of the spectrum, on the line", "noise of the gradient, on the line", "all eigenvalues, on the line"]
    assert [title for title in titles(figure) if "on the line" in title] == wanted
    assert "ends of the spectrum, during training" in titles(sweep.draw([job(True, seeds=1)]))
