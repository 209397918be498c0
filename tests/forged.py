"""Saved results as somebody else may have written them: other entries, other arrays, and no digest to see it by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from landscape.result.saved import JSON_NAME, NPZ_NAME


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the entries of a saved result; it has no digest then, like one of the first edition."""
    path = folder / JSON_NAME
    entries = json.loads(path.read_text())
    entries.pop("digest", None)
    change(entries)
    path.write_text(json.dumps(entries))


def rename(folder: Path, before: str, after: str) -> None:
    """Replace a text wherever it stands in a saved result."""
    forge(folder, lambda entries: entries.update(json.loads(json.dumps(entries).replace(before, after))))


def forge_arrays(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]], num_zeros: int = 0) -> None:
    """Write other arrays with the sha256 that the json then wants; packed, with so many zeros, if there are any."""
    path = folder / NPZ_NAME
    with np.load(path) as stored:
        arrays = change(dict(stored))
    if num_zeros:
        np.savez_compressed(path, allow_pickle=True, zeros=np.zeros(num_zeros), **arrays)
    else:
        np.savez(path, allow_pickle=True, **arrays)
    forge(folder, lambda entries: entries["npz"].update(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
