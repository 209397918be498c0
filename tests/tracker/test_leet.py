"""The terminal viewer on a sweep's folder, in a real terminal: what the guide says is there to see."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from landscape.tracker.wandb import WandbTracker
from tests.tracker import job
from tests.tracker.conftest import clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")]

Press = Callable[..., None]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[Press, Callable[[], str]]]:
    """A wide terminal with the viewer on a sweep of two jobs: press keys, read the screen."""
    for key in ("k3y", "other"):
        job.track(WandbTracker(), tmp_path, key)
    environment = clean_environment(tmp_path) | {"WANDB_ERROR_REPORTING": "false", "TERM": "xterm-256color"}
    viewer = f"{shlex.quote(sys.executable)} -m wandb leet {shlex.quote(str(tmp_path / 'wandb'))}"
    base = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "socket")]

    def tmux(*arguments: str) -> str:
        done = subprocess.run([*base, *arguments], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def press(*keys: str) -> None:
        for key in keys:
            tmux("send-keys", "-t", "viewer", key)
            time.sleep(0.3)

    tmux("new-session", "-d", "-x", "480", "-y", "70", "-s", "viewer", viewer)
    yield press, lambda: tmux("capture-pane", "-p", "-t", "viewer")
    tmux("kill-server")


def wait_for(screen: Callable[[], str], *texts: str) -> str:
    """The screen once it has all these texts."""
    until = time.monotonic() + 30
    while not all(text in (shown := screen()) for text in texts):
        assert time.monotonic() < until, f"no {texts} on\n{shown}"
        time.sleep(0.5)
    return shown


def test_the_sweep_in_a_terminal(terminal: tuple[Press, Callable[[], str]]) -> None:
    """Both runs are listed; the filter finds the curves, and each plot says that its x axis is its own."""
    press, screen = terminal
    wait_for(screen, "Runs [2 items]", "-k3y", "-other", "Metrics [")
    press("/", "train.stochastic/objective", "Enter")
    curve = "interpolation/train.stochastic/objective/seed4"
    shown = wait_for(screen, curve)
    (line,) = (line for line in shown.splitlines() if curve in line)
    assert line.split(curve)[1].split("│")[0].strip() == "[x: interpolation/alpha]"
    assert re.search(r"│ +-0\.25 .* 1\.3│", shown)  # its ticks, from the first alpha to the last
    press("C-l", "/", "residual_norm", "Enter")
    wait_for(screen, "residual/residual_norm/seed4", "[x: residual/projection]")
    press("C-l", "/", "learning/seed", "Enter")
    wait_for(screen, "learning/seed4/train/objective", "[x: learning/epoch]")
