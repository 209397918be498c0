"""A disk that is really full: a small file system of its own, which only the administrator of a machine may make."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from landscape.result import Result

from .conftest import TINY, Ran

# The second job's trajectory is 14 MB; the others fit easily.
SWEEP = [*TINY[1:5], "training.max_epochs=12", "threads=1", "training.checkpoint_seconds=0",
         "model.widths=[8,8],[500,500],[9,9]"]  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "outputs"
    disk.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]).returncode:
        pytest.skip("only root may mount a small file system here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_costs_no_result_and_no_number(cli: Callable[..., Ran], small_disk: Path, tmp_path: Path) -> None:
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
    pairs = [{f.parent.name: f for f in top.glob("*/*/*/result.npz")} for top in (small_disk, tmp_path / "quiet")]
    assert set(pairs[0]) == set(pairs[1]) and len(pairs[0]) == 3
    for key, file in pairs[0].items():
        with np.load(file) as a, np.load(pairs[1][key]) as b:
            assert set(a.files) == set(b.files)
            assert all(a[name].tobytes() == b[name].tobytes() for name in a.files), key
