"""The examples of one objective where they are computed with: all of them, or block by block of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from landscape.cost.contract import has_counts
from landscape.cost.labels import scales
from landscape.data.reading import as_data
from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.data.tree import Tree
from landscape.objective.sums import Sums


class Examples:
    """Examples on a device, in one precision.

    Args:
        source: what ``as_data`` takes.
        cost: it may say that not every example counts once.
        device: where to.
        dtype: of floating-point tensors.

    Attributes:
        split: all of them, or the first batch of a stream.
        scales: what turns plain means into those over what counts, see ``landscape.cost.labels``; of a stream, whose
            counts are known at its end alone, none.
    """

    def __init__(self, source: Any, cost: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.data, self.cost, self.device, self.dtype = as_data(source), cost, device, dtype
        shown = self.data.first_batch if isinstance(self.data, Stream) else self.data
        self.scales: Mapping[str, float] = {}
        if not (self.is_streamed or isinstance(shown.y, Tree)):
            self.scales = scales(cost, shown.y)
        self.split = shown.to(device, dtype)
        self.newcomers: Callable[[Split, int], None] = lambda block, before: None
        """Told each block of a stream and how many examples came before; raises InputError for what does not fit."""

    @property
    def is_streamed(self) -> bool:
        """Whether they come in batches."""
        return isinstance(self.data, Stream)

    @property
    def num(self) -> int | None:
        """N; None where a stream does not say it beforehand."""
        return self.data.num_known if isinstance(self.data, Stream) else len(self.split)

    def blocks(self, size: int) -> Iterator[tuple[int, Split]]:
        """(number of its first example, examples) of all there are: one block, or those of a stream.

        Args:
            size: examples that a block of a stream has at least, but for the last and where shapes differ.
        """
        if not isinstance(self.data, Stream):
            yield 0, self.split
            return
        before = 0
        for block in self.data.blocks(size):
            here = block.to(self.device, self.dtype)
            self.newcomers(here, before)
            yield before, here
            before += len(block)

    def counted(self, block: Split, sums: Sums) -> AbstractContextManager[None]:
        """Inside it the values of a block go to the sums, which must know of a stream what they are divided by."""
        return sums.block(len(block), *self.counts(block)) if self.is_streamed else nullcontext()

    def counts(self, block: Split) -> tuple[dict[str, float], int]:
        """What the sums of some channels over a block of a stream are to be divided by, as far as it goes.

        Returns:
            By channel, every other by the number of examples; and how many labels an example has, over which its values
            are means: blocks may differ.
        """
        if not has_counts(self.cost) or isinstance(block.y, Tree):
            return {}, 1
        counts = {name: float(part.double().sum()) for name, part in self.cost.counts(block.y).items()}
        return counts, 1 if block.y.is_floating_point() else block.y[0].numel()
