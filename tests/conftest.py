"""What every test runs under: one thread, no account, no window, and outputs in a folder of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before numpy or torch start their pools, and inherited by the processes that tests start: the tests already run side
# by side, and pools on top of that fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_ERROR_REPORTING"] = "false"  # offline runs of wandb still call home without this

# What a shell starts behind an & ignores SIGINT, and would hand that down to the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: the first call into torch is slow. The same examples every time where a change is judged.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Holds even where the environment asks for more; theory tests do not pay for importing torch."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to the checkout's outputs/, and no test finds what another has trained."""
    monkeypatch.setenv("LANDSCAPE_OUTPUTS", str(tmp_path / "outputs"))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command that ran in this process leaves handlers, whose captured streams are closed when its test ends."""
    root = logging.getLogger()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises
