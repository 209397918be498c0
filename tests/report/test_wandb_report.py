"""The W&B report against what the tracker really logged: axes, keys, runs, tables; offline, online, and refused."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from wandb_workspaces.reports.v2.internal import ReportViewspec

from landscape.command.closing import close
from landscape.report.__main__ import main
from landscape.report.section import read
from landscape.result.verdict import ordered
from landscape.tracker.wandb import WandbTracker
from tests.tracker.conftest import Records, load

TRACKER = {"_target_": "landscape.tracker.wandb.WandbTracker", "project": "mine", "entity": None, "mode": "offline"}
KEYS = ("k3y", "other")


@pytest.fixture(scope="module")
def job() -> ModuleType:
    """The job of the tracker's own tests."""
    return load("job")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, job: ModuleType) -> Path:
    """A sweep of two jobs, tracked and closed, with a theory curve beside a measured one."""
    folder, jobs = tmp_path_factory.mktemp("sweep"), {}
    for k, key in enumerate(KEYS):
        result = job.result()
        seen = result.curves["valid/deterministic"]
        theory = dataclasses.replace(seen, objective=seen.objective + 0.25, source="theory")
        result.curves["valid/theory"] = theory
        config = {"optimizer": {"lr": 0.1 * (k + 1)}, "tracker": TRACKER, "dimensions": {"classes": 10}}
        jobs[key] = dataclasses.replace(result, config=config, overrides=[f"optimizer.lr={0.1 * (k + 1)}"])
        jobs[key].save(folder / key)
        tracker = WandbTracker(project="mine")
        tracker.start(job.info(folder, key))
        tracker.record(jobs[key])
        tracker.finish()
    job.files(folder / "pictures")  # a figure
    close(folder, jobs, 0, jobs["k3y"].verdicts, folder / "pictures/k3y/figure.png", TRACKER)
    return folder


@pytest.fixture
def sweep(tracked: Path, tmp_path: Path) -> Path:
    """The finished jobs of that sweep in a folder of this test's own."""
    for key in KEYS:
        (tmp_path / "sweep" / key).mkdir(parents=True)
        for name in ("result.json", "result.npz"):
            (tmp_path / "sweep" / key / name).write_bytes((tracked / key / name).read_bytes())
    return tmp_path / "sweep"


@pytest.fixture(scope="module")
def report(tracked: Path) -> dict[str, Any]:
    """The report on that sweep, as the command writes it without a server."""
    status, report = command(tracked)
    assert status == 0
    return report


@pytest.fixture(scope="module")
def runs(tracked: Path) -> list[Records]:
    """What W&B's files say of the two jobs and of the closing run."""
    return [Records(run) for run in sorted((tracked / "wandb").glob("offline-run-*"))]


def command(folder: Path) -> tuple[int, dict[str, Any]]:
    """The command's status and the report that it wrote."""
    status = main([str(folder), "--wandb"])
    file = folder / "wandb_report.json"
    return status, json.loads(file.read_text()) if file.exists() else {}


