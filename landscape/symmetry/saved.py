"""Permutations in a file: an npz of whole numbers with a digest, read as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from landscape.errors import InputError
from landscape.ground.files import temporary
from landscape.symmetry.axes import Permutation
from theory import npz

ABOUT = "about"
SCHEMA = 1


def write(
    file: str | Path, lines: Mapping[str, Mapping[str, Permutation]], numbers: Mapping[str, Any] | None = None
) -> None:
    """Keep the permutations of each line.

    Args:
        file: to be replaced.
        lines: {label of a line: {name: permutation}}.
        numbers: what else is known, one for each line.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    names = {label: list(by) for label, by in lines.items()}
    for k, by in enumerate(lines.values()):
        for j, one in enumerate(by.values()):
            arrays[f"{k}.{j}.units"] = one.units.numpy()
            if one.pieces is not None:
                arrays[f"{k}.{j}.pieces"] = one.pieces.numpy()
    about: dict[str, Any] = {"schema": SCHEMA, "names": names, "numbers": dict(numbers or {})}
    about["digest"] = _digest(about, arrays)
    with temporary.replacing(Path(file)) as place, place.open("wb") as stream:
        own = {ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8)}
        np.savez(stream, allow_pickle=False, **own, **arrays)


def read(file: str | Path) -> dict[str, dict[str, Permutation]]:
    """{label of a line: {name: permutation}}, as they were written.

    Raises:
        InputError: there is no such file, or it is not what was written.
    """
    if not Path(file).exists():
        raise InputError(f"there is no file {file}; give the name of one that save wrote")
    try:
        arrays = npz.read(Path(file))
        about = json.loads(bytes(arrays.pop(ABOUT)).decode())
        if about.pop("digest") != _digest(about, arrays):
            raise ValueError("the digest differs")
        if about["schema"] != SCHEMA:
            raise ValueError(f"it has schema {about['schema']!r}, this version reads {SCHEMA}")
        return {
            label: {name: _permutation(arrays, f"{k}.{j}") for j, name in enumerate(names)}
            for k, (label, names) in enumerate(about["names"].items())
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file} holds no permutations, or is damaged ({error}); align anew and save them") from error


def _permutation(arrays: Mapping[str, Any], key: str) -> Permutation:
    """One of them; ValueError where something comes twice."""
    units, pieces = arrays[f"{key}.units"], arrays.get(f"{key}.pieces")
    for orders in [units[None], *([] if pieces is None else [pieces])]:
        if not np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(orders.shape[1]), (len(orders), 1))):
            raise ValueError(f"{key} is no permutation")
    if pieces is not None and len(pieces) != len(units):
        raise ValueError(f"{key} has pieces of {len(pieces)} units, and {len(units)} units")
    return Permutation(torch.from_numpy(units).long(), None if pieces is None else torch.from_numpy(pieces).long())


def _digest(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"|{name} {arrays[name].shape} {arrays[name].dtype}|".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
