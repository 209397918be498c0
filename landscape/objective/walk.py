"""Once over the data for some points of a path: batches outside, points inside, by the engine that serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.objective.batch import Batch, Batches
from landscape.objective.engine.line import LineSums, line_sums
from landscape.objective.engine.stacked import StackedPoints
from landscape.objective.examples import Examples
from landscape.objective.interim import Interim, Switches, question_of
from landscape.objective.memory.passes import Passes
from landscape.objective.sums import Sums
from landscape.parameters import row_of


@dataclass(frozen=True)
class Walk:
    """walk(path, alphas, buffers, sums, reached, engine) adds every channel at every point to ``sums``.

    Args:
        batches: makes each batch as the seeds see it.
        examples: all there are.
        passes: how many examples and points are held at once.
    """

    batches: Batches
    examples: Examples
    passes: Passes

    def __call__(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        buffers: list[list[Mapping[str, Tensor]]],
        sums: Sums,
        reached: Callable[[int], None],
        engine: str,
        begin: Callable[[Switches], Interim] | None = None,
    ) -> bool:
        """Whether all sums are good: not where a GPU met a value that is not finite, which is redone point by point.

        Args:
            path: alpha -> theta [S, P].
            alphas: [A].
            buffers: [A][S].
            sums: where the values go.
            reached: told how many (batch, alpha) pairs are done.
            engine: of ``landscape.objective.engine``.
            begin: makes what keeps the sums of a stream meanwhile.

        Raises:
            OtherData: a stream does not begin with the examples that were kept.
        """
        done, forward = 0, self.batches.forward
        states: dict[tuple[int, int, int], Any] = {}
        moving = any(row is not buffers[0] for row in buffers)
        # torch's own dropout draws from the global generator inside the forward pass, and what a forward pass writes
        # into its own weights may go by their values: nothing that can be traced.
        alone = moving or bool(self.batches.drawing) or "theta" in forward.written
        limit = self.passes.limit(len(alphas), sums.held, one_by_one=alone or forward.is_stateful)
        line = line_sums("plain" if alone else engine, forward, path, alphas, limit)
        together = StackedPoints(forward.on_copies, limit.together)
        # Masks are drawn and data is touched once for the whole line.
        interim = None if begin is None else begin(_switches(line, together))
        for batch in self._batches(buffers[0], sums, interim):
            if line is not None and line.add(batch.known, states, sums, batch.start):
                done += len(alphas)
                reached(done)
                continue
            a = 0
            while a < len(alphas):
                thetas = [path(float(v)).to(forward.device, forward.dtype) for v in alphas[a : a + together.num]]
                if len(thetas) > 1 and together.add(torch.stack(thetas), batch.known, sums, a, batch.start):
                    a += len(thetas)
                else:
                    for s, k in batch.known:
                        channels, states[a, s, k] = batch.channels(
                            row_of(thetas[0], s), s, k, states.get((a, s, k)), buffers[a][s]
                        )
                        sums.add(k, a, s, channels, batch.start)
                    a += 1
                reached(done + a)
            done += len(alphas)
        return line is None or not line.is_lost

    def question(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        buffers: list[list[Mapping[str, Tensor]]],
        sums: Sums,
        engine: str,
    ) -> str:
        """A digest of all that decides the sums but the data: where, of what, and what a few examples cost there."""
        forward, batches = self.batches.forward, self.batches
        ends = [path(float(alphas[a])) for a in (0, len(alphas) // 2, -1)]
        channels, _ = batches.few(64, buffers[0][0]).channels(row_of(ends[1], 0).to(forward.device, forward.dtype))
        words = {
            "model": forward.name,
            "channels": list(channels),
            "dtype": str(forward.dtype),
            "device": forward.device.type,
            "seeds": list(batches.seeds),
            "is_random": batches.is_random,
            "shape": sums.shape,
            "costs": str(sums.cost_dtype),
            "size": self.passes.examples,
            "engine": engine,
            "alphas": [float(alpha).hex() for alpha in alphas],
        }
        statistics = [tensor for rows in (buffers[0], buffers[-1]) for row in rows for tensor in row.values()]
        return question_of(words, [*ends, *channels.values(), *statistics])

    def _batches(self, buffers: Sequence[Mapping[str, Tensor]], sums: Sums, interim: Interim | None) -> Iterator[Batch]:
        """Every batch that is still to be counted; of a stream each block's counts go to the sums with it."""
        size = self.passes.examples
        for before, block in self.examples.blocks(size):
            if interim is not None and interim.skips(block):
                continue
            with self.examples.counted(block, sums):
                for start in range(0, len(block), size):
                    yield self.batches(start, size, buffers, block, before)
            if interim is not None:
                interim.keep()
        if interim is not None:
            interim.end()


def _switches(line: LineSums | None, together: StackedPoints) -> Switches:
    """What the engines have found out of a line so far, to be read and set."""

    def read() -> list[int]:
        return [together.num] if line is None else [together.num, line.serves, line.is_checked]

    def write(values: list[int]) -> None:
        together.num = values[0]
        if line is not None:
            line.serves, line.is_checked = bool(values[1]), bool(values[2])

    return read, write
