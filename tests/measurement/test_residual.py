"""How far a made-up run strays, against plain geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape.measurement import OnPath, Residual, Trained
from landscape.parameters import ParameterLayout
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory, TrajectoryWriter
from tests.twin import normal

S, P, T = 2, 6, 5
BEST = [3, 2]


def solutions(folder: Path) -> Solutions:
    """Two runs of five and four snapshots, solved at epochs 3 and 2."""
    thetas = (normal(T, S, P, seed=1) + 0.4).float()
    writer = TrajectoryWriter(folder / "t.npy", (S, P))
    for theta in thetas:
        writer.append(theta)
    epochs = np.arange(T)
    return Solutions(
        layout=ParameterLayout(("w",), ((P,),)),
        seeds=[3, 5],
        theta_i=thetas[0],
        theta_f=torch.stack([thetas[3, 0], thetas[2, 1]]),
        learning_curve=LearningCurve(epochs.astype(float), {}, np.array(BEST, dtype=float)),
        trajectories=[Trajectory(writer.file, s, epochs[:n], 10 * epochs[:n]) for s, n in enumerate((5, 4))],
        status=["stopped"] * S,
        num_epochs=[4, 3],
        buffers=[{}, {}],
    )


def test_projection_and_numbers_equal_plain_geometry(subject: OnPath, tmp_path: Path) -> None:
    runs = solutions(tmp_path)
    measured = Residual()(replace(subject, solutions=runs))
    seen = measured.projections["trajectory"]
    assert measured.labels == ["3", "5"] and not measured.curves and Residual.stage is Trained
    assert seen.best_epoch.tolist() == BEST and seen.steps.tolist() == [0, 10, 20, 30, 40]
    thetas = np.load(tmp_path / "t.npy").astype(np.float64)
    for s, rows in enumerate((5, 4)):
        start, end = thetas[0, s], thetas[BEST[s], s]
        corner = np.arccos  # the twin measures angles: x = |c| cos, r = |c| sin
        moved = thetas[1:rows, s] - start
        norms = np.sqrt((moved**2).sum(axis=1))
        length = np.sqrt(((end - start) ** 2).sum())
        angle = corner(np.clip((moved * (end - start)).sum(axis=1) / norms / length, -1, 1))
        np.testing.assert_allclose(seen.projection[1:rows, s], norms * np.cos(angle), rtol=1e-12, atol=1e-12)
        # arccos near 1 keeps half the digits, at the solution itself
        np.testing.assert_allclose(seen.residual_norm[1:rows, s], norms * np.sin(angle), rtol=1e-12, atol=1e-7)
        assert measured.numbers["length"][s] == pytest.approx(length, rel=1e-14)
        assert measured.numbers["max_residual"][s] == pytest.approx((norms * np.sin(angle)).max(), rel=1e-12)
        norm = np.sqrt((thetas[:rows, s] ** 2).sum(axis=1)).max()
        assert measured.numbers["max_parameter_norm"][s] == pytest.approx(norm, rel=1e-14)
    assert np.isnan(seen.projection[4, 1]) and np.isfinite(seen.projection[4, 0])


def test_a_run_that_never_moved_has_no_residual(subject: OnPath, tmp_path: Path) -> None:
    runs = solutions(tmp_path)
    theta_f = runs.theta_f.clone()
    theta_f[1] = runs.theta_i[1]
    measured = Residual()(replace(subject, solutions=replace(runs, theta_f=theta_f)))
    assert measured.numbers["length"][1] == 0 and np.isnan(measured.numbers["max_residual"][1])
    assert (
        np.isfinite(measured.numbers["max_residual"][0]) and np.isfinite(measured.numbers["max_parameter_norm"]).all()
    )