def grids(report: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The first run set of each grid, and its panels."""
    for block in report["spec"]["blocks"]:
        if block["type"] == "panel-grid":
            yield block["metadata"]["runSets"][0], block["metadata"]["panelBankSectionConfig"]["panels"]


def plots(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of every line plot."""
    return [p["config"] for _, panels in grids(report) for p in panels if p["viewType"] == "Run History Line Plot"]


def conditions(runset: dict[str, Any]) -> dict[str, Any]:
    """What a run set asks of its runs; all of it is joined by AND."""
    assert all(item.get("connector", "AND") == "AND" for item in runset["filters"]["filters"])
    return {item["key"]["name"]: item["value"] for item in runset["filters"]["filters"]}


def test_panels_show_what_was_logged_on_its_own_axis(report: dict[str, Any], runs: list[Records]) -> None:
    """Every curve, metric, residual and learning key of the runs is in exactly one panel, over the axis it declared."""
    axis = {m["glob_name"].rstrip("*"): m["step_metric"] for m in runs[0].of("metric") if "glob_name" in m}
    logged = {key for run in runs[:2] for row in run.history for key in row if key.startswith(tuple(axis))}
    beside = {*axis.values(), "residual/epoch", "residual/step"}  # places of a point, not values
    wanted = {key for key in logged - beside if "/parameter_norm/" not in key}
    shown = [key for plot in plots(report) for key in plot["metrics"]]
    assert sorted(shown) == sorted(wanted)
    for plot in plots(report):
        assert {axis[key.split("/")[0] + "/"] for key in plot["metrics"]} == {plot["xAxis"]}
        assert plot["xAxisTitle"] and plot["yAxisTitle"] and plot["smoothingType"] == "none"
    assert {plot["xAxis"] for plot in plots(report)} == set(axis.values())


def test_theory_is_dashed_beside_its_measurement(report: dict[str, Any]) -> None:
    """One panel has both curves of the validation split; exactly the theory's lines are dashed, in each run."""
    (plot,) = (plot for plot in plots(report) if any("/valid.theory/" in key for key in plot["metrics"]))
    stem = "interpolation/valid."
    assert plot["metrics"] == [f"{stem}{name}/objective/seed{s}" for name in ("deterministic", "theory") for s in "45"]
    assert plot["overrideMarks"] == {f"{k}:{stem}theory/objective/seed{s}": "dashed" for k in KEYS for s in "45"}
    assert "theory" in plot["chartTitle"]
    assert not [p for p in plots(report) if p is not plot and "overrideMarks" in p]


def test_run_sets_find_the_runs(report: dict[str, Any], runs: list[Records]) -> None:
    """The ids, and the closing run's group, job type and tags, are those of the runs; its tables are logged there."""
    heads = [run.of("run")[0] for run in runs]
    (curves, _), (closing, panels), (compared, comparer) = grids(report)
    assert conditions(curves) == conditions(compared) == {"name": [head["run_id"] for head in heads[:2]]}
    asked, last = conditions(closing), heads[2]
    assert [asked["group"], asked["jobType"]] == [last["run_group"], last["job_type"]]
    assert set(asked["tags"]) <= set(last["tags"]) and not set(asked["tags"]) & {"summary"}
    logged = {key.split(".")[0] for row in runs[2].history for key in row}
    named = {key for key in logged if f'"val": "{key}"' in json.dumps(panels)} | set(panels[0]["config"]["mediaKeys"])
    assert named == logged >= {"figure", "means", "rows", "verdict_table"}
    assert comparer[0]["viewType"] == "Run Comparer"


def test_text_has_the_question_and_every_verdict(report: dict[str, Any], tracked: Path) -> None:
    """The figure module's sentence, each claim, the command, and a line of the table for every verdict."""
    blocks = report["spec"]["blocks"]
    text = json.dumps(blocks, ensure_ascii=False)
    assert "The figure of any result" in text and "python -m landscape" in text
    verdicts = read(tracked).verdicts
    assert len(verdicts) > 4
    assert all(json.dumps(f"{verdict.claim} ({verdict.source})", ensure_ascii=False) in text for verdict in verdicts)
    (table,) = (block["content"] for block in blocks if block.get("content", "").startswith("| check"))
    for verdict, line in zip(ordered(verdicts), table.splitlines()[2:], strict=True):
        cells = [part.replace("\\|", "|").strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert cells[:5] == [verdict.check, verdict.subject, verdict.claim, verdict.measured, verdict.expected]
    assert "2 jobs, seeds 4, 5" in text and "training.max_epochs 9 -> 3" in text


def test_the_library_reads_the_file_back(report: dict[str, Any], tracked: Path) -> None:
    """What is in the file is a whole report of wandb-workspaces, by its own reader, which adds only empty comments."""
    text = (tracked / "wandb_report.json").read_text()
    again = ReportViewspec.model_validate_json(text).model_dump_json(by_alias=True, exclude_none=True)
    assert json.loads(again.replace(',"inlineComments":[]', "")) == report
    assert report["project"] == {"name": "mine", "entityName": ""} and report["id"] == ""


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Logged in at a stub server, in this process."""
    import wandb

    module = load("stub_server")
    with module.StubServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", module.KEY)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("WANDB_MODE", "online")
        wandb.teardown()  # its service has read the environment of the tests before
        yield server
    wandb.teardown()


def test_online_it_is_saved_and_replaced(online: Any, sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server gets what the file holds, under the account's entity; a second time the same report."""
    status, report = command(sweep)
    assert status == 0, capsys.readouterr().err
    assert f"W&B: {online.url}/tester/mine/reports/" in capsys.readouterr().out
    (view,) = online.views
    assert (view["entityName"], view["projectName"], view["id"]) == ("tester", "mine", None)
    assert json.loads(view["spec"]) == report["spec"] and report["id"] == "view-1"
    assert command(sweep)[0] == 0
    assert [view["id"] for view in online.views] == [None, "view-1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("key", 2, "the W&B API key is not accepted"),
        ("view", 1, "did not take the report"),
        ("mode", 0, ""),
        ("server", 0, "does not answer"),
    ],
)
def test_a_server_that_does_not_take_it(
    fault: str,
    status: int,
    says: str,
    online: Any,
    sweep: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file is written in any case; one line says why there is no more; WANDB_MODE=offline asks nobody."""
    import wandb

    if fault == "mode":
        monkeypatch.setenv("WANDB_MODE", "offline")
        wandb.teardown()
    if fault == "server":
        online.close()
    online.refuses = fault
    before = online.connections
    found, report = command(sweep)
    said = capsys.readouterr()
    assert found == status and report["id"] == "" and online.views == []
    assert len(plots(report)) > 0
    assert says in said.err + caplog.text and "Traceback" not in said.err + caplog.text
    assert len(said.err.splitlines()) == (1 if status else 0)
    if fault == "mode":
        assert online.connections == before


def test_the_missing_extra_is_one_message(
    sweep: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, not even the page."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "wandb_workspaces" else found(name, *rest)
    )
    assert main([str(sweep), "--wandb"]) == 2
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "error: --wandb needs wandb-workspaces; install it with: pip install 'landscape-walk[wandb-report]'"
    ]
    assert not list(sweep.glob("*report*")) and not list(sweep.glob("*.csv"))


@pytest.mark.parametrize(
    ("trackers", "says"),
    [
        ([{"_target_": "landscape.tracker.null.NullTracker"}] * 2, "tracker=none"),
        ([TRACKER | {"mode": "disabled"}] * 2, "tracker.mode=disabled"),
        ([TRACKER, TRACKER | {"project": "yours"}], "default/yours"),
    ],
    ids=["none", "disabled", "two projects"],
)
def test_runs_that_are_not_in_one_project(
    trackers: list[dict[str, Any]], says: str, job: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused before anything is written, with the folder or the projects by name."""
    for number, tracker in enumerate(trackers):
        dataclasses.replace(job.result(), config={"tracker": tracker}).save(tmp_path / f"job{number}")
    assert main([str(tmp_path), "--wandb"]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1 and says in said.err and "job" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job0", "job1"]


def test_a_key_that_was_never_finite_has_no_line(job: ModuleType, tmp_path: Path) -> None:
    """A seed whose curve is NaN throughout was never logged, and no panel waits for it."""
    result = job.result()
    curve = result.curves["valid/deterministic"]
    values = np.where([[True, False]], curve.objective, np.nan)
    result.curves["valid/deterministic"] = dataclasses.replace(curve, objective=values)
    dataclasses.replace(result, config={"tracker": TRACKER}).save(tmp_path / "k3y")
    _, report = command(tmp_path)
    shown = [key for plot in plots(report) for key in plot["metrics"] if "/valid." in key]
    assert shown == ["interpolation/valid.deterministic/objective/seed4"]
