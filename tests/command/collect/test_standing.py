"""A plan, and how far its jobs are: every state that a folder can be found in."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import sys
import time
from pathlib import Path

import pytest

from landscape.command.collect import Plan, launched
from landscape.command.collect.launched import outlook
from landscape.command.collect.outcome import main
from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job
from landscape.command.collect.tally import Tally, tell
from landscape.command.launch import hold
from landscape.result.saved import Result

FORK = multiprocessing.get_context("fork")
NOW, BEFORE = "20260102", "20260101"


def plan_of(num: int, **changes: bool) -> Plan:
    entries = [Job(i, f"key{i}", f"key{i}", ["data=digits", f"optimizer.lr={i}"]) for i in range(num)]
    return Plan(NOW, changes.get("refresh", False), changes.get("strict", False), entries)


def job(sweep: Path, num: int, status: str, command: str = NOW, result: bool = False, **more: object) -> JobRecord:
    """One job's folder as that status leaves it."""
    folder = sweep / f"key{num}"
    folder.mkdir()
    if result:
        Result("toy", "landscape.figure.sweep", "full", {}, {}).save(folder)
    record = JobRecord(f"key{num}", command, num, ["data=digits", f"optimizer.lr={num}"], status, **more)  # type: ignore[arg-type]
    record.write(folder)
    return record


def states(plan: Plan, sweep: Path) -> list[str]:
    return [record.status for _, record in plan.standing(sweep)]


def test_every_state_is_told_apart(tmp_path: Path) -> None:
    job(tmp_path, 0, "done", result=True)
    job(tmp_path, 1, "done", BEFORE, result=True)
    job(tmp_path, 2, "failed", error="no luck", exit_code=2)
    job(tmp_path, 3, "failed", BEFORE, error="no luck then")
    job(tmp_path, 4, "running")  # and nobody holds its folder
    job(tmp_path, 5, "running", result=True)  # killed between its result and its last word
    plan = plan_of(7)
    assert states(plan, tmp_path) == ["done", "skipped", "failed", "failed", "cut", "done", "missing"]
    records = [record for _, record in plan.standing(tmp_path)]
    assert [record.exit_code for record in records] == [0, 0, 2, 1, 1, 0, 1]
    assert "killed" in records[4].error and records[3].error == "no luck then"


def test_refresh_forgets_what_was_done_before(tmp_path: Path) -> None:
    job(tmp_path, 0, "done", BEFORE, result=True)
    job(tmp_path, 1, "done", NOW, result=True)
    job(tmp_path, 2, "running", NOW, result=True)  # the result is the one before
    assert states(plan_of(3, refresh=True), tmp_path) == ["missing", "done", "cut"]


def test_a_held_folder_is_running(tmp_path: Path) -> None:
    job(tmp_path, 0, "running")
    inside, leave = FORK.Event(), FORK.Event()

    def work() -> None:
        with hold(tmp_path / "key0"):
            inside.set()
            leave.wait(60)

    process = FORK.Process(target=work)
    process.start()
    assert inside.wait(20)
    assert states(plan_of(1), tmp_path) == ["running"]
    leave.set()
    process.join()
    assert states(plan_of(1), tmp_path) == ["cut"]


def test_the_outlook_counts_all_and_names_what_is_not_plain(tmp_path: Path) -> None:
    assert outlook(plan_of(2), tmp_path) == []
    job(tmp_path, 0, "done", BEFORE, result=True)
    job(tmp_path, 1, "failed", BEFORE, error="no luck")
    job(tmp_path, 2, "running", BEFORE)
    assert outlook(plan_of(5), tmp_path) == [
        "of 5 jobs: 1 done before, 1 cut and goes on, 1 failed and is tried again, 2 new",
        "  cut and goes on: job 3 of 5 [optimizer.lr=2]",
        "  failed and is tried again: job 2 of 5 [optimizer.lr=1]",
    ]


