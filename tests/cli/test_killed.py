"""What dies in mid-sweep costs nothing but itself, and the same command ends with the numbers of a quiet run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.__main__ import main
from landscape.collect.__main__ import main as collect_main

from .conftest import Ran

# Long enough in training to be met there, and with checkpoints to go on from.
SWEEP = ["tracker=none", "threads=1", "model.widths=[24,24]", "training.num_seeds=1", "training.max_epochs=40",
         "training.patience=40", "training.checkpoint_seconds=0.05", "alphas.num=5", "limits.measured_examples=50",
         "optimizer.lr=0.1,0.2,0.3"]  # fmt: skip
ENGINE = ["compute=joblib", "hydra.launcher.n_jobs=2"]


def launch(outputs: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command as a program, its output in a file beside the outputs."""
    environment = os.environ | {"LANDSCAPE_OUTPUTS": str(outputs), "OMP_NUM_THREADS": "1"}
    with (outputs.parent / "terminal.txt").open("w") as terminal:
        return subprocess.Popen([sys.executable, "-m", "landscape", *arguments], env=environment, text=True,
                                stdout=terminal, stderr=subprocess.STDOUT, cwd=outputs.parent,
                                start_new_session=True)  # fmt: skip


def records(outputs: Path) -> dict[int, dict[str, Any]]:
    """All jobs that have begun, by number."""
    found = [json.loads(file.read_text()) for file in outputs.glob("*/*/*/job.json")]
    return {record["num"]: record for record in found}


def running(process: subprocess.Popen[str], outputs: Path, num: int) -> dict[str, Any]:
    """That job's record as soon as it trains and there is a checkpoint to lose."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None and time.monotonic() < deadline, (outputs.parent / "terminal.txt").read_text()
        record = records(outputs).get(num)
        if record and record["status"] == "running" and list(outputs.glob("solutions/*/checkpoint.pt")):
            return record
        time.sleep(0.01)


def collected(outputs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    (sweep,) = outputs.glob("quickstart/*")
    monkeypatch.setattr(sys, "argv", ["collect", str(sweep)])
    capfd.readouterr()
    with pytest.raises(SystemExit) as stop:
        collect_main()
    return int(stop.value.code or 0), capfd.readouterr().out


def assert_same_numbers(outputs: Path, quiet: Path) -> None:
    """Bit for bit, job for job, array for array."""
    pairs = {top: {file.parent.name: file for file in top.glob("*/*/*/result.npz")} for top in (outputs, quiet)}
    assert set(pairs[outputs]) == set(pairs[quiet]) and len(pairs[quiet]) == 3
    for key, file in pairs[quiet].items():
        with np.load(file) as a, np.load(pairs[outputs][key]) as b:
            assert set(a.files) == set(b.files)
            assert all(a[name].tobytes() == b[name].tobytes() for name in a.files), key


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of the same sweep that nothing disturbed, one job after another in this process."""
    outputs = tmp_path_factory.mktemp("quiet") / "outputs"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["landscape", *SWEEP, f"outputs={outputs}"])
        main()
    assert not stop.value.code
    return outputs


def test_a_killed_job_stops_no_other(
    cli: Callable[..., Ran], quiet: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    outputs = tmp_path / "outputs"
    process = launch(outputs, *SWEEP, *ENGINE)
    os.kill(running(process, outputs, 0)["pid"], signal.SIGKILL)
    assert process.wait(200) == 1
    text = (tmp_path / "terminal.txt").read_text()
    assert "Traceback" not in text and "killed by SIGKILL" in text and "2 jobs done" in text
    # One line per finished job with what is left, and nothing that only a terminal understands.
    lines = [line for line in text.splitlines() if " done in " in line]
    assert len(lines) == 2 and all(" of 3 [optimizer.lr=0." in line for line in lines)
    assert not set("\x1b\r\b") & set(text)

    status, said = collected(outputs, capfd, monkeypatch)
    assert status == 1 and "2 jobs done, 0 done before, 0 failed, 1 cut" in said
    assert "cut: job 1 of 3 [optimizer.lr=0.1]: killed by SIGKILL" in said

    again = cli(*SWEEP)
    assert again.status == 0, again.out
    assert "of 3 jobs: 2 done before, 1 cut and goes on" in again.out
    assert "goes on: job 1 of 3 [optimizer.lr=0.1]" in again.out and "going on from the checkpoint" in again.out
    assert_same_numbers(outputs, quiet)
    status, said = collected(outputs, capfd, monkeypatch)
    assert status == 0 and "1 jobs done, 2 done before, 0 failed" in said


def test_a_killed_launcher_leaves_jobs_that_go_on(
    cli: Callable[..., Ran], quiet: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    outputs = tmp_path / "outputs"
    process = launch(outputs, *SWEEP, *ENGINE)
    running(process, outputs, 0)
    running(process, outputs, 1)
    process.kill()
    process.wait()
    status, said = collected(outputs, capfd, monkeypatch)
    assert status == 1 and "missing: job 3 of 3 [optimizer.lr=0.3]" in said

    again = cli(*SWEEP)  # at once, while the two others may still be at it
    assert again.status == 0, again.out
    assert [job["status"] for job in again.sweep["jobs"]] == ["skipped", "skipped", "done"]
    assert_same_numbers(outputs, quiet)
    os.killpg(process.pid, signal.SIGKILL)  # joblib's idle workers would stay for five minutes
