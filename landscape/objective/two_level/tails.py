"""Which examples stand out: what they cost at one node does not follow from the others as it does for most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RIDGE = 1e-4
"""Of the variance of standardised costs: what is less is not told from rounding."""
CHUNK = 8192
"""Examples that are looked at together."""


def misfits(some: Array, every: NDArray[np.floating]) -> Array:
    """How badly each example's costs at the nodes fit one another [N]; 1 is usual among those that are there.

    What an example costs at a node is told from its costs at all other nodes, by a regression that some examples teach;
    its misfit is the largest difference, in those that are usual at that node.

    Args:
        some: costs of some examples at the nodes [n, K].
        every: of all [K, N].
    """
    middle, scale = some.mean(axis=0), some.std(axis=0)
    kept = scale > 0
    if kept.sum() < 2:
        return np.ones(every.shape[1])
    line = (some[:, kept] - middle[kept]) / scale[kept]
    inverse = np.linalg.inv(line.T @ line / len(line) + RIDGE * np.eye(line.shape[1]))
    told = inverse / np.diag(inverse)  # [K, K]: what is left of each node, told by the others
    usual = np.sqrt(((line @ told) ** 2).mean(axis=0))
    told = told / np.maximum(usual, 1e-300) / scale[kept][:, None]
    found = np.empty(every.shape[1])
    for start in range(0, len(found), CHUNK):
        part = every[kept, start : start + CHUNK].T - middle[kept]
        found[start : start + CHUNK] = np.abs(part @ told).max(axis=1)
    return found


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
