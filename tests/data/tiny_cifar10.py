"""CIFAR-10 in its official binary form, tiny."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape.data import Dataset
from landscape.data.cifar10 import OFFICIAL, Archive, cifar10

D, NUM = 3 * 4 * 4, 40  # pixels per image, images per file
NUM_VALID = 60


def tar_of(files: dict[str, bytes], mode: str = "w:gz", links: dict[str, str] | None = None) -> bytes:
    """A tar file of regular members, and of symbolic links {name: target}."""
    blob = io.BytesIO()
    with tarfile.open(fileobj=blob, mode=mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return blob.getvalue()


@dataclass
class Tiny:
    """Records per file, and an archive that expects exactly these."""

    records: dict[str, NDArray[np.uint8]]  # path -> [NUM, 1 + D]
    packed: bytes
    archive: Archive

    @property
    def files(self) -> dict[str, bytes]:
        return {name: rows.tobytes() for name, rows in self.records.items()}

    @property
    def both(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """All rows of the training files, and of the test file."""
        rows = [self.records[name] for name in self.archive.files]
        return np.concatenate(rows[:-1]), rows[-1]

    def unpack(self, folder: Path) -> Path:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    def write(self, folder: Path, content: bytes | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.archive.name).write_bytes(self.packed if content is None else content)
        return folder

    def load(self, folder: Path | None, cache: Path, preprocess: str = "none") -> Dataset:
        return cifar10(None if folder is None else str(folder), str(cache), preprocess, self.archive)


def _rows() -> dict[str, NDArray[np.uint8]]:
    """Smooth images, so that their pixels are correlated and there is something to whiten; one is constant."""
    rng = np.random.default_rng(5)
    found = {}
    for name in OFFICIAL.files:
        base = rng.normal(120, 40, (NUM, 3, 1, 1)) + 30 * rng.standard_normal((NUM, 1, 4, 1))
        pixels = np.clip(base + 12 * rng.standard_normal((NUM, 3, 4, 4)), 0, 255).astype(np.uint8).reshape(NUM, D)
        found[name] = np.hstack([rng.integers(0, 10, (NUM, 1), dtype=np.uint8), pixels])
    found[OFFICIAL.train[0]][3, 1:] = 77
    return found


def tiny_cifar10() -> Tiny:
    """Five training files and a test file of 40 images of 3 x 4 x 4 each."""
    rows = _rows()
    packed = tar_of({"cifar-10-batches-bin/readme.html": b"<html>", **{n: r.tobytes() for n, r in rows.items()}})
    archive = replace(
        OFFICIAL, md5=hashlib.md5(packed).hexdigest(), mirrors=(), num_records=NUM, num_pixels=D, num_valid=NUM_VALID
    )
    return Tiny(rows, packed, archive)
