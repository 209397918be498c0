"""The binary format of CIFAR-10: one label byte, then the pixel bytes of the red, the green and the blue plane."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape.data.idx import GZIP_MAGIC

NUM_CLASSES = 10
Records = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # pixels [N, D], labels [N]


def parse(content: bytes, num_records: int, num_pixels: int) -> Records:
    """The pixels [N, D] and labels [N] of one file, read-only views of its bytes.

    Raises:
        ValueError: another number of bytes, or a label that is none, which is how records of another size show;
            worded to follow the file's name.

    Source:
        A. Krizhevsky, the CIFAR-10 page, "Binary version".
    """
    _require_size(len(content), num_records, num_pixels)
    records = np.frombuffer(content, dtype=np.uint8).reshape(num_records, 1 + num_pixels)
    labels = records[:, 0]
    wrong = np.flatnonzero(labels >= NUM_CLASSES)
    if len(wrong):
        raise ValueError(
            f"has {labels[wrong[0]]} as the label of record {wrong[0]}, needed 0 to {NUM_CLASSES - 1}; are its records "
            f"really one label byte and {num_pixels:,} pixel bytes?"
        )
    return records[:, 1:], labels


def read_file(path: Path, num_records: int, num_pixels: int) -> Records:
    """``parse`` of an unpacked file, whose size is checked before it is read."""
    try:
        _require_size(path.stat().st_size, num_records, num_pixels)
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    return parse(content, num_records, num_pixels)


def read_archive(path: Path, names: Sequence[str], num_records: int, num_pixels: int) -> list[Records]:
    """``parse`` of these members of a tar file, gzipped or not, in the order of ``names``.

    Members are read in memory and by exact name: nothing is unpacked to the disk, so no path in the archive leads
    anywhere, and nothing else in it is looked at.

    Raises:
        ValueError: the archive is cut short or damaged, lacks a member, or holds one that ``parse`` refuses.
    """
    found: dict[str, Records] = {}
    fault = None
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with tarfile.open(path, "r:gz" if is_gzipped else "r:") as tar:
            for member in tar:
                if member.name not in names or member.name in found or not member.isreg():
                    continue
                try:
                    _require_size(member.size, num_records, num_pixels)  # before the bytes are asked for
                    content = tar.extractfile(member)
                    assert content is not None  # of a regular member
                    found[member.name] = parse(content.read(), num_records, num_pixels)
                except ValueError as error:
                    fault = f"holds {member.name}, which {error}"
                    break
                if len(found) == len(names):
                    break
    except (EOFError, zlib.error, tarfile.ReadError, gzip.BadGzipFile) as error:
        size = path.stat().st_size
        raise ValueError(f"is an archive cut short or damaged ({size:,} bytes; {error})") from error
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from error
    missing = [name for name in names if name not in found]
    if fault or missing:
        raise ValueError(fault or f"is an archive without {', '.join(missing)}")
    return [found[name] for name in names]


def _require_size(num_bytes: int, num_records: int, num_pixels: int) -> None:
    size = 1 + num_pixels
    if num_bytes != num_records * size:
        whole = "" if num_bytes % size else f" ({num_bytes // size:,} records)"
        raise ValueError(
            f"has {num_bytes:,} bytes{whole}, needed {num_records:,} records of {size:,} bytes = {num_records * size:,}"
        )
