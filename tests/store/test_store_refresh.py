"""A refreshed entry takes the place of the old one whole, whoever reads, writes or dies meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from landscape.store.solutions import Solutions
from landscape.store.store import Store, key_of, load, save
from tests.store.test_store import DESCRIPTION, at_once, names, never, same, train


def longer(folder: Path) -> Solutions:
    return train(folder, max_epochs=5)


def test_refresh_puts_a_new_entry_in_the_place_of_the_old(tmp_path: Path) -> None:
    first, folder = Store(tmp_path).get(DESCRIPTION, train)
    begun = folder.stat().st_ino
    second, again = Store(tmp_path, refresh="command 1").get(DESCRIPTION, train)
    same(first, second)
    assert again == folder and folder.stat().st_ino != begun and names(tmp_path) == [folder.name]
    Store(tmp_path, refresh="command 1").get(DESCRIPTION, never)  # the next job of the same command
    Store(tmp_path, refresh="command 2").get(DESCRIPTION, longer)
    assert len(load(folder).learning_curve.epochs) == 6 and names(tmp_path) == [folder.name]


def test_what_was_read_stays_whole_while_and_after_its_entry_is_replaced(tmp_path: Path) -> None:
    before, folder = Store(tmp_path / "solutions").get(DESCRIPTION, train)

    def looked_at(workplace: Path) -> Solutions:
        found = longer(workplace)
        assert workplace != folder
        same(before, load(folder))  # nobody sees what is half done
        return found

    after, _ = Store(tmp_path / "solutions", refresh="command 1").get(DESCRIPTION, looked_at)
    same(before, train(tmp_path))
    assert len(before.trajectories[0].rows()) == 4 and len(after.trajectories[0].rows()) == 6


def test_refresh_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    entry = tmp_path / key_of(DESCRIPTION)
    entry.mkdir()
    (entry / "checkpoint.pt").write_bytes(b"of an older run")
    Store(tmp_path, refresh="command 1").get(DESCRIPTION, train)
    assert names(tmp_path) == [entry.name] and not (entry / "checkpoint.broken").exists()


@pytest.mark.parametrize("moment", ["training", "saved", "old is away", "old is left"])
def test_a_refresh_that_was_killed_leaves_the_old_entry_or_the_new_one(tmp_path: Path, moment: str) -> None:
    _, entry = Store(tmp_path).get(DESCRIPTION, train)
    new, old = (entry.with_name(f"{entry.name}.{word}") for word in ("new", "old"))
    new.mkdir()
    found = longer(new)
    if moment != "training":
        save(found, new, DESCRIPTION)
    if moment.startswith("old"):
        entry.rename(old)
    if moment == "old is left":
        new.rename(entry)
    solutions, _ = Store(tmp_path).get(DESCRIPTION, never)
    assert len(solutions.learning_curve.epochs) == (4 if moment == "training" else 6)
    assert names(tmp_path) == [entry.name]


def _refresh(folder: str, command: str) -> None:
    for _ in range(2):  # two jobs
        solutions, _ = Store(Path(folder), refresh=command).get(DESCRIPTION, train)
        for run in solutions.trajectories:
            assert len(list(run)) == 4 and len(run.rows()) == 4


def test_two_commands_that_refresh_at_once_both_end(tmp_path: Path) -> None:
    _, folder = Store(tmp_path).get(DESCRIPTION, train)
    at_once(_refresh, *((str(tmp_path), f"command {k}") for k in range(2)))
    assert names(tmp_path) == [folder.name]
    load(folder, DESCRIPTION)


def test_litter_of_killed_writers_is_swept_by_whoever_holds_the_lock(tmp_path: Path) -> None:
    entry = tmp_path / key_of(DESCRIPTION)
    entry.mkdir()
    litter = [entry / name for name in (".checkpoint.pt.a1b2c3d4", ".solution.npz", ".meta.json")]
    for file in litter:
        file.write_bytes(b"half")
    Store(tmp_path)  # which is not asked for this entry, and so does not know whether its writer lives
    assert all(file.exists() for file in litter)
    Store(tmp_path).get(DESCRIPTION, train)
    assert not any(file.exists() for file in litter)
