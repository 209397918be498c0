"""What a run is called, and what the environment has to say in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from landscape.command.config import conf_dir
from landscape.errors import InputError
from landscape.tracker import RunInfo
from landscape.tracker.wandb import WandbTracker, within

INFO = RunInfo("0123456789ab", "mine lr=0.1", "mine", "interpolation", ["full", "lr=0.1"], {}, Path("sweep"))
VARIABLES = "MODE DISABLED PROJECT ENTITY NAME RUN_GROUP JOB_TYPE TAGS DIR SILENT CACHE_DIR"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES.split():
        monkeypatch.delenv(f"WANDB_{name}", raising=False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``wandb.init`` was asked for."""
    kept: dict[str, Any] = {}

    def init(**arguments: Any) -> None:
        kept.update(arguments)
        raise OSError("enough")

    monkeypatch.setattr("landscape.tracker.wandb.wandb.init", init)
    return kept


def tracker() -> WandbTracker:
    """As ``conf/tracker/wandb.yaml`` makes it in this environment."""
    config = OmegaConf.to_container(OmegaConf.load(Path(conf_dir()) / "tracker" / "wandb.yaml"), resolve=True)
    return WandbTracker(**{key: value for key, value in config.items() if key != "_target_"})  # type: ignore[union-attr, arg-type]


@given(st.text(max_size=300), st.integers(40, 128))
def test_a_text_within_its_limit_stays_and_a_longer_one_fits(text: str, most: int) -> None:
    short = within(text, most)
    assert short == text if len(text) <= most else len(short) == most


def test_long_texts_that_differ_anywhere_stay_apart() -> None:
    texts = [f"{'a' * 90}{k}{'b' * 90}" for k in range(50)] + ["a" * k for k in range(129, 160)]
    assert len({within(text, 128) for text in texts}) == len(texts)


def test_whatever_is_overridden_a_run_is_one_that_a_server_takes(asked: dict[str, Any], tmp_path: Path) -> None:
    long = [f"model.widths=[{','.join(['8'] * num)}]" for num in (40, 41)]
    name = "n" * 200
    info = replace(INFO, name=" ".join([name, *long]), group=name, job_type=name, tags=["", *long], folder=tmp_path)
    tracker().start(info)
    assert len(asked["name"]) == len(asked["group"]) == len(asked["job_type"]) == 128
    assert [len(tag) for tag in asked["tags"]] == [64, 64] and len(set(asked["tags"])) == 2


def test_the_environment_counts_where_the_command_says_nothing_else(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {
        "PROJECT": "ours",
        "ENTITY": "team",
        "NAME": "night",
        "RUN_GROUP": "week 3",
        "JOB_TYPE": "line",
        "TAGS": "a, b,,full",
        "DIR": str(tmp_path / "scratch"),
        "SILENT": "false",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    tracker().start(replace(INFO, folder=tmp_path))
    told = {key: asked[key] for key in ("project", "entity", "name", "group", "job_type", "tags")}
    assert told == {
        "project": "ours",
        "entity": "team",
        "name": "night lr=0.1",
        "group": "week 3",
        "job_type": "line",
        "tags": ["full", "lr=0.1", "a", "b"],
    }
    assert asked["dir"] == tmp_path / "scratch" and asked["settings"].silent is False


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "offline"),
        ({"MODE": ""}, "offline"),
        ({"MODE": "dryrun"}, "offline"),
        ({"MODE": "ONLINE"}, "online"),
        ({"DISABLED": "true"}, "disabled"),
        ({"DISABLED": "false"}, "offline"),
        ({"MODE": "offline", "DISABLED": "1"}, "offline"),
    ],
)
def test_the_mode_by_the_environment(variables: dict[str, str], mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    assert tracker().mode == mode


def test_empty_variables_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROJECT", "ENTITY"):
        monkeypatch.setenv(f"WANDB_{name}", "")
    assert (tracker().project, tracker().entity) == ("landscape", None)


@pytest.mark.parametrize("project", ["a/b", "what?", "p" * 129])
def test_a_project_that_no_server_takes_is_refused(project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", project)
    with pytest.raises(InputError, match=r"tracker\.project=.*WANDB_PROJECT"):
        tracker()
