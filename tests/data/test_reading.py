"""Examples as people have them: read whole, each once, or refused in one sentence that says what a split is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Subset,
    WeightedRandomSampler,
)

from landscape.data import Dataset as Splits
from landscape.data import Split
from landscape.data.reading import as_split
from landscape.errors import InputError
from tests.data.sources import PAIRS, Items, N, OneByOne, X, Y

TAKEN = [
    PAIRS,
    DataLoader(PAIRS, batch_size=7),
    DataLoader(PAIRS, batch_size=7, shuffle=True),
    DataLoader(PAIRS, batch_size=N, drop_last=True, shuffle=True),
    Items(lambda i: (X[i].numpy(), int(Y[i]))),
    DataLoader(Items(lambda i: (X[i], int(Y[i]))), batch_size=4, num_workers=2),  # its workers never start
    ConcatDataset([Subset(PAIRS, range(9)), Subset(PAIRS, range(9, N))]),
    Split(X.numpy(), Y.numpy()),
    Split(X.numpy().astype(">f4"), Y.numpy()),
    Split(np.flip(X.flip(0).numpy(), 0), Y),
]


@pytest.mark.parametrize("source", TAKEN, ids=range(len(TAKEN)))
def test_every_example_once_and_in_order(source: Any) -> None:
    split = as_split(source)
    assert torch.equal(split.x, X) and torch.equal(split.y, Y)
    data = Splits("mine", source, PAIRS, PAIRS, 5)
    assert data.fingerprint == Splits("mine", Split(X, Y), PAIRS, PAIRS, 5).fingerprint


def test_nothing_is_copied_that_need_not_be(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X.numpy())
    before = (tmp_path / "x.npy").read_bytes()
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    split = Split(mapped, Y).to("cpu", torch.float32)
    assert split.x.data_ptr() == mapped.ctypes.data and len(split.not_finite) == 0
    assert as_split(PAIRS).x is X and (tmp_path / "x.npy").read_bytes() == before


REFUSED = [
    (lambda: DataLoader(PAIRS, batch_size=7, drop_last=True), "leaves out 2 of 23 examples"),
    (lambda: DataLoader(PAIRS, sampler=WeightedRandomSampler([1.0] * N, N)), "sampler=WeightedRandomSampler"),
    (lambda: DataLoader(PAIRS, batch_size=None), "batch_sampler=NoneType"),
    (lambda: DataLoader(OneByOne()), "stream OneByOne"),
    (lambda: OneByOne(), "came as OneByOne: a Split is"),
    (lambda: Items(lambda i: (X[i] + torch.rand(3), 0)), "another input each time"),
    (lambda: Items(lambda i: (X[i][: 1 + i % 2], 0)), "cannot be stacked"),
    (lambda: Items(lambda i: "text"), "holds no tensors"),
    (lambda: (X, Y), "came as tuple: a Split is"),
    (lambda: X, "came as Tensor: a Split is"),
    (lambda: Split({"ids": X, "mask": X[:5]}, Y), "must share their first axis"),
    (lambda: Split(["a"], Y), "holds no tensors"),
    (lambda: Split(np.array(["a"] * N), Y), "are no numbers"),
    (lambda: Split(X, Y[:5]), "x 23 and y 5"),
    (lambda: Split(X[:0], Y[:0]), "at least one example"),
    (lambda: Split(torch.tensor(1.0), Y), "x is one number"),
    (lambda: Split(X.to_sparse(), Y), "layout torch.sparse_coo"),
    (lambda: Split(np.ma.masked_array(X.numpy(), mask=X.numpy() > 1), Y), "x came as MaskedArray"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_whole_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        as_split(make())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_examples_that_are_not_finite_are_known(value: float) -> None:
    x = torch.zeros(9000, 2, dtype=torch.float64)
    x[[3, 8999], 1] = value
    split = Split(x, torch.zeros(9000))
    assert split.not_finite.tolist() == [3, 8999] == split.to(dtype=torch.float32).not_finite.tolist()
    large = Split(torch.full((2, 2), 1e300, dtype=torch.float64), torch.zeros(2))
    assert len(large.not_finite) == 0 and large.to(dtype=torch.float32).not_finite.tolist() == [0, 1]
    assert len(Split(torch.full((9, 2), 3e38), torch.zeros(9)).not_finite) == 0  # whose sum overflows
