"""Columns of a result: cut and joined by what they are, whatever fields a type has or will have."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from landscape.result.curve import Array, Curve, LearningCurve, Projection
from landscape.result.curve.types import Columns

A, K = 5, 2


def curve(seeds: int, first: float = 0.0) -> Curve:
    """Every array filled, with another number in each column; as many alphas as seeds now and then."""
    number = first + np.arange(seeds)
    noise = {"floor": number, "errors": np.tile(number, (A, A, 1)), "low": np.tile(number, (A, 1))}
    tall = np.tile(number, (A, 1))
    return Curve(np.linspace(0, 1, A), tall, {"error": tall}, replicates=np.tile(number, (K, A, 1)), noise=noise)


def track(seeds: int, first: float = 0.0, rows: int = 4) -> Projection:
    number = first + np.arange(seeds)
    tall = np.tile(number, (rows, 1))
    return Projection(np.arange(rows) * 10.0, np.arange(rows) * 1.0, tall, tall, tall, number, number, tall, tall)


def history(seeds: int, first: float = 0.0, rows: int = 4) -> LearningCurve:
    number = first + np.arange(seeds)
    return LearningCurve(np.arange(rows) * 1.0, {"valid/error": np.tile(number, (rows, 1))}, number)


def columns_of(part: Columns) -> list[Array]:
    """All arrays of a part but those of its rows."""
    values = [getattr(part, f.name) for f in fields(part) if f.name not in part.ROWS]
    arrays = [list(v.values()) if isinstance(v, dict) else [v] for v in values if isinstance(v, np.ndarray | dict)]
    return [array for several in arrays for array in several]


@pytest.mark.parametrize("make", [curve, track, history])
@pytest.mark.parametrize("seeds", [(1, 1), (2, 3), (A, 1), (4, 4)])
def test_joined_and_cut_again_is_what_it_was(make: Any, seeds: tuple[int, int]) -> None:
    """No array is forgotten, none is cut along another axis, and rows are nobody's column."""
    first, second = make(seeds[0]), make(seeds[1], first=100.0)
    both = first.beside(second)
    assert both.num_columns == sum(seeds)
    for part, start in ((first, 0), (second, seeds[0])):
        again = both.columns(range(start, start + part.num_columns))
        assert len(columns_of(again)) == len(columns_of(part)) > 0
        for array, expected in zip(columns_of(again), columns_of(part), strict=True):
            np.testing.assert_array_equal(array, expected)
        for name in part.ROWS:
            np.testing.assert_array_equal(getattr(again, name), getattr(part, name))


@dataclass(frozen=True)
class LaterCurve(Curve):
    """A field that a later version may add."""

    extra: Array | None = None


def test_a_field_that_is_added_later_follows_its_columns() -> None:
    parts = [LaterCurve(np.arange(2.0), np.ones((2, 2)), extra=np.array([k, k + 0.5])) for k in (1.0, 2.0)]
    assert parts[0].beside(parts[1]).extra is not None
    assert parts[0].beside(parts[1]).columns([3, 0]).extra.tolist() == [2.5, 1.0]  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [track, history])
def test_the_shorter_one_ends_in_nan(make: Any) -> None:
    both = make(1, rows=2).beside(make(2, first=7.0))
    for array in columns_of(both):
        if array.ndim == 2:
            assert np.isnan(array[2:, 0]).all() and np.isfinite(array[:2, 0]).all() and np.isfinite(array[:, 1:]).all()


def test_other_rows_are_columns_of_nan_and_keep_their_place() -> None:
    """Three columns in, three out: the one that was saved at other steps is not drawn under another's name."""
    strange = replace(track(1, first=5.0), steps=np.array([0.0, 3.0, 4.0, 9.0]))
    both = track(1).beside(strange, track(1, first=9.0))
    assert both.num_columns == 3 and both.length.tolist() == [0.0, 5.0, 9.0]
    assert np.isnan(both.projection[:, 1]).all() and (both.projection[:, 2] == 9.0).all()


def test_what_not_all_have_is_left_out() -> None:
    """Noise measured in some jobs only, masks of another number."""
    both = curve(2).beside(replace(curve(1), noise={}, replicates=np.zeros((K + 1, A, 1))))
    assert both.noise == {} and both.replicates is None and both.num_columns == 3
