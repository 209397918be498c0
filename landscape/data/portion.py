"""Some blocks of a stream, cut where a pass over all of it would cut them; of a loader only these are loaded."""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from torch.utils.data import DataLoader, IterableDataset, default_collate

from landscape.data.draws import SEED, Draws, apart, generators_of
from landscape.data.split import Split
from landscape.data.stream import Stream, shape_of, together

log = logging.getLogger(__name__)


class Cut(NamedTuple):
    """A block: examples of which each has a number.

    Args:
        before: number of its first example.
        num: examples.
    """

    before: int
    num: int


IsWanted = Callable[[int, Cut], bool]
"""(number of a block, block) -> whether it is to be had."""


class Uneven(Exception):
    """A loader's batches are not as long, or not of the shape, that their numbers said: all must be read."""


class Portion:
    """Blocks of a stream as one pass cuts them: ``Stream.blocks``, of which only some are wanted.

    A ``DataLoader`` that picks its batches by numbers loads those of the wanted blocks alone, in the order in which it
    would: workers and ``drop_last`` stay. All else is read, and what is not wanted is passed over: other streams,
    examples that are made at random, batches of several shapes, and those that a ``collate_fn`` of somebody's makes.

    Args:
        stream: the examples.
        size: examples that a block has at least, but for the last and where shapes differ.
        is_wanted: which blocks.
        reads_all: also of a loader.
    """

    def __init__(self, stream: Stream, size: int, is_wanted: IsWanted, reads_all: bool = False) -> None:
        self.stream, self.size, self.is_wanted = stream, size, is_wanted
        self.cuts: list[Cut] = []
        """All blocks, once their number is known or the pass is over."""
        self.order = ""
        """A digest of the numbers of all examples in the order of the loader; empty where all is read."""
        self.loader = None if reads_all or stream.is_random else _by_number(stream.source)
        if self.loader is not None:
            self._plan(self.loader)

    @property
    def reads_all(self) -> bool:
        """Whether all examples are read."""
        return self.loader is None

    def __iter__(self) -> Iterator[tuple[Cut, Split | None]]:
        """Each block in turn, None for those that are not wanted.

        Raises:
            Uneven: see there; ask again with ``reads_all``.
        """
        return self._read() if self.loader is None else self._loaded(self.loader)

    def _read(self) -> Iterator[tuple[Cut, Split | None]]:
        self.cuts, before = [], 0
        for number, block in enumerate(self.stream.blocks(self.size)):
            cut = Cut(before, len(block))
            before += len(block)
            self.cuts.append(cut)
            yield cut, block if self.is_wanted(number, cut) else None

    def _plan(self, loader: DataLoader[Any]) -> None:
        """Learn which batches there are, and lay blocks over them."""
        plan = Chosen(loader.batch_sampler, [], self.stream.num_examples)
        with Draws(SEED, generators_of(loader)).drawn():
            next(iter(_over(loader, plan, num_workers=0)), None)
        self.order, most = plan.order, self.stream.num_examples
        self.batches, self.spans, first, before, seen = list[int](), list[tuple[int, int]](), 0, 0, 0
        for n, length in enumerate(plan.lengths):
            length = length if most is None else min(length, most - seen)
            if length <= 0:
                break
            seen += length
            self.batches.append(length)
            if seen - before >= self.size or n == len(plan.lengths) - 1 or seen == most:
                self.spans.append((first, n + 1))
                self.cuts.append(Cut(before, seen - before))
                first, before = n + 1, seen

    def _loaded(self, loader: DataLoader[Any]) -> Iterator[tuple[Cut, Split | None]]:
        wanted = [self.is_wanted(n, cut) for n, cut in enumerate(self.cuts)]
        numbers = [
            n for (start, stop), is_one in zip(self.spans, wanted, strict=True) if is_one for n in range(start, stop)
        ]
        chosen = Chosen(loader.batch_sampler, numbers, self.stream.num_examples)
        part = copy.copy(self.stream)
        part.source, part.num_examples, part._is_short = _over(loader, chosen), None, True
        batches, shape = iter(part.batches()) if numbers else iter(()), shape_of(self.stream.first_batch)
        for cut, (start, stop), is_one in zip(self.cuts, self.spans, wanted, strict=True):
            found = list[Split]()
            for n in range(start, stop) if is_one else ():
                batch = next(batches, None)
                if batch is not None and len(batch) > self.batches[n]:  # the last of a limited number
                    batch = batch.first(self.batches[n]) if n == len(self.batches) - 1 else None
                if batch is None or len(batch) != self.batches[n] or shape_of(batch) != shape:
                    raise Uneven
                found.append(batch)
            if chosen.order not in ("", self.order):
                raise Uneven
            yield cut, together(found) if found else None


class Chosen:
    """A batch sampler of which some batches are left out, whose numbers are drawn all the same.

    Args:
        inner: the sampler.
        numbers: of the batches that are left, in ascending order.
        most: examples after which no batch follows; None: all follow.
    """

    def __init__(self, inner: Any, numbers: Sequence[int], most: int | None) -> None:
        self.inner, self.numbers, self.most = inner, numbers, most
        self.lengths: list[int] = []
        self.order = ""

    def __getattr__(self, name: str) -> Any:
        # The generators that a sampler draws from are looked for by name.
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __iter__(self) -> Iterator[Any]:
        batches, found, seen = list[Any](), hashlib.sha256(), 0
        for batch in self.inner:
            batches.append(batch)
            found.update(repr([int(n) if hasattr(n, "__index__") else n for n in batch]).encode())
            seen += len(batch)
            if self.most is not None and seen >= self.most:  # there may be no end
                break
        self.lengths, self.order = [len(batch) for batch in batches], found.hexdigest()
        yield from (batches[n] for n in self.numbers if n < len(batches))

    def __len__(self) -> int:
        return len(self.numbers)


def _by_number(source: Any) -> DataLoader[Any] | None:
    """A loader that picks its batches by numbers, apart from its caller's pass; None for anything else."""
    is_plain = isinstance(source, DataLoader) and type(source).__iter__ is DataLoader.__iter__
    if is_plain and source.collate_fn is not default_collate:
        return None  # it may pad: who meets even batches alone would cut them otherwise than who meets the others
    if not is_plain or isinstance(source.dataset, IterableDataset) or source.batch_sampler is None:
        return None
    loader: DataLoader[Any] = apart(source)
    return loader


def _over(loader: DataLoader[Any], batches: Chosen, **changes: Any) -> DataLoader[Any]:
    """The same loader over other batches: it refuses to be told so after it was made."""
    other = copy.copy(loader)
    other.__dict__.update(batch_sampler=batches, **changes)
    other._iterator = None
    return other
