"""Which part of the examples, of how many."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from landscape.errors import InputError


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
