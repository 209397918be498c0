"""The examples of an objective as one pass over them cuts them: batches of what is held, blocks of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from landscape.data.portion import Cut, IsWanted, Portion
from landscape.data.split import Split
from landscape.data.stream import Stream


class Blocks:
    """Some blocks of the examples, in order, on the device of their objective.

    Args:
        objective: whose.
        size: examples that a block of a stream has at least.
        is_wanted: which blocks.
        reads_all: also of a loader that could load some alone.

    Attributes:
        cuts: all blocks, once they are known.
        order: a digest of the order of a loader's examples; empty where there is none.
    """

    def __init__(self, objective: Any, size: int, is_wanted: IsWanted, reads_all: bool = False) -> None:
        self.objective, self.is_wanted = objective, is_wanted
        data, each = objective.examples.data, objective.batch_size
        self.portion = Portion(data, size, is_wanted, reads_all) if isinstance(data, Stream) else None
        num = 0 if self.portion is not None else len(objective.split)
        self.held = [Cut(before, min(each, num - before)) for before in range(0, num, each)]

    @property
    def cuts(self) -> list[Cut]:
        """All there are."""
        return self.held if self.portion is None else self.portion.cuts

    @property
    def reads_all(self) -> bool:
        """Whether all of a stream is read."""
        return self.portion is not None and self.portion.reads_all

    @property
    def order(self) -> str:
        """See above."""
        return "" if self.portion is None else self.portion.order

    def __iter__(self) -> Iterator[tuple[Cut, Split | None]]:
        """Each in turn, with all examples that are held or the block of a stream; None where it is not wanted.

        Raises:
            Uneven: of a loader; ask again with ``reads_all``.
        """
        if self.portion is None:
            for number, cut in enumerate(self.held):
                yield cut, self.objective.split if self.is_wanted(number, cut) else None
            return
        examples = self.objective.examples
        for cut, block in self.portion:
            if block is None:
                yield cut, None
                continue
            here = block.to(examples.device, examples.dtype)
            examples.newcomers(here, cut.before)
            yield cut, here
