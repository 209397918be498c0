"""The closing run of a sweep: its numbers against counting by hand, and a real sweep read back from W&B's files."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from landscape.command.closing import close, closing_of, closing_run
from landscape.command.collect import collect
from landscape.report.sweep import Row
from landscape.result.saved import Result
from tests.cli.conftest import QUICK, Cli, Ran, cli  # noqa: F401 (the fixture)
from tests.report.conftest import job
from tests.tracker.conftest import Records

OFFLINE = {"_target_": "landscape.tracker.wandb.WandbTracker"}


def row(lr: str, seed: str, error: float, holds: bool | None) -> Row:
    """One run with one number and one verdict."""
    return Row(
        "x", "full", f"job{lr}", seed, {"optimizer.lr": lr}, 1.0, "cpu", "", {"error": error}, {("1b", "train"): holds}
    )


ROWS = [
    row("0.1", "0", 0.25, True),
    row("0.1", "1", 0.75, True),
    row("0.1", "2", float("nan"), None),
    row("0.2", "0", 0.5, False),
]


def table(name: str, rows: list[Row]) -> list[dict[str, Any]]:
    """One of the tables of the closing run, as dicts."""
    found = closing_of(rows, 2, 0, [], None).tables[name]
    return [dict(zip(found.columns, cells, strict=True)) for cells in found.rows]


def test_rates_and_means_against_counting() -> None:
    """2 of 3 judged runs hold; Wilson's interval solves its equation; the table has each setting beside the whole."""
    values = closing_of(ROWS, 2, 1, [], None).values
    assert (values["jobs/done"], values["jobs/failed"], values["rows"]) == (2, 1, 4)
    assert (values["rate/1b train/holds"], values["rate/1b train/judged"]) == (2, 3)
    assert values["rate/1b train"] == pytest.approx(2 / 3)
    for end in ("low", "high"):
        p = values[f"rate/1b train/{end}"]
        assert isinstance(p, float)
        assert abs(2 / 3 - p) == pytest.approx(1.959963984540054 * (p * (1 - p) / 3) ** 0.5, abs=1e-12)
    assert [(r["over"], r["set:optimizer.lr"], r["holds"], r["judged"]) for r in table("rates", ROWS)] == [
        ("all settings", None, 2, 3),
        ("one setting", "0.1", 2, 2),
        ("one setting", "0.2", 0, 1),
    ]
    first, second = table("means", ROWS)
    assert (first["mean"], first["count"]) == (0.5, 2) and first["standard error"] == pytest.approx(0.25)
    assert (second["mean"], second["standard error"]) == (0.5, None)
    assert "mean/error" not in values  # a mean over two settings would be one of neither


def test_means_of_one_setting_are_values_and_no_value_is_nan() -> None:
    """A single setting has its means among the single values; a standard error of one run does not exist."""
    one = closing_of(ROWS[:3], 1, 0, [], None).values
    assert one["mean/error"] == 0.5 and one["mean/error/standard_error"] == pytest.approx(0.25)
    alone = closing_of(ROWS[3:], 1, 0, [], None).values
    assert alone["mean/error"] == 0.5 and "mean/error/standard_error" not in alone
    assert [cells["error"] for cells in table("rows", ROWS)] == [0.25, 0.75, None, 0.5]


def test_its_id_is_the_folders(tmp_path: Path) -> None:
    """The same folder has the same id, however it is spelt; another scale has another."""
    jobs = {"a": job(0.1)}
    here = closing_run(tmp_path / "x/full", jobs)
    assert here.id == closing_run(tmp_path / "x/../x/full", jobs).id != closing_run(tmp_path / "x/smoke", jobs).id
    assert (here.group, here.job_type, here.tags) == ("my_sweep", "summary", ["full", "summary"])


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Result]:
    """Two saved jobs of one sweep."""
    found = {"a": job(0.1, seeds=3), "b": job(0.2, seeds=3)}
    for key, result in found.items():
        result.save(tmp_path / key)
    return found


@pytest.mark.parametrize(
    "tracker",
    [None, {"_target_": "landscape.tracker.null.NullTracker"}, OFFLINE | {"mode": "disabled"}],
    ids=["unknown", "none", "disabled"],
)
def test_no_tracker_no_trace(tracker: Any, jobs: dict[str, Result], tmp_path: Path) -> None:
    """Nothing is written and nothing is said."""
    close(tmp_path, jobs, 0, [], None, tracker)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("fault", ["tracker", "figure"])
def test_a_fault_is_one_warning(
    fault: str, jobs: dict[str, Result], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tracker that cannot be made and a figure that is no picture cost a line in the log, never the command."""
    figure, tracker = tmp_path / "figure.png", OFFLINE | ({"mode": "sometimes"} if fault == "tracker" else {})
    figure.write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        close(tmp_path, jobs, 0, [], figure, tracker)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("landscape")]
    assert len(lines) == 1 and ("tracker.mode=sometimes" if fault == "tracker" else "W&B failed") in lines[0]


@pytest.mark.slow
def test_a_real_sweep_ends_in_its_summary(cli: Cli) -> None:  # noqa: F811
    """Two jobs of one solution and a closing run: one group, the table's rows, the lineage.

    Collected again without a word on the tracker there is no other; with one it replaces the closing run.
    """
    ran = cli(*QUICK, "tracker=wandb", "model=relu_small", "endpoints=init_to_solution,random_to_solution")
    assert ran.status == 0, ran.out
    top = ran.jobs[0].parent
    (before,) = (top / "wandb").glob("offline-run-*-summary-*")
    time.sleep(1)  # wandb names its folders by the second
    assert collect(top, None, ran.sweep["command"], strict=False) == 0 and before.exists()
    assert collect(top, None, ran.sweep["command"], False, OFFLINE) == 0 and not before.exists()
    runs = {run.of("run")[0]["run_id"]: run for run in map(Records, sorted((top / "wandb").glob("offline-run-*")))}
    first, second = (runs.pop(place.name) for place in ran.jobs)
    ((key, closing),) = runs.items()
    assert key.startswith("summary-") and len(list((top / "wandb").glob("offline-run-*"))) == 3
    heads = [run.of("run")[0] for run in (first, second, closing)]
    assert {head["run_group"] for head in heads} == {"quickstart"}
    assert [head["job_type"] for head in heads] == ["interpolation", "interpolation", "summary"]
    (image,) = (row for row in closing.history if "figure.path" in row)
    assert (closing.folder / "files" / image["figure.path"]).read_bytes() == (top / "figure.png").read_bytes()
    rows = closing.table("rows")
    assert [cells[rows["columns"].index("job")] for cells in rows["data"]] == [place.name for place in ran.jobs]
    assert len(closing.table("verdict_table")["data"]) == len(ran.sweep["verdicts"]) > 0
    made, used = ({a["type"]: a for a in run.of("artifact")}["solution"] for run in (first, second))
    assert made["name"] == used["name"] and made["digest"] == used["digest"]
    assert not made.get("use_after_commit") and used["use_after_commit"]
