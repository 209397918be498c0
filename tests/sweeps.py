"""A small sweep as a program of its own, met in the middle of its work; and the same sweep undisturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.__main__ import main

# At least 100 epochs, each with a checkpoint to go on from: whoever looks meets a job there, however fast it trains.
COMMON = ["tracker=none", "threads=1", "training.patience=100", "training.checkpoint_seconds=0", "alphas.num=5"]
SWEEP = [
    *COMMON,
    *["model.widths=[24,24]", "training.num_seeds=1", "training.max_epochs=150", "limits.measured_examples=50"],
    "optimizer.lr=0.1,0.2,0.3",
]
# Long enough in measuring to be met in a part of it; all passes are plain ones, some of several batches.
MEASURED = [
    *["tracker=none", "threads=1", "model.widths=[48,48]", "training.num_seeds=1", "training.max_epochs=2"],
    *["objective.batch_size=50", "objective.engine=plain", "alphas.num=1000", "alphas.divisions=500"],
]
LONG = [*COMMON, *["model.widths=[40,40]", "training.num_seeds=2", "training.max_epochs=200"]]


def launch(
    outputs: Path, *arguments: str, environment: Mapping[str, str] = os.environ, module: str = "landscape"
) -> subprocess.Popen[str]:
    """The command as a program, its output in a file beside the outputs."""
    environment = dict(environment) | {"LANDSCAPE_OUTPUTS": str(outputs), "OMP_NUM_THREADS": "1"}
    with terminal_of(outputs).open("w") as terminal:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            text=True,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            cwd=outputs.parent,
            start_new_session=True,
        )


def terminal_of(outputs: Path) -> Path:
    """The file with all that ``launch`` has said."""
    return outputs.parent / "terminal.txt"


def records(outputs: Path) -> dict[int, dict[str, Any]]:
    """All jobs that have begun, by number."""
    found = [json.loads(file.read_text()) for file in outputs.glob("*/*/*/job.json")]
    return {record["num"]: record for record in found}


def running(process: subprocess.Popen[str], outputs: Path, num: int | None = None) -> dict[str, Any]:
    """The record of that job, or of whichever is first, as soon as it trains and there is a checkpoint to lose."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None and time.monotonic() < deadline, terminal_of(outputs).read_text()
        found = [record for record in records(outputs).values() if record["status"] == "running"]
        for record in found:
            if num in (None, record["num"]) and trains(record["pid"], outputs, len(found)):
                return record
        time.sleep(0.01)


def trains(pid: int, outputs: Path, side_by_side: int) -> bool:
    """Whether that process holds the lock of a solution with a checkpoint.

    Where the system does not tell who holds what, whether as many have a checkpoint as there are jobs side by side.
    """
    there = {file.parent.with_suffix(".lock") for file in outputs.glob("solutions/*/checkpoint.pt")}
    if not Path("/proc/self/fd").exists():
        return len(there) >= side_by_side
    for place in Path("/proc").glob(f"{pid}/fd/*"):
        with suppress(OSError):  # closed meanwhile
            if place.readlink() in there:
                return True
    return False


def part_of(process: subprocess.Popen[str], outputs: Path, status: str) -> dict[str, Any]:
    """The record of a part as soon as one has that status; one that runs is in the middle of its measuring."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None and time.monotonic() < deadline, terminal_of(outputs).read_text()
        found = [json.loads(file.read_text()) for file in outputs.glob("*/*/*/shards/*/job.json")]
        wanted = [record for record in found if record["status"] == status]
        if wanted and list(outputs.glob("solutions/*/meta.json")):
            return wanted[-1]
        time.sleep(0.01)


def assert_same_numbers(outputs: Path, quiet: Path) -> None:
    """Bit for bit: every job's result, and every trained solution with its trajectory."""
    for pattern in ("*/*/*/result.npz", "solutions/*/solution.npz", "solutions/*/trajectory.npy"):
        pairs = {top: {file.parent.name: file for file in top.glob(pattern)} for top in (outputs, quiet)}
        assert set(pairs[outputs]) == set(pairs[quiet]) and pairs[quiet], pattern
        for key, file in pairs[quiet].items():
            if file.suffix == ".npy":
                assert file.read_bytes() == pairs[outputs][key].read_bytes(), key
                continue
            with np.load(file) as a, np.load(pairs[outputs][key]) as b:
                assert set(a.files) == set(b.files)
                assert all(a[name].tobytes() == b[name].tobytes() for name in a.files), key


def quiet_run(outputs: Path, *arguments: str) -> Path:
    """The same sweep, one job after another in this process."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["landscape", *arguments, f"outputs={outputs}"])
        main()
    assert not stop.value.code
    return outputs
