"""Arrays from an npz file that nobody vouches for: sizes are checked before any memory is taken for them."""

from __future__ import annotations

import io
import math
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNPACKED = 256 * 2**20
"""Bytes to which a packed file may unpack; what numpy.savez wrote may be of any size, for it unpacks to itself."""


def read(file: Path | bytes, kinds: str = "biuf", only: str | None = None) -> dict[str, NDArray[Any]]:
    """All arrays by name, from a file or from its bytes; ``kinds`` are numpy's letters for the types that may come.

    Args:
        only: read this one alone.

    Raises:
        OSError: the file cannot be read. ValueError: it is no npz of real numbers, an entry is not what it claims to
            be, or it unpacks to more than ``UNPACKED`` bytes and than the file itself has.
    """
    if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("it is no regular file")
    size = len(file) if isinstance(file, bytes) else file.stat().st_size
    try:
        with zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)  # more than this is never read, whatever lies there
            if total > max(size, UNPACKED):
                raise ValueError(f"it unpacks to {total} bytes; a packed file may have {UNPACKED}, of numpy.savez any")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ValueError("two of its entries have one name")
            wanted = [entry for entry in entries if only is None or entry.filename == f"{only}.npy"]
            return {entry.filename.removesuffix(".npy"): _array(archive, entry, kinds) for entry in wanted}
    except OSError:
        raise
    except Exception as error:  # a file made to do harm finds every fault of those who read it
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error


def spoken(name: str) -> str:
    """A name as it is, unless a terminal would obey it or not show it."""
    return name if name.isprintable() else repr(name)


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kinds: str) -> NDArray[Any]:
    name = spoken(entry.filename.removesuffix(".npy"))
    if not entry.filename.endswith(".npy"):
        raise ValueError(f"its entry {name} is no array")
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{name} is of npy version {version}")
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype.kind not in kinds:
            raise ValueError(f"{name} is of type {dtype}; use real numbers")
        if min(shape, default=0) < 0 or stream.tell() + math.prod(shape) * dtype.itemsize != entry.file_size:
            raise ValueError(f"{name} claims the shape {shape} of {dtype}, which its {entry.file_size} bytes are not")
    with archive.open(entry) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array
