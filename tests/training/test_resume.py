"""A killed run goes on to the same bits."""

from __future__ import annotations

import hashlib
import itertools
import logging
import zipfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from landscape.errors import InputError
from landscape.ground import progress
from landscape.path import BezierConnection
from landscape.store.solutions import Solutions
from landscape.training import checkpoint
from tests.training.conftest import Train
from tests.training.test_connection import run_of
from tests.training.test_seeds import batch_norm, torch_dropout
from tests.twin import maxout

ADAM = {"optimizer": partial(torch.optim.Adam, lr=0.03), "momentum_schedule": None}


class Killed(BaseException):
    """Stands for SIGTERM."""


def killed_at(epoch: int) -> Any:
    """An ``on_epoch`` that dies."""

    def on_epoch(row: dict[str, float]) -> None:
        if row["epoch"] == epoch:
            raise Killed

    return on_epoch


def killed_in(text: str) -> Any:
    """A ``log.info`` that dies."""

    def info(message: str, *args: Any) -> None:
        if text in message % args:
            raise Killed

    return info


def same_bits(one: Solutions, other: Solutions) -> None:
    assert torch.equal(one.theta_i, other.theta_i) and torch.equal(one.theta_f, other.theta_f)
    assert (one.status, one.num_epochs, one.best_epoch) == (other.status, other.num_epochs, other.best_epoch)
    for name, values in one.learning_curve.channels.items():
        np.testing.assert_array_equal(values, other.learning_curve.channels[name])
    assert one.trajectories[0].file.read_bytes() == other.trajectories[0].file.read_bytes()
    for mine, theirs in zip(one.trajectories, other.trajectories, strict=True):
        assert mine.epochs.tolist() == theirs.epochs.tolist() and mine.steps.tolist() == theirs.steps.tolist()
    for mine_, theirs_ in zip(one.buffers, other.buffers, strict=True):
        assert mine_.keys() == theirs_.keys() and all(torch.equal(mine_[n], theirs_[n]) for n in mine_)


def goes_on(train: Train, folder: Path, seeds: list[int], killed: tuple[int, ...], numbers: dict[str, Any]) -> float:
    """Kill a run and go on, to the same bits as without: the first epoch that was told in the end."""
    for epoch in killed:
        with pytest.raises(Killed):
            train(seeds, folder=folder, on_epoch=killed_at(epoch), **numbers)
    told: list[float] = []
    resumed = train(seeds, folder=folder, on_epoch=lambda row: told.append(row["epoch"]), **numbers)
    same_bits(resumed, train(seeds, **numbers))
    return told[0]


@pytest.mark.parametrize(
    ("seeds", "changes"),
    [
        ([5, 1, 8], {"patience": 3}),
        ([5, 1], ADAM),
        ([5], {"model": torch_dropout}),
        ([5], {"model": batch_norm}),
        ([5, 1], {"model": batch_norm, **ADAM}),
        ([5], {"dtype": "float32", "checkpoint_seconds": 1e9}),
    ],
    ids=["maxout", "adam", "torch dropout", "batch norm", "batch norm, adam", "no checkpoint yet"],
)
def test_a_killed_run_goes_on_to_the_same_bits(
    train: Train, tmp_path: Path, seeds: list[int], changes: dict[str, Any]
) -> None:
    numbers: dict[str, Any] = {"max_epochs": 9, "checkpoint_seconds": 0.0, **changes}
    first = goes_on(train, tmp_path / "run", seeds, (4, 6), numbers)  # killed twice
    assert first == (0 if numbers["checkpoint_seconds"] else 6)  # the epoch that was lost, not the whole run


