"""Principal axes of a run: what NumPy finds in the whole matrix, whatever is held at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from landscape.errors import InputError
from landscape.store.principal import Principal, principal
from landscape.store.trajectory import Trajectory
from tests.twin import normal


class OneByOne:
    """Points that lie in no array: read one at a time, as the checkpoints of somebody's folder are."""

    held: int | None = None

    def __init__(self, points: np.ndarray) -> None:
        self.points, self.steps = points, np.arange(len(points))
        self.epochs: NDArray[np.float64] = self.steps.astype(np.float64)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (point.astype(np.float64) for point in self.points)

    def rows(self) -> None:
        return None

    def theta(self, row: float) -> torch.Tensor:
        return torch.from_numpy(self.points[int(row)])[None]


def in_a_file(points: np.ndarray, folder: Path) -> Trajectory:
    """As the second of three runs."""
    np.save(folder / "t.npy", np.stack([points + 1, points, points - 1], axis=1).astype(np.float32))
    steps = np.arange(len(points))
    return Trajectory(folder / "t.npy", 1, steps.astype(np.float64), steps)


def walk(num: int, dimension: int) -> np.ndarray:
    """Off the origin, exact in float32."""
    return (normal(num, dimension, seed=3).cumsum(0) + 5).float().double().numpy()


def check(found: Principal, points: np.ndarray, origin: np.ndarray) -> None:
    """Against the singular values of all the points at once."""
    moved = points - origin
    known = np.isfinite(moved).all(axis=1)
    left, singular, right = np.linalg.svd(moved[known], full_matrices=False)
    axes, places, beside = found.axes.numpy(), found.coordinates.numpy(), found.beside.numpy()
    assert found.shares.numpy() == pytest.approx(singular**2 / (singular**2).sum(), abs=1e-12)
    assert np.abs(axes @ axes.T - np.eye(len(axes))).max() < 1e-13
    assert np.abs(np.abs(axes @ right[: len(axes)].T) - np.eye(len(axes))).max() < 1e-10
    assert np.abs(places[known]) == pytest.approx(np.abs(left * singular)[:, : len(axes)], abs=1e-10 * singular[0])
    assert places[known] == pytest.approx(moved[known] @ axes.T, abs=1e-11)
    distance = (moved[known] ** 2).sum(axis=1)
    assert (places[known, :2] ** 2).sum(axis=1) + beside[known] ** 2 == pytest.approx(distance, rel=1e-13, abs=1e-13)
    assert np.isnan(places[~known]).all() and np.isnan(beside[~known]).all()


@pytest.mark.parametrize("shape", [(9, 40), (40, 9), (9, 9), (3, 2)], ids=str)
@pytest.mark.parametrize("origin", ["mean", "last", "elsewhere"])
def test_axes_are_those_of_the_whole_matrix(shape: tuple[int, int], origin: str, tmp_path: Path) -> None:
    points = walk(*shape)
    about = {"mean": points.mean(axis=0), "last": points[-1], "elsewhere": np.full(shape[1], 0.3)}[origin]
    given = None if origin == "mean" else torch.from_numpy(about)[None]
    num = min(3, *shape)
    for run in (in_a_file(points, tmp_path), OneByOne(points)):
        whole = principal(run, given, num)
        check(whole, points, about)
        for numbers in (1, 3.5 * shape[1], 7 * max(shape)):  # one row; three; several, and not all
            part = principal(run, given, num, block_bytes=8 * numbers)
            for name in ("axes", "coordinates", "shares", "beside"):
                assert torch.allclose(getattr(part, name), getattr(whole, name), rtol=1e-10, atol=1e-10), name


def test_training_goes_up_along_every_axis() -> None:
    points = walk(12, 30)
    for origin, place in ((None, 0), (points[-1], 0), (points[0], -1)):
        found = principal(OneByOne(points), None if origin is None else torch.from_numpy(origin), 3)
        sign = 1 if place else -1
        assert (sign * found.coordinates[place] > 0).all()
        mirrored = principal(OneByOne(-points), None if origin is None else torch.from_numpy(-origin), 3)
        assert torch.allclose(mirrored.coordinates, found.coordinates, atol=1e-10)


@pytest.mark.parametrize("shape", [(9, 20), (9, 4)], ids=str)
def test_points_that_are_not_finite_are_named_and_left_out(
    shape: tuple[int, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    points = walk(*shape)
    points[2, 1], points[7, 3] = np.nan, np.inf
    known = np.isfinite(points).all(axis=1)
    for run in (in_a_file(points, tmp_path), OneByOne(points)):
        check(principal(run), points, points[known].mean(axis=0))
        assert "2 of 9 saved points are not finite" in caplog.text and "number 2, 7" in caplog.text
        caplog.clear()


def test_points_on_a_line_have_one_share_and_a_second_axis_across(caplog: pytest.LogCaptureFixture) -> None:
    points = np.outer(np.arange(5.0), [3.0, 4.0, 0.0]) + 1
    for given in (points, points[:3]):  # more points than parameters, and as many
        found = principal(OneByOne(given))
        assert found.shares[0] == 1 and (found.shares[1:] == 0).all()
        assert "lie on one line" in caplog.text
        assert torch.allclose(found.axes @ found.axes.T, torch.eye(2, dtype=torch.float64), atol=1e-14)
        assert found.beside.max() < 1e-13 and found.coordinates[:, 1].abs().max() < 1e-13


@pytest.mark.parametrize(
    ("points", "num", "told"),
    [
        (walk(2, 5), 2, "need three saved points, and the run has 2"),
        (np.where(np.eye(4, 5) > 0, np.nan, walk(4, 5)), 2, r"has 0 \(4 of 4 are not finite\)"),
        (np.ones((4, 5)), 2, "are the same"),
        (walk(4, 5), 5, "5 principal axes are asked for"),
        (walk(4, 5), 1, "1 principal axes are asked for"),
        (walk(4, 1), 2, "one alone, and no plane"),
    ],
)
def test_what_has_no_plane_is_refused(points: np.ndarray, num: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        principal(OneByOne(points), num=num)


def test_an_origin_of_another_net_is_refused() -> None:
    with pytest.raises(InputError, match="origin of the axes has 4 numbers and the points have 5"):
        principal(OneByOne(walk(4, 5)), torch.zeros(4))
