"""How many examples and which points make the least work, as far as the examples that are there can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape.objective.two_level.estimate import Fit
from landscape.objective.two_level.nodes import ordered

Array = NDArray[np.float64]

STEP = 1.25
"""From one number of nodes that is tried to the next, and from one of examples."""
PER_NODE = 2
"""Examples that are there for each node at least: a regression of as many as there are nodes tells nothing."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        nodes: points to take over all examples, those that are among them.
        nums: examples of each stratum to take everywhere [H].
        work: what that takes, in passes of all examples over one point.
    """

    nodes: list[int]
    nums: NDArray[np.intp]
    work: float


def needed(fits: Sequence[Fit], grown: float, least: int) -> NDArray[np.intp]:
    """How many examples of each stratum [H] make every value sure to 1.

    Args:
        fits: of each row.
        grown: how many times as large as seen what is left of an example may be.
        least: of all strata together.
    """
    nums, sizes = fits[0].nums.copy(), fits[0].sizes
    while True:
        squares = np.stack([found.squares(nums) for found in fits]) * grown**2  # [R, H, A]
        total = squares.sum(axis=1)
        is_short = nums.sum() < min(least, sizes.sum())
        if not (total > 1).any() and not is_short:
            return nums
        row, point = np.unravel_index(int(total.argmax()), total.shape)
        gain = np.where(nums < sizes, squares[row, :, point] / np.maximum(nums, 1), -1.0)
        if gain.max() < 0:
            return nums
        if gain.max() == 0:
            gain = np.where(nums < sizes, sizes / np.maximum(nums, 1), -1.0)
        h = int(gain.argmax())
        nums[h] = min(sizes[h], max(nums[h] + 1, int(nums[h] * STEP)))


def plan(
    curves: Sequence[Array],
    fitted: Callable[[Array, list[int]], Fit],
    first: list[int],
    grown: float,
    free: int,
) -> Plan:
    """The least work after which no value is off by more than 1.

    Args:
        curves: costs of each row [n, A], in units of what a value may be off.
        fitted: (costs [n, A], nodes) -> their fit.
        first: points that are nodes in any case.
        grown: see ``needed``.
        free: of ``first`` so many are done.
    """
    num, num_points = curves[0].shape
    most = max(len(first), min(num // PER_NODE, num_points // 2))
    order, size = ordered(curves, first, most), max(len(first), 3)
    best: Plan | None = None
    while size <= len(order) and (best is None or size - free < best.work):
        fits = [fitted(line, order[:size]) for line in curves]
        nums = needed(fits, grown, PER_NODE * size)
        work = size - free + float((nums - fits[0].nums).sum()) / fits[0].sizes.sum() * num_points
        if best is None or work < best.work:
            best = Plan(order[:size], nums, work)
        size = max(size + 1, int(size * STEP))
    assert best is not None
    return best
