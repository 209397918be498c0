"""docs/performance.md is what the committed results say, and the report reads what benchmarks write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import outcome, report


def test_the_page_is_that_of_the_committed_results() -> None:
    """Nobody typed a number: ``python -m benchmarks.report`` gives the same page."""
    assert report.PAGE.read_text() == report.page(report.load()), "run python -m benchmarks.report and commit"


def test_a_missed_target_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``show`` writes comes back as a section, a miss with reason and measured value, no number lost to JSON."""
    monkeypatch.setattr(outcome, "RESULTS", tmp_path)
    goals = [
        outcome.target("times faster", 1.23456, least=2, why="of the time 90% in here | there", of_limit=0.4321),
        outcome.target("error", float("nan"), most=1e-6),
    ]
    rows = [["mine", 0.012345, float("inf")]]
    outcome.show("a title", ["method", "seconds", "ratio"], rows, "trial", goals, [[0.9, 3, "here"]], ["a note"])
    (tmp_path / "half.json").write_text(json.dumps({"title": "not a table"}))
    text = report.page(report.load(tmp_path))
    assert (
        "0 of 2 reached" in text
        and "| trial | times faster | 1.23 | ≥ 2 | 0.432 | of the time 90% in here \\| there |" in text
    )
    assert "| mine | 0.0123 | inf |" in text and "- a note" in text and "| 90% | 3 | here |" in text
    assert "- [a title](#a-title): `trial`" in text and "| trial | error | nan | ≤ 1e-06 | - | - |" in text
    assert "not a table" not in text and "no run of `python -m benchmarks.gpu`" in text


def test_a_trial_leaves_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--small`` writes where nothing is taken for a measurement."""
    monkeypatch.setattr(outcome, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(outcome, "TRIALS", tmp_path / "out")
    outcome.show("a title", ["method"], [["mine"]], "trial", small=True)
    assert (tmp_path / "out" / "trial.json").exists() and not (tmp_path / "results").exists()
