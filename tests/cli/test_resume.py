"""A run stopped in mid-training, by SIGKILL or by Ctrl-C, says so, and ends with the same bits when started again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.sweeps import LONG, assert_same_numbers, launch, quiet_run, records, running, terminal_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("vectorise", ["true", "false"])
def test_a_killed_run_goes_on_to_the_same_bits(vectorise: str, tmp_path: Path) -> None:
    """Learning curves, weights, trajectories and the result; and no checkpoint is left."""
    command = [*LONG, f"training.vectorise={vectorise}"]
    whole, cut = quiet_run(tmp_path / "whole", *command), tmp_path / "outputs"
    process = launch(cut, *command)
    running(process, cut, 0)
    process.kill()
    process.wait()
    assert records(cut)[0]["status"] == "running" and not list(cut.glob("*/*/*/result.json"))
    assert launch(cut, *command).wait(200) == 0, terminal_of(cut).read_text()
    assert "going on from the checkpoint" in terminal_of(cut).read_text()
    assert_same_numbers(cut, whole)
    assert len(list(cut.glob("solutions/*/solution.npz"))) == (1 if vectorise == "true" else 2)
    assert not list(cut.glob("solutions/*/checkpoint.pt"))


def test_an_interrupted_run_says_so_without_a_traceback(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    process = launch(outputs, *LONG)
    running(process, outputs, 0)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = terminal_of(outputs).read_text()
    assert "interrupted" in said and "Traceback" not in said
    assert records(outputs)[0]["status"] == "cut"
