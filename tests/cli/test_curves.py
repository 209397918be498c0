"""Commands that train curves: once for all who measure along them, and on to the same bits after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from landscape.command.collect.record import RESTARTS
from landscape.command.task import _again
from landscape.result.saved import Result

from .conftest import TINY, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")
PAIR = (*TINY, "training.num_seeds=2", "endpoints=between_solutions", "path=bezier", "path.epochs=4")


def test_a_curve_is_trained_once_and_forecast(cli: Cli) -> None:
    ran = cli(*PAIR, "forecast=only")
    assert ran.status == 0 and "curves: 4 × 1,200 × 1" in ran.out, ran.out
    idle = "objective.running_statistics=interpolate"
    ran = cli(*PAIR, "forecast=off", "path.spacing=parameter,arc_length", idle)
    assert "interpolate does nothing: MLP has none" in ran.out and "beyond the ends" in ran.out
    assert ran.status == 0 and ran.out.count("were trained before; reusing them") == 2, ran.out  # solutions and curves
    assert len(list((ran.outputs / "curves").glob("*/meta.json"))) == 1
    one, other = (Result.load(job) for job in ran.jobs)
    for name, curve in one.curves.items():
        ends = np.isin(curve.alphas, (0.0, 1.0))
        assert np.array_equal(curve.objective[ends], other.curves[name].objective[ends])
        assert not np.array_equal(curve.objective, other.curves[name].objective)
    assert one.numbers["curve/length"] == other.numbers["curve/length"]
    assert one.numbers["curve/length"][0] > one.numbers["curve/length_of_line"][0]


def test_what_is_said_of_a_cut_job_is_what_the_same_command_does() -> None:
    points, trained = ({"_target_": f"landscape.endpoints.{name}"} for name in ("Checkpoints", "BetweenSolutions"))
    line, curve = ({"_target_": f"landscape.path.{name}"} for name in ("Linear", "PolygonConnection"))
    pairs = [(ends, path) for ends in (points, trained) for path in (line, curve)]
    anew = [_again(OmegaConf.create({"endpoints": ends, "path": path})) == RESTARTS for ends, path in pairs]
    assert anew == [True, False, False, False]


@pytest.mark.slow
def test_a_command_that_was_killed_goes_on_to_the_same_curve(tmp_path: Path) -> None:
    """Whenever it died; the last command finds what it needs."""
    quiet, outputs = tmp_path / "quiet", tmp_path / "killed"
    settings = [*PAIR, "path.epochs=40", "training.checkpoint_seconds=0", "forecast=off", "tracker=none"]
    command = [sys.executable, "-m", "landscape", *settings]
    subprocess.run([*command, f"outputs={quiet}"], check=True, capture_output=True)
    for _ in range(2):
        process = subprocess.Popen([*command, f"outputs={outputs}"], stdout=subprocess.DEVNULL)
        for _ in range(600):
            if process.poll() is not None or list(outputs.glob("curves/*/checkpoint.pt")):
                break
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*command, f"outputs={outputs}"], check=True, capture_output=True)
    (one,), (other,) = (list(folder.glob("curves/*/bends.npz")) for folder in (quiet, outputs))
    with np.load(one) as a, np.load(other) as b:
        assert np.array_equal(a["theta"], b["theta"]) and np.array_equal(a["costs"], b["costs"])
