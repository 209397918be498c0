"""What is asked of objectives along paths; several that share a stream are answered in one pass over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.cost.labels import check_counts
from landscape.data.split import Split
from landscape.errors import InputError
from landscape.ground.precision import tf32
from landscape.objective.interim import Interim, OtherData
from landscape.objective.module.watch import undisturbed
from landscape.objective.sums import Evaluation, Listener, Sums, with_derived
from landscape.objective.two_level.evaluate import has_tolerance, to_tolerance
from landscape.objective.two_level.reached import say_reached
from landscape.objective.walk import Walk
from landscape.path import widened

NUM_KEPT = 50
"""Into so many blocks at least a pass goes that is kept meanwhile, of those of at least one batch of its loader."""


class Beside(Protocol):
    """What else is summed in the same pass, over the same examples."""

    def add(self, before: int, block: Split) -> None:
        """Some examples, the first of which has the number ``before``."""


@dataclass
class Request:
    """Every channel of an objective at path(alpha) [S, P] for each alpha.

    Args:
        objective: an ``Objective``.
        path: alpha -> theta [S, P].
        alphas: [A].
        progress: told how many (batch, alpha) pairs are done, out of ``num_batches * A``.
        keep_costs: give each example's objective too: in float32, or in this precision.
        noise: of a stream, told each block's costs instead, which are then forgotten.
        interim: of a stream, keeps what is known meanwhile; a pass that was cut goes on from there.
        beside: summed in the same pass; nothing is then kept meanwhile.
        axes: the points are those of a grid with these positions along each of its axes, the first the slowest; an
            objective with a tolerance is then evaluated to that. None: there is no grid, and all points are taken over
            all examples.
    """

    objective: Any
    path: Callable[[float], Tensor]
    alphas: NDArray[np.float64]
    progress: Callable[[int], None] = lambda done: None
    keep_costs: bool | torch.dtype = False
    noise: Listener | None = None
    interim: Interim | None = None
    beside: Beside | None = None
    axes: tuple[NDArray[np.float64], ...] | None = None

    def prepare(self) -> None:
        """Make room, and come by the buffers at each point.

        Raises:
            InputError: nothing counts in the examples; a stream whose noise needs more memory than there is.
        """
        self.lay()
        of, alphas = self.objective, self.alphas
        num, take = None if of.is_streamed else len(of.split), None if self.noise is None else self.noise.add
        shape, spare = (of.num_replicates, len(alphas), len(of.seeds)), of.passes.spare
        self.sums = Sums(shape, num, of.device, self.keep_costs, spare / 2, take)
        self.num_points = of.passes.points(len(alphas), self.sums.held)
        if self.num_points < len(alphas) and self.noise is not None:
            raise InputError(
                f"{of.wants.words}, which leaves room for {self.num_points} of {len(alphas)} points at a time, and a "
                "stream's noise needs all in one pass; raise it, or leave the noise out (noise=False, "
                "measurement.noise=false)"
            )

    def lay(self) -> None:
        """Come by the points, and the buffers at each.

        Raises:
            InputError: nothing counts in the examples.
        """
        of, alphas = self.objective, self.alphas
        check_counts(of.scales, len(of.split))
        self.path = widened(self.path, of.dtype)
        num_seeds = self.path(float(alphas[0])).shape[0]
        if num_seeds != len(of.seeds):
            raise ValueError(f"theta has {num_seeds} rows and the objective {len(of.seeds)} seeds; give one per row")
        of.statistics.batch_size = of.batch_size
        self.buffers = of.statistics.along(self.path, alphas, of.buffers_0, of.buffers, num_seeds)  # [A][S]

    @property
    def is_one_pass(self) -> bool:
        """Whether all points go over a stream at once."""
        return bool(self.objective.is_streamed) and self.num_points == len(self.alphas)

    def walk(self, first: int = 0, engine: str | None = None) -> Walk:
        """A pass over the data from its beginning, for the points from a number on.

        Args:
            engine: instead of the objective's own.
        """
        of, here = self.objective, slice(first, first + self.num_points)
        self.sums.first, self.sums.before = first, 0

        def reached(done: int) -> None:
            self.progress(first * of.num_batches + done)

        at = self.path, self.alphas[here], self.buffers[here]
        walk = Walk(of.batches, of.examples, of.passes, *at, self.sums, reached, engine or of.engine)
        if self.interim is not None and self.is_one_pass and engine is None and self.beside is None:
            walk.keep_in(self.interim, self.noise)
        return walk

    def alone(self) -> None:
        """Go over the data for this request alone."""
        for first in range(0, len(self.alphas), self.num_points):
            beside = self.beside if first == 0 else None
            try:
                is_good = self._passed(self.walk(first), beside)
            except OtherData:
                self.start_anew()
                is_good = self._passed(self.walk(first), beside)
            if not is_good:
                self.redo(first)

    def start_anew(self) -> None:
        """Forget what was kept of other examples."""
        assert self.interim is not None
        self.interim.forget()

    def redo(self, first: int = 0) -> None:
        """Point by point, where a GPU met a value that is not finite."""
        self.sums.forget(self.num_points)
        if self.noise is not None:
            self.noise.forget()
        self._passed(self.walk(first, "plain"))

    @property
    def block_size(self) -> int:
        """Examples that are read before they are evaluated; fewer where each block is kept, and reading may be slow."""
        size: int = self.objective.batch_size
        if self.interim is None:
            return size
        return min(size, max(1, (self.objective.examples.num or size) // NUM_KEPT))

    def _passed(self, walk: Walk, beside: Beside | None = None) -> bool:
        for before, block in self.objective.examples.blocks(self.block_size):
            walk.add(before, block)
            if beside is not None:
                beside.add(before, block)
        return walk.end()


@undisturbed()
@tf32(False)
def evaluated(requests: Sequence[Request]) -> list[Evaluation]:
    """The answer to each request; those over one stream share its batches, which are read and moved once."""
    found = dict[int, Evaluation]()
    for n, request in enumerate(requests):
        if has_tolerance(request):
            found[n] = to_tolerance(request)
            say_reached(found[n], request)
    rest = [request for n, request in enumerate(requests) if n not in found]
    whole = iter(_in_full(rest) if rest else ())
    evaluations = [found[n] if n in found else next(whole) for n in range(len(requests))]
    return [with_derived(part, request.objective.cost) for part, request in zip(evaluations, requests, strict=True)]


def _in_full(requests: Sequence[Request]) -> list[Evaluation]:
    """Every point over all examples."""
    for request in requests:
        request.prepare()
    first = requests[0].objective
    share = [r for r in requests if r.is_one_pass and r.objective.examples.data is first.examples.data]
    if len(requests) > 1 and len(share) == len(requests):
        _shared(requests)
    else:
        for request in requests:
            request.alone()
    return [request.sums.evaluation() for request in requests]


def _shared(requests: Sequence[Request]) -> None:
    """One pass over a stream for all; who was kept from other examples goes over it once more."""
    walks: dict[int, Walk] = {n: request.walk() for n, request in enumerate(requests)}
    size = min(request.block_size for request in requests)
    for before, block in requests[0].objective.examples.blocks(size):
        for n, walk in list(walks.items()):
            try:
                walk.add(before, block)
            except OtherData:
                del walks[n]
            else:
                if (beside := requests[n].beside) is not None:
                    beside.add(before, block)
    for n, request in enumerate(requests):
        try:
            if n in walks:
                if not walks[n].end():
                    request.redo()
                continue
        except OtherData:
            pass
        request.start_anew()
        request.alone()
