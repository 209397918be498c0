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
    """

    of: Numbers
    sizes: Numbers

    @classmethod
    def one(cls, num: int) -> Strata:
        """All examples in one."""
        return cls(np.zeros(num, dtype=np.intp), np.array([num]))

    @classmethod
    def by(cls, misfit: Array) -> Strata:
        """Cut so that each holds as much misfit as another, as far as that goes.

        Source: the rule of equal aggregate size, Särndal, Swensson & Wretman, "Model Assisted Survey Sampling", 12.4.

        Args:
            misfit: of each example [N], 0 or more.
        """
        order = np.argsort(misfit, kind="stable")
        share = np.cumsum(misfit[order]) / max(float(misfit.sum()), 1e-300)
        of = np.empty(len(misfit), dtype=np.intp)
        of[order] = np.minimum((share * NUM).astype(np.intp), NUM - 1)
        _, of = np.unique(of, return_inverse=True)
        return cls(of, np.bincount(of))

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