def test_the_line_of_a_finished_job_knows_what_is_left() -> None:
    plan = plan_of(8)
    records = [JobRecord(e.key, NOW, e.num, e.overrides, "missing") for e in plan.jobs]
    for num, seconds in ((0, 10.0), (1, 20.0)):
        records[num] = dataclasses.replace(records[num], status="done", seconds=seconds)
    records[2] = dataclasses.replace(records[2], status="skipped")
    # Five are left, 15 s each.
    assert Tally(plan, records).end(records[1]) == "job 2 of 8 [optimizer.lr=1] done in 20 s; 5 left, about 75 s"
    records[3] = dataclasses.replace(records[3], status="running")  # two side by side
    assert Tally(plan, records).end(records[1]) == "job 2 of 8 [optimizer.lr=1] done in 20 s; 5 left, about 38 s"
    failed = dataclasses.replace(records[4], status="failed", seconds=3.0, error="no luck")
    line = Tally(plan, records).end(failed)
    assert line == "job 5 of 8 [optimizer.lr=4] failed after 3.0 s: no luck; 4 left, about 30 s"
    last = [dataclasses.replace(r, status="done") for r in records]
    assert Tally(plan, last).end(last[7]) == "job 8 of 8 [optimizer.lr=7] done in 0.0 s"


def collected(monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["collect", str(folder)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_collect_lists_what_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_of(4).write(tmp_path)
    job(tmp_path, 0, "failed", error="no luck", exit_code=2)
    job(tmp_path, 1, "running")
    job(tmp_path, 2, "failed", error="optimizer.lr=2 is wrong", exit_code=2)
    assert collected(monkeypatch, tmp_path) == 1
    out = capsys.readouterr().out
    assert "0 jobs done, 0 done before, 2 failed, 1 cut, 1 missing" in out
    assert "failed: job 1 of 4 [optimizer.lr=0]: no luck" in out and "missing: job 4 of 4 [optimizer.lr=3]" in out
    told = json.loads((tmp_path / "sweep.json").read_text())["jobs"]
    assert [entry["status"] for entry in told] == ["failed", "cut", "failed", "missing"]
    assert json.loads((tmp_path / "key1" / "job.json").read_text())["status"] == "cut"


def test_collect_refuses_what_is_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plan.json").write_text("{")
    refused = {"nowhere": "is no folder", "empty": "holds no plan.json", ".": "cannot be read"}
    for folder, words in refused.items():
        assert collected(monkeypatch, tmp_path / folder) == 2 and words in capsys.readouterr().err


def test_the_books_of_a_sweep_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as many jobs are twice as many reads: each job is told of without another look at all the others."""
    num = 40
    plan_of(num).write(tmp_path)
    reads: list[Path] = []
    plain = Path.read_text

    def counted(self: Path, *arguments: object, **more: object) -> str:
        reads.append(self)
        return plain(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", counted)
    for k in range(num):
        found = Plan.of_command(tmp_path, NOW)
        assert found is not None and found.numbers[f"key{k}"] == k
        tell(job(tmp_path, k, "done", seconds=2.0), found, tmp_path)
    assert len(reads) <= 2 * num, len(reads)


def test_a_watcher_reads_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A launcher's jobs are told of as they end, each file read as often as it was written."""
    plan, reads = plan_of(6), list[str]()
    plain = JobRecord.read.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(launched, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(
        JobRecord, "read", classmethod(lambda cls, folder: (reads.append(folder.name), plain(cls, folder))[1])
    )
    with caplog.at_level("INFO"), launched.watching(plan, tmp_path):
        records = [job(tmp_path, k, "running") for k in range(6)]
        time.sleep(0.3)
        for record in records:
            record.end(tmp_path / record.key, "done")
        time.sleep(0.3)
    told = [line for line in caplog.messages if "done in" in line]
    assert len(told) == 6 and told[-1].startswith("job 6 of 6 [optimizer.lr=5] done in")
    assert len(reads) <= 6 + 6 * 2  # one look at all, and each of the two writes
