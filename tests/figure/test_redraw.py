"""``python -m landscape.figure DIR``: what it reads, what it writes, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from landscape.figure.__main__ import main
from landscape.figure.redraw import job_folders
from tests.forged import rename

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sweep(make: Any, tmp_path: Path) -> Path:
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


def test_one_job_is_redrawn_alone(sweep: Path) -> None:
    assert main([str(sweep / "sigmoid")]) == 0
    assert [path.parent.name for path in sweep.rglob("figure.png")] == ["sigmoid"]


def _no_folder(folder: Path) -> Path:
    return folder / "nowhere"


def _no_results(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _corrupt(folder: Path) -> Path:
    path = folder / "sigmoid" / "result.json"
    path.write_text(path.read_text()[:100])
    return folder


def _bad_list(folder: Path) -> Path:
    (folder / "sweep.json").write_text('{"jobs": [{}]}')
    return folder


def _only_failed(folder: Path) -> Path:
    return folder / "broken"


def _edit(folder: Path, figure: str) -> Path:
    for key in ("sigmoid", "relu_dropout"):
        rename(folder / key, "landscape.figure.fig02_sigmoid_relu", figure)
    return folder


def _unknown_module(folder: Path) -> Path:
    return _edit(folder, "landscape.figure.fig99_nothing")


def _no_drawing(folder: Path) -> Path:
    return _edit(folder, "landscape.figure.table")


def _two_figures(folder: Path) -> Path:
    rename(folder / "sigmoid", "fig02_sigmoid_relu", "fig03_overlay")
    return folder


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (_no_folder, "is no folder"),
        (_no_results, "no result.json"),
        (_corrupt, "truncated or damaged"),
        (_bad_list, "sweep.json cannot be read"),
        (_only_failed, "none of the 1 jobs is done"),
        (_unknown_module, "fig99_nothing"),
        (_no_drawing, "without draw(results) and judge(results)"),
        (_two_figures, "different figures"),
    ],
)
def test_wrong_input_is_one_message_and_status_2(
    sweep: Path, capsys: pytest.CaptureFixture[str], break_it: Callable[[Path], Path], words: str
) -> None:
    assert main([str(break_it(sweep))]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert len(captured.err.splitlines()) == 1 and captured.err.startswith("error: ")
    assert not list(sweep.rglob("figure.png"))


def test_it_runs_where_torch_hydra_and_wandb_are_not_installed(sweep: Path) -> None:
    program = """
import runpy, sys
blocked = {"torch", "hydra", "omegaconf", "wandb"}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["landscape.figure", sys.argv[1]]
try:
    runpy.run_module("landscape.figure", run_name="__main__", alter_sys=True)
except SystemExit as stop:
    assert not blocked & set(sys.modules)
    sys.exit(stop.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(sweep)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr
    assert (sweep / "figure.png").is_file()
