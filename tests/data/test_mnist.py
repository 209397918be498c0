"""MNIST read from a folder: the split, the order of places, and one clear error for each kind of bad file."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from landscape.data.mnist import OFFICIAL, mnist
from landscape.errors import InputError

if TYPE_CHECKING:  # fixtures come from conftest whatever way pytest imports it
    from tests.data.conftest import TinyMnist

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


def fault(tiny: TinyMnist, folder: Path) -> str:
    """The message for ``data.folder``; always one line that names the key, the path and a remedy."""
    with pytest.raises(InputError) as caught:
        mnist(str(folder), archive=tiny.archive)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"data.folder={folder}: ")
    assert "put the official files there" in message and "LANDSCAPE_DATA" in message
    return message


def test_splits_are_the_files_in_order(tiny: TinyMnist, tmp_path: Path) -> None:
    data = mnist(str(tiny.write(tmp_path)), archive=tiny.archive)
    assert (data.name, data.num_classes) == ("mnist", 10)
    images, labels = tiny.arrays[IMAGES], tiny.arrays[LABELS]
    num = len(images) - tiny.num_valid
    for split, x, y in (
        (data.train, images[:num], labels[:num]),
        (data.valid, images[num:], labels[num:]),
        (data.test, tiny.arrays[TEST_IMAGES], tiny.arrays[TEST_LABELS]),
    ):
        rows = [[np.float32(p) / np.float32(255) for line in image for p in line] for image in x]
        assert split.x.dtype == torch.float32 and torch.equal(split.x, torch.tensor(np.array(rows)))
        assert split.y.dtype == torch.int64 and split.y.tolist() == y.tolist()


def test_packing_does_not_matter(tiny: TinyMnist, tmp_path: Path) -> None:
    expected = mnist(str(tiny.write(tmp_path / "a")), archive=tiny.archive).fingerprint
    other = tmp_path / "b"
    other.mkdir()
    (other / IMAGES).write_bytes(gzip.compress(tiny.pack(tiny.arrays[IMAGES]), compresslevel=1, mtime=99))
    (other / LABELS.removesuffix(".gz")).write_bytes(tiny.pack(tiny.arrays[LABELS]))  # plain, plain name
    (other / TEST_IMAGES).write_bytes(tiny.pack(tiny.arrays[TEST_IMAGES]))  # plain, name with .gz
    (other / TEST_LABELS).write_bytes(tiny.packed[TEST_LABELS])
    assert (other / IMAGES).read_bytes() != tiny.packed[IMAGES]
    assert mnist(str(other), archive=tiny.archive).fingerprint == expected


def test_places_in_order(tiny: TinyMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument before LANDSCAPE_DATA/mnist before LANDSCAPE_DATA before the cache."""
    base = tmp_path / "base"
    cache, named = tiny.write(tmp_path / "cache"), tiny.write(tmp_path / "named")
    tiny.write(base)
    tiny.write(base / "mnist")

    def read_from(folder: str | None = None) -> set[Path]:
        opened: set[Path] = set()
        real = Path.read_bytes
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda path: (opened.add(path.parent), real(path))[1])
            mnist(folder, str(cache), tiny.archive)
        return opened

    assert read_from() == {cache}
    monkeypatch.setenv("LANDSCAPE_DATA", str(base))
    assert read_from() == {base / "mnist"}
    assert read_from(str(named)) == {named}
    for name in tiny.packed:
        (base / "mnist" / name).unlink()
    assert read_from() == {base}
    monkeypatch.setenv("LANDSCAPE_DATA", "")  # unset, not the current folder
    monkeypatch.chdir(base)
    assert read_from() == {cache}
    monkeypatch.setenv("LANDSCAPE_DATA", str(base))
    for name in tiny.packed:
        (base / name).unlink()
    assert read_from() == {cache}


