"""The figure of any result: its panels follow from what the jobs hold, its claims from their endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from landscape.figure import naming, sweep
from landscape.result.curve.noise import wilson

from .conftest import labels, titles
from .conftest import make_noisy as make


def jobs(num: int, seeds: int = 1) -> list[Any]:
    told = [[f"optimizer.lr={0.01 * 2**k:g}", "training.max_epochs=3"] for k in range(num)]
    return [make.result("digits", overrides=overrides, seeds=seeds) for overrides in told]


def test_one_job_shows_both_splits_and_its_training() -> None:
    job = make.result("digits", projections={"trajectory": make.track()})
    figure = sweep.draw([job])
    assert titles(figure) == ["init to solution", "during training", "off the line"]
    assert labels(figure)[:4] == ["training", "validation", "band: 95 % over examples", "best epoch"]
    assert not any(axes.get_legend() for axes in figure.axes)


def test_a_run_in_its_plane_is_drawn_there() -> None:
    """J at every saved point beside J on the line; what lies before the start of the line is not drawn."""
    track = make.track()
    beside = {"second_projection": 0.5 * track.residual_norm, "objective": 3 - track.projection / 20}
    found = make.result(
        "my",
        projections={"trajectory": replace(track, **beside)},
        learning_curve=None,
        training_status=[],
        numbers={"max_plane_distance": [3.44]},
        curves={key: one for key, one in make.curves().items() if key == "train/stochastic"},
    )
    figure = sweep.draw([make.with_noise(found)])
    assert titles(figure) == ["init to solution", "off the line", "the run beside the line"]
    points = {line.get_label(): line.get_data_3d() for line in figure.axes[-1].lines}
    x, z, values = points["J at the saved points"]
    np.testing.assert_allclose(x, track.projection[:, 0] / 34.4)
    np.testing.assert_allclose(z, beside["second_projection"][:, 0] / 34.4)
    assert (values == beside["objective"][:, 0]).all() and len(points["J on the line"][0]) == 20
    told = labels(figure)
    assert told[0] == "J on training examples" and {"band: 95 % over examples", "J at the saved points"} <= set(told)
    assert "the saved points lie up to 0.10 L beside the drawn plane" in figure._supxlabel.get_text()
    assert not any(axes.get_legend() for axes in figure.axes)


@pytest.mark.parametrize(
    ("status", "step", "words"),
    [(["max_epochs"], 1, "epochs"), ([], 1, "files counted from 0"), ([], 5, "as the files are called")],
)
def test_small_numbers_are_files_only_where_their_names_have_such(status: list[str], step: int, words: str) -> None:
    """Names that are in no order are counted 0, 1, 2, ...; a result does not know whether they were."""
    track = make.track()
    track = replace(track, epochs=step * track.epochs, best_epoch=step * track.best_epoch)
    told = {"curves": {}, "learning_curve": None, "projections": {"trajectory": track}, "training_status": status}
    (axes,) = sweep.draw([make.result("my", **told)]).axes
    assert axes.get_title(loc="right") == f"small numbers: {words}"
    points, beside = next(line for line in axes.lines if len(line.get_xdata()) == 41), axes.texts
    for text in beside:
        row = int(float(text.get_text()) / step)
        assert text.xy == (points.get_xdata()[row], points.get_ydata()[row])
    assert len(beside) > 2


def test_tracks_side_by_side_fit_into_their_panels() -> None:
    def found(end: str, length: float) -> Any:
        told = [f"endpoints.end={end}", f"endpoints.folder=f{length > 20:d}"]
        tracks = {"trajectory": make.track(length=length)}
        return make.result(overrides=told, curves={}, learning_curve=None, projections=tracks, training_status=[])

    lengths = [("a.pt", 10.0), ("b.pt", 20.0), ("a.pt", 30.0), ("b.pt", 90.0)]
    figure = sweep.draw([found(end, length) for end, length in lengths])
    panels = [axes for axes in figure.axes if "projection" in axes.get_xlabel()]
    assert len(panels) == 2
    for axes in panels:
        low, high = axes.get_ylim()
        assert low == 0 and all(np.max(line.get_ydata()) < high for line in axes.lines)


def test_one_ordered_key_is_coloured_in_its_order() -> None:
    """Values told in any order: a legend that ascends, colours that go one way, a curve per value, and the rate."""
    figure = sweep.draw(jobs(4)[::-1])
    split = ["init to solution, training", "init to solution, validation"]
    assert titles(figure) == [*split, "during training, validation", "not monotone on [0, 1]"]
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "optimizer.lr"
    assert labels(figure) == ["0.01", "0.02", "0.04", "0.08"]
    lightness = [sum(to_rgb(line.get_color())) for line in legend.get_lines()]
    assert lightness == sorted(lightness) and len(set(lightness)) == 4
    footer = figure._supxlabel.get_text().split("\n")
    assert footer[1].startswith("set: optimizer.lr=0.08 | 0.04 | 0.02 | 0.01; training.max_epochs=3")


def test_many_ordered_values_have_a_colour_bar() -> None:
    """Beyond eight a bar with the values at its ticks; beyond twelve values the footer names some."""
    figure = sweep.draw(jobs(14))
    assert not figure.legends
    (bar,) = [axes for axes in figure.axes if axes.get_ylabel() == "optimizer.lr"]
    words = [text.get_text() for text in bar.get_yticklabels()]
    assert words[:2] == ["0.01", "0.02"] and words[-1] == "81.9"
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 20]
    assert len({str(line.get_color()) for line in lines}) == 14
    assert "| … | 81.92 (14 values)" in figure._supxlabel.get_text()


def test_names_are_told_apart_by_colour_and_dashes_and_an_even_choice_of_many_is_drawn() -> None:
    kinds = [make.result("digits", overrides=[f"model.kind=k{k}"]) for k in range(20)]
    figure = sweep.draw(kinds)
    assert len(labels(figure)) == 12 and (labels(figure)[0], labels(figure)[-1]) == ("k0", "k19")
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 20]
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 12
    assert "curves of 12 of the 20 values of model.kind" in figure._supxlabel.get_text()
    rates = figure.axes[3]
    assert [text.get_text() for text in rates.get_xticklabels()] == [f"k{k}" for k in range(20)]


@pytest.mark.parametrize(("seeds", "outer", "words"), [(4, (0.0, 1.0), "all"), (12, (0.1, 0.9), "10 to 90 %")])
def test_line_and_band_are_quantiles_over_the_seeds(seeds: int, outer: Any, words: str) -> None:
    """The line is the median, the band all seeds or, of ten or more, all but the outermost tenths."""
    both = [make.result("digits", seeds=seeds, overrides=[f"optimizer.lr={lr}"]) for lr in (0.1, 0.2)]
    figure = sweep.draw(both)
    (legend,) = figure.legends
    assert legend.get_title().get_text() == f"optimizer.lr\nline: median of {seeds} runs, band: {words}"
    curve = both[0].curves["train/deterministic"]
    line = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 20)
    np.testing.assert_array_equal(line.get_ydata(), np.median(curve.objective, axis=1))
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    k = 5
    at = corners[np.isclose(corners[:, 0], curve.alphas[k])][:, 1]
    np.testing.assert_allclose([at.min(), at.max()], np.quantile(curve.objective[k], outer))


def test_rates_are_counted_per_value_with_wilsons_interval() -> None:
    """Two of three seeds rise at one value, none at the other; error bars end where the interval does."""
    good, bad = jobs(2, seeds=3)
    bad.curves["train/deterministic"].objective[5, :2] += 3.0
    axes = sweep.draw([good, bad]).axes[3]
    assert [text.get_text() for text in axes.texts] == ["0/3", "2/3", "0/3", "0/3"]
    assert "not monotone" in axes.get_title(loc="left")
    bars = [collection.get_segments()[0][:, 1] for collection in axes.collections]
    assert bars[1] == pytest.approx(np.multiply(100, wilson(2, 3)))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]


def test_jobs_that_differ_in_the_seed_alone_are_one_with_more_seeds() -> None:
    """Three jobs of two seeds are drawn by split, as a job of six seeds would be."""
    parts = [make.result("digits", seeds=2, overrides=[f"training.first_seed={k}"]) for k in (0, 2, 4)]
    figure = sweep.draw(parts)
    assert titles(figure) == ["init to solution", "during training"]
    assert figure.legends[0].get_title().get_text() == "line: median of 6 seeds, band: all"
    assert labels(figure) == ["training", "validation", "best epoch of each seed"]


def test_tracks_alone_are_coloured_too() -> None:
    """A residual sweep has no line: training and tracks are drawn, no rate is claimed."""
    found = [
        make.result("digits", curves={}, projections={"trajectory": make.track()}, overrides=[f"optimizer.lr={lr}"])
        for lr in (0.1, 0.2)
    ]
    assert titles(sweep.draw(found)) == ["during training, validation", "off the line"]


def test_the_axis_is_logarithmic_only_where_j_spans_decades() -> None:
    def steep(a: Any) -> Any:
        return 0.1 + 1e4 * np.abs(1 - a) ** 3

    job = make.result("digits", learning_curve=None)
    assert sweep.draw([job]).axes[0].get_yscale() == "linear"
    assert sweep.draw([make.swap(job, steep, "train/deterministic")]).axes[0].get_yscale() == "log"


def test_a_result_without_arrays_is_said_to_be_empty() -> None:
    (axes,) = sweep.draw([make.result("digits", curves={}, learning_curve=None)]).axes
    assert "nothing to draw" in axes.texts[0].get_text()


def test_claims_follow_the_endpoints() -> None:
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

    verdicts = sweep.judge(jobs(2))
    assert len({(v.check, v.subject) for v in verdicts}) == len(verdicts)
    assert "digits, optimizer.lr=0.02, valid, deterministic" in {v.subject for v in verdicts}


def test_a_model_that_the_command_chose_is_named_instead_of_the_recipe_s() -> None:
    """One net in the title, several told apart by their own names, and the recipes where they alone differ."""

    def job(model: str, *more: str, recipe: str = "digits") -> Any:
        made = make.choose(make.result("digits", overrides=[f"model={model}", *more]), model=model, data="own")
        return make.choose(made, recipe=recipe)

    assert sweep.draw([job("my_net")]).get_suptitle() == "my_net on own (full scale)"
    assert naming.names([job("a"), job("b")]) == ["a", "b"]
    assert naming.names([job("a", "optimizer.lr=1"), job("a", "optimizer.lr=2")], brief=True) == [
        "optimizer.lr=1",
        "optimizer.lr=2",
    ]
    assert naming.names([job("a"), job("a", recipe="relu")]) == ["a, digits", "a, relu"]
    unchosen = make.choose(make.result("digits"), model="relu_small")
    assert naming.names([unchosen]) == ["digits"]
