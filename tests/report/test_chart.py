"""The curves to zoom: nothing of a line is lost that a reader would look for, and all of it comes from the arrays."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from landscape.report import chart
from landscape.report.chart import charts, path_of, thinned
from landscape.result.curve import Array
from tests.figure.conftest import swap

from .conftest import job


def points(path: str) -> list[tuple[str, float, float]]:
    """The moves and lines of a path."""
    return [(m[0], float(m[1]), float(m[2])) for m in re.findall(r"([ML])([^,]+),(\S+)", path)]


@pytest.mark.parametrize("num", [3, 400, 401, 5000])
def test_a_thinned_line_keeps_its_ends_and_every_extremum_that_stands_out(num: int) -> None:
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=num))
    y[num // 3] = 1e3  # a spike of one point
    kept = thinned(y)
    assert (
        len(kept) <= chart.MAX_POINTS
        and kept == sorted(kept)
        and {0, num - 1, int(y.argmin()), int(y.argmax())} <= {*kept}
    )
    assert len(kept) == num or num > chart.MAX_POINTS


def test_a_gap_stays_a_gap() -> None:
    y = np.array([1.0, math.nan, 2.0, 3.0, math.inf])
    assert points(path_of(np.arange(5.0), y)) == [("M", 0, 1), ("M", 2, 2), ("L", 3, 3)]
    dense = np.sin(np.linspace(0, 9, 3000))
    dense[1500] = math.nan
    assert [move for move, _, _ in points(path_of(np.arange(3000.0), dense))].count("M") == 2


def test_lines_are_the_saved_arrays() -> None:
    """Of one job a chart with both splits, of several one for each split; J to seven digits, under one transform."""
    one = job(0.1, seeds=3)
    (along, *_) = charts([one])
    curve = one.curves["train/deterministic"]
    drawn = [line for line in along.lines if line.name.endswith("seed 1, training")]
    values = np.array([y for _, _, y in points(drawn[0].path)])
    expected = curve.objective[:, 1]
    assert len(drawn) == 1 and np.allclose(values, np.log10(expected) if along.is_log else expected, rtol=1e-6)
    titles = [item.title for item in charts([one, job(0.2, seeds=3)])]
    assert titles[:2] == ["J along the path, training", "J along the path, validation"]
    assert len(along.legend) == 2 and along.unit == ""


@pytest.mark.parametrize(
    ("values", "is_log", "may_log"), [((1e-3, 1.0), True, True), ((0.5, 2.0), False, True), ((-1.0, 1e5), False, False)]
)
def test_the_axis_is_logarithmic_where_j_spans_decades(
    values: tuple[float, float], is_log: bool, may_log: bool
) -> None:
    def straight(alphas: Array) -> Array:
        return np.geomspace(*values, len(alphas)) if values[0] > 0 else np.linspace(*values, len(alphas))

    one = replace(swap(job(0.1), straight, "train/deterministic"), learning_curve=None)
    one.curves.pop("valid/deterministic", None)
    (found,) = charts([one])
    assert (found.is_log, found.may_log) == (is_log, may_log) and len(found.y_ticks) >= 2
    assert all(chart.TOP <= at <= chart.BOTTOM for at, _ in found.y_ticks)


def test_of_too_many_lines_every_job_keeps_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "MAX_LINES", 4)
    found = charts([job(0.1 * k, seeds=3) for k in (1, 2, 3)])[0]
    assert len(found.lines) == 4 and {line.group for line in found.lines} == {0, 1, 2}
    assert found.notes == ["4 of 9 lines are drawn, each job's first seeds first"]


def test_nothing_to_draw_is_no_chart() -> None:
    empty = swap(job(0.1), lambda alphas: np.full(len(alphas), math.nan), "train/deterministic")
    assert not charts(
        [replace(empty, curves={"train/deterministic": empty.curves["train/deterministic"]}, learning_curve=None)]
    )
    flat = swap(job(0.1), lambda alphas: np.zeros(len(alphas)), "train/deterministic")
    assert charts([flat])[0].y_ticks
