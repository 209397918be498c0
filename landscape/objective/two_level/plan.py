"""How many examples and which points make the least work, as far as the examples that are there can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape.objective.two_level.estimate import Fit, fit
from landscape.objective.two_level.nodes import ordered

Array = NDArray[np.float64]

SURE, UNSEEN = 4.0, 3.0
"""Standard errors that a value may be off by; and of n examples as many could be of a kind that nobody has seen, with
95 % certainty."""
STEP = 1.25
"""From one number of nodes that is tried to the next, and from one of examples."""
PER_NODE = 2
"""Examples that are there for each node at least: a regression of as many as there are nodes tells nothing."""


def bound_of(found: Fit, num: float, num_all: int, grown: float = 1.0) -> Array:
    """How far the mean over all examples may be off [A].

    Args:
        found: of the examples that are there.
        num: how many examples there will be.
        num_all: from which they are taken.
        grown: how many times as large as seen what is left of an example may be.
    """
    error = found.spread * np.sqrt(max(1 / num - 1 / num_all, 0.0))
    rest = UNSEEN / num * (1 - num / num_all) * found.widest
    return np.asarray(grown * (SURE * error + rest))


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        nodes: points to take over all examples, besides those that are.
        num: examples to take everywhere.
        work: what that takes, in passes of all examples over one point.
    """

    nodes: list[int]
    num: int
    work: float


def plan(
    curves: Sequence[Array],
    at: Array,
    fold: NDArray[np.intp],
    first: list[int],
    num_all: int,
    grown: Array,
    free: int,
) -> Plan:
    """The least work after which no value is off by more than 1.

    Args:
        curves: costs of each row [n, A], in units of what a value may be off.
        at: where the points lie [A, d].
        fold: the part [n] that each example is in.
        first: points that are nodes in any case.
        num_all: N.
        grown: of each row, see ``bound_of``.
        free: of ``first`` so many are done.
    """
    num, num_points = curves[0].shape
    most = max(len(first), min(num // PER_NODE, num_points // 2))
    order, best = ordered(curves, first, most), Plan([], num_all, float(num_points))
    size = max(len(first), 3)
    while size <= len(order):
        nodes = order[:size]
        if size - free >= best.work:
            break
        fits = [fit(line, nodes, at, fold) for line in curves]
        wanted = float(num)
        while wanted < num_all and any(
            (bound_of(f, wanted, num_all, g) > 1).any() for f, g in zip(fits, grown, strict=True)
        ):
            wanted *= STEP
        wanted = max(min(wanted, num_all), PER_NODE * size)
        work = size - free + (wanted - num) / num_all * num_points
        if work < best.work:
            best = Plan(nodes, int(np.ceil(wanted)), work)
        size = max(size + 1, int(size * STEP))
    return best
