"""Durations, and choices of a config, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

from landscape.ground.words import chosen_as, spoken


@pytest.mark.parametrize(
    ("seconds", "rounded", "exact"),
    [
        (0.593, "0.6 s", "0.59 s"),
        (9.6, "9.6 s", "9.6 s"),
        (9.96, "10 s", "10 s"),
        (59.4, "59 s", "59 s"),
        (89, "89 s", "1 min 29 s"),
        (253, "4 min", "4 min 13 s"),
        (3600, "60 min", "1 h 0 min"),
        (7800, "2 h 10 min", "2 h 10 min"),
    ],
)
def test_times_are_spoken(seconds: float, rounded: str, exact: str) -> None:
    assert (spoken(seconds), spoken(seconds, exact=True)) == (rounded, exact)


def test_a_class_is_named_as_the_config_chooses_it() -> None:
    conf, words = Path(__file__).parents[2] / "conf", dict[str, set[str]]()
    for room in ("measurement", "path"):
        for file in sorted((conf / room).glob("*.yaml")):
            tree = OmegaConf.load(file)
            if target := (tree.get(room) or tree).get("_target_"):
                words.setdefault(target, set()).add(file.stem)
    assert len(words) > 15
    for target, names in words.items():
        assert chosen_as(get_class(target)) in names
    assert chosen_as(Path) == "Path"
