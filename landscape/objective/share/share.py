"""Which part of the examples, of how many."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from landscape.errors import InputError


@dataclass(frozen=True)
class Span:
    """Where a curve lies in all the work of a measurement, whose curves lie one after another.

    Args:
        first, stop: work before it, and up to its end.
        all: of all curves.
    """

    first: int
    stop: int
    all: int


WHOLE = Span(0, 1, 1)
"""The only curve."""


@dataclass(frozen=True)
class Share:
    """One of so many parts of the examples, each of whole batches.

    Args:
        number: from 0 on.
        of: parts in all.

    Raises:
        ValueError: there is no such part.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"there is no part {self.number} of {self.of}")

    def has(self, at: int, num: int, span: Span = WHOLE) -> bool:
        """Whether the part holds a place of a curve: parts are equal pieces of the work, one after another.

        Args:
            at: number of the place.
            num: of all places.
            span: of the curve.
        """
        work = span.first * num + (span.stop - span.first) * min(at, num - 1)
        return work * self.of // (span.all * num) == self.number

    def touches(self, span: Span) -> bool:
        """Whether the part may hold anything of a curve."""
        return self.number * span.all < span.stop * self.of and span.first * self.of < (self.number + 1) * span.all

    @property
    def label(self) -> str:
        """In the names of its files."""
        return f"{self.number + 1}-of-{self.of}"

    def __str__(self) -> str:
        """For people, who count from 1."""
        return f"part {self.number + 1} of {self.of}"


def check_shards(shards: object, slopes: int = 0) -> int | None:
    """What ``measurement.shards`` is, None for one process.

    Raises:
        InputError: no whole number of 1 or more, or one beside slopes, which are not evaluated in parts.
    """
    if shards is None:
        return None
    if isinstance(shards, bool) or not isinstance(shards, Integral) or shards < 1:
        raise InputError(f"measurement.shards={shards} must be a whole number of parts, 1 or more, or null")
    if slopes:
        raise InputError(
            f"measurement.shards={shards} evaluates J in parts, and measurement.slopes={slopes} is evaluated whole; "
            "use measurement.slopes=0, or measurement.shards=null"
        )
    return int(shards)
