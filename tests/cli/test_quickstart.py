"""One small run, what it leaves behind, and the same command given again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape.command.collect as collect
import landscape.command.plan as plan
from landscape.result.saved import Result

from .conftest import ONE_JOB, OWN_MODEL, QUICK, Cli, Ran

pytestmark = pytest.mark.usefixtures("blank_figures")


def statuses(ran: Ran) -> list[str]:
    return [job["status"] for job in ran.sweep["jobs"]]


def test_a_run_leaves_the_files_of_the_contract(done: Path) -> None:
    for name in ("result.json", "result.npz", "figure.png", "figure.pdf", "run.log", "job.json", ".hydra"):
        assert (done / name).exists(), name
    assert (done / "figure.png").stat().st_size > 5000 < (done.parent / "figure.png").stat().st_size
    result = Result.load(done)
    assert result.scale == "full" and result.choices["recipe"] == "digits" and result.seeds == ["0"]
    assert set(result.curves) == {"train/deterministic", "valid/deterministic"}
    curve = result.curves["train/deterministic"]
    assert curve.objective.shape == (10, 1) and curve.num_examples == 50
    assert curve.objective[0, 0] == pytest.approx(np.log(10), abs=1e-6)  # the last layer starts at zero
    assert json.loads((done / "result.json").read_text())["status"] == "done"


def test_the_same_command_skips_and_refresh_starts_over(cli: Cli, done: Path) -> None:
    """What changes no number makes no other job: threads, a status for verdicts that do not hold."""
    before = (done / "result.json").stat().st_mtime_ns
    again = cli(*QUICK, "threads=1")
    assert again.status == 0 and "was done before" in again.out and statuses(again) == ["skipped"]
    assert f"figure: {done.parent / 'figure.png'}" in again.out
    assert False in [v["holds"] for v in again.sweep["verdicts"]]  # two epochs of an eight-unit net are no valley
    assert cli(*QUICK, "strict=true", ONE_JOB).status == 1
    assert (done / "result.json").stat().st_mtime_ns == before
    assert statuses(cli(*QUICK, "refresh=true", ONE_JOB)) == ["done"]
    assert (done / "result.json").stat().st_mtime_ns > before


def test_a_damaged_result_is_measured_again(cli: Cli, done: Path) -> None:
    whole = (done / "result.npz").read_bytes()
    (done / "result.npz").write_bytes(whole[: len(whole) // 2])
    again = cli(*QUICK)
    assert again.status == 0 and "running this job again" in again.out
    assert Result.load(done).status == "done"


def test_a_sweep_shares_what_it_trains_and_a_failing_job_stops_no_other(cli: Cli, done: Path) -> None:
    """A changed number is another job; both faults are wrong input."""
    ends = "endpoints=init_to_solution,random_to_solution"
    ran = cli(*QUICK, ends, "optimizer.lr=-1,0.1", "alphas=standard", "alphas.num=12")
    assert ran.status == 2, ran.out
    assert statuses(ran) == ["failed", "done", "failed", "done"] and done not in ran.jobs
    assert "optimizer.lr=-1 must be positive" in ran.out and "reusing them" in ran.out
    failed = Result.load(ran.jobs[0])
    assert failed.status == "failed" and "optimizer.lr=-1" in failed.error
    assert len(list((ran.outputs / "solutions").glob("*/meta.json"))) == 1
    folder = ran.jobs[0].parent
    rows = (folder / "sweep.csv").read_text().splitlines()
    assert len(rows) == 3 and "set:endpoints" in rows[0] and (folder / "sweep_summary.csv").exists()
    assert f"table: {folder / 'sweep.csv'}" in ran.out and "± standard error" not in ran.out  # one run each


def test_a_table_that_cannot_be_written_hides_nothing(cli: Cli, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("landscape.report.tables.write", full)
    (done.parent / "figure.png").unlink()
    ran = cli(*QUICK)
    assert ran.status == 1 and "sweep.csv could not be written" in ran.out
    assert ran.sweep["verdicts"] and (done.parent / "figure.png").exists()


def test_caps_are_noted(cli: Cli) -> None:
    result = Result.load(cli("limits=smoke", "tracker=none", ONE_JOB).jobs[0])
    assert result.scale == "smoke" and result.curves["train/deterministic"].num_examples == 500
    for cap in ("training.max_epochs 60 -> 2", "training examples 1200 -> 500", "model.widths [100, 100] -> [32, 32]"):
        assert cap in result.caps


def test_the_plan_names_the_folders_of_the_jobs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the command line's two values, not of the six in the experiment's own sweep."""
    planned: list[plan.PlannedJob] = []
    start = collect.Collect.on_multirun_start

    def noted(self: collect.Collect, config: Any, **more: Any) -> None:
        start(self, config, **more)
        planned.extend(plan.jobs_of(config))

    monkeypatch.setattr(collect.Collect, "on_multirun_start", noted)
    values = ["vary={lr:0.1,momentum:0.0}", "vary={lr:1.0,momentum:0.0}"]
    both = f"{values[0]},{values[1].removeprefix('vary=')}"
    ran = cli("+experiment=fig12_quadratic", "limits=smoke", "tracker=none", "forecast=off", both)
    assert ran.status == 0, ran.out
    assert [job.num for job in planned] == [0, 1] and [job.overrides[0] for job in planned] == values
    assert {job.key for job in planned} == {file.parent.name for file in ran.outputs.glob("*/smoke/*/result.json")}


NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(64, 8), nn.{activation}(), nn.Linear(8, 10))
"""


def test_an_edited_module_is_trained_again(cli: Cli, own: Callable[..., str]) -> None:
    jobs = []
    for activation in ("Tanh", "Tanh", "ReLU"):
        source, node = NET.format(activation=activation), "_target_: edited_net.Net\n_partial_: true\n"
        ran = cli(*OWN_MODEL, own("edited_net", source, {"model/net": node}), "model=net", ONE_JOB)
        assert ran.status == 0, ran.out
        jobs += [ran.jobs[0].name]
    assert jobs[0] == jobs[1] != jobs[2]
    assert len(list(ran.outputs.glob("solutions/*/meta.json"))) == 2


def test_a_failed_repetition_leaves_the_finished_result(cli: Cli, done: Path) -> None:
    ran = cli(*QUICK, "refresh=true", "device=abacus", ONE_JOB)
    assert ran.status == 2 and statuses(ran) == ["failed"] and Result.load(done).status == "done"


def test_a_broken_record_does_not_hide_the_results(cli: Cli, done: Path) -> None:
    (done / "job.json").write_text("{")
    ran = cli(*QUICK, ONE_JOB)
    assert ran.status == 0 and "1 done before" in ran.out
    assert json.loads((done / "job.json").read_text())["status"] == "skipped"


@pytest.mark.usefixtures("done")
def test_a_fault_in_collecting_is_status_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: Path, value: object) -> None:
        if file.name == "sweep.json":
            raise OSError(28, "No space left on device", "sweep.json")

    monkeypatch.setattr("landscape.command.collect.outcome.write_json", broken)
    ran = cli(*QUICK, ONE_JOB)
    assert ran.status == 1 and "could not be collected: the disk is full" in ran.out and "Traceback" not in ran.out


def test_a_command_whose_jobs_all_fail_leaves_what_an_earlier_one_drew_and_says_whose_it_is(
    cli: Cli, done: Path
) -> None:
    made = [done.parent / name for name in ("sweep.csv", "sweep_summary.csv", "figure.png", "figure.pdf")]
    before = [path.read_bytes() for path in made]
    ran = cli(*QUICK, "optimizer.lr=-1", ONE_JOB)
    assert ran.status == 2 and f"figure.png and sweep.csv in {done.parent}: of an earlier command" in ran.out
    assert [path.read_bytes() for path in made] == before
    assert {path.name for path in ran.jobs[0].iterdir()} >= {"result.json", "job.json"}
    assert not (ran.jobs[0] / "result.npz").exists()
    assert Result.load(done).status == "done"


@pytest.mark.slow
def test_a_measurement_of_whole_trainings_says_that_endpoints_do_not_matter(cli: Cli) -> None:
    command = (*(item for item in QUICK if not item.startswith("alphas")), "measurement=residual")
    for ends, told in (("random_to_solution", True), ("init_to_solution", False)):
        ran = cli(*command, f"endpoints={ends}")
        assert ran.status == 0, ran.out
        assert ("no use of endpoints (landscape.endpoints.RandomToSolution)" in " ".join(ran.out.split())) is told


def test_a_seed_that_found_no_better_point_is_named(cli: Cli) -> None:
    ran = cli(*QUICK, "optimizer.lr=1e-300", ONE_JOB)  # in float32 no step at all
    assert ran.status == 0, ran.out
    assert "seed 0: no epoch had a lower valid/error than the start" in " ".join(ran.out.split())
