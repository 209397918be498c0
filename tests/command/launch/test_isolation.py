"""A job's process and its folder, seen from outside."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from landscape.command.launch import hold, in_child, is_held

FORK = multiprocessing.get_context("fork")


def test_what_a_child_does_is_done_elsewhere(tmp_path: Path) -> None:
    assert in_child(lambda: (tmp_path / "pid").write_text(str(os.getpid())) and None) == ""
    assert int((tmp_path / "pid").read_text()) != os.getpid()


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGKILL, "killed by SIGKILL"), (signal.SIGTERM, "killed by SIGTERM")]
)
def test_a_death_is_named(number: int, said: str) -> None:
    """SIGTERM as well where the engine ignores it in its own process, as submitit does."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert in_child(lambda: os.kill(os.getpid(), number)) == said
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_status_is_told() -> None:
    assert in_child(lambda: os._exit(7)) == "ended with status 7"


def test_an_interrupt_is_handed_on() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_child(interrupted)


def test_a_folder_is_held_by_one_process_until_it_dies(tmp_path: Path) -> None:
    inside, forever = FORK.Event(), FORK.Event()

    def work() -> None:
        with hold(tmp_path):
            inside.set()
            forever.wait(60)

    assert not is_held(tmp_path)
    process = FORK.Process(target=work)
    process.start()
    assert inside.wait(20) and is_held(tmp_path)
    entered = threading.Event()

    def wait() -> None:
        with hold(tmp_path):
            entered.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not entered.wait(0.3)
    process.kill()
    process.join()
    assert entered.wait(20)
    waiter.join()
    assert not is_held(tmp_path)
