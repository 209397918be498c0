"""Tiny files in the real IDX format, and mirrors of them on this machine that behave well or badly."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landscape.data.mnist import Archive, IdxFile

NUM_TRAIN, NUM_VALID, NUM_TEST, ROWS, COLUMNS = 11, 4, 5, 3, 2  # not square, so a transposed image shows


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """IDX by the letter: two zeros, element type, number of axes, big-endian sizes, bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + bytes(array.ravel().tolist())


@dataclass
class TinyMnist:
    """Arrays, the bytes of their four gzipped files, and an archive that expects exactly these."""

    arrays: dict[str, NDArray[np.uint8]]
    packed: dict[str, bytes]
    archive: Archive
    num_valid: int = NUM_VALID

    @staticmethod
    def pack(array: NDArray[np.uint8]) -> bytes:
        """Plain IDX bytes of an array."""
        return idx_bytes(array)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.packed.items():
            (folder / name).write_bytes(content)
        return folder


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """LANDSCAPE_DATA is set by a test or not at all, except for tests of the real files; no proxy for loopback."""
    if "real_data" not in request.keywords:
        monkeypatch.delenv("LANDSCAPE_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def tiny() -> TinyMnist:
    rng = np.random.default_rng(7)
    images, labels = "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"
    arrays = {
        f"train-{images}": rng.integers(0, 256, (NUM_TRAIN, ROWS, COLUMNS), dtype=np.uint8),
        f"train-{labels}": rng.integers(0, 10, NUM_TRAIN, dtype=np.uint8),
        f"t10k-{images}": rng.integers(0, 256, (NUM_TEST, ROWS, COLUMNS), dtype=np.uint8),
        f"t10k-{labels}": rng.integers(0, 10, NUM_TEST, dtype=np.uint8),
    }
    packed = {name: gzip.compress(idx_bytes(array), mtime=0) for name, array in arrays.items()}
    files = [
        IdxFile(
            name,
            packed_md5=hashlib.md5(packed[name]).hexdigest(),
            unpacked_md5=hashlib.md5(idx_bytes(array)).hexdigest(),
            shape=array.shape,
        )
        for name, array in arrays.items()
    ]
    return TinyMnist(arrays, packed, Archive(*files, mirrors=(), num_valid=NUM_VALID))


@dataclass
class Mirrors:
    """Addresses of one server: the first part of the path says how it behaves; ``asked`` logs every request."""

    address: str
    asked: list[str] = field(default_factory=list)

    def __call__(self, *behaviours: str) -> tuple[str, ...]:
        return tuple(f"{self.address}/{behaviour}/" for behaviour in behaviours)


@pytest.fixture
def mirrors(tiny: TinyMnist) -> Iterator[Mirrors]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour, name = self.path.strip("/").split("/")
            served.asked.append(f"{behaviour}/{name}")
            body = {"good": tiny.packed[name], "cut": tiny.packed[name], "html": b"<html>log in first</html>"}.get(
                behaviour, b""
            )
            self.send_response(404 if behaviour == "absent" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-5] if behaviour == "cut" else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Mirrors(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()
