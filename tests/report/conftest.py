"""Folders of saved synthetic results, and the page that the report makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from landscape.report.__main__ import main
from landscape.result.saved import Result
from tests.figure.conftest import descent, make_noisy, noisy, swap

HOSTILE = "<script>alert(1)</script>\"'><img src=http://evil.example/x onerror=alert(2)>{{ 7*7 }}&amp;"


@pytest.fixture
def make() -> Any:
    """Builders of synthetic results."""
    return make_noisy


def job(lr: float, **changes: Any) -> Result:
    """One job of a sweep over the learning rate, drawn by the figure of any sweep."""
    return noisy(
        "relu",
        name="my_sweep",
        figure="landscape.figure.sweep",
        overrides=[f"optimizer.lr={lr}", "+experiment=mine", "outputs=/somewhere", "training.max_epochs=40"],
        config={"optimizer": {"lr": lr, "momentum": 0.9}, "dimensions": {"classes": 10}, "outputs": "/somewhere"},
        versions={"landscape": "0.1.0", "torch": "2.13.0"},
        device="a CPU, 1 thread",
        seconds=75.0 * lr,
        **changes,
    )


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A sweep over two learning rates with three seeds each; the second rate's curves rise again on validation."""
    good, bad = job(0.1, seeds=3), job(0.2, seeds=3)
    bad = swap(bad, lambda a: descent(a, bowl=30.0), "train/deterministic", seeds=3)
    folder = tmp_path / "my_sweep/full"
    return saved(folder, [good, bad])


def saved(folder: Path, results: Sequence[Result]) -> Path:
    """Each result in a job folder of its own."""
    for number, result in enumerate(results):
        result.save(folder / f"job{number}")
    return folder


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command and read the page it wrote."""

    def run(*arguments: Any) -> str:
        assert main([str(item) for item in arguments]) == 0, capsys.readouterr().err
        said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
        return Path(said["report"]).read_text(encoding="utf-8")

    return run