def test_default_cache_is_the_users(tiny: TinyMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.data.location.pooch.os_cache", lambda project: tmp_path / project)
    tiny.write(tmp_path / "landscape" / "mnist")
    assert len(mnist(archive=tiny.archive).test) == len(tiny.arrays[TEST_LABELS])


def test_folder_missing(tiny: TinyMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"there is no folder {tmp_path / 'no'}" in fault(tiny, tmp_path / "no")
    monkeypatch.setenv("LANDSCAPE_DATA", str(tmp_path / "typo"))
    with pytest.raises(InputError, match=re.escape(f"LANDSCAPE_DATA={tmp_path / 'typo'}: there is no such folder")):
        mnist(cache=str(tmp_path), archive=tiny.archive)


def test_files_missing_are_listed(tiny: TinyMnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write(tmp_path / "mnist")
    for name in (IMAGES, TEST_LABELS):
        (tmp_path / "mnist" / name).unlink()
    message = fault(tiny, tmp_path / "mnist")
    assert f"lacks {IMAGES}, {TEST_LABELS};" in message
    monkeypatch.setenv("LANDSCAPE_DATA", str(tmp_path))
    with pytest.raises(InputError) as caught:
        mnist(cache=str(tmp_path / "cache"), archive=tiny.archive)
    assert str(caught.value).startswith(
        f"LANDSCAPE_DATA={tmp_path}: {tmp_path / 'mnist'} lacks {IMAGES}, {TEST_LABELS}"
    )
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("broken", [IMAGES, LABELS, TEST_IMAGES, TEST_LABELS])
def test_bad_files_are_named(tiny: TinyMnist, tmp_path: Path, broken: str) -> None:
    path = tiny.write(tmp_path) / broken
    array = tiny.arrays[broken]
    changed = array.copy()
    changed[-1, ...] += 1  # the smallest change: same size, same form
    for content, expected in (
        (tiny.packed[broken][:-4], "cut short"),
        (b"<html>log in first</html>", "not an IDX file"),
        (b"", "not an IDX file"),
        (gzip.compress(tiny.pack(array[:-1])), re.escape(f"shape {array[:-1].shape}, needed {array.shape}")),
        (tiny.pack(array)[:-1], "promises"),
        (gzip.compress(tiny.pack(changed)), hashlib.md5(tiny.pack(changed)).hexdigest()),
    ):
        path.write_bytes(content)
        message = fault(tiny, tmp_path)
        assert re.search(expected, message) and str(path) in message


def test_a_named_folder_is_left_as_it_is(tiny: TinyMnist, tmp_path: Path) -> None:
    (tiny.write(tmp_path) / IMAGES).write_bytes(b"mine")
    fault(tiny, tmp_path)
    assert (tmp_path / IMAGES).read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == set(tiny.packed)


def test_official_sums_are_what_is_checked(tiny: TinyMnist, tmp_path: Path) -> None:
    """With the true shapes but other pixels the official archive refuses: MNIST's look-alikes do not pass."""
    blank = np.zeros(OFFICIAL.test_labels.shape, dtype=np.uint8)
    tiny.write(tmp_path)
    (tmp_path / TEST_LABELS).write_bytes(gzip.compress(tiny.pack(blank)))
    with pytest.raises(InputError, match=f"needed {OFFICIAL.test_labels.unpacked_md5}"):
        mnist(str(tmp_path), archive=replace(tiny.archive, test_labels=OFFICIAL.test_labels))


@pytest.mark.real_data
@pytest.mark.skipif(not os.environ.get("LANDSCAPE_DATA"), reason="LANDSCAPE_DATA is not set")
def test_real_mnist() -> None:
    data = mnist(cache=os.devnull)  # so that nothing could be fetched instead
    sizes = [tuple(s.x.shape) for s in (data.train, data.valid, data.test)]
    assert sizes == [(n, 784) for n in (50_000, 10_000, 10_000)]
    assert data.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    # Counts published for the 60,000 and 10,000 examples.
    both = torch.cat([data.train.y, data.valid.y]).bincount().tolist()
    assert both == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.test.y.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.x.min() == 0 and data.train.x.max() == 1
    # Known mean and standard deviation of the 60,000: 0.1307 and 0.3081.
    pixels = torch.cat([data.train.x, data.valid.x])
    assert pixels.double().mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert pixels.double().std().item() == pytest.approx(0.3081, abs=5e-5)
    assert len(data.limited(1_000).train) == 1_000
