"""Which examples stand for all, and what they cost at every point: each under its own random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.data.split import Split
from landscape.data.tree import Tree, Values
from landscape.ground.streams import MASK_BLOCK, SUBSET, stream_seed
from landscape.objective.batch import Batch, Batches, Buffers
from landscape.objective.forward import known_of
from landscape.objective.sums import Sums

KEY_BLOCK = 4096
"""Examples whose keys come from one stream."""


def keys(first: int, num: int, seed: int = 0) -> NDArray[np.float64]:
    """A random number for each of some examples, which depends on the number of the example alone.

    The examples with the smallest are a random subset, whatever comes in which blocks and however many there are.

    Args:
        first: number of the first of them.
        num: how many.
        seed: of the choice.
    """
    blocks = range(first // KEY_BLOCK, (first + num - 1) // KEY_BLOCK + 1)
    drawn = [np.random.default_rng(stream_seed(seed, SUBSET, block)).random(KEY_BLOCK) for block in blocks]
    start = first - blocks[0] * KEY_BLOCK
    return np.concatenate(drawn)[start : start + num]


def chosen(num_examples: int, count: int, seed: int = 0) -> NDArray[np.intp]:
    """The numbers of ``count`` examples at random, in an order in which any first part is a random subset too."""
    return np.argsort(keys(0, num_examples, seed), kind="stable")[:count]


class Strewn(Batches):
    """As ``Batches``, of examples that do not follow each other: each has the masks and samples of its own number.

    Args:
        batches: of all examples.
        numbers: of the examples of the block [n], in rising order.
    """

    def __init__(self, batches: Batches, numbers: NDArray[np.intp]) -> None:
        self.__dict__.update(batches.__dict__)
        self.numbers = numbers

    def __call__(
        self, start: int, num: int, buffers: Sequence[Buffers], block: Split | None = None, before: int = 0
    ) -> Batch:
        """``num`` examples of the block from ``start`` on."""
        assert block is not None
        x, y = block.rows(slice(start, start + num))
        here = self.numbers[start : start + num]
        known = {}
        for s in range(len(self.seeds)):
            seen = self._sampled(x, here, s)
            for k in range(self.num_replicates):
                known[s, k] = known_of(seen, y, buffers[s], self._gathered_masks(here, s, k))
        return Batch(self.forward, start, known, self.seeds, self.drawing)

    def _gathered_masks(self, here: NDArray[np.intp], s: int, k: int) -> Tensor | None:
        """Masks [draws, B, F] of these examples."""
        if self.masks(int(here[0]), 1, s, k) is None:
            return None
        return _gathered(here, lambda first, num: self.masks(first, num, s, k), 1)

    def _sampled(self, x: Values, here: NDArray[np.intp], s: int) -> Values:
        """The inputs as one row sees them."""
        if not self.split.is_resampled or isinstance(x, Tree):
            return x
        return (_gathered(here, lambda first, num: self.uniform(first, num, s), 0) < x).to(x.dtype)


def _gathered(here: NDArray[np.intp], draw: Callable[[int, int], Any], axis: int) -> Tensor:
    """What ``draw(first, num)`` gives for examples of these numbers, block by block of its streams."""
    parts = []
    for block in np.unique(here // MASK_BLOCK):
        inside = here[here // MASK_BLOCK == block]
        first = int(inside[0])
        drawn: Tensor = draw(first, int(inside[-1]) - first + 1)
        parts.append(drawn.index_select(axis, torch.from_numpy(inside - first).to(drawn.device)))
    return torch.cat(parts, dim=axis)


class Kept(Sums):
    """Keeps what every example costs in every channel, of each replicate, at every point.

    Args:
        shape: (K, A, S).
        num_examples: n.
        device: where the values come from.
        dtype: in which they are kept.
    """

    def __init__(
        self, shape: tuple[int, int, int], num_examples: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__(shape, num_examples, device)
        self.dtype, self.values = dtype, dict[str, Tensor]()

    def keep(self, k: int, s: int, values: Tensor, start: int, a: int = 0, name: str = "objective") -> None:
        """A channel [points, B] of the examples from ``start`` on at the points from a on."""
        if name not in self.values:
            num_replicates, num_points, rows = self.shape
            shape = (num_replicates, rows, num_points, self.num_examples)
            self.values[name] = torch.empty(shape, dtype=self.dtype, device=values.device)
        self.values[name][k, s, a : a + len(values), start : start + values.shape[1]] = values
