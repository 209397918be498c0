"""The plane of a training run against plain geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape.errors import InputError
from landscape.measurement import OnPath, TrajectoryPlane
from landscape.parameters import ParameterLayout
from landscape.result.curve import Array, LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory, TrajectoryWriter, project, project_second
from tests.twin import maxout, normal


def runs_of_maxout(folder: Path) -> Solutions:
    """Two made-up runs of the small maxout net, four and three snapshots long, each ending at its solution."""
    layout = ParameterLayout.of(maxout())
    thetas = (0.5 * normal(4, 2, layout.num_parameters, seed=1) + 0.1).float()
    writer = TrajectoryWriter(folder / "t.npy", (2, layout.num_parameters))
    for theta in thetas:
        writer.append(theta)
    epochs = np.arange(4.0)
    return Solutions(
        layout,
        [3, 5],
        thetas[0],
        torch.stack([thetas[3, 0], thetas[2, 1]]),
        LearningCurve(epochs, {}, np.array([3.0, 2.0])),
        [Trajectory(writer.file, s, epochs[:n], epochs[:n].astype(int)) for s, n in enumerate((4, 3))],
        ["stopped"] * 2,
        [3, 2],
        [{}, {}],
    )


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
    runs = runs_of_maxout(tmp_path)
    ends = replace(subject.ends, theta_0=runs.theta_i, theta_1=runs.theta_f, labels=["3", "5"], seeds=runs.seeds)
    measured = TrajectoryPlane()(replace(subject, solutions=runs, ends=ends))
    track = measured.projections["trajectory"]
    assert track.objective is not None and track.second_projection is not None
    assert set(measured.curves) == {"train/stochastic"}
    for s, seed in enumerate(runs.seeds):
        objective = subject.objective_of(subject.dataset.train, "stochastic", seeds=[seed])
        for t, theta in enumerate(runs.trajectories[s]):
            expected = objective(torch.from_numpy(theta)[None])[0].item()
            assert track.objective[t, s] == pytest.approx(expected, rel=1e-6)  # snapshots are float32
    np.testing.assert_allclose(
        np.nanmax(np.abs(track.second_projection), axis=0), np.nanmax(track.residual_norm, axis=0), rtol=1e-9
    )
    assert len(measured.numbers["max_plane_distance"]) == 2


def test_a_line_that_is_not_the_runs_own_is_refused(subject: OnPath) -> None:
    with pytest.raises(InputError, match=r"measurement=plane .* endpoints=init_to_solution"):
        TrajectoryPlane()(subject)
