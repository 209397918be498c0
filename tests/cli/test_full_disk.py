"""A disk that is really full: a small file system of its own, which only the administrator of a machine may make."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from landscape.result.saved import Result

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


@pytest.mark.parametrize("kilobytes", [0, 4, 40])
@pytest.mark.parametrize("tracker", ["none", "wandb"])
def test_a_disk_with_next_to_no_room_is_refused_before_work(
    kilobytes: int, tracker: str, cli: Callable[..., Ran], small_disk: Path
) -> None:
    """One line, and nothing begun: Hydra's own first file would end in its traceback."""
    (small_disk / "filler").write_bytes(bytes((8 * 1024 - kilobytes) * 1024 - 4096))
    with suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as file:
        while kilobytes == 0:
            file.write(bytes(4096))
    ran = cli(*[item for item in TINY if not item.startswith("tracker")], f"tracker={tracker}")
    assert ran.status == 2 and "Traceback" not in ran.out
    (line,) = ran.out.splitlines()
    assert line.startswith(f"outputs={small_disk} ") and "set outputs=" in line
    assert not list(small_disk.glob("**/job.json"))
