"""How many examples and points are held at once, from what each of them takes and a budget."""

from __future__ import annotations

from dataclasses import dataclass

from landscape.budget import size
from landscape.errors import InputError

MOST_CPU, MOST_CUDA = 5000, 65536
"""Examples per pass where nobody says how many: more gain nothing on a CPU; a GPU likes them all."""
LADDER = (32768, 16384, 8192, 5000, 2500, 1000, 500, 250, 100, 50, 25, 10, 5, 2, 1)
"""Smaller numbers of examples to try: few steps, so that a little more or less free memory changes nothing."""
FILL_BYTES = 256 << 20
"""Values of one pass from which on a GPU has enough to do, so that no further points need to go with it."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that evaluating one point after the other takes.

    Args:
        fixed: whatever the number of examples: the point itself, random numbers in blocks.
        held: per example, as it lies there for all points: masks, samples.
        each: per example on its way through the network at one point.
        point: per point that is evaluated at the same time as others: its parameters.
        carried: per point of the path, from one batch to the next: states, running statistics.
    """

    fixed: float
    held: float
    each: float
    point: float
    carried: float

    def of(self, examples: int, together: int = 1, points: int = 1) -> float:
        """Bytes with so many examples per pass, points evaluated at once, and points of the path per pass."""
        most = (together - 1) * self.point + examples * (self.held + together * self.each)
        return self.fixed + most + points * self.carried

    def left(self, budget: int, examples: int) -> float:
        """What a batch of so many examples leaves of a budget to whoever evaluates it otherwise."""
        return budget - self.fixed - examples * self.held


def examples_per_pass(
    foot: Footprint, budget: int, most: int, num_examples: int, is_fixed: bool, memory: object, why_fixed: str = ""
) -> int:
    """The most examples that fit; ``most`` where they do.

    Args:
        most: examples per pass that are wanted. num_examples: N. is_fixed: only ``most`` will do, for ``why_fixed``.
        memory: the budget as it was given.

    Raises:
        InputError: not even the fewest fit.
    """
    tried = [most, *(() if is_fixed else (n for n in LADDER if n < most))]
    for examples in tried:
        if foot.of(min(examples, num_examples)) <= budget:
            return examples
    least = foot.of(min(tried[-1], num_examples))
    what = f"the {tried[-1]} examples of a pass{why_fixed}" if is_fixed else "one example"
    raise InputError(
        f"objective.memory={memory} is {size(budget)} here, too little for {what} at one point, which takes about "
        f"{size(1.01 * least)}; set objective.memory={size(1.01 * least)} or more"
    )


def points_per_pass(foot: Footprint, budget: int, examples: int, num_points: int) -> int:
    """Points of the path that share one pass over the data: all of them where what they carry fits."""
    if foot.carried <= 0:
        return num_points
    left = budget - foot.of(examples, points=0)
    return max(1, min(num_points, int(left // foot.carried)))


def points_at_once(foot: Footprint, budget: int, examples: int, num_points: int, wanted: int | None) -> int:
    """Points that go through the network together, as many as fit.

    Args:
        wanted: as many as this; None: until a GPU has enough to do.
    """
    if wanted is None:
        wanted = -(-FILL_BYTES // max(1, int(examples * foot.each)))
    per_point = foot.point + examples * foot.each
    fit = 1 + int(max(0.0, budget - foot.of(examples)) // max(1.0, per_point))
    return max(1, min(wanted, fit, num_points))
