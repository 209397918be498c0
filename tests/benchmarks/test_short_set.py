"""The benchmarks that are cited most run through at their smallest size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import SHORT

ROOT = Path(__file__).parents[2]
NAMES = ("line", "surface", "any_module", "loader", "plane")


@pytest.mark.slow
def test_they_run_through() -> None:
    """Exit 0, each named with its seconds, and no measurement is overwritten."""
    results = {file: file.read_bytes() for file in (ROOT / "benchmarks" / "results").glob("*.json")}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks", "--small", *NAMES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for name in NAMES:
        assert f"== python -m benchmarks.{name} --small" in done.stdout
    assert results == {file: file.read_bytes() for file in (ROOT / "benchmarks" / "results").glob("*.json")}


def test_the_short_set_is_there_in_the_order_of_the_page() -> None:
    """No name without a script, and the page has a place for each."""
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in SHORT)
    assert [name for name in report.ORDER if name in SHORT] == SHORT


def test_an_unknown_benchmark_is_told() -> None:
    """Exit 2, with the names that there are."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks", "lime"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "lime unknown" in done.stderr and "line" in done.stderr
