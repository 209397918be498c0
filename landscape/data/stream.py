"""Examples that come in batches, one pass at a time: whatever yields batches, without ever holding all of them."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from torch import nn
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from landscape.data.draws import SEED, Draws, apart, generators_of
from landscape.data.split import Split
from landscape.data.tree import Tree, joined, signature
from landscape.errors import InputError

DRAWING = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)
log = logging.getLogger(__name__)

FEW = 8
"""Examples that are looked at twice, to see whether they are made at random."""


class Stream:
    """batches() -> one ``Split`` per batch, in one pass over the source.

    Each pass draws its shuffling and augmentation from the same random numbers, so that two passes see the same batches
    as far as they come from the global generators of torch, NumPy and Python; those of the caller go on undisturbed.

    Args:
        source: a ``DataLoader``, an iterable data set, or a function that returns a new iterator each time.
        name: what the examples are called; without a name and a fingerprint no result of them counts as done before.
        num_examples: stop after so many; None: all.
        called: what messages call it; by default its name, or the type of its source.

    Raises:
        InputError: an iterator that is used up after one pass; no batches.
    """

    num_streams = None
    is_resampled = False

    def __init__(self, source: Any, name: str | None = None, num_examples: int | None = None, called: str = "") -> None:
        if num_examples is not None and num_examples < 1:
            raise InputError(f"num_examples={num_examples} must be at least 1, or null for all examples")
        if isinstance(source, Iterator):
            raise InputError(
                f"examples came as a {type(source).__name__}, which is used up after one pass, and every measurement "
                "takes one; give what makes it: a DataLoader, or a function that returns a new iterator"
            )
        if isinstance(source, type | str | bytes) or not (isinstance(source, Iterable) or callable(source)):
            what = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
            raise InputError(
                f"examples came as {what}; give a DataLoader, a data set, or a function that returns "
                "an iterator of batches"
            )
        if isinstance(source, nn.Module) or not (isinstance(source, Iterable) or _takes_nothing(source)):
            raise InputError(
                f"examples came as a {type(source).__name__} that is called with arguments; give a DataLoader, a data "
                "set, or a function of no arguments that returns an iterator of batches"
            )
        examples = getattr(source, "dataset", None)
        if isinstance(examples, IterableDataset) and iter(examples) is iter(examples):
            raise InputError(
                f"{type(examples).__name__} gives the same iterator each time, which is used up after one pass; let "
                "__iter__ make a new one"
            )
        self.source, self.name, self.num_examples, self.called = source, name, num_examples, called
        self._last: Any = None
        self._is_short = False

    @property
    def num_known(self) -> int | None:
        """N, where it is known before a pass; of a last short batch a little too large."""
        num = _length(self.source)
        if num is None or self.num_examples is None:
            return num if num is not None else self.num_examples
        return min(num, self.num_examples)

    @property
    def is_shuffled(self) -> bool:
        """Whether a loader draws which examples come, or their order."""
        return isinstance(getattr(self.source, "sampler", None), DRAWING)

    @cached_property
    def is_random(self) -> bool:
        """Whether examples depend on random numbers otherwise, as by augmentation: a few are looked at twice."""
        return not is_alike(self._known_few, self._few(SEED + 1))

    @cached_property
    def is_repeatable(self) -> bool:
        """Whether a pass gives what another gave: not with random numbers of its own, nor where it goes on instead."""
        return not self.is_random or is_alike(self._known_few, self._few(SEED))

    @property
    def _has_numbers(self) -> bool:
        """Whether a loader goes over examples by their own numbers."""
        loader, samplers = self.source, (*DRAWING, SequentialSampler)
        return isinstance(loader, DataLoader) and isinstance(loader.sampler, samplers) and loader.batch_size is not None

    @cached_property
    def _known_few(self) -> Split:
        return self._few(SEED) if self._has_numbers else self.first_batch

    def _few(self, seed: int) -> Split:
        """A few examples under other random numbers: by their own numbers where they have any, else a first batch."""
        loader = self.source
        if self._has_numbers:
            data: Any = loader.dataset
            rows = getattr(loader.sampler, "indices", range(len(data)))[:FEW]
            with Draws(seed).drawn():
                return Split.of(loader.collate_fn([data[int(i)] for i in rows]))
        return next(iter(self.batches(seed)))

    def named(self, name: str | None, called: str | None = None) -> Stream:
        """The same under a name."""
        other = copy.copy(self)
        other.name, other.called = name, self.called if called is None else called
        return other

    def limited(self, num: int | None) -> Stream:
        """The same with at most ``num`` examples; what is known of the first batch stays known."""
        if num is None or (self.num_examples is not None and self.num_examples <= num):
            return self
        other = copy.copy(self)
        other.num_examples = num
        if "first_batch" in self.__dict__:
            other.__dict__["first_batch"] = self.first_batch.first(num)
        return other

    @cached_property
    def first_batch(self) -> Split:
        """The first batch of a pass; it shows what the others are like."""
        for split in self.batches():
            return split
        raise InputError(f"{self._told} yields no batch; give at least one example")

    def first(self, num: int) -> Split:
        """At most ``num`` examples of the first batch."""
        return self.first_batch.first(num)

    def batches(self, seed: int = SEED) -> Iterator[Split]:
        """One pass.

        Args:
            seed: of what is shuffled and augmented.

        Raises:
            InputError: a batch that is no batch, or is made otherwise than the first; the iterator of the last pass.
        """
        seen, made = 0, ""
        source = apart(self.source)
        numbers = Draws(seed, generators_of(source))
        with numbers.drawn():
            iterator = self._begun(source() if callable(source) and not isinstance(source, Iterable) else source)
        while self.num_examples is None or seen < self.num_examples:
            with numbers.drawn():
                try:
                    batch = next(iterator)
                except StopIteration:
                    break
            try:
                split = replace(Split.of(batch), is_part=True)
            except InputError as error:
                raise InputError(f"{self._told}, after {seen} examples: {error}") from None
            now = _form(split)
            if made and now != made:
                raise InputError(
                    f"{self._told} yields a batch of another form after {seen} examples: {now} instead of {made}; let "
                    "all batches have the same entries"
                )
            made = now
            if self.num_examples is not None and seen + len(split) > self.num_examples:
                split = split.first(self.num_examples - seen)
            seen += len(split)
            yield split
        told = _length(self.source)
        if told is not None and 0 < seen < min(told, self.num_examples or told) and not self._is_short:
            self._is_short = True
            log.warning("%s yields %d examples, and says that it has %d", self._told, seen, told)
        if not seen:
            again = "first_batch" in self.__dict__
            way = "a function that returns a new iterator each time" if again else "at least one example"
            raise InputError(f"{self._told} yields no batch{' the second time' * again}; give {way}")

    def _begun(self, source: Any) -> Iterator[Any]:
        """A new iterator: one that an earlier pass has begun lacks what that has seen."""
        try:
            iterator: Iterator[Any] = iter(source)
        except TypeError:
            raise InputError(
                f"{self._told} makes a {type(source).__name__}, which yields no batches; let the function return an "
                "iterator of batches"
            ) from None
        if iterator is self._last:
            raise InputError(
                f"{self._told} gives the same iterator again, which goes on where the last pass stopped; give a "
                "function that makes a new one each time"
            )
        self._last = None if isinstance(source, DataLoader) else iterator  # workers that stay have one for all passes
        return iterator

    def blocks(self, size: int) -> Iterator[Split]:
        """One pass, batches of one shape put together until they have ``size`` examples or more."""
        held: list[Split] = []
        for split in self.batches():
            if held and shape_of(held[0]) != shape_of(split):
                yield together(held)
                held = []
            held.append(split)
            if sum(map(len, held)) >= size:
                yield together(held)
                held = []
        if held:
            yield together(held)

    @property
    def _told(self) -> str:
        return self.called or self.name or type(self.source).__name__


def _takes_nothing(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError) as error:  # of one in C nobody knows
        return isinstance(error, ValueError)
    return True


def _length(source: Any) -> int | None:
    """Examples of a loader or data set that says how many it has."""
    if isinstance(source, DataLoader):
        if isinstance(source.dataset, IterableDataset) or source.batch_size is None:
            return None
        if source.drop_last:
            return len(source) * source.batch_size
        sampler: Any = source.sampler
        return len(sampler) if hasattr(sampler, "__len__") else None
    return None


def _form(split: Split) -> str:
    parts = [part.form.signature if isinstance(part, Tree) else str(part.dtype) for part in (split.x, split.y)]
    return " and ".join([split.form, *dict.fromkeys(parts)])


def is_alike(one: Split, other: Split) -> bool:
    """Whether two splits hold the same numbers, those that are none included."""
    pairs = [(leaf, other.leaves.get(name)) for name, leaf in one.leaves.items()]
    return all(
        b is not None and a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all()) for a, b in pairs
    )


def shape_of(split: Split) -> tuple[str, str]:
    """Names, precisions and inner shapes: batches with the same ones can be put together."""
    return signature(split.x), signature(split.y)


def together(splits: Sequence[Split]) -> Split:
    """Batches of one form as one."""
    if len(splits) == 1:
        return splits[0]
    x = joined([split.x for split in splits])
    y = x if splits[0].y is splits[0].x else joined([split.y for split in splits])
    return replace(splits[0], x=x, y=y)


Data = Split | Stream
"""Examples: all at once, or batch by batch."""


def num_of(data: Data) -> int | None:
    """N; None where a stream does not say it beforehand."""
    return data.num_known if isinstance(data, Stream) else len(data)


def shown_of(data: Data) -> Split:
    """What shows the kind of the examples: all of them, or the first batch of a stream."""
    return data.first_batch if isinstance(data, Stream) else data


def limited(data: Data, num: int | None) -> Data:
    """At most the first ``num`` examples; None: all."""
    if isinstance(data, Stream):
        return data.limited(num)
    return data if num is None else data.first(num)
