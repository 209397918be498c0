"""Sweeps of several keys: the design, its maps and rates, and that the drawing stays readable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.errors import InputError
from landscape.figure import sweep
from landscape.figure.__main__ import main
from landscape.figure.sweep.keys import Design, keys_of, spread
from landscape.figure.sweep.number import chosen, norm_of, read_median, share_rising, table
from landscape.result.saved import Result

from .conftest import make_noisy as make
from .conftest import nothing_is_cut_off, titles, track

RISE = "train/deterministic/largest_rise"


def job(seeds: int = 2, rise: float = 0.0, **keys: Any) -> Result:
    """One job that was told these keys (two underscores are a dot); its number is ``rise`` plus the seed's index."""
    told = [f"{key.replace('__', '.')}={value}" for key, value in keys.items()]
    numbers = {RISE: [rise + s for s in range(seeds)], "test_error": [0.02] * seeds}
    made: Result = make.result(
        "digits", seeds=seeds, overrides=told, numbers=numbers, name="s", figure="landscape.figure.sweep"
    )
    return made


def grid(**axes: list[Any]) -> list[Result]:
    """A job per combination; the last key changes fastest."""
    combinations: list[dict[str, Any]] = [{}]
    for key, values in axes.items():
        combinations = [{**told, key: value} for told in combinations for value in values]
    return [job(rise=float(k), **told) for k, told in enumerate(combinations)]


def told(**columns: list[str]) -> list[dict[str, str]]:
    """Swept values, a list per key."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize(
    ("values", "expected", "words"),
    [
        (["0.1", "1e-3", "10"], ["1e-3", "0.1", "10"], ["0.001", "0.1", "10"]),
        (["[100, 100]", "[8, 8]", "[64]"], ["[64]", "[8, 8]", "[100, 100]"], ["[64]", "[8,8]", "[100,100]"]),
        (["tanh", "relu", ""], None, ["tanh", "relu", "not set"]),
        (["0.1", "null"], None, ["0.1", "null"]),
        (["8", "[8]"], None, ["8", "[8]"]),
        (["true", "false"], None, ["true", "false"]),
        (["0.9999", "0.99991", "1"], ["0.9999", "0.99991", "1"], ["0.9999", "0.99991", "1"]),
    ],
)
def test_values_are_ordered_where_they_have_an_order(values: list[str], expected: Any, words: list[str]) -> None:
    """Numbers and lists of numbers ascend, others stay as the jobs came; no two values are written alike."""
    (key,) = keys_of(told(k=values))
    assert key.is_ordered is (expected is not None)
    assert list(key.values) == (expected or values)
    assert list(key.words.values()) == words


def test_keys_that_change_together_are_one_and_seeds_are_none() -> None:
    """A batch size that follows the learning rate adds no axis; a seed never does."""
    swept = told(lr=["1", "2", "1"], training__first_seed=["0", "0", "5"], batch=["10", "20", "10"])
    swept = [{key.replace("__", "."): value for key, value in row.items()} for row in swept]
    (key,) = keys_of(swept)
    assert (key.name, key.also, key.label) == ("lr", ("batch",), "lr (and batch with it)")


def test_the_ordered_key_with_most_values_is_coloured() -> None:
    found = grid(model__kind=["a", "b", "c", "d"], optimizer__lr=[0.1, 0.2, 0.3], model__width=[8, 16])
    assert [key.name for key in Design.of(found).keys] == ["optimizer.lr", "model.kind", "model.width"]


def test_spread_keeps_both_ends() -> None:
    assert spread(list("abc"), 3) == list("abc")
    chosen = spread([str(k) for k in range(100)], 6)
    assert len(chosen) == len(set(chosen)) == 6 and (chosen[0], chosen[-1]) == ("0", "99")


def test_pooling_puts_columns_side_by_side() -> None:
    """Numbers and labels too, in the jobs' order; a shorter training is filled up with NaN."""
    first, second = job(2, 1.0), job(3, 5.0)
    status = ["stopped", "diverged", "stopped"]
    second = replace(second, training_status=status, learning_curve=make.history(3, last=20, best=10))
    both = first.beside(second)
    assert {curve.num_columns for curve in both.curves.values()} == {5}
    assert both.numbers[RISE] == [1.0, 2.0, 5.0, 6.0, 7.0]
    assert both.training_status == ["trained", "trained", "trained", "diverged", "trained"]
    assert both.learning_curve.channels["valid/objective"].shape == (41, 5)
    assert first.beside() is first


