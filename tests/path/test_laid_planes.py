"""Planes of each kind: through what they say, in the units that they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from landscape.errors import InputError
from landscape.path import CornersPlane, GivenPlane, HessianPlane, LaidPlane, PrincipalPlane, RandomPlane
from landscape.store.principal import principal
from landscape.store.trajectory import Trajectory
from tests.twin import maxout, normal

ROWS, NUM = 2, 11


def corners(rows: int = ROWS) -> list[Tensor]:
    """Off the origin."""
    return [0.3 + normal(rows, NUM, seed=k) for k in range(3)]


def on_grid(plane: LaidPlane, first: list[float], second: list[float], dtype: torch.dtype = torch.float64) -> Tensor:
    """theta [A, B, S, P]."""
    grid = plane.on(first, second).to("cpu", dtype)
    return torch.stack([grid(k) for k in grid.points]).reshape(len(first), len(second), -1, plane.origin.shape[1])


@pytest.mark.parametrize("axes", ["orthogonal", "sides"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_three_points_are_on_the_grid_bit_for_bit(axes: str, dtype: torch.dtype) -> None:
    three = [theta.to(dtype) for theta in corners()]
    plane = CornersPlane(*three, axes=axes)
    first, second = plane.positions
    thetas = on_grid(plane, first, second, dtype)
    places = np.broadcast_to(plane.corners.T, (2, 3)).T[..., None] if plane.corners.ndim < 3 else plane.corners
    for s in range(ROWS):
        for theta, at in zip(three, np.broadcast_to(places, (3, 2, ROWS))[..., s], strict=True):
            assert torch.equal(thetas[first.index(at[0]), second.index(at[1]), s], theta[s])


@pytest.mark.parametrize("axes", ["orthogonal", "sides"])
def test_distances_on_the_plane_are_those_of_parameter_space(axes: str) -> None:
    plane = CornersPlane(*corners(), axes=axes)
    first, second = [-0.3, 0.2, 1.4], [0.1, 2.0]
    thetas = on_grid(plane, first, second)
    length, along, beside = plane.lengths
    for s in range(ROWS):
        places = [(a * length[s] + b * along[s], b * beside[s]) for a in first for b in second]
        flat = thetas[:, :, s].reshape(-1, NUM)
        for i in range(len(flat)):
            wanted = [np.hypot(places[i][0] - x, places[i][1] - y) for x, y in places]
            np.testing.assert_allclose((flat - flat[i]).norm(dim=1), wanted, rtol=1e-12, atol=1e-12)
    if axes == "orthogonal":
        assert np.abs(plane.cosine).max() < 1e-12


def test_a_row_alone_is_that_row_among_others() -> None:
    three = corners()
    many, alone = CornersPlane(*three), CornersPlane(*(theta[1:] for theta in three))
    assert torch.equal(on_grid(many, [0.1, 1.0], [-1.0, 0.4])[:, :, 1:], on_grid(alone, [0.1, 1.0], [-1.0, 0.4]))
    np.testing.assert_array_equal(many.corners[..., 1], alone.corners)


def run_of(points: np.ndarray, folder: Path) -> Trajectory:
    np.save(folder / "t.npy", points[:, None].astype(np.float32))
    steps = np.arange(len(points))
    return Trajectory(folder / "t.npy", 0, steps.astype(float), steps)


def test_the_path_of_a_run_lies_where_its_points_are(tmp_path: Path) -> None:
    """projection² + beside² = distance², in the units of the frame."""
    points = (0.4 + np.cumsum(normal(6, NUM, seed=3).numpy(), axis=0)).astype(np.float32).astype(np.float64)
    run, last = run_of(points, tmp_path), torch.from_numpy(points[-1:])
    plane = PrincipalPlane(last, last, lambda: [(principal(run, last[0]), run.epochs)])
    a, b, beside = (plane.path[key][:, 0] for key in ("first", "second", "beside"))
    length, along, across = (part[0] for part in plane.lengths)
    assert length == pytest.approx(across, rel=1e-12) and abs(along) < 1e-12 * length
    distance = np.linalg.norm(points - points[-1], axis=1)
    squares = (a * length) ** 2 + (b * across) ** 2 + beside**2
    np.testing.assert_allclose(squares, distance**2, rtol=1e-12, atol=1e-12)
    nearest = on_grid(plane, a.tolist(), b.tolist())[range(6), range(6), 0]
    np.testing.assert_allclose(np.linalg.norm(points - nearest.numpy(), axis=1), beside, atol=1e-12)
    (low, high), (bottom, top) = plane.extent
    assert low < min(a.min(), 0) and high > 0 and bottom < b.min() and top > b.max()
    assert torch.equal(on_grid(plane, [0.0], [0.0])[0, 0], last)
    assert plane.path["epochs"][:, 0].tolist() == list(range(6))


def test_a_run_without_axes_leaves_the_others(tmp_path: Path) -> None:
    points = np.cumsum(normal(4, NUM, seed=3).numpy(), axis=0)
    run, last = run_of(points, tmp_path), torch.from_numpy(np.stack([points[-1], points[0]])).float()
    found = [(principal(run, last[0]), run.epochs), (None, run.epochs[:2])]
    plane = PrincipalPlane(last, last, lambda: found)
    assert np.isfinite(plane.path["first"][:, 0]).all() and np.isnan(plane.path["first"][:, 1]).all()
    theta = on_grid(plane, [0.0, 0.5], [0.5])[1, 0]
    assert theta[0].isfinite().all() and not theta[1].isfinite().any()


def test_given_directions_are_taken_as_they_are() -> None:
    origin, one, two = corners(1)
    plane = GivenPlane(origin, origin, lambda given, key: given, [one[0], two[0]], radius=2.0)
    wanted = origin + 0.5 * one - 2 * two
    torch.testing.assert_close(on_grid(plane, [0.5], [-2.0])[0, 0], wanted, rtol=1e-13, atol=1e-13)
    elsewhere = GivenPlane(origin, origin, lambda given, key: given, [one[0], two[0]], origin=two[0])
    assert torch.equal(on_grid(elsewhere, [0.0], [0.0])[0, 0], two)


class Refused(NamedTuple):
    lay: Any
    words: str


ONE, TWO, THREE = corners(1)
ZERO = torch.zeros(NUM)


def given(*pair: Tensor, **more: Any) -> LaidPlane:
    return GivenPlane(ONE, ONE, lambda source, key: source, list(pair), **more)


REFUSED = {
    "on one line": Refused(lambda: CornersPlane(ONE, TWO, 2 * TWO - ONE), "start, end and third lie on one line"),
    "two points": Refused(lambda: CornersPlane(ONE, TWO, ONE), "lie on one line"),
    "one point": Refused(lambda: CornersPlane(ONE, ONE, TWO), "lie on one line"),
    "no third": Refused(lambda: CornersPlane(ONE, TWO, None), "needs a third point: endpoints=three_solutions"),
    "margin": Refused(lambda: CornersPlane(ONE, TWO, THREE, margin=-1), "path.margin=-1 must be a finite number"),
    "axes": Refused(lambda: CornersPlane(ONE, TWO, THREE, axes="x"), "path.axes=x must be one of orthogonal, sides"),
    "first zero": Refused(lambda: given(ZERO, ONE[0]), r"path.directions\[0\] has length zero"),
    "second zero": Refused(lambda: given(ONE[0], ZERO), r"path.directions\[1\] has length zero"),
    "parallel": Refused(lambda: given(ONE[0], -3 * ONE[0]), "point along one line"),
    "one direction": Refused(lambda: given(ONE[0]), "must be a list of two files"),
    "radius": Refused(lambda: given(ONE[0], TWO[0], radius=0), "path.radius=0 must be a finite number, above 0"),
    "flat Hessian": Refused(
        lambda: HessianPlane(ONE, ONE, lambda: [(ZERO, torch.zeros(2, NUM), ZERO)]), "first eigenvector .* length zero"
    ),
    "no runs": Refused(lambda: PrincipalPlane(ONE, TWO, None), "needs the training runs"),
    "seed": Refused(lambda: RandomPlane(ONE, ONE, maxout(), [0], seed=0.5), "path.seed=0.5 must be a whole number"),
    "one_axis": Refused(lambda: RandomPlane(ONE, ONE, maxout(), [0], one_axis="x"), "path.one_axis=x must be one of"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_lays_no_plane_is_refused(case: str) -> None:
    with pytest.raises(InputError, match=REFUSED[case].words):
        REFUSED[case].lay()
