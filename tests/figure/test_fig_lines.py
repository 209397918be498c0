"""Figures 1 to 3: rows, panels and overlays of the line from start to solution."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig01_maxout, fig02_sigmoid_relu, fig03_overlay
from landscape.figure.module import figure_module
from landscape.result import Result

from . import conftest as make
from .conftest import titles, words


def test_fig01_has_a_row_per_recipe_with_the_adversarial_one_on_top() -> None:
    adversarial = make.result("maxout_adversarial")
    clean = adversarial.curves["train/stochastic"]
    clean = replace(clean, metrics={"clean_objective": clean.objective * 0.8})
    adversarial.curves["train/stochastic"] = clean
    figure = fig01_maxout.draw([make.result("maxout"), adversarial])
    assert len(figure.axes) == 4
    top, learning, bottom, _ = figure.axes
    assert top.get_title(loc="left").startswith("adversarially trained maxout")
    assert bottom.get_title(loc="left").startswith("maxout")
    assert (top.get_xlabel(), learning.get_xlabel()) == ("α", "epoch")
    assert {axes.get_yscale() for axes in figure.axes} == {"linear"}
    assert all("nats" in axes.get_ylabel() for axes in figure.axes)
    assert words(bottom) == ["training", "validation", "training, no dropout", "validation, no dropout"]
    assert words(top) == [*words(bottom), "training, clean examples only"]
    assert words(learning) == ["training", "validation", "best epoch"]
    rules = [line.get_xdata()[0] for line in bottom.lines if len(line.get_xdata()) == 2]
    assert sorted(set(rules)) == [0.0, 1.0]
    training = bottom.lines[words(bottom).index("training")]
    np.testing.assert_array_equal(training.get_xdata(), make.NINTHS)
    np.testing.assert_allclose(training.get_ydata(), make.descent(make.NINTHS))
    dashes = {str(line._dash_pattern) for line in bottom.lines if line.get_label() in words(bottom)}
    assert len(dashes) == 4  # told apart without colour


def test_fig01_draws_what_there_is() -> None:
    assert len(fig01_maxout.draw([make.result("maxout")]).axes) == 2
    assert len(fig01_maxout.draw([make.result("maxout", learning_curve=None)]).axes) == 1
    deterministic = make.result("relu")
    assert words(fig01_maxout.draw([deterministic]).axes[0]) == ["training", "validation"]


def test_several_seeds_are_a_median_and_a_band() -> None:
    job = make.result("maxout", seeds=3, training_status=["stopped", "stopped", "diverged"])
    job = make.swap(job, make.descent, "train/stochastic", seeds=3, spread=0.1)
    figure = fig01_maxout.draw([job])
    left, right = figure.axes
    assert figure.legends[0].get_title().get_text() == "line: median of 2 seeds, band: all"
    assert len(left.collections) == 4  # those of the twins are fainter
    values = job.curves["train/stochastic"].objective[:, :2]
    np.testing.assert_allclose(left.lines[0].get_ydata(), values.mean(axis=1))
    corners = left.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose([corners[:, 1].min(), corners[:, 1].max()], [values.min(), values.max()])
    assert words(right) == ["training", "validation", "best epoch of each seed"]
    assert "maxout: seed 2 left out: its training diverged" in figure._supxlabel.get_text()
    lost = fig01_maxout.draw([replace(job, training_status=["diverged"] * 3)])
    assert [text.get_text() for text in lost.axes[0].texts] == ["nothing to draw: no usable seed"]


def test_fig02_asks_for_an_exact_start() -> None:
    job = make.swap(make.result("sigmoid"), lambda a: make.descent(a) + 1e-4, "train/stochastic")
    verdicts = fig02_sigmoid_relu.judge([job])
    assert make.pick(verdicts, "1a", "train", "stochastic").holds is False
    assert make.pick(verdicts, "1a", "train", "deterministic").holds is True
    assert {v.check for v in verdicts} == {"1a", "1b", "1c", "1d"}  # no plateau without the other network


def test_fig02_compares_plateaus() -> None:
    key = "train/stochastic"

    def plateau(recipe: str, power: float, steep: float = 7.0, other: float = 0.0) -> Any:
        """Two seeds of a plateau of this power, the second of the other one where it is given."""
        job = make.swap(make.result(recipe, seeds=2), lambda a: make.descent(a, 0.02, steep, power), key, seeds=2)
        if other:
            job.curves[key].objective[:, 1] = make.descent(make.NINTHS, power=other)
        return job

    def verdict(*jobs: Any) -> Any:
        return make.pick(fig02_sigmoid_relu.judge(jobs), "2", "stochastic")

    long, short = plateau("sigmoid", 4.0), plateau("relu_dropout", 2.0)
    for jobs, holds, calibrated in (
        ((short, long), True, True),
        ((plateau("sigmoid", 2.0), plateau("relu_dropout", 4.0)), False, True),
        ((plateau("sigmoid", 1.0, 90.0), plateau("relu_dropout", 1.0, 99.0)), False, False),
        # One ReLU seed with a longer plateau than one sigmoid seed is enough to break it.
        ((plateau("relu_dropout", 2.0, other=7.0), long), False, True),
        ((short, plateau("sigmoid", 4.0, other=1.2)), False, True),
        # Half a hundredth of the line lies below what ninths resolve.
        ((plateau("sigmoid", 3.1), plateau("relu_dropout", 3.0)), None, True),
    ):
        found = verdict(*jobs)
        assert (found.holds, found.calibrated_holds) == (holds, calibrated)
    assert found.measured.startswith("too close to call: sigmoid 0.")
    figure = fig02_sigmoid_relu.draw([short, long])
    assert titles(figure) == ["sigmoid", "ReLU with dropout"]  # whatever their order


def test_fig03_overlays_on_a_logarithmic_axis() -> None:
    jobs = [make.result(recipe) for recipe in ("maxout", "relu_dropout", "sigmoid")]
    figure = fig03_overlay.draw(jobs)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert words(axes) == ["maxout", "ReLU with dropout", "sigmoid", "dotted: validation"]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 20]
    assert len(curves) == 6
    assert len({line.get_color() for line in curves}) == 3
    assert len(figure.legends) == 1


def test_fig03_claims() -> None:
    jobs = [make.result(recipe) for recipe in ("maxout", "relu_dropout", "sigmoid")]
    jobs[1] = make.swap(jobs[1], lambda a: make.descent(a) + 0.006, "train/stochastic")
    verdicts = fig03_overlay.judge(jobs)
    assert [(v.check, v.subject) for v in verdicts if not v.holds] == [("3b", "all, train, stochastic")]
    assert {v.check for v in fig03_overlay.judge(jobs[:1])} == {"3a", "3c"}


WIDE = np.arange(-7, 22) / 14


def of_seeds(recipe: str, num: int, ends: str = "init_to_solution") -> Result:
    """One job of so many seeds, with a trajectory; between solutions of their pairs."""
    job = make.choose(make.result(recipe, seeds=num, projections={"trajectory": make.track(num)}), endpoints=ends)
    config = {**job.config, "recipe": recipe, "training": {"num_seeds": num, "first_seed": 0}}
    if ends == "between_solutions":
        job = replace(job, seeds=["0-1", "0-2", "1-2"], curves=make.curves(lambda a: (a * (1 - a)) ** 2, WIDE, 3))
    return replace(job, config=config)


def one_by_one(job: Result) -> list[Result]:
    """The same seeds as jobs of their own, as a sweep over ``training.first_seed`` gives them."""
    told = [{**job.config, "training": {"num_seeds": 1, "first_seed": k}} for k in range(job.num_columns)]
    return [
        replace(job.columns([k]), config=config, overrides=[*job.overrides, f"training.first_seed={k}"])
        for k, config in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("figure", "nets", "told"),
    [
        ("fig01_maxout", ["maxout 3", "maxout_adversarial 1"], {"3 seeds"}),
        ("fig02_sigmoid_relu", ["sigmoid 1", "relu_dropout 3"], {"3 seeds", "3 pairs"}),
        ("fig03_overlay", ["maxout 3", "relu_dropout 1", "sigmoid 2"], {"3 seeds", "2 seeds"}),
        ("fig04_resolution", ["relu 3"], {"3 seeds"}),
        ("fig05_two_solutions", ["maxout 3 between_solutions", "maxout 2 random_to_solution"], {"3 pairs", "2 seeds"}),
        ("fig13_maxout_residual", ["maxout 3"], {"3 seeds"}),
    ],
)
def test_seeds_of_one_job_and_jobs_of_one_seed_are_the_same_figure(
    figure: str, nets: list[str], told: set[str]
) -> None:
    """Nets with any numbers of seeds beside each other; a verdict on several says in how many it holds."""
    module = figure_module(f"landscape.figure.{figure}")
    jobs = [of_seeds(recipe, int(num), *ends) for recipe, num, *ends in map(str.split, nets)]
    found = module.judge(jobs)
    assert found == module.judge([one for job in jobs for one in one_by_one(job)])
    assert set(re.findall(r"of (\d (?:seeds|pairs))", " ".join(verdict.measured for verdict in found))) == told
    module.draw(jobs)


def test_fig03_says_how_many_seeds_where_that_differs() -> None:
    figure = fig03_overlay.draw([of_seeds("maxout", 3), of_seeds("sigmoid", 1)])
    assert words(figure.axes[0])[:2] == ["maxout, 3 seeds", "sigmoid, 1 seed"]
    assert figure.legends[0].get_title().get_text() == "line: median of 1 to 3 seeds, band: all"
    alike = of_seeds("maxout", 3)
    for curve in alike.curves.values():
        curve.objective[:] = curve.objective[:, :1]
    told = fig03_overlay.draw([alike]).legends[0].get_title().get_text()
    assert told == "line: median of 3 seeds, all lie within its width"


def test_panels_that_are_to_be_compared_have_one_range() -> None:
    high = make.swap(make.result("sigmoid"), lambda a: 1.5 * make.descent(a), "valid/stochastic")
    panels = fig02_sigmoid_relu.draw([high, make.result("relu_dropout")]).axes
    assert panels[0].get_ylim() == panels[1].get_ylim()
    higher = make.swap(high, lambda a: 50 * make.descent(a), "valid/stochastic")  # it would flatten the other
    panels = fig02_sigmoid_relu.draw([higher, make.result("relu_dropout")]).axes
    assert panels[0].get_ylim()[1] > 5 * panels[1].get_ylim()[1]
