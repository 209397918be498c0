"""A disk that fills up in mid-run costs nothing that was trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape.command.task
from landscape.result.saved import Result
from landscape.store.trajectory import TrajectoryWriter

from .conftest import TINY, Ran


def full(*args: Any, **kwargs: Any) -> None:
    raise OSError(28, "No space left on device", "trajectory.npy")


@pytest.mark.slow
def test_a_full_disk_in_training_is_status_1_and_the_next_command_goes_on(
    cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*TINY, "training.max_epochs=6", "training.checkpoint_seconds=0"]
    append = TrajectoryWriter.append
    calls = []

    def fills_up(self: TrajectoryWriter, theta: Any) -> None:
        calls.append(1)
        full() if len(calls) == 5 else append(self, theta)

    monkeypatch.setattr(TrajectoryWriter, "append", fills_up)
    ran = cli(*arguments)
    assert ran.status == 1
    assert "the disk is full (trajectory.npy)" in ran.out and "goes on from the last checkpoint" in ran.out
    assert "Traceback" not in ran.out
    assert not list(ran.outputs.glob("solutions/*/meta.json"))
    monkeypatch.setattr(TrajectoryWriter, "append", append)
    again = cli(*arguments)
    assert again.status == 0, again.out
    assert "going on from the checkpoint" in again.out
    cut = Result.load(again.jobs[0])
    whole = Result.load(cli(*arguments, "refresh=true").jobs[0])
    for name, curve in whole.curves.items():
        np.testing.assert_array_equal(curve.objective, cut.curves[name].objective)


def test_a_full_disk_while_writing_the_result(cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Result, "save", full)
    ran = cli(*TINY)
    assert ran.status == 1 and "the disk is full" in ran.out and "Traceback" not in ran.out
    monkeypatch.undo()


@pytest.mark.parametrize("moment", ["training", "drawing"])
def test_outputs_that_are_removed_in_mid_run_are_one_fault(
    moment: str, cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    owner, name = {"training": (TrajectoryWriter, "append"), "drawing": (landscape.command.task, "save_figure")}[moment]
    plain, calls = getattr(owner, name), []

    def remove(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == (2 if moment == "training" else 1):
            shutil.rmtree(tmp_path / "outputs")
        return plain(*args)

    monkeypatch.setattr(owner, name, remove)
    ran = cli(*TINY)
    assert ran.status == 1 and "Traceback" not in ran.out and "Errno" not in ran.out
    assert ("was removed while this command ran" if moment == "training" else "result.json: is missing") in ran.out
