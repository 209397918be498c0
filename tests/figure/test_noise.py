"""What verdicts and panels say of noise, and that they say nothing of curves without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from landscape.figure import claims, fig01_maxout, fig06_conv_maxout, fig08_lstm, panel, style
from landscape.figure.checks import judge_job
from landscape.figure.monotone_runs import rate, runs_of
from landscape.result.curve import Array

from . import conftest as make
from .conftest import with_noise, words
from .test_ext01 import job


def step(height: float) -> Callable[[Array], Array]:
    """The plain descent with one sample that lies higher than the one before it."""
    before, after = make.descent(np.array([3 / 9, 4 / 9]))
    return lambda a: make.descent(a) + (before - after + height) * (np.abs(a - 4 / 9) < 1e-6)


@pytest.mark.parametrize(
    ("error", "rounding", "text"),
    [
        (2e-4, 1e-9, "; rise of 0.001 nats larger than the noise (3 standard errors 0.0006, rounding 1e-09)"),
        (4e-4, 1e-9, "; rise of 0.001 nats within the noise (3 standard errors 0.0012, rounding 1e-09)"),
        (1e-9, 6e-4, "; rise of 0.001 nats within the noise (3 standard errors 3e-09, rounding 0.0006)"),
        (np.nan, 4e-4, "; rise of 0.001 nats larger than the noise (rounding 0.0004)"),
    ],
)
def test_monotonicity_is_said_beside_the_noise(error: float, rounding: float, text: str) -> None:
    """What holds stays as it is: the threshold is the paper's reproduction's own."""
    risen = make.swap(make.result("maxout"), step(1e-3), "train/deterministic")
    jobs = (risen, with_noise(risen, error, rounding))
    old, new = (make.pick(judge_job([claims.monotone()], one, "m"), "1b", "train", "deterministic") for one in jobs)
    assert new == replace(old, measured=old.measured + text) and old.holds is False


def test_without_a_rise_nothing_is_added() -> None:
    plain = make.result("maxout")
    assert judge_job([claims.monotone()], with_noise(plain, 1e-4), "m") == judge_job([claims.monotone()], plain, "m")


def test_a_fall_beyond_the_minimum_is_one_of_j() -> None:
    back = make.swap(make.result("maxout"), lambda a: make.descent(a) - 0.05 * (a > 2.05), "train/stochastic")
    text = make.pick(
        judge_job([claims.one_minimum_at_solution()], with_noise(back, 1e-4), "m"), "1c", "train", "stochastic"
    ).measured
    fall = make.descent(make.NINTHS[18:19])[0] - make.descent(make.NINTHS[19:])[0] + 0.05
    assert f"fall of {fall:.2g} nats larger than the noise (3 standard errors 0.0003, rounding 1e-09)" in text


def test_the_language_model_says_it_too() -> None:
    risen = make.swap(make.result("lstm"), step(0.01), "train/deterministic")
    texts = {v.subject: v.measured for v in fig08_lstm.judge([with_noise(risen, 1e-3)]) if v.check == "8b"}
    assert [subject for subject, text in texts.items() if "rise of 0.01 nats larger than the noise" in text] == [
        "lstm, train, deterministic"
    ]


def test_a_barrier_near_the_start() -> None:
    zoom = np.linspace(0, 0.1, 11)
    curve = replace(
        make.curve(lambda a: make.descent(a) + 0.02 * np.sin(np.pi * np.minimum(a / 0.08, 1)), zoom),
        mode="deterministic",
    )
    start = replace(make.result("conv_maxout"), curves={"train/deterministic": curve})
    for error, word in ((1e-3, "larger than"), (1e-2, "within")):
        found = {v.check: v.measured for v in fig06_conv_maxout.judge([with_noise(start, error)])}
        for check in ("6b", "6d"):
            assert f"; height of 0.019 nats {word} the noise" in found[check]
    assert "noise (" not in {v.check: v.measured for v in fig06_conv_maxout.judge([start])}["6d"]


def test_a_rate_counts_the_rises_within_the_noise() -> None:
    jobs = [job([0.0, 0.3, 0.002]), job([0.5])]
    assert str(rate("x", runs_of(jobs))).startswith("x: 3 of 4, 75 %")
    assert "noise" not in str(rate("x", runs_of(jobs)))
    assert str(rate("x", runs_of([with_noise(one, 0.01) for one in jobs]))).endswith(", 1 of them within the noise")


def test_the_band_lies_around_the_line_of_one_seed() -> None:
    plain = make.result("maxout")
    result = with_noise(plain, 0.05)
    figure, grid = style.new(1, 1)
    panel.draw_splits(grid[0][0], result, ("train",))
    patch, _ = (c for c in grid[0][0].collections if isinstance(c, PolyCollection))
    points = patch.get_paths()[0].vertices
    values = result.curves["train/stochastic"].objective[:, 0]
    ends = [points[:, 1].min(), points[:, 1].max()]
    assert ends == pytest.approx([values.min() - 0.1, values.max() + 0.1])
    figures = [figure, fig01_maxout.draw([result])]  # the second of two splits
    figures += [fig01_maxout.draw([one]) for one in (plain, with_noise(make.result("maxout", seeds=2), 0.05))]
    assert [words(each.axes[0]).count("band: 95 % over examples") for each in figures] == [1, 1, 0, 0]
