"""Whatever an entry says of itself is under a digest."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.store.entry import CorruptEntry, load
from landscape.store.store import Store, key_of
from landscape.training.checkpoint import epoch_of
from tests.store.test_store import DESCRIPTION, never, same, train


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Store(tmp_path_factory.mktemp("whole")).get(DESCRIPTION, train)[1]


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """An entry of the test's own, in a store at ``tmp_path``."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def first_edition(folder: Path, **changes: Any) -> None:
    """Make an entry one of the first edition, without a digest over its meta.json."""
    with np.load(folder / "solution.npz") as stored:
        arrays = {name: values for name, values in stored.items() if name != "edition"}
    np.savez(folder / "solution.npz", **arrays)  # type: ignore[arg-type]
    meta = json.loads((folder / "meta.json").read_text())
    del meta["digest"]
    meta |= {"solution_sha256": hashlib.sha256((folder / "solution.npz").read_bytes()).hexdigest(), **changes}
    (folder / "meta.json").write_text(json.dumps(meta))


def edited(folder: Path, field: str, *values: Any) -> None:
    """meta.json with another value of a field, or without it."""
    meta = json.loads((folder / "meta.json").read_text())
    del meta[field]
    (folder / "meta.json").write_text(json.dumps(meta | dict.fromkeys([field] * len(values), *values)))


EDITS: dict[str, Any] = {
    "seeds": [5, 3],
    "status": ["diverged", "max_epochs"],
    "names": ["b"],
    "shapes": [[1]],
    "num_epochs": [1, 3],
    "snapshot_epochs": [0.0, 1.0, 2.0, 4.0],
    "snapshot_steps": [0],
    "description": {},
    "trajectory_sha256": "0",
    "digest": "0",
    "format": 7,
}
OLD: list[dict[str, Any]] = [
    {"seeds": [5, 3]},
    {"seeds": [3, 5, 7]},
    {"status": ["fine", "fine"]},
    {"shapes": [[1]]},
    {"num_epochs": [9, 9]},
    {"snapshot_epochs": [0.0]},
    {"snapshot_epochs": [0.0, 2.0, 1.0, 3.0]},
    {"names": []},
    {"status": None},
]


def rotten(folder: Path, name: str, is_cut: bool) -> None:
    """Half a file, or one with a flipped bit."""
    content = (folder / name).read_bytes()
    middle = len(content) // 2
    (folder / name).write_bytes(
        content[:middle] + (b"" if is_cut else bytes([content[middle] ^ 1]) + content[middle + 1 :])
    )


KINDS = ["[]", "null", "7", '"text"', "{}", "[" * 100_000, "\xff", ""]
DAMAGE: list[Callable[[Path], Any]] = [
    *(lambda folder, edit=edit: edited(folder, *edit) for edit in EDITS.items()),
    *(lambda folder, field=field: edited(folder, field) for field in EDITS),
    *(lambda folder, text=text: (folder / "meta.json").write_bytes(text.encode("latin-1")) for text in KINDS),
    *(lambda folder, old=old: first_edition(folder, **old) for old in OLD),
    *(
        lambda folder, name=name, is_cut=is_cut: rotten(folder, name, is_cut)
        for name in ("solution.npz", "trajectory.npy", "meta.json")
        for is_cut in (True, False)
    ),
]


