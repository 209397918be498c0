"""A sweep as a stranger might send it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job, Plan
from tests.report.conftest import job

NOW = "20260102"
STRANGER = """
import pathlib
pathlib.Path(__file__).with_name("it_ran").touch()
from landscape.figure.sweep import draw, judge
def call(*args, **kwargs): pathlib.Path(__file__).with_name("it_ran").touch()
"""


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of two finished jobs and a failed one; beside it a module that would leave ``it_ran`` when imported."""
    folder = tmp_path / "full"
    entries = [Job(num, f"job{num}", f"job{num}", [f"optimizer.lr=0.{num + 1}"]) for num in range(3)]
    for entry in entries:
        done = entry.num < 2
        if done:
            job(0.1 * (entry.num + 1)).save(folder / entry.key)
        record = JobRecord(
            entry.key, NOW, entry.num, entry.overrides, "done" if done else "failed", "", 0 if done else 1
        )
        (folder / entry.key).mkdir(exist_ok=True)
        record.write(folder / entry.key)
    Plan(NOW, False, False, entries).write(folder)
    (tmp_path / "stranger.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    return folder