def test_curves_at_other_alphas_are_not_mixed() -> None:
    """They are put side by side where both were measured, and nowhere else: every value is one of its own job's."""
    key = "train/deterministic"
    first, second = job(), job()
    other = make.curve(alphas=np.linspace(0, 1, 7), seeds=2, mode="deterministic")
    (both,) = first.beside(replace(second, curves={key: other})).curves.values()
    np.testing.assert_array_equal(both.alphas, np.intersect1d(first.curves[key].alphas, other.alphas))
    assert 2 <= len(both.alphas) < len(other.alphas) and both.num_columns == 4
    for columns, own in (([0, 1], first.curves[key]), ([2, 3], other)):
        rows = np.isin(own.alphas, both.alphas)
        np.testing.assert_array_equal(both.columns(columns).objective, own.objective[rows])
    apart = make.curve(alphas=np.linspace(0.05, 0.95, 7), seeds=2, mode="deterministic")
    assert first.beside(replace(second, curves={key: apart})).curves == {}


def test_noise_stays_with_its_alphas() -> None:
    """[A, A, S] is cut along both; the floor is the whole curve's."""
    curve = job().curves["train/deterministic"]
    errors = np.arange(20.0)[:, None, None] * 100 + np.arange(20.0)[None, :, None] + np.zeros(2)
    cut = replace(curve, noise={**curve.noise, "errors": errors}).at(curve.alphas[[2, 5, 9]])
    np.testing.assert_array_equal(cut.noise["errors"][:, :, 0], [[202, 205, 209], [502, 505, 509], [902, 905, 909]])
    assert cut.noise["floor"].shape == (2,) and cut.noise["low"].shape == (3, 2)


def test_a_map_has_the_median_of_each_cell_and_a_hole_where_no_job_is() -> None:
    """Against the numbers themselves; a diverged seed is no part of its cell."""
    found = grid(optimizer__lr=[0.2, 0.1], model__width=[8, 16])
    found[0] = replace(found[0], training_status=["stopped", "diverged"])
    design = Design.of(found[:3])
    rows, columns = design.keys
    assert (rows.name, columns.name) == ("optimizer.lr", "model.width")
    (number, _) = chosen(design.results)
    values, words = table(rows, columns, design.cells([rows, columns]), read_median(number))
    np.testing.assert_array_equal(values, [[2.5, np.nan], [0.0, 1.5]])
    assert words == {(0, 0): "2.5", (1, 0): "0", (1, 1): "1.5"}


def test_two_keys_give_panels_maps_and_rates() -> None:
    found = grid(optimizer__lr=[0.1, 0.2, 0.3], model__kind=["a", "b"])[:5]
    figure = sweep.draw(found)
    assert [title.replace("\n", " ") for title in titles(figure)[:5]] == [
        "model.kind=a",
        "model.kind=b",
        "largest rise of J on [0, 1], training [nats], median",
        "test error [%], median",
        "runs not monotone on [0, 1], training",
    ]
    rise = figure.axes[2]
    assert sorted(text.get_text() for text in rise.texts) == ["0.5", "1.5", "2.5", "3.5", "4.5"]
    assert [text.get_text() for text in rise.get_yticklabels()] == ["0.1", "0.2", "0.3"]
    assert [axes.get_xlabel() for axes in figure.axes[5:]] == ["optimizer.lr", "model.kind"]
    assert "hatched: no run" in figure._supxlabel.get_text()
    assert "hatched" not in sweep.draw(grid(a=[1, 2], b=[1, 2]))._supxlabel.get_text()


