"""Trained bends on disk: ``bends.npz`` and ``meta.json``, which is written last and holds the digest of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.ground.files import document, temporary
from landscape.store.entry import CorruptEntry, digest_of, plain, read, require, sha256_of
from theory import npz

FORMAT = 1
"""Part of every entry: raise it when the training of bends or this layout changes meaning."""


@dataclass(frozen=True)
class Bends:
    """What the training of S curves comes to.

    Args:
        theta: [B, S, P], on the CPU, in the dtype of training.
        costs: of each epoch [T, S]: the cost of its minibatches, each at a t of its own, while the bends moved.
    """

    theta: Tensor
    costs: NDArray[np.float64]


def save(bends: Bends, entry: Path, description: dict[str, Any]) -> None:
    """Write an entry; ``meta.json`` comes last, by rename, then the checkpoint goes."""
    with temporary.replacing(entry / "bends.npz") as place, place.open("wb") as stream:
        np.savez(stream, theta=bends.theta.numpy(), costs=bends.costs)
    meta = {"format": FORMAT, "description": plain(description), "bends_sha256": sha256_of(entry / "bends.npz")}
    meta["digest"] = digest_of(meta)
    temporary.write_text(entry / "meta.json", json.dumps(meta, indent=1, allow_nan=False))
    (entry / "checkpoint.pt").unlink(missing_ok=True)


def load(entry: Path, description: dict[str, Any] | None = None) -> Bends:
    """Read an entry, of this description if one is given.

    Raises:
        CorruptEntry: naming the file and the fault.
    """
    return read(_load, entry, description)


def _load(entry: Path, description: dict[str, Any] | None) -> Bends:
    for name in ("meta.json", "bends.npz"):  # a pipe would be waited for
        require((entry / name).is_file(), f"{name} is missing, or no regular file")
    try:
        _, meta = document.parsed(entry / "meta.json")
    except ValueError as error:
        raise CorruptEntry(f"meta.json: {error}") from error
    require(meta.pop("digest", None) == digest_of(meta), "meta.json does not have its recorded checksum")
    if description is not None:
        require(meta["description"] == plain(description), "meta.json describes another curve")
    file = entry / "bends.npz"
    require(meta["bends_sha256"] == sha256_of(file), "bends.npz does not have its recorded checksum")
    arrays = npz.read(file, kinds="f")
    theta, costs = arrays["theta"], arrays["costs"]
    require(theta.ndim == 3 and costs.ndim == 2 and theta.shape[1] == costs.shape[1], "bends.npz has lost rows")
    return Bends(torch.from_numpy(theta), costs)
