"""``python -m landscape.paper``: wrong input before anything runs, one failure among others, one report of all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from landscape.command import paper
from landscape.result.saved import Result


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "landscape.paper", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def test_all_thirteen_figures_are_in_it() -> None:
    assert [name[:5] for name in paper.experiments(["fig*"])] == [f"fig{k:02d}" for k in range(1, 14)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["optimizer.lrr=2"], "optimizer.lrr"),
        (["limits=tiny"], "none reduced schema smoke"),
        (["+experiment=fig01_maxout"], "cannot be given to all experiments"),
        (["name=mine"], "cannot be given to all experiments"),
        (["reduced"], "write key=value"),
        (["--only", "fig99*"], "fits no experiment; known are ext0"),
    ],
)
def test_wrong_input_is_told_before_anything_runs(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(tmp_path))
    assert paper.main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_one_failure_stops_no_other_and_the_report_has_all(tmp_path: Path) -> None:
    arguments = ["--only", "fig09*", "limits=smoke", "tracker=none", f"outputs={tmp_path}", "--only", "fig10*"]
    first = command(*arguments)
    assert first.returncode == 0, first.stdout + first.stderr
    page = (tmp_path / "paper" / "smoke" / "report.html").read_text()
    assert "fig09_deep_linear" in page and "fig10_deep_linear_barriers" in page
    results = sorted(tmp_path.glob("fig*/smoke/*/result.json"))
    before = {path: path.stat().st_mtime_ns for path in results}
    # The results of fig09 are gone, so its jobs alone run again, and find too little memory.
    for path in results:
        if "fig09" in str(path):
            path.unlink()
    second = command(*arguments, "objective.memory=1B")
    assert second.returncode == 1, second.stdout + second.stderr
    assert "failed (2)" in second.stdout and "done" in second.stdout
    for path, when in before.items():
        if "fig10" in str(path):
            assert path.stat().st_mtime_ns == when
        else:
            assert Result.load(path.parent).status == "failed"


@pytest.mark.slow
def test_a_forecast_alone_reports_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(tmp_path))
    assert paper.main(["--only", "fig12*", "limits=smoke", "forecast=only"]) == 0
    said = capfd.readouterr()
    assert "forecast of fig12_quadratic (smoke)" in said.out and "report" not in said.out + said.err
