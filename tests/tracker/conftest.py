"""Loads the two helper files beside it, runs jobs as programs, and reads W&B's own files back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from landscape.tracker.wandb import WandbTracker
from tests.tracker import job
from tests.tracker.stub_server import KEY, StubServer

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]


@pytest.fixture
def stub() -> Iterator[Any]:
    """A running stub server."""
    with StubServer() as server:
        yield server


@pytest.fixture
def online(stub: Any, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who is logged in at the stub server."""
    return clean_environment(tmp_path) | {"WANDB_BASE_URL": stub.url, "WANDB_API_KEY": KEY}


def load(name: str) -> ModuleType:
    """A helper module of this folder."""
    return import_module(f"tests.tracker.{name}")


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without anything of W&B or a proxy, and with an empty home directory."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB") and not k.lower().endswith("_proxy")}
    path = os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")])
    return kept | {"HOME": str(home / "home"), "NETRC": str(home / "netrc"), "PYTHONPATH": path}


def start_job(mode: str, folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """``job.py`` as a program of its own, in a terminal-less session so that nothing can prompt."""
    command = [sys.executable, str(HERE / "job.py"), mode, str(folder), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=folder)


class Records:
    """The records of one ``.wandb`` file as ``wandb leet inspect --json`` prints them."""

    def __init__(self, run: Path) -> None:
        program = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
        environment = clean_environment(run) | {"WANDB_ERROR_REPORTING": "false"}
        done = subprocess.run(program, capture_output=True, text=True, check=True, env=environment, cwd=run, timeout=60)
        self._all = [json.loads(line) for line in done.stdout.splitlines()]
        self.folder = run

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of all records of one kind."""
        return [record[kind] for record in self._all if record["type"] == kind]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The logged rows without wandb's own keys."""
        items = [record["item"] for record in self.of("history")]
        return [{key: value for key, value in item.items() if not key.startswith("_")} for item in items]

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """The rows of one family."""
        return [row for row in self.history if any(key.startswith(prefix) for key in row)]

    @property
    def summary(self) -> dict[str, Any]:
        """The final summary."""
        return {key: value for record in self.of("summary") for key, value in record.get("update", {}).items()}

    @property
    def artifacts(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Artifact type -> path in the artifact -> entry."""
        found = self.of("artifact")
        return {a["type"]: {entry["path"]: entry for entry in a["manifest"]["contents"]} for a in found}

    def table(self, key: str) -> dict[str, Any]:
        """A logged table: its columns and data."""
        (row,) = (row for row in self.history if f"{key}.path" in row)
        content: dict[str, Any] = json.loads((self.folder / "files" / row[f"{key}.path"]).read_text())
        return content


@pytest.fixture(scope="session")
def records() -> Callable[[Path], list[Records]]:
    """All runs in the ``wandb/`` folder of a sweep, in order of time."""
    return lambda folder: [Records(run) for run in sorted((folder / "wandb").glob("*run-2*-*"))]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two jobs of one solution: the first, k3y, trained it, and the other found it."""
    folder = tmp_path_factory.mktemp("sweep")
    for key in ("k3y", "other"):
        job.track(WandbTracker(), folder, key, trained=key == "k3y")
    return folder


@pytest.fixture(scope="session")
def runs(folder: Path, records: Callable[[Path], list[Records]]) -> dict[str, Records]:
    """The two runs by id."""
    return {run.of("run")[0]["run_id"]: run for run in records(folder)}
