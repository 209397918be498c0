"""Files of the first edition, as it wrote them: they load, are drawn and counted, and no training is done twice."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landscape.command.collect.outcome import main as collect_main
from landscape.figure.__main__ import main as figure_main
from landscape.report.__main__ import main as report_main
from landscape.result.saved import Result
from tests.cli.conftest import Ran, cli  # noqa: F401 (the fixture)

HERE = Path(__file__).parent
COMMAND = ("limits=smoke", "limits.width=8", "tracker=none", "forecast=off")
JOB, ENTRY = "f41921ab1fb7", "b734b3bf2dc4d913"
ROUNDING = 1e-4
"""Relative, between this machine and the one that wrote the files: both train in float32."""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "outputs", tmp_path / "outputs"))


def test_a_result_is_loaded_drawn_reported_and_counted(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its documents have no digest; the plan and the record are those of its own command."""
    sweep = outputs / "quickstart/smoke"
    result = Result.load(sweep / JOB)
    assert (result.status, result.seeds, len(result.verdicts)) == ("done", ["0", "1"], 10)
    assert {name: curve.objective.shape for name, curve in result.curves.items()} == {
        "train/deterministic": (12, 2),
        "valid/deterministic": (12, 2),
    }
    assert figure_main([str(sweep)]) == 0 and report_main([str(sweep)]) == 0
    monkeypatch.setattr(sys, "argv", ["collect", str(sweep)])
    with pytest.raises(SystemExit) as stop:
        collect_main()
    assert not stop.value.code and "1 job done, 0 done before, 0 failed" in capsys.readouterr().out
    written = ("figure.png", "figure.pdf", "report.html", "sweep.csv", "sweep_summary.csv", "sweep.json")
    assert [name for name in written if not (sweep / name).is_file()] == []


@pytest.mark.parametrize("state", ["whole", pytest.param("cut", marks=pytest.mark.slow)])
def test_the_same_command_uses_its_training(state: str, outputs: Path, cli: Callable[..., Ran]) -> None:  # noqa: F811
    """An entry is reused and a checkpoint is gone on with, to the same solution and the same curves."""
    entry = outputs / "solutions" / ENTRY
    before = Result.load(outputs / "quickstart/smoke" / JOB)
    with np.load(entry / "solution.npz") as arrays:
        theta_f = arrays["theta_f"]
    if state == "cut":
        shutil.rmtree(entry)
        shutil.copytree(HERE / "cut", entry)
    ran = cli(*COMMAND)
    assert ran.status == 0, ran.out
    (job,) = ran.jobs
    said = (job / "run.log").read_text()
    assert ("trained before; reusing them" if state == "whole" else "going on from the checkpoint") in said
    assert [folder.name for folder in (outputs / "solutions").iterdir() if folder.is_dir()] == [ENTRY]
    with np.load(entry / "solution.npz") as arrays:
        np.testing.assert_allclose(arrays["theta_f"], theta_f, rtol=ROUNDING, atol=ROUNDING)
    after = Result.load(job)
    for name, curve in before.curves.items():
        np.testing.assert_allclose(after.curves[name].objective, curve.objective, rtol=ROUNDING)
