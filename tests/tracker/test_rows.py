"""Rows without any tracker: who is the axis, what has no key, who is called how."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape.result.curve import Curve, Surface
from landscape.tracker import rows
from tests.tracker import job

VALUES = st.one_of(st.floats(), st.just(math.nan), st.just(math.inf))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6))
def test_every_finite_value_has_its_key_and_no_other(values: list[tuple[float, float]]) -> None:
    """Reading the rows back gives the array, with NaN where it was not finite."""
    objective = np.array(values)
    alphas = np.linspace(-0.3, 1.7, len(values))
    logged = list(rows.curve_rows({"train/stochastic": Curve(alphas, objective)}, ["3", "8"]))
    back = np.full_like(objective, math.nan)
    for row in logged:
        (a,) = np.flatnonzero(alphas == row.pop("interpolation/alpha"))
        for key, value in row.items():
            back[a, {"seed3": 0, "seed8": 1}[key.removeprefix("interpolation/train.stochastic/objective/")]] = value
    np.testing.assert_array_equal(back, np.where(np.isfinite(objective), objective, math.nan))
    assert len(logged) == np.isfinite(objective).any(axis=1).sum()


def test_curves_on_different_alphas_share_the_axis() -> None:
    """A row holds exactly the curves that were evaluated at its alpha, and the rows rise."""
    one = Curve(np.array([0.0, 0.3]), np.array([[1.0], [2.0]]))
    two = Curve(np.array([0.2, 0.3]), np.array([[3.0], [4.0]]))
    a, b = "interpolation/one/objective/seed0", "interpolation/two/objective/seed0"
    x = "interpolation/alpha"
    assert list(rows.curve_rows({"one": one, "two": two}, ["0"])) == [
        {x: 0.0, a: 1.0},
        {x: 0.2, b: 3.0},
        {x: 0.3, a: 2.0, b: 4.0},
    ]


@pytest.mark.parametrize(
    ("seeds", "count", "trained", "expected"),
    [
        (["4", "5"], 2, False, ["seed4", "seed5"]),
        (["4", "5"], 2, True, ["seed4", "seed5"]),
        (["0-1"], 1, False, ["seed0-1"]),  # the curve between two solutions
        (["0-1"], 1, True, ["seed0"]),  # a training is never "between"
        (["4-5", "6-7"], 4, True, ["seed4", "seed5", "seed6", "seed7"]),  # training.first_seed=4
        (["4-5", "6-7"], 2, False, ["seed4-5", "seed6-7"]),
        (["0-1"], 2, True, ["seed0", "seed1"]),  # the two trainings behind that one line
        ([], 2, False, ["seed0", "seed1"]),
    ],
)
def test_columns_are_named_after_seeds(seeds: list[str], count: int, trained: bool, expected: list[str]) -> None:
    """The result's seeds name its columns where they fit; else columns are counted."""
    assert rows.labels(seeds, count, trained) == expected


def test_live_rows_equal_the_later_rows() -> None:
    """A live row and the row of the same epoch in the learning curve are the same row."""
    later = list(rows.learning_rows(job.result().learning_curve, job.result().seeds))
    assert [rows.epoch_row(row) for row in job.LIVE] == later[:2]
    assert later[2] == {"learning/epoch": 2.0, "learning/seed4/train/objective": 0.3}  # seed 5 had stopped


def test_each_seed_s_residual_lies_over_its_own_projection_in_time_order() -> None:
    """With more than one projection the name is part of the key, and so they do not mix."""
    p = job.result().projections["trajectory"]
    rows_of_one = list(rows.projection_rows({"a": p}, ["4", "5"]))
    for s, seed in enumerate(("4", "5")):
        keys = ["projection", "epoch", "step", f"residual_norm/seed{seed}", f"parameter_norm/seed{seed}"]
        found = [[row[f"residual/{k}"] for k in keys] for row in rows_of_one if f"residual/{keys[3]}" in row]
        expected = np.stack([p.projection[:, s], p.epochs, p.steps, p.residual_norm[:, s], p.parameter_norm[:, s]], 1)
        np.testing.assert_array_equal(found, expected[np.isfinite(expected).all(axis=1)])
    keys_of_two = {key for row in rows.projection_rows({"a": p, "b": p}, ["4", "5"]) for key in row}
    assert {"residual/a/residual_norm/seed4", "residual/b/residual_norm/seed5"} <= keys_of_two
    assert "residual/residual_norm/seed4" not in keys_of_two


def test_summary_has_numbers_and_counts() -> None:
    """Finite numbers only, one key per seed; verdicts are counted by outcome."""
    wanted = {"status": "done", "scale": "smoke", "device": "cpu", "seconds": 12.5, "largest_rise/seed4": 0.375}
    wanted |= {"ratio": 1.75, "verdicts/holding": 2, "verdicts/failing": 1, "verdicts/not_judged": 1}
    assert rows.summary(job.result()) == wanted


def test_surfaces_and_the_runs_beside_them_are_tables() -> None:
    values = np.arange(12.0).reshape(3, 2, 2)
    values[1, 0, 1] = math.nan
    path = {name: np.array([[0.5, 1.5], [0.25, math.nan]]) for name in ("first", "second", "objective", "beside")}
    surface = Surface(np.array([-1.0, 0.0, 1.0]), np.array([0.0, 2.0]), values, path=path | {"epochs": path["first"]})
    table = rows.surface_table({"train/deterministic": surface}, ["3", "8"])
    assert len(table) == 12 and all(len(row) == len(rows.SURFACE_COLUMNS) for row in table)
    assert ["train/deterministic", "seed8", 0.0, 0.0, None, None, None] in table
    assert ["train/deterministic", "seed3", 1.0, 2.0, 10.0, None, None] in table
    points = rows.path_table({"train/deterministic": surface}, ["3", "8"])
    assert [row[1] for row in points] == ["seed3", "seed3", "seed8"]
    assert all(len(row) == len(rows.PATH_COLUMNS) for row in points)
    assert rows.path_table({"x": Surface(surface.first, surface.second, values)}, []) == []


def test_a_stated_error_lies_beside_its_value() -> None:
    curve = Curve(np.array([0.0, 1.0]), np.array([[1.0], [2.0]]), noise={"bound": np.array([[0.0], [0.25]])})
    key = "interpolation/train.deterministic/bound/seed4"
    assert [row[key] for row in rows.curve_rows({"train/deterministic": curve}, ["4"])] == [0.0, 0.25]
    table = rows.curve_table({"a": curve}, ["4"])
    assert table == [["a", "seed4", 0.0, 1.0, None, 0.0], ["a", "seed4", 1.0, 2.0, None, 0.25]]
    assert list(rows.objective_lines({"a": curve}, ["4"])) == ["a seed4"]
