"""The store: trained once, reused, locked, and never fooled by a broken entry."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape.cost import CrossEntropy
from landscape.data.dataset import Dataset, Split
from landscape.errors import InputError
from landscape.model import MLP, MaxoutMLP
from landscape.store.solutions import Solutions, joined
from landscape.store.store import Store, key_of, load, save
from landscape.training import GroupRun, Momentum, Training

DESCRIPTION = {"model": {"widths": [4]}, "seeds": [3, 5]}


def dataset() -> Dataset:
    generator = torch.Generator().manual_seed(1)
    split = Split(torch.rand(60, 6, generator=generator), torch.randint(0, 3, (60,), generator=generator))
    return Dataset("tiny", split, split.first(30), split.first(20), 3)


MAXOUT = partial(MaxoutMLP, 6, 3, [4], 2, 0.5, 1.5, [0.8, 0.5], [1.0, 2.0])


def train(folder: Path, seeds: tuple[int, ...] = (3, 5), max_epochs: int = 3, model: Any = MAXOUT) -> Solutions:
    optimizer = partial(Momentum, lr=0.1, momentum=0.5)
    training = Training(batch_size=20, max_epochs=max_epochs, dtype="float64")
    return GroupRun(model, CrossEntropy(), dataset(), optimizer, training, seeds, folder, torch.device("cpu")).run()


def never(folder: Path) -> Solutions:
    raise AssertionError("trained twice")


def same(a: Solutions, b: Solutions) -> None:
    assert torch.equal(a.theta_i, b.theta_i) and torch.equal(a.theta_f, b.theta_f)
    assert a.seeds == b.seeds and a.status == b.status and a.num_epochs == b.num_epochs and a.layout == b.layout
    for name, values in a.learning_curve.channels.items():
        np.testing.assert_array_equal(values, b.learning_curve.channels[name])
    for one, other in zip(a.trajectories, b.trajectories, strict=True):
        for p, q in zip(one, other, strict=True):
            np.testing.assert_array_equal(p, q)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")


def test_a_second_request_reads_what_the_first_trained(tmp_path: Path) -> None:
    store = Store(tmp_path / "solutions")
    first, folder = store.get(DESCRIPTION, train)
    second, again = store.get(DESCRIPTION, never)
    assert folder == again
    same(first, second)
    same(second, train(tmp_path))


def test_any_changed_number_is_another_entry() -> None:
    assert key_of(DESCRIPTION) == key_of(dict(reversed(DESCRIPTION.items())))
    assert key_of(DESCRIPTION) != key_of({**DESCRIPTION, "seeds": [3]})
    assert key_of({"lr": 0.1}) != key_of({"lr": 0.10000000001})


@pytest.mark.parametrize("moment", ["training", "saving"])
def test_a_fault_leaves_no_whole_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    def fails(folder: Path) -> Solutions:
        train(folder)
        raise OSError(28, "No space left on device")

    store = Store(tmp_path)
    if moment == "saving":
        monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        store.get(DESCRIPTION, fails if moment == "training" else train)
    monkeypatch.undo()
    assert not list(tmp_path.glob("*/meta.json")) and not list(tmp_path.glob("*/.solution*"))
    same(store.get(DESCRIPTION, train)[0], train(tmp_path))


def test_a_refused_training_leaves_nothing(tmp_path: Path) -> None:
    def refused(folder: Path) -> Solutions:
        (folder / "trajectory.npy").write_bytes(b"begun")
        raise InputError("training.monitor=nothing is not measured")

    with pytest.raises(InputError):
        Store(tmp_path).get(DESCRIPTION, refused)
    assert names(tmp_path) == []


def _slow_train(folder: Path) -> Solutions:
    with (folder.parent / "trained.log").open("a") as log:
        log.write("once\n")
    time.sleep(1.0)
    return train(folder)


def _ask(folder: str) -> None:
    Store(Path(folder)).get(DESCRIPTION, _slow_train)


def at_once(target: Callable[..., None], *arguments: tuple[str, ...]) -> None:
    """A process for each of the arguments; all must end well."""
    context = multiprocessing.get_context("fork")
    torch.set_num_threads(1)
    workers = [context.Process(target=target, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0


def test_two_processes_train_one_entry_once(tmp_path: Path) -> None:
    at_once(_ask, (str(tmp_path),), (str(tmp_path),))
    assert (tmp_path / "trained.log").read_text() == "once\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="LANDSCAPE_OUTPUTS"):
        Store(tmp_path / "file" / "solutions")


def test_buffers_come_back(tmp_path: Path) -> None:
    def run(folder: Path) -> Solutions:
        return train(folder, (0,), model=partial(MLP, 6, 3, [4], nn.ReLU(), batch_norm=True))

    stored, _ = Store(tmp_path).get({"net": "normed"}, run)
    assert set(stored.buffers[0]) == {
        f"norms.0.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    }
    assert stored.buffers[0]["norms.0.running_mean"].abs().sum() > 0
    assert stored.buffers_i[0].keys() == stored.buffers[0].keys()
    assert stored.buffers_i[0]["norms.0.running_mean"].tolist() == [0] * 4


def test_an_entry_from_before_the_buffers_of_the_start_were_kept_is_read_without_them(tmp_path: Path) -> None:
    solutions = train(tmp_path)
    named = [{"net.running_mean": torch.ones(2)} for _ in solutions.seeds]
    for buffers_i, expected in (([], []), (named, named)):
        save(replace(solutions, buffers=named, buffers_i=buffers_i), tmp_path, DESCRIPTION)
        found = load(tmp_path).buffers_i
        assert [named["net.running_mean"].tolist() for named in found] == [[1, 1]] * len(expected)


def test_joined_groups_keep_their_order_and_pad_with_nan(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    whole = joined([train(tmp_path / "a", (7,), 2), train(tmp_path / "b", (9,), 4)])
    assert whole.seeds == [7, 9] and whole.num_epochs == [2, 4]
    objective = whole.learning_curve.channels["train/objective"]
    assert objective.shape == (5, 2) and np.isnan(objective[3:, 0]).all() and np.isfinite(objective[:, 1]).all()
