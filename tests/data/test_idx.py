"""IDX bytes: what goes in comes out, and every kind of damage is named."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape.data.idx import parse, unpack


def header(*sizes: int, element: int = 8) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, element, len(sizes), *sizes)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 99))
def test_parse_inverts_writing(shape: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    parsed = parse(header(*shape) + values.tobytes())
    assert parsed.dtype == np.uint8 and parsed.shape == tuple(shape)
    assert np.array_equal(parsed, values)


def test_sizes_are_big_endian_and_rows_come_first() -> None:
    assert parse(b"\0\0\x08\x02" + b"\0\0\0\x02" + b"\0\0\0\x03" + bytes(range(6))).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert len(parse(header(300) + bytes(300))) == 300  # more than one byte of size


def test_a_file_that_unpacks_to_more_than_any_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.data.idx.UNPACKED", 1000)
    for size, fits in ((1000, True), (1001, False), (10**7, False)):
        (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(size)))
        if fits:
            assert len(unpack(tmp_path / "x.gz")) == size
            continue
        with pytest.raises(ValueError, match="more than 1,000 bytes"):
            unpack(tmp_path / "x.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"<html>no</html>", "not an IDX file.*<html>"),
        (header(2, element=13) + bytes(8), "type 0x0d"),
        (b"\0\0\x08\0", "cut short in its header"),
        (header(2, 3)[:-1], "cut short in its header"),
        (header(2, 3) + bytes(5), r"promises \(2, 3\) = 6 values and holds 5"),
        (header(2, 3) + bytes(7), r"promises \(2, 3\) = 6 values and holds 7"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(7), f"= {math.prod([2**32 - 1] * 3):,} values"),
    ],
)
def test_parse_names_the_fault(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(content)


def test_unpack_goes_by_content_not_by_name(tmp_path: Path) -> None:
    plain = header(3) + b"abc"
    for name, content in (("a.gz", plain), ("b", gzip.compress(plain)), ("c.gz", gzip.compress(plain)), ("d", plain)):
        (tmp_path / name).write_bytes(content)
        assert unpack(tmp_path / name) == plain


def test_unpack_names_the_fault(tmp_path: Path) -> None:
    packed = gzip.compress(np.random.default_rng(0).bytes(1_000))
    broken = bytearray(packed)
    broken[500] ^= 0xFF
    for content, message in (
        (packed[:-1], "cut short at"),
        (packed[:500], "cut short at 500 bytes"),
        (packed[:3], "cut short at 3 bytes"),
        (bytes(broken), "damaged gzip"),  # its checksum no longer fits
        (packed[:10] + b"\xff" * 90, "damaged gzip"),  # no deflate stream at all
        (packed + b"tail", "damaged gzip"),
    ):
        (tmp_path / "x.gz").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            unpack(tmp_path / "x.gz")
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(tmp_path)
