"""Splits, caps and fingerprints."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from landscape.data import Dataset, Split
from landscape.errors import InputError


def numbers(num: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    return Split(torch.rand(num, 3, generator=generator), torch.randint(0, 4, (num,), generator=generator))


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("toy", train=numbers(7, 1), valid=numbers(3, 2), test=numbers(5, 3), num_classes=4)


def test_first_takes_the_front(dataset: Dataset) -> None:
    train = dataset.train
    front = train.first(2)
    assert len(front) == 2
    assert torch.equal(front.x, train.x[:2]) and torch.equal(front.y, train.y[:2])
    assert len(train.first(7)) == len(train.first(100)) == 7
    for num in (0, -1):
        with pytest.raises(ValueError, match=f"num={num}"):
            train.first(num)


def test_to_changes_floating_inputs_only(dataset: Dataset) -> None:
    double = dataset.train.to("cpu", torch.float64)
    assert double.x.dtype == torch.float64 and double.y.dtype == torch.int64
    assert torch.equal(double.x, dataset.train.x.double())
    tokens = Split(torch.arange(6).reshape(2, 3), torch.zeros(2, dtype=torch.int64))
    assert tokens.to(dtype=torch.float64).x.dtype == torch.int64
    assert dataset.train.to("meta").x.is_meta and dataset.train.to("meta").y.is_meta


def test_a_split_that_is_none_is_named(dataset: Dataset) -> None:
    with pytest.raises(InputError, match=f"{dataset.name}: valid=None; give its examples"):
        replace(dataset, valid=None)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="x 3 and y 2"):
        Split(torch.zeros(3, 1), torch.zeros(2, dtype=torch.int64))


def test_fingerprint_is_the_hash_of_everything(dataset: Dataset) -> None:
    written = b"toy"
    for name in ("train", "valid", "test"):
        split = getattr(dataset, name)
        written += f"|{name}.x ({len(split)}, 3) torch.float32|".encode() + split.x.numpy().tobytes()
        written += f"|{name}.y ({len(split)},) torch.int64|".encode() + split.y.numpy().tobytes()
    assert dataset.fingerprint == hashlib.sha256(written).hexdigest()[:16]
    assert dataset.fingerprint is dataset.fingerprint  # computed once
    with pytest.raises(FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]


def test_fingerprint_changes_with_any_part(dataset: Dataset) -> None:
    def changed(split: Split) -> list[Split]:
        x, y = split.x.clone(), split.y.clone()
        x[-1, -1] += 1e-6
        y[-1] += 1
        return [Split(x, split.y), Split(split.x, y), Split(split.x.flip(0), split.y.flip(0)), split.first(2)]

    others = [
        replace(dataset, name="toys"),
        replace(dataset, train=dataset.train.to(dtype=torch.float64)),
        replace(dataset, train=Split(dataset.train.x.reshape(7, 1, 3), dataset.train.y)),
        replace(dataset, valid=dataset.test, test=dataset.valid),
    ]
    for name in ("train", "valid", "test"):
        others += [replace(dataset, **{name: split}) for split in changed(getattr(dataset, name))]
    fingerprints = [other.fingerprint for other in others]
    assert len({dataset.fingerprint, *fingerprints}) == 1 + len(others)


def test_fingerprint_ignores_memory_layout(dataset: Dataset) -> None:
    strided = Split(dataset.train.x.T.contiguous().T, dataset.train.y)
    assert not strided.x.is_contiguous()
    assert replace(dataset, train=strided).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(("cap", "lengths"), [(1, (1, 1, 1)), (4, (4, 3, 4)), (6, (6, 3, 5)), (7, (7, 3, 5))])
def test_limited_caps_each_split(dataset: Dataset, cap: int, lengths: tuple[int, int, int]) -> None:
    cut = dataset.limited(cap)
    assert (len(cut.train), len(cut.valid), len(cut.test)) == lengths
    assert torch.equal(cut.train.x, dataset.train.x[:cap]) and torch.equal(cut.test.y, dataset.test.y[:cap])
    assert (cut.name, cut.num_classes) == ("toy", 4)
    assert (cut.fingerprint == dataset.fingerprint) is (cut is dataset) is (lengths == (7, 3, 5))
    assert dataset.limited(None) is dataset


@pytest.mark.parametrize("cap", [0, -3, 2.5, True, "10"])
def test_limited_refuses(dataset: Dataset, cap: object) -> None:
    with pytest.raises(InputError, match=r"limits\.examples=.*at least 1") as caught:
        dataset.limited(cap)  # type: ignore[arg-type]
    assert repr(cap) in str(caught.value) and "\n" not in str(caught.value)
