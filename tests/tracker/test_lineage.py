"""Which run made a solution, which runs measured it: as W&B's files say it, and as a server is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landscape.tracker.wandb import WandbTracker
from tests.tracker import job
from tests.tracker.conftest import start_job


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two jobs of one solution: the first trained it, the second found it."""
    folder = tmp_path_factory.mktemp("sweep")
    for key, trained in (("first", True), ("second", False)):
        job.track(WandbTracker(), folder, key, trained)
    return folder


@pytest.fixture(scope="module")
def artifacts(folder: Path, records: Callable[[Path], list[Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Run -> artifact type -> its record."""
    found = {run.of("run")[0]["run_id"]: run.of("artifact") for run in records(folder)}
    return {run: {item["type"]: item for item in items} for run, items in found.items()}


def test_the_finder_uses_what_the_trainer_made(artifacts: dict[str, dict[str, dict[str, Any]]]) -> None:
    """One name and one digest, an output of the first run and an input of the second."""
    made, used = artifacts["first"]["solution"], artifacts["second"]["solution"]
    assert made["name"] == used["name"] == "solution-s0l"
    assert made["digest"] == used["digest"]
    assert not made.get("use_after_commit", False)
    assert used["use_after_commit"] is True
    for run in ("first", "second"):  # a curve is always an output
        assert not artifacts[run]["curves"].get("use_after_commit", False)
        assert artifacts[run]["curves"]["name"] == f"curves-{run}"
        assert artifacts[run]["curves"]["metadata"] == '{"solutions":["solution-s0l"]}'


def test_the_config_says_where_solutions_are_from(folder: Path, records: Callable[[Path], list[Any]]) -> None:
    """The same in words that need no server."""
    said = {}
    for run in records(folder):
        (update,) = (record["update"]["result"] for record in run.of("config") if "result" in record["update"])
        said[run.of("run")[0]["run_id"]] = update["solutions"]
    assert said == {"first": {"s0l": "trained"}, "second": {"s0l": "reused"}}


def test_sync_in_order_of_time_declares_the_use(stub: Any, online: dict[str, str], folder: Path) -> None:
    """Sent one by one, the solution is made by the first run; the second names no maker, and declares its use."""
    for run in sorted((folder / "wandb").glob("offline-run-*")):
        command = [sys.executable, "-m", "wandb", "sync", "--include-synced", str(run)]
        subprocess.run(command, env=online, cwd=folder, check=True, capture_output=True, timeout=60)
    sent = {f"artifact-{k}": a for k, a in enumerate(stub.artifacts, start=1) if a["artifactTypeName"] == "solution"}
    made, used = sent
    assert [a["runName"] for a in sent.values()] == ["first", None]
    assert {a["artifactCollectionName"] for a in sent.values()} == {"solution-s0l"}
    assert sent[made]["digest"] == sent[used]["digest"] and sent[used]["enableDigestDeduplication"]
    assert [(use["runName"], use["artifactID"]) for use in stub.used] == [("second", used)]


def test_online_the_use_is_declared_at_once(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """A run that found its solution uses it, whether or not the server knew it before."""
    process = start_job("online", tmp_path, online, "reused")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == ""
    (place,) = (k for k, a in enumerate(stub.artifacts, start=1) if a["artifactTypeName"] == "solution")
    assert stub.artifacts[place - 1]["runName"] is None
    assert [(use["runName"], use["artifactID"]) for use in stub.used] == [("k3y", f"artifact-{place}")]
