"""Which examples are looked at more closely: those whose costs at the nodes fit one another worst are a stratum each.

Of many networks a few examples in a hundred carry all of J near a solution. Some examples at random hold few of these,
and neither their mean nor its error would be known. So all examples are sorted by how badly their costs at the nodes
fit one another, cut into strata that hold as much misfit each, and of every stratum so many are taken as are needed.
Who stands out alone is in a stratum that is taken whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape.objective.two_level.nodes import interpolation

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

NUM = 5
"""Strata."""


@dataclass(frozen=True)
class Strata:
    """The strata of all examples.

    Args:
        of: the stratum of each example [N].
        sizes: how many are in each [H].
        is_whole: which are to be taken whole [H].
    """

    of: Numbers
    sizes: Numbers
    is_whole: NDArray[np.bool_]

    @classmethod
    def one(cls, num: int) -> Strata:
        """All examples in one."""
        return cls(np.zeros(num, dtype=np.intp), np.array([num]), np.zeros(1, dtype=bool))

    @classmethod
    def by(cls, misfit: Array, num: int) -> Strata:
        """Cut so that each holds as much misfit as another; those that stand out are one by themselves.

        Source: Särndal, Swensson & Wretman, "Model Assisted Survey Sampling", 1992, the rule of equal aggregate size.

        Args:
            misfit: of each example [N], 0 or more.
            num: about how many examples are taken.
        """
        alone, order = outstanding(misfit, num), np.argsort(misfit, kind="stable")
        others = order[~np.isin(order, alone)]
        share = np.cumsum(misfit[others]) / max(float(misfit[others].sum()), 1e-300)
        of = np.zeros(len(misfit), dtype=np.intp)
        of[others] = 1 + np.minimum((share * NUM).astype(np.intp), NUM - 1)
        return cls._of(of)

    @classmethod
    def _of(cls, of: Numbers) -> Strata:
        """Of the numbers of strata, 0 those that are taken whole."""
        left, of = np.unique(of, return_inverse=True)
        return cls(of, np.bincount(of), left == 0)

    def with_alone(self, alone: Numbers) -> Strata:
        """The same with some more examples among those that are taken whole.

        What is left of a stratum is one, and of that those who were taken are still some at random.
        """
        of = self.of + 1 if not self.is_whole.any() else self.of.copy()
        of[alone] = 0
        return self._of(of)

    def first(self, order: Numbers, nums: Numbers) -> Numbers:
        """The first ``nums`` [H] of each stratum in an order of all examples, in rising order of their numbers."""
        found = [order[self.of[order] == h][:num] for h, num in enumerate(nums)]
        return np.sort(np.concatenate(found))

    def weights(self, numbers: Numbers) -> Array:
        """The share of all examples that each of some stands for [n], of sum 1."""
        inside = self.of[numbers]
        counts = np.bincount(inside, minlength=len(self.sizes))
        return np.asarray((self.sizes / np.maximum(counts, 1))[inside] / self.sizes.sum())


def misfits(at: Array, every: NDArray[np.floating], some: Numbers, least: float) -> Array:
    """How badly each example's costs at the nodes fit one another [N].

    Its cost at a node is told from those at all other nodes by splines; its misfit is the largest difference, in those
    that are usual at that node.

    Args:
        at: where the nodes lie [K, d].
        every: costs of all examples there [K, N].
        some: the numbers of those whose differences are called usual.
        least: a difference that means nothing yet.
    """
    num = len(at)
    told = np.eye(num)
    for k in range(num):
        others = [n for n in range(num) if n != k]
        told[k, others] -= interpolation(at, others)[k]
    found = np.abs(told.astype(every.dtype) @ every)
    usual = np.sqrt((found[:, some].astype(np.float64) ** 2).mean(axis=1, keepdims=True))
    return np.asarray((found / np.maximum(usual, least).astype(every.dtype)).max(axis=0), dtype=np.float64)


def outstanding(misfit: Array, num: int) -> Numbers:
    """Those of whom ``num`` examples, taken with chances in proportion to their misfit, would hold each for certain.

    Source: Särndal, Swensson & Wretman, 3.6.2. At most half as many are told.

    Args:
        misfit: of each example [N], 0 or more.
        num: of examples.
    """
    alone = np.zeros(len(misfit), dtype=bool)
    while alone.sum() < num:
        new = ~alone & (misfit > 0) & (misfit * (num - alone.sum()) >= misfit[~alone].sum())
        if not new.any():
            break
        alone |= new
    return np.sort(np.argsort(-misfit, kind="stable")[: min(int(alone.sum()), num // 2)])
