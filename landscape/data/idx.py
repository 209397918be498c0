"""The IDX format of the MNIST files: a magic number, the sizes, then unsigned bytes."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

UNPACKED = 2**28
"""Bytes that a gzipped file may have; MNIST's largest has 47,040,016."""
GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
UNSIGNED_BYTE = 0x08  # the only element type of the MNIST files


def unpack(path: Path) -> bytes:
    """The content of a file, gunzipped if it is gzipped, whatever its name says (browsers unpack on the way).

    Raises:
        ValueError: the file cannot be read, or its gzip stream is cut short or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            unpacked = stream.read(UNPACKED + 1)  # a small file may unpack to more than there is memory
    except EOFError as error:
        raise ValueError(f"is a gzip file cut short at {len(content):,} bytes") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"is a damaged gzip file ({error})") from error
    if len(unpacked) > UNPACKED:
        raise ValueError(f"is a gzip file of more than {UNPACKED:,} bytes, far more than these data have")
    return unpacked


def parse(content: bytes) -> NDArray[np.uint8]:
    """The array that unpacked IDX bytes describe, a read-only view of them.

    Raises:
        ValueError: not IDX, not unsigned bytes, or more or fewer values than its header promises.

    Source:
        The MNIST page by LeCun, Cortes and Burges, "File formats for the MNIST database".
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"is not an IDX file (it starts with {content[:8]!r})")
    element, num_axes = content[2], content[3]
    if element != UNSIGNED_BYTE:
        raise ValueError(f"holds IDX elements of type 0x{element:02x}, needed unsigned bytes (0x{UNSIGNED_BYTE:02x})")
    start = 4 + 4 * num_axes
    if num_axes == 0 or len(content) < start:
        raise ValueError(f"is an IDX file cut short in its header ({len(content)} bytes)")
    shape = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=num_axes, offset=4))
    if len(content) - start != math.prod(shape):
        raise ValueError(f"promises {shape} = {math.prod(shape):,} values and holds {len(content) - start:,}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
