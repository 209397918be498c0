"""Whatever an entry says of itself is under a digest."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.store.entry import CorruptEntry, load
from landscape.store.store import Store, key_of
from landscape.training.checkpoint import epoch_of
from tests.store.test_store import DESCRIPTION, never, same, train

EDITS: dict[str, Any] = {
    "seeds": [5, 3], "status": ["diverged", "max_epochs"], "names": ["b"], "shapes": [[1]], "num_epochs": [1, 3],
    "snapshot_epochs": [0.0, 1.0, 2.0, 4.0], "snapshot_steps": [0], "description": {}, "trajectory_sha256": "0",
    "digest": "0", "format": 7,
}  # fmt: skip


@pytest.mark.parametrize("field", EDITS)
@pytest.mark.parametrize("how", ["another", "lost"])
def test_an_edited_meta_json_is_named_and_its_entry_trained_again(
    field: str, how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, folder = Store(tmp_path / "solutions").get(DESCRIPTION, train)
    meta = json.loads((folder / "meta.json").read_text())
    meta[field] = EDITS[field]
    if how == "lost":
        del meta[field]
    (folder / "meta.json").write_text(json.dumps(meta))
    with caplog.at_level(logging.WARNING):
        again, _ = Store(tmp_path / "solutions").get(DESCRIPTION, train)
    same(again, train(tmp_path))
    assert "are corrupt (meta.json" in caplog.text


@pytest.mark.parametrize("content", ["[]", "null", "7", '"text"', "{}", "[" * 100_000, "\xff", ""])
def test_a_meta_json_of_another_kind_is_named(content: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    _, folder = store.get(DESCRIPTION, train)
    (folder / "meta.json").write_bytes(content.encode("latin-1"))
    store.get(DESCRIPTION, train)
    assert (tmp_path / f"{folder.name}.corrupt-1").exists()


def first_edition(folder: Path, **changes: Any) -> None:
    """Make an entry one of the first edition, without a digest over its meta.json."""
    with np.load(folder / "solution.npz") as stored:
        arrays = {name: values for name, values in stored.items() if name != "edition"}
    np.savez(folder / "solution.npz", **arrays)  # type: ignore[arg-type]
    meta = json.loads((folder / "meta.json").read_text())
    del meta["digest"]
    meta |= {"solution_sha256": hashlib.sha256((folder / "solution.npz").read_bytes()).hexdigest(), **changes}
    (folder / "meta.json").write_text(json.dumps(meta))


def test_an_entry_of_the_first_edition_is_read(tmp_path: Path) -> None:
    first, folder = Store(tmp_path).get(DESCRIPTION, train)
    first_edition(folder)
    same(Store(tmp_path).get(DESCRIPTION, never)[0], first)


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [5, 3]}, {"seeds": [3, 5, 7]}, {"status": ["fine", "fine"]}, {"shapes": [[1]]},
        {"num_epochs": [9, 9]}, {"snapshot_epochs": [0.0]}, {"snapshot_epochs": [0.0, 2.0, 1.0, 3.0]}, {"names": []},
        {"status": None},
    ],
    ids=str,
)  # fmt: skip
def test_parts_of_the_first_edition_that_do_not_fit_are_named(changes: dict[str, Any], tmp_path: Path) -> None:
    _, folder = Store(tmp_path).get(DESCRIPTION, train)
    first_edition(folder, **changes)
    Store(tmp_path).get(DESCRIPTION, train)
    assert (tmp_path / f"{folder.name}.corrupt-1").exists()


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


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "complex": ({"theta_f": lambda v: v + 0j}, "theta_f is of type complex128"),
    "whole": ({"theta_i": lambda v: v.astype(np.int64)}, "theta_i is of type int64"),
    "far epoch": ({"best_epoch": lambda v: v * 0 + 1e300}, "best epoch"),
    "no epoch": ({"best_epoch": lambda v: v * np.nan}, "best epoch"),
    "complex curve": ({"channel/monitor": lambda v: np.ones((4, 2), complex)}, "complex numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_arrays_that_no_training_writes_are_named_whatever_the_digests(case: str, tmp_path: Path) -> None:
    changes, text = FORGED[case]
    _, folder = Store(tmp_path).get(DESCRIPTION, train)
    with np.load(folder / "solution.npz") as stored:
        arrays = dict(stored)
    for name, change in changes.items():
        arrays[name] = change(arrays.get(name))
    np.savez(folder / "solution.npz", **arrays)
    redigested(folder)
    with pytest.raises(CorruptEntry, match=text):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": [7, 7], "description": {}}, "one seed twice"),
        ({"names": ["\x1b]0;a\x07"], "shapes": [[1]]}, "cannot be printed"),
        ({"num_epochs": [10**300, 1]}, "epochs that nothing"),
        ({"snapshot_steps": [0, 1, 2, 10**400]}, "number of 401 digits"),
    ],
    ids=str,
)
def test_texts_that_no_training_writes_are_named_whatever_the_digests(
    changes: dict[str, Any], text: str, tmp_path: Path
) -> None:
    _, folder = Store(tmp_path).get(DESCRIPTION, train)
    redigested(folder, **changes)
    with pytest.raises(CorruptEntry, match=text):
        load(folder)


def test_an_entry_takes_no_more_memory_than_it_brings(tmp_path: Path) -> None:
    _, folder = Store(tmp_path).get(DESCRIPTION, train)
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


def test_an_entry_in_the_place_of_another_is_named(tmp_path: Path) -> None:
    store, other = Store(tmp_path), {**DESCRIPTION, "model": {"widths": [5]}}
    _, folder = store.get(DESCRIPTION, train)
    folder.rename(tmp_path / key_of(other))
    store.get(other, train)
    assert (tmp_path / f"{key_of(other)}.corrupt-1").exists()


def test_a_description_may_hold_what_json_cannot(tmp_path: Path) -> None:
    wide = {**DESCRIPTION, "model": {"bound": float("inf"), "at": (1, Path("here"))}}
    Store(tmp_path).get(wide, train)
    Store(tmp_path).get(wide, never)
