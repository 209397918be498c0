"""The minibatches of an epoch, with the short last one and without."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from landscape.command.config import conf_dir, register
from landscape.data.dataset import Split
from landscape.training.batches import Batches
from landscape.training.trainer import LATER, Training
from tests.training.conftest import Train
from tests.twin import normal


def split(num: int) -> Split:
    return Split(normal(num, 2, seed=1), torch.arange(num))


@pytest.mark.parametrize(("num", "size", "seen"), [(23, 5, 20), (20, 5, 20), (5, 5, 5), (9, 5, 5)])
def test_only_a_short_last_batch_is_thrown_away_and_another_one_in_each_epoch(num: int, size: int, seen: int) -> None:
    kept, dropped = (Batches(split(num), [3, 4], size, drop) for drop in (False, True))
    missed = set()
    for _ in range(4):
        every, some = list(kept), list(dropped)
        assert len(every) == -(-num // size) and len(some) == num // size
        assert all(known["y"].shape == (2, size) for _, known in some) and some[-1][0] == seen == dropped.num_seen
        for (_, one), (_, other) in zip(every, some, strict=False):
            assert torch.equal(one["y"], other["y"])  # the permutation is the same
        missed |= set(range(num)) - {int(v) for _, known in some for v in known["y"][0]}
    assert (num == seen) == (missed == set()) and (num == seen or len(missed) > num - seen)


def test_an_epoch_without_its_short_batch_has_whole_epochs_and_one_snapshot_at_its_end(train: Train) -> None:
    found = train([0], drop_last=True, snapshot_updates=2, max_epochs=2)  # 23 examples, 4 batches of 5
    assert found.trajectories[0].steps.tolist() == [0, 2, 4, 8]
    assert found.trajectories[0].epochs.tolist() == pytest.approx([0, 0.5, 1, 2])
    assert not torch.equal(found.theta_f, train([0], max_epochs=2).theta_f)


@pytest.mark.parametrize("name", sorted(file.stem for file in (Path(conf_dir()) / "recipe").glob("*.yaml")))
def test_batches_and_validation_are_those_of_the_original(name: str) -> None:
    """pylearn2's even_shuffled_sequential: 312 updates of 128 in 40,000 images; the LSTMs validate without dropout."""
    register()
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        training = compose("config", [f"recipe={name}"]).training
    assert training.drop_last == name.startswith("conv")
    assert training.validation == ("deterministic" if name.startswith("lstm") else "stochastic")


def test_later_keys_of_training_are_without_effect_at_the_values_that_no_key_of_an_entry_holds() -> None:
    """Entries of the first edition are found by recipes that do not set them."""
    assert {name: getattr(Training(), name) for name in LATER} == LATER
