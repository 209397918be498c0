"""Launchers that are not there, and one that gives up in mid-sweep."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn

from landscape.command.launch import need
from landscape.command.launch.launcher import LOCAL
from landscape.errors import InputError
from tests.cli.conftest import QUICK, Cli, cli

__all__ = ["cli"]
pytestmark = pytest.mark.usefixtures("blank_figures")

RAY = "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher"
SLURM = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"


@pytest.mark.parametrize(
    ("target", "install"),
    [(RAY, "landscape-walk[ray]"), (SLURM, "landscape-walk[slurm]"), (JOBLIB, "hydra_joblib_launcher")],
)
def test_a_missing_extra_is_named(target: str, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "landscape.command.launch.launcher.find_spec",
        lambda name: None if name.startswith("hydra_plugins") else find(name),
    )
    with pytest.raises(InputError, match="pip install") as told:
        need(target)
    assert install in str(told.value) and "compute=local" in str(told.value)
    need(LOCAL)


def test_an_engine_without_workers_is_wrong_input(cli: Cli) -> None:
    ran = cli(*QUICK, "compute=joblib", "hydra.launcher.n_jobs=0")
    assert ran.status == 2 and "hydra.launcher.n_jobs=0 runs no job" in ran.out and "Traceback" not in ran.out
    assert not list(ran.outputs.glob("*/*/*/*"))


def test_a_machine_without_slurm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="the extra [slurm] is not installed")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="compute=slurm found no sbatch"):
        need(SLURM)


def test_a_missing_extra_is_one_message_and_status_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.command.launch.launcher.find_spec", lambda name: None)
    ran = cli(*QUICK, "compute=ray")
    assert ran.status == 2 and "pip install 'landscape-walk[ray]'" in ran.out and "Traceback" not in ran.out
    assert not list(ran.outputs.glob("*/*/*"))


def test_an_engine_that_gives_up_costs_only_what_it_had_not_done(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen as a parallel one, and lost after its first job."""
    launcher: Any = Plugins.instance().class_name_to_class[LOCAL]  # not the class that an import gives
    plain = getattr(launcher.launch, "__wrapped__", launcher.launch)

    def gives_up(self: Any, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        plain(self, job_overrides[:1], initial_job_idx)
        raise ConnectionError("the head node is gone")

    monkeypatch.setattr("landscape.command.launch.launcher.LOCAL", "somewhere else")
    monkeypatch.setattr("landscape.command.collect.launched.settle", lambda plan, sweep: None)
    monkeypatch.setattr(launcher, "launch", gives_up)
    ran = cli(*QUICK, "optimizer.lr=0.1,0.2")
    assert ran.status == 1 and "Traceback" not in ran.out
    assert "the compute engine gave up (ConnectionError: the head node is gone)" in ran.out
    assert "1 job done, 0 done before, 0 failed, 1 missing" in ran.out


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_stops_no_other_job(cli: Cli) -> None:
    first = cli(*QUICK, "optimizer.lr=0.1,0.2")
    assert first.status == 0, first.out
    one, other = first.jobs
    for folder in (one, other):
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()
    one.write_text("in the way")
    ran = cli(*QUICK, "optimizer.lr=0.1,0.2")
    assert ran.status == 1 and "Traceback" not in ran.out
    assert "job 1 of 2 [optimizer.lr=0.1] failed: FileExistsError" in ran.out
    assert "job 2 of 2 [optimizer.lr=0.2] done" in ran.out
