"""A job that died while it drew is drawn and cleared by the next command; a fault of the machine is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from landscape.command.collect import collect, one_line
from landscape.command.collect.record import JobRecord
from landscape.command.collect.standing import Job, Plan
from landscape.result.saved import Result
from tests.ground.files.test_temporary import dead_pid
from tests.report.conftest import job

NOW = "20260102"


def test_what_lacks_is_drawn_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Job(k, f"job{k}", f"job{k}", [f"optimizer.lr=0.{k + 1}"]) for k in range(2)]
    for entry, status in zip(entries, ("running", "done"), strict=True):
        job(0.1 * (entry.num + 1)).save(tmp_path / entry.key)
        JobRecord(entry.key, NOW, entry.num, entry.overrides, status).write(tmp_path / entry.key)
    before = {path: path.read_bytes() for path in tmp_path.glob("*/result.*")}
    for name in ("png", "pdf"):
        (tmp_path / "job1" / f"figure.{name}").write_bytes(b"drawn before")
    litter = [tmp_path / "job0" / f".figure-{dead_pid()}.pdf", tmp_path / f".plan.json.{dead_pid()}"]
    for path in litter:
        path.write_bytes(b"%PDF")
    plan = Plan(NOW, False, False, entries)
    plan.write(tmp_path)
    assert collect(tmp_path, plan, NOW, strict=False) == 0
    assert (tmp_path / "job0/figure.png").stat().st_size > 1000 and (tmp_path / "job0/figure.pdf").is_file()
    assert (tmp_path / "job1/figure.png").read_bytes() == b"drawn before"
    assert not any(path.exists() for path in litter) and all(path.read_bytes() == text for path, text in before.items())

    def broken(*args: object) -> None:
        raise ZeroDivisionError

    (tmp_path / "job1/figure.pdf").unlink()
    monkeypatch.setattr("landscape.command.collect.outcome.save_figure", broken)
    assert collect(tmp_path, plan, NOW, strict=False) == 1 and Result.load(tmp_path / "job1").status == "done"


def test_a_fault_of_the_machine_says_what_there_was_and_what_to_do() -> None:
    memory = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 12.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 3.00 GiB is "
        "free. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments"
    )
    lost = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronous")
    full = RuntimeError("unexpected pos 704 vs 598")  # as torch.save does
    full.__context__ = OSError(28, "No space left on device", "checkpoint.pt")
    says = {
        memory: ["12.00 GiB", "3.00 GiB is free", "training.batch_size", "objective.batch_size"],
        lost: ["unspecified launch failure", "goes on from the last checkpoint"],
        full: ["the disk is full (checkpoint.pt)", "the same command goes on"],
        KeyError("a  b"): ["KeyError: 'a b'"],
    }
    for error, parts in says.items():
        text = one_line(error)
        assert "checkpoint" not in one_line(error, "once more").replace("checkpoint.pt", "")
        assert all(part in text for part in parts) and "\n" not in text and "PYTORCH_CUDA_ALLOC_CONF" not in text
