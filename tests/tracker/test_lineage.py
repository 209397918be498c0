"""Which run made a solution, which runs measured it: as W&B's files say it, and as a server is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.conftest import start_job


def test_the_finder_uses_what_the_trainer_made(runs: dict[str, Any]) -> None:
    """One name and one digest, an output of the first run and an input of the other; the config says the same."""
    artifacts = {key: {item["type"]: item for item in run.of("artifact")} for key, run in runs.items()}
    made, used = artifacts["k3y"]["solution"], artifacts["other"]["solution"]
    assert made["name"] == used["name"] == "solution-s0l"
    assert made["digest"] == used["digest"]
    assert not made.get("use_after_commit", False)
    assert used["use_after_commit"] is True
    for key, run in runs.items():  # a curve is always an output
        curves = artifacts[key]["curves"]
        assert not curves.get("use_after_commit", False) and curves["name"] == f"curves-{key}"
        assert curves["metadata"] == '{"solutions":["solution-s0l"]}'
        (update,) = (record["update"]["result"] for record in run.of("config") if "result" in record["update"])
        assert update["solutions"] == {"s0l": "trained" if key == "k3y" else "reused"}


@pytest.mark.slow
def test_sync_in_order_of_time_declares_the_use(stub: Any, online: dict[str, str], folder: Path) -> None:
    """Sent one by one, the solution is made by the first run; the second names no maker, and declares its use."""
    for run in sorted((folder / "wandb").glob("offline-run-*")):
        command = [sys.executable, "-m", "wandb", "sync", "--include-synced", str(run)]
        subprocess.run(command, env=online, cwd=folder, check=True, capture_output=True, timeout=60)
    sent = {f"artifact-{k}": a for k, a in enumerate(stub.artifacts, start=1) if a["artifactTypeName"] == "solution"}
    made, used = sent
    assert [a["runName"] for a in sent.values()] == ["k3y", None]
    assert {a["artifactCollectionName"] for a in sent.values()} == {"solution-s0l"}
    assert sent[made]["digest"] == sent[used]["digest"] and sent[used]["enableDigestDeduplication"]
    assert [(use["runName"], use["artifactID"]) for use in stub.used] == [("other", used)]


def test_online_the_use_is_declared_at_once(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """A run that found its solution uses it, whether or not the server knew it before."""
    process = start_job("online", tmp_path, online, "reused")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == ""
    (place,) = (k for k, a in enumerate(stub.artifacts, start=1) if a["artifactTypeName"] == "solution")
    assert stub.artifacts[place - 1]["runName"] is None
    assert [(use["runName"], use["artifactID"]) for use in stub.used] == [("k3y", f"artifact-{place}")]
