"""What a measurement says of itself before it is taken: how often it goes over which examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from landscape.measurement.subject import Measured, Subject


@dataclass(frozen=True)
class Pass:
    """One objective along one set of lines.

    Args:
        split: ``train``, ``valid`` or ``test``. mode: of the objective. num_examples: N of the split.
        num_points: A, positions on each line. num_rows: S, lines. num_replicates: K of the objective.
        order: 0 for J, 1 for its slope as well, 2 for its curvature too.
    """

    split: str
    mode: str
    num_examples: int
    num_points: int
    num_rows: int
    num_replicates: int = 1
    order: int = 0

    @property
    def num_evaluations(self) -> int:
        """Examples that go through the network, every one as often as it does."""
        return self.num_examples * self.num_points * self.num_rows * self.num_replicates


@dataclass(frozen=True)
class Steps:
    """Steps that a measurement makes of its own accord, one after another.

    Args:
        num_steps: in a row. num_rows: so many rows. num_examples: that go through the network in one step.
        shorter: (number of steps) -> the same measurement with so few, to be timed.
        may_stop: whether ``num_steps`` is only an upper bound.
    """

    num_steps: int
    num_rows: int
    num_examples: int
    shorter: Callable[[int], Callable[[Subject], Measured]]
    may_stop: bool = False

    @property
    def num_evaluations(self) -> int:
        """Examples that go through the network."""
        return self.num_steps * self.num_rows * self.num_examples


@dataclass(frozen=True)
class Work:
    """What ``work(subject)`` of a measurement returns; a measurement without that method is not forecast.

    Args:
        passes, steps: what can be counted. unknown: what cannot, in words that complete "not forecast: ...".
    """

    passes: tuple[Pass, ...] = ()
    steps: Steps | None = None
    unknown: str = ""
