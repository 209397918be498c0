"""Snapshots on disk, and their shadow on the line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape.store.trajectory import Trajectory, TrajectoryWriter, project, snapshot_interval
from tests.twin import normal

S, P = 3, 5


def snapshots(num: int) -> torch.Tensor:
    """[T, S, P], float32 numbers off the origin."""
    return (2 * normal(num, S, P, seed=1) + 0.5).float()


def write(file: Path, thetas: torch.Tensor) -> TrajectoryWriter:
    writer = TrajectoryWriter(file, (thetas.shape[1], thetas.shape[2]))
    for theta in thetas:
        writer.append(theta)
    return writer


def test_file_is_readable_after_every_append(tmp_path: Path) -> None:
    thetas = snapshots(12)  # ten and more: the count in the header gets a second digit
    writer = TrajectoryWriter(tmp_path / "t.npy", (S, P))
    assert np.load(tmp_path / "t.npy").shape == (0, S, P)
    for t, theta in enumerate(thetas):
        writer.append(theta.double() if t % 2 else theta)
        stored = np.load(tmp_path / "t.npy", mmap_mode="r")
        assert stored.dtype == np.float32 and stored.shape == (t + 1, S, P) and writer.num_rows == t + 1
        assert np.array_equal(stored, thetas[: t + 1].numpy())


def test_resuming_cuts_back_and_goes_on(tmp_path: Path) -> None:
    thetas, file = snapshots(9), tmp_path / "t.npy"
    write(file, thetas[:7])
    with file.open("ab") as stream:
        stream.write(b"half a row")
    writer = TrajectoryWriter(file, (S, P), num_rows=4)
    write(tmp_path / "four.npy", thetas[:4])
    assert file.read_bytes() == (tmp_path / "four.npy").read_bytes()  # the tail is gone, not only unread
    for theta in thetas[4:]:
        writer.append(theta)
    write(tmp_path / "straight.npy", thetas)
    assert file.read_bytes() == (tmp_path / "straight.npy").read_bytes()


def test_resuming_what_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "t.npy", snapshots(3))
    for name in ("t.npy", "absent.npy"):
        with pytest.raises(ValueError, match="fewer than 4 snapshots"):
            TrajectoryWriter(tmp_path / name, (S, P), num_rows=4)
    assert len(np.load(tmp_path / "t.npy")) == 3
    TrajectoryWriter(tmp_path / "t.npy", (S, P))  # a fresh start
    assert len(np.load(tmp_path / "t.npy")) == 0


def runs(file: Path, lengths: list[int]) -> list[Trajectory]:
    epochs = [np.arange(n) for n in lengths]
    return [Trajectory(file, s, e, 7 * e) for s, e in enumerate(epochs)]


def test_a_run_yields_its_own_column_in_float64(tmp_path: Path) -> None:
    thetas = snapshots(4)
    write(tmp_path / "t.npy", thetas)
    rows = list(runs(tmp_path / "t.npy", [4, 4, 2])[2])
    assert len(rows) == 2 and rows[1].dtype == np.float64
    assert np.array_equal(np.stack(rows), thetas[:2, 2].double().numpy())
    rows[0][:] = 0  # a copy: the file stays
    assert np.array_equal(np.load(tmp_path / "t.npy"), thetas.numpy())


@pytest.mark.parametrize("streamed", [10**9, 0], ids=["plain", "streamed"])
def test_projection_equals_the_twin_and_pythagoras(tmp_path: Path, streamed: int) -> None:
    thetas, best, lengths = snapshots(6), [4, 3, 1], [6, 5, 3]
    write(tmp_path / "t.npy", thetas)
    theta_i = thetas[0].double().numpy()
    theta_f = np.stack([thetas[e, s].double().numpy() for s, e in enumerate(best)])
    seen = project(runs(tmp_path / "t.npy", lengths), theta_i, theta_f, best, streamed)
    assert seen.steps.tolist() == [0, 7, 14, 21, 28, 35] and seen.epochs.tolist() == [0, 1, 2, 3, 4, 5]
    for s in range(S):
        line = (theta_f[s] - theta_i[s]).tolist()
        length = math.sqrt(math.fsum(v * v for v in line))
        assert seen.length[s] == pytest.approx(length, rel=1e-14)
        for t in range(6):
            if t >= lengths[s]:
                assert np.isnan([seen.projection[t, s], seen.residual_norm[t, s], seen.parameter_norm[t, s]]).all()
                continue
            theta = thetas[t, s].double().tolist()
            moved = [a - b for a, b in zip(theta, theta_i[s], strict=True)]
            along = math.fsum(a * b for a, b in zip(moved, line, strict=True)) / length
            aside = [a - along * b / length for a, b in zip(moved, line, strict=True)]
            assert seen.projection[t, s] == pytest.approx(along, rel=1e-12, abs=1e-14)
            assert seen.residual_norm[t, s] == pytest.approx(math.sqrt(math.fsum(v * v for v in aside)), abs=1e-13)
            assert seen.parameter_norm[t, s] == pytest.approx(math.sqrt(math.fsum(v * v for v in theta)), rel=1e-14)
            square = math.fsum(v * v for v in moved)
            assert seen.projection[t, s] ** 2 + seen.residual_norm[t, s] ** 2 == pytest.approx(square, rel=1e-12)
        assert seen.projection[0, s] == seen.residual_norm[0, s] == 0
        assert seen.projection[best[s], s] == pytest.approx(length, rel=1e-14)
        assert seen.residual_norm[best[s], s] == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("streamed", [10**9, 0], ids=["plain", "streamed"])
def test_a_small_residual_keeps_its_digits(tmp_path: Path, streamed: int) -> None:
    """1e-6 beside the line at length 1e4: a difference of squares would have nothing left of it."""
    thetas = torch.zeros(3, 1, 2)
    thetas[1, 0] = torch.tensor([1e4, 1e-6])
    thetas[2, 0, 0] = 2e4
    write(tmp_path / "t.npy", thetas)
    seen = project(runs(tmp_path / "t.npy", [3]), np.zeros((1, 2)), np.array([[2e4, 0.0]]), [2], streamed)
    assert seen.residual_norm[1, 0] == pytest.approx(1e-6, rel=1e-6)


def test_interval_keeps_every_epoch_or_the_budget() -> None:
    """Counted by hand for many sizes: the rows that the rule keeps fit into the budget."""

    def rows(max_epochs: int, interval: int) -> int:
        return sum(epoch <= 20 or epoch % interval == 0 for epoch in range(max_epochs + 1))

    for max_epochs in (5, 20, 21, 37, 100, 484, 1000):
        for budget in (21.0, 22.0, 22.5, 25.3, 30.0, 77.7, 504.99, 2000.0):  # in rows
            interval = snapshot_interval(max_epochs, 100, budget * 100)
            if max_epochs <= 20 or budget >= max_epochs + 1:
                assert interval == 1
            elif budget >= 22:
                assert rows(max_epochs, interval) <= budget, (max_epochs, budget, interval)
    assert snapshot_interval(1000, 4_934_440, 6e9) == 1  # one maxout run fits whole
    assert snapshot_interval(484, 33_000_000, 6e9) == 3


def test_the_streamed_pass_equals_the_plain_one_over_many_pieces(tmp_path: Path) -> None:
    """More coordinates than a piece, more snapshots than a call, and points from on the line to far off it."""
    num, size = 37, 3 * 8192 + 11
    start, line, off = (normal(size, seed=k) for k in range(3))
    share = torch.linspace(0, 1.5, num, dtype=torch.float64)[:, None]
    height = torch.tensor([0.0, 1e-9, 1e-5, 1e-2, 1.0], dtype=torch.float64).repeat(8)[:num, None]
    thetas = (0.5 + start + share * line + height * off).float()[:, None]
    write(tmp_path / "t.npy", thetas)
    run = [Trajectory(tmp_path / "t.npy", 0, np.arange(num - 1.0), np.arange(num - 1))]
    ends = thetas[0].double().numpy(), thetas[20].double().numpy()
    plain, streamed = (project(run, *ends, [20], streamed=k) for k in (10**9, 0))
    for name in ("projection", "residual_norm", "parameter_norm"):
        one, other = getattr(plain, name), getattr(streamed, name)
        assert one.shape == (num - 1, 1) and np.abs(one - other).max() < 1e-11 * plain.length[0]
    assert np.allclose(streamed.residual_norm, plain.residual_norm, rtol=1e-9, atol=1e-12)


def test_what_is_not_finite_stays_so_in_the_streamed_pass(tmp_path: Path) -> None:
    thetas = snapshots(5)
    thetas[3, 0, 2] = math.inf
    write(tmp_path / "t.npy", thetas)
    start, end = thetas[0].double().numpy(), thetas[1].double().numpy()
    with np.errstate(invalid="ignore"):
        seen = [project(runs(tmp_path / "t.npy", [5, 5, 5]), start, end, [1, 1, 1], k) for k in (10**9, 0)]
    for one in seen:
        assert not np.isfinite(one.residual_norm[3, 0]) and np.isfinite(np.delete(one.residual_norm, 3, 0)).all()
