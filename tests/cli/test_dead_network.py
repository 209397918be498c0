"""The W&B server dies in mid-sweep: a warning, and the numbers of a sweep that never had a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sweeps import SWEEP, assert_same_numbers, launch, quiet_run, running
from tests.tracker.conftest import clean_environment, load

QUIET = [*SWEEP[1:-1], "optimizer.lr=0.1,0.2"]


@pytest.mark.slow
def test_a_dead_network_stops_no_job_and_changes_no_number(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    online = ["tracker=wandb", "tracker.mode=online", "tracker.finish_timeout=4"]
    with load("stub_server").StubServer() as stub:
        environment = clean_environment(tmp_path) | {
            "WANDB_BASE_URL": stub.url,
            "WANDB_API_KEY": load("stub_server").KEY,
        }
        process = launch(outputs, *QUIET, *online, environment=environment)
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
    assert_same_numbers(outputs, quiet_run(tmp_path / "quiet", *QUIET, "tracker=none"))
