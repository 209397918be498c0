"""One small run, end to end, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from landscape.result.saved import Result

from .conftest import TINY, Ran


def test_a_run_leaves_the_files_of_the_contract(cli: Callable[..., Ran]) -> None:
    ran = cli(*TINY)
    assert ran.status == 0, ran.out
    (folder,) = ran.jobs
    for name in ("result.json", "result.npz", "figure.png", "figure.pdf", "run.log", "job.json", ".hydra"):
        assert (folder / name).exists(), name
    assert (folder.parent / "figure.png").exists()
    assert str(folder.parent / "figure.png") in ran.out
    result = Result.load(folder)
    assert result.scale == "full" and result.choices["recipe"] == "digits" and result.seeds == ["0"]
    assert set(result.curves) == {"train/deterministic", "valid/deterministic"}
    curve = result.curves["train/deterministic"]
    assert curve.objective.shape == (10, 1) and curve.num_examples == 50
    assert curve.objective[0, 0] == pytest.approx(np.log(10), abs=1e-6)  # the last layer starts at zero
    assert json.loads((folder / "result.json").read_text())["status"] == "done"


def test_the_same_command_skips_and_refresh_starts_over(cli: Callable[..., Ran]) -> None:
    first = cli(*TINY)
    before = (first.jobs[0] / "result.json").stat().st_mtime_ns
    second = cli(*TINY)
    assert second.status == 0 and "was done before" in second.out
    assert [j["status"] for j in second.sweep["jobs"]] == ["skipped"]
    assert (first.jobs[0] / "result.json").stat().st_mtime_ns == before
    third = cli(*TINY, "refresh=true")
    assert [j["status"] for j in third.sweep["jobs"]] == ["done"]
    assert (first.jobs[0] / "result.json").stat().st_mtime_ns > before


def test_a_changed_number_is_another_job_and_a_changed_tracker_is_not(cli: Callable[..., Ran]) -> None:
    keys = {cli(*TINY, *extra).jobs[0].name for extra in ((), ("threads=1",), ("tracker=none",))}
    assert len(keys) == 1
    assert cli(*TINY, "optimizer.lr=0.2").jobs[0].name not in keys


def test_a_damaged_result_is_measured_again(cli: Callable[..., Ran]) -> None:
    folder = cli(*TINY).jobs[0]
    whole = (folder / "result.npz").read_bytes()
    (folder / "result.npz").write_bytes(whole[: len(whole) // 2])
    again = cli(*TINY)
    assert again.status == 0 and "running this job again" in again.out
    assert Result.load(folder).status == "done"


def test_a_sweep_draws_all_its_jobs_and_shares_what_it_trains(cli: Callable[..., Ran]) -> None:
    ran = cli(*TINY, "endpoints=init_to_solution,random_to_solution", "alphas=standard", "alphas.num=12")
    assert ran.status == 0, ran.out
    assert len(ran.jobs) == 2 and "reusing them" in ran.out
    assert len(list((ran.outputs / "solutions").glob("*/meta.json"))) == 1
    folder = ran.jobs[0].parent
    rows = (folder / "sweep.csv").read_text().splitlines()
    assert len(rows) == 3 and "set:endpoints" in rows[0] and (folder / "sweep_summary.csv").exists()
    assert f"table: {folder / 'sweep.csv'}" in ran.out and "± standard error" not in ran.out  # one run each


def test_a_table_that_cannot_be_written_hides_nothing(cli: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("landscape.report.tables.write", full)
    ran = cli(*TINY)
    assert ran.status == 1 and "sweep.csv could not be written" in ran.out
    assert ran.sweep["verdicts"] and (ran.jobs[0].parent / "figure.png").exists()


def test_a_failing_job_does_not_stop_the_others(cli: Callable[..., Ran]) -> None:
    ran = cli(*TINY, "optimizer.lr=-1,0.1,0")
    assert ran.status == 2  # both faults are wrong input
    assert [j["status"] for j in ran.sweep["jobs"]] == ["failed", "done", "failed"]
    assert "optimizer.lr=-1 must be positive" in ran.out
    failed = Result.load(ran.jobs[0])
    assert failed.status == "failed" and "optimizer.lr=-1" in failed.error
    assert (ran.jobs[0].parent / "figure.png").exists()


def test_strict_makes_an_unheld_verdict_an_exit_status(cli: Callable[..., Ran]) -> None:
    loose = cli(*TINY)
    held = [v["holds"] for v in loose.sweep["verdicts"]]
    assert False in held  # two epochs of an eight-unit net are no smooth valley
    assert loose.status == 0
    assert cli(*TINY, "strict=true").status == 1


def test_caps_are_noted_and_drawn(cli: Callable[..., Ran]) -> None:
    ran = cli("limits=smoke", "tracker=none")
    result = Result.load(ran.jobs[0])
    assert result.scale == "smoke"
    assert "training.max_epochs 60 -> 2" in result.caps and "training examples 1200 -> 500" in result.caps
    assert "model.widths [100, 100] -> [32, 32]" in result.caps
    assert result.curves["train/deterministic"].num_examples == 500
