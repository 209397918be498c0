"""CIFAR-10 from its official binary files, contrast-normalised and whitened, in file order."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pooch
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.data import keys
from landscape.data.cached import Arrays, computed_once
from landscape.data.dataset import Dataset, Split
from landscape.data.download import obtain
from landscape.data.idx import GZIP_MAGIC
from landscape.data.location import VARIABLE, Location, locate
from landscape.data.records import NUM_CLASSES, Records, read_archive, read_file
from landscape.data.whitening import NORM, REGULARIZER, Array, contrast_normalized, zca
from landscape.errors import InputError

log = logging.getLogger(__name__)

PREPROCESSING = ("gcn_zca", "none")
VERSION = 1  # of the code behind gcn_zca: raise it when its numbers change
CHUNK = 2000  # images in float64 at once, 49 MB


@dataclass(frozen=True)
class Archive:
    """What to read and where it is served.

    Args:
        name, md5: of the archive as served.
        mirrors: addresses that the name is appended to, in the order to try.
        train, test: the files in it, by their paths.
        num_records: images in each of them.
        num_pixels: D.
        num_valid: how many images at the end of the training files are for validation.
    """

    name: str
    md5: str
    mirrors: tuple[str, ...]
    train: tuple[str, ...]
    test: str
    num_records: int
    num_pixels: int
    num_valid: int

    @property
    def files(self) -> tuple[str, ...]:
        """Training files in order, then the test file."""
        return *self.train, self.test


OFFICIAL = Archive(
    name="cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",  # from the CIFAR-10 page
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    train=tuple(f"cifar-10-batches-bin/data_batch_{k}.bin" for k in range(1, 6)),
    test="cifar-10-batches-bin/test_batch.bin",
    num_records=10_000,
    num_pixels=3 * 32 * 32,
    num_valid=10_000,  # pylearn2's maxout/cifar10_no_aug_valid.yaml: trained on the first 40,000
)


@dataclass(frozen=True, eq=False)
class Preprocessed(Dataset):
    """A data set known by what it was computed from.

    The last bits of whitened pixels depend on the number of threads and on the machine. A training that goes on
    elsewhere must still find its checkpoint, so they are no part of the fingerprint.

    Args:
        origin: the hash of the files read, and all that was done to them.
    """

    origin: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the sha256 over name, origin and the sizes of the splits."""
        sizes = [len(self.train), len(self.valid), len(self.test)]
        return hashlib.sha256(f"{self.name}|{self.origin}|{sizes}".encode()).hexdigest()[:16]


def cifar10(
    folder: str | None = None, cache: str | None = None, preprocess: str = "gcn_zca", archive: Archive = OFFICIAL
) -> Dataset:
    """CIFAR-10 as inputs [N, 3072], red, green and blue plane: train the first 40,000, validation 10,000, test 10,000.

    Args:
        folder: holds the official archive, or unpacked ``cifar-10-batches-bin/*.bin``, itself or in ``cifar10/``;
            config key ``data.folder``. None: ``LANDSCAPE_DATA`` if it holds them, else the cache.
        cache: where the download and the whitened images (0.8 GB) are kept, config key ``data.cache``.
        preprocess: ``gcn_zca``, global contrast normalisation and ZCA fitted on all 50,000 training images; or
            ``none``, pixels / 255. Config key ``data.preprocess``.
        archive: the files, the hash and the mirrors.

    Raises:
        InputError: a folder or file is missing, damaged or not the official one, or nothing could be downloaded;
            ``preprocess`` is unknown.

    Source:
        A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009); split and preprocessing as in
        pylearn2's maxout/cifar10_no_aug_valid.yaml.
    """
    for key, value in (("data.folder", folder), ("data.cache", cache)):
        keys.folder(key, value)
    if preprocess not in PREPROCESSING:
        raise InputError(f"data.preprocess={preprocess} is unknown; use {' or '.join(PREPROCESSING)}")
    names = _names(archive, folder or os.environ.get(VARIABLE))
    place = locate("cifar10", names, folder, cache)
    batches, is_official = _batches(place, names, archive)
    pixels = np.concatenate([pixels for pixels, _ in batches])  # [N, D], the test images last
    labels = np.concatenate([labels for _, labels in batches]).astype(np.int64)
    digest = hashlib.sha256(pixels.data)
    digest.update(labels.data)
    num_test = archive.num_records
    known = "official archive" if is_official else "unverified copy"
    copy = f"{known}, pixels and labels sha256 {digest.hexdigest()[:16]}"
    if preprocess == "none":
        origin = f"{digest.hexdigest()} / 255"
        x = torch.from_numpy(pixels.astype(np.float32)).div_(255)
    else:
        origin = f"{digest.hexdigest()} gcn {NORM} zca {REGULARIZER} version {VERSION}"
        key = hashlib.sha256(origin.encode()).hexdigest()[:16]
        kept = place.folder if place.is_cache else _cache(cache)
        arrays = computed_once(kept / f"gcn_zca-{key}.npz", lambda: _whitened(pixels, num_test))
        x = torch.from_numpy(arrays["images"])
    return _split(x, torch.from_numpy(labels), archive.num_valid, num_test, origin, copy)


