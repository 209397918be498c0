"""Saved files of one kind in a folder: those that a pattern names, 2 before 10."""

from __future__ import annotations

import re
from pathlib import Path

SAVED = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
"""Last parts of the names of files that hold weights."""
SHARDED = (".safetensors", ".bin")
"""Of those that lie in a folder of Hugging Face."""
NUMBER = re.compile(r"([0-9]+)")


def natural(name: str) -> tuple[list[str | int], str]:
    """A key to sort names by in which runs of digits count as numbers; equal ones, ``1`` and ``01``, go by letters."""
    return [int(part) if k % 2 else part for k, part in enumerate(NUMBER.split(name))], name


def saved_in(folder: Path, pattern: str | None = None) -> list[Path]:
    """What lies in a folder and may hold weights: files, and folders of Hugging Face.

    Args:
        folder: looked through, links in it followed.
        pattern: of names below the folder, ``"epoch_*.pt"`` or ``"*/model.pt"``; None: all files with such endings, and
            folders that hold some.

    Returns:
        Paths below ``folder`` in their natural order; what begins with a dot is left out.

    Raises:
        OSError: the folder cannot be read.
        ValueError: this is no pattern.
    """
    try:
        entries = list(folder.iterdir() if pattern is None else folder.glob(pattern))
    except NotImplementedError as error:  # what pathlib says of an absolute pattern
        raise ValueError(str(error)) from error
    if pattern is None:
        entries = [entry for entry in entries if entry.name.endswith(SAVED) or _holds_weights(entry)]
    named = {entry.relative_to(folder).as_posix(): entry for entry in entries}
    return [named[name] for name in sorted(named, key=natural) if not Path(name).name.startswith(".")]


def _holds_weights(entry: Path) -> bool:
    return entry.is_dir() and any(inner.name.endswith(SHARDED) for inner in entry.iterdir())
