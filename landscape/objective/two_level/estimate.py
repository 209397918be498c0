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
    """

    left: Array
    parts: tuple[Part, ...]

    @cached_property
    def spread(self) -> Array:
        """The standard deviation of r_e over examples [A]."""
        return np.asarray(self.left.std(axis=0, ddof=1))

    @cached_property
    def widest(self) -> Array:
        """The largest r_e of an example, here or at a point beside [A]."""
        return np.asarray(np.abs(self.left).max(axis=0))

    def mean(self, nodes: Array) -> Array:
        """J at all points [A] from J at the nodes [K], the means over examples of which these are some."""
        told = sum(p.share * (p.means + p.weights @ (nodes - p.nodes)) for p in self.parts)
        return np.asarray(told + self.left.mean(axis=0))


def fit(costs: Array, nodes: list[int], at: Array, fold: NDArray[np.intp]) -> Fit:
    """Fit costs at all points by those at the nodes.

    Args:
        costs: [n, A].
        nodes: their numbers [K].
        at: where the points lie [A, d].
        fold: the part [n] that each example is in.
    """
    prior = interpolation(at, nodes)
    seen = costs[:, nodes]
    rest = costs - seen @ prior.T
    found = {shrink: np.empty_like(costs) for shrink in SHRINK}
    maps: dict[float, list[Part]] = {shrink: [] for shrink in SHRINK}
    for number in np.unique(fold):
        out = fold == number
        x, r = seen[~out], rest[~out]
        middle, level, whole = x.mean(axis=0), r.mean(axis=0), costs[~out].mean(axis=0)
        scale = x.std(axis=0)
        scale[scale <= TINY * np.abs(middle)] = np.inf  # the same of all examples: nothing can be told by it
        left, sizes, right = np.linalg.svd((x - middle) / scale, full_matrices=False)
        told = left.T @ (r - level)  # [K, A]
        own = (seen[out] - middle) / scale @ right.T
        for shrink in SHRINK:
            factor = np.zeros_like(sizes) if np.isinf(shrink) else sizes / (sizes**2 + shrink * len(x))
            factor = np.where(sizes > 0, factor, 0.0)
            found[shrink][out] = rest[out] - level - (own * factor) @ told
            more = (told.T * factor) @ right / scale
            maps[shrink].append(Part(float(out.mean()), whole, middle, prior + more))
    best = min(SHRINK, key=lambda shrink: float((found[shrink] ** 2).mean(axis=0).max()))
    return Fit(found[best], tuple(maps[best]))