def test_tracks_of_two_keys_stay_inside_their_panels() -> None:
    """The largest residual is in the last panel, and all share their axes from 0 on."""
    found = [
        replace(job(1, lr=lr, width=width), curves={}, learning_curve=None, projections={"trajectory": track(length=L)})
        for lr in (1, 2)
        for width, L in ((8, 2.0), (16, 30.0))
    ]
    panels = [axes for axes in sweep.draw(found).axes if axes.get_xlabel().startswith("projection")]
    for axes in panels:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        points = np.concatenate([np.asarray(line.get_xydata()) for line in axes.lines])
        assert low == 0 and points[:, 1].max() < high and left < points[:, 0].min() and points[:, 0].max() < right
    assert len(panels) == 2


def test_the_share_of_rising_runs_counts_seeds() -> None:
    bad = job(seeds=4)
    bad.curves["train/deterministic"].objective[5, 1:] += 3.0
    bad.curves["train/deterministic"].objective[6, 0] = np.nan  # not usable, so not judged
    assert share_rising("train")(bad) == (100.0, "3/3")
    assert share_rising("valid")(bad) == (0.0, "0/4")
    between = make.choose(bad, endpoints="between_solutions")
    assert np.isnan(share_rising("train")(between)[0])


@pytest.mark.parametrize(
    ("values", "kind", "ends"),
    [
        ([0, 1, 500], "Normalize", (0, 500)),
        ([1, 500, np.nan], "LogNorm", (1, 500)),
        ([2, 2], "Normalize", (2, 4)),
        ([np.nan], "Normalize", (0, 1)),
    ],
)
def test_colours_are_logarithmic_only_where_they_can_be(values: list[float], kind: str, ends: Any) -> None:
    norm = norm_of(np.array(values, dtype=float))
    assert (type(norm).__name__, (norm.vmin, norm.vmax)) == (kind, ends)


def test_a_third_key_gives_rows_and_a_fourth_is_pooled() -> None:
    """Panels are told apart by two keys; what else varied is said to be inside each curve."""
    found = grid(optimizer__lr=[0.1, 0.2, 0.3], model__kind=["a", "b"], model__norm=["n", "m"], model__w=[1, 2])
    figure = sweep.draw(found)
    assert titles(figure)[:4] == [f"model.kind={kind}\nmodel.norm={norm}" for norm in "nm" for kind in "ab"]
    assert "each curve and each cell runs over all values of model.w" in figure._supxlabel.get_text()
    rise = next(axes for axes in figure.axes if "largest rise" in axes.get_title(loc="left"))
    assert len(rise.texts) == 6  # rows lr, columns kind, one map per norm


@pytest.mark.usefixtures("blank_figures")
def test_numbers_are_chosen_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The full key or its last part; one that no result has is refused with those that there are, exit 2."""
    found = grid(a=[1, 2], b=[1, 2])
    assert [number.key for number in chosen(found)] == [RISE, "test_error"]
    assert [number.key for number in chosen(found, ["largest_rise", RISE])] == [RISE]
    with pytest.raises(InputError, match=r"no number 'nope'.*test_error"):
        chosen(found, ["nope"])
    with pytest.raises(InputError, match="needs two swept keys; these jobs vary b"):
        sweep.draw(found[:2], ["test_error"])
    for k, result in enumerate(found):
        result.save(tmp_path / f"job{k}")
    assert main([str(tmp_path), "--number", "nope"]) == 2
    assert "no number 'nope'" in capsys.readouterr().err and not (tmp_path / "figure.png").exists()
    assert main([str(tmp_path), "--number", "test_error"]) == 0
    for k, result in enumerate(found):
        replace(result, figure="landscape.figure.fig01_maxout").save(tmp_path / f"job{k}")
    assert main([str(tmp_path), "--number", "test_error"]) == 2
    assert "draws no map" in capsys.readouterr().err


@pytest.mark.slow
def test_a_large_sweep_is_not_cut_off() -> None:
    """10 learning rates by 6 widths by 8 seeds: nothing leaves the page, no title runs into another panel."""
    found = [job(8, optimizer__lr=0.001 * 2**k, model__width=w) for k in range(10) for w in (8, 16, 32, 64, 128, 256)]
    nothing_is_cut_off(sweep.draw(found))
