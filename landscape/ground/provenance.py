"""Where the configs lie; and what a config names but does not contain: the user's own code and files, by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
    existing file; under ``endpoints`` also one without a dot, and the weights directly in a folder. An edited module
    or an overwritten checkpoint is then another job, never a stale result. Files that such a module imports are not
    followed.
    """
    found = {}
    for key, value in _leaves(config):
        if key == "_target_":
            file = None if value.split(".")[0] in OURS else _source(value)
        else:
            file = Path(value) if "." in value else None
        if file is not None and os.path.isfile(file):
            found[value] = _digest(file)
    for _, value in _leaves(config.get("endpoints") if isinstance(config, dict) else None):
        if os.path.isfile(value):
            found[value] = _digest(Path(value))
        elif value and os.path.isdir(value):
            inside = sorted(Path(value, name) for name in os.listdir(value) if name.endswith(WEIGHTS))
            found |= {str(file): _digest(file) for file in inside if file.is_file()}
    return found


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:  # whoever needs the file will say so
        return f"unreadable: {error.strerror}"


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
