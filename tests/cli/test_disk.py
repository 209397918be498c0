"""A disk that fills up costs nothing that was trained; a really full one is a small file system that root may make."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape.command.task
from landscape.result.saved import Result
from landscape.store.trajectory import TrajectoryWriter
from tests.sweeps import assert_same_numbers

from .conftest import ONE_JOB, OWN_MODEL, QUICK, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")


def full(*args: Any, **kwargs: Any) -> None:
    raise OSError(28, "No space left on device", "trajectory.npy")


@pytest.mark.slow
def test_a_full_disk_in_training_is_status_1_and_the_next_command_goes_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*QUICK, "training.max_epochs=6", "training.checkpoint_seconds=0"]
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


def test_a_full_disk_while_writing_the_result(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Result, "save", full)
    ran = cli(*QUICK, ONE_JOB)
    assert ran.status == 1 and "the disk is full" in ran.out and "Traceback" not in ran.out


@pytest.mark.parametrize("moment", ["training", "drawing"])
def test_outputs_that_are_removed_in_mid_run_are_one_fault(
    moment: str, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    owner, name = {"training": (TrajectoryWriter, "append"), "drawing": (landscape.command.task, "save_figure")}[moment]
    plain, calls = getattr(owner, name), []

    def remove(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == (2 if moment == "training" else 1):
            shutil.rmtree(tmp_path / "outputs")
        return plain(*args)

    monkeypatch.setattr(owner, name, remove)
    ran = cli(*QUICK, ONE_JOB)
    assert ran.status == 1 and "Traceback" not in ran.out and "Errno" not in ran.out
    assert ("was removed while this command ran" if moment == "training" else "result.json: is missing") in ran.out


# The second job's trajectory is 14 MB; the others fit easily.
SWEEP = [
    *OWN_MODEL[1:],
    "training.max_epochs=12",
    "threads=1",
    "training.checkpoint_seconds=0",
    "model.widths=[8,8],[500,500],[9,9]",
]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "outputs"
    disk.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]).returncode:
        pytest.skip("only root may mount a small file system here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_costs_no_result_and_no_number(cli: Cli, small_disk: Path, tmp_path: Path) -> None:
    ran = cli(*SWEEP)
    assert ran.status == 1, ran.out
    assert "the disk is full" in ran.out and "Traceback" not in ran.out
    assert "job 2 of 3 [model.widths=[500,500]] failed" in ran.out
    results = [Result.load(file.parent) for file in small_disk.glob("*/*/*/result.json")]
    assert "model.widths=[8,8]" in [r.overrides[-1] for r in results if r.status == "done"]
    assert not list(small_disk.glob("**/.*.json*")) and not list(small_disk.glob("**/.*.npz*"))

    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    again = cli(*SWEEP)
    assert again.status == 0, again.out
    assert "1 failed and is tried again" in again.out or "2 failed and is tried again" in again.out
    whole = cli(*SWEEP, f"outputs={tmp_path / 'quiet'}")
    assert whole.status == 0, whole.out
    assert_same_numbers(small_disk, tmp_path / "quiet")
    assert len(list(small_disk.glob("*/*/*/result.npz"))) == 3


@pytest.mark.parametrize("kilobytes", [0, 4, 40])
@pytest.mark.parametrize("tracker", ["none", "wandb"])
def test_a_disk_with_next_to_no_room_is_refused_before_work(
    kilobytes: int, tracker: str, cli: Cli, small_disk: Path
) -> None:
    """One line, and nothing begun: Hydra's own first file would end in its traceback."""
    (small_disk / "filler").write_bytes(bytes((8 * 1024 - kilobytes) * 1024 - 4096))
    with suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as file:
        while kilobytes == 0:
            file.write(bytes(4096))
    ran = cli(*QUICK, f"tracker={tracker}")
    assert ran.status == 2 and "Traceback" not in ran.out
    (line,) = ran.out.splitlines()
    assert line.startswith(f"outputs={small_disk} ") and "set outputs=" in line
    assert not list(small_disk.glob("**/job.json"))
