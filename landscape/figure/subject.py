"""What a drawing or a verdict speaks of: the names of jobs, and which of their seeds can be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape.ground.settings import key_of, named
from landscape.result.curve import Array
from landscape.result.saved import Result

# Their values show in the choices, so an override of one of them adds nothing to a name.
CHOSEN = ("recipe", "endpoints", "alphas")


def recipe(result: Result) -> str:
    """The recipe's name, or the experiment's when nothing was trained."""
    return result.choices.get("recipe", result.name)


def net(result: Result) -> str:
    """What was trained, for a reader: the model that the command chose, else the recipe's name."""
    chosen = any(key_of(item) == "model" for item in result.overrides)
    return result.choices.get("model", recipe(result)) if chosen else recipe(result)


def caps(results: Sequence[Result]) -> list[str]:
    """The caps that bit, each with how many jobs it is of where it is not of all.

    A cap on a training is none of a job that trained nothing, such as a line between checkpoints.
    """
    found = [
        cap
        for result in results
        for cap in dict.fromkeys(result.caps)
        if result.training_status or not cap.startswith("training.")
    ]
    of = {cap: found.count(cap) for cap in dict.fromkeys(found)}
    return [cap if num == len(results) else f"{cap} ({num} of {len(results)} jobs)" for cap, num in of.items()]


def num_classes(result: Result) -> int:
    """C of ``config["dimensions"]["classes"]``, else the ten of MNIST."""
    dimensions = result.config.get("dimensions") or {}
    return int(dimensions.get("classes") or 10)


def plain_overrides(result: Result) -> list[str]:
    """The overrides that say something new: no choice of recipe, endpoints or alphas, and nothing on how to run."""
    return [item for item in named(result.overrides) if key_of(item) not in CHOSEN]


def names(results: Sequence[Result], brief: bool = False) -> list[str]:
    """One name per job: its ``net`` and whatever tells it apart from the others.

    Args:
        brief: leave the first out where it is the same everywhere and something else tells the jobs apart.
    """
    differing = [key for key in CHOSEN if len({result.choices.get(key, "") for result in results}) > 1]
    shared = set.intersection(*(set(plain_overrides(result)) for result in results)) if results else set()
    several, found = len({net(result) for result in results}) > 1, []
    for result in results:
        extra = [
            result.choices[key] for key in differing if key in result.choices and result.choices[key] != net(result)
        ]
        extra += [item for item in plain_overrides(result) if item not in shared and key_of(item) != "model"]
        keep_recipe = not (brief and extra and not several)
        found.append(", ".join([net(result)] * keep_recipe + extra))
    if len(set(found)) == len(found):
        return found
    return [f"{name} (job {k + 1})" if found.count(name) > 1 else name for k, name in enumerate(found)]


def seed_names(result: Result, num: int) -> list[str]:
    """The seed of each of ``num`` columns, by number when the result does not name as many."""
    return result.seeds if len(result.seeds) == num else [str(s) for s in range(num)]


def diverged(result: Result, num: int) -> list[bool]:
    """For each of ``num`` columns whether its training, or that of either end of its line, diverged."""
    status, labels = result.training_status, seed_names(result, num)
    if len(status) == num and not any("-" in label[1:] for label in labels):
        return [item == "diverged" for item in status]
    trained = list(dict.fromkeys(part for label in labels for part in label.split("-")))
    if len(trained) != len(status):
        return [False] * num
    bad = {seed for seed, item in zip(trained, status, strict=True) if item == "diverged"}
    return [bool(bad & set(label.split("-"))) for label in labels]


def usable(result: Result, values: Array, ragged: bool = False) -> tuple[list[int], str]:
    """The columns that can be drawn and judged, and one sentence on those left out.

    Args:
        values: [A, S] or [T, S]. ragged: NaN after a column's own last row is no fault.
    Returns:
        Column indices and the sentence, empty when none was left out.
    """
    num = values.shape[1]
    labels, lost = seed_names(result, num), diverged(result, num)
    finite = np.isfinite(values)
    # A ragged column may end early; a gap before its end, or no value at all, is still a fault.
    whole = (~finite[:-1] & finite[1:]).sum(axis=0) == 0 if ragged else finite.all(axis=0)
    whole = np.asarray(whole) & finite[:1].any(axis=0)  # none in an array without rows
    columns = [s for s in range(num) if whole[s] and not lost[s]]
    reasons = [
        f"seed {labels[s]} left out: {'its training diverged' if lost[s] else 'it holds values that are not finite'}"
        for s in range(num)
        if s not in columns
    ]
    return columns, "; ".join(reasons)
