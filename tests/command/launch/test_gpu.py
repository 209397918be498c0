"""Two jobs share a GPU only when asked to: real processes, and a list of GPUs that this machine need not have."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from landscape.command.launch import gpu
from landscape.errors import InputError

FORK = multiprocessing.get_context("fork")


class Job:
    """A process that holds a GPU until it is told to end."""

    def __init__(self, visible: list[str], name: str, jobs_per_gpu: int) -> None:
        self.ours, theirs = FORK.Pipe()
        self.process = FORK.Process(target=_hold, args=(theirs, visible, name, jobs_per_gpu))
        self.process.start()
        theirs.close()

    def device(self, seconds: float = 20) -> str | None:
        """The device that it got, or None while it waits for one."""
        return self.ours.recv() if self.ours.poll(seconds) else None

    def end(self) -> None:
        self.ours.send("end")
        self.process.join(20)


def _hold(pipe: Connection, visible: list[str], name: str, jobs_per_gpu: int) -> None:
    gpu.uuids = lambda: visible
    gpu.device_of = lambda asked: torch.device("cuda" if asked == "auto" else asked)
    with gpu.lend(name, jobs_per_gpu) as device:
        pipe.send(str(device))
        pipe.recv()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Job]]:
    monkeypatch.setattr(gpu, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(gpu, "SECONDS_BETWEEN_TRIES", 0.02)
    jobs: list[Job] = []

    def begin(visible: str = "ab", name: str = "auto", jobs_per_gpu: int = 1) -> Job:
        jobs.append(Job([f"GPU-{letter}" for letter in visible], name, jobs_per_gpu))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.process.kill()
        job.process.join()


def test_each_job_has_a_gpu_of_its_own_and_the_third_waits_for_one(start: Callable[..., Job]) -> None:
    first, second = start(), start()
    assert {first.device(), second.device()} == {"cuda:0", "cuda:1"}
    third = start()
    assert third.device(0.5) is None
    first.end()
    assert third.device() == "cuda:0"


def test_a_killed_job_gives_its_gpu_back(start: Callable[..., Job]) -> None:
    first = start("a")
    assert first.device() == "cuda:0"
    os.kill(first.process.pid or 0, signal.SIGKILL)
    assert start("a").device() == "cuda:0"


def test_a_gpu_is_the_same_whatever_number_a_launcher_gave_it(start: Callable[..., Job]) -> None:
    """A job that sees the second GPU alone, as cuda:0, and one that sees both."""
    assert start("b").device() == "cuda:0"
    assert start("ab").device() == "cuda:0"  # GPU-a
    assert start("ab").device(0.5) is None


def test_jobs_share_when_asked_to_and_spread_first(start: Callable[..., Job]) -> None:
    got = [start(jobs_per_gpu=2).device() for _ in range(4)]
    assert got[:2] == ["cuda:0", "cuda:1"] and got[2:] == ["cuda:0", "cuda:1"]
    assert start(jobs_per_gpu=2).device(0.5) is None


def test_a_named_gpu_is_waited_for(start: Callable[..., Job]) -> None:
    first = start(name="cuda:1")
    assert first.device() == "cuda:1"
    second = start(name="cuda:1")
    assert second.device(0.5) is None
    assert start().device() == "cuda:0"
    first.end()
    assert second.device() == "cuda:1"


def test_a_cpu_is_never_waited_for() -> None:
    with gpu.lend("cpu", 1) as first, gpu.lend("cpu", 1) as second:
        assert first == second == torch.device("cpu")


def test_no_job_per_gpu_is_wrong_input() -> None:
    with pytest.raises(InputError, match="jobs_per_gpu=0"), gpu.lend("cpu", 0):
        pass
