"""The flow: some examples everywhere, then some points over all, until no value may be off by more than is allowed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.cost.contract import is_of_batch
from landscape.objective.sums import Evaluation
from landscape.objective.two_level.nodes import always
from landscape.objective.two_level.points import Points
from landscape.objective.two_level.settle import deciding, held, undecided
from landscape.objective.two_level.streamed import OtherExamples, StreamedPoints, most_held
from landscape.objective.two_level.taken import Taken

log = logging.getLogger(__name__)
Array = NDArray[np.float64]

FEWEST, MOST, SHARE = 64, 500, 4
"""Examples at first: one in so many, within these limits; of 500 none is of a kind that one in a hundred is in one of
150 choices. And up to twice as many before any point is taken over all, since what these cost tells which of the others
are worth more."""
FEW_POINTS = 12
"""With fewer points all are taken over all examples."""
WORTH = 0.8
"""Share of all work up to which it is worth while."""
ROUNDS = 30
MARGIN = 1.5
"""Of a stream so many times the examples that seem to be needed are kept: one pass more costs more."""


def has_tolerance(request: Any) -> bool:
    """Whether a request is to be answered to a tolerance."""
    return request.axes is not None and request.objective.tolerance is not None


def num_first(num: int) -> int:
    """Of N examples so many are looked at everywhere to begin with."""
    return min(max(num // SHARE, FEWEST), MOST, num)


def to_tolerance(request: Any) -> Evaluation:
    """The answer to a request whose objective has a tolerance and whose points are those of a grid."""
    if reason := why_in_full(request):
        return in_full(request, reason)
    request.lay()
    if not request.objective.is_streamed:
        return TwoLevel(request, Points(request)).evaluation()
    try:
        return _of_stream(request)
    except OtherExamples as error:
        return in_full(request, str(error))


def _of_stream(request: Any) -> Evaluation:
    """The answer over a stream: two passes, seldom more.

    Raises:
        OtherExamples: a pass shows others than the one before.
    """
    of = request.objective
    points = StreamedPoints(request, most_held(of, 2 * MOST), of.passes.spare / 4)
    first = always(request.axes)
    begun = points.begin(first)
    flow = TwoLevel(request, points)
    flow.put(first, begun)
    found = flow.evaluation()
    log.info("objective.tolerance=%g: %d passes over the stream", of.tolerance, points.reads)
    return found


def why_in_full(request: Any) -> str:
    """Why nothing can be saved; empty where it can."""
    of = request.objective
    if of.is_streamed and not of.examples.data.is_repeatable:
        return "a second pass over the stream shows other examples than the first"
    if of.split.num_streams is not None:
        return "sequences that are read side by side have no examples apart"
    if is_of_batch(of.cost):
        return "the cost gives one value for all examples of a batch"
    if request.beside is not None:
        return "something else is summed in the same pass"
    if len(request.alphas) < FEW_POINTS:
        return f"{len(request.alphas)} points are few"
    if of.passes.points(len(request.alphas)) < len(request.alphas):
        return "objective.memory leaves no room for the statistics at all points"
    if (of.examples.num or MOST) < 2 * FEWEST:
        return f"{of.examples.num} examples are few"
    return ""


def in_full(request: Any, reason: str) -> Evaluation:
    """Every point over all examples, although there is a tolerance."""
    log.info("objective.tolerance=%g: every point over all examples, because %s", request.objective.tolerance, reason)
    request.prepare()
    request.alone()
    found: Evaluation = request.sums.evaluation()
    return with_bounds(found, {name: np.zeros_like(values) for name, values in found.channels.items()})


class TwoLevel(Taken):
    """The flow of one request."""

    is_checked, is_looked, num_cut = False, False, 0

    def evaluation(self) -> Evaluation:
        """All values, and how far each may be off."""
        start = min(num_first(self.num), self.points.most)
        self.take_examples(np.array([start]))
        if self._begin_again() if self.full.any() else self._begin(2 * start):
            for _ in range(ROUNDS):
                if not self._next():
                    break
            else:
                self.take_points(range(self.num_points))
        else:
            self.take_points(range(self.num_points))
        found = self.found(self.usable)
        values = found.channels["objective"]
        values = np.stack([held(row, self.full, self.along) for row in values.T], axis=1)
        self.points.end()
        self._tell(found)
        return replace(found, channels=found.channels | {"objective": values})

    def _begin(self, most: int) -> bool:
        """Take the nodes; False, and nothing taken: all points over all examples are as little work."""
        while True:
            usable = self.usable
            found = self.planned(usable, self.limits(self.means()))
            work = self.points.spent + found.work + (~usable).sum()
            self.points.expected = work + len(self.first) + 4
            if work > WORTH * self.num_points:
                return False
            if found.nums[0] <= len(self.numbers) or len(self.numbers) >= most:
                self.take_points([*found.nodes, *np.flatnonzero(~usable)])
                self.take_examples(self.cut())
                return True
            self.take_examples(np.minimum(found.nums, most))

    def _begin_again(self) -> bool:
        """As ``_begin``, of a stream whose first nodes are there: what else is needed comes by in one more pass."""
        least = self.cut()
        usable = self.usable
        values, bounds = self.estimated("objective", usable)
        limits = self.limits(values)
        found = self.planned(usable, limits)
        work = self.points.spent + found.work + (~usable).sum()
        self.points.expected = work + 4
        if work > WORTH * self.num_points:
            return False
        more = np.minimum(np.maximum(least, (MARGIN * found.nums).astype(np.intp)), self.strata.sizes)
        more = np.maximum(more, self.nums)
        self.points.want(self.strata.first(self.order, more))
        shape = (self.num_replicates, self.num_rows, self.num_points)
        new = {a for row in values.reshape(shape).mean(axis=0) for a in deciding(row, self.along)}
        new |= {int(np.nanargmax(part / limit)) for part, limit in zip(bounds, limits[:, 0], strict=True)}
        self._compared(sorted({*found.nodes, *np.flatnonzero(~usable).tolist(), *new}), values, bounds)
        self.take_examples(more)
        self.is_checked = True
        return True

    def _next(self) -> bool:
        """Take what is still needed; False: nothing is."""
        usable = self.usable
        lost = np.flatnonzero(~usable & ~self.full)
        if len(lost):
            self.take_points(lost.tolist())
            return True
        if self.full.sum() > self.num_cut:
            self.num_cut, before = int(self.full.sum()), len(self.numbers)
            self.take_examples(self.cut())
            is_new = len(self.numbers) > before
            if (is_new or not self.is_looked) and (more := self.between()):
                self.is_looked = True
                if self.points.spent + len(more) > WORTH * self.num_points:
                    more = list(range(self.num_points))
                self.take_points(more)
                return True
            self.is_looked = True
        usable = self.usable
        values, bounds = self.estimated("objective", usable)
        limits = self.limits(values)
        over = np.where(self.full, 0.0, bounds / limits)
        if not (over > 1).any():
            return self._settled(values, bounds)
        found = self.planned(usable, limits)
        if self.points.spent + found.work > self.num_points:
            self.take_points(range(self.num_points))
            return False
        nodes = [a for a in found.nodes if not self.full[a]]
        if not nodes and not (found.nums > self.nums).any():
            nodes = [int(over.max(axis=0).argmax())]
        self.take_examples(found.nums)
        self._compared(nodes, values, bounds)
        return True

    def _settled(self, values: Array, bounds: Array) -> bool:
        """Take the points that decide numbers; False: all are."""
        shape = (self.num_replicates, self.num_rows, self.num_points)
        rows, off = (part.reshape(shape).mean(axis=0) for part in (values, bounds))
        new = {a for row, part in zip(rows, off, strict=True) for a in undecided(row, self.full, part, self.along)}
        if not self.is_checked:
            self.is_checked = True
            new |= set(bounds.argmax(axis=1).tolist())
        if not new:
            return False
        self._compared(sorted(new), values, bounds)
        return True

    def _compared(self, new: Sequence[int], values: Array, bounds: Array) -> None:
        """Take points; where one is farther off than was said, everything may be."""
        self.take_points(new)
        here = [a for a in new if np.isfinite(bounds[:, a]).all() and (bounds[:, a] > 0).all()]
        if not here:
            return
        off = np.abs(self.full_of("objective")[:, here] - values[:, here]) / bounds[:, here]
        missed = float(np.max(off[np.isfinite(off)], initial=0.0))
        if missed > 1:
            log.debug("a value is %.3g times as far off as was said", missed)
            self.inflation *= missed

    def _tell(self, found: Evaluation) -> None:
        log.info(
            "objective.tolerance=%g: %d of %d points over all %d examples, all points over %d of them, %.1f passes; no "
            "value is off by more than %.2g, as far as these can tell",
            self.tolerance,
            self.full.sum(),
            self.num_points,
            self.num,
            len(self.numbers),
            found.passes,
            np.nanmax(found.bounds["objective"], initial=0.0),
        )


def with_bounds(found: Evaluation, bounds: dict[str, Array]) -> Evaluation:
    """The same, with how far each value may be off."""
    return replace(found, bounds=bounds)