def test_what_is_left_is_judged_by_the_epochs_of_this_run(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of seeds and of curves; an epoch takes a second by this clock."""
    connection = BezierConnection(1, epochs=9)
    kept: dict[str, Any] = {"file": tmp_path / "checkpoint.pt", "seconds": 0.0, "question": "same"}
    numbers: dict[str, Any] = {"max_epochs": 9, "checkpoint_seconds": 0.0, "folder": tmp_path / "run"}
    with pytest.raises(Killed):
        train([5], on_epoch=killed_at(4), **numbers)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("landscape.training.connection.log.info", killed_in("epoch 4"))
        run_of(connection, [3], **kept).run()
    ticks = itertools.count()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO, "landscape.ground.progress")
    train([5], **numbers)
    run_of(connection, [3], **kept).run()
    told = [message.partition(" (")[0] for message in caplog.messages if "of 9" in message]
    left = [f"{epoch} of 9, {epoch - 3} s so far, at most {9 - epoch} s to go" for epoch in range(4, 10)]
    assert told == [f"{what}: {line}" for what in ("training seed 5", "training curve") for line in left]


def test_a_finished_checkpoint_trains_no_further(train: Train, tmp_path: Path) -> None:
    straight = train([5], max_epochs=3, checkpoint_seconds=0.0, folder=tmp_path / "run")
    told: list[dict[str, float]] = []
    same_bits(train([5], max_epochs=3, folder=tmp_path / "run", on_epoch=told.append), straight)
    assert told == []


NUMBERS: dict[str, Any] = {"max_epochs": 5, "checkpoint_seconds": 0.0}


def cut(train: Train, folder: Path, seeds: tuple[int, ...] = (5, 1)) -> Path:
    """A run that was killed in epoch 4; its folder."""
    with pytest.raises(Killed):
        train(list(seeds), folder=folder, on_epoch=killed_at(4), **NUMBERS)
    return folder


def flipped(share: float, num: int = 1) -> Any:
    """Bits are flipped, or so many bytes are lost, at that place of a file."""

    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        first = int(share * (len(content) - 1))
        content[first : first + num] = bytes([content[first] ^ 4]) if num == 1 else bytes(num)
        file.write_bytes(content)

    return damage


def changed(change: Any) -> Any:
    """A checkpoint of another content."""
    return lambda file: checkpoint.save_atomically(change(torch.load(file, weights_only=True)), file)


def without(state: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name != key}


ROTTEN = "trajectory.npy does not hold the snapshots that were written"
DAMAGES: list[tuple[str, Any, str]] = [
    *(("checkpoint.pt", flipped(at), "checkpoint.pt is unreadable") for at in (0.0, 0.01, 0.3, 0.5, 0.7, 0.95, 1.0)),
    *(("trajectory.npy", flipped(at, num), ROTTEN) for at in (0.25, 0.5) for num in (1, 64)),
    ("trajectory.npy", Path.unlink, "holds fewer than 4 snapshots"),
    *(
        ("checkpoint.pt", changed(change), "training starts over")
        for change in (
            lambda state: [1, 2, 3],
            lambda state: {"model": state["theta"]},
            lambda state: without(state, "rows"),
            lambda state: {**state, "theta": [1]},
            lambda state: {**state, "theta": {name: value[:1] for name, value in state["theta"].items()}},
            lambda state: {**state, "theta_f": state["theta_f"][:, :1]},
            lambda state: {**state, "seeds": [5, 2]},
            lambda state: {**state, "stopping": None},
            lambda state: {**state, "optimizers": state["optimizers"] * 2},
            lambda state: {**state, "snapshots": 4},
        )
    ),
]


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [pytest.param(*case, marks=[pytest.mark.slow] * bool(k % 3)) for k, case in enumerate(DAMAGES)],
)
def test_damage_to_an_unfinished_run_is_named_and_it_starts_over(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture, file: str, damage: Any, words: str
) -> None:
    folder, told = cut(train, tmp_path / "run"), list[float]()
    damage(folder / file)
    resumed = train([5, 1], folder=folder, on_epoch=lambda row: told.append(row["epoch"]), **NUMBERS)
    same_bits(resumed, train([5, 1], **NUMBERS))
    assert told[0] == 0 and words in caplog.text and caplog.text.count("starts over") == 1
    assert (folder / "checkpoint.broken").exists()


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_snapshots_that_rot_while_the_run_goes_on_are_found_at_its_end(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture, share: float
) -> None:
    (tmp_path / "run").mkdir()
    done: list[bool] = []

    def rot(row: dict[str, float]) -> None:
        if row["epoch"] == 5 and not done:
            done.append(True)
            flipped(share)(tmp_path / "run" / "trajectory.npy")

    found = train([5, 1], folder=tmp_path / "run", on_epoch=rot, **NUMBERS)
    same_bits(found, train([5, 1], **NUMBERS))
    assert "trajectory.npy does not hold" in caplog.text or share == 0  # the next snapshot writes the header anew


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}], ids=str)
def test_a_file_without_a_digest_is_no_checkpoint(tmp_path: Path, content: Any) -> None:
    """Nor is one of the first edition, which had none."""
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(checkpoint.Unusable, match="does not have the digest"):
        checkpoint.load(tmp_path / "checkpoint.pt")


def test_a_checkpoint_that_unpacks_to_more_than_it_holds_is_not_unpacked(tmp_path: Path) -> None:
    file, inner = tmp_path / "checkpoint.pt", tmp_path / "inner.pt"
    torch.save({"theta": torch.zeros(1 << 20)}, inner)
    with zipfile.ZipFile(inner) as whole, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    content = file.read_bytes()
    file.write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    assert file.stat().st_size < 20_000
    with pytest.raises(checkpoint.Unusable, match=r"bytes that unpack to 41\d{5}"):
        checkpoint.load(file)


def test_an_old_checkpoint_stays_whole_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    checkpoint.save_atomically({"epoch": 3}, file)
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save_atomically({"epoch": lambda: 4}, file)
    assert checkpoint.load(file) == {"epoch": 3}
    assert [f.name for f in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert checkpoint.load(tmp_path / "absent.pt") is None


def forged(folder: Path, device: str, has_entry: bool) -> None:
    """Make a checkpoint look as if a GPU had written it: its generators' states are 16 bytes."""
    file = folder / "checkpoint.pt"
    state = torch.load(file, weights_only=True)
    short = torch.zeros(16, dtype=torch.uint8)
    state |= {"device": device, "dropout": [short] * len(state["dropout"]), "global_cuda": short}
    state["batches"]["samples"] = [short] * len(state["batches"]["samples"])
    if not has_entry:  # as before the device was written down
        del state["device"]
    checkpoint.save_atomically(state, file)


@pytest.mark.parametrize("has_entry", [True, False])
@pytest.mark.parametrize("model", [maxout, torch_dropout], ids=["masks", "torch dropout"])
def test_masks_begun_on_a_gpu_cannot_go_on_on_a_cpu(train: Train, tmp_path: Path, model: Any, has_entry: bool) -> None:
    numbers: dict[str, Any] = {"max_epochs": 6, "checkpoint_seconds": 0.0, "model": model, "folder": tmp_path / "run"}
    with pytest.raises(Killed):
        train([5], on_epoch=killed_at(4), **numbers)
    forged(tmp_path / "run", "cuda", has_entry)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError, match=r"device=cpu .*cut on cuda \(epoch 3\).*device=cuda.*refresh=true"):
        train([5], **numbers)
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before


def test_without_masks_a_run_goes_on_on_another_device(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbers: dict[str, Any] = {"max_epochs": 6, "checkpoint_seconds": 0.0, "model": partial(maxout, dropout=False)}
    straight = train([5, 1], **numbers)
    with pytest.raises(Killed):
        train([5, 1], folder=tmp_path / "run", on_epoch=killed_at(4), **numbers)
    forged(tmp_path / "run", "cuda", True)
    same_bits(train([5, 1], folder=tmp_path / "run", **numbers), straight)  # it never was elsewhere
    assert "written on cuda; going on on cpu" in caplog.text
