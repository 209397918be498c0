"""Where the configs lie; and what a config names but does not contain: the user's own code and files, by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from landscape.ground.files.folder import saved_in

OURS = ("landscape", "torch")
"""Packages whose version is recorded instead of their content."""
WEIGHTS = (".safetensors", ".bin", ".json")
"""What a folder of Hugging Face keeps weights and the index of their shards in."""


def conf_dir() -> str:
    """The folder of ``config.yaml``: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return str(inside if (inside / "config.yaml").is_file() else package.parent / "conf")


def outside(config: Any) -> dict[str, str]:
    """``{name: content hash}`` of every file outside this project that decides a config's numbers.

    These are the source files that define a ``_target_`` of somebody else's, and every value that names an
    existing file; under ``endpoints`` also one without a dot, the weights directly in a folder, and those of a run that
    ``folder`` and ``pattern`` choose. An edited module or an overwritten checkpoint is then another job, never a stale
    result. Files that such a module imports are not followed.
    """
    found = {}
    for key, value in _leaves(config):
        if key == "_target_":
            file = None if value.split(".")[0] in OURS else _source(value)
        else:
            file = Path(value) if "." in value else None
        if file is not None and os.path.isfile(file):
            found[value] = _digest(file)
    ends = (config.get("endpoints") if isinstance(config, dict) else None) or {}
    for key, value in _leaves(ends):
        if os.path.isfile(value):
            found[value] = _digest(Path(value))
        elif value and os.path.isdir(value):
            places = _of_run(value, ends) if key == "folder" else [Path(value)]
            found |= {str(file): _digest(file) for place in places for file in _weights(place)}
    return found


def _of_run(folder: str, endpoints: Any) -> list[Path]:
    try:
        return saved_in(Path(folder), endpoints.get("pattern"))
    except (OSError, ValueError, IndexError, TypeError, AttributeError):  # whoever needs the files will say so
        return []


def _weights(place: Path) -> list[Path]:
    """A file itself, or the weights directly in a folder."""
    if not place.is_dir():
        return [place] if place.is_file() else []
    inside = sorted(place / name for name in os.listdir(place) if name.endswith(WEIGHTS))
    return [file for file in inside if file.is_file()]


def is_ours(config: Any) -> bool:
    """Whether all that a node makes is made by this project."""
    return all(value.split(".")[0] == OURS[0] for key, value in _leaves(config) if key == "_target_")


def _digest(file: Path) -> str:
    try:
        state = file.stat()
        return _digest_of(file.absolute(), (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))
    except OSError as error:  # whoever needs the file will say so
        return f"unreadable: {error.strerror}"


@lru_cache(maxsize=4096)
def _digest_of(file: Path, state: tuple[int, ...]) -> str:
    """Of a file as it is in this state: the keys of a sweep ask for each file many times."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _leaves(config: Any) -> Iterator[tuple[str, str]]:
    pairs = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in pairs:
        if isinstance(value, str):
            yield str(key), value
        else:
            yield from _leaves(value)


def _source(target: str) -> Path | None:
    """The file of the longest prefix of a dotted name that is a module."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            spec = find_spec(".".join(parts[:cut]))
        except (ImportError, ValueError, AttributeError):
            continue
        if spec is not None and spec.origin is not None:
            return Path(spec.origin)
    return None
