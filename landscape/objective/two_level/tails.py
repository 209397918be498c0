"""Which examples stand out: what they cost at one node does not follow from the others as it does for most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landscape.objective.two_level.nodes import interpolation

Array = NDArray[np.float64]


def misfits(at: Array, every: NDArray[np.floating], some: NDArray[np.intp]) -> NDArray[np.floating]:
    """How badly each example's costs at the nodes fit one another [K, N]; 1 is usual.

    Its cost at a node is told from those at all other nodes by splines; its misfit is the difference, in those that are
    usual at that node.

    Args:
        at: where the nodes lie [K, d].
        every: costs of all examples there [K, N].
        some: the numbers of those whose differences are called usual.
    """
    num = len(at)
    told = np.eye(num)
    for k in range(num):
        others = [n for n in range(num) if n != k]
        told[k, others] -= interpolation(at, others)[k]
    found = told.astype(every.dtype) @ every
    usual = np.sqrt((found[:, some].astype(np.float64) ** 2).mean(axis=1, keepdims=True))
    return np.asarray(found / np.where(usual > 0, usual, 1.0).astype(every.dtype))


def growth(misfit: NDArray[np.floating], drawn: NDArray[np.intp], others: NDArray[np.bool_]) -> Array:
    """By how much what is left of the examples is larger over all of them than over some, at each node [K]; 1 at least.

    Args:
        misfit: [K, N].
        drawn: the numbers of some.
        others: which of all count [N].
    """
    over_all = (misfit[:, others].astype(np.float64) ** 2).mean(axis=1)
    over_some = (misfit[:, drawn].astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(np.sqrt(np.maximum(1.0, over_all / np.where(over_some > 0, over_some, np.inf))))


def outstanding(misfit: Array, num: int) -> NDArray[np.intp]:
    """The examples that ``num`` of all, taken with a chance in proportion to their misfit, would hold for certain.

    Source: Sampford, "On sampling without replacement with unequal probabilities of selection", 1967.
    """
    found = np.zeros(len(misfit), dtype=bool)
    while found.sum() < num:
        rest = misfit[~found]
        new = ~found & (misfit * (num - found.sum()) >= rest.sum()) & (misfit > 0)
        if not new.any():
            break
        found |= new
    order = np.argsort(-misfit, kind="stable")[: int(found.sum())]
    return np.sort(order[: max(num, 1)])
