"""Run the command line in this process: the imports are paid once."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from landscape.__main__ import main
from landscape.figure import style


@dataclass
class Ran:
    """What a command did."""

    status: int
    out: str
    outputs: Path

    @property
    def sweep(self) -> dict[str, Any]:
        """The ``sweep.json`` of the only sweep below outputs/."""
        (file,) = self.outputs.glob("*/*/sweep.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    @property
    def jobs(self) -> list[Path]:
        """Job folders, in the order of the command."""
        (file,) = self.outputs.glob("*/*/sweep.json")
        return [file.parent / job["key"] for job in self.sweep["jobs"]]


Cli = Callable[..., Ran]
SETTINGS = [
    "training.max_epochs=2",
    "training.num_seeds=1",
    "limits.measured_examples=50",
    "alphas.num=10",
    "tracker=none",
]
TINY = (*SETTINGS, "model.widths=[8,8]")
QUICK = (*TINY, "forecast=off")
OWN_MODEL = (*SETTINGS, "tracker=none", "forecast=off")
ONE_JOB = "hydra.mode=RUN"
"""The same job in the same folder, composed twice; a sweep composes its jobs three times more."""


def status_of(*arguments: str) -> int:
    """Run the command in this process; returns its exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["landscape", *arguments])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a command's pictures the sweep's and its first job's are rendered, of the other jobs' only laid out."""
    save, jobs = style.save, set[Path]()

    def saved(figure: Figure, folder: Path, name: str = "figure") -> Path:
        if (folder / "job.json").exists():
            jobs.add(folder)
            if len(jobs) > 1:
                figure.savefig = lambda target, **_: target.write(b"blank")  # type: ignore[method-assign, misc]
        return save(figure, folder, name)

    monkeypatch.setattr(style, "save", saved)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """``cli("key=value", ...)`` -> Ran; outputs go to the test's own folder."""

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        status = status_of(*arguments)
        captured = capfd.readouterr()
        return Ran(status, captured.out + captured.err, tmp_path / "outputs")

    return run


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """``own(name, source, {"model/mine": yaml, ...})`` -> the override that lets Hydra find these files of a user's."""
    names = set[str]()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, source: str, files: Mapping[str, str] | None = None) -> str:
        names.add(name)
        sys.modules.pop(name, None)
        (tmp_path / f"{name}.py").write_text(source)
        for file, text in (files or {}).items():
            place = tmp_path / "my_conf" / f"{file}.yaml"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return f"hydra.searchpath=[file://{tmp_path / 'my_conf'}]"

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of ``QUICK``, drawn in full."""
    outputs = tmp_path_factory.mktemp("finished") / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDSCAPE_OUTPUTS", str(outputs))
        assert status_of(*QUICK) == 0
    return outputs


@pytest.fixture
def done(finished: Path, tmp_path: Path) -> Path:
    """The job's folder of a finished ``QUICK`` in the test's own outputs, with the time stamps that it had."""
    shutil.copytree(finished, tmp_path / "outputs")
    (record,) = (tmp_path / "outputs").glob("*/*/*/job.json")
    return record.parent
