"""Names of the first edition are the modules of this one, not copies."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import landscape
from landscape.ground.former import FORMER, present


def test_a_former_name_is_the_module_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landscape, "trajectory", landscape.trajectory)  # a function of today, which a former name hides
    for former in (f"landscape.{name}" for name in (*FORMER, "curve.numbers", "engine.line", "compute.gpu")):
        module = import_module(former)
        assert module is import_module(present(former)) and module.__name__ == present(former), former
        assert module.__spec__ is not None and module.__spec__.name == present(former), former


def test_a_script_of_the_first_edition_runs_in_a_new_process() -> None:
    """In either order, and a module that never was is still told by its name."""
    program = (
        "from landscape.slope import slopes\n"
        "import landscape.curve.types as before, landscape.result.curve.types as after\n"
        "from landscape.objective.slope import slopes as today\n"
        "assert slopes is today and before is after\n"
        "import landscape.slopes\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.stderr.strip().endswith("No module named 'landscape.slopes'"), done.stderr
