"""Files replaced whole, and the litter of dead writers: swept where the writer is known to be dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landscape.ground.files import temporary


def dead_pid() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_dead_writers_of_this_machine_lose_their_files(tmp_path: Path) -> None:
    """Also by the names of the first edition, which do not say the machine; nothing else is touched."""
    dead, alive = dead_pid(), os.getppid()
    mine = temporary.beside(tmp_path / "plan.json").name
    host = mine.rpartition("@")[2]
    gone = [
        f".plan.json.{dead}@{host}",
        f".figure.png.{dead}@{host}",
        f".figure-{dead}.pdf",
        f".plan.json.{dead}",
        f".job.json.{dead}",
        f".sweep.csv.{dead}",
        f".report.html.{dead}",
        f".trajectory-{dead}.html",
    ]
    kept = [
        mine,
        f".plan.json.{dead}@another-host",
        f".figure-{alive}.pdf",
        f".job.json.{alive}",
        ".running",
        ".hydra",
        "figure.png",
        f"figure-{dead}.pdf",
        ".gitignore",
        f".notes.txt.{dead}",
        f".{'a' * 32}.npz.tmp",
    ]
    for name in (*gone, *kept):
        (tmp_path / name).write_text("x")
    temporary.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
    old = time.time() - 2 * temporary.OLD
    for path in tmp_path.iterdir():
        os.utime(path, (old, old))
    temporary.sweep(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".running", ".hydra", "figure.png", f"figure-{dead}.pdf", ".gitignore", f".notes.txt.{dead}"}


def test_a_link_and_a_folder_are_no_litter(tmp_path: Path) -> None:
    host, dead = temporary.beside(tmp_path / "x").name.rpartition("@")[2], dead_pid()
    (tmp_path / "kept").write_text("x")
    (tmp_path / f".x.{dead}@{host}").symlink_to(tmp_path / "kept")
    (tmp_path / f".y.{dead}@{host}").mkdir()
    temporary.sweep(tmp_path)
    temporary.sweep(tmp_path / "nowhere")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_link_that_lies_in_wait_is_not_written_through(tmp_path: Path) -> None:
    """The names of temporary files can be guessed."""
    (tmp_path / "precious").write_text("kept")
    name = temporary.beside(tmp_path / "a").name
    (tmp_path / name).symlink_to(tmp_path / "precious")
    temporary.write_text(tmp_path / "a", "new")
    assert (tmp_path / "precious").read_text() == "kept" and not (tmp_path / "a").is_symlink()


def test_a_writer_that_fails_leaves_the_file_before(tmp_path: Path) -> None:
    temporary.write_text(tmp_path / "a", "before")
    with pytest.raises(KeyboardInterrupt), temporary.replacing(tmp_path / "a") as place:
        place.write_text("half")
        raise KeyboardInterrupt
    temporary.write_text(tmp_path / "b", "half a letter \ud800")
    assert (tmp_path / "a").read_text() == "before" and (tmp_path / "b").read_text().endswith("\\ud800")
    assert len(list(tmp_path.iterdir())) == 2
