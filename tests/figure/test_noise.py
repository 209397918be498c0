"""What verdicts and panels say of noise, and that they say nothing of curves without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from landscape.figure import claims, fig01_maxout, fig06_conv_maxout, fig08_lstm, panel, style
from landscape.figure.checks import judge_job
from landscape.figure.monotone_runs import rate, runs_of
from landscape.result.curve import Array
from landscape.result.saved import Result
from tests.figure.test_ext01 import job
from tests.forged import forge

NINTHS = np.arange(20) / 9


def noisy(result: Result, error: float, rounding: float = 1e-9) -> Result:
    """The same with this standard error of every difference, and a band of two of them."""

    def of(curve: Any) -> Any:
        num_alphas, num = curve.objective.shape
        apart = (1 - np.eye(num_alphas))[:, :, None]
        above = curve.objective - curve.objective[np.argmin(np.abs(curve.alphas))]
        found = {
            "floor": np.full(num, rounding),
            "errors": error * apart * np.ones(num),
            "low": above - 2 * error,
            "high": above + 2 * error,
        }
        return replace(curve, noise=found)

    return replace(result, curves={name: of(curve) for name, curve in result.curves.items()})


def step(make: Any, height: float) -> Callable[[Array], Array]:
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
def test_monotonicity_is_said_beside_the_noise(make: Any, error: float, rounding: float, text: str) -> None:
    """What holds stays as it is: the threshold is the paper's reproduction's own."""
    risen = make.swap(make.result("maxout"), step(make, 1e-3), "train/deterministic")
    old = make.pick(judge_job([claims.monotone()], risen, "m"), "1b", "train", "deterministic")
    new = make.pick(judge_job([claims.monotone()], noisy(risen, error, rounding), "m"), "1b", "train", "deterministic")
    assert new == replace(old, measured=old.measured + text) and old.holds is False


def test_without_a_rise_nothing_is_added(make: Any) -> None:
    plain = make.result("maxout")
    assert judge_job([claims.monotone()], noisy(plain, 1e-4), "m") == judge_job([claims.monotone()], plain, "m")


def test_a_fall_beyond_the_minimum_is_one_of_j(make: Any) -> None:
    back = make.swap(make.result("maxout"), lambda a: make.descent(a) - 0.05 * (a > 2.05), "train/stochastic")
    text = make.pick(
        judge_job([claims.one_minimum_at_solution()], noisy(back, 1e-4), "m"), "1c", "train", "stochastic"
    ).measured
    fall = make.descent(NINTHS[18:19])[0] - make.descent(NINTHS[19:])[0] + 0.05
    assert f"fall of {fall:.2g} nats larger than the noise (3 standard errors 0.0003, rounding 1e-09)" in text


def test_the_language_model_says_it_too(make: Any) -> None:
    risen = make.swap(make.result("lstm"), step(make, 0.01), "train/deterministic")
    texts = {v.subject: v.measured for v in fig08_lstm.judge([noisy(risen, 1e-3)]) if v.check == "8b"}
    assert [subject for subject, text in texts.items() if "rise of 0.01 nats larger than the noise" in text] == [
        "lstm, train, deterministic"
    ]


def test_a_barrier_near_the_start(make: Any) -> None:
    zoom = np.linspace(0, 0.1, 11)
    curve = replace(
        make.curve(lambda a: make.descent(a) + 0.02 * np.sin(np.pi * np.minimum(a / 0.08, 1)), zoom),
        mode="deterministic",
    )
    start = replace(make.result("conv_maxout"), curves={"train/deterministic": curve})
    for error, word in ((1e-3, "larger than"), (1e-2, "within")):
        found = {v.check: v.measured for v in fig06_conv_maxout.judge([noisy(start, error)])}
        for check in ("6b", "6d"):
            assert f"; height of 0.019 nats {word} the noise" in found[check]
    assert "noise (" not in {v.check: v.measured for v in fig06_conv_maxout.judge([start])}["6d"]


def test_a_rate_counts_the_rises_within_the_noise() -> None:
    jobs = [job([0.0, 0.3, 0.002]), job([0.5])]
    assert str(rate("x", runs_of(jobs))).startswith("x: 3 of 4, 75 %")
    assert "noise" not in str(rate("x", runs_of(jobs)))
    assert str(rate("x", runs_of([noisy(one, 0.01) for one in jobs]))).endswith(", 1 of them within the noise")


def test_the_band_lies_around_the_line_of_one_seed(make: Any) -> None:
    result = noisy(make.result("maxout"), 0.05)
    figure, grid = style.new(1, 1)
    panel.draw_splits(grid[0][0], result, ("train",))
    patch, _ = (c for c in grid[0][0].collections if isinstance(c, PolyCollection))
    points = patch.get_paths()[0].vertices
    values = result.curves["train/stochastic"].objective[:, 0]
    assert points[:, 1].max() == pytest.approx(values.max() + 0.1) and points[:, 1].min() == pytest.approx(
        values.min() - 0.1
    )
    assert grid[0][0].get_legend_handles_labels()[1].count("band: 95 % over examples") == 1
    figure = fig01_maxout.draw([result])
    assert figure.axes[0].get_legend_handles_labels()[1].count("band: 95 % over examples") == 1  # of two splits
    for other in (make.result("maxout"), noisy(make.result("maxout", seeds=2), 0.05)):
        labels = fig01_maxout.draw([other]).axes[0].get_legend_handles_labels()[1]
        assert "band: 95 % over examples" not in labels


def test_a_result_keeps_its_noise(make: Any, tmp_path: Path) -> None:
    result = noisy(make.result("maxout", seeds=2), 1e-3)
    result.save(tmp_path)
    again = Result.load(tmp_path).curves
    for name, curve in result.curves.items():
        assert again[name].noise.keys() == curve.noise.keys()
        assert all(np.array_equal(again[name].noise[key], values) for key, values in curve.noise.items())


def test_a_result_of_an_earlier_version_has_none(make: Any, tmp_path: Path) -> None:
    make.result("maxout").save(tmp_path)
    forge(tmp_path, lambda entries: [curve.pop("noise") for curve in entries["curves"].values()])
    assert '"noise"' not in (tmp_path / "result.json").read_text()
    assert all(curve.noise == {} for curve in Result.load(tmp_path).curves.values())
