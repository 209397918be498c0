"""Examples that come in batches, one pass at a time: whatever yields batches, without ever holding all of them."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler

from landscape.data.split import Split
from landscape.data.tree import Tree, joined, signature
from landscape.errors import InputError

log = logging.getLogger(__name__)

SEED = 0
"""Under which every pass shuffles and augments: two passes see the same, as far as they draw from the global
generators of torch, NumPy and Python."""


class Stream:
    """batches() -> one ``Split`` per batch, in one pass over the source.

    Each pass draws its shuffling and augmentation from the same random numbers, so that two passes see the same batches
    as far as they come from the global generators of torch, NumPy and Python; those of the caller go on undisturbed.

    Args:
        source: a ``DataLoader``, an iterable data set, or a function that returns a new iterator each time.
        name: what the examples are called; without a name and a fingerprint no result of them counts as done before.
        num_examples: stop after so many; None: all.

    Raises:
        InputError: an iterator that is used up after one pass; no batches.
    """

    num_streams = None
    is_resampled = False

    def __init__(self, source: Any, name: str | None = None, num_examples: int | None = None) -> None:
        if num_examples is not None and num_examples < 1:
            raise InputError(f"num_examples={num_examples} must be at least 1, or null for all examples")
        if isinstance(source, Iterator):
            raise InputError(
                f"examples came as a {type(source).__name__}, which is used up after one pass, and every measurement "
                "takes one; give what makes it: a DataLoader, or a function that returns a new iterator"
            )
        if not (isinstance(source, Iterable) or callable(source)):
            raise InputError(
                f"examples came as {type(source).__name__}; give a DataLoader, a data set, or a function that returns "
                "an iterator of batches"
            )
        self.source, self.name, self.num_examples = source, name, num_examples

    @property
    def num_known(self) -> int | None:
        """N, where it is known before a pass; of a last short batch a little too large."""
        num = _length(self.source)
        if num is None or self.num_examples is None:
            return num if num is not None else self.num_examples
        return min(num, self.num_examples)

    @property
    def is_shuffled(self) -> bool:
        """Whether a loader draws the order of the examples."""
        return isinstance(getattr(self.source, "sampler", None), RandomSampler)

    @cached_property
    def first_batch(self) -> Split:
        """The first batch of a pass; it shows what the others are like."""
        for split in self.batches():
            return split
        raise InputError(f"{self._told} yields no batch; give at least one example")

    def first(self, num: int) -> Split:
        """At most ``num`` examples of the first batch."""
        return self.first_batch.first(num)

    def batches(self) -> Iterator[Split]:
        """One pass.

        Raises:
            InputError: a batch that is no batch, or is made otherwise than the first.
        """
        seen, made = 0, ""
        numbers = _Numbers(SEED)
        with numbers.drawn():
            made_anew = (
                self.source() if callable(self.source) and not isinstance(self.source, Iterable) else self.source
            )
            iterator = iter(made_anew)
        while self.num_examples is None or seen < self.num_examples:
            with numbers.drawn():
                try:
                    batch = next(iterator)
                except StopIteration:
                    break
            try:
                split = Split.of(batch)
            except InputError as error:
                raise InputError(f"batch {seen} of {self._told}: {error}") from None
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
        if not seen:
            raise InputError(
                f"{self._told} yields no batch{' the second time' if 'first_batch' in self.__dict__ else ''}; "
                "give a function that returns a new iterator each time"
            )

    def blocks(self, size: int) -> Iterator[Split]:
        """One pass, batches of one shape put together until they have ``size`` examples or more."""
        held: list[Split] = []
        for split in self.batches():
            if held and _shape(held[0]) != _shape(split):
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
        return self.name or type(self.source).__name__


class _Numbers:
    """The global random numbers of one pass, apart from those of the caller."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._state: Any = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Inside the block the global generators go on where the last block of this pass left them."""
        before = _state()
        if self._state is None:
            torch.manual_seed(self.seed)
            np.random.seed(self.seed)
            random.seed(self.seed)
        else:
            _restore(self._state)
        try:
            yield
        finally:
            self._state = _state()
            _restore(before)


def _state() -> tuple[Any, ...]:
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def _restore(state: tuple[Any, ...]) -> None:
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    random.setstate(state[2])


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


def _shape(split: Split) -> tuple[str, str]:
    return signature(split.x), signature(split.y)


def together(splits: Sequence[Split]) -> Split:
    """Batches of one form as one."""
    if len(splits) == 1:
        return splits[0]
    x = joined([split.x for split in splits])
    y = x if splits[0].y is splits[0].x else joined([split.y for split in splits])
    return Split(x, y, form=splits[0].form)
