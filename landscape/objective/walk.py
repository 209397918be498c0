"""Once over the data for some points of a path: batches outside, points inside, by the engine that serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from landscape.objective.sums import Listener, Sums
from landscape.parameters import row_of
from landscape.path.contract import BetweenEnds


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
            for start in range(0, len(block), size):
                self._add(self.batches(start, size, self.buffers[0], block, before))
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

    def _add(self, batch: Batch) -> None:
        """One batch at every point: masks are drawn and data is touched once for the whole line."""
        alphas, forward, together = self.alphas, self.batches.forward, self.together
        if self.line is not None and self.line.add(batch.known, self.states, self.sums, batch.start):
            self.done += len(alphas)
            self.reached(self.done)
            return
        a, thetas = 0, list[Tensor]()
        is_single = batch.forward.is_safe or self.batches.num_replicates == 1
        while a < len(alphas):
            thetas.clear()  # a point of many parameters is gone before the next is made
            thetas = [self.path(float(v)).to(forward.device, forward.dtype) for v in alphas[a : a + together.num]]
            if len(thetas) > 1 and together.add(torch.stack(thetas), batch.known, self.sums, a, batch.start):
                a += len(thetas)
            else:
                for s, k in batch.known:
                    channels, self.states[a, s, k] = batch.channels(
                        row_of(thetas[0], s),
                        s,
                        k,
                        self.states.get((a, s, k)),
                        self.buffers[a][s],
                        keeps_theta=not (is_single and self._is_made_anew(float(alphas[a]))),
                    )
                    self.sums.add(k, a, s, channels, batch.start)
                a += 1
            self.reached(self.done + a)
        self.done += len(alphas)

    def _is_made_anew(self, alpha: float) -> bool:
        """Whether nobody else holds the point at alpha."""
        return isinstance(self.path, BetweenEnds) and alpha not in (0.0, 1.0)

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
