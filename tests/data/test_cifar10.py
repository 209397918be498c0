"""CIFAR-10 from every form of its files in every place, and one clear error for each kind of bad file."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landscape.data.cifar10 import OFFICIAL
from landscape.errors import InputError
from tests.data.tiny_cifar10 import NUM, NUM_VALID, D, Tiny, tar_of, tiny_cifar10


@pytest.fixture
def tiny() -> Tiny:
    return tiny_cifar10()


def fault(tiny: Tiny, folder: Path) -> str:
    """The message for ``data.folder``; always one line that names the key and a remedy."""
    with pytest.raises(InputError) as caught:
        tiny.load(folder, folder / "cache")
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"data.folder={folder}: ")
    assert "put the official files there" in message
    return message


def test_splits_are_the_records_in_order(tiny: Tiny, tmp_path: Path) -> None:
    data = tiny.load(tiny.write(tmp_path), tmp_path / "cache")
    assert (data.name, data.num_classes) == ("cifar10", 10)
    train, test = tiny.both
    num = len(train) - NUM_VALID
    for split, expected in ((data.train, train[:num]), (data.valid, train[num:]), (data.test, test)):
        x = np.array([[np.float32(p) / np.float32(255) for p in row[1:]] for row in expected])
        assert split.x.dtype == torch.float32 and np.array_equal(split.x.numpy(), x)
        assert split.y.dtype == torch.int64 and split.y.tolist() == [int(row[0]) for row in expected]


def test_every_form_in_every_place_is_the_same_data(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    expected = tiny.load(tiny.write(tmp_path / "a"), cache)
    folders = [
        tiny.unpack(tmp_path / "b"),
        tiny.write(tmp_path / "c" / "cifar10").parent,
        tiny.unpack(tmp_path / "d" / "cifar10").parent,
        tiny.write(tmp_path / "e", tar_of(tiny.files, "w")),  # unpacked by a browser: no hash, but all there
    ]
    (folders[0] / tiny.archive.files[0]).parent.joinpath("batches.meta.txt").write_text("airplane\n")
    found = [tiny.load(folder, cache) for folder in folders]
    for folder in folders:
        monkeypatch.setenv("LANDSCAPE_DATA", str(folder))
        found.append(tiny.load(None, cache))
    monkeypatch.delenv("LANDSCAPE_DATA")
    found.append(tiny.load(None, tiny.write(tmp_path / "filled")))
    for data in found:
        assert data.fingerprint == expected.fingerprint
        assert torch.equal(data.train.x, expected.train.x) and torch.equal(data.test.y, expected.test.y)
    assert not cache.exists()  # nothing was whitened, nothing downloaded


def test_a_copy_says_whether_it_is_shown_to_be_official(tiny: Tiny, tmp_path: Path) -> None:
    """Only the archive as served can show it; the hash of pixels and labels is said either way."""
    forms = {
        "official archive": [tiny.write(tmp_path / "a")],
        "unverified copy": [tiny.unpack(tmp_path / "b"), tiny.write(tmp_path / "c", tar_of(tiny.files, "w"))],
    }
    train, test = tiny.both
    rows = np.concatenate([train, test])
    digest = hashlib.sha256(rows[:, 1:].tobytes() + rows[:, 0].astype(np.int64).tobytes()).hexdigest()[:16]
    for word, folders in forms.items():
        for folder in folders:
            copy = tiny.load(folder, tmp_path / "cache").copy
            assert copy == f"{word}, pixels and labels sha256 {digest}"


def test_unknown_preprocessing(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.preprocess=zca is unknown; use gcn_zca or none"):
        tiny.load(tmp_path, tmp_path, "zca")


def bad_files(tiny: Tiny) -> Iterator[tuple[str, bytes, str]]:
    """(what is wrong, content of the second training file, words of the message)."""
    rows = tiny.records[tiny.archive.train[1]]
    label = rows.copy()
    label[6, 0] = 10
    wide = np.hstack([rows[:, :1], rows])  # CIFAR-100: a coarse and a fine label
    size = NUM * (1 + D)
    yield "cut", rows.tobytes()[:-1], f"has {size - 1:,} bytes, needed {NUM} records of {1 + D} bytes = {size:,}"
    yield "few", rows[:-1].tobytes(), f"bytes ({NUM - 1} records), needed {NUM} records"
    yield "wide", wide.tobytes(), f"needed {NUM} records of {1 + D} bytes"
    yield "label", label.tobytes(), "has 10 as the label of record 6, needed 0 to 9"
    yield "empty", b"", "has 0 bytes"


@pytest.mark.parametrize("kind", ["cut", "few", "wide", "label", "empty"])
@pytest.mark.parametrize("form", ["unpacked", "packed"])
def test_bad_files_are_named(tiny: Tiny, tmp_path: Path, kind: str, form: str) -> None:
    name = tiny.archive.train[1]
    content, words = next((content, words) for found, content, words in bad_files(tiny) if found == kind)
    if form == "unpacked":
        (tiny.unpack(tmp_path) / name).write_bytes(content)
    else:
        tiny.write(tmp_path, tar_of({**tiny.files, name: content}))
    message = fault(tiny, tmp_path)
    assert words in message and name in message


def test_bad_archives_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    same_form = {**tiny.files, tiny.archive.test: tiny.records[tiny.archive.test][::-1].tobytes()}
    other = tar_of(same_form)
    missing = {name: content for name, content in tiny.files.items() if name != tiny.archive.train[4]}
    for content, words in (
        (tiny.packed[: len(tiny.packed) // 2], "cut short or damaged"),
        (tar_of(tiny.files, "w")[:9_000], "cut short or damaged"),
        (b"<html>log in first</html>", "cut short or damaged"),
        (b"", "cut short or damaged"),
        (tiny.packed[:10] + b"\xff" * 20 + tiny.packed[30:], "cut short or damaged"),
        (tar_of(missing), f"is an archive without {tiny.archive.train[4]}"),
        (other, f"MD5 {hashlib.md5(other).hexdigest()}, needed {tiny.archive.md5}"),
    ):
        assert words in fault(tiny, tiny.write(tmp_path, content)), words


def test_nothing_in_an_archive_leads_out_of_it(tiny: Tiny, tmp_path: Path) -> None:
    """Absolute names, ``..`` and links are not followed and not written; a link is no data file."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(tiny.files[tiny.archive.test])
    first, *others = tiny.archive.files
    evil = {f"../../{first}": b"x", "/etc/passwd-landscape": b"x", **{n: tiny.files[n] for n in others}}
    packed = tar_of(evil, links={first: str(secret)})
    folder = tiny.write(tmp_path / "data", packed)
    before = sorted(tmp_path.rglob("*"))
    tiny.archive = replace(tiny.archive, md5=hashlib.md5(packed).hexdigest())
    assert f"is an archive without {first}" in fault(tiny, folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_files_are_listed(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.unpack(tmp_path / "cifar10").parent
    for name in (tiny.archive.train[3], tiny.archive.test):
        (folder / "cifar10" / name).unlink()
    assert f"lacks cifar10/{tiny.archive.train[3]}, cifar10/{tiny.archive.test};" in fault(tiny, folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"lacks {tiny.archive.name};" in fault(tiny, empty)
    assert "there is no folder" in fault(tiny, tmp_path / "no")
    monkeypatch.setenv("LANDSCAPE_DATA", str(empty))  # of other data sets: not an error, but nothing of ours
    with pytest.raises(InputError, match=r"data\.cache=.*no mirror gave .*folder that holds cifar-10-binary\.tar\.gz"):
        tiny.load(None, tmp_path / "cache")


def test_download_is_checked_and_replaces_a_bad_file(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def retrieve(url: str, known_hash: str, fname: str, path: Path, **_: object) -> None:
        asked.append(url)
        assert known_hash == f"md5:{tiny.archive.md5}"
        (Path(path) / fname).write_bytes(tiny.packed)

    monkeypatch.setattr(
        "landscape.data.download.pooch",
        SimpleNamespace(
            retrieve=retrieve, get_logger=lambda: logging.getLogger("test"), HTTPDownloader=lambda **_: None
        ),
    )
    tiny.archive = replace(tiny.archive, mirrors=("https://example.org/",))
    tiny.write(tmp_path, tiny.packed[:-9])  # an earlier download, cut short
    data = tiny.load(None, tmp_path)
    assert asked == ["https://example.org/cifar-10-binary.tar.gz"]
    assert len(data.test) == NUM and (tmp_path / tiny.archive.name).read_bytes() == tiny.packed
    assert len(tiny.load(None, tmp_path).test) == NUM and len(asked) == 1


def test_the_official_archive_is_what_is_asked_for() -> None:
    assert OFFICIAL.md5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert (OFFICIAL.num_records, OFFICIAL.num_pixels, OFFICIAL.num_valid) == (10_000, 3072, 10_000)
    assert [name.rsplit("/")[-1] for name in OFFICIAL.files] == [
        *(f"data_batch_{k}.bin" for k in range(1, 6)),
        "test_batch.bin",
    ]
