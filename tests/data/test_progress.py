"""The download bar, driven by pooch's own downloader."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pooch
from rich.console import Console

from landscape.data.progress import DownloadBar

if TYPE_CHECKING:  # fixtures come from conftest whatever way pytest imports it
    from tests.data.conftest import Mirrors, TinyMnist

IMAGES = "train-images-idx3-ubyte.gz"


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