def _split(x: Tensor, y: Tensor, num_valid: int, num_test: int, origin: str, copy: str) -> Dataset:
    sizes = [len(x) - num_valid - num_test, num_valid, num_test]
    train, valid, test = (Split(*pair) for pair in zip(x.split(sizes), y.split(sizes), strict=True))
    return Preprocessed("cifar10", train, valid, test, NUM_CLASSES, copy, origin)


def _names(archive: Archive, folder: str | None) -> Sequence[str]:
    """The paths under which a named folder has the data: the form that is whole there, else the most nearly whole."""
    forms = [(archive.name,), archive.files]
    forms += [tuple(f"cifar10/{name}" for name in form) for form in forms]
    if folder is None:
        return forms[0]
    here = Location(Path(folder).expanduser(), "", False, "")
    return min(forms, key=lambda form: len(here.missing(form)) / len(form))


def _batches(place: Location, names: Sequence[str], archive: Archive) -> tuple[list[Records], bool]:
    """The records of every file of the archive, in the order of ``archive.files``; are they shown to be official?"""
    if len(names) == 1:
        read = partial(_verified, archive)
        return obtain(place, names[0], f"md5:{archive.md5}", archive.mirrors, read)
    read_one = partial(read_file, num_records=archive.num_records, num_pixels=archive.num_pixels)
    log.warning(
        "CIFAR-10 from unpacked files, for which no hashes are published: that these are the official pixels "
        "is not shown, and results say so (%s itself would show it)",
        archive.name,
    )
    return [obtain(place, name, "", (), read_one) for name in names], False


def _verified(archive: Archive, path: Path) -> tuple[list[Records], bool]:
    """The records in an archive and whether its hash is right, or a ValueError that continues a sentence about it."""
    records = read_archive(path, archive.files, archive.num_records, archive.num_pixels)
    with path.open("rb") as file:
        is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    if is_gzipped and md5 != archive.md5:  # a browser may have unpacked the gzip, and then there is no hash to compare
        raise ValueError(f"is not the official file: it has MD5 {md5}, needed {archive.md5}")
    return records, md5 == archive.md5


def _cache(cache: str | None) -> Path:
    return Path(cache).expanduser() if cache is not None else Path(pooch.os_cache("landscape")) / "cifar10"


def _whitened(pixels: NDArray[np.uint8], num_test: int) -> Arrays:
    """All images [N, D] float32 after normalisation and whitening, and the float64 statistics behind them."""
    log.info("whitening %d images, once: a minute on one core", len(pixels))

    def batches(num: int) -> Iterator[Array]:
        for start in range(0, num, CHUNK):
            yield contrast_normalized(pixels[start : min(start + CHUNK, num)])

    whitening = zca(lambda: batches(len(pixels) - num_test))  # validation images included, test images not
    images = np.empty(pixels.shape, dtype=np.float32)
    for start, x in zip(range(0, len(pixels), CHUNK), batches(len(pixels)), strict=True):
        images[start : start + CHUNK] = whitening(x)
    return {"images": images, "mean": whitening.mean, "matrix": whitening.matrix}
