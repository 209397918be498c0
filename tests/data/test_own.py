"""Whatever a function returns becomes three splits, held or streamed, with every example once; or is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, WeightedRandomSampler

from landscape.data import Dataset as House
from landscape.data import Split
from landscape.data.own import dataset_of, known_by, sentences
from landscape.data.reading import held
from landscape.data.stream import Data, Stream
from landscape.errors import InputError
from tests.data.sources import PAIRS, Items, N, OneByOne, X, Y

CALLED = "data._target_=my.loaders"


def batches(num: int = 2, size: int = 10) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Those of X and Y from the front."""
    for start in range(0, num * size, size):
        yield X[start : start + size], Y[start : start + size]


def padded(rows: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """As long as the longest row of a batch."""
    return nn.utils.rnn.pad_sequence([x for x, _ in rows], batch_first=True), torch.tensor([y for _, y in rows])


LOADER = DataLoader(PAIRS, batch_size=7, shuffle=True)
RANDOM = Items(lambda i: (X[i] + torch.rand(3), int(Y[i])))
RAGGED = DataLoader(Items(lambda i: (torch.ones(1 + i % 4), int(Y[i]))), batch_size=2, collate_fn=padded)
RETURNS: dict[str, tuple[Any, str, int]] = {
    "pair": ((X, Y), "split split split", N),
    "arrays": ([X.numpy(), Y.numpy()], "split split split", N),
    "tensors by name": ({"x": X, "y": Y}, "split split split", N),
    "house": (House("mine", PAIRS, PAIRS, PAIRS, 5), "split split split", N),
    "map-style": (PAIRS, "split split split", N),
    "plain loader": (LOADER, "split split split", N),
    "by name": ({"train": (X, Y), "validation": LOADER, "test": OneByOne()}, "split split stream", N),
    "named tuple": (NamedTuple("Parts", [("train", Any), ("val", Any)])(PAIRS, LOADER), "split split split", N),
    "two": ((PAIRS, OneByOne()), "split stream stream", N),
    "three": ([PAIRS, LOADER, Split(X, Y)], "split split split", N),
    "random": (RANDOM, "stream stream stream", N),
    "leaves out": (DataLoader(PAIRS, batch_size=7, drop_last=True), "stream stream stream", 21),
    "weighted": (DataLoader(PAIRS, sampler=WeightedRandomSampler([1.0] * N, N)), "stream stream stream", N),
    "ragged": (RAGGED, "stream stream stream", N),
    "function": (batches, "stream stream stream", 20),
    "list of batches": (list(batches(4, 5)), "stream stream stream", 20),
}


def of(returned: Any, name: str = "", **more: Any) -> House:
    return dataset_of(returned, name or "my.loaders", bool(name), CALLED, **more)


def counted(data: Data) -> int:
    """The examples of one pass."""
    return sum(map(len, data.batches())) if isinstance(data, Stream) else len(data)


@pytest.mark.parametrize("kind", RETURNS)
def test_every_kind_is_three_splits(kind: str) -> None:
    returned, kinds, num = RETURNS[kind]
    state = torch.get_rng_state()
    found = of(returned)
    assert torch.equal(torch.get_rng_state(), state)
    splits = [found.train, found.valid, found.test]
    assert " ".join(type(split).__name__.lower() for split in splits) == kinds
    assert counted(splits[0]) == num and counted(splits[2]) == num
    assert {id(s) for s in found.streams.values()} == {id(s) for s in splits if isinstance(s, Stream)}
    if isinstance(found.train, Split) and isinstance(found.train.x, torch.Tensor):
        assert torch.equal(found.train.x, X) and torch.equal(found.train.y, Y)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("house", ""),
        ("three", ""),
        ("pair", "train, valid and test are the same examples"),
        ("two", "test is valid, since none was given; valid, test streamed"),
        ("weighted", "train, valid and test are the same examples; train, valid, test streamed and shuffled"),
        ("random", "train, valid and test are the same examples; train, valid, test streamed and made at random"),
        ("ragged", "train, valid and test are the same examples; train, valid, test streamed"),
    ],
)
def test_what_a_reader_of_results_should_know_is_said(kind: str, said: str) -> None:
    found = of(RETURNS[kind][0])
    assert found.copy == said
    told = " ".join(sentences(found, "name it"))
    assert said in told
    assert ("at random, by one seed" in told) is (kind in ("weighted", "random"))
    assert ("without a name" in told and "name it" in told) is bool(found.streams)


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: None, "returns None"),
    "class": (lambda: OneByOne, "returns the class OneByOne"),
    "text": (lambda: "train.csv", "returns 'train.csv'"),
    "number": (lambda: 3, "returns 3"),
    "module": (lambda: nn.Linear(3, 5), "came as a Linear"),
    "function of something": (lambda: lambda epoch: batches(), "called with arguments"),
    "function of no batches": (lambda: lambda: 3, "makes a int, which yields no batches"),
    "empty": (lambda: {}, "an empty dict"),
    "four": (lambda: (PAIRS, PAIRS, PAIRS, PAIRS), "a tuple of 4"),
    "other names": (lambda: {"train": PAIRS, "dev": PAIRS}, "a dict of train, dev"),
    "no test": (lambda: {"train": PAIRS, "test": None}, "(test) is None"),
    "loader of nothing": (lambda: DataLoader(TensorDataset(X[:0], Y[:0])), "at least one example"),
    "function of nothing": (lambda: lambda: iter(()), "yields no batch"),
    "generator": (lambda: batches(), "used up after one pass"),
    "one iterator": (lambda: itertools.repeat(batches()).__next__, "the same iterator again"),
    "unequal": (lambda: (X, Y[:5]), "x 23 and y 5"),
    "texts": (lambda: Items(lambda i: "text"), "holds no tensors"),
    "list of texts": (lambda: ["a", "b", "c", "d"], "holds no tensors"),
    "numbers": (lambda: Items(lambda i: [1.0] * (1 + i)), "cannot be stacked"),
    "their own fault": (lambda: Items(lambda i: torch.load("no such file")), "FileNotFoundError"),
    "their own fault in a stream": (lambda: lambda: (1 / 0 for _ in range(3)), "ZeroDivisionError"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_examples_is_refused_in_one_sentence(kind: str) -> None:
    make, words = WRONG[kind]
    with pytest.raises(InputError) as caught:
        of(make())
    told = str(caught.value)
    assert told.startswith(CALLED) and words in told and "\n" not in told, told


def test_batches_that_change_are_named_when_they_come() -> None:
    def changing() -> Iterator[Any]:
        yield X[:5], Y[:5]
        yield {"x": X[:5]}

    found = of(lambda: changing())
    with pytest.raises(
        InputError, match=r"data\._target_=my\.loaders \(train\) yields a batch of another form after 5"
    ):
        counted(found.train)


class GoesOn(IterableDataset[Any]):
    """One iterator for all passes."""

    def __init__(self, hides: bool) -> None:
        self.left, self.hides = iter([*PAIRS] * 100), hides

    def __iter__(self) -> Iterator[Any]:
        return (pair for pair in self.left) if self.hides else self.left


def test_passes_that_go_on_where_the_last_stopped() -> None:
    with pytest.raises(InputError, match="GoesOn gives the same iterator each time"):
        of(GoesOn(hides=False))
    hidden = of(GoesOn(hides=True))  # nobody can tell that from random numbers of its own
    generator = np.random.default_rng()
    own = of(Items(lambda i: (X[i] + generator.random(), int(Y[i]))))
    for found, is_repeatable in ((hidden, False), (own, False), (of(RANDOM), True), (of(batches), True)):
        assert found.train.is_repeatable is is_repeatable
        assert ("another in each pass" in found.copy) is not is_repeatable
        assert ("some are lost" in " ".join(sentences(found, ""))) is not is_repeatable


def test_what_would_fill_memory_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    num_bytes = N * (3 * 4 + 8)
    looks = []
    items = Items(lambda i: looks.append(i) or (X[i], int(Y[i])))  # type: ignore[func-returns-value]
    for factor, kind in ((4.01, Split), (3.99, Stream)):
        monkeypatch.setattr("landscape.data.reading.free_in", lambda factor=factor: int(factor * num_bytes))
        looks.clear()
        found = held(items)
        assert isinstance(found, kind) and (kind is Split or looks == [0])  # the first example tells
    assert isinstance(of(items).train, Stream)
    assert torch.equal(torch.cat([b.x for b in found.batches()]), X)  # type: ignore[union-attr, list-item]


def test_one_loader_for_two_splits_is_read_once() -> None:
    read = []
    items = Items(lambda i: read.append(i) or (X[i], int(Y[i])))  # type: ignore[func-returns-value]
    loader = DataLoader(items, batch_size=5)
    found = of({"train": loader, "test": loader})
    assert found.train is found.test is found.valid
    assert len([i for i in read if i == N - 1]) <= 3  # its block, the look again, the first example


def test_a_stream_under_a_cap_is_the_same_stream() -> None:
    begun = []

    def counting() -> Iterator[Any]:
        begun.append(1)
        return batches()

    found = of(lambda: counting())
    before = len(begun)
    few = found.limited(7)
    assert few.train is few.valid is few.test and len(few.train.first_batch) == 7 and counted(few.train) == 7
    assert counted(found.limited(13).train) == 13 and found.limited(None) is found
    assert found.limited(7).train.num_known == 7 and found.train.num_known is None
    assert len(begun) == before + 2  # the two passes that were counted


def test_streams_are_known_by_their_names() -> None:
    nameless, one, other = of(batches), of(batches, "one"), of(batches, "other")
    assert known_by(nameless) == "" and not nameless.is_known
    assert known_by(one) != known_by(other) and "one" in known_by(one)
    assert known_by(one) != known_by(one.limited(5)) and known_by(one) == known_by(of(lambda: batches(), "one"))
    own = of({"train": Stream(batches, name="own"), "test": (X, Y)}, "one")
    assert own.train.name == "own" and known_by(own) != known_by(
        of({"train": Stream(batches, name="a"), "test": (X, Y)})
    )
    changed = of({"train": Stream(batches, name="own"), "test": (X + 1, Y)}, "one")
    assert known_by(changed) != known_by(own)
    assert known_by(of((X, Y))) == of((X, Y)).fingerprint != of((X + 1, Y)).fingerprint
    assert np.array_equal(of((X, Y)).train.x, X)
