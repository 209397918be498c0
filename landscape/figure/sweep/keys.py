"""What a sweep varied: the keys that tell its jobs apart, the order of their values, and the jobs by these values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landscape.ground.settings import key_of, named
from landscape.result.saved import Result

SEEDS = ("seed", "first_seed", "num_seeds")
"""Last part of the keys that pick a seed: jobs that differ only there repeat one setting."""


@dataclass(frozen=True)
class Key:
    """One swept key.

    Args:
        name: ``"optimizer.lr"``. values: as text, ascending where they are numbers or lists of numbers, else in the
            order of the jobs. is_ordered: whether they are. also: keys that change exactly when this one does.
    """

    name: str
    values: tuple[str, ...]
    is_ordered: bool
    also: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """``optimizer.lr``, or ``optimizer.lr (and training.batch_size with it)``."""
        return f"{self.name} (and {', '.join(self.also)} with it)" if self.also else self.name

    @property
    def words(self) -> dict[str, str]:
        """Each value as a reader wants it: ``0.1``, ``[8,8]``, ``not set``; as few digits as keep them apart."""
        found: list[str] = []
        for digits in range(3, 18):
            found = [_word(value, digits) for value in self.values]
            if len(set(found)) == len(found):
                break
        return dict(zip(self.values, found, strict=True))

    def word(self, value: str) -> str:
        """One of ``words``."""
        return self.words[value]


def _word(value: str, digits: int) -> str:
    rank = _rank(value)
    if rank is None:
        return value or "not set"
    return f"{rank[1][0]:.{digits}g}" if rank[0] < 0 else value.replace(" ", "")


def is_seed(name: str) -> bool:
    """Whether a key picks a seed."""
    return name.split(".")[-1] in SEEDS


def keys_of(swept: Sequence[Mapping[str, str]]) -> list[Key]:
    """The keys of ``swept(results)`` that pick no seed; of several that change together the first, naming the rest."""
    found: dict[tuple[int, ...], list[str]] = {}
    for name in swept[0] if swept else ():
        values = [keys[name] for keys in swept]
        if not is_seed(name):
            found.setdefault(tuple(values.index(value) for value in values), []).append(name)
    return [_key(names, [keys[names[0]] for keys in swept]) for names in found.values()]


def _key(names: Sequence[str], told: Sequence[str]) -> Key:
    values = list(dict.fromkeys(told))
    ranks = [_rank(value) for value in values]
    ordered = [rank for rank in ranks if rank is not None]
    is_ordered = len(ordered) == len(values) and len({rank[0] < 0 for rank in ordered}) == 1
    if is_ordered:
        values = [value for _, value in sorted(zip(ordered, values, strict=True))]
    return Key(names[0], tuple(values), is_ordered, tuple(names[1:]))


def _rank(value: str) -> tuple[int, tuple[float, ...]] | None:
    """What a number, or a list of numbers, is sorted by: lists by length first; None for anything else."""
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if _is_number(read):
        return -1, (float(read),)
    if isinstance(read, list) and read and all(map(_is_number, read)):
        return len(read), tuple(map(float, read))
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def swept(results: Sequence[Result]) -> list[dict[str, str]]:
    """For each job the keys that were set differently among these jobs, with their values; a dict's by its leaves."""
    told = [{key_of(item): item.partition("=")[2] for item in named(result.overrides)} for result in results]
    keys = dict.fromkeys(key for items in told for key in items)
    found: list[dict[str, str]] = [{} for _ in results]
    for key in keys:
        for values, items, result in zip(found, told, results, strict=True):
            chosen = result.choices.get(key)
            values |= {key: chosen} if chosen is not None else leaves(key, at(result.config, key, items.get(key, "")))
    differing = [
        key
        for key in dict.fromkeys(key for values in found for key in values)
        if len({values.get(key, "") for values in found}) > 1
    ]
    return [{key: values.get(key, "") for key in differing} for values in found]


def at(config: Any, key: str, otherwise: Any = None) -> Any:
    """The config's value at a dotted key; ``otherwise``, such as the override's own text, where the config has none."""
    for part in key.split("."):
        if not isinstance(config, dict) or part not in config:
            return otherwise
        config = config[part]
    return config


def leaves(key: str, value: Any) -> dict[str, str]:
    """A config value as dotted keys with their values as text."""
    if isinstance(value, dict):
        return {name: text for part, item in value.items() for name, text in leaves(f"{key}.{part}", item).items()}
    return {key: value if isinstance(value, str) else json.dumps(value)}


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
        return {place: group[0].beside(*group[1:]) for place, group in groups.items()}


def spread(values: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of the values, the first, the last, and evenly between them."""
    if len(values) <= most:
        return list(values)
    return [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]


def num_runs(results: Sequence[Result]) -> str:
    """``12 jobs of 4 seeds``, ``12 jobs of 1 to 4 seeds``, ``12 jobs``."""
    counts = sorted({result.num_columns for result in results})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    jobs = f"{len(results)} job{'s' * (len(results) > 1)}"
    return f"{jobs} of {seeds} seeds" if counts[-1] > 1 else jobs
