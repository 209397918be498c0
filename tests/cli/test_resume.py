"""A run killed with SIGKILL in mid-training, started again, ends with the same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ARGUMENTS = [
    "tracker=none", "threads=1", "model.widths=[40,40]", "training.num_seeds=2", "training.max_epochs=200",
    "training.patience=40", "training.checkpoint_seconds=0.2", "alphas.num=5", "training.vectorise=VECTORISE",
]  # fmt: skip


def _heed_interrupts() -> None:
    """A shell's background jobs, CI among them, ignore SIGINT and hand that down to their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(outputs: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"LANDSCAPE_OUTPUTS": str(outputs), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "landscape", *arguments], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd=outputs.parent, preexec_fn=_heed_interrupts,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> str:
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out.decode()
    return out.decode()


def kill_in_training(process: subprocess.Popen[bytes], outputs: Path) -> None:
    """SIGKILL as soon as a checkpoint exists and the run is not yet over."""
    deadline = time.monotonic() + 120
    while not list(outputs.glob("solutions/*/checkpoint.pt")):
        assert process.poll() is None, "the run ended before it wrote a checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("vectorise", ["true", "false"])
def test_a_killed_run_goes_on_to_the_same_bits(vectorise: str, tmp_path: Path) -> None:
    arguments = [a.replace("VECTORISE", vectorise) for a in ARGUMENTS]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    finish(start(whole, arguments))
    process = start(cut, arguments)
    kill_in_training(process, cut)
    assert not list(cut.glob("*/*/*/result.json"))
    out = finish(start(cut, arguments))
    assert "going on from the checkpoint" in out

    entries = sorted(p.name for p in whole.glob("solutions/*") if p.is_dir())
    assert entries == sorted(p.name for p in cut.glob("solutions/*") if p.is_dir())
    assert len(entries) == (1 if vectorise == "true" else 2)
    for entry in entries:
        files = [top / "solutions" / entry / "solution.npz" for top in (whole, cut)]
        with np.load(files[0]) as a, np.load(files[1]) as b:
            assert set(a.files) == set(b.files)
            for name in a.files:  # theta_i, theta_f, every channel of the learning curve
                assert a[name].tobytes() == b[name].tobytes(), name
        trajectories = [(top / "solutions" / entry / "trajectory.npy").read_bytes() for top in (whole, cut)]
        assert trajectories[0] == trajectories[1]
        assert not (cut / "solutions" / entry / "checkpoint.pt").exists()
    (job_whole,), (job_cut,) = whole.glob("*/*/*/result.npz"), cut.glob("*/*/*/result.npz")
    with np.load(job_whole) as a, np.load(job_cut) as b:
        assert set(a.files) == set(b.files) and all(a[n].tobytes() == b[n].tobytes() for n in a.files)


@pytest.mark.slow
def test_a_killed_job_is_called_cut_and_not_done(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    process = start(outputs, [a.replace("VECTORISE", "true") for a in ARGUMENTS])
    kill_in_training(process, outputs)
    (record,) = outputs.glob("*/*/*/job.json")
    assert json.loads(record.read_text())["status"] == "running"


@pytest.mark.slow
def test_an_interrupted_run_says_so_without_a_traceback(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    process = start(outputs, [a.replace("VECTORISE", "true") for a in ARGUMENTS])
    deadline = time.monotonic() + 120
    while not list(outputs.glob("solutions/*/checkpoint.pt")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted" in out and b"Traceback" not in out
    (record,) = outputs.glob("*/*/*/job.json")
    assert json.loads(record.read_text())["status"] == "cut"
