"""Starts that training never saw, and starts in the middle of training."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from landscape.endpoints import (
    EpochToSolution,
    NoiseToSolution,
    OtherInitToSolution,
    RandomToSolution,
    ScaledStart,
    ZeroToSolution,
)
from landscape.errors import InputError
from landscape.parameters import ParameterLayout
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory, TrajectoryWriter
from tests.twin import ENDPOINT, normal, stream

LAYOUT = ParameterLayout(("a.weight", "a.bias", "b.weight"), ((40, 30), (40,), (3, 40)))
P = LAYOUT.num_parameters
EPOCHS = np.array([0.0, 0.25, 1.0, 2.0, 5.0, 8.0])


def solutions(num_seeds: int, folder: Path | None = None, dtype: torch.dtype = torch.float64) -> Solutions:
    """S made-up runs with biases that start at zero; the third diverged after two epochs."""
    theta_i = normal(num_seeds, P, seed=1)
    theta_i[:, 1200:1240] = 0.0
    trajectories = []
    if folder is not None:
        writer = TrajectoryWriter(folder / "trajectory.npy", (num_seeds, P))
        for row in range(len(EPOCHS)):
            writer.append(normal(num_seeds, P, seed=20 + row))
        for s in range(num_seeds):
            kept = EPOCHS[:4] if s == 2 else EPOCHS
            trajectories.append(Trajectory(writer.file, s, kept, np.arange(len(kept))))
    return Solutions(
        layout=LAYOUT,
        seeds=[10 + s for s in range(num_seeds)],
        theta_i=theta_i.to(dtype),
        theta_f=normal(num_seeds, P, seed=2).to(dtype),
        learning_curve=LearningCurve(np.zeros(1), {}, np.full(num_seeds, 6.0)),
        trajectories=trajectories,
        status=["diverged" if s == 2 else "stopped" for s in range(num_seeds)],
        num_epochs=[8] * num_seeds,
        buffers=[{"count": torch.tensor(s)} for s in range(num_seeds)],
    )


def test_zero_is_zero_and_the_solution_stays() -> None:
    runs = solutions(3, dtype=torch.float32)
    ends = ZeroToSolution()(runs)
    assert ends.theta_0.shape == (3, P) and ends.theta_0.dtype == torch.float32 and not ends.theta_0.any()
    assert torch.equal(ends.theta_1, runs.theta_f)
    assert ends.labels == ["10", "11", "12"] and ends.diverged == [False, False, True]


def test_a_scaled_start_is_that_share_of_the_first_point() -> None:
    runs = solutions(3)
    for scale in (1.0, 0.25, 0):
        ends = ScaledStart(scale)(runs)
        assert torch.equal(ends.theta_0, runs.theta_i * scale) and torch.equal(ends.theta_1, runs.theta_f)
    assert torch.equal(ScaledStart(0)(runs).theta_0, ZeroToSolution()(runs).theta_0)
    for scale in (-0.5, float("nan"), 1e31):
        with pytest.raises(InputError, match=r"endpoints\.scale=.* must be between 0 and 1e\+30"):
            ScaledStart(scale)


def test_noise_has_the_norms_of_the_start_and_nothing_else_of_it() -> None:
    runs = solutions(3)
    ends = NoiseToSolution()(runs)
    found, own = LAYOUT.unflatten(ends.theta_0), LAYOUT.unflatten(runs.theta_i)
    for name in LAYOUT.names:
        norms = found[name].flatten(1).norm(dim=1)
        torch.testing.assert_close(norms, own[name].flatten(1).norm(dim=1), rtol=1e-13, atol=0)
    assert not found["a.bias"].any()
    for s, seed in enumerate(runs.seeds):
        drawn = torch.randn(P, generator=stream(seed, ENDPOINT), dtype=torch.float64)
        cosine = drawn[:1200] @ ends.theta_0[s, :1200] / drawn[:1200].norm() / ends.theta_0[s, :1200].norm()
        assert cosine == pytest.approx(1, abs=1e-12)  # only stretched: still normal
    both = torch.corrcoef(torch.cat([ends.theta_0[:, :1200], runs.theta_i[:, :1200]]))
    assert (both - torch.eye(6, dtype=torch.float64)).abs().max() < 4 / 1200**0.5
    alone = NoiseToSolution()(solutions(1))
    assert torch.equal(alone.theta_0[0], ends.theta_0[0])  # seed 10 does not care who is beside it
    assert NoiseToSolution()(solutions(2, dtype=torch.float32)).theta_0.dtype == torch.float32


def test_other_init_is_the_next_seeds() -> None:
    runs = solutions(3)
    ends = OtherInitToSolution()(runs)
    assert torch.equal(ends.theta_0, runs.theta_i[[1, 2, 0]]) and torch.equal(ends.theta_1, runs.theta_f)
    text = re.escape("endpoints=other_init_to_solution needs another seed's start but training.num_seeds=1")
    with pytest.raises(InputError, match=text):
        OtherInitToSolution().check(1)
    with pytest.raises(InputError, match=text):
        OtherInitToSolution()(solutions(1))
    for kind in (ZeroToSolution, NoiseToSolution, ScaledStart):
        kind().check(1)


def start(epoch: float, runs: Solutions) -> Tensor:
    return EpochToSolution(epoch)(runs).theta_0


def test_epoch_is_the_snapshot_of_that_epoch(tmp_path: Path) -> None:
    runs = solutions(2, tmp_path)
    for row, epoch in enumerate(EPOCHS[1:5].tolist(), start=1):
        assert torch.equal(start(epoch, runs), normal(2, P, seed=20 + row).float().double())
    assert torch.equal(start(0, runs), runs.theta_i)  # not the snapshot, which is rounded to float32
    assert torch.equal(EpochToSolution(2)(runs).theta_1, runs.theta_f)


def test_an_epoch_that_gives_no_line_is_refused(tmp_path: Path) -> None:
    runs = solutions(2, tmp_path)
    for epoch in (6, 7.5, 100):
        with pytest.raises(InputError, match=rf"endpoints\.epoch={epoch:g} does not lie before the solution of seed"):
            start(epoch, runs)
    with pytest.raises(InputError, match=r"endpoints\.epoch=3 was not kept of seed 10; the nearest kept are 2, 5"):
        start(3, runs)
    for epoch in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match=rf"endpoints\.epoch={epoch}"):
            EpochToSolution(epoch)


@pytest.mark.parametrize("value", ["abc", None, [1], True])
def test_numbers_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(InputError, match=r"endpoints\.epoch=.* must be a number"):
        EpochToSolution(value)
    with pytest.raises(InputError, match=r"endpoints\.scale=.* must be a number"):
        RandomToSolution(value)
    with pytest.raises(InputError, match=r"endpoints\.scale=.* must be a number"):
        ScaledStart(value)


def test_an_epoch_beyond_the_training_is_refused_before_it() -> None:
    EpochToSolution(4.5).check_epochs(5)
    for epoch in (5, 5.5):
        with pytest.raises(InputError, match=rf"endpoints\.epoch={epoch:g} does not lie before .*max_epochs=5"):
            EpochToSolution(epoch).check_epochs(5)


def test_a_diverged_run_does_not_stop_the_others(tmp_path: Path) -> None:
    runs = solutions(3, tmp_path)
    runs = replace(runs, learning_curve=replace(runs.learning_curve, best_epoch=np.array([6.0, 6.0, 1.0])))
    ends = EpochToSolution(5)(runs)
    assert torch.equal(ends.theta_0[2], normal(3, P, seed=23)[2].float().double())  # the last that it left
    assert torch.equal(ends.theta_0[:2], normal(3, P, seed=24)[:2].float().double())
    assert ends.diverged == [False, False, True]
