"""``python -m landscape.figure DIR``: what it reads, what it writes, and what it says when it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from landscape.figure.__main__ import main
from landscape.figure.redraw import job_folders

from . import conftest as make

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two finished jobs of Fig. 2, a failed one, and the leftover of an earlier command."""
    folder = tmp_path / "full"
    for recipe in ("sigmoid", "relu_dropout"):
        job = make.result(recipe, name="fig02", figure="landscape.figure.fig02_sigmoid_relu")
        job.save(folder / recipe)
    failed = replace(job, status="failed", error="Traceback\nMemoryError: no room", curves={}, learning_curve=None)
    failed.save(folder / "broken")
    make.result("relu", figure="landscape.figure.fig02_sigmoid_relu").save(folder / "earlier")
    keys = [{"key": key, "status": "done"} for key in ("sigmoid", "relu_dropout", "broken", "killed")]
    (folder / "sweep.json").write_text(json.dumps({"jobs": keys}))
    return folder


def test_a_sweep_is_redrawn_whole_and_job_by_job(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "job killed left no result" in out
    assert "job broken failed, left out: MemoryError: no room" in out
    assert "2 results drawn" in out
    assert "sigmoid," in out and "relu_dropout," in out and "relu," not in out
    drawn = {path.parent.name for path in sweep.rglob("figure.png")}
    assert drawn == {"full", "sigmoid", "relu_dropout"}
    assert {path.parent.name for path in sweep.rglob("figure.pdf")} == drawn


def test_without_a_list_of_jobs_all_below_are_drawn(sweep: Path) -> None:
    (sweep / "sweep.json").unlink()
    folders, missing = job_folders(sweep)
    assert [folder.name for folder in folders] == ["broken", "earlier", "relu_dropout", "sigmoid"]
    assert missing == []


def test_no_table_is_printed_without_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"choices": {"endpoints": "other"}, "curves": {}, "learning_curve": None}
    make.result("digits", figure="landscape.figure.sweep", **nothing).save(tmp_path / "job0")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("1 result drawn: ")


def test_several_folders_are_one_figure(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Such as of nets that were trained by commands of their own; drawn nowhere but where they are published."""
    folders = [str(sweep / "sigmoid"), str(sweep / "earlier")]
    assert main(folders) == 2
    assert "add --publish TARGET" in capsys.readouterr().err
    assert main([*folders, "--publish", str(tmp_path / "page")]) == 0
    assert "2 results drawn" in capsys.readouterr().out
    assert {path.parent.name for path in tmp_path.rglob("figure.png")} == {"page"}
    assert "sigmoid against ReLU" in (tmp_path / "page" / "README.md").read_text("utf-8")


def test_one_job_is_redrawn_alone(sweep: Path) -> None:
    assert main([str(sweep / "sigmoid")]) == 0
    assert [path.parent.name for path in sweep.rglob("figure.png")] == ["sigmoid"]