@pytest.mark.parametrize("k", range(len(DAMAGE)))
def test_an_entry_that_does_not_fit_itself_is_named_and_trained_again(
    k: int, folder: Path, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGE[k](folder)
    harmed = {file.name: file.read_bytes() for file in folder.iterdir()}
    with caplog.at_level(logging.WARNING):
        again, _ = Store(folder.parent).get(DESCRIPTION, train)
    same(again, load(whole))
    assert f"solutions {folder.name} are corrupt ({'meta.json' if k < 2 * len(EDITS) else ''}" in caplog.text
    aside = folder.with_name(f"{folder.name}.corrupt-1")
    assert {file.name: file.read_bytes() for file in aside.iterdir()} == harmed


def test_an_entry_of_the_first_edition_is_read(folder: Path, whole: Path) -> None:
    first_edition(folder)
    same(Store(folder.parent).get(DESCRIPTION, never)[0], load(whole))


def redigested(folder: Path, **changes: Any) -> None:
    """What somebody writes who knows how the digests are made."""
    meta = json.loads((folder / "meta.json").read_text())
    del meta["digest"]
    for key in ("solution", "trajectory"):
        file = folder / f"{key}.{'npz' if key == 'solution' else 'npy'}"
        meta[f"{key}_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    meta |= {"trajectory_bytes": (folder / "trajectory.npy").stat().st_size, **changes}
    meta["digest"] = hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
    (folder / "meta.json").write_text(json.dumps(meta))


FORGED: list[tuple[str, Callable[[Any], Any] | None, dict[str, Any], str]] = [
    ("theta_f", lambda v: v + 0j, {}, "theta_f is of type complex128"),
    ("theta_i", lambda v: v.astype(np.int64), {}, "theta_i is of type int64"),
    ("best_epoch", lambda v: v * 0 + 1e300, {}, "best epoch"),
    ("best_epoch", lambda v: v * np.nan, {}, "best epoch"),
    ("channel/monitor", lambda v: np.ones((4, 2), complex), {}, "complex numbers"),
    ("", None, {"seeds": [7, 7], "description": {}}, "one seed twice"),
    ("", None, {"names": ["\x1b]0;a\x07"], "shapes": [[1]]}, "cannot be printed"),
    ("", None, {"num_epochs": [10**300, 1]}, "epochs that nothing"),
    ("", None, {"snapshot_steps": [0, 1, 2, 10**400]}, "number of 401 digits"),
]


@pytest.mark.parametrize(("name", "change", "meta", "words"), FORGED, ids=range(len(FORGED)))
def test_what_no_training_writes_is_named_whatever_the_digests(
    name: str, change: Callable[[Any], Any] | None, meta: dict[str, Any], words: str, folder: Path
) -> None:
    if change:
        with np.load(folder / "solution.npz") as stored:
            arrays = dict(stored)
        np.savez(folder / "solution.npz", **{**arrays, name: change(arrays.get(name))})
    redigested(folder, **meta)
    with pytest.raises(CorruptEntry, match=words):
        load(folder)


def test_an_entry_takes_no_more_memory_than_it_brings(folder: Path) -> None:
    with np.load(folder / "solution.npz") as stored:
        np.savez_compressed(folder / "solution.npz", zeros=np.zeros(4 * 10**7), **dict(stored))
    redigested(folder)
    with pytest.raises(CorruptEntry, match=r"solution\.npz: it unpacks to"):
        load(folder)
    with (folder / "meta.json").open("w") as stream:
        stream.truncate(2**29)
    with pytest.raises(CorruptEntry, match=r"meta\.json: its \d+ bytes are more"):
        load(folder)


@pytest.mark.parametrize("name", ["meta.json", "solution.npz", "trajectory.npy", "refreshed_by"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    first, folder = Store(tmp_path, refresh="now").get(DESCRIPTION, train)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    same(Store(tmp_path, refresh="now").get(DESCRIPTION, train)[0], first)


@pytest.mark.parametrize("name", ["checkpoint.pt", "trajectory.npy"])
def test_a_training_begins_where_a_pipe_lies(name: str, tmp_path: Path) -> None:
    folder = tmp_path / key_of(DESCRIPTION)
    folder.mkdir()
    os.mkfifo(folder / name)
    same(Store(tmp_path).get(DESCRIPTION, train)[0], train(tmp_path))
    assert epoch_of(folder / name) is None


def test_an_entry_in_the_place_of_another_is_named(folder: Path, tmp_path: Path) -> None:
    other = {**DESCRIPTION, "model": {"widths": [5]}}
    folder.rename(tmp_path / key_of(other))
    Store(tmp_path).get(other, train)
    assert (tmp_path / f"{key_of(other)}.corrupt-1").exists()


def test_a_description_may_hold_what_json_cannot(tmp_path: Path) -> None:
    wide = {**DESCRIPTION, "model": {"bound": float("inf"), "at": (1, Path("here"))}}
    Store(tmp_path).get(wide, train)
    Store(tmp_path).get(wide, never)
