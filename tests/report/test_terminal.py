"""What a command prints and writes at its end: means, rates, and the two tables."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from landscape.figure.sweep import judge
from landscape.ground.progress import WIDTH
from landscape.report import terminal
from landscape.report.section import read
from landscape.report.tables import write_tables

from .test_tables import read as table


def printed(summary: RenderableType, width: int = WIDTH) -> str:
    """As it is shown where the output is a file."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(summary)
    return console.export_text()


def end(folder: Path) -> str:
    """The summary of a folder's results, with the tables written beside them."""
    section = read(folder)
    return printed(write_tables(folder, section.places, section.results, judge(section.results)))


def test_the_end_of_a_sweep_has_means_rates_and_tables(sweep: Path) -> None:
    """Two settings of three seeds, the second of which rises again beyond its minimum on every seed."""
    text = end(sweep)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    # test_error is 0.01 for every seed of the builder, shown in percent
    assert "0.1 3 1 ± 0" in lines and "0.2 3 1 ± 0" in lines
    claim = lines.index("1b J falls monotonically from start to solution")
    assert lines[claim + 1] == "train, deterministic 3 of 6 runs: 50 % [19, 81]"
    assert max(map(len, text.splitlines())) <= WIDTH and "each run judged alone" in text
    assert "J on [0, 1], training: monotone in 3 of 6 runs: 50 % [19, 81]" in lines
    assert "J on [0, 1], validation: monotone in 6 of 6 runs: 100 % [61, 100]" in lines
    assert [(row["job"], row["seed"]) for row in table(sweep / "sweep.csv")][-1] == ("job1", "2")
    assert {row["kind"] for row in table(sweep / "sweep_summary.csv")} == {"number", "rate"}
    assert not [path for path in sweep.iterdir() if path.name.startswith(".")]


def test_means_are_those_of_the_numbers(sweep: Path) -> None:
    """Mean and standard error over three seeds by hand: 0, 1 and 5 nats have mean 2 and error 1.528."""
    section = read(sweep)
    rise = {"train/deterministic/largest_rise": [0.0, 1.0, 5.0]}
    for place, result in zip(section.places, section.results, strict=True):
        replace(result, numbers={**result.numbers, **rise}).save(place)
    assert "2 ± 1.5" in end(sweep)


def test_one_job_has_no_table_of_rates(sweep: Path) -> None:
    """The verdicts already say in how many seeds each claim holds."""
    text = end(sweep / "job1")
    assert "each run judged alone" not in text and "monotone in 0 of 3 runs: 0 % [0, 56]" in text
    assert len(table(sweep / "job1/sweep.csv")) == 3


def test_many_settings_are_cut_short_and_said_to_be(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MAX_SETTINGS", 1)
    text = end(sweep)
    assert "1 more settings are in sweep_summary.csv" in text
    assert not [line for line in text.splitlines() if line.startswith("0.2")]


def test_results_without_numbers_or_lines_are_still_told(make: Any, tmp_path: Path) -> None:
    """Nothing to average and nothing to call monotone: the tables are written all the same."""
    bare = make.result("digits", curves={}, learning_curve=None, numbers={}, figure="landscape.figure.sweep")
    bare.save(tmp_path / "job0")
    assert end(tmp_path).strip() == ""
    assert len(table(tmp_path / "sweep.csv")) == 1
