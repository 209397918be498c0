"""Whole programs against a server on this machine: what arrives, what survives a dead network, what never connects."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tracker import job
from tests.tracker.conftest import HERE, clean_environment, start_job
from tests.tracker.stub_server import StubServer

TIMEOUT = 5.0  # job.py's finish_timeout


def seconds(process: subprocess.Popen[str], answer: str | None = None) -> tuple[dict[str, float], str]:
    """The job's own timing and what it wrote to stderr; it must end well."""
    out, err = process.communicate(answer, timeout=120)
    assert process.returncode == 0, err
    timing: dict[str, float] = json.loads(out.splitlines()[-1])
    return timing, err


def is_whole(history: list[dict[str, Any]]) -> None:
    """The first seed's training curve and its learning curve are there, in order and once."""

    def pairs(axis: str, key: str) -> list[tuple[float, float]]:
        return [(row[axis], row[key]) for row in history if key in row]

    curve = job.result().curves["train/stochastic"]
    found = pairs("interpolation/alpha", "interpolation/train.stochastic/objective/seed4")
    assert found == list(zip(curve.alphas, curve.objective[:, 0], strict=True))
    assert pairs("learning/epoch", "learning/seed4/train/objective") == [(0, 2.3), (1, 1.3), (2, 0.3)]


def figures(stub: Any) -> list[bytes]:
    """The figures that arrived."""
    return [body for path, body in stub.uploads.items() if "/figure_" in path]


def sync(environment: dict[str, str], folder: Path) -> None:
    """The command of the guide on a sweep's folder."""
    command = [sys.executable, "-m", "wandb", "sync", "--include-online", str(folder / "wandb")]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, timeout=60)


def test_rows_arrive(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """An online run delivers rows, summary, identity, figure and artifacts, and says nothing."""
    _, err = seconds(start_job("online", tmp_path, online))
    assert err == ""
    is_whole(stub.history)
    assert stub.summary["ratio"] == 1.75 and stub.summary["verdicts/holding"] == 2
    first = stub.runs[0]
    identity = [first[key] for key in ("name", "displayName", "groupName", "jobType", "tags", "project")]
    assert identity == ["k3y", "recipe=toy", "fig99_toy", "interpolation", ["smoke", "toy"], "landscape"]
    assert json.loads(first["config"])["model"]["value"] == {"width": 17}
    assert {a["artifactTypeName"] for a in stub.artifacts} == {"run_table", "curves", "solution"}
    assert figures(stub) == [(tmp_path / "k3y/figure.png").read_bytes()]
    assert stub.complete == [0]
    assert not [path for path in stub.uploads if "otel" in path], "telemetry was sent"


def test_offline_opens_no_connection(stub: Any, tmp_path: Path) -> None:
    """Neither to the server nor through a proxy; the counter does count."""
    proxies = {name: stub.url for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")}
    _, err = seconds(
        start_job("offline", tmp_path, clean_environment(tmp_path) | proxies | {"WANDB_BASE_URL": stub.url})
    )
    assert err == ""
    assert stub.connections == 0
    through = urllib.request.build_opener(urllib.request.ProxyHandler({"https": stub.url}))
    with pytest.raises(urllib.error.URLError):
        through.open("https://elsewhere.invalid", timeout=5)
    assert stub.connections == 1


def test_no_key_is_one_message_and_no_prompt(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """At a terminal, where wandb would ask, the job ends at once and says what to do."""
    ours, theirs = pty.openpty()
    del online["WANDB_API_KEY"]
    command = [sys.executable, str(HERE / "job.py"), "online", str(tmp_path)]
    done = subprocess.run(command, env=online, stdin=theirs, stdout=theirs, stderr=theirs, check=False, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode != 0
    last = shown.strip().splitlines()[-1]
    assert "InputError: tracker.mode=online needs a W&B API key" in last
    assert "wandb login" in last and "WANDB_API_KEY" in last and "tracker.mode=offline" in last
    assert stub.connections == 0


@pytest.mark.slow
def test_refused_key_is_one_message(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """A key that the server does not know is wrong input as well."""
    stub.refuses = "key"
    process = start_job("online", tmp_path, online)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "InputError: tracker.mode=online: the W&B API key is not accepted" in err.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no server", "run refused"])
def test_start_falls_back_to_offline(
    fault: str, stub: Any, online: dict[str, str], tmp_path: Path, records: Callable[[Path], list[Any]]
) -> None:
    """With a key but no server, or one that refuses the run, the job goes on, warns once, and is kept in full."""
    if fault == "no server":
        stub.close()
    stub.refuses = "run"
    timing, err = seconds(start_job("online", tmp_path, online))
    assert timing["start"] < 2 * TIMEOUT
    assert err.count("WARNING") == 1 and "W&B failed at 'start'" in err
    run = records(tmp_path)[0]
    assert run.folder.name.startswith("offline-run-")
    is_whole(run.history)
    assert set(run.artifacts) == {"run_table", "curves", "solution"}


@pytest.mark.slow
def test_network_dies(stub: Any, online: dict[str, str], tmp_path: Path, records: Callable[[Path], list[Any]]) -> None:
    """The server dies after the live rows: bounded waits, a warning per run, all on disk; a later sync delivers it."""
    process = start_job("online", tmp_path, online, "wait", "close")
    assert process.stdout is not None and process.stdout.readline() == "live\n"
    stub.close()
    began = time.monotonic()
    timing, err = seconds(process, "go on\n")
    assert timing["finish"] < TIMEOUT and timing["record"] < TIMEOUT and timing["close"] < 2 * TIMEOUT
    assert time.monotonic() - began < 4 * TIMEOUT  # the interpreter's exit does not hang either
    assert err.count("WARNING") == 2 and str(tmp_path / "wandb") in err

    runs = [run for run in records(tmp_path) if run.of("run")[0]["run_id"] == "k3y"]
    history = [row for run in runs for row in run.history]
    is_whole(history)
    assert {key for run in runs for key in run.artifacts} == {"run_table", "curves", "solution"}
    logged = {key for row in history for key in row if key.endswith(".path")}
    assert logged == {"figure.path", "curves.path", "objective_table.path", "verdict_table.path"}

    with StubServer() as revived:
        sync(online | {"WANDB_BASE_URL": revived.url}, tmp_path)
        is_whole(revived.history)
        assert {a["artifactTypeName"] for a in revived.artifacts} == {"run_table", "curves", "solution"}
        assert {run["name"] for run in revived.runs} == {"k3y", "summary-1"}
        assert set(figures(revived)) == {(tmp_path / "k3y/figure.png").read_bytes()}
        sent = {key for row in revived.history for key, value in row.items() if isinstance(value, dict)}
        assert sent == {"figure", "curves", "objective_table", "verdict_table", "rates"}


@pytest.mark.slow
def test_sync_sends_an_offline_sweep(stub: Any, online: dict[str, str], tmp_path: Path) -> None:
    """The command of the guide delivers what an offline run wrote."""
    seconds(start_job("offline", tmp_path, online))
    assert stub.history == []
    sync(online, tmp_path)
    is_whole(stub.history)
    assert {a["artifactTypeName"] for a in stub.artifacts} == {"run_table", "curves", "solution"}
    assert figures(stub) == [(tmp_path / "k3y/figure.png").read_bytes()]
