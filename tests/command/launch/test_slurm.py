"""Four jobs through a real SLURM of one machine; one of them is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.command.launch.slurm_cluster import slurm, why_not
from tests.sweeps import SWEEP, assert_same_numbers, launch, quiet_run, running

pytest.importorskip("submitit", reason="the extra [slurm] is not installed")
pytestmark = pytest.mark.slurm

FOUR = [*SWEEP[:-1], "optimizer.lr=0.1,0.2,0.3,0.4"]


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "all there")
def test_four_jobs_of_which_one_is_killed(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    said = tmp_path / "terminal.txt"
    with slurm() as environment:
        process = launch(outputs, *FOUR, "compute=slurm", "hydra.launcher.partition=small", environment=environment)
        os.kill(running(process, outputs, 0)["pid"], signal.SIGKILL)
        assert process.wait(300) == 1, said.read_text()
        text = said.read_text()
        assert "3 jobs done, 0 done before, 0 failed, 1 cut" in text and "Traceback" not in text
        assert "job 1 of 4 [optimizer.lr=0.1]: killed by SIGKILL" in text
        process = launch(outputs, *FOUR, "compute=slurm", environment=environment)
        assert process.wait(300) == 0, said.read_text()
        assert "1 job done, 3 done before, 0 failed" in said.read_text()
    assert_same_numbers(outputs, quiet_run(tmp_path / "quiet", *FOUR))
