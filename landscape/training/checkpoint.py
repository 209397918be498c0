"""All that a killed training run needs to go on to the same bits."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from landscape.errors import InputError
from landscape.ground.files.temporary import replacing
from landscape.ground.files.torch_file import require_bounded

log = logging.getLogger(__name__)

DIGITS = 64
"""Of a SHA-256, behind what torch wrote."""


class Unusable(Exception):
    """A checkpoint, or the snapshots that belong to it, from which training cannot go on."""


class _Hashed:
    """A stream that knows the digest of what went through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.stream.write(data)

    def flush(self) -> None:
        self.stream.flush()


def save_atomically(state: dict[str, Any], file: Path) -> None:
    """torch.save and a digest behind it, by temporary file and rename.

    An old checkpoint stays whole if this one cannot be written. torch reads the file as if there were no digest.
    """
    with replacing(file) as place, place.open("wb") as stream:
        hashed = _Hashed(stream)
        torch.save(state, hashed)  # type: ignore[arg-type]
        stream.write(hashed.digest.hexdigest().encode())
        stream.flush()
        os.fsync(stream.fileno())


def load(file: Path) -> dict[str, Any] | None:
    """The state, or None if there is no checkpoint; only plain tensors and numbers are ever unpickled.

    Raises:
        Unusable: its digest is missing (as before there was one) or not that of its content.
    """
    if not file.exists():
        return None
    _check(file)
    try:
        require_bounded(file)
        state = torch.load(file, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many types for a broken file
        raise Unusable(f"{file.name} is unreadable ({str(error).splitlines()[0]})") from error
    if not isinstance(state, dict):
        raise Unusable(f"{file.name} holds a {type(state).__name__}, not the state of a training")
    return state


def epoch_of(file: Path) -> int | None:
    """Where a checkpoint stands, None if there is none that can be used; its tensors are not read."""
    try:
        _check(file)
        require_bounded(file)
        return int(torch.load(file, weights_only=True, map_location="cpu", mmap=True)["epoch"])
    except Exception:  # torch raises many types for a broken file; training then starts over
        return None


def _check(file: Path) -> None:
    """Refuse a file that is not what was written, or that unpacks to more than it holds."""
    if not file.is_file():  # a pipe would be waited for
        raise Unusable(f"{file.name} is no regular file")
    with file.open("rb") as stream:
        left = os.fstat(stream.fileno()).st_size - DIGITS
        digest = hashlib.sha256()
        while left > 0 and (part := stream.read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
        if stream.read() != digest.hexdigest().encode():
            raise Unusable(f"{file.name} is unreadable: it does not have the digest of what was written")
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise Unusable(f"{file.name} is unreadable ({error})") from error
    if size > file.stat().st_size:
        raise Unusable(f"{file.name} is unreadable: {file.stat().st_size} bytes that unpack to {size}")


def set_aside(file: Path, reason: str) -> None:
    """Rename a checkpoint that cannot be used, and say so."""
    moved = ""
    if file.exists():
        broken = file.with_suffix(".broken")
        file.replace(broken)
        moved = f"; the checkpoint was moved to {broken.name}"
    log.warning("the training in %s cannot go on (%s)%s; training starts over", file.parent, reason, moved)


def generators_fit(state: dict[str, Any], device: str, is_drawing: bool) -> bool:
    """Whether the generators of a checkpoint can go on on this type of device; a GPU's state says nothing to a CPU.

    Args:
        device: ``"cpu"``, ``"cuda"``, ...
        is_drawing: whether training draws random numbers on its device.

    Raises:
        InputError: another type of device, and training draws.
    """
    stored = state.get("device") or ("cpu" if state["global_cuda"] is None else "cuda")
    if stored == device:
        return True
    if is_drawing:
        raise InputError(
            f"device={device} cannot go on with a training that was cut on {stored} (epoch {state['epoch']}): what it "
            f"would draw next is known to that kind of device alone; run with device={stored}, or start over with "
            "refresh=true"
        )
    log.warning("the checkpoint was written on %s; going on on %s, where numbers are rounded otherwise", stored, device)
    return False
