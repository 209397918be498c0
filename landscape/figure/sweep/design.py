"""A sweep as a design: its jobs by the values of the keys that were swept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from landscape.figure.sweep.keys import Key, keys_of, swept
from landscape.figure.sweep.pool import pool
from landscape.result.saved import Result

Cells = Mapping[tuple[str, ...], Result]


@dataclass(frozen=True)
class Design:
    """Jobs and what tells them apart.

    Args:
        results: the jobs. told: for each job the values of its swept keys. keys: those that pick no seed, the one to
            colour by first, then by falling number of values.
    """

    results: Sequence[Result]
    told: Sequence[Mapping[str, str]]
    keys: Sequence[Key]

    @classmethod
    def of(cls, results: Sequence[Result]) -> Design:
        """The design of these jobs; an ordered key is coloured before any other, the one with most values first."""
        told = swept(results)
        # sorted is stable: of two keys alike the first that was told comes first
        keys = sorted(keys_of(told), key=lambda key: -len(key.values))
        first = next((key for key in keys if key.is_ordered), None)
        return cls(results, told, ([first] if first else []) + [key for key in keys if key is not first])

    def cells(self, keys: Sequence[Key]) -> Cells:
        """One result per combination of these keys' values that occurs, its jobs pooled over all other keys."""
        groups: dict[tuple[str, ...], list[Result]] = {}
        for result, values in zip(self.results, self.told, strict=True):
            groups.setdefault(tuple(values[key.name] for key in keys), []).append(result)
        return {place: pool(group) for place, group in groups.items()}


def spread(values: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of the values, the first, the last, and evenly between them."""
    if len(values) <= most:
        return list(values)
    return [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]
