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
from landscape.objective.two_level.estimate import FOLDS, fit
from landscape.objective.two_level.nodes import always, places
from landscape.objective.two_level.plan import UNSEEN, Plan, bound_of, plan
from landscape.objective.two_level.points import Points
from landscape.objective.two_level.sample import Sample
from landscape.objective.two_level.settle import held, undecided
from landscape.objective.two_level.subset import chosen
from landscape.objective.two_level.tails import misfits, outstanding

log = logging.getLogger(__name__)
Array = NDArray[np.float64]

FEWEST, MOST, SHARE = 64, 256, 100
"""Examples at first: one in so many, within these limits."""
FEW_POINTS = 12
"""With fewer points all are taken over all examples."""
WORTH = 0.8
"""Share of all work up to which it is worth while."""
LEAST = 0.25
"""Share of what J may be off that is stated at least where it is not taken over all examples: beside a node the spread
of few examples is too little to state less by."""
ROUNDING = 4
"""Spacings of numbers at J that no tolerance goes below."""
ROUNDS = 30


def has_tolerance(request: Any) -> bool:
    """Whether a request is to be answered to a tolerance."""
    return request.axes is not None and request.objective.tolerance is not None


def num_first(num: int) -> int:
    """Of N examples so many are looked at everywhere before anything is decided."""
    return min(max(num // SHARE, FEWEST), MOST, num)


def to_tolerance(request: Any) -> Evaluation:
    """The answer to a request whose objective has a tolerance and whose points are those of a grid."""
    if reason := why_in_full(request):
        return in_full(request, reason)
    request.lay()
    return TwoLevel(request, Points(request)).evaluation()


def why_in_full(request: Any) -> str:
    """Why nothing can be saved; empty where it can."""
    of = request.objective
    if of.is_streamed:
        return "the examples are streamed"
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
    if len(of.split) < 2 * FEWEST:
        return f"{len(of.split)} examples are few"
    return ""


def in_full(request: Any, reason: str) -> Evaluation:
    """Every point over all examples, although there is a tolerance."""
    log.info("objective.tolerance=%g: every point over all examples, because %s", request.objective.tolerance, reason)
    request.prepare()
    request.alone()
    found: Evaluation = request.sums.evaluation()
    return with_bounds(found, {name: np.zeros_like(values) for name, values in found.channels.items()})


class TwoLevel:
    """One request.

    Args:
        request: that is laid.
        points: of it.
    """

    def __init__(self, request: Any, points: Points) -> None:
        self.request, self.points = request, points
        of = request.objective
        self.tolerance, self.num_rows, self.num_replicates = float(of.tolerance), len(of.seeds), of.num_replicates
        self.at, self.along = places(request.axes), request.axes[0] if len(request.axes) == 1 else None
        self.first = always(request.axes)
        self.num, self.num_points = self.points.num, self.points.num_points
        self.order = chosen(self.num, self.num)
        self.numbers = np.zeros(0, dtype=np.intp)  # in the order of self.order
        self.seen: dict[str, NDArray[Any]] = {}  # channel -> [K, S, A, n], as they came
        self.full = np.zeros(self.num_points, dtype=bool)
        self.channels: dict[str, Array] = {}  # [A, S]
        self.replicates = np.full((self.num_replicates, self.num_points, self.num_rows), np.nan)
        self.num_drawn = 0
        self.inflation = 1.0
        self.grown = np.ones(self.num_replicates * self.num_rows)
        self.known: Evaluation | None = None
        self.costs: dict[int, NDArray[Any]] = {}  # point -> costs of all examples [S, N], where they are taken
        self.certain = np.zeros(0, dtype=bool)  # of the examples that are there: those that stand out
        self.is_checked = False

    # what is taken

    def take_examples(self, num: int) -> None:
        """As many examples, everywhere."""
        more = np.setdiff1d(self.order[self.num_drawn : num], self.numbers)
        self.num_drawn = max(self.num_drawn, num)
        if not len(more):
            return
        self._take(more)

    def _take(self, more: NDArray[np.intp]) -> None:
        found = self.points.over_some(more)
        self.numbers = np.concatenate([self.numbers, more])
        self.certain = np.concatenate([self.certain, np.zeros(len(more), dtype=bool)])
        self.seen = {n: np.concatenate([self.seen[n], v], axis=3) if n in self.seen else v for n, v in found.items()}

    def take_points(self, which: Sequence[int]) -> None:
        """Some points, over all examples."""
        new = sorted({int(a) for a in which if not self.full[a]})
        if not new:
            return
        found = self.points.over_all(new)
        self.known = found
        for name, values in found.channels.items():
            self.channels.setdefault(name, np.full((self.num_points, self.num_rows), np.nan))[new] = values
        self.replicates[:, new] = found.replicates
        self.full[new] = True
        self.costs |= {a: found.costs[:, k] for k, a in enumerate(new)} if found.costs is not None else {}
        self._find_outstanding()

    def _find_outstanding(self) -> None:
        """Take the examples that stand out at the nodes everywhere, each for itself alone."""
        nodes = [a for a in np.flatnonzero(self.full & self.usable) if a in self.costs]
        if len(nodes) < 4:
            return
        sampled = self._is_drawn()
        found, grown = np.zeros(0, dtype=np.intp), np.ones(self.num_rows)
        misfit = np.zeros((self.num_rows, self.num))
        for s in range(self.num_rows):
            every = np.stack([self.costs[a][s] for a in nodes])
            misfit[s] = misfits(every[:, self.numbers[sampled]].T.astype(np.float64), every)
            found = np.union1d(found, outstanding(misfit[s], len(self.numbers) // 2))
        self.certain |= np.isin(self.numbers, found)
        new = np.setdiff1d(found, self.numbers)
        if len(new):
            self._take(new)
            self.certain[-len(new) :] = True
        rest = np.setdiff1d(np.arange(self.num), self.numbers[self.certain])
        drawn = self.numbers[self._is_drawn()]
        for s in range(self.num_rows):
            grown[s] = max(1.0, float(np.sqrt((misfit[s, rest] ** 2).mean() / (misfit[s, drawn] ** 2).mean())))
        self.grown = np.tile(grown, self.num_replicates)

    def _is_drawn(self) -> NDArray[np.bool_]:
        """Of the examples that are there: those that were drawn at random and do not stand out."""
        return ~self.certain & np.isin(self.numbers, self.order[: self.num_drawn])

    # what follows from it

    @property
    def fold(self) -> NDArray[np.intp]:
        """The part of each example that is there, which does not follow from its place among all."""
        rank = np.empty(self.num, dtype=np.intp)
        rank[self.order] = np.arange(self.num)
        return rank[self.numbers[self._is_drawn()]] % FOLDS

    def costs_of(self, name: str) -> Array:
        """A channel of the examples [R, A, n], the objective of each replicate, scaled as J is."""
        values = self.seen[name].astype(np.float64)
        rows = values.reshape(-1, *values.shape[2:]) if name == "objective" else values.mean(axis=0)
        return rows * self.points.scales.get(name, 1.0)

    def full_of(self, name: str) -> Array:
        """A channel over all examples [R, A], NaN where it was not taken."""
        if name == "objective":
            return self.replicates.transpose(0, 2, 1).reshape(-1, self.num_points)
        return self.channels[name].T

    def limits(self, values: Array) -> Array:
        """How far J of each row may be off [R, 1], from J [R, A]: not below what rounding does to it."""
        inside = np.ones(self.num_points, dtype=bool)
        if self.along is not None:
            inside = (self.along >= -1e-12) & (self.along <= 1 + 1e-12)
            inside = inside if inside.sum() > 1 else np.ones_like(inside)
        finite = np.where(np.isfinite(values) & inside, values, np.nan)
        known = np.isfinite(finite).any(axis=1)
        high, low = (
            np.where(known, part(finite, axis=1, initial=v, where=np.isfinite(finite)), 0.0)
            for part, v in ((np.max, -np.inf), (np.min, np.inf))
        )
        rounding = ROUNDING * np.finfo(str(self.request.objective.dtype).removeprefix("torch.")).eps
        return np.maximum(self.tolerance * (high - low), rounding * np.maximum(np.abs(high), np.abs(low)))[:, None]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """The points whose costs are numbers, and which are nearer to such a node than to one where J is none [A]."""
        finite = np.ones(self.num_points, dtype=bool)
        for values in self.seen.values():
            finite &= np.isfinite(values).all(axis=(0, 1, 3))
        for values in self.channels.values():
            finite &= ~self.full | np.isfinite(values).all(axis=1)
        lost = self.full & ~finite
        if lost.any() and (self.full & finite).any():
            apart = ((self.at[:, None] - self.at[None, self.full]) ** 2).sum(axis=2)
            finite &= ~lost[self.full][apart.argmin(axis=1)]
        return finite

    def planned(self, usable: NDArray[np.bool_], limits: Array) -> Plan:
        """What makes the least work from here."""
        some, place = np.flatnonzero(usable), np.cumsum(usable) - 1
        first = [int(place[a]) for a in dict.fromkeys([*np.flatnonzero(self.full), *self.first]) if usable[a]]
        drawn = self._is_drawn()
        curves = [
            (row[some][:, drawn] / limit).T for row, limit in zip(self.costs_of("objective"), limits, strict=True)
        ]
        free = int((self.full & usable).sum())
        found = plan(curves, self.at[some], self.fold, first, self.num, self.inflation * self.grown, free)
        return replace(
            found, nodes=[int(some[k]) for k in found.nodes], num=found.num + self.num_drawn - int(drawn.sum())
        )

    def estimated(self, name: str, usable: NDArray[np.bool_]) -> tuple[Array, Array]:
        """A channel [R, A] and how far it may be off: what was taken over all examples, and what follows from it."""
        values = self.full_of(name).copy()
        bounds = np.where(self.full, 0.0, np.full(values.shape, np.nan))
        some, place = np.flatnonzero(usable), np.cumsum(usable) - 1
        nodes = np.flatnonzero(self.full & usable)
        rest = np.flatnonzero(~self.full & usable)
        if not len(nodes) or not len(rest):
            return values, bounds
        drawn, alone = self._is_drawn(), int(self.certain.sum())
        num, share = self.num - alone, 1 - alone / self.num  # of those that do not stand out
        for r, costs in enumerate(self.costs_of(name)):
            found = fit(costs[some][:, drawn].T, place[nodes].tolist(), self.at[some], self.fold)
            apart = costs[:, self.certain].sum(axis=1) / self.num
            means = apart[some] + share * found.mean((values[r, nodes] - apart[nodes]) / share)
            if (costs[some] >= 0).all():
                means = np.maximum(means, 0.0)
            values[r, rest] = means[place[rest]]
            grown = self.inflation * self.grown[r % len(self.grown)]
            off = share * bound_of(found, int(drawn.sum()), num, grown)
            if name != "objective":  # steps, as of errors, are the same for all examples but a few
                off = np.maximum(off, share * grown * UNSEEN / max(drawn.sum(), 1) * found.widest.max())
            bounds[r, rest] = off[place[rest]]
        if name == "objective":
            floor = LEAST * self.limits(values)
            bounds[:, rest] = np.maximum(bounds[:, rest], floor)
        return values, bounds

    # the flow

    def evaluation(self) -> Evaluation:
        """All values, and how far each may be off."""
        self.take_examples(num_first(self.num))
        if not self._begin():
            self.take_points(range(self.num_points))
        for _ in range(ROUNDS):
            if not self._next():
                break
        else:
            self.take_points(range(self.num_points))
        return self._found()

    def _begin(self) -> bool:
        """Take what the examples ask for; False, and nothing taken: all points over all examples are as little work."""
        for _ in range(ROUNDS):
            usable = self.usable
            means = self.costs_of("objective").mean(axis=2)
            found = self.planned(usable, self.limits(means))
            work = self.points.spent + found.work + (~usable).sum()
            self.points.expected = work + len(self.first) + 4
            if work > WORTH * self.num_points:
                return False
            if found.num <= self.num_drawn:
                self.take_points([*found.nodes, *np.flatnonzero(~usable)])
                return True
            self.take_examples(found.num)
        return False

    def _next(self) -> bool:
        """Take what is still needed; False: nothing is."""
        usable = self.usable
        lost = np.flatnonzero(~usable & ~self.full)
        if len(lost):
            self.take_points(lost)
            return True
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
        if not nodes and found.num <= self.num_drawn:
            nodes = [int(over.max(axis=0).argmax())]
        self.take_examples(found.num)
        self._compared(nodes, values, bounds)
        return True

    def _settled(self, values: Array, bounds: Array) -> bool:
        """Take the points that decide numbers; False: all are."""
        rows = values.reshape(self.num_replicates, self.num_rows, -1).mean(axis=0)
        off = bounds.reshape(self.num_replicates, self.num_rows, -1).mean(axis=0)
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
        here = [a for a in new if np.isfinite(bounds[:, a]).all()]
        off = np.abs(self.full_of("objective")[:, here] - values[:, here])
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = np.nanmax(off / np.maximum(bounds[:, here], self.limits(values) * 1e-3), initial=0.0)
        if missed > 1:
            log.debug("a value is off by %.3g of its bound", missed)
            self.inflation *= float(missed)

    def _found(self) -> Evaluation:
        usable, known = self.usable, self.known
        assert known is not None
        channels, bounds = dict[str, Array](), dict[str, Array]()
        for name in known.channels:
            values, off = self.estimated(name, usable)
            if name == "objective":
                shape = (self.num_replicates, self.num_rows, self.num_points)
                replicates = values.reshape(shape).transpose(0, 2, 1)
                values, off = values.reshape(shape).mean(axis=0), off.reshape(shape).mean(axis=0)
                values = np.stack([held(row, self.full, self.along) for row in values])
            channels[name], bounds[name] = values.T, off.T
        self.points.end()
        self._tell(bounds["objective"])
        return Evaluation(
            channels,
            replicates,
            num_examples=self.num,
            scale=known.scale,
            bounds=bounds,
            passes=self.points.spent,
            sample=self._sample(),
        )

    def _sample(self) -> Sample:
        """The examples that were taken everywhere, in the precision in which costs are kept."""
        order = np.argsort(self.numbers, kind="stable")
        costs = (self.seen["objective"].mean(axis=0)[..., order] * self.points.scales.get("objective", 1.0)).astype(
            np.float32
        )
        num, alone = int(self._is_drawn().sum()), int(self.certain.sum())
        weights = np.where(self.certain, 1.0, np.where(self._is_drawn(), (self.num - alone) / max(num, 1), 0.0))[order]
        return Sample(self.points.rows(self.numbers[order]), costs, weights, self.num)

    def _tell(self, bounds: Array) -> None:
        log.info(
            "objective.tolerance=%g: %d of %d points over all %d examples, all points over %d of them, %.1f passes; no "
            "value is off by more than %.2g, as far as these can tell",
            self.tolerance,
            self.full.sum(),
            self.num_points,
            self.num,
            len(self.numbers),
            self.points.spent,
            np.nanmax(bounds, initial=0.0),
        )


def with_bounds(found: Evaluation, bounds: dict[str, Array]) -> Evaluation:
    """The same, with how far each value may be off."""
    return replace(found, bounds=bounds)
