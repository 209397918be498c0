"""A walk over some of the examples that keeps what each of its batches comes to apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from landscape.data.portion import Cut
from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.objective.record import bytes_of
from landscape.objective.request import Request
from landscape.objective.share.piece import Piece, Switches
from landscape.objective.sums import IN_MEMORY, Sums
from landscape.objective.walk import Walk, switches_of


class PartSums(Sums):
    """The sums of one batch at a time, and the costs of some examples.

    Args:
        request: whose.
        num_points: of the walk.
    """

    def __init__(self, request: Request, num_points: int) -> None:
        of = request.objective
        shape = (of.num_replicates, num_points, len(of.seeds))
        keeps = request.keep_costs if not of.is_streamed or request.noise is not None else False
        super().__init__(shape, None, of.device, keeps, of.passes.spare / 2)
        self.held = self.whole = held_by(request)

    def begin(self, before: int, num: int) -> None:
        """Make room for so many examples, before which others came."""
        self.before, self.totals = before, {}
        self._make_room(num)
        self.held = self.whole

    def taken(self) -> dict[str, Tensor]:
        """The sums of the last batch, which are then forgotten."""
        totals, self.totals = self.totals, {}
        return totals


def held_by(request: Request) -> int:
    """Bytes of memory that all costs take where one process evaluates all: its engines have so much less."""
    of = request.objective
    if of.is_streamed or not request.keep_costs:
        return 0
    dtype = torch.float32 if request.keep_costs is True else request.keep_costs
    num: int = dtype.itemsize * len(of.seeds) * len(request.alphas) * len(of.split)
    return num if num <= min(of.passes.spare / 2, IN_MEMORY) else 0


class PartWalk(Walk):
    """piece(cut, block) -> what it comes to at some points, as it would in a walk over all examples.

    Args:
        request: whose.
        first, num_points: the points.
        engine: instead of the objective's own, where all is redone.
    """

    def __init__(self, request: Request, first: int, num_points: int, engine: str | None = None) -> None:
        of = request.objective
        alphas = request.alphas[first : first + num_points]
        buffers = of.statistics.along(request.path, alphas, of.buffers_0, of.buffers, len(of.seeds))
        self.first, self.part, self.is_lost = first, PartSums(request, num_points), engine == "plain"
        # Each point has statistics of its own, also where it is alone in its part.
        engine = "plain" if of.statistics.recalibrates else engine or of.engine
        at = request.path, alphas, buffers
        super().__init__(of.batches, of.examples, of.passes, *at, self.part, lambda done: None, engine)
        self.read, self.write = switches_of(self.line, self.together)

    @property
    def switches(self) -> Switches:
        """What is found out so far."""
        return Switches.of(self.read())

    def go_on(self, switches: Switches) -> None:
        """From where others came."""
        self.write([switches.together, switches.serves, switches.is_checked])

    def piece(self, cut: Cut, block: Split) -> Piece:
        """Evaluate some examples.

        Args:
            block: all examples that are held, or a block of a stream.
        """
        start, served, data = self.switches, self._num_served, self.examples.data
        is_streamed = isinstance(data, Stream)
        self.part.begin(*cut)
        # Of what is held a cut is a batch by its place; a block of a stream is cut into batches.
        places: Sequence[int] = range(0, cut.num, self.passes.examples) if is_streamed else [cut.before]
        before = cut.before if is_streamed else 0
        totals = []
        for place in places:
            self._add([self.batches(place, self.passes.examples, self.buffers[0], block, before)])
            totals.append(self.part.taken())
        counts, factor = self.examples.counts(block) if is_streamed else ({}, 1)
        return Piece(
            cut,
            self.first,
            len(self.alphas),
            start,
            self.switches,
            served == self._num_served,
            totals,
            self.part.costs,
            counts,
            float(factor),
            "" if isinstance(data, Stream) else digest_of(data, cut),
            {} if self.line is None else {_short(key): num for key, num in self.line.runners.parts.items()},
            self.is_lost,
        )

    @property
    def _num_served(self) -> int:
        return 0 if self.line is None else self.line.num_served


def digest_of(data: Split, cut: Cut) -> str:
    """Of some examples that are held."""
    found = hashlib.sha256()
    for name, tensor in data.leaves.items():
        part = tensor[cut.before : cut.before + cut.num]
        found.update(f"|{name} {tuple(part.shape)} {part.dtype}|".encode())
        found.update(bytes_of(part))
    return found.hexdigest()


def _short(key: Any) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:8]
