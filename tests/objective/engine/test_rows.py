"""The rows of a plane: which points lie on one line, and the events along each of them against one pass per point."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.model import MLP, MaxoutMLP
from landscape.objective import Objective
from landscape.objective.engine import choice
from landscape.objective.engine.events import events
from landscape.objective.engine.rows import rows_of
from tests.objective.engine.pair import Plane, assert_equal, both, ends, served
from tests.twin import C, D, normal, split

SIDES = np.linspace(-0.4, 1.3, 4), np.linspace(-1.0, 0.7, 5)
GRID = [(1 - a - b, a, b) for a in SIDES[0].tolist() for b in SIDES[1].tolist()]
STREWN = [(1 - a - b, a, b) for a, b in normal(7, 2, seed=4).tolist()]


@pytest.mark.parametrize(("points", "num"), [(GRID, 4), (STREWN, 7), ([p[::-1] for p in GRID], 4), (GRID[:1], 1)])
def test_every_point_lies_in_one_row_where_it_says(points: list[tuple[float, ...]], num: int) -> None:
    rows = rows_of(points)
    assert len(rows) == num
    assert sorted(np.concatenate([row.which for row in rows])) == list(range(len(points)))
    for row in rows:
        assert (np.diff(row.places) >= 0).all()
        low, high = (np.array(end) for end in row.ends)
        np.testing.assert_allclose(
            low + row.places[:, None] * (high - low), np.array(points)[row.which], rtol=0, atol=1e-14
        )


def test_a_line_is_one_row_between_its_anchors() -> None:
    (row,) = rows_of([(0.3, 0.7), (1.5, -0.5), (0.0, 1.0)])
    assert row.ends == ((1.0, 0.0), (0.0, 1.0))
    assert row.which.tolist() == [1, 0, 2]
    assert row.places.tolist() == [-0.5, 0.7, 1.0]


def test_a_line_in_a_plane_is_one_row() -> None:
    assert len(rows_of([(0.5 - t, 0.5, t) for t in np.linspace(-1, 1, 9).tolist()])) == 1


@pytest.mark.parametrize("points", [GRID, STREWN], ids=["grid", "strewn"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(D, C, [13, 21], nn.ReLU(), include=(0.8, 0.6, 0.5), scale=(1.1, 1.7, 2.0)),
        lambda: MaxoutMLP(D, C, [9, 17], 3, 0.4),
        lambda: MLP(D, 40, [13, 21], nn.ReLU()),
    ],
    ids=["relu with masks", "maxout", "wide second layer"],
)
def test_a_plane_by_events(
    make: type[nn.Module],
    points: list[tuple[float, ...]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also with few examples at a time."""
    torch.manual_seed(0)
    caplog.set_level(logging.INFO)
    module = make()
    path, order = Plane(module, points), np.arange(len(points), dtype=np.float64)[::-1].copy()
    for rows in (1024, 16):
        monkeypatch.setattr(choice, "ROWS", rows)
        assert_equal(*both(module, split(57, 1), path, order, "events", batch_size=40))
    assert served(caplog)


class FirstLogit:
    """A channel that is a view of what the network gives."""

    num_draws = 1

    def channels(self, predict: Any, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """x [B, D] -> {channel: [B]}."""
        logits = predict(x, 0)
        return {"objective": logits[:, 0], "score": logits[:, -1]}


@pytest.mark.parametrize("chunk", [1, 32 << 20])
@pytest.mark.parametrize("hidden", [[13], [13, 21]])
def test_what_lies_in_the_kernels_memory_is_not_lost(
    hidden: list[int], chunk: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the served layer itself, whose memory the next points are written to, and of one narrow enough behind it."""
    monkeypatch.setattr(events, "CHUNK_BYTES", chunk)
    caplog.set_level(logging.INFO)
    torch.manual_seed(0)
    module = MLP(D, 40, hidden, nn.ReLU())
    side = np.linspace(-0.5, 1.5, 9).tolist()
    grid = [(1 - a - b, a, b) for a in side for b in side]
    line = ends(module)
    numbers = np.arange(len(grid), dtype=np.float64)
    for path, alphas in ((Plane(module, grid), numbers), (line, np.linspace(-0.5, 1.5, 70))):
        assert_equal(*both(module, split(57, 1), path, alphas, "events", cost=FirstLogit()))
    assert served(caplog)


def test_a_tall_grid_is_taken_point_after_point() -> None:
    """41 x 40: columns are fewer, but their results would all wait for each other. Of 100 x 2, they may."""
    tall, narrow = (
        [(1 - a - b, a, b) for a in np.linspace(0, 1, n).tolist() for b in np.linspace(0, 1, m).tolist()]
        for n, m in ((41, 40), (100, 2))
    )
    assert [len(rows_of(points)) for points in (tall, narrow)] == [41, 2]


def test_events_pay_on_a_grid_and_not_on_strewn_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """One update per switch and row, or one product per point."""
    module = MLP(D, C, [40, 30], nn.ReLU())
    seen: list[bool] = []
    monkeypatch.setattr(choice, "LOADING", 0.0)
    monkeypatch.setattr(choice, "SMALL", 0.0)
    pay = choice.events_pay
    monkeypatch.setattr(
        "landscape.objective.engine.runners.events_pay", lambda *args: seen.append(pay(*args)) or seen[-1]
    )
    side = np.linspace(0, 1, 20).tolist()
    grid = [(1 - a - b, a, b) for a in side for b in side]
    strewn = [(1 - a - b, a, b) for a, b in normal(400, 2, seed=4).tolist()]
    for points in (grid, strewn):
        path = Plane(module, points)
        ours = Objective(module, CrossEntropy(), split(57, 1), dtype="float64", engine="auto", seeds=[3, 8])
        ours.along(path, np.arange(400.0))
    assert seen == [True, False]
