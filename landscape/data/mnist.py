"""MNIST from its four official files, pixels / 255, in file order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.data.dataset import Dataset, Split
from landscape.data.download import obtain
from landscape.data.idx import parse, unpack
from landscape.data.keys import truth
from landscape.data.location import locate


@dataclass(frozen=True)
class IdxFile:
    """One official file.

    Args:
        name: as served, with ``.gz``.
        packed_md5: of the file as served; a download must match it.
        unpacked_md5: of its content; every file read must match it, however it was packed.
        shape: of the array in it, examples first.
    """

    name: str
    packed_md5: str
    unpacked_md5: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Archive:
    """What to read and where it is served.

    Args:
        train_images, train_labels, test_images, test_labels: the four files.
        mirrors: addresses that a file name is appended to, in the order to try.
        num_valid: how many examples at the end of the training files are for validation.
    """

    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    mirrors: tuple[str, ...]
    num_valid: int

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """Images then labels, train then test."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


# packed: torchvision's MNIST source; unpacked: computed from files of the official content.
OFFICIAL = Archive(
    train_images=IdxFile(
        "train-images-idx3-ubyte.gz",
        packed_md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
        unpacked_md5="6bbc9ace898e44ae57da46a324031adb",
        shape=(60_000, 28, 28),
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte.gz",
        packed_md5="d53e105ee54ea40749a09fcbcd1e9432",
        unpacked_md5="a25bea736e30d166cdddb491f175f624",
        shape=(60_000,),
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte.gz",
        packed_md5="9fb629c4189551a2d022fa330f9573f3",
        unpacked_md5="2646ac647ad5339dbf082846283269ea",
        shape=(10_000, 28, 28),
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        packed_md5="ec29112dd5afa0611ce80d1b7f02629c",
        unpacked_md5="27ae3e4e09519cfbb04c329615203637",
        shape=(10_000,),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    num_valid=10_000,  # pylearn2's maxout/mnist_pi.yaml: trained on the first 50,000, stopped on the last 10,000
)


def mnist(
    folder: str | None = None, cache: str | None = None, archive: Archive = OFFICIAL, resample_train: bool = False
) -> Dataset:
    """MNIST as inputs in [0, 1] [N, 784]: train the first 50,000, validation the last 10,000, test 10,000.

    Args:
        folder: holds the four official files, gzipped or not; config key ``data.folder``. None: see ``locate``.
        cache: where downloads are kept, config key ``data.cache``; a file in it that fails its check is replaced.
        archive: the files, their hashes and mirrors.
        resample_train: training pixels are probabilities, and every minibatch sees new Bernoulli samples of them.

    Raises:
        InputError: a folder or file is missing, damaged or not the official one, or nothing could be downloaded.

    Source:
        Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits; split as in pylearn2.
    """
    truth("data.resample_train", resample_train)
    place = locate("mnist", [file.name for file in archive.files], folder, cache)
    train_images, train_labels, test_images, test_labels = (
        obtain(place, file.name, f"md5:{file.packed_md5}", archive.mirrors, partial(_verified, file))
        for file in archive.files
    )
    both = _split(train_images, train_labels)
    num_train = len(both) - archive.num_valid
    return Dataset(
        name="mnist",
        train=replace(both.first(num_train), is_resampled=resample_train),
        valid=Split(both.x[num_train:], both.y[num_train:]),
        test=_split(test_images, test_labels),
        num_classes=10,
    )


def _verified(file: IdxFile, path: Path) -> NDArray[np.uint8]:
    """The array in a file, or a ValueError that continues a sentence beginning with its path."""
    content = unpack(path)
    array = parse(content)
    if array.shape != file.shape:
        raise ValueError(f"holds records of shape {array.shape}, needed {file.shape}")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != file.unpacked_md5:
        raise ValueError(f"is not the official file: its unpacked content has MD5 {md5}, needed {file.unpacked_md5}")
    return array


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
    x = images.reshape(len(images), -1).astype(np.float32)  # [N, D]
    return Split(torch.from_numpy(x).div_(255), torch.from_numpy(labels.astype(np.int64)))
