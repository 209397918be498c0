"""Run the command line in this process: the imports are paid once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from landscape.__main__ import main


@dataclass
class Ran:
    """What a command did."""

    status: int
    out: str
    outputs: Path

    @property
    def sweep(self) -> dict[str, Any]:
        """The ``sweep.json`` of the only sweep below outputs/."""
        (file,) = self.outputs.glob("*/*/sweep.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    @property
    def jobs(self) -> list[Path]:
        """Job folders, in the order of the command."""
        (file,) = self.outputs.glob("*/*/sweep.json")
        return [file.parent / job["key"] for job in self.sweep["jobs"]]


TINY = ("training.max_epochs=2", "training.num_seeds=1", "limits.measured_examples=50", "alphas.num=10", "tracker=none",
        "model.widths=[8,8]")  # fmt: skip


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Ran]:
    """``cli("key=value", ...)`` -> Ran; outputs go to the test's own folder."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["landscape", *arguments])
        capfd.readouterr()
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capfd.readouterr()
        return Ran(status, captured.out + captured.err, tmp_path / "outputs")

    return run
