"""Downloads into the cache, from mirrors on this machine that may be absent, broken or unreachable."""

from __future__ import annotations

import io
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pooch
import pytest
from rich.console import Console

from landscape.data.download import DownloadBar
from landscape.data.mnist import mnist
from landscape.errors import InputError

if TYPE_CHECKING:  # fixtures come from conftest whatever way pytest imports it
    from tests.data.conftest import Mirrors, TinyMnist


NUM_TEST = 5  # in the tiny files
IMAGES = "train-images-idx3-ubyte.gz"


@pytest.fixture
def unreachable() -> str:
    """An address where nobody listens: a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/gone/"


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a cache but its lock, so a left-over temporary file shows too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def fill(tiny: TinyMnist, cache: Path, *mirrors: str) -> int:
    return len(mnist(cache=str(cache), archive=replace(tiny.archive, mirrors=mirrors)).test)


def refuse(tiny: TinyMnist, cache: Path, *mirrors: str) -> str:
    with pytest.raises(InputError) as caught:
        fill(tiny, cache, *mirrors)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"data.cache={cache}: ")
    assert "set LANDSCAPE_DATA or data.folder to a folder that holds" in message
    assert all(name in message for name in tiny.packed)
    return message


def test_downloads_once(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"
    assert fill(tiny, cache, *mirrors("good")) == NUM_TEST
    assert files(cache) == tiny.packed
    assert fill(tiny, cache, *mirrors("good")) == NUM_TEST
    assert mirrors.asked == [f"good/{file.name}" for file in tiny.archive.files]


def test_jobs_at_once_download_once(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda _: fill(tiny, tmp_path, *mirrors("good")), range(4)))
    assert sizes == [NUM_TEST] * 4
    assert sorted(mirrors.asked) == sorted(f"good/{name}" for name in tiny.packed)


@pytest.mark.parametrize("bad", ["absent", "cut", "html", "empty", "unreachable"])
def test_next_mirror_after_a_bad_one(
    tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path, unreachable: str, bad: str
) -> None:
    first = unreachable if bad == "unreachable" else mirrors(bad)[0]
    assert fill(tiny, tmp_path, first, *mirrors("good")) == NUM_TEST
    assert files(tmp_path) == tiny.packed
    asked = [*([] if bad == "unreachable" else [f"{bad}/{IMAGES}"]), f"good/{IMAGES}"]
    assert mirrors.asked[: len(asked)] == asked


def test_no_mirror_left(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path, unreachable: str) -> None:
    addresses = (unreachable, *mirrors("absent", "cut", "html"))
    message = refuse(tiny, tmp_path, *addresses)
    assert all(message.count(address) == 1 for address in addresses)
    reasons = "ConnectionError", "HTTP status 404", "ChunkedEncodingError", "not the official file: wrong hash"
    assert all(f"{address} ({why})" in message for address, why in zip(addresses, reasons, strict=True))
    assert files(tmp_path) == {}  # neither a broken file nor a temporary one
    assert fill(tiny, tmp_path, *mirrors("good")) == NUM_TEST


def test_good_files_stay_when_a_later_one_fails(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    kept = files(tmp_path)
    refuse(tiny, tmp_path, *mirrors("cut"))
    assert files(tmp_path) == kept


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b\x08"])
def test_a_broken_file_in_the_cache_is_replaced_or_removed(
    tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path, content: bytes
) -> None:
    (tiny.write(tmp_path) / IMAGES).write_bytes(content)
    refuse(tiny, tmp_path, *mirrors("absent"))
    assert files(tmp_path) == {name: packed for name, packed in tiny.packed.items() if name != IMAGES}
    (tmp_path / IMAGES).write_bytes(content)
    assert fill(tiny, tmp_path, *mirrors("good")) == NUM_TEST
    assert files(tmp_path) == tiny.packed


def test_a_download_that_unpacks_to_something_else_does_not_stay(
    tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path
) -> None:
    """The hash as served may be right and the content wrong: then the list of hashes is at odds with itself."""
    tiny.archive = replace(tiny.archive, train_images=replace(tiny.archive.train_images, unpacked_md5="0" * 32))
    assert "needed 00000000" in refuse(tiny, tmp_path, *mirrors("good"))
    assert files(tmp_path) == {}


def test_a_complete_cache_is_not_written_to(tiny: TinyMnist, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    assert fill(tiny, tmp_path, "http://127.0.0.1:9/never/") == NUM_TEST
    assert {path.name for path in tmp_path.iterdir()} == set(tiny.packed)  # no lock either


def test_a_cache_that_cannot_be_made(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    message = refuse(tiny, tmp_path / "file" / "cache", *mirrors("good"))
    assert f"cannot write {IMAGES} there" in message and "set data.cache" in message
    assert mirrors.asked == []


def test_a_full_disk_is_not_blamed_on_the_mirror(
    tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("landscape.data.download.pooch.retrieve", full)
    assert os.strerror(28) in refuse(tiny, tmp_path, *mirrors("good", "absent"))


def test_an_unused_landscape_data_is_mentioned(
    tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LANDSCAPE_DATA", str(tmp_path))
    with caplog.at_level(logging.INFO, "landscape"):
        fill(tiny, tmp_path / "cache", *mirrors("absent", "good"))
    assert f"LANDSCAPE_DATA={tmp_path} holds no mnist files" in caplog.text
    assert f"no {IMAGES} from {mirrors('absent')[0]} (HTTP status 404)" in caplog.text
    assert f"downloaded {IMAGES}, 0.0 MB, from {mirrors('good')[0]}" in caplog.text


def download(bar: DownloadBar, mirrors: Mirrors, path: Path) -> None:
    with bar:
        pooch.HTTPDownloader(progressbar=bar, chunk_size=16)(mirrors("good")[0] + IMAGES, path, None)


def test_counts_every_byte_and_says_whose(tiny: TinyMnist, mirrors: Mirrors, tmp_path: Path) -> None:
    screen = io.StringIO()
    bar = DownloadBar(IMAGES, Console(file=screen, force_terminal=True, width=120))
    assert bar.total is None
    download(bar, mirrors, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == tiny.packed[IMAGES]
    assert bar.total == bar.progress.tasks[0].completed == len(tiny.packed[IMAGES])
    assert IMAGES in screen.getvalue()


def test_silent_where_there_is_no_terminal(mirrors: Mirrors, tmp_path: Path) -> None:
    log_file = io.StringIO()
    download(DownloadBar(IMAGES, Console(file=log_file, force_terminal=False)), mirrors, tmp_path / "x")
    assert log_file.getvalue() == ""


def test_a_server_that_does_not_say_how_much() -> None:
    bar = DownloadBar("x", Console(file=io.StringIO()))
    bar.total = 0
    assert bar.total is None
