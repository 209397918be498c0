"""Once over the data for some points of a path, by the engine that serves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.data.split import Split
from landscape.objective.batch import Batch, Batches
from landscape.objective.engine.line import LineSums, line_sums
from landscape.objective.engine.stacked import StackedPoints
from landscape.objective.examples import Examples
from landscape.objective.interim import Interim, Switches, question_of
from landscape.objective.memory.kept import keep_freed
from landscape.objective.memory.passes import Passes
from landscape.objective.seat import Seat
from landscape.objective.sums import Listener, Sums
from landscape.parameters import row_of

log = logging.getLogger(__name__)


class Walk:
    """Adds every channel at every point to sums, block by block of the examples.

    Args:
        batches: makes each batch as the seeds see it.
        examples: all there are.
        passes: how many examples and points are held at once.
        path: alpha -> theta [S, P].
        alphas: [A].
        buffers: [A][S].
        sums: where the values go.
        reached: told how many (batch, alpha) pairs are done.
        engine: of ``landscape.objective.engine``.
    """

    def __init__(
        self,
        batches: Batches,
        examples: Examples,
        passes: Passes,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        buffers: list[list[Mapping[str, Tensor]]],
        sums: Sums,
        reached: Callable[[int], None],
        engine: str,
    ) -> None:
        self.batches, self.examples, self.passes = batches, examples, passes
        self.path, self.alphas, self.buffers, self.sums = path, alphas, buffers, sums
        self.reached, self.engine, self.done = reached, engine, 0
        self.states: dict[tuple[int, int, int], Any] = {}
        self.interim: Interim | None = None
        forward = batches.forward
        if forward.device.type == "cpu":
            keep_freed()
        moving = any(row is not buffers[0] for row in buffers)
        # torch's own dropout draws from the global generator inside the forward pass, and what a forward pass writes
        # into its own weights may go by their values: nothing that can be traced.
        alone = moving or bool(batches.drawing) or "theta" in forward.written
        limit = passes.limit(len(alphas), sums.held, one_by_one=alone or forward.is_stateful)
        self.line = line_sums("plain" if alone else engine, forward, path, alphas, limit)
        self.together = StackedPoints(forward.on_copies, limit.together)
        self.seat = Seat(forward, passes.foot.pools)
        # What is drawn for a batch is forgotten before the next.
        self.waits = not (batches.split.is_resampled or batches.draws_masks)

    def keep_in(self, interim: Interim, noise: Listener | None) -> None:
        """Keep what is known of a stream there meanwhile, and go on from what is there."""
        self.interim = interim
        interim.begin(self._question(), self.sums, noise, switches_of(self.line, self.together))

    def add(self, before: int, block: Split) -> None:
        """Some examples, of a stream its next ones.

        Args:
            before: number of the first of them.
            block: on the device of the pass.

        Raises:
            OtherData: a stream does not begin with the examples that were kept.
        """
        if self.interim is not None and self.interim.skips(block):
            return
        size = self.passes.examples
        with self.examples.counted(block, self.sums):
            starts = range(0, len(block), size)
            self._add(self.batches(start, size, self.buffers[0], block, before) for start in starts)
        if self.interim is not None:
            self.interim.keep()

    def end(self) -> bool:
        """Whether all sums are good: not where a GPU met a value that is not finite, which is redone point by point.

        Raises:
            OtherData: a stream ended before the examples that were kept.
        """
        if self.interim is not None:
            self.interim.end()
        return self.line is None or not self.line.is_lost

    def _add(self, batches: Iterable[Batch]) -> None:
        """Some batches at every point, which add up in this order at each of them."""
        waiting = list[Batch]()
        for batch in batches:
            if self.line is not None and self.line.serves:
                self._plain(waiting)
                waiting.clear()
                if self.line.add(batch.known, self.states, self.sums, batch.start):
                    self._count(len(self.alphas))
                    continue
            if (first := self._together(batch)) == 0 and self.waits:
                waiting.append(batch)
            else:
                self._plain([batch], first)
        self._plain(waiting)

    def _together(self, batch: Batch) -> int:
        """One batch at several points at once, as far as that goes: the number of points that are done."""
        alphas, together, forward, a = self.alphas, self.together, self.batches.forward, 0
        while together.num > 1 and a < len(alphas):
            thetas = [self.path(float(v)).to(forward.device, forward.dtype) for v in alphas[a : a + together.num]]
            if len(thetas) == 1 or not together.add(torch.stack(thetas), batch.known, self.sums, a, batch.start):
                break
            a += len(thetas)
            self._count(len(thetas))
        return a

    def _plain(self, batches: Sequence[Batch], first: int = 0) -> None:
        """Some batches at one point after another, from a number on: each point is made once for all of them."""
        if not batches:
            return
        forward = self.batches.forward
        with torch.no_grad(), self.seat.taken() as seat:
            for a in range(first, len(self.alphas)):
                thetas = self.path(float(self.alphas[a])).to(forward.device, forward.dtype)
                num_rows = len(thetas)
                for s in range(num_rows):
                    seat.move(thetas[s], self.buffers[a][s])
                    before = None if seat.is_wary or len(batches) == 1 else self.sums.at(a, s)
                    for batch in batches:
                        self._at(a, s, batch)
                        self._count(int(s + 1 == num_rows))
                    if before is not None and not seat.is_untouched():
                        log.info("%s writes into what it is given: a copy for every batch", forward.name)
                        seat.is_wary = True
                        seat.move(thetas[s], self.buffers[a][s])
                        self.sums.put(a, s, before)
                        for batch in batches:
                            self._at(a, s, batch)
                seat.leave()
                del thetas  # a point of many parameters is gone before the next is made

    def _at(self, a: int, s: int, batch: Batch) -> None:
        """One batch at the point where the module is."""
        for k in range(self.batches.num_replicates):
            channels, self.states[a, s, k] = batch.seated(self.seat, s, k, self.states.get((a, s, k)))
            self.sums.add(k, a, s, channels, batch.start)

    def _count(self, num: int) -> None:
        """So many (batch, alpha) pairs are done."""
        self.done += num
        if num:
            self.reached(self.done)

    def _question(self) -> str:
        """A digest of all that decides the sums but the data: where, of what, and what a few examples cost there."""
        forward, batches, path, alphas = self.batches.forward, self.batches, self.path, self.alphas
        ends = [path(float(alphas[a])) for a in (0, len(alphas) // 2, -1)]
        channels, _ = batches.few(64, self.buffers[0][0]).channels(row_of(ends[1], 0).to(forward.device, forward.dtype))
        words = {
            "model": forward.name,
            "channels": list(channels),
            "dtype": str(forward.dtype),
            "device": forward.device.type,
            "seeds": list(batches.seeds),
            "is_random": batches.is_random,
            "shape": self.sums.shape,
            "costs": str(self.sums.cost_dtype),
            "size": self.passes.examples,
            "engine": self.engine,
            "alphas": [float(alpha).hex() for alpha in alphas],
        }
        statistics = [tensor for rows in (self.buffers[0], self.buffers[-1]) for row in rows for tensor in row.values()]
        return question_of(words, [*ends, *channels.values(), *statistics])


def switches_of(line: LineSums | None, together: StackedPoints) -> Switches:
    """What the engines have found out of a line so far, to be read and set."""

    def read() -> list[int]:
        return [together.num] if line is None else [together.num, line.serves, line.is_checked]

    def write(values: list[int]) -> None:
        together.num = values[0]
        if line is not None:
            line.serves, line.is_checked = bool(values[1]), bool(values[2])

    return read, write
