"""Streams: batches as they come, over and over the same, nothing of the caller's disturbed, faults in one sentence."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape.data import Split
from landscape.data.reading import as_data
from landscape.data.stream import Stream
from landscape.errors import InputError

N = 23
X, Y = torch.arange(3.0 * N).view(N, 3), torch.arange(N) % 5
PAIRS = TensorDataset(X, Y)


class Drawn(Dataset[Any]):
    """Examples that are drawn: by torch, by NumPy, by Python."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Any:
        return torch.tensor([float(torch.rand(())), float(np.random.rand()), random.random()]), index


class Endless(IterableDataset[Any]):
    """Examples without end."""

    def __iter__(self) -> Iterator[Any]:
        index = 0
        while True:
            yield X[index % N], index
            index += 1


def world() -> list[Any]:
    return [torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()]  # type: ignore[index]


def taken(stream: Stream) -> Tensor:
    return torch.cat([split.x for split in stream.batches()])  # type: ignore[arg-type]


LOADERS: list[Callable[[], DataLoader[Any]]] = [
    lambda: DataLoader(Drawn(), batch_size=4, shuffle=True),
    lambda: DataLoader(Drawn(), batch_size=4, shuffle=True, num_workers=2),
    lambda: DataLoader(Drawn(), batch_size=4, shuffle=True, num_workers=1, persistent_workers=True),
    lambda: DataLoader(Drawn(), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(7)),
    lambda: DataLoader(
        Drawn(), batch_size=4, sampler=torch.utils.data.RandomSampler(range(N), generator=torch.Generator())
    ),
    lambda: DataLoader(Drawn(), batch_sampler=torch.utils.data.BatchSampler(range(N), 4, False)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", LOADERS, ids=range(len(LOADERS)))
def test_every_pass_is_the_same_and_the_caller_s_numbers_go_on(make: Callable[[], DataLoader[Any]]) -> None:
    loader = make()
    own = [None if g is None else g.get_state() for g in (loader.generator, getattr(loader.sampler, "generator", None))]
    stream = Stream(loader)
    first, second = taken(stream), taken(stream)
    assert torch.equal(first, second) and len(first) == N and not torch.equal(first[0], first[1])
    torch.manual_seed(1)
    drawn = world()
    assert torch.equal(taken(Stream(loader)), first) and world() == drawn
    for generator, state in zip((loader.generator, getattr(loader.sampler, "generator", None)), own, strict=True):
        assert generator is None or torch.equal(generator.get_state(), state)


def test_a_pass_and_its_caller_take_turns() -> None:
    """What the caller draws between two batches changes neither."""
    stream = Stream(DataLoader(Drawn(), batch_size=4, shuffle=True))
    right, parts = taken(stream), []
    torch.manual_seed(3)
    between = [torch.rand(()) for _ in range(6)]
    torch.manual_seed(3)
    for number, split in enumerate(stream.batches()):
        assert torch.rand(()) == between[number]
        parts.append(split.x)
    assert torch.equal(torch.cat(parts), right)  # type: ignore[arg-type]


@pytest.mark.parametrize("num", [1, 4, 5, 22, 23, 50])
def test_the_first_so_many(num: int) -> None:
    asked: list[int] = []
    data = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, N, 4)]
    stream = Stream(lambda: (asked.append(0) or batch for batch in data), num_examples=num)
    assert torch.equal(taken(stream), X[:num]) and len(asked) == min(6, -(-num // 4))
    assert len(taken(Stream(DataLoader(Endless(), batch_size=4), num_examples=num))) == num
    assert Stream(DataLoader(PAIRS, batch_size=4), num_examples=num).num_known == min(num, N)


@pytest.mark.parametrize("size", [1, 5, 8, 100])
def test_blocks_are_the_batches_put_together(size: int) -> None:
    blocks = list(Stream(DataLoader(PAIRS, batch_size=4)).blocks(size))
    assert torch.equal(torch.cat([b.x for b in blocks]), X) and all(len(b) >= min(size, 4) for b in blocks[:-1])  # type: ignore[misc]
    ragged = [{"x": torch.ones(2, n), "y": torch.ones(2)} for n in (3, 3, 5, 3)]
    assert [tuple(b.x.leaves["x"].shape) for b in Stream(ragged).blocks(100)] == [(4, 3), (2, 5), (2, 3)]  # type: ignore[union-attr]


def test_data_are_held_or_streamed_by_what_they_are() -> None:
    for source in ((X, Y), {"x": X}, X, PAIRS, [X, Y]):
        assert isinstance(as_data(source), Split), type(source)
    for source in (DataLoader(PAIRS), Endless(), lambda: iter([(X, Y)]), [(X, Y)], [{"x": X}]):
        assert isinstance(as_data(source), Stream), type(source)


class Fault(Exception):
    """Of somebody's own."""


class Faulty(Dataset[Any]):
    """Fails in the middle, as somebody's own data set may."""

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Any:
        torch.rand(())
        if index == 9:
            raise self.fault
        return X[index], Y[index]


@pytest.mark.parametrize("fault", [Fault("mine"), KeyboardInterrupt(), ValueError("mine"), InputError("mine")])
def test_an_exception_of_the_data_set_passes_as_it_is(fault: BaseException) -> None:
    before = world()
    stream = Stream(DataLoader(Faulty(fault), batch_size=4))
    with pytest.raises(type(fault)) as caught:
        taken(stream)
    assert world() == before and caught.value is fault


def test_a_loader_that_ends_early_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """As every loop over it would, a pass ends where a data set raises StopIteration."""
    stream = Stream(DataLoader(Faulty(StopIteration()), batch_size=4))
    assert len(taken(stream)) == len(taken(stream)) == 8
    assert [record.getMessage() for record in caplog.records] == [
        "DataLoader yields 8 examples, and says that it has 23"
    ]


def test_an_exception_of_a_worker_passes() -> None:
    before = world()
    with pytest.raises(ValueError, match=r"(?s)DataLoader worker process 0.*mine") as caught:
        taken(Stream(DataLoader(Faulty(ValueError("mine")), batch_size=4, num_workers=1)))
    assert world() == before
    traceback.clear_frames(caught.tb)  # found by the garbage collector, torch's iterator waits 5 s for its worker


def once() -> Callable[[], Iterator[Any]]:
    """A function that returns the same iterator each time."""
    iterator = iter([(X[:4], Y[:4]), (X[4:], Y[4:])])
    return lambda: iterator


def used() -> Callable[[], Iterator[Any]]:
    """A function whose iterators share what they go through."""
    iterator = iter([(X[:4], Y[:4])])
    return lambda: (batch for batch in iterator)


class Same:
    """Iterable, once."""

    def __init__(self) -> None:
        self.batches = (batch for batch in [(X[:4], Y[:4]), (X[4:], Y[4:])])

    def __iter__(self) -> Iterator[Any]:
        return self.batches


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: iter([(X, Y)]), "a list_iterator, which is used up after one pass"),
    (lambda: (batch for batch in [(X, Y)]), "a generator, which is used up after one pass"),
    (lambda: iter(DataLoader(PAIRS)), "Iter, which is used up after one pass"),
    (once, "the same iterator again"),
    (Same, "Same gives the same iterator again"),
    (used, "yields no batch the second time"),
    (lambda: [], "no batch|holds no"),
    (lambda: lambda: iter([]), "yields no batch"),
    (lambda: DataLoader(PAIRS, batch_size=N + 1, drop_last=True), "DataLoader yields no batch"),
    (lambda: lambda: None, "makes a NoneType"),
    (lambda: [(X, Y), {"x": X, "y": Y}], "another form after 23 examples"),
    (lambda: [{"x": X, "y": Y}, {"x": X, "z": Y}], "another form after 23 examples"),
    (lambda: [(X, Y), (X.double(), Y)], "another form after 23 examples"),
    (lambda: [(X, Y), (X, Y[:5])], "after 23 examples: Split needs as many labels as inputs"),
    (lambda: [(X, Y), ("text", "text")], "after 23 examples: a batch holds no tensors"),
    (lambda: [(X, Y), (X[:0], Y[:0])], "after 23 examples: Split needs at least one example"),
    (lambda: DataLoader(PAIRS, batch_size=None), "DataLoader, after 0 examples"),
    (lambda: 7, "came as int"),
    (lambda: "text", "came as str"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_stream_is_refused_in_one_sentence(make: Callable[[], Any], words: str) -> None:
    source, before = make(), world()
    with pytest.raises(InputError, match=words):
        stream = as_data(source)
        assert stream.first_batch is not None
        for _ in range(2):
            taken(stream)
    assert world() == before


@pytest.mark.parametrize("num", [0, -1])
def test_fewer_than_one_example_is_none(num: int) -> None:
    with pytest.raises(InputError, match=f"num_examples={num} must be at least 1"):
        Stream([(X, Y)], num_examples=num)
