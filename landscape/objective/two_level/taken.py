"""What was taken so far, over some examples and over all, and what follows from it for every point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.objective.sums import Evaluation
from landscape.objective.two_level.estimate import FOLDS, UNSEEN, Fit, fit
from landscape.objective.two_level.nodes import always, interpolation, places
from landscape.objective.two_level.plan import Plan, plan
from landscape.objective.two_level.points import Points
from landscape.objective.two_level.sample import Sample
from landscape.objective.two_level.strata import NUM, Strata, misfits, outstanding
from landscape.objective.two_level.subset import chosen

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

LEAST = 0.5
"""Share of what J may be off that is stated at least where it is not taken over all examples: beside a node the spread
of few examples is too little to state less by."""
AMPLE = 1.3
"""Within what J may be off, its bound is stated so much wider: of many points none is to be outside."""
MANY = 1.9
"""So much wider is the bound of a metric than its standard error asks for: of J at least a share of the tolerance is
stated, which covers its many points. Beside a node few examples change at all, and their spread is told too small: at
1.3 two of 132 networks had an error up to 1.41 times as far off as was said."""
PART = 0.5
"""Share of what J may be off that one example must move it by to be looked at by itself."""
ROUNDING = 4
"""Spacings of numbers at J that no tolerance goes below."""


class Taken:
    """What was taken for one request.

    Args:
        request: that is laid.
        points: of it.

    Attributes:
        full: the points that were taken over all examples [A].
        numbers: of the examples that were taken everywhere [n].
        inflation: how many times as far as was said a value was found to be off; 1 at least.
    """

    def __init__(self, request: Any, points: Points) -> None:
        self.request, self.points, of = request, points, request.objective
        self.tolerance, self.num_rows, self.num_replicates = float(of.tolerance), len(of.seeds), of.num_replicates
        self.num, self.num_points = points.num, points.num_points
        self.at, self.along = places(request.axes), request.axes[0] if len(request.axes) == 1 else None
        self.first, self.full = always(request.axes), np.zeros(points.num_points, dtype=bool)
        self.order, self.strata = chosen(self.num, self.num), Strata.one(self.num)
        self.numbers, self.inflation = np.zeros(0, dtype=np.intp), 1.0
        self.seen: dict[str, NDArray[Any]] = {}  # channel -> [K, S, A, n], as they came
        self.channels: dict[str, Array] = {}  # [A, S]
        self.replicates = np.full((self.num_replicates, self.num_points, self.num_rows), np.nan)
        self.costs: dict[int, NDArray[Any]] = {}  # point -> costs of all examples [S, N]
        self.scale = 1.0

    # taking

    def take_examples(self, nums: Numbers) -> None:
        """As many examples of each stratum [H], everywhere."""
        more = np.setdiff1d(self.strata.first(self.order, nums), self.numbers)
        if not len(more):
            return
        found = self.points.over_some(more)
        self.numbers = np.concatenate([self.numbers, more])
        self.seen = {n: np.concatenate([self.seen[n], v], axis=3) if n in self.seen else v for n, v in found.items()}

    def take_points(self, which: Sequence[int]) -> None:
        """Some points, over all examples."""
        new = sorted({int(a) for a in which if not self.full[a]})
        if not new:
            return
        self.put(new, self.points.over_all(new))

    def put(self, new: Sequence[int], found: Evaluation) -> None:
        """Note what was found at some points over all examples."""
        new = list(new)
        for name, values in found.channels.items():
            self.channels.setdefault(name, np.full((self.num_points, self.num_rows), np.nan))[new] = values
        self.replicates[:, new], self.scale = found.replicates, found.scale
        self.full[new] = True
        if found.costs is not None:
            self.costs |= {a: found.costs[:, k] for k, a in enumerate(new)}

    def cut(self) -> Numbers:
        """Cut all examples into strata by what they cost at the nodes; later only note who stands out besides.

        Returns:
            How many of each are to be taken at least [H].
        """
        nodes = [a for a in np.flatnonzero(self.full & self.usable).tolist() if a in self.costs]
        if len(nodes) < 4:
            return self.nums
        limits, usual = self.limits(self.means()), self.numbers[~self.is_alone]
        worst = [
            misfits(self.at[nodes], np.stack([self.costs[a][s] for a in nodes]), usual, float(limits[s, 0]))
            for s in range(self.num_rows)
        ]
        misfit, least = np.max(worst, axis=0), len(self.numbers) // (2 * NUM)
        if len(self.strata.sizes) == 1:
            self.strata = Strata.by(misfit, len(self.numbers))
        else:
            least, misfit[self.strata.is_whole[self.strata.of]] = 0, 0.0
            self.strata = self.strata.with_alone(outstanding(misfit, len(self.numbers)))
        lost = self.lost()
        if len(lost) <= len(self.numbers):
            self.strata = self.strata.with_alone(lost)
        wanted = np.where(self.strata.is_whole, self.strata.sizes, least)
        return np.maximum(self.nums, np.minimum(self.strata.sizes, wanted))

    def lost(self) -> Numbers:
        """The examples that cost no number at a point that was taken over all: taken everywhere, they tell where."""
        found = [np.flatnonzero(~np.isfinite(costs).all(axis=0)) for costs in self.costs.values()]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.intp)

    def between(self) -> list[int]:
        """As many points again as are nodes, each as far from all others as can be; none where no example is alone.

        An example that moves J by more than it may be off, all by itself, may have others like it: they are seen where
        a node is near.
        """
        usable = self.usable
        inside = self.is_alone
        nodes, some = np.flatnonzero(self.full & usable), np.flatnonzero(usable)
        if not inside.any() or len(nodes) < 4:
            return []
        told = interpolation(self.at, nodes.tolist())
        costs, limits = self.costs_of("objective")[:, :, inside], self.limits(self.means())
        left = np.abs(costs - told @ costs[:, nodes])[:, some]
        if not (left.max(axis=(1, 2)) / self.num > PART * limits[:, 0]).any():
            return []
        apart = ((self.at[some][:, None] - self.at[None, nodes]) ** 2).sum(axis=2).min(axis=1)
        found: list[int] = []
        while len(found) < len(nodes) and apart.max() > 0:
            found.append(int(some[apart.argmax()]))
            apart = np.minimum(apart, ((self.at[some] - self.at[found[-1]]) ** 2).sum(axis=1))
        return found

    # what follows

    @property
    def nums(self) -> Numbers:
        """How many examples were taken of each stratum [H]."""
        return np.bincount(self.strata.of[self.numbers], minlength=len(self.strata.sizes))

    @property
    def is_alone(self) -> NDArray[np.bool_]:
        """Which of the examples that are there are looked at by themselves [n]."""
        return np.asarray(self.strata.is_whole[self.strata.of[self.numbers]])

    @property
    def fold(self) -> Numbers:
        """The part of each example that is there, which does not follow from its place among all."""
        rank = np.empty(self.num, dtype=np.intp)
        rank[self.order] = np.arange(self.num)
        return rank[self.numbers] % FOLDS

    @property
    def usable(self) -> NDArray[np.bool_]:
        """The points whose costs are numbers as far as that is known [A].

        Where examples that cost none were not taken everywhere, a point counts as its nearest node does.
        """
        finite = np.ones(self.num_points, dtype=bool)
        for values in self.seen.values():
            finite &= np.isfinite(values).all(axis=(0, 1, 3))
        for values in self.channels.values():
            finite &= ~self.full | np.isfinite(values).all(axis=1)
        lost = self.full & ~finite
        is_known = np.isin(self.lost(), self.numbers).all() and len(self.costs) == self.full.sum()
        if lost.any() and (self.full & finite).any() and not is_known:
            apart = ((self.at[:, None] - self.at[None, self.full]) ** 2).sum(axis=2)
            finite &= ~lost[self.full][apart.argmin(axis=1)]
        return finite

    def costs_of(self, name: str) -> Array:
        """A channel of the examples [R, A, n], the objective of each replicate, scaled as J is."""
        values = self.seen[name].astype(np.float64)
        rows = values.reshape(-1, *values.shape[2:]) if name == "objective" else values.mean(axis=0)
        return np.asarray(rows * self.points.scales.get(name, 1.0))

    def full_of(self, name: str) -> Array:
        """A channel over all examples [R, A], NaN where it was not taken."""
        if name == "objective":
            return np.asarray(self.replicates.transpose(0, 2, 1).reshape(-1, self.num_points))
        return np.asarray(self.channels[name].T)

    def limits(self, values: Array) -> Array:
        """How far J of each row may be off [R, 1], from J [R, A]: not below what rounding does to it."""
        inside = np.ones(self.num_points, dtype=bool)
        if self.along is not None:
            inside = (self.along >= -1e-12) & (self.along <= 1 + 1e-12)
            inside = inside if inside.sum() > 1 else np.ones_like(inside)
        known = np.isfinite(values) & inside
        high = np.where(known, values, -np.inf).max(axis=1)
        low = np.where(known, values, np.inf).min(axis=1)
        high, low = (np.where(np.isfinite(part), part, 0.0) for part in (high, low))
        rounding = ROUNDING * np.finfo(str(self.request.objective.dtype).removeprefix("torch.")).eps
        least = rounding * np.maximum(np.abs(high), np.abs(low))
        return np.asarray(np.maximum(self.tolerance * (high - low), least))[:, None]

    def means(self) -> Array:
        """J [R, A] as the examples alone tell it."""
        return np.asarray(self.costs_of("objective") @ self.strata.weights(self.numbers))

    def planned(self, usable: NDArray[np.bool_], limits: Array) -> Plan:
        """What makes the least work from here; its nodes are numbers of points."""
        some, place = np.flatnonzero(usable), np.cumsum(usable) - 1
        first = [int(place[a]) for a in dict.fromkeys([*np.flatnonzero(self.full), *self.first]) if usable[a]]
        rest = ~self.is_alone
        rows = zip(self.costs_of("objective"), limits, strict=True)
        curves = [(row[some][:, rest] / limit).T for row, limit in rows]
        free = int((self.full & usable).sum())
        found = plan(curves, lambda line, nodes: self._fit(line, nodes, some), first, self.inflation, free)
        nums = np.concatenate([self.strata.sizes[self.strata.is_whole], found.nums])
        return Plan([int(some[k]) for k in found.nodes], nums, found.work)

    def estimated(self, name: str, usable: NDArray[np.bool_]) -> tuple[Array, Array]:
        """A channel [R, A] and how far it may be off: what was taken over all examples, and what follows from it."""
        values = self.full_of(name).copy()
        bounds = np.where(self.full, 0.0, np.full(values.shape, np.nan))
        some, place = np.flatnonzero(usable), np.cumsum(usable) - 1
        nodes, rest = np.flatnonzero(self.full & usable), np.flatnonzero(~self.full & usable)
        if not len(nodes) or not len(rest):
            return values, bounds
        alone = self.is_alone
        share = 1 - alone.sum() / self.num  # of those that are not looked at by themselves
        for r, costs in enumerate(self.costs_of(name)):
            apart = costs[:, alone].sum(axis=1) / self.num
            told = (values[r, nodes] - apart[nodes]) / share
            found = self._fit(costs[some][:, ~alone].T, place[nodes].tolist(), some, told)
            means = apart[some] + share * found.mean(told)
            off = self.inflation * share * np.sqrt(found.squares(found.nums).sum(axis=0))
            if name != "objective":  # steps, as of errors, are the same for all examples but a few
                part = found.sizes / self.num * (1 / np.maximum(found.nums, 1) - 1 / found.sizes)
                widest = np.maximum(found.widest.max(axis=1), is_yes_or_no(costs))  # of a kind that nobody has seen
                off = np.maximum(MANY * off, UNSEEN * float(np.sqrt(((part * widest) ** 2).sum())))
            values[r, rest] = (np.maximum(means, 0.0) if (costs[some] >= 0).all() else means)[place[rest]]
            bounds[r, rest] = off[place[rest]]
        if name == "objective":
            limits = self.limits(values)
            wide = np.minimum(AMPLE * bounds[:, rest], limits)
            bounds[:, rest] = np.maximum(np.maximum(bounds[:, rest], wide), LEAST * limits)
        return values, bounds

    def _fit(self, costs: Array, nodes: list[int], some: Numbers, means: Array | None = None) -> Fit:
        strata, rest = self.strata, ~self.is_alone
        weights, first = strata.weights(self.numbers)[rest], int(strata.is_whole.sum())
        inside, sizes = strata.of[self.numbers][rest] - first, strata.sizes[first:]
        return fit(costs, nodes, self.at[some], self.fold[rest], weights / weights.sum(), inside, sizes, means)

    def sample(self) -> Sample:
        """The examples that were taken everywhere, by their numbers."""
        order = np.argsort(self.numbers, kind="stable")
        costs = self.seen["objective"].mean(axis=0)[..., order] * self.points.scales.get("objective", 1.0)
        weights = self.num * self.strata.weights(self.numbers)[order]
        return Sample(self.points.rows(self.numbers[order]), costs.astype(np.float32), weights, self.num)

    def found(self, usable: NDArray[np.bool_]) -> Evaluation:
        """All values, and how far each may be off."""
        channels, bounds = dict[str, Array](), dict[str, Array]()
        replicates = self.replicates
        for name in self.channels:
            values, off = self.estimated(name, usable)
            if name == "objective":
                shape = (self.num_replicates, self.num_rows, self.num_points)
                replicates = values.reshape(shape).transpose(0, 2, 1)
                values, off = values.reshape(shape).mean(axis=0), off.reshape(shape).mean(axis=0)
            channels[name], bounds[name] = values.T, off.T
        return Evaluation(
            channels,
            replicates,
            num_examples=self.num,
            scale=self.scale,
            bounds=bounds,
            passes=self.points.spent,
            sample=self.sample(),
        )


def is_yes_or_no(costs: Array) -> float:
    """1 where a metric is 0 or 1 of each example, as an error is, and so of an example that nobody has seen; else 0."""
    return float(((costs == 0) | (costs == 1)).all())
