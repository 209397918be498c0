"""Runs that two jobs have: caps can make the settings of several jobs one, and each run counts once; and jobs that
repeat one setting with other seeds, which are one job with all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import replace

from landscape.figure.sweep.keys import at, is_seed, leaves
from landscape.ground.settings import key_of, uses_of
from landscape.result.saved import Result

IN_THE_CONFIG = ("limits.scale", "limits.epochs", "limits.seeds", "limits.width")
"""Caps that a saved config has in force, so that it says all of them."""
ON_THE_WAY = {"alphas ": "alphas.", "examples ": "data."}
"""Caps that are in force where grid and data are made: their words, and the keys whose values they overrule."""


def fresh(results: Sequence[Result]) -> list[list[int]]:
    """For each job the columns of the runs that no earlier job has: of other settings after caps, or another seed."""
    seen: set[Hashable] = set()
    found = []
    for result in results:
        new = []
        for column in range(result.num_columns):
            names = set(_names(result, column))
            if not names & seen:
                new.append(column)
            seen |= names
        found.append(new)
    return found


def distinct(results: Sequence[Result]) -> list[Result]:
    """The jobs with each run once; a job that has no run of its own is left out."""
    return [
        result if len(new) == result.num_columns else result.columns(new)
        for result, new in zip(results, fresh(results), strict=True)
        if new
    ]


def joined(results: Sequence[Result]) -> list[Result]:
    """The jobs with each run once, and those that differ in their seeds alone as one, where the first of them stood.

    No override tells of seeds any more: the columns do.
    """
    groups: dict[Hashable, list[Result]] = {}
    for k, result in enumerate(distinct(results)):
        own = len(result.seeds) != result.num_columns  # its columns do not say their seeds
        groups.setdefault(k if own else (result.scale, frozenset(_settings(result).items())), []).append(result)
    whole = [first.beside(*rest) for first, *rest in groups.values()]
    return [replace(r, overrides=[item for item in r.overrides if not _picks_seeds(key_of(item))]) for r in whole]


def _picks_seeds(key: str) -> bool:
    return key.startswith("training.") and is_seed(key)


def note(results: Sequence[Result]) -> str:
    """One sentence on what does not count again, empty where every run is its own."""
    found = [(len(new), result.num_columns) for result, new in zip(results, fresh(results), strict=True)]
    whole, part = sum(new == 0 for new, _ in found), sum(0 < new < num for new, num in found)
    words = [f"{whole} {'is a copy' if whole == 1 else 'are copies'} of others after caps"] if whole else []
    words += [f"{part} {'has' if part == 1 else 'have'} seeds of an earlier one"] if part else []
    return f"of {len(results)} jobs {', '.join(words)}: each run counts once" if words else ""


def _names(result: Result, column: int) -> list[Hashable]:
    """What this run is known by: its settings and seed; and, under a cap on the way, its curves in place of a few."""
    told, label = _settings(result), result.seed_names(result.num_columns)[column]
    names: list[Hashable] = [(label, frozenset(told.items()))]
    overruled = tuple(key for words, key in ON_THE_WAY.items() if any(words in cap for cap in result.caps))
    if overruled and result.curves:
        kept = frozenset(item for item in told.items() if not item[0].startswith(overruled))
        names.append((label, kept, _digest(result, column)))
    return names


def _settings(result: Result) -> dict[str, str]:
    """All that decided its numbers after caps; without its seeds where its columns say them, else they are numbered."""
    config = {name: text for key, value in result.config.items() for name, text in leaves(key, value).items()}
    if len(result.seeds) == result.num_columns:
        config = {name: text for name, text in config.items() if not _picks_seeds(name)}
    # An override counts by what became of it, and by its own text where the config does not hold its key.
    told = {key_of(item): item for item in result.overrides if at(result.config, key_of(item)) is None}
    return {
        name: text
        for name, text in {**result.choices, **told, **config}.items()
        if uses_of(name).result and name not in ("limits", *IN_THE_CONFIG)
    }


def _digest(result: Result, column: int) -> str:
    """Of the values of all curves of one run."""
    found = hashlib.sha256()
    for key, curve in sorted(result.curves.items()):
        found.update(key.encode() + curve.alphas.tobytes())
        found.update(curve.objective[:, column if column < curve.num_columns else 0].tobytes())
    return found.hexdigest()
