"""Numbers and arrays in one file that is written whole and read as data, with a digest of all that it holds."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, uint8

from landscape.ground.files import temporary
from theory import npz

log = logging.getLogger(__name__)

ABOUT = "about"

Record = tuple[dict[str, Any], dict[str, NDArray[Any]]]
"""What was said, and arrays by name."""


def write(file: Path, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Replace a file by these.

    Args:
        about: what JSON holds, without ``digest``.
        arrays: of real numbers, without ``about``.
    """
    text = json.dumps({**about, "digest": _digest(about, arrays)}).encode()
    with temporary.replacing(file) as place, place.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{ABOUT: np.frombuffer(text, np.uint8)}, **arrays)


def read(file: Path, schema: int) -> Record | None:
    """What a file holds; None, and the file is set aside, where that is not what was written.

    Args:
        schema: what ``about`` must say of itself.
    """
    try:
        arrays = npz.read(file, kinds="fu")
        about = json.loads(arrays.pop(ABOUT).tobytes().decode())
        if about.pop("digest") != _digest(about, arrays) or about["schema"] != schema:
            raise ValueError("it is not what was written")
        return about, arrays
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        set_aside(file, error)
        return None


def set_aside(file: Path, error: Exception) -> None:
    """Say that a file is not what was written, and why, and put it out of the way."""
    aside = file.with_name(f"{file.name}.damaged")
    log.warning("%s is damaged (%s), kept as %s; starting anew", file, error, aside.name)
    with suppress(OSError):  # another process was quicker
        file.replace(aside)


def said(file: Path) -> dict[str, Any] | None:
    """What a file says of itself, which nobody has compared with its digest; None where it says nothing."""
    try:
        about = json.loads(npz.read(file, "u", only=ABOUT)[ABOUT].tobytes().decode())
        return about if isinstance(about, dict) else None
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return None


def bytes_of(tensor: Tensor) -> Any:
    """The bytes of a tensor in order."""
    held = tensor.detach().cpu().contiguous()
    return held.view(uint8).numpy().data if held.dim() else held.reshape(1).view(uint8).numpy().data


def _digest(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(arrays):
        found.update(f"|{name} {arrays[name].shape}|".encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
