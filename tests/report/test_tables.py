"""sweep.csv and its summary read back: every number as it was saved."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from landscape.report.tables import write
from landscape.result.saved import Result

pytestmark = pytest.mark.usefixtures("blank_figures")


def read(path: Path) -> list[dict[str, str]]:
    """The CSV as a list of rows."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_per_job_and_seed_with_exact_numbers(sweep: Path, page: Callable[..., str]) -> None:
    """Six rows; what is written is bit for bit what the results hold; counts add up to the verdict columns."""
    page(sweep)
    table = read(sweep / "sweep.csv")
    assert [(r["job"], r["seed"], r["set:optimizer.lr"]) for r in table][2:4] == [
        ("job0", "2", "0.1"),
        ("job1", "0", "0.2"),
    ]
    for row in table:
        saved = Result.load(sweep / row["job"])
        assert float(row["num_test_errors"]) == saved.numbers["num_test_errors"][int(row["seed"])]  # type: ignore[index]
        assert (float(row["seconds"]), row["device"], row["scale"]) == (saved.seconds, saved.device, "full")
        verdicts = [value for key, value in row.items() if key.startswith("verdict:")]
        assert [int(row[key]) for key in ("holds", "fails")] == [verdicts.count("true"), verdicts.count("false")]
    assert [r["verdict:1b train, deterministic"] for r in table] == ["true"] * 3 + ["false"] * 3


def test_summary_has_means_and_rates(sweep: Path, page: Callable[..., str]) -> None:
    """Means per setting over its seeds, rates over the sweep and per setting, each with its interval."""
    page(sweep, "--output", sweep / "x/page.html", "--csv", sweep / "y/all.csv")
    table = read(sweep / "y/all_summary.csv")
    errors = [r for r in table if r["what"] == "num_test_errors"]
    assert [(r["set:optimizer.lr"], r["count"], float(r["value"])) for r in errors] == [
        ("0.1", "3", 101.0),
        ("0.2", "3", 101.0),
    ]
    assert float(errors[0]["standard_error"]) == pytest.approx(1 / math.sqrt(3))
    monotone = [r for r in table if (r["what"], r["on"]) == ("1b", "train, deterministic")]
    assert [(r["set:optimizer.lr"], r["holds"], r["count"]) for r in monotone] == [
        ("", "3", "6"),
        ("0.1", "3", "3"),
        ("0.2", "0", "3"),
    ]
    assert float(monotone[0]["low"]) + float(monotone[0]["high"]) == pytest.approx(1)


def test_cells_that_a_row_lacks_stay_empty_and_text_is_quoted(tmp_path: Path) -> None:
    """NaN and absent are empty; commas, quotes and line ends survive; no temporary file stays."""
    write([{"name": 'a,"b"\nc', "x": math.nan}, {"name": "d", "set:k": "v", "y": -1.5}], tmp_path / "t.csv")
    assert read(tmp_path / "t.csv") == [
        {"name": 'a,"b"\nc', "set:k": "", "x": "", "y": ""},
        {"name": "d", "set:k": "v", "x": "", "y": "-1.5"},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
