"""One measurement in parts: whatever their number and whatever dies, the bits are those of one process."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.sweeps import MEASURED, assert_same_numbers, launch, part_of, quiet_run, terminal_of

from .conftest import QUICK, Cli

pytestmark = [pytest.mark.usefixtures("blank_figures"), pytest.mark.slow]

ENGINE = ["compute=joblib", "hydra.launcher.n_jobs=2"]
SWEPT = [*QUICK, "threads=1", "training.num_seeds=2", "objective.batch_size=7"]
SWEPT += ["optimizer.lr=0.1,0.2", "training.first_seed=0,5"]
TWO = [*MEASURED, "optimizer.lr=0.1,0.2"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep over two keys that nobody cut."""
    return quiet_run(tmp_path_factory.mktemp("swept") / "outputs", *SWEPT)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two jobs whose parts are met, undisturbed and whole."""
    return quiet_run(tmp_path_factory.mktemp("quiet") / "outputs", *TWO)


@pytest.mark.parametrize(("num", "engine"), [(1, ENGINE), (2, ENGINE), (3, ENGINE), (3, ["compute=local"])])
def test_any_number_of_parts_gives_the_same_bits(
    num: int, engine: list[str], cli: Cli, swept: Path, tmp_path: Path
) -> None:
    """In a sweep over two keys, of two seeds each; the jobs keep their names."""
    # Named, because joblib's workers live on from one command to the next with the environment of the first.
    ran = cli(*SWEPT, f"measurement.shards={num}", *engine, f"outputs={tmp_path / 'outputs'}")
    assert ran.status == 0 and "4 jobs done, 0 done before, 0 failed" in ran.out, ran.out
    in_parts = num > 1 and engine is ENGINE
    assert ran.out.count(", part ") == 4 * num * in_parts
    assert not list(ran.outputs.glob("*/*/*/shards"))
    assert_same_numbers(ran.outputs, swept)


def test_the_job_measures_what_a_killed_part_lacks(quiet: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    process = launch(outputs, *TWO, "measurement.shards=4", *ENGINE)
    os.kill(part_of(process, outputs, "running")["pid"], signal.SIGKILL)
    text = terminal_of(outputs)
    assert process.wait(200) == 0, text.read_text()
    (line,) = (line for line in text.read_text().splitlines() if "SIGKILL" in line)
    assert ", part " in line and "killed by SIGKILL; the job measures what is missing" in line
    assert "2 jobs done, 0 done before, 0 failed" in text.read_text()
    assert_same_numbers(outputs, quiet)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_measures_only_what_a_lost_launcher_left(sent: int, quiet: Path, tmp_path: Path) -> None:
    """Parts that were there are not measured again."""
    outputs = tmp_path / "outputs"
    process = launch(outputs, *TWO, "measurement.shards=4", *ENGINE)
    part_of(process, outputs, "done")
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    assert process.wait(60) == (130 if sent == signal.SIGINT else -sent)
    kept = {
        file: file.stat().st_mtime_ns
        for file in outputs.glob("*/*/*/shards/*/job.json")
        if '"done"' in file.read_text()
    }
    assert kept
    process = launch(outputs, *TWO, "measurement.shards=4", *ENGINE)
    try:
        while process.poll() is None:
            for file, time in kept.items():
                with suppress(FileNotFoundError):
                    assert file.stat().st_mtime_ns == time
        text = terminal_of(outputs).read_text()
        assert process.returncode == 0 and "2 cut and goes on" in text and " of them before" in text, text
        assert_same_numbers(outputs, quiet)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
