"""Every experiment, found by glob: it composes, and it runs end to end at smoke scale."""

from __future__ import annotations

import os
import re
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from landscape.command.config import Config, conf_dir
from landscape.ground.progress import WIDTH
from landscape.result.saved import Result

from .conftest import Cli

EXPERIMENTS = sorted(file.stem for file in (Path(conf_dir()) / "experiment").glob("*.yaml"))
GROUPS = [key for key in (*Config.__dataclass_fields__, "recipe") if (Path(conf_dir()) / key).is_dir()]
SHORT = ("fig09_deep_linear",)
"""Those that are run whenever tests are: others take ten seconds and more, or are much like one of these."""
SOME = [pytest.param(name, marks=[] if name in SHORT else [pytest.mark.slow]) for name in EXPERIMENTS]
IMAGES = ("landscape.data.mnist.mnist", "landscape.data.cifar10.cifar10")
TEXT = "landscape.data.penn_treebank.penn_treebank"


SHRUNK = ("fig06_conv_maxout", "ext10_start_size")
"""Of half the side: digits leave nothing of that."""


def own_data(name: str) -> str:
    """The ``_target_`` of the data that an experiment is about."""
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return str(compose("config", overrides=[f"+experiment={name}"]).data._target_)


def stand_in(target: str, folder: Path) -> list[str]:
    """Overrides that replace a download by what is at hand: digits for images, a made-up text for a text."""
    if target in IMAGES:
        return ["data=digits"]
    if target != TEXT:
        return []
    random = np.random.default_rng(0)
    words = [f"w{k}" for k in range(28)]
    for split in ("train", "valid", "test"):
        rows = [" ".join([*words, *random.choice(words, 20)]) for _ in range(40)]
        (folder / f"{split}.txt").write_text("\n".join([*rows, "<unk>"]) + "\n")
    files = "{train: train.txt, valid: valid.txt, test: test.txt}"
    return [f"data.folder={folder}", f"data.splits={files}", "dimensions.classes=30"]


def composed(*overrides: str) -> DictConfig:
    """The config of that command, everything in it resolved."""
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        config = compose("config", overrides=list(overrides))
    OmegaConf.to_container(config, resolve=True)
    return config


def test_every_experiment_composes_under_its_own_name() -> None:
    assert EXPERIMENTS and all(composed(f"+experiment={name}").name == name for name in EXPERIMENTS)


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.parametrize("name", SOME)
def test_it_runs_at_smoke_scale(name: str, cli: Cli, tmp_path: Path) -> None:
    whole = ["++model.shrink=1"] * (name in SHRUNK)
    ran = cli(f"+experiment={name}", "limits=smoke", "tracker=none", *whole, *stand_in(own_data(name), tmp_path))
    assert ran.status == 0, ran.out
    assert all(job["status"] == "done" for job in ran.sweep["jobs"])
    assert ran.sweep["verdicts"]
    result = Result.load(ran.jobs[0])
    assert result.scale == "smoke" and result.name == name
    assert (ran.jobs[0].parent / "figure.pdf").stat().st_size > 5_000


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.real_data
@pytest.mark.skipif("LANDSCAPE_DATA" not in os.environ, reason="LANDSCAPE_DATA names no folder with MNIST")
@pytest.mark.parametrize("name", SOME)
def test_it_runs_on_its_own_data(name: str, cli: Cli) -> None:
    ran = cli(f"+experiment={name}", "limits=smoke", "tracker=none")
    assert ran.status == 0, ran.out


@pytest.mark.slow
def test_every_option_composes_in_the_quick_start() -> None:
    """One of each group together; a recipe, which chooses of several groups, by itself."""
    options = {
        group: [
            f"{group}={file.stem}"
            for file in sorted((Path(conf_dir()) / group).glob("*.yaml"))
            if file.stem not in ("checkpoints", "run", "explicit")
        ]
        for group in GROUPS
    }
    assert all(options.values())
    for recipe in options.pop("recipe"):
        composed(recipe)
    for together in zip_longest(*options.values()):
        config = composed(*filter(None, together))
        assert config.model._target_ and config.data._target_


def test_help_lists_every_experiment_and_every_group_within_100_columns(cli: Cli, tmp_path: Path) -> None:
    """Grouped by what they decide and show; own yaml is among them."""
    for group in ("experiment", "model", "mine"):
        (tmp_path / "own" / group).mkdir(parents=True)
        (tmp_path / "own" / group / "of_mine.yaml").write_text("# What I ask. Of a net\n# of mine.\n{}\n")
    ran = cli("--help", "--config-dir", str(tmp_path / "own"))
    assert ran.status == 0 and max(map(len, ran.out.splitlines())) <= WIDTH
    words = " ".join(ran.out.split())
    groups = (Path(conf_dir()) / group for group in ("recipe", "model", "endpoints", "path", "measurement", "compute"))
    assert not [
        file.stem for place in groups for file in place.glob("*.yaml") if not re.search(rf"\b{file.stem}\b", words)
    ]
    assert "mine= of_mine" in words and "of_mine What I ask. " in words
    assert words.index("figures of the paper") < words.index("fig01_maxout Figure 1") < words.index("beyond the paper")
    for name in EXPERIMENTS:
        (line,) = [text for text in ran.out.splitlines() if text.startswith(f"    {name} ")]
        assert len(line.split(name)[1].split()) >= 4
