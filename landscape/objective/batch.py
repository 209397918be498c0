"""Some examples of a split as each seed sees them in each replicate, and what they cost at any point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from landscape.data.dataset import Split
from landscape.data.tree import Tree, Values
from landscape.ground.streams import MEASURE, MEASURE_SAMPLE, BlockDraws, stream_seed
from landscape.model.dropout import torch_dropout_on
from landscape.objective.forward import ForwardPass, known_of
from landscape.objective.seat import Seat

Buffers = Mapping[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """What one batch brings besides theta, for each (row s of theta, replicate k).

    Args:
        forward: the pass that is made with it.
        start: number of its first example.
        known: {(s, k): what a pass of this row and replicate reads besides theta}.
        seeds: one per row.
        drawing: modules of torch's own dropout, to be on under a seed of (row, replicate, start).
    """

    forward: ForwardPass
    start: int
    known: dict[tuple[int, int], dict[str, Tensor]]
    seeds: Sequence[int]
    drawing: Sequence[nn.Module] = ()

    def channels(
        self,
        theta: Tensor,
        s: int = 0,
        k: int = 0,
        state: Any = None,
        buffers: Buffers | None = None,
        keeps_theta: bool = True,
    ) -> tuple[dict[str, Tensor], Any]:
        """Channels {name: [B]} at a point and, of a module with a state, the state after the batch.

        Args:
            theta: [P].
            s: row.
            k: replicate.
            state: before the batch; None at the first.
            buffers: instead of those of the batch, where they move along the path.
            keeps_theta: the point is needed afterwards, and others' code gets a copy.
        """
        known = self.known[s, k]
        if buffers is not None:
            known = known | {f"buffer {name}": buffer for name, buffer in buffers.items()}
        seed = stream_seed(self.seeds[s], MEASURE, k, self.start) if self.drawing else 0
        with torch.no_grad(), torch_dropout_on(self.drawing, seed, self.forward.device):
            return self.forward.on_copies(theta, known, state, keeps_theta)

    def seated(self, seat: Seat, s: int, k: int, state: Any) -> tuple[dict[str, Tensor], Any]:
        """The same where the module is at the point already."""
        if not self.drawing:
            return seat(self.known[s, k], state)
        with torch_dropout_on(self.drawing, stream_seed(self.seeds[s], MEASURE, k, self.start), self.forward.device):
            return seat(self.known[s, k], state)


class Batches:
    """batches(start, num, buffers) -> the ``Batch`` of these examples, always the same.

    Args:
        forward: of one batch.
        split: the examples, on the device of the pass.
        seeds: one per row of theta; they choose masks and samples.
        is_random: whether masks are drawn and torch's own dropout is on.
        drawing: modules of torch's own dropout.
        num_replicates: K.
    """

    def __init__(
        self,
        forward: ForwardPass,
        split: Split,
        seeds: Sequence[int],
        is_random: bool,
        drawing: Sequence[nn.Module] = (),
        num_replicates: int = 1,
    ) -> None:
        self.forward, self.split, self.seeds, self.is_random = forward, split, seeds, is_random
        self.drawing, self.num_replicates = drawing if is_random else (), num_replicates
        self._masks = BlockDraws(forward.masks.draw, 1, forward.device)
        self._samples = BlockDraws(self._uniform, 0, forward.device)

    def __call__(
        self, start: int, num: int, buffers: Sequence[Buffers], block: Split | None = None, before: int = 0
    ) -> Batch:
        """``num`` examples from ``start`` on; ``buffers`` of each row.

        Args:
            block: to take them from, instead of the split.
            before: so many examples came before the block.
        """
        x, y = (block or self.split).rows(slice(start, start + num))
        rows, first = range(len(self.seeds)), before + start
        masks = {(s, k): self.masks(first, len(x), s, k) for s, k in product(rows, range(self.num_replicates))}
        seen = [self._seen(first, x, s) for s in rows]
        known = {(s, k): known_of(seen[s], y, buffers[s], drawn) for (s, k), drawn in masks.items()}
        return Batch(self.forward, first, known, self.seeds, self.drawing)

    def one(self, x: Values, y: Values, buffers: Buffers, masks: Tensor | None = None) -> Batch:
        """Any examples as the first row would see them as the first of the split, in its first replicate.

        Args:
            masks: to take instead of those that are drawn.
        """
        drawn = self.masks(0, len(x), 0, 0) if masks is None else masks
        return Batch(self.forward, 0, {(0, 0): known_of(x, y, buffers, drawn)}, self.seeds, self.drawing)

    def few(self, most: int, buffers: Buffers) -> Batch:
        """The first examples, of sequences one block, as copies that may be written to."""
        x, y = self.split.rows(slice(self.split.num_streams or most))
        return self.one(*copied(x, y), buffers)

    def masks(self, start: int, count: int, s: int, k: int) -> Tensor | None:
        """Masks [draws, B, F] of one row and replicate; None where there is nothing to mask."""
        return self._masks((self.seeds[s], MEASURE, k), start, count) if self.draws_masks else None

    @property
    def draws_masks(self) -> bool:
        """Whether there is something to mask."""
        return self.is_random and len(self.forward.masks) > 0

    def _seen(self, start: int, x: Values, s: int) -> Values:
        """The inputs as one row sees them: x itself, or one Bernoulli sample of it that never changes."""
        if not self.split.is_resampled or isinstance(x, Tree):
            return x
        return (self.uniform(start, len(x), s) < x).to(x.dtype)

    def uniform(self, start: int, count: int, s: int) -> Tensor:
        """The random numbers [B, ...] by which one row samples the inputs of some examples."""
        return self._samples((self.seeds[s], MEASURE_SAMPLE), start, count)

    def _uniform(self, count: int, generator: torch.Generator) -> Tensor:
        assert isinstance(self.split.x, Tensor)  # what is sampled anew is one tensor
        return torch.rand((count, *self.split.x.shape[1:]), generator=generator, device=self.forward.device)


def copied(x: Values, y: Values) -> tuple[Values, Values]:
    """Copies of inputs and targets, one object where they are one."""
    other = x.clone()
    return other, other if y is x else y.clone()
