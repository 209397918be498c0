"""J at every point from J at the nodes and from what some examples cost everywhere, and how far it may be off.

Let c_e(a) be example e's cost at point a, and W any linear map from costs at the nodes to costs at all points. Then

    J(a) = W J(nodes) + mean over all e of r_e(a),   r_e = c_e - W c_e(nodes),

and the mean over some examples at random stands for that over all: right on average whatever W is, exact at a node, and
off by the spread of r_e over the square root of their number. So W is to make r_e small, and that the examples teach:
W is an interpolation by cubic splines and what ridge regression adds to it. An example has no say in the W by which its
own r_e is taken (``FOLDS`` parts, each by the W of the others), so that r_e is as large as that of an example which
nobody has seen, and its spread is honest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from landscape.objective.two_level.nodes import interpolation

Array = NDArray[np.float64]

FOLDS = 5
SHRINK = (np.inf, 1e-1, 1e-3, 1e-5, 1e-7)
"""How much weaker the regression is made, in variances of standardised costs; the first leaves the splines alone."""

SURE, UNSEEN = 3.5, 3.0
"""Standard errors that a value may be off by; and of n examples as many could be of a kind that nobody has seen, with
95 % certainty."""
TINY = 1e-12


@dataclass(frozen=True)
class Part:
    """What one part of the examples is told by the others.

    Args:
        share: of the examples, those in this part.
        means: of the others, at all points [A].
        nodes: of the others, at the nodes [K].
        weights: W of the others [A, K].
    """

    share: float
    means: Array
    nodes: Array
    weights: Array


@dataclass(frozen=True)
class Fit:
    """One channel of one row.

    Args:
        left: r_e of every example at every point, less a constant [n, A].
        parts: whose J is W J(nodes) each.
        weights: the share of all examples that each stands for [n].
        stratum: in which each is [n].
        sizes: of the strata [H].
        lever: by how much the square of the error of a mean is larger because the mean costs of the examples at the
            nodes are not those of all: what was learnt is then used beside where it was.
    """

    left: Array
    parts: tuple[Part, ...]
    weights: Array
    stratum: NDArray[np.intp]
    sizes: NDArray[np.intp]
    lever: float = 1.0

    @cached_property
    def nums(self) -> NDArray[np.intp]:
        """How many examples are there of each stratum [H]."""
        return np.bincount(self.stratum, minlength=len(self.sizes))

    @cached_property
    def spreads(self) -> Array:
        """The standard deviation of r_e over the examples of each stratum [H, A]."""
        found = np.zeros((len(self.sizes), self.left.shape[1]))
        for h, num in enumerate(self.nums):
            if num < self.sizes[h]:
                # Of a stratum that nobody has looked at yet, as much as of all.
                some = self.stratum == h if num > 1 else slice(None)
                found[h] = self.left[some].std(axis=0, ddof=1)
        return found

    @cached_property
    def widest(self) -> Array:
        """The largest r_e of an example of each stratum [H, A]."""
        found = np.zeros((len(self.sizes), self.left.shape[1]))
        for h, num in enumerate(self.nums):
            if 0 < num < self.sizes[h]:
                found[h] = np.abs(self.left[self.stratum == h]).max(axis=0)
        return found

    def mean(self, nodes: Array) -> Array:
        """J at all points [A] from J at the nodes [K], the means over examples of which these are some."""
        told = sum(p.share * (p.means + p.weights @ (nodes - p.nodes)) for p in self.parts)
        return np.asarray(told + self.weights @ self.left)

    def squares(self, nums: NDArray[np.intp]) -> Array:
        """The square of what each stratum may add to the error of the mean [H, A].

        Args:
            nums: how many examples there will be of each stratum [H].
        """
        nums, sizes = np.maximum(nums, 1)[:, None], self.sizes[:, None]
        with np.errstate(invalid="ignore"):
            chance = SURE * self.spreads * np.sqrt(np.maximum(1 / nums - 1 / sizes, 0.0))
            unseen = UNSEEN * self.widest * (1 / nums - 1 / sizes)
            return np.asarray(
                self.lever * (sizes / sizes.sum()) ** 2 * np.where(nums < sizes, chance**2 + unseen**2, 0.0)
            )


def fit(
    costs: Array,
    nodes: list[int],
    at: Array,
    fold: NDArray[np.intp],
    weights: Array,
    stratum: NDArray[np.intp],
    sizes: NDArray[np.intp],
    means: Array | None = None,
) -> Fit:
    """Fit costs at all points by those at the nodes.

    Args:
        costs: [n, A].
        nodes: their numbers [K].
        at: where the points lie [A, d].
        fold: the part [n] that each example is in.
        weights: the share of all examples that each stands for [n].
        stratum: in which each is [n].
        sizes: of the strata [H].
        means: J at the nodes [K], where it is known.
    """
    prior = interpolation(at, nodes)
    seen = costs[:, nodes]
    rest = costs - seen @ prior.T
    found = {shrink: np.empty_like(costs) for shrink in SHRINK}
    maps: dict[float, list[Part]] = {shrink: [] for shrink in SHRINK}
    levers = dict.fromkeys(SHRINK, 1.0)
    for number in np.unique(fold):
        out = fold == number
        x, r, w = seen[~out], rest[~out], weights[~out] / weights[~out].sum()
        middle, level, whole = w @ x, w @ r, w @ costs[~out]
        scale = np.sqrt(w @ (x - middle) ** 2)
        scale[scale <= TINY * np.abs(middle)] = np.inf  # the same of all examples: nothing can be told by it
        # An example of a stratum of which few were taken counts for many, and its square for as many times as many.
        counts = (w / np.sqrt((w**2).mean()))[:, None]
        left, sizes_of, right = np.linalg.svd(counts * (x - middle) / scale, full_matrices=False)
        told = left.T @ (counts * (r - level))  # [K, A]
        own = (seen[out] - middle) / scale @ right.T
        for shrink in SHRINK:
            factor = np.zeros_like(sizes_of) if np.isinf(shrink) else sizes_of / (sizes_of**2 + shrink * len(x))
            factor = np.where(sizes_of > 0, factor, 0.0)
            found[shrink][out] = rest[out] - level - (own * factor) @ told
            more = (told.T * factor) @ right / scale
            if means is not None:
                off = len(x) * float((((right @ ((means - middle) / scale)) * factor) ** 2).sum())
                levers[shrink] += float(weights[out].sum()) * off
            maps[shrink].append(Part(float(weights[out].sum()), whole, middle, prior + more))
    fits = [Fit(found[shrink], tuple(maps[shrink]), weights, stratum, sizes, levers[shrink]) for shrink in SHRINK]
    return min(fits, key=lambda one: float(one.squares(one.nums).sum(axis=0).max()))
