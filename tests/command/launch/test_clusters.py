"""Four jobs through a real cluster of one machine, of Ray or of SLURM; one of them is killed."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command.launch.slurm_cluster import slurm, why_not
from tests.sweeps import MEASURED, SWEEP, assert_same_numbers, launch, part_of, quiet_run, running, terminal_of

FOUR = [*SWEEP[:-1], "optimizer.lr=0.1,0.2,0.3,0.4"]
TWO_IN_PARTS = [*MEASURED, "measurement.shards=4", "optimizer.lr=0.1,0.2"]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that head, launcher and workers know; else Ray's own in the home folder decides, if there is one."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a cluster that ends with the test; ``ray stop`` would end everybody's."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    # Not below pytest's own folder: the path of a socket has at most 107 letters.
    with tempfile.TemporaryDirectory(prefix="ray") as folder, Path(folder, "said.txt").open("w") as said:
        command = [
            str(Path(sys.executable).parent / "ray"),
            "start",
            "--head",
            "--block",
            f"--port={port}",
            "--node-ip-address=127.0.0.1",
            "--num-cpus=2",
            "--num-gpus=0",
            "--include-dashboard=false",
            "--disable-usage-stats",
            f"--temp-dir={folder}",
        ]
        head = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + 120
            while "Ray runtime started" not in Path(folder, "said.txt").read_text():
                assert head.poll() is None and time.monotonic() < deadline, Path(folder, "said.txt").read_text()
                time.sleep(0.2)
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait(60)


@pytest.mark.ray
@pytest.mark.usefixtures("token")
def test_ray_tries_a_killed_job_again(tmp_path: Path) -> None:
    """And it goes on from its checkpoint."""
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    outputs = tmp_path / "outputs"
    with cluster() as address:
        process = launch(outputs, *FOUR, "compute=ray", f"hydra.launcher.ray.init.address={address}")
        killed = running(process, outputs, 0)
        os.kill(killed["pid"], signal.SIGKILL)
        assert process.wait(300) == 0, terminal_of(outputs).read_text()
    text = terminal_of(outputs).read_text()
    assert "4 jobs done, 0 done before, 0 failed" in text
    assert sum(" done in " in line for line in text.splitlines()) == 4
    assert "\x1b" not in text
    (log,) = outputs.glob(f"*/*/{killed['key']}/run.log")
    assert "going on from the checkpoint" in log.read_text()
    assert_same_numbers(outputs, quiet_run(tmp_path / "quiet", *FOUR))


@pytest.mark.ray
@pytest.mark.usefixtures("token")
def test_ray_measures_in_parts_and_a_killed_one_again_alone(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    outputs = tmp_path / "outputs"
    with cluster() as address:
        command = [*TWO_IN_PARTS, "compute=ray", f"hydra.launcher.ray.init.address={address}"]
        process = launch(outputs, *command)
        killed = part_of(process, outputs, "running")
        os.kill(killed["pid"], signal.SIGKILL)
        assert process.wait(300) == 0, terminal_of(outputs).read_text()
    text = terminal_of(outputs).read_text()
    assert "2 jobs done, 0 done before, 0 failed" in text and "2 jobs: measured in 8 parts" in text
    assert sum(", part " in line and " done in " in line for line in text.splitlines()) == 8, text
    assert_whole(outputs, tmp_path)


@pytest.mark.slurm
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "all there")
def test_slurm_measures_in_parts_and_the_job_what_a_killed_one_lacks(tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra [slurm] is not installed")
    outputs = tmp_path / "outputs"
    with slurm() as environment:
        command = [*TWO_IN_PARTS, "compute=slurm", "hydra.launcher.partition=small"]
        process = launch(outputs, *command, environment=environment)
        os.kill(part_of(process, outputs, "running")["pid"], signal.SIGKILL)
        assert process.wait(300) == 0, terminal_of(outputs).read_text()
    text = terminal_of(outputs).read_text()
    assert "killed by SIGKILL; the job measures what is missing" in text and "2 jobs done" in text
    assert_whole(outputs, tmp_path)


def assert_whole(outputs: Path, folder: Path) -> None:
    """As without parts, and nothing of them is left."""
    assert not list(outputs.glob("*/*/*/shards"))
    assert_same_numbers(outputs, quiet_run(folder / "quiet", *TWO_IN_PARTS, "measurement.shards=null"))


@pytest.mark.slurm
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "all there")
def test_slurm_leaves_a_killed_job_to_the_next_command(tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra [slurm] is not installed")
    outputs = tmp_path / "outputs"
    said = terminal_of(outputs)
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
