"""The reference names all that is public and all that can be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import yaml

import landscape
from website import face
from website.keys import Key, keys_of

groups = pytest.importorskip("website.groups", exc_type=ImportError, reason="needs the extra [docs]")


@pytest.mark.slow
def test_every_public_name_has_its_entry() -> None:
    """By the place where it is defined, which griffe must be told."""
    page = face.page()
    for name in landscape.__all__:
        if name.startswith("__"):
            assert f"`ls.{name}`" in page
            continue
        module, _, last = face.defined(name).rpartition(".")
        assert getattr(import_module(module), last) is getattr(landscape, name)
        assert f"::: {module}.{last}\n" in page and f"heading: ls.{name}\n" in page


def leaves(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of what a yaml sets."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        elif name not in ("_target_", "_partial_", "defaults"):
            yield f"{prefix}{name}"


@pytest.mark.slow
def test_every_choice_of_every_group_has_its_heading_and_its_keys() -> None:
    """A yaml that is new is on its page by being there."""
    files = {file for file in groups.CONF.rglob("*.yaml") if file.parent != groups.CONF and "hydra" not in file.parts}
    found = groups.groups()
    assert {choice.file for choices in found.values() for choice in choices} == files
    index = groups.index(found)
    for group, choices in found.items():
        page = groups.page(group, choices, {})
        for choice in choices:
            assert f"## `{choice.name}` {{ #{groups.anchor(choice)} " in page
            assert f"#{groups.anchor(choice)})" in index
            named = [key.name for key in choice.settings()]
            assert all(any(leaf.startswith(one) for one in named) for leaf in leaves(choice.content)), choice.file


@pytest.mark.slow
def test_what_a_choice_makes_says_what_it_is() -> None:
    """The first paragraph of the constructor's docstring, and of its arguments what yaml leaves unsaid."""
    choice = groups.Choice(groups.CONF / "measurement" / "interpolation.yaml")
    section = "\n".join(groups.section(choice))
    assert "Makes `landscape.measurement.Interpolation`: J and its channels at every alpha" in section
    assert "| `splits` | `[train, valid]` | of ``train``" in section


YAML = """\
# What it is.
_target_: some.Thing
a: 1  # beside
b: [x, y]   # first line
            # and its second
inner:
  # above
  c: null
  d: {e: "#no comment"}
"""


def test_comments_stay_with_their_keys() -> None:
    """Beside, on further lines below, and above."""
    assert keys_of(YAML) == [
        Key("a", "1", "beside"),
        Key("b", "[x, y]", "first line and its second"),
        Key("inner.c", "null", "above"),
        Key("inner.d", '{e: "#no comment"}', ""),
    ]
    assert yaml.safe_load(YAML)["inner"]["d"] == {"e": "#no comment"}
