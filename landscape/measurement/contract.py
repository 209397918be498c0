"""What every measurement offers, and the words in which it says beforehand how often it goes over which examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from landscape.errors import InputError
from landscape.result.curve import Components, Curve, Projection, Surface

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What a measurement returns: the parts of a Result that it knows."""

    curves: dict[str, Curve] = field(default_factory=dict)
    projections: dict[str, Projection] = field(default_factory=dict)
    surfaces: dict[str, Surface] = field(default_factory=dict)
    components: dict[str, Components] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


class Measurement(Protocol):
    """What is taken at a stage of a job.

    ``check`` and ``work`` may be missing: nothing is then refused before training, and nothing forecast.
    """

    stage: type[Any]
    """``Seeds``, ``Network``, ``Trained`` or ``OnPath``: what the methods below are given."""

    def check(self, subject: Any) -> None:
        """Raise InputError for what cannot be measured, before anything is trained.

        Args:
            subject: on a path whose ends are stand-ins; the untrained network where the stage is ``Trained``.
        """

    def work(self, subject: Any) -> Work:
        """Count what a call does; ends and solutions may be stand-ins."""

    def __call__(self, subject: Any) -> Measured:
        """Measure."""


@dataclass(frozen=True)
class Pass:
    """One objective along one set of lines.

    Args:
        split: ``train``, ``valid`` or ``test``.
        mode: of the objective.
        num_examples: N of the split; None where a stream does not say it.
        num_points: A, positions on each line.
        num_rows: S, lines.
        num_replicates: K of the objective.
        order: 0 for J, 1 for its slope as well, 2 for its curvature too.
    """

    split: str
    mode: str
    num_examples: int | None
    num_points: int
    num_rows: int
    num_replicates: int = 1
    order: int = 0

    @property
    def num_evaluations(self) -> int:
        """Examples that go through the network, every one as often as it does; 0 where their number is not known."""
        return (self.num_examples or 0) * self.num_points * self.num_rows * self.num_replicates


@dataclass(frozen=True)
class Steps:
    """Steps that a measurement makes of its own accord, one after another.

    Args:
        num_steps: in a row.
        num_rows: so many rows.
        num_examples: that go through the network in one step.
        shorter: (number of steps) -> the same measurement with so few, to be timed.
        may_stop: whether ``num_steps`` is only an upper bound.
    """

    num_steps: int
    num_rows: int
    num_examples: int
    shorter: Callable[[int], Callable[[Any], Measured]]
    may_stop: bool = False

    @property
    def num_evaluations(self) -> int:
        """Examples that go through the network."""
        return self.num_steps * self.num_rows * self.num_examples


@dataclass(frozen=True)
class Work:
    """What ``work`` of a measurement returns.

    Args:
        passes: over the data.
        steps: of its own.
        unknown: what cannot be counted, in words that complete "not forecast: ...".
    """

    passes: tuple[Pass, ...] = ()
    steps: Steps | None = None
    unknown: str = ""


def work_of(measurement: Any, subject: Any) -> Work | None:
    """What a measurement says that it will do at its stage; None where it says nothing.

    Raises:
        InputError: it says something else.
    """
    if not hasattr(measurement, "work"):
        return None
    return _only(Work, measurement.work(subject), f"{type(measurement).__name__}.work")


def measured_by(measurement: Any, subject: Any) -> Measured:
    """What a measurement finds at its stage.

    Raises:
        InputError: it returns something else.
    """
    return _only(Measured, measurement(subject), type(measurement).__name__)


def _only(kind: type[T], found: Any, name: str) -> T:
    if not isinstance(found, kind):
        raise InputError(
            f"measurement {name} returns a {type(found).__name__}; "
            f"let it return a landscape.measurement.{kind.__name__}"
        )
    return found
