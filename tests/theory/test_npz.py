"""An npz file is believed only where it holds what it claims, and no memory is taken before that is known."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory import npz

ARRAYS = {
    "c": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "empty": np.zeros((0, 3)),
    "one": np.float32(3),
    "swapped": np.arange(3, dtype=">i2"),
    "yes": np.array([True]),
    "a/b é": np.arange(2, dtype=np.uint8),
}


def entry(name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED, times: int = 1) -> bytes:
    """A zip of one entry."""
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", how) as archive:
        for _ in range(times):
            archive.writestr(name, content)
    return blob.getvalue()


def array(descr: Any, shape: tuple[int, ...], content: bytes = b"") -> bytes:
    """An array as npy, its header of one's own."""
    blob = io.BytesIO()
    np.lib.format.write_array_header_1_0(blob, {"descr": descr, "fortran_order": False, "shape": shape})
    return blob.getvalue() + content


HOSTILE = {
    "not a zip": (b"PK", "not a zip"),
    "no bytes": (b"", "not a zip"),
    "claims 80 GB": (entry("x.npy", array("<f8", (10**10,))), "claims the shape"),
    "claims more than numbers go": (entry("x.npy", array("<f8", (10**30,))), "claims the shape"),
    "holds more than it claims": (entry("x.npy", array("<f8", (1,), bytes(800))), "claims the shape"),
    "negative": (entry("x.npy", array("<f8", (-1, -1), bytes(8))), "claims the shape"),
    "unpacks to 300 MB": (entry("x.npy", array("<f8", (4 * 10**7,)) + bytes(32 * 10**7)), "it unpacks to 3200"),
    "header of 2 GB": (entry("x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f(("), "EOF"),
    "header of brackets": (entry("x.npy", b"\x93NUMPY\x01\x00\xff\x1f" + b"(" * 0x1FFF), "."),
    "no header": (entry("x.npy", b"plain text"), "magic"),
    "objects": (entry("x.npy", array("|O", (1,), bytes(8))), "of type object"),
    "records": (entry("x.npy", array([("a", "<f8")], (1,), bytes(8))), "of type"),
    "complex": (entry("x.npy", array("<c16", (1,), bytes(16))), "of type complex128"),
    "text": (entry("x.npy", array("<U2", (1,), bytes(8))), "of type <U2"),
    "a program": (entry("../../x.py", b"raise SystemExit"), "is no array"),
    "escapes": (entry("\x1b]0;x\x07", b""), r"'\\x1b\]0;x\\x07' is no array"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_it_is_not_is_refused(name: str) -> None:
    content, says = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says):
            npz.read(content)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = entry("x.npy", array("<f8", (1,), bytes(8)), times=2)
    with pytest.raises(ValueError, match="one name"):
        npz.read(content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(save: Any, tmp_path: Path) -> None:
    """From a file and from its bytes, whatever their order and size, and writable."""
    save(tmp_path / "x.npz", **ARRAYS)
    for found in (npz.read(tmp_path / "x.npz"), npz.read((tmp_path / "x.npz").read_bytes())):
        assert list(found) == list(ARRAYS)
        for name, values in ARRAYS.items():
            assert found[name].dtype == np.asarray(values).dtype and np.array_equal(found[name], values)
            found[name][...] = 0


def test_a_flipped_byte_is_seen(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.arange(50.0))
    content = (tmp_path / "x.npz").read_bytes()
    with pytest.raises(ValueError, match="CRC"):
        npz.read(content[:300] + bytes([content[300] ^ 1]) + content[301:])


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="no regular file"):
        npz.read(tmp_path / "x.npz")
