"""The keys of a yaml as a reader sees them: with the comments beside and above them, which a yaml library drops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

LONGEST_VALUE = 60
"""Letters of a value that a table shows; the file below it has the rest."""
HYDRA_KEYS = ("_target_", "_partial_", "defaults")


@dataclass(frozen=True)
class Key:
    """One key of a choice: its dotted name, its value as the file has it, and the comment beside it."""

    name: str
    value: str
    comment: str


def keys_of(text: str) -> list[Key]:
    """The keys of a yaml in their order, those of nested nodes by their dotted names."""
    root = yaml.compose(text)
    return list(_keys(root, text.splitlines(), "")) if isinstance(root, yaml.MappingNode) else []


def targets_of(node: Any) -> Iterator[str]:
    """What the nodes of a loaded yaml make, outermost first."""
    if isinstance(node, dict):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        for name, value in node.items():
            if name != "defaults":
                yield from targets_of(value)
    if isinstance(node, list):
        for value in node:
            yield from targets_of(value)


def _keys(node: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Key]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if key.value not in HYDRA_KEYS:
            comment = _above(lines, key.start_mark.line) if not node.flow_style else ""
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                if comment:
                    yield Key(name, "", comment)
                yield from _keys(value, lines, f"{name}.")
            else:
                end = value.end_mark.line if value.end_mark.line < len(lines) else value.start_mark.line
                beside = _beside(lines, end, value.end_mark.column)
                yield Key(name, _shown(value), " ".join(filter(None, (comment, beside))))


def _shown(value: yaml.Node) -> str:
    """The text of a value on one line, as short as a table needs it."""
    raw = value.start_mark.buffer[value.start_mark.pointer : value.end_mark.pointer]
    text = " ".join(re.sub(r"\s#.*", "", raw).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _beside(lines: list[str], line: int, column: int) -> str:
    """The comment after a value, and its further lines, which stand under its sign."""
    found = re.match(r"[\s,}\]]*#\s*(.*)", lines[line][column:])
    if not found:
        return ""
    place, parts = lines[line].index("#", column), [found[1]]
    for further in lines[line + 1 :]:
        if further[:place].strip() or not further[place:].startswith("#"):
            break
        parts.append(further[place:].lstrip("# "))
    return " ".join(parts)


def _above(lines: list[str], line: int) -> str:
    """The comment in the lines straight above a key, as deep as the key itself; what opens the file is of no key."""
    indent = len(lines[line]) - len(lines[line].lstrip())
    parts: list[str] = []
    first = next((k for k, text in enumerate(lines) if not text.startswith("#")), 0)
    while line > first and lines[line - 1][:indent].strip() == "" and lines[line - 1][indent : indent + 1] == "#":
        line -= 1
        parts.insert(0, lines[line][indent:].lstrip("# "))
    return " ".join(parts)
