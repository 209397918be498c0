"""Every file under conf/: says where it comes from, stays short, and names only what exists."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"
YAML = sorted(CONF.rglob("*.yaml"))
EXPERIMENTS = sorted((CONF / "experiment").glob("*.yaml"))
LONGEST_EXPERIMENT = 20  # architecture, section 5.5
WITHOUT_TARGETS = {"recipe", "experiment", "limits"}  # section 5.1
ROOM_OF_GROUP = {"optimizer": "training", "hydra": "ground"}  # groups that have no room of their own name
HYDRA_KEYS = {"_target_", "_partial_", "_args_", "_recursive_", "_convert_", "defaults"}


def opening_comment(text: str) -> str:
    """The comment lines above the first content, Hydra's ``@package`` directive aside."""
    lines = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return "\n".join(line for line in lines if line and not line.startswith("@package"))


def content(text: str) -> list[str]:
    """The lines that are neither blank nor comment."""
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def targets(node: Any) -> Iterator[tuple[str, set[str]]]:
    """(target, argument names) of every mapping with a ``_target_``, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"], {str(key) for key in node} - HYDRA_KEYS
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from targets(value)


def locate(target: str) -> Any:
    """What the dotted ``target`` names: a class, a function, or a class's method."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            # Only the absence of this very module sends us one level up; a broken import inside it is a fault.
            if f"{module}.".startswith(f"{error.name}."):
                continue
            raise
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(target)


def unknown_arguments(target: str, keys: set[str]) -> set[str]:
    """The ``keys`` that are not named parameters of ``target``; ``**kwargs`` would hide a slip and does not count."""
    parameters = inspect.signature(locate(target)).parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return keys - named


def named(file: Path) -> str:
    """The path below conf/, as messages show it."""
    return file.relative_to(CONF).as_posix()


def loaded(file: Path) -> Any:
    """The file's own content as plain containers, interpolations left as text."""
    return OmegaConf.to_container(OmegaConf.load(file), resolve=False)


def test_there_is_something_to_check() -> None:
    """The globs find the primary config and experiments, so the tests below do not pass on nothing."""
    assert CONF / "config.yaml" in YAML
    assert EXPERIMENTS


def test_every_yaml_opens_with_a_comment() -> None:
    """The first thing a reader sees is what the file is and where its numbers come from."""
    assert [named(f) for f in YAML if len(opening_comment(f.read_text())) < 10] == []


def test_every_experiment_says_its_command() -> None:
    """An experiment's opening comment holds the command that runs it."""
    assert [f.stem for f in EXPERIMENTS if f"+experiment={f.stem}" not in opening_comment(f.read_text())] == []


def test_experiments_are_short() -> None:
    """Experiments hold differences only."""
    assert [f.stem for f in EXPERIMENTS if len(content(f.read_text())) > LONGEST_EXPERIMENT] == []


def test_targets_exist_and_take_these_arguments() -> None:
    """Each target of ours or torch's imports, and takes each key beside it: the constructor is the schema."""
    faults = {}
    for file in YAML:
        for target, keys in targets(loaded(file)):
            if target.split(".")[0] in {"landscape", "torch"}:
                assert callable(locate(target)), f"{named(file)}: {target}"
                if unknown := unknown_arguments(target, keys):
                    faults[named(file), target] = unknown
    assert faults == {}


def strangers(file: Path) -> list[str]:
    """Targets that the group of ``file`` may not hold: any but landscape.<group>[.file].Name or a library's."""
    group = file.relative_to(CONF).parts[0]
    found = [target for target, _ in targets(loaded(file))]
    if group in WITHOUT_TARGETS:
        return found
    if group == file.name:  # the primary config belongs to no group
        return []
    room = ROOM_OF_GROUP.get(group, group)
    return [target for target in found if target.startswith("landscape.") and target.split(".")[1] != room]


def test_targets_lie_in_the_room_of_the_group() -> None:
    """conf/<group>/x.yaml builds landscape.<group>[.file].Name or a library's; some groups build nothing."""
    assert {named(file): found for file in YAML if (found := strangers(file))} == {}


def test_what_stands_in_at_cpu_says_for_what() -> None:
    """A recipe that an experiment takes at ``limits=cpu`` alone would else call its result the paper's."""
    texts = {file: file.read_text() for file in EXPERIMENTS}
    named = {name for text in texts.values() for name in re.findall(r"of_scale:\$\{vary[\w.]*\},(\w+)\}", text)}
    assert {"conv_maxout_wide", "mpdbm_short"} <= named
    for name in named:
        assert " -> " in loaded(CONF / f"recipe/{name}.yaml")["cpu"]["instead"]


def test_the_readers_see_faults() -> None:
    """The checks above catch a missing comment, a key that is no argument, a target that does not exist."""
    assert opening_comment("# @package _global_\ndefaults: []\n# late\n") == ""
    assert opening_comment("# @package _global_\n# Figure 1.\na: 1\n") == "Figure 1."
    assert content("# a\n\nb: 1  # c\n  # d\n") == ["b: 1  # c"]
    nested = {"a": [{"_target_": "torch.nn.Linear", "in_features": 1, "_partial_": True}]}
    assert list(targets(nested)) == [("torch.nn.Linear", {"in_features"})]
    assert unknown_arguments("torch.optim.SGD", {"lr", "momentun"}) == {"momentun"}
    assert locate("pathlib.Path.cwd") == Path.cwd
    with pytest.raises(ModuleNotFoundError):
        locate("landscape_that_is_not.there")
    with pytest.raises(AttributeError):
        locate("landscape.errors.NoSuchError")
