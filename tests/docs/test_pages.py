"""Of the pages themselves, without running anything: languages, links, names of commands, targets and extras."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib.util import find_spec

import pytest
import yaml

from .pages import GENERATED, PAGES, ROOT, WRITTEN, anchors, blocks, links, text_of

LANGUAGES = {"python", "sh", "yaml", "text"}
PROGRAMS = {"python", "landscape", "make", "pip", "wandb", "ls"}


@pytest.mark.parametrize("page", WRITTEN)
def test_every_block_says_what_it_is(page: str) -> None:
    """So that a test knows how to run it, and a reader sees it in colours."""
    assert not [f"{page}:{block.line}" for block in blocks(page) if block.language not in LANGUAGES]


@pytest.mark.parametrize("page", [*PAGES, "docs/results/README.md", "CONTRIBUTING.md", "outputs/README.md"])
def test_no_link_is_dead(page: str) -> None:
    dead = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def test_the_index_names_every_page() -> None:
    told = {link.partition("#")[0] for link in links("docs/README.md")}
    assert {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")} - {"README.md"} <= told


def test_readme_is_one_screen() -> None:
    """Why, two commands, one picture, three lines, links."""
    text = text_of("README.md")
    assert len(text.splitlines()) <= 70 and text.count("](docs/results/fig05_two_solutions/full/figure.png)") == 1
    code = [block.text for block in blocks("README.md") if block.language == "python"]
    assert len(code) == 1 and len([line for line in code[0].splitlines() if line]) == 3


@pytest.mark.parametrize("page", WRITTEN)
def test_commands_name_what_is_there(page: str) -> None:
    """Programs, modules, targets of make, extras of pip."""
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
    for block in blocks(page):
        for command in block.commands:
            words = shlex.split(command, comments=True)
            assert words[0] in PROGRAMS, command
            if words[:2] == ["python", "-m"]:
                assert find_spec(words[2]) and find_spec(f"{words[2]}.__main__"), command
            elif words[0] == "make":
                assert words[1] in targets, command
            elif words[0] == "pip":
                assert {extra for found in re.findall(r"\[(.*?)\]", command) for extra in found.split(",")} <= set(
                    extras
                )


@pytest.mark.parametrize("page", WRITTEN)
def test_yaml_is_yaml(page: str) -> None:
    assert all(yaml.safe_load(block.text) for block in blocks(page) if block.language == "yaml")


def test_what_is_generated_says_by_what() -> None:
    assert all("python -m" in text_of(page)[:600] or "make bench" in text_of(page)[:600] for page in GENERATED)
