"""Folders that a file names: inside the folder that it lies in, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def inside(folder: Path, name: str) -> Path:
    """``folder / name``, which lies below ``folder`` whatever links there are.

    Raises:
        ValueError: it does not, or is no path.
    """
    place = Path(os.path.normpath(folder / name))  # an absolute name would replace the folder
    if not is_inside(folder, place):
        raise ValueError(f"{name!r} leads out of its folder")
    return place


def is_inside(folder: Path, place: Path) -> bool:
    """Whether a path is below a folder, links followed; a link to elsewhere in the same folder is."""
    top = folder.resolve()
    return top in place.resolve().parents
