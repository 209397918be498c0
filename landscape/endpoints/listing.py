"""Which files of a folder are the points of one run, and when each was saved."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape.endpoints.file import files_of, no_file, shown
from landscape.endpoints.fit import some
from landscape.errors import InputError
from landscape.ground.files.folder import NUMBER, saved_in
from landscape.ground.files.place import is_inside

EPOCHS = ("epoch", "epochs", "ep")
STEPS = ("step", "steps", "iter", "iteration", "update", "checkpoint")
"""Words before a number in the name of a file."""
LARGEST = 2**53
"""Of a number in a name: float64 holds all whole numbers up to here; what is larger is a hash."""


def paths_in(folder: str, pattern: str | None, key: str, pattern_key: str) -> list[str]:
    """The checkpoints of a run in their natural order, at least two.

    Args:
        folder: where they lie.
        pattern: of their names.
        key, pattern_key: of the two, for messages.

    Raises:
        InputError: there are fewer, files of several kinds, or links that lead out of the folder.
    """
    if not os.path.isdir(folder):
        raise InputError(f"{key}={folder} is no folder; give the one that holds a checkpoint per epoch")
    try:
        found = saved_in(Path(folder), pattern)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{pattern_key}={pattern} cannot be looked for in {folder}: {error}") from error
    names = names_in(folder, map(str, found))
    if pattern is None:
        of = "holds", "give the pattern of their names: " + f"{pattern_key}='epoch_*.pt'"
    else:
        of = f"and {pattern_key}={pattern} give", "look at the pattern"
    if len(found) < 2:
        there = [shown(name) for name in sorted(os.listdir(folder))]
        one = f"one checkpoint, {shown(names[0])}" if names else "no checkpoint"
        raise InputError(
            f"{key}={folder} {of[0]} {one}, and a line needs two points; in the folder: {some(there) or 'nothing'}; "
            f"{of[1]}"
        )
    kinds = {re.sub(r"[0-9]+", "*", name): name for name in reversed(names)}
    if len(kinds) > 1 and any(map(NUMBER.search, names)):
        kind, _ = max(((k, sum(_is_of(n, k) for n in names)) for k in kinds), key=lambda pair: pair[1])
        raise InputError(
            f"{key}={folder} holds names of several kinds, whose order nobody knows: {some([*kinds.values()])}; choose "
            f"one, {pattern_key}='{shown(kind)}'"
        )
    for name, path in zip(names, found, strict=True):
        for file in files_of(str(path)):
            if not is_inside(Path(folder), file):
                raise InputError(
                    f"{key}={folder} holds the link {shown(name)}, which leads out of the folder, to "
                    f"{shown(str(file.resolve()))}; name the folder where the files are, or copy them"
                )
        if not files_of(str(path)):
            raise no_file(str(path), key)
    return [str(path) for path in found]


def _is_of(name: str, kind: str) -> bool:
    return re.sub(r"[0-9]+", "*", name) == kind


def names_in(folder: str, paths: Iterable[str]) -> list[str]:
    """What paths below a folder are called there."""
    return [Path(path).relative_to(folder).as_posix() for path in paths]


def is_numbered(names: Sequence[str]) -> bool:
    """Whether the names of points tell when each was saved."""
    return bool(_columns(names))


def numbers_of(names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Epochs and steps [T] of points, where their names differ in numbers that rise; else 0, 1, 2, ...

    ``epoch_3_step_1200.pt`` tells both. Without a word before it that says which it is, the first number that rises is
    both.
    """
    columns = _columns(names)
    first = next(iter(columns.values()), np.arange(len(names)))
    steps = next((columns[word] for word in STEPS if word in columns), None)
    epochs = next((columns[word] for word in EPOCHS if word in columns), first if steps is None else steps)
    return epochs.astype(np.float64), (epochs if steps is None else steps).astype(np.int64)


def _columns(names: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Word -> the numbers after it that rise [T], where names differ in numbers alone."""
    split = [NUMBER.split(name) for name in names]
    columns: dict[str, NDArray[np.int64]] = {}
    if len({tuple(parts[::2]) for parts in split}) == 1:
        for k in range(1, len(split[0]), 2):
            values = [int(parts[k]) for parts in split]
            if max(values) < LARGEST and all(a < b for a, b in pairwise(values)):
                word = re.search(r"([a-zA-Z]*)[^a-zA-Z]*$", split[0][k - 1])
                columns.setdefault(word[1].lower() if word else "", np.array(values))
    return columns
