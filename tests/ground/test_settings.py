"""Only what changes a result is part of its names, its swept keys, its published command and its folder's hash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from landscape.command.config import Config, job_key
from landscape.command.job import run_info
from landscape.figure import caption, naming
from landscape.figure.publish import command_of
from landscape.figure.sweep.keys import swept
from landscape.ground.settings import TABLE, key_of, uses_of
from landscape.result.saved import Result
from landscape.training import Training

HERE = [
    "threads=1",
    "strict=true",
    "outputs=/home/me/out",
    "jobs_per_gpu=2",
    "refresh=true",
    "device=cpu",
    "forecast=off",
    "tracker=none",
    "tracker.mode=offline",
    "+tracker.tags=[a]",
    "hydra.launcher.n_jobs=2",
    "hydra/launcher=basic",
    "compute=joblib",
    "objective.memory=1GiB",
    "objective.alphas_at_once=3",
    "isolated=true",
    "++threads=2",
    "optimize=test_error",
    "hydra.verbose=true",
]
CHANGES = [
    "optimizer.lr=0.1",
    "+model.depth=2",
    "objective.engine=plain",
    "objective.tolerance=1e-3",
    "limits.examples=50",
    "~training.patience",
    "training.first_seed=3",
    "vary={lr:1}",
    "measurement.noise=false",
]


def result(*overrides: str) -> Result:
    return Result("mine", "landscape.figure.sweep", "full", {}, {"optimizer": {"lr": 0.1}}, list(overrides))


@pytest.mark.parametrize("override", HERE)
def test_what_this_machine_does_is_nobodys_name(override: str) -> None:
    """Not a run's name or tag, a footer, a swept key, a title or a published command."""
    info = run_info(config(), "mine", "k", [override, "optimizer.lr=0.1"], Path())
    assert (info.name, info.tags) == ("mine optimizer.lr=0.1", ["full", "optimizer.lr=0.1"])
    job = result(override, "optimizer.lr=0.1")
    assert naming.plain_overrides(job) == ["optimizer.lr=0.1"]
    assert caption.told([job]) == "set: optimizer.lr=0.1"
    assert swept([job, replace(job, overrides=["optimizer.lr=0.1"])]) == [{}, {}]
    assert command_of([job]) == "python -m landscape optimizer.lr=0.1"


@pytest.mark.parametrize("override", CHANGES)
def test_what_changes_a_result_is_said(override: str) -> None:
    assert run_info(config(), "mine", "k", [override], Path()).name == f"mine {override}"
    assert naming.plain_overrides(result(override)) == [override]
    assert caption.told([result(override)]).startswith(f"set: {override.partition('=')[0]}")


def test_a_swept_cap_tells_jobs_apart() -> None:
    """Jobs on other numbers of examples are no repetitions of one another."""
    jobs = [replace(result(f"limits.examples={n}"), config={"limits": {"examples": n}}) for n in (50, 60)]
    assert swept(jobs) == [{"limits.examples": "50"}, {"limits.examples": "60"}]


def test_every_root_key_is_hashed_or_in_the_table() -> None:
    """A key that counts nowhere may change without a new folder; any other makes one."""
    before: Any = OmegaConf.create(config())
    names = [name for name in Config.__dataclass_fields__]
    for name in names:
        after = OmegaConf.merge(before, {name: "something else"})
        assert (job_key(_root_=after) == job_key(_root_=before)) is not uses_of(name).result, name
    assert set(map(key_of, HERE)) <= {key for key in TABLE} | {
        "tracker.mode",
        "tracker.tags",
        "hydra.launcher.n_jobs",
        "hydra/launcher",
        "hydra.verbose",
    }


def test_the_recipe_is_what_the_store_tells_apart() -> None:
    """Which root keys, and which of training's, whatever is added to a config."""
    roots = {name for name in (*Config.__dataclass_fields__, "nobodys", "compute") if uses_of(name).recipe}
    assert roots == {"model", "data", "cost", "optimizer", "training"}
    beside = {f"training.{name}" for name in Training.__dataclass_fields__ if not uses_of(f"training.{name}").recipe}
    assert beside == {
        "training.num_seeds",
        "training.first_seed",
        "training.vectorise",
        "training.measure_batch_size",
        "training.checkpoint_seconds",
    }
    assert uses_of("optimizer.lr").recipe and not uses_of("objective.engine").recipe


def config() -> dict[str, Any]:
    """Enough of a config to name a run."""
    return {"measurement": {"_target_": "a.B"}, "limits": {"scale": "full"}, "objective": {"memory": None}}
