"""``python -m landscape.paper``: wrong input before anything runs, one failure among others, one report of all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from landscape.command import paper
from landscape.result.saved import Result
from tests.sweeps import launch, running

TINY = [
    *["limits=cpu", "data=digits", "limits.epochs=100", "limits.examples=200", "limits.measured_examples=50"],
    *["limits.width=16", "limits.alphas=5", "training.patience=null", "training.checkpoint_seconds=0"],
    *["training.num_seeds=1", "tracker=none", "threads=1"],
]
"""Caps that no experiment needs, so that what takes a day takes seconds."""


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "landscape.paper", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def test_all_thirteen_figures_are_in_it() -> None:
    assert [name[:5] for name in paper.experiments(["fig*"])] == [f"fig{k:02d}" for k in range(1, 14)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["optimizer.lrr=2"], "optimizer.lrr"),
        (["limits=tiny"], "cpu none reduced schema smoke"),
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
    """One table of all experiments; what two of them train is counted once."""
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(tmp_path))
    assert paper.main(["--only", "fig05*", "--only", "fig13*", *TINY, "training.num_seeds=2", "forecast=only"]) == 0
    said = capfd.readouterr()
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line}
    assert rows["fig05_two_solutions"][1:5] == ["cpu", "2", "of", "2"] and "all together" in said.out
    assert len(rows["fig13_maxout_residual"]) == len(rows["fig05_two_solutions"]) - len(["about", "8", "s"])
    assert "cut: fig13_maxout_residual: training.max_epochs 1000 -> 100" in said.out
    assert "report" not in said.out + said.err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_killed_the_same_command_goes_on_and_what_is_missing_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At ``limits=cpu``: in the middle of a training; what is done stays as it is, to the file's date."""
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(outputs))
    arguments = ["--only", "fig01*", "--only", "fig13*", *TINY]
    process = launch(outputs, *arguments, "forecast=off", module="landscape.paper")
    running(process, outputs, 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert paper.main([*arguments, "--report"]) == 1
    told = capfd.readouterr().out
    assert "cut: fig01_maxout, job 2 of 2 [recipe=maxout]" in told and "1 of 2" in told and "report: " in told
    assert "missing: fig13_maxout_residual: has not begun" in told and "the same command skips what is done" in told

    (first,) = outputs.glob("fig*/cpu/*/result.json")
    before = first.stat().st_mtime_ns
    assert paper.main(arguments) == 0
    told = capfd.readouterr().out
    assert "going on from the checkpoint" in told and "not all is done" not in told
    assert told.index("all together") < told.index("1 of 2: fig01_maxout")  # the forecast comes before all
    assert first.stat().st_mtime_ns == before and len(list(outputs.glob("fig*/cpu/*/result.json"))) == 3
    assert len(list(outputs.glob("solutions/*/meta.json"))) == 2, "figures 1 and 13 share maxout"
    assert {Result.load(path.parent).scale for path in outputs.glob("fig*/cpu/*/result.json")} == {"cpu"}
