"""The figure of any result: its panels follow from what the jobs hold, its claims from their endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from landscape.figure import sweep


def jobs(make: Any, num: int) -> list[Any]:
    rates = [0.01 * 2**k for k in range(num)]
    return [make.result("digits", overrides=[f"optimizer.lr={rate:g}", "training.max_epochs=3"]) for rate in rates]


def test_one_job_shows_both_splits_and_its_training(make: Any) -> None:
    job = make.result("digits", projections={"trajectory": make.track()})
    figure = sweep.draw([job])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "init to solution",
        "during training",
        "off the line",
    ]
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[:3] == ["training", "validation", "best epoch"]
    assert not any(axes.get_legend() for axes in figure.axes)


def test_several_jobs_share_panels_a_colour_each(make: Any) -> None:
    figure = sweep.draw(jobs(make, 9))
    assert len(figure.axes) == 3
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 20]
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 9
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["optimizer.lr=0.01", "optimizer.lr=0.02"]
    assert figure._supxlabel.get_text().split("\n")[1].startswith("set: optimizer.lr=0.01 | 0.02 | 0.04")


def test_the_axis_is_logarithmic_only_where_j_spans_decades(make: Any) -> None:
    def steep(a: Any) -> Any:
        return 0.1 + 1e4 * np.abs(1 - a) ** 3

    job = make.result("digits", learning_curve=None)
    assert sweep.draw([job]).axes[0].get_yscale() == "linear"
    assert sweep.draw([make.swap(job, steep, "train/deterministic")]).axes[0].get_yscale() == "log"


def test_a_result_without_arrays_is_said_to_be_empty(make: Any) -> None:
    (axes,) = sweep.draw([make.result("digits", curves={}, learning_curve=None)]).axes
    assert "nothing to draw" in axes.texts[0].get_text()


def test_claims_follow_the_endpoints(make: Any) -> None:
    job = make.result("digits")
    assert {v.check for v in sweep.judge([job])} == {"1a", "1b", "1c", "1d", "1e", "1f", "1g"}
    curves = {"train/deterministic": make.curve(alphas=np.linspace(-0.5, 1.5, 31), mode="deterministic")}
    between = replace(make.choose(job, endpoints="between_solutions"), curves=curves)
    assert {v.check for v in sweep.judge([between])} == {"5a", "5b", "5c"}
    random = make.choose(job, endpoints="random_to_solution")
    assert {v.check for v in sweep.judge([random])} == {"5d", "5d-ratio"}
    assert sweep.judge([make.choose(job, endpoints="checkpoints")]) == []
    tracked = make.result("digits", curves={}, learning_curve=None, projections={"trajectory": make.track()})
    assert {v.check for v in sweep.judge([tracked])} == {"13a-ends", "13a-tail", "13c", "13-thales"}


def test_verdicts_of_two_jobs_do_not_share_a_subject(make: Any) -> None:
    verdicts = sweep.judge(jobs(make, 2))
    assert len({(v.check, v.subject) for v in verdicts}) == len(verdicts)
    assert "digits, optimizer.lr=0.02, valid, deterministic" in {v.subject for v in verdicts}
