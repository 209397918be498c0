"""The points of a request, over all examples or over some, and how much work that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape.data.split import Split
from landscape.objective.batch import Batches
from landscape.objective.sums import Evaluation, Sums
from landscape.objective.two_level.subset import Kept, Strewn
from landscape.objective.walk import Walk

Array = NDArray[np.float64]


class Points:
    """The points of a request, to be taken over examples.

    Args:
        request: a ``Request`` that is laid.

    Attributes:
        spent: the work so far, in passes of all examples over one point.
        most: how many examples can be had at first.
        scales: by channel, what its costs are to be multiplied by, so that their mean over all examples is its value.
    """

    def __init__(self, request: Any) -> None:
        self.request, self.of = request, request.objective
        self.num, self.num_points = len(self.of.split), len(request.alphas)
        self.spent, self.expected = 0.0, float(self.num_points)
        self.total = self.of.num_batches * self.num_points
        self.told = 0
        self.scales: dict[str, float] = {}
        self.most = self.num

    def over_all(self, which: Sequence[int]) -> Evaluation:
        """Some points, by number, over all examples, with their costs."""
        split, of = self.of.split, self.of
        shape = (of.num_replicates, len(which), len(of.seeds))

        def sums() -> Sums:
            return Sums(shape, len(split), of.device, True, of.passes.spare / 2)

        found = self._walked(of.batches, split, which, sums)
        self.scales = {name: len(split) / share for name, share in found.shares().items()}
        told: Evaluation = found.evaluation()
        return told

    def over_some(self, numbers: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """All points over some examples, in rising order of their numbers: every channel [K, S, A, n]."""
        of = self.of
        shape, every = (of.num_replicates, self.num_points, len(of.seeds)), range(self.num_points)
        block = self.rows(numbers)
        found = self._walked(
            Strewn(of.batches, numbers), block, every, lambda: Kept(shape, len(numbers), of.device, of.dtype)
        )
        return {name: values.cpu().numpy() for name, values in found.values.items()}

    def want(self, numbers: NDArray[np.intp]) -> None:
        """These examples will be asked for: all are at hand."""

    def rows(self, numbers: NDArray[np.intp]) -> Split:
        """Some examples by number."""
        split: Split = self.of.split
        x, y = split.rows(torch.from_numpy(numbers).to(self.of.device))
        return replace(split, x=x, y=y)

    def _walked(self, batches: Batches, block: Split, which: Sequence[int], make: Any) -> Any:
        """The sums of some points over a block; point by point where a GPU met a value that is not finite."""
        of, request = self.of, self.request
        share = len(block) / self.num
        each = share / -(-len(block) // of.passes.examples)

        def reached(done: int) -> None:
            self._tell(self.spent + done * each)

        for engine in (of.engine, "plain"):
            sums = make()
            at = request.path, request.alphas[list(which)], [request.buffers[a] for a in which]
            walk = Walk(batches, of.examples, of.passes, *at, sums, reached, engine)
            walk.add(0, block)
            if walk.end():
                break
        self.spent += share * len(which)
        return sums

    def _tell(self, spent: float) -> None:
        """How far it is, out of what is expected now."""
        done = int(self.total * min(0.99, spent / max(self.expected, 1e-9)))
        if done > self.told:
            self.told = done
            self.request.progress(done)

    def end(self) -> None:
        """All is done."""
        self.request.progress(self.total)
