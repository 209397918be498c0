"""Four jobs through a real Ray cluster of one machine; one of them is killed."""

from __future__ import annotations

import os
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

from tests.sweeps import SWEEP, assert_same_numbers, launch, quiet_run, running

pytest.importorskip("ray", reason="the extra [ray] is not installed")
pytestmark = pytest.mark.ray

FOUR = [*SWEEP[:-1], "optimizer.lr=0.1,0.2,0.3,0.4"]


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


def test_four_jobs_of_which_one_is_killed(tmp_path: Path) -> None:
    """Ray itself tries it again, and it goes on from its checkpoint."""
    outputs = tmp_path / "outputs"
    said = tmp_path / "terminal.txt"
    with cluster() as address:
        process = launch(outputs, *FOUR, "compute=ray", f"hydra.launcher.ray.init.address={address}")
        os.kill(running(process, outputs, 0)["pid"], signal.SIGKILL)
        assert process.wait(300) == 0, said.read_text()
    text = said.read_text()
    assert "4 jobs done, 0 done before, 0 failed" in text
    assert sum(" done in " in line for line in text.splitlines()) == 4
    assert "\x1b" not in text
    assert "going on from the checkpoint" in (running_log(outputs, 0)).read_text()
    assert_same_numbers(outputs, quiet_run(tmp_path / "quiet", *FOUR))


def running_log(outputs: Path, num: int) -> Path:
    """The log of a job."""
    (folder,) = [file.parent for file in outputs.glob("*/*/*/job.json") if f'"num": {num},' in file.read_text()]
    return folder / "run.log"
