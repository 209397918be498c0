"""What to say of a key that the config has no place for: what comes close to it, or what there is instead."""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from landscape.command.config import Config, composed
from landscape.errors import InputError

OF_SCALES = ("reduced", "cpu", "smoke")
"""What a recipe says of a scale: nobody who misspells a key means it."""
ALL_KEYS = "--cfg job shows all keys"
MOST = 3
"""Close keys that are named."""


def check_added(override: Override, all_of_them: Sequence[Override], folders: Sequence[Path]) -> None:
    """Refuse ``+epochs=3``, which Hydra adds and nothing would read; say of ``+my_note=3`` that nothing does.

    Args:
        override: an override that adds, of a key and not of a group. all_of_them: of the command.
        folders: of somebody's own yaml.

    Raises:
        InputError: the schema has no place for the key, nothing refers to it as ``${epochs}``, and it comes close to a
            key that there is, or lies beside those of a group.
    """
    key = str(override.key_or_group)
    if has_place(key):
        return
    mention = re.compile(r"\$\{" + re.escape(key.partition(".")[0]) + r"\b")
    texts = [str(other.input_line) for other in all_of_them if other is not override]
    if any(map(mention.search, texts)) or any(map(mention.search, _yaml(folders))):
        return
    found = instead(key)
    if "." in key or found != ALL_KEYS:
        raise InputError(f"{override.input_line}: nothing reads {key}; {found}")
    print(f"{override.input_line}: nothing reads {key}; it is a note, kept with the results", file=sys.stderr)


def has_place(key: str) -> bool:
    """Whether the schema has a place for a dotted key, or leaves what lies there to what is chosen."""
    kind: Any = Config
    for part in key.split("."):
        if not is_dataclass(kind):
            return True
        if part not in {field.name for field in fields(kind)}:
            return False
        kind = typing.get_type_hints(kind)[part]
    return True


def _yaml(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        for file in folder.rglob("*.yaml"):
            try:
                yield file.read_text("utf-8")
            except (OSError, ValueError):
                continue


def told(text: str) -> str:
    """What Hydra says of an unknown key, without its advice to add it; any other text as it is."""
    lost = re.match(r"Could not override '([\w.]+)'\.", text)
    return f"there is no key {lost[1]}; {instead(lost[1])}" if lost else text


def instead(key: str) -> str:
    """``did you mean training.max_epochs?``, or the keys that stand where this one was looked for."""
    config = compose("config") if GlobalHydra.instance().is_initialized() else composed([])
    found = [name for name in _keys(config) if name.partition(".")[0] not in OF_SCALES]
    place, _, last = key.rpartition(".")
    beside = [name for name in found if name.rpartition(".")[0] == place] if place else []
    close = get_close_matches(last, [name.rpartition(".")[2] for name in beside], MOST)
    if close:
        return f"did you mean {' or '.join(f'{place}.{name}' for name in close)}?"
    names: dict[str, list[str]] = {}
    for name in found:
        names.setdefault(name.rpartition(".")[2], []).append(name)
    close = [name for last_part in get_close_matches(last, list(names), MOST, 0.7) for name in names[last_part]]
    if close:
        return f"did you mean {' or '.join(close[:MOST])}? {ALL_KEYS}"
    there = f"{place} has {', '.join(name.rpartition('.')[2] for name in beside)}; " if beside else ""
    return there + ALL_KEYS


def _keys(config: DictConfig, place: str = "") -> Iterator[str]:
    for name, value in config.items_ex(resolve=False):
        yield f"{place}{name!s}"
        if isinstance(value, DictConfig) and not OmegaConf.is_missing(config, name):
            yield from _keys(value, f"{place}{name!s}.")
