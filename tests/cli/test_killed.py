"""What dies (a job, a launcher, the W&B server) costs nothing else, and the command ends with a quiet run's numbers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from landscape.command.collect.outcome import main as collect_main
from tests.sweeps import LONG, SWEEP, assert_same_numbers, launch, quiet_run, records, running, terminal_of
from tests.tracker.conftest import clean_environment
from tests.tracker.stub_server import KEY, StubServer

from .conftest import QUICK, Cli

pytestmark = pytest.mark.usefixtures("blank_figures")

TWO = [*SWEEP[1:-1], "optimizer.lr=0.1,0.2"]
ENGINE = ["compute=joblib", "hydra.launcher.n_jobs=2"]


@pytest.fixture
def collected(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], tuple[int, str]]:
    """``collected()`` -> what ``landscape.collect`` says of the sweep, and its status."""

    def run() -> tuple[int, str]:
        (sweep,) = tmp_path.glob("outputs/quickstart/*")
        monkeypatch.setattr(sys, "argv", ["collect", str(sweep)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            collect_main()
        return int(stop.value.code or 0), capfd.readouterr().out

    return run


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of the same sweep that nothing disturbed."""
    return quiet_run(tmp_path_factory.mktemp("quiet") / "outputs", *SWEEP)


@pytest.mark.slow
def test_a_killed_job_stops_no_other(
    cli: Cli, quiet: Path, tmp_path: Path, collected: Callable[[], tuple[int, str]]
) -> None:
    outputs = tmp_path / "outputs"
    process = launch(outputs, *SWEEP, *ENGINE)
    os.kill(running(process, outputs, 0)["pid"], signal.SIGKILL)
    assert process.wait(200) == 1
    text = (tmp_path / "terminal.txt").read_text()
    assert "Traceback" not in text and "killed by SIGKILL" in text and "2 jobs done" in text
    # One line per finished job with what is left, and nothing that only a terminal understands.
    lines = [line for line in text.splitlines() if " done in " in line]
    assert len(lines) == 2 and all(" of 3 [optimizer.lr=0." in line for line in lines)
    assert not set("\x1b\r\b") & set(text)

    status, said = collected()
    assert status == 1 and "2 jobs done, 0 done before, 0 failed, 1 cut" in said
    assert "cut: job 1 of 3 [optimizer.lr=0.1]: killed by SIGKILL" in said

    again = cli(*SWEEP)
    assert again.status == 0, again.out
    assert "of 3 jobs: 2 done before, 1 cut and goes on" in again.out
    assert "goes on: job 1 of 3 [optimizer.lr=0.1]" in again.out and "going on from the checkpoint" in again.out
    assert_same_numbers(outputs, quiet)
    status, said = collected()
    assert status == 0 and "1 job done, 2 done before, 0 failed" in said


def test_a_job_cut_while_it_draws_is_done_and_drawn_next(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told as one story: measured, not drawn, drawn by the same command without a number computed again."""

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    command = (*QUICK, "limits=smoke")
    with monkeypatch.context() as patched:
        patched.setattr("landscape.command.task.save_figure", cut)
        ran = cli(*command)
    assert ran.status == 130 and "cut after" in ran.out and "the same command draws its figure" in ran.out, ran.out
    assert "checkpoint" not in ran.out.split("cut after")[1].splitlines()[0]
    (result,) = ran.outputs.glob("*/*/*/result.json")
    before = result.read_bytes()
    again = cli(*command)
    assert again.status == 0 and "of 1 job: 1 done before" in again.out, again.out
    assert "was measured before and is drawn now" in again.out and "cut and goes on" not in again.out
    assert (result.parent / "figure.png").exists() and result.read_bytes() == before
    assert "was done before" in cli(*command).out


@pytest.mark.slow
def test_a_killed_launcher_leaves_jobs_that_go_on(
    cli: Cli, quiet: Path, tmp_path: Path, collected: Callable[[], tuple[int, str]]
) -> None:
    outputs = tmp_path / "outputs"
    process = launch(outputs, *SWEEP, *ENGINE)
    running(process, outputs)  # whichever is first: two of three have begun, or are about to
    process.kill()
    process.wait()
    status, said = collected()
    assert status == 1 and "missing: job 3 of 3 [optimizer.lr=0.3]" in said

    again = cli(*SWEEP)  # at once, while the two others may still be at it
    assert again.status == 0, again.out
    assert {job["status"] for job in again.sweep["jobs"]} == {"skipped", "done"}
    assert_same_numbers(outputs, quiet)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # an idle worker of joblib's would stay for minutes


@pytest.mark.slow
@pytest.mark.parametrize("vectorise", ["true", "false"])
def test_a_killed_run_goes_on_to_the_same_bits(vectorise: str, tmp_path: Path) -> None:
    """Learning curves, weights, trajectories and the result; and no checkpoint is left."""
    command = [*LONG, f"training.vectorise={vectorise}"]
    whole, cut = quiet_run(tmp_path / "whole", *command), tmp_path / "outputs"
    process = launch(cut, *command)
    running(process, cut, 0)
    process.kill()
    process.wait()
    assert records(cut)[0]["status"] == "running" and not list(cut.glob("*/*/*/result.json"))
    assert launch(cut, *command).wait(200) == 0, terminal_of(cut).read_text()
    assert "going on from the checkpoint" in terminal_of(cut).read_text()
    assert_same_numbers(cut, whole)
    assert len(list(cut.glob("solutions/*/solution.npz"))) == (1 if vectorise == "true" else 2)
    assert not list(cut.glob("solutions/*/checkpoint.pt"))


@pytest.mark.slow
def test_a_dead_network_stops_no_job_and_changes_no_number(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    online = ["tracker=wandb", "tracker.mode=online", "tracker.finish_timeout=4"]
    with StubServer() as stub:
        environment = clean_environment(tmp_path) | {"WANDB_BASE_URL": stub.url, "WANDB_API_KEY": KEY}
        process = launch(outputs, *TWO, *online, environment=environment)
        running(process, outputs, 0)
    assert process.wait(200) == 0, (tmp_path / "terminal.txt").read_text()
    text = (tmp_path / "terminal.txt").read_text()
    assert "W&B failed at" in text and "wandb sync" in text and "Traceback" not in text
    assert "2 jobs done, 0 done before, 0 failed" in text
    # Nothing is lost either: the run of each job, and the closing run, wait in the sweep's folder to be sent.
    kept = {path.name.split("-", 3)[-1] for path in outputs.glob("*/*/wandb/*run-*")}
    jobs = {path.parent.name for path in outputs.glob("*/*/*/result.json")}
    assert len(jobs) == 2 and jobs == {name for name in kept if not name.startswith("summary-")}
    assert len(kept) == 3
    assert_same_numbers(outputs, quiet_run(tmp_path / "quiet", *TWO, "tracker=none"))
