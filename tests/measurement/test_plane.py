"""Planes: of a training run against plain geometry, through three points against the module itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.func import functional_call

from landscape.endpoints import BetweenSolutions, Checkpoints, EpochToSolution, InitToSolution, Points
from landscape.errors import InputError
from landscape.measurement import OnPath, TrajectoryPlane
from landscape.parameters import ParameterLayout
from landscape.path import BiasSchedule
from landscape.result.curve import Array
from landscape.store.trajectory import Trajectory, TrajectoryWriter, project, project_second
from tests.measurement.conftest import ends_of, runs
from tests.twin import maxout, normal

LAYOUT = ParameterLayout.of(maxout())


def walk(folder: Path, points: Array) -> Trajectory:
    """A trajectory file of one seed through these points [T, P]."""
    writer = TrajectoryWriter(folder / "trajectory.npy", (1, points.shape[1]))
    for row in points:
        writer.append(torch.from_numpy(row)[None])
    steps = np.arange(len(points))
    return Trajectory(folder / "trajectory.npy", 0, steps.astype(np.float64), steps)


def test_coordinates_are_those_of_a_plane_that_is_known(tmp_path: Path) -> None:
    basis = np.linalg.qr(normal(9, 3, seed=4).numpy())[0].T
    start = normal(9, seed=5).numpy()
    along, aside, out = np.array([0, 1, 2, 3, 4.0]), np.array([0, 1, -2.5, 1, 0.0]), np.array([0, 0.5, 0, -0.2, 0.0])
    points = (start + np.stack([along, aside, out], axis=1) @ basis).astype(np.float32).astype(np.float64)
    run = walk(tmp_path, points)
    ends = points[:1], points[-1:]
    flat = project([run], *ends, [4])
    second, distance = project_second([run], *ends, flat)
    # The largest residual is at the third point, so the second axis points from the line to there.
    np.testing.assert_allclose(second[:, 0], -aside, atol=1e-5)
    np.testing.assert_allclose(distance[:, 0], np.abs(out), atol=1e-5)
    np.testing.assert_allclose(np.hypot(second, distance), flat.residual_norm, atol=1e-12)


def test_a_run_along_its_own_line_has_no_second_axis(tmp_path: Path) -> None:
    points = np.outer([0.0, 1.0, 2.0, 4.0], np.ones(5))
    run = walk(tmp_path, points)
    flat = project([run], points[:1], points[-1:], [3])
    flat = replace(flat, residual_norm=np.zeros_like(flat.residual_norm))
    second, distance = project_second([run], points[:1], points[-1:], flat)
    assert np.isnan(second).all() and np.isnan(distance).all()


def test_points_are_measured_as_the_line_is(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, LAYOUT)
    ends = ends_of(trained.theta_i, trained.theta_f, trained.seeds)
    measured = TrajectoryPlane()(replace(subject, solutions=trained, ends=ends))
    track = measured.projections["trajectory"]
    assert set(measured.curves) == {"train/stochastic"}
    for s, seed in enumerate(trained.seeds):
        objective = subject.objective_of(subject.dataset.train, "stochastic", seeds=[seed])
        for t, theta in enumerate(trained.trajectories[s]):
            expected = objective(torch.from_numpy(theta)[None])[0].item()
            assert track.objective[t, s] == pytest.approx(expected, rel=1e-6)  # snapshots are float32
    np.testing.assert_allclose(
        np.nanmax(np.abs(track.second_projection), axis=0), np.nanmax(track.residual_norm, axis=0), rtol=1e-9
    )
    assert len(measured.numbers["max_plane_distance"]) == 2


def test_a_line_that_is_not_the_runs_own_is_refused(subject: OnPath) -> None:
    with pytest.raises(InputError, match=r"measurement=plane .* endpoints=init_to_solution"):
        TrajectoryPlane()(subject)


def of_three(subject: OnPath, third: torch.Tensor | None = None) -> OnPath:
    """One line of the subject's, and a third point."""
    ends = subject.ends
    third = normal(1, LAYOUT.num_parameters, seed=3) if third is None else third
    return replace(subject, ends=ends_of(ends.theta_0[:1], ends.theta_1[:1], theta_2=third))


def test_every_point_of_the_grid_is_the_modules_own_cost_at_its_place(subject: OnPath) -> None:
    subject = of_three(subject)
    measured = TrajectoryPlane(modes=["deterministic"])(subject)
    plane, ends = measured.projections["plane"], subject.ends
    along = ends.theta_1[0] - ends.theta_0[0]
    x, y = subject.dataset.train.x.double(), subject.dataset.train.y
    for k, (a, b) in enumerate(product(subject.alphas, subject.alphas)):
        shift = a * along + b * (ends.theta_2[0] - ends.theta_0[0])
        logits = functional_call(maxout().double().eval(), LAYOUT.unflatten(ends.theta_0[0] + shift), (x,))
        wanted = torch.nn.functional.cross_entropy(logits, y).item()
        assert plane.objective[k, 0] == pytest.approx(wanted, rel=1e-9)
        assert plane.projection[k, 0] == pytest.approx(float(shift @ along / along.norm()), abs=1e-9)
        distance = float(shift.square().sum()) ** 0.5
        assert np.hypot(plane.projection[k, 0], plane.second_projection[k, 0]) == pytest.approx(distance, abs=1e-9)
    assert k + 1 == len(plane.objective) and measured.numbers["plane/lowest"] == [plane.objective.min()]
    np.testing.assert_array_equal(measured.curves["train/deterministic"].alphas, subject.alphas)


def test_three_points_on_one_line_or_a_path_that_bends_are_no_plane(subject: OnPath) -> None:
    ends = subject.ends
    with pytest.raises(InputError, match="lie on one line"):
        TrajectoryPlane()(of_three(subject, ends.theta_0[:1] + 3 * (ends.theta_1 - ends.theta_0)[:1]))
    with pytest.raises(InputError, match="use path=linear"):
        TrajectoryPlane()(replace(of_three(subject), path=lambda *ends: BiasSchedule(*ends, LAYOUT, power=2)))


def test_endpoints_without_a_plane_are_refused_before_any_training() -> None:
    plane = TrajectoryPlane()
    for good in (InitToSolution(), EpochToSolution(0), Checkpoints("a", "b", third="c"), Points([0], [1], [2])):
        plane.check_ends(good)
    for bad in (BetweenSolutions(), EpochToSolution(1), Checkpoints("a", "b"), Points([0], [1])):
        with pytest.raises(InputError, match=r"endpoints=init_to_solution.*endpoints\.third=FILE"):
            plane.check_ends(bad)
